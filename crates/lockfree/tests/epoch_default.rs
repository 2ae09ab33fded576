//! The collector that all threads have, in a process of its own: how many records it makes.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_lockfree::epoch;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

/// Threads come and go; what is due runs in the first pin of some of them, and as some end, and
/// pins itself. Each thread has one record meanwhile.
#[test]
fn threads_that_come_and_go_share_a_record() {
    let ran = Arc::new(AtomicUsize::new(0));
    let nested = Arc::new(AtomicUsize::new(0));
    for number in 0..300 {
        {
            let (ran, nested) = (ran.clone(), nested.clone());
            epoch::pin().defer(move || {
                nested.fetch_add(usize::from(epoch::is_pinned()), SeqCst);
                drop(epoch::pin());
                ran.fetch_add(1, SeqCst);
            });
        }
        // Not yet due, but by the next advance.
        (0..2).for_each(|_| epoch::pin().flush());
        thread::spawn(move || (0..1 + number % 3).for_each(|_| drop(epoch::pin())))
            .join()
            .unwrap();
    }
    assert!(ran.load(SeqCst) >= 290, "{} ran", ran.load(SeqCst));
    // Whoever runs it is pinned, in the same record.
    assert_eq!(nested.load(SeqCst), ran.load(SeqCst));
    assert_eq!(epoch::default_collector().stats().records, 2);
}

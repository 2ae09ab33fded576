//! Thread records: one for each living thread, recycled.
#![cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]

use counterpoint_base::prim::atomic::RELAXED;
use counterpoint_base::record::{self, Record, RecordRef};
use std::collections::HashSet;
use std::sync::mpsc;

fn index() -> usize {
    record::with(|record| record.index())
}

/// The indices that `count` threads, one after the other, send.
fn indices(count: usize, body: fn(mpsc::Sender<usize>)) -> HashSet<usize> {
    let (send, receive) = mpsc::channel();
    for _ in 0..count {
        let send = send.clone();
        std::thread::spawn(move || body(send)).join().unwrap();
    }
    drop(send);
    receive.into_iter().collect()
}

/// Other tests of this file run beside, with a few threads each.
const FEW: usize = 100;

#[test]
fn records_of_ended_threads_are_used_again() {
    let threads = if cfg!(miri) { 200 } else { 1_000 };
    let seen = indices(threads, |send| send.send(index()).unwrap());
    assert!(
        !seen.is_empty() && seen.len() <= FEW,
        "{} records for 1,000 threads",
        seen.len()
    );
}

#[test]
fn who_looks_takes_no_record() {
    let mine = record::with(|record| &raw const **record as usize);
    let look = move || {
        assert_eq!(record::with_current(|record| record.index()), None);
        assert!(!record::is_current(mine as *const Record));
        let (taken, index) = record::with(|record| (&raw const **record, record.index()));
        assert_eq!(record::with_current(|record| record.index()), Some(index));
        assert!(record::is_current(taken) && !record::is_current(mine as *const Record));
    };
    std::thread::spawn(look).join().unwrap();
    assert!(record::is_current(mine as *const Record));
}

#[test]
fn living_threads_have_records_of_their_own() {
    let barrier = std::sync::Barrier::new(40);
    let seen: Vec<usize> = std::thread::scope(|s| {
        let threads: Vec<_> = (0..40)
            .map(|_| {
                s.spawn(|| {
                    let mine = index();
                    barrier.wait();
                    assert_eq!(mine, index(), "a thread keeps its record");
                    mine
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 40);
}

/// Sends the index that the thread has while its thread-locals are dropped.
struct SendAtEnd(std::cell::RefCell<Option<mpsc::Sender<usize>>>);

impl Drop for SendAtEnd {
    fn drop(&mut self) {
        let send = self.0.take().unwrap();
        record::with(|record| {
            assert_eq!(record.depth().load(RELAXED), 0);
            // Nested, as when a wait inside runs another one.
            record::with(|again| assert_eq!(again.index(), record.index()));
            send.send(record.index()).unwrap();
        });
        send.send(index()).unwrap();
    }
}

thread_local! {
    static AT_END: SendAtEnd = const { SendAtEnd(std::cell::RefCell::new(None)) };
}

#[test]
fn destructors_of_thread_locals_may_use_the_record() {
    let earlier = indices(200, |send| {
        AT_END.with(|at_end| at_end.0.replace(Some(send)));
        index();
    });
    assert!(
        !earlier.is_empty() && earlier.len() <= FEW,
        "records are lost"
    );
    let later = indices(200, |send| {
        index();
        AT_END.with(|at_end| at_end.0.replace(Some(send)));
    });
    assert!(!later.is_empty() && later.len() <= FEW, "records are lost");
}

#[test]
fn destructors_of_thread_locals_may_be_the_first_to_use_the_record() {
    let seen = indices(200, |send| {
        AT_END.with(|at_end| at_end.0.replace(Some(send)));
    });
    assert!(!seen.is_empty() && seen.len() <= FEW, "records are lost");
}

#[test]
fn raw_record_leads_back() {
    record::with(|record| {
        let raw = RecordRef::into_raw(record.clone());
        // SAFETY: made by `into_raw` above, taken back once.
        let back = unsafe { RecordRef::from_raw(raw) };
        assert_eq!(back.index(), record.index());
    });
}

#[test]
fn wake_up_of_an_ended_thread_is_harmless() {
    let record = std::thread::spawn(|| record::with(|record| record.clone()))
        .join()
        .unwrap();
    record.futex().wake_all();
    record.futex().wake_one();
}

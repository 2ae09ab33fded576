//! What only the inside of a barrier shows.

use super::*;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// One round without a leader does not cost all that follow the lock.
#[test]
fn an_orphan_is_looked_for_by_its_own_round() {
    let raw = RawBarrier::new(1, OnStop::Retract);
    // Nobody waits: the first round has no leader.
    assert_eq!(raw.arrive(), 0);
    let held = raw.queue.lock();
    let (done, is_done) = mpsc::channel();
    let raw = &raw;
    let without_the_lock = thread::scope(|scope| {
        scope.spawn(move || done.send(raw.adopt(1)));
        let got = is_done.recv_timeout(Duration::from_secs(10));
        drop(held);
        got
    });
    assert_eq!(without_the_lock, Ok(false));
    assert!(!raw.adopt(32), "it shares the bit");
    assert!(raw.adopt(0) && !raw.adopt(0));
}

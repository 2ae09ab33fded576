//! The rules that `Notify` has in a form of its own: W3 from both ends, W11 for what is stored.

use super::wakers::{Moment, Probe, caught};
use counterpoint_sync::Notify;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

type Notified<'n> = Pin<Box<counterpoint_sync::notify::Notified<'n>>>;

/// So many, each polled once.
fn line(notify: &Notify, count: usize) -> Vec<(Arc<Probe>, Notified<'_>)> {
    let queued = |_| {
        let (probe, mut wait) = (Probe::new(), Box::pin(notify.notified()));
        assert!(probe.poll(wait.as_mut()).is_pending());
        (probe, wait)
    };
    (0..count).map(queued).collect()
}

fn wakes(line: &[(Arc<Probe>, Notified<'_>)]) -> Vec<usize> {
    line.iter().map(|(probe, _)| probe.wakes()).collect()
}

#[test]
fn w3_dropped_baton_passes_on_once_fifo() {
    let notify = Notify::new();
    let mut line = line(&notify, 4);
    assert_eq!(notify.notify_one(), 1);
    for left in (2..=4).rev() {
        let mut expected = vec![0; left];
        expected[0] = 1;
        assert_eq!(wakes(&line), expected);
        drop(line.remove(0));
    }
    let (probe, mut last) = line.remove(0);
    assert_eq!(probe.wakes(), 1);
    assert!(probe.poll(last.as_mut()).is_ready());
}

#[test]
fn w3_dropped_baton_passes_on_once_lifo() {
    let notify = Notify::new();
    let mut line = line(&notify, 4);
    assert_eq!(notify.notify_last(), 1);
    for left in (2..=4).rev() {
        let mut expected = vec![0; left];
        expected[left - 1] = 1;
        assert_eq!(wakes(&line), expected);
        drop(line.pop());
    }
    // The last one to pass it on stores it.
    drop(line.pop());
    assert!(Probe::new().poll(pin!(notify.notified())).is_ready());
    assert!(Probe::new().poll(pin!(notify.notified())).is_pending());
}

#[test]
fn w3_a_broadcast_is_not_passed_on() {
    let notify = Notify::new();
    let early = line(&notify, 2);
    assert_eq!(notify.notify_all(), 2);
    let late = line(&notify, 1);
    drop(early);
    assert_eq!(wakes(&late), [0]);
}

#[test]
fn w5_a_panicking_wake_up_loses_no_other() {
    let notify = Notify::new();
    let (bad, armed) = Probe::panicking(Moment::Wake);
    let mut first = Box::pin(notify.notified());
    assert!(bad.poll(first.as_mut()).is_pending());
    let line = line(&notify, 70);
    armed.store(true, Ordering::SeqCst);
    caught(Moment::Wake, || {
        notify.notify_all();
    });
    assert_eq!(wakes(&line), [1; 70]);
    assert!(bad.poll(first.as_mut()).is_ready());
}

#[test]
fn w11_what_was_done_before_a_stored_permit_is_seen_after_its_use() {
    const ROUNDS: u64 = 2_000;
    let (there, back) = (Notify::new(), Notify::new());
    let value = AtomicU64::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                value.store(round, Ordering::Relaxed);
                there.notify_one();
                back.wait();
            }
        });
        for round in 1..=ROUNDS {
            there.wait();
            assert_eq!(value.load(Ordering::Relaxed), round);
            back.notify_one();
        }
    });
}

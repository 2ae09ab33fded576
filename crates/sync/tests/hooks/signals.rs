//! What `Notify` tells the hooks.

use super::{TOLD, begin, told};
use counterpoint_sync::{AutoResetEvent, Condvar, Latch, ManualResetEvent, Mutex, Notify};
use counterpoint_wait::hooks::{self, What};
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_way_to_wait_tells_its_own_place() {
    begin();
    let notify = Arc::new(Notify::new());
    let soon = Duration::from_millis(1);
    let later = Instant::now() + Duration::from_millis(300);
    let line = line!();
    assert!(notify.wait_timeout(soon).is_err());
    assert!(notify.wait_deadline(Instant::now() + soon).is_err());
    assert!(notify.wait_until_timeout(soon, || false).is_err());
    assert!(notify.wait_until_deadline(later, || false).is_err());
    assert!(poll(pin!(notify.notified())).is_pending());
    assert!(poll(pin!(notify.notified_owned())).is_pending());
    assert!(poll(pin!(notify.wait_until_async(|| false))).is_pending());
    let all = TOLD.take();
    assert_eq!(all.len(), 14);
    for (index, pair) in all.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Waiting, What::Left));
        assert_eq!(pair[0].kind, "Notify::notified");
        assert_eq!(pair[0].site.file(), file!());
        assert_eq!(pair[0].site.line() - line, 1 + index as u32);
    }
}

#[test]
fn a_predicate_waits_at_one_place_however_often_it_looks() {
    begin();
    let notify = Notify::new();
    let ready = Cell::new(false);
    let line = line!() + 1;
    let mut until = pin!(notify.wait_until_async(|| ready.get()));
    for _ in 0..2 {
        assert!(poll(until.as_mut()).is_pending());
        notify.notify_all();
    }
    assert!(poll(until.as_mut()).is_pending());
    ready.set(true);
    notify.notify_one();
    assert!(poll(until).is_ready());
    let all = TOLD.take();
    let waits = all.iter().filter(|notice| notice.what == What::Waiting);
    assert_eq!(waits.count(), 3);
    assert!(all.iter().all(|notice| notice.site.line() == line));
}

#[test]
fn a_signal_is_named_and_shows_who_waits() {
    begin();
    let notify = Notify::new();
    notify.named("changed");
    let mut waits = [notify.notified(), notify.notified()].map(Box::pin);
    for wait in &mut waits {
        assert!(poll(wait.as_mut()).is_pending());
    }
    assert_eq!(notify.waiters().len(), 2);
    let object = TOLD.take()[0].object;
    assert_eq!(hooks::name_of(object), Some("changed"));
    notify.notify_one();
    assert_eq!(notify.waiters().len(), 1);
    told();
    drop(waits);
    // What the first was told goes on to the second.
    assert_eq!(told(), [What::Granted, What::Left, What::Left]);
}

#[test]
fn a_wait_for_a_condition_tells_that_the_mutex_is_given_back() {
    begin();
    let (mutex, condvar) = (Mutex::new(()), Condvar::new());
    let mut guard = mutex.lock();
    told();
    let soon = Duration::from_millis(1);
    let line = line!() + 1;
    assert!(condvar.wait_timeout(&mut guard, soon).is_err());
    let all = TOLD.take();
    let what: Vec<_> = all.iter().map(|notice| notice.what).collect();
    assert_eq!(
        what,
        [What::Waiting, What::Released, What::Left, What::Held]
    );
    assert_eq!((all[0].kind, all[3].kind), ("Condvar::wait", "MutexGuard"));
    for index in [0, 3] {
        let site = (all[index].site.file(), all[index].site.line());
        assert_eq!(site, (file!(), line));
    }
    drop(guard);
    told();
    // One that is dropped while it takes the mutex again.
    let mut wait = Box::pin(condvar.wait_async(mutex.lock()));
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(condvar.waiters().len(), 1);
    let held = mutex.lock();
    condvar.notify_one();
    assert!(poll(wait.as_mut()).is_pending());
    told();
    drop(wait);
    assert_eq!(told(), [What::Left]);
    drop(held);
}

#[test]
fn gates_tell_who_waits_where() {
    begin();
    let (gate, turnstile, latch) = (
        ManualResetEvent::new(false),
        AutoResetEvent::new(false),
        Latch::new(9),
    );
    let soon = Duration::from_millis(1);
    let line = line!();
    assert!(gate.wait_timeout(soon).is_err());
    assert!(gate.wait_deadline(Instant::now()).is_err());
    assert!(poll(pin!(gate.wait_async())).is_pending());
    assert!(turnstile.wait_timeout(soon).is_err());
    assert!(turnstile.wait_deadline(Instant::now()).is_err());
    assert!(poll(pin!(turnstile.wait_async())).is_pending());
    assert!(latch.wait_timeout(soon).is_err());
    assert!(latch.wait_deadline(Instant::now()).is_err());
    assert!(poll(pin!(latch.arrive_and_wait_async())).is_pending());
    let all = TOLD.take();
    assert_eq!(all.len(), 18);
    let kinds = [
        "ManualResetEvent::wait",
        "AutoResetEvent::wait",
        "Latch::wait",
    ];
    for (index, pair) in all.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Waiting, What::Left));
        assert_eq!(pair[0].kind, kinds[index / 3]);
        assert_eq!(pair[0].site.line() - line, 1 + index as u32);
    }
    let waits = [gate.waiters(), turnstile.waiters(), latch.waiters()];
    assert!(waits.iter().all(Vec::is_empty));
}

//! What the barrier tells the hooks.

use super::{TOLD, begin, told};
use counterpoint_sync::Barrier;
use counterpoint_wait::hooks::{self, What};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_way_to_wait_tells_its_own_place() {
    begin();
    let barrier = Barrier::new(9);
    let soon = Duration::from_millis(1);
    let early = [(); 3].map(|()| barrier.arrive());
    let [one, two, three] = early;
    told();
    let line = line!();
    assert!(barrier.wait_timeout(soon).is_err());
    assert!(barrier.wait_deadline(Instant::now() + soon).is_err());
    assert!(poll(pin!(barrier.wait_async())).is_pending());
    assert!(one.wait_timeout(soon).is_err());
    assert!(two.wait_deadline(Instant::now() + soon).is_err());
    assert!(poll(pin!(three.wait_async())).is_pending());
    let all = TOLD.take();
    let waits: Vec<_> = all.iter().filter(|it| it.kind == "Barrier::wait").collect();
    assert_eq!(waits.len(), 12);
    for (index, pair) in waits.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Waiting, What::Left));
        assert_eq!(pair[0].site.file(), file!());
        assert_eq!(pair[0].site.line() - line, 1 + index as u32);
    }
    let released = all.iter().filter(|it| it.what == What::Released);
    assert_eq!(released.count(), 3, "an arrival that is waited for");
}

#[test]
fn an_arrival_is_held_until_it_is_waited_for() {
    begin();
    let barrier = Barrier::new(2);
    barrier.named("phase");
    let line = line!() + 1;
    let early = barrier.arrive();
    let held = TOLD.take();
    assert_eq!(
        (held[0].what, held[0].kind, held[0].site.line()),
        (What::Held, "Arrival", line)
    );
    assert_eq!(hooks::name_of(held[0].object), Some("phase"));
    let mut wait = pin!(early.wait_async());
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(barrier.waiters().len(), 1);
    assert!(barrier.try_wait().is_some() && poll(wait).is_ready());
    let all = [What::Released, What::Waiting, What::Granted, What::Taken];
    assert_eq!(told(), all);
    assert!(barrier.waiters().is_empty());
}

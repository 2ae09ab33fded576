//! What a wait group tells the hooks.

use super::{TOLD, begin, told};
use counterpoint_sync::WaitGroup;
use counterpoint_wait::hooks::{self, What};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn each_handle_is_held_until_it_is_dropped() {
    begin();
    let line = line!();
    let group = WaitGroup::new();
    let other = group.clone();
    drop(other);
    drop(group);
    let all = TOLD.take();
    let what: Vec<_> = all
        .iter()
        .map(|notice| (notice.what, notice.site.line() - line))
        .collect();
    let (held, released) = (What::Held, What::Released);
    assert_eq!(what, [(held, 1), (held, 2), (released, 2), (released, 1)]);
    assert_eq!((all[0].id, all[1].id), (all[3].id, all[2].id));
    for notice in &all {
        assert_eq!((notice.kind, notice.units), ("WaitGroup", 1));
        assert_eq!(notice.object, all[0].object);
        assert_eq!(notice.site.file(), file!());
    }
}

#[test]
fn a_unit_is_lent_while_its_handle_waits() {
    begin();
    let group = WaitGroup::new();
    let other = group.clone();
    assert_eq!(told(), [What::Held, What::Held]);
    // By value: the handle ends, or comes back.
    let late = group.wait_timeout(Duration::from_millis(1)).unwrap_err();
    assert_eq!(told(), [What::Lent, What::Waiting, What::Left, What::Back]);
    let group = late.into_inner();
    {
        let mut wait = pin!(group.wait_ref_async());
        assert!(poll(wait.as_mut()).is_pending());
        assert_eq!(told(), [What::Lent, What::Waiting]);
    }
    assert_eq!(told(), [What::Left, What::Back]);
    {
        let mut wait = pin!(group.wait_ref_async());
        assert!(poll(wait.as_mut()).is_pending());
        drop(other);
        assert!(poll(wait.as_mut()).is_ready());
    }
    let all = TOLD.take();
    let what: Vec<_> = all.iter().map(|notice| notice.what).collect();
    let (lent, waiting) = (What::Lent, What::Waiting);
    let (released, granted) = (What::Released, What::Granted);
    assert_eq!(
        what,
        [lent, waiting, released, granted, What::Back, What::Taken]
    );
    assert_eq!((all[0].id, all[0].kind), (all[4].id, "WaitGroup"));
    assert_eq!(all[1].kind, "WaitGroup::wait_ref");
    assert_eq!(all[1].site.file(), file!());
    // Alone: nothing is lent.
    group.wait_ref();
    group.wait();
    assert_eq!(told(), [What::Released]);
}

#[test]
fn a_wait_by_value_ends_its_unit_once() {
    begin();
    let group = WaitGroup::new();
    let other = group.clone();
    {
        let mut wait = pin!(group.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        told();
        drop(other);
        assert_eq!(told(), [What::Released, What::Granted]);
        assert!(poll(wait.as_mut()).is_ready());
        assert_eq!(told(), [What::Released, What::Taken]);
    }
    assert!(told().is_empty());
    let group = WaitGroup::new();
    let other = group.clone();
    {
        let mut wait = pin!(group.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        told();
    }
    // Dropped: the unit comes back, and its handle with it.
    assert_eq!(told(), [What::Left, What::Back, What::Released]);
    {
        let group = other.clone();
        let mut wait = pin!(group.wait_async());
        assert!(poll(wait.as_mut()).is_pending());
        drop(other);
        told();
    }
    // Dropped after the generation ended: nothing comes back.
    assert_eq!(told(), [What::Left, What::Released]);
    let never_polled = WaitGroup::new().wait_async();
    told();
    drop(never_polled);
    assert_eq!(told(), [What::Released]);
}

#[test]
fn a_group_is_named_and_shows_who_waits() {
    begin();
    let group = WaitGroup::new();
    let other = group.clone();
    other.named("walkers");
    let object = TOLD.take()[0].object;
    assert_eq!(hooks::name_of(object), Some("walkers"));
    let mut wait = pin!(group.wait_ref_async());
    assert!(poll(wait.as_mut()).is_pending());
    let waiters = other.waiters();
    assert_eq!((waiters.len(), waiters[0].kind), (1, "WaitGroup::wait_ref"));
}

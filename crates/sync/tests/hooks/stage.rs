//! What a stage tells the hooks.

use super::{TOLD, begin, told};
use counterpoint_sync::stage::{Entered, Exit, Stage};
use counterpoint_wait::hooks::{self, What};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn tickets_and_headships_are_held() {
    begin();
    let stage: Stage<u32, (), ()> = Stage::new((), ());
    stage.named("the stage");
    let line = line!();
    let ticket = stage.ticket(1).unwrap();
    let exit = stage.enter(ticket, None, |_| ());
    assert_eq!(exit, Exit::Finished(()));
    let all = TOLD.take();
    let what: Vec<_> = all
        .iter()
        .map(|notice| (notice.what, notice.kind, notice.site.line() - line))
        .collect();
    let expected = [
        (What::Held, "Ticket", 1),
        (What::Held, "Director", 2),
        (What::Released, "Director", 2),
        (What::Released, "Ticket", 1),
    ];
    assert_eq!(what, expected);
    for notice in &all {
        assert_eq!(notice.site.file(), file!());
        assert_eq!(hooks::name_of(notice.object), Some("the stage"));
    }
}

#[test]
fn a_wait_is_told_until_it_ends() {
    begin();
    let stage: Stage<u32, (), ()> = Stage::new((), ());
    let Entered::Head(head) = stage.enter_async(stage.ticket(0).unwrap()).wait() else {
        panic!("nobody else is there");
    };
    let mut ticket = stage.ticket(1).unwrap();
    told();
    // It times out.
    let short = Some(Duration::from_millis(1));
    assert_eq!(stage.enter(&mut ticket, short, |_| ()), Exit::Timeout);
    assert_eq!(told(), [What::Waiting, What::Left]);
    // It is notified.
    {
        let mut enter = pin!(stage.enter_async(&mut ticket));
        assert!(poll(enter.as_mut()).is_pending());
        assert_eq!(stage.waiters().len(), 1);
        assert_eq!(stage.waiters()[0].kind, "Stage::enter");
        assert!(stage.notify(&1));
        assert!(stage.waiters().is_empty());
        assert!(matches!(poll(enter), Poll::Ready(Entered::Token)));
    }
    assert_eq!(told(), [What::Waiting, What::Granted, What::Taken]);
    // It is promoted, and the guard moves on.
    {
        let mut enter = pin!(stage.enter_async(&mut ticket));
        assert!(poll(enter.as_mut()).is_pending());
        drop(head);
        let Poll::Ready(Entered::Head(head)) = poll(enter) else {
            panic!("it was promoted");
        };
        drop(head);
    }
    let (held, released) = (What::Held, What::Released);
    let expected = [
        What::Waiting,
        released, // the first headship,
        What::Granted,
        released, // and the ticket that it kept
        What::Taken,
        held,
        released,
    ];
    assert_eq!(told(), expected);
}

#[test]
fn a_panic_in_the_head_is_told_as_its_end() {
    begin();
    let stage: Stage<u32, (), ()> = Stage::new((), ());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let ticket = stage.ticket(1).unwrap();
        stage.enter(ticket, None, |_| panic!("the head panics"))
    }));
    assert!(panicked.is_err());
    let (held, released) = (What::Held, What::Released);
    assert_eq!(told(), [held, held, released, released]);
}

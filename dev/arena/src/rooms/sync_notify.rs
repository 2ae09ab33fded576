//! `sync/notify`: one task tells another that something happened.

use std::future::Future;
use std::sync::Arc;

use crate::book::{Book, Bound, Scenario, Subject};
use crate::drive::tasks::Executor;

const PING_PONG: &str = "sync/notify/ping_pong";

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(PING_PONG, "two tasks wake each other in turn")
            .unit("ns/wake-up")
            .at_least(200)
            .waits()
            .beats(1.2, &["tokio", "event-listener"])
            .bound(Bound::NoAllocations),
    );
}

/// Something that a task waits for and that stays signalled until it has come.
pub(crate) trait Signal: 'static {
    type Signal: Send + Sync + 'static;
    fn new() -> Self::Signal;
    fn send(signal: &Self::Signal);
    fn wait(signal: &Self::Signal) -> impl Future<Output = ()> + Send;
}

/// Enters a signal.
pub(crate) fn for_tasks<S: Signal>(book: &mut Book, name: &'static str) {
    let subject = Subject::new(name, || {
        let executor = Executor::new();
        let signals = Arc::new([S::new(), S::new()]);
        move |ops| {
            executor.together(2, ops, |task, each| {
                let signals = signals.clone();
                async move {
                    let [ping, pong] = &*signals;
                    for _ in 0..each {
                        if task == 0 {
                            S::send(ping);
                            S::wait(pong).await;
                        } else {
                            S::wait(ping).await;
                            S::send(pong);
                        }
                    }
                }
            })
        }
    });
    book.subject(PING_PONG, subject.bytes(size_of::<S::Signal>()));
}

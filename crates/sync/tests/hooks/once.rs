//! What cells that are filled once tell the hooks.

use super::{TOLD, begin, pairs_of_lines, told};
use counterpoint_sync::{Claim, LazyCell, Once, OnceCell};
use counterpoint_wait::hooks::{self, What};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_claim_is_told_with_its_place() {
    begin();
    let cell = OnceCell::<u8>::new();
    let (long, past) = (Duration::from_secs(600), Instant::now());
    let fails = || Err::<u8, ()>(());
    let line = line!();
    drop(cell.claim());
    drop(cell.try_claim());
    drop(cell.claim_timeout(long));
    drop(cell.claim_deadline(past));
    drop(cell.claim_async().wait());
    assert!(cell.get_or_try_init(fails).is_err());
    let _ = cell.get_or_try_init_timeout(long, fails);
    let _ = cell.get_or_try_init_deadline(past, fails);
    let _ = cell.get_or_try_init_async(async || fails()).wait();
    assert_eq!(*cell.get_or_init(|| 1), 1);
    assert_eq!(*cell.get_or_init(|| 1), 1);
    pairs_of_lines(line, file!(), &["OnceInit"; 10]);
    let (once, lazy) = (Once::new(), LazyCell::new(async || 1));
    let line = line!();
    once.call_once(|| ());
    pairs_of_lines(line, file!(), &["OnceInit"]);
    let line = line!();
    assert_eq!(*lazy.force(), 1);
    pairs_of_lines(line, file!(), &["OnceInit"]);
}

#[test]
fn every_wait_is_told_with_its_place() {
    begin();
    let cell = OnceCell::<u8>::new();
    let Some(Claim::Init(init)) = cell.try_claim() else {
        panic!("it is empty");
    };
    told();
    let soon = Duration::from_millis(1);
    let line = line!();
    assert!(cell.claim_timeout(soon).is_err());
    assert!(cell.get_or_init_timeout(soon, || 1).is_err());
    assert!(cell.wait_timeout(soon).is_err());
    assert!(cell.wait_deadline(Instant::now() + soon).is_err());
    assert!(poll(pin!(cell.wait_async())).is_pending());
    assert!(poll(pin!(cell.get_or_init_async(async || 1))).is_pending());
    let all = TOLD.take();
    assert_eq!(all.len(), 12);
    for (index, pair) in all.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Waiting, What::Left));
        assert_eq!(pair[0].site.file(), file!());
        assert_eq!(pair[0].site.line() - line, 1 + index as u32);
    }
    cell.named("config");
    let mut wait = pin!(cell.wait_async());
    assert!(poll(wait.as_mut()).is_pending());
    assert_eq!(cell.waiters().len(), 1);
    assert_eq!(hooks::name_of(TOLD.take()[0].object), Some("config"));
    init.fill(1);
    assert_eq!(told(), [What::Released, What::Granted]);
    assert!(poll(wait).is_ready() && cell.waiters().is_empty());
}

//! Initializers: what is made once is made by the next one if the first panics.

use crate::ignore;
use crate::loud::{Loud, LoudFuture, Moment, boom, now};
use counterpoint_sync::once::{LazyCell, Once, OnceCell, OnceCellError, SetError};
use counterpoint_wait::block_on;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

fn one() -> u8 {
    now(Moment::Call);
    1
}

fn maybe() -> Result<u8, ()> {
    Ok(one())
}

#[test]
fn initializers() {
    let cell = OnceCell::new();
    let later = Instant::now() + Duration::from_secs(5);
    boom(Moment::Call, || *cell.get_or_init(one));
    boom(Moment::Call, || {
        cell.get_or_init_timeout(Duration::ZERO, one).is_ok()
    });
    boom(Moment::Call, || {
        cell.get_or_init_deadline(later, one).is_ok()
    });
    boom(Moment::Call, || cell.get_or_try_init(maybe).is_ok());
    boom(Moment::Call, || {
        cell.get_or_try_init_timeout(Duration::ZERO, maybe).is_ok()
    });
    boom(Moment::Call, || {
        cell.get_or_try_init_deadline(later, maybe).is_ok()
    });
    // As the future is made, and as it is polled.
    boom(Moment::Call, || {
        block_on(cell.get_or_init_async(|| {
            now(Moment::Call);
            async { 1 }
        }));
    });
    boom(Moment::Call, || {
        *block_on(cell.get_or_init_async(async || one()))
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_try_init_async(|| {
            now(Moment::Call);
            async { Ok::<_, ()>(1) }
        }))
        .is_ok()
    });
    boom(Moment::Call, || {
        block_on(cell.get_or_try_init_async(async || maybe())).is_ok()
    });
    assert_eq!(*cell.get_or_init(one), 1);
    for moment in [Moment::Poll, Moment::Drop] {
        let unit = OnceCell::new();
        boom(moment, || {
            block_on(unit.get_or_init_async(LoudFuture::default))
        });
        assert_eq!(*unit.get_or_init(|| ()), ());
    }
}

#[test]
fn what_is_called_once() {
    let once = Once::new();
    let later = Instant::now() + Duration::from_secs(5);
    let call = || now(Moment::Call);
    boom(Moment::Call, || once.call_once(call));
    boom(Moment::Call, || {
        once.call_once_timeout(Duration::ZERO, call).is_ok()
    });
    boom(Moment::Call, || {
        once.call_once_deadline(later, call).is_ok()
    });
    boom(Moment::Call, || {
        block_on(once.call_once_async(|| {
            now(Moment::Call);
            async {}
        }));
    });
    boom(Moment::Call, || {
        block_on(once.call_once_async(async || now(Moment::Call)));
    });
    assert!(!once.is_completed());
    once.call_once(call);
    assert!(once.is_completed());
}

#[test]
fn lazy_values() {
    let cell = LazyCell::new(|| {
        now(Moment::Call);
        async { 1 }
    });
    boom(Moment::Call, || *cell.force());
    assert_eq!(*cell.force(), 1);
    for moment in [Moment::Poll, Moment::Drop] {
        let cell = LazyCell::new(LoudFuture::default);
        boom(moment, || *cell.force());
        assert_eq!(*block_on(cell.force_async()), ());
    }
    let cell = LazyCell::new(async || Loud(1));
    cell.force();
    boom(Moment::Debug, || format!("{cell:?}"));
    boom(Moment::Drop, || ignore(cell));
    let held = Loud(1);
    let cell = LazyCell::new(move || {
        let number = held.number();
        async move { number }
    });
    boom(Moment::Drop, || ignore(cell));
}

#[test]
fn values_of_cells_that_are_filled_once() {
    let cell = OnceCell::with_value(Loud(1));
    let other = OnceCell::with_value(Loud(1));
    boom(Moment::Debug, || format!("{cell:?}"));
    boom(Moment::Clone, || cell.clone());
    boom(Moment::Compare, || cell == other);
    assert!(cell == other.clone());
    boom(Moment::Drop, || ignore(cell));
    let full = other.set(Loud(2)).expect_err("it has a value");
    boom(Moment::Drop, || ignore(full));
    assert_eq!(other.get().map(Loud::number), Some(1));
}

#[test]
fn values_of_what_a_cell_says() {
    let cell = OnceCell::with_value(Loud(1));
    let claim = cell.claim().expect("nobody asks inside of an initializer");
    boom(Moment::Debug, || format!("{claim:?}"));
    ignore(claim);
    let error = |number| OnceCellError::Init(Loud(number));
    boom(Moment::Clone, || error(1).clone());
    boom(Moment::Compare, || error(1) == error(1));
    boom(Moment::Debug, || format!("{:?}", error(1)));
    boom(Moment::Display, || format!("{}", error(1)));
    boom(Moment::Drop, || ignore(error(1)));
    assert!(error(1) == error(1) && error(1) != error(2));
    let full = || cell.set(Loud(2)).expect_err("it has a value");
    boom(Moment::Clone, || full().clone());
    boom(Moment::Compare, || full() == full());
    assert!(full() == SetError::AlreadyInit(Loud(2)));
    // The error of an initializer, on its way out.
    let cell = OnceCell::<u8>::new();
    let failed = || cell.get_or_try_init(|| Err(Loud(1)));
    boom(Moment::Drop, || ignore(failed()));
    assert_eq!(cell.set(1), Ok(()));
}

/// Drops a future that fills the cell: before its first poll, after it, and after a call that
/// waited for another one. The cell is empty then, and another one may fill it.
fn dropped_with<F, Fut>(cell: &OnceCell<()>, make: impl Fn() -> F)
where
    F: Future<Output = Fut>,
{
    let mut cx = Context::from_waker(Waker::noop());
    let free = || assert!(cell.try_claim().is_some() && !cell.is_initialized());
    let unpolled = make();
    boom(Moment::Drop, || ignore(unpolled));
    free();
    let mut polled = Box::pin(make());
    assert!(polled.as_mut().poll(&mut cx).is_pending());
    assert!(cell.try_claim().is_none());
    boom(Moment::Drop, || ignore(polled));
    free();
    let claim = cell.try_claim();
    let mut waits = Box::pin(make());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    boom(Moment::Drop, || ignore(waits));
    ignore(claim);
    free();
}

#[test]
fn initializers_that_are_dropped() {
    let cell = OnceCell::new();
    // The function: it is kept until there is a claim, and its future keeps what it had.
    dropped_with(&cell, || {
        let held = Loud(1);
        cell.get_or_init_async(move || async move {
            let never = std::future::pending::<()>();
            never.await;
            ignore(held.number());
        })
    });
    dropped_with(&cell, || {
        let held = Loud(1);
        cell.get_or_try_init_async(move || async move {
            let never = std::future::pending::<()>();
            never.await;
            ignore(held.number());
            Ok::<(), ()>(())
        })
    });
    // The future, as it is done and as another one has filled the cell meanwhile.
    boom(Moment::Drop, || {
        block_on(cell.get_or_init_async(LoudFuture::default))
    });
    let tried = OnceCell::new();
    let done = || async {
        LoudFuture::default().await;
        Ok::<(), ()>(())
    };
    boom(Moment::Drop, || {
        block_on(tried.get_or_try_init_async(done)).is_ok()
    });
    let full = OnceCell::with_value(());
    let held = Loud(1);
    let init = full.get_or_init_async(move || async move { ignore(held.number()) });
    boom(Moment::Drop, || block_on(init));
    assert!(full.is_initialized());
}

#[test]
fn futures_that_bound_an_initializer() {
    let cell = OnceCell::new();
    let claim = cell.try_claim();
    for moment in [Moment::Poll, Moment::Drop] {
        boom(moment, || {
            let bounded = cell.get_or_init_async(async || ());
            ignore(block_on(bounded.until(LoudFuture::default())));
        });
        boom(moment, || {
            let bounded = cell.get_or_try_init_async(async || Ok::<_, ()>(()));
            ignore(bounded.until(LoudFuture::default()).wait());
        });
    }
    ignore(claim);
    assert_eq!(cell.get_or_init_async(async || ()).wait(), &());
    // One that was polled, bounded and dropped while it waits.
    let cell = OnceCell::<u8>::new();
    let claim = cell.try_claim();
    let mut cx = Context::from_waker(Waker::noop());
    {
        let bounded = cell.get_or_init_async(async || 1);
        let mut bounded = pin!(bounded.until(std::future::pending::<()>()));
        assert!(bounded.as_mut().poll(&mut cx).is_pending());
    }
    ignore(claim);
    assert_eq!(cell.set(1), Ok(()));
}

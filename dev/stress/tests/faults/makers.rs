//! Initializers and stages: what is made once is made by the next one if the first panics.

use crate::ignore;
use crate::loud::{Loud, LoudFuture, Moment, boom, now};
use counterpoint_sync::once::{LazyCell, Once, OnceCell};
use counterpoint_sync::stage::Stage;
use counterpoint_wait::block_on;
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
fn stages() {
    let stage: Stage<Loud, Loud, Loud> = Stage::new(Loud(1), Loud(2));
    boom(Moment::Hash, || stage.ticket(Loud(7)).is_some());
    let ticket = stage.ticket(Loud(7)).expect("nobody has it");
    boom(Moment::Debug, || format!("{ticket:?}"));
    boom(Moment::Compare, || stage.ticket(Loud(7)).is_some());
    boom(Moment::Hash, || stage.notify(&Loud(7)));
    boom(Moment::Compare, || stage.notify(&Loud(7)));
    boom(Moment::Call, || {
        stage.enter(ticket, None, |_| now(Moment::Call))
    });
    let ticket = stage.ticket(Loud(8)).expect("nobody has it");
    boom(Moment::Call, || {
        stage.enter(ticket, None, |head| head.buffer(|_| now(Moment::Call)))
    });
    assert!(!stage.is_headed());
    let ticket = stage.ticket(Loud(9)).expect("nobody has it");
    boom(Moment::Drop, || ignore(ticket));
    assert!(stage.ticket(Loud(9)).is_some());
    boom(Moment::Drop, || ignore(stage));
}

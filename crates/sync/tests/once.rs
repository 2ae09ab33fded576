//! Cells that are filled once, form by form.

mod task;

use counterpoint_sync::{Claim, LazyCell, Once, OnceCell, OnceCellError, SetError};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on, select, select_async};
use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::panic::{self, AssertUnwindSafe};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};
use task::Task;

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(600);

fn panics<R>(f: impl FnOnce() -> R) -> bool {
    panic::catch_unwind(AssertUnwindSafe(f)).is_err()
}

fn begun<T>(cell: &OnceCell<T>) -> counterpoint_sync::OnceInit<'_, T> {
    match cell.try_claim() {
        Some(Claim::Init(init)) => init,
        _ => panic!("it is empty"),
    }
}

#[test]
fn it_is_filled_once() {
    let mut cell = OnceCell::new();
    assert_eq!((cell.get(), cell.is_initialized()), (None, false));
    assert_eq!(*cell.get_or_init(|| 1), 1);
    assert_eq!(*cell.get_or_init(|| unreachable!()), 1);
    assert_eq!(cell.set(2), Err(SetError::AlreadyInit(2)));
    assert_eq!(cell.set(2).unwrap_err().into_inner(), 2);
    assert_eq!(cell, OnceCell::with_value(1));
    assert_eq!(cell.clone().into_inner(), Some(1));
    *cell.get_mut().unwrap() += 1;
    assert_eq!(
        (cell.take(), cell.take(), cell.get_mut()),
        (Some(2), None, None)
    );
    assert_eq!(cell.set(3), Ok(()));
    assert_eq!(
        format!("{cell:?} {:?}", OnceCell::<u8>::new()),
        "OnceCell(3) OnceCell(<empty>)"
    );
}

#[test]
fn every_form_waits_for_another_initializer() {
    let cell = OnceCell::new();
    let token = CancelToken::new();
    let ctl = Ctl::new().cancel(&token);
    let init = begun(&cell);
    let (timed_out, past) = (Some(OnceCellError::TimedOut), Instant::now());
    assert_eq!(cell.set(1), Err(SetError::Initializing(1)));
    assert!(cell.is_initializing() && !cell.is_initialized());
    assert!(cell.try_claim().is_none());
    assert_eq!(cell.claim_timeout(SHORT).err(), timed_out);
    assert_eq!(cell.claim_deadline(past).err(), timed_out);
    assert_eq!(cell.get_or_init_timeout(SHORT, || 1).err(), timed_out);
    assert_eq!(cell.get_or_init_deadline(past, || 1).err(), timed_out);
    let never = || Err::<u8, ()>(());
    assert!(cell.get_or_try_init_timeout(SHORT, never) == Err(OnceCellError::TimedOut));
    assert!(cell.get_or_try_init_deadline(past, never) == Err(OnceCellError::TimedOut));
    let wait = |d| cell.get_or_init_async(async || 1).timeout(d).wait();
    assert_eq!(
        (wait(SHORT).err(), wait(Duration::ZERO).err()),
        (timed_out, timed_out)
    );
    let until = cell.get_or_init_async(async || 1).until(ready(()));
    assert_eq!(block_on(until), Err(OnceCellError::Cancelled));
    let stopped = cell.get_or_try_init_async(async || never()).deadline(past);
    assert_eq!(stopped.wait(), Err(OnceCellError::TimedOut));
    assert_eq!(cell.wait_timeout(SHORT), Err(Stop::TimedOut));
    assert_eq!(cell.wait_deadline(past), Err(Stop::TimedOut));
    let mut by_token = Task::queued(cell.get_or_init_async(async || 1).with(&ctl));
    let mut waits = Task::queued(cell.wait_async());
    let mut claims = Task::queued(cell.claim_async());
    let mut gets = Task::queued(cell.get_or_init_async(async || 1));
    token.cancel("enough");
    assert_eq!(by_token.ready(), Err(OnceCellError::Cancelled));
    assert_eq!(*init.fill(7), 7);
    assert_eq!((waits.woken(), claims.woken(), gets.woken()), (1, 1, 1));
    assert_eq!((*waits.ready(), *gets.ready()), (7, 7));
    assert!(matches!(claims.ready(), Ok(Claim::Full(7))));
    assert!(matches!(
        cell.claim_timeout(Duration::ZERO),
        Ok(Claim::Full(7))
    ));
    assert_eq!((*cell.wait(), cell.wait_deadline(past)), (7, Ok(&7)));
    assert_eq!(
        cell.get_or_init_async(async || 1).deadline(past).wait(),
        Ok(&7)
    );
    // Cancelled already: nothing is tried.
    assert!(cell.is_initialized() && !cell.is_initializing());
    let empty = OnceCell::<u8>::new();
    assert!(!empty.is_initialized() && !empty.is_initializing());
    let stopped = empty
        .get_or_init_async(async || -> u8 { unreachable!() })
        .with(&ctl);
    assert_eq!(stopped.wait(), Err(OnceCellError::Cancelled));
}

/// A bound that is ready at once does not win over an initializer that is, and bounds add up.
#[test]
fn a_bound_stops_what_is_not_done() {
    let cell = OnceCell::new();
    let at_once = cell.get_or_init_async(async || 1).until(ready(()));
    assert_eq!(block_on(at_once), Ok(&1));
    let cell = OnceCell::new();
    let late = cell.get_or_init_async(pending).timeout(LONG);
    let late = late.until(pending::<()>()).deadline(Instant::now());
    assert_eq!(late.wait(), Err(OnceCellError::TimedOut));
    let stopped = cell.get_or_init_async(pending).until(ready(()));
    assert_eq!(stopped.timeout(LONG).wait(), Err(OnceCellError::Cancelled));
    assert_eq!(cell.set(2), Ok(()));
}

/// A claim that was queued before the initializer polls it is told as well.
#[test]
fn a_queued_claim_is_told_that_it_would_wait_for_itself() {
    let cell = OnceCell::<u8>::new();
    let claim = std::cell::RefCell::new(Box::pin(cell.claim_async()));
    let poll_claim = |cx: &mut Context<'_>| claim.borrow_mut().as_mut().poll(cx);
    let mut rounds = 0;
    let mut fills = Task::queued(cell.get_or_init_async(|| {
        std::future::poll_fn(|cx| {
            rounds += 1;
            if rounds == 1 {
                return Poll::Pending;
            }
            match poll_claim(cx) {
                Poll::Ready(Err(OnceCellError::Reentrant)) => Poll::Ready(5),
                other => panic!("{other:?}"),
            }
        })
    }));
    assert!(poll_claim(&mut Context::from_waker(std::task::Waker::noop())).is_pending());
    assert_eq!(*fills.ready(), 5);
}

#[test]
fn a_claim_that_was_forgotten_ends_with_exclusive_access() {
    let mut cell = OnceCell::<u8>::new();
    std::mem::forget(begun(&cell));
    assert_eq!(cell.set(1), Err(SetError::Initializing(1)));
    assert_eq!(cell.take(), None);
    assert_eq!(cell.set(1), Ok(()));
    assert_eq!(cell.into_inner(), Some(1));
}

#[test]
fn a_failed_initializer_leaves_it_empty_and_the_next_runs_its_own() {
    let cell = OnceCell::new();
    assert_eq!(
        cell.get_or_try_init(|| Err("no")),
        Err(OnceCellError::Init("no"))
    );
    let mut fails = Task::queued(cell.get_or_try_init_async(async || {
        tick().await;
        Err("not now")
    }));
    let waits = Task::queued(cell.wait_async());
    let mut second = Task::queued(cell.get_or_try_init_async(async || Ok::<_, &str>(2)));
    let third = Task::queued(cell.get_or_init_async(async || 3));
    assert_eq!(fails.ready(), Err(OnceCellError::Init("not now")));
    // Any of those who would fill it may, whichever is polled; who only waits is not woken.
    assert_eq!((waits.woken(), second.woken(), third.woken()), (0, 1, 1));
    assert_eq!(second.ready(), Ok(&2));
    assert_eq!((waits.woken(), cell.get()), (1, Some(&2)));
}

/// Pending once.
fn tick() -> impl Future<Output = ()> {
    let mut first = true;
    std::future::poll_fn(move |cx| match std::mem::take(&mut first) {
        true => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        false => Poll::Ready(()),
    })
}

#[test]
fn a_panicking_initializer_leaves_it_empty() {
    let cell = OnceCell::new();
    assert!(panics(|| cell.get_or_init(|| panic!("no"))));
    assert!(panics(|| block_on(
        cell.get_or_init_async(async || -> u8 { panic!("no") })
    )));
    let mut running = Task::queued(cell.get_or_init_async(async || -> u8 {
        tick().await;
        panic!("late")
    }));
    let mut next = Task::queued(cell.get_or_init_async(async || 2));
    assert!(panics(|| running.poll()));
    assert_eq!((next.woken(), *next.ready()), (1, 2));
    assert!(panics(|| running.poll()), "it is over");
    assert!(panics(|| next.poll()), "it is over");
}

#[test]
fn a_cancelled_initializer_is_dropped_before_another_begins() {
    struct Tell<'c>(&'c Cell<u32>, &'c OnceCell<u8>);
    impl Drop for Tell<'_> {
        fn drop(&mut self) {
            assert!(self.1.try_claim().is_none());
            self.0.set(self.0.get() + 1);
        }
    }
    let (cell, dropped) = (OnceCell::new(), Cell::new(0));
    let make = || async {
        let _tell = Tell(&dropped, &cell);
        pending::<u8>().await
    };
    drop(Task::queued(cell.get_or_init_async(make)));
    assert_eq!(dropped.get(), 1);
    assert!(cell.get_or_init_async(make).timeout(SHORT).wait().is_err());
    assert!(
        cell.get_or_init_async(make)
            .timeout(Duration::ZERO)
            .wait()
            .is_err()
    );
    assert!(block_on(cell.get_or_init_async(make).until(tick())).is_err());
    assert_eq!(dropped.get(), 4);
    assert!(cell.try_claim().is_some());
    // A claim that was granted and is dropped goes on to the next.
    let init = begun(&cell);
    let granted = Task::queued(cell.claim_async());
    let thread = Task::queued(cell.claim_async());
    drop(init);
    assert_eq!((granted.woken(), thread.woken()), (1, 1));
    drop((granted, thread));
    assert_eq!(*cell.get_or_init(|| 9), 9);
}

#[test]
fn an_initializer_that_asks_for_its_value_gets_an_error() {
    let cell = OnceCell::new();
    let reentrant = Some(OnceCellError::Reentrant);
    let value = cell.get_or_init(|| {
        assert_eq!(cell.claim().err(), reentrant);
        assert_eq!(cell.get_or_init_timeout(LONG, || 1).err(), reentrant);
        assert_eq!(
            cell.get_or_try_init(|| Err(())),
            Err(OnceCellError::Reentrant)
        );
        assert_eq!(cell.set(1), Err(SetError::Initializing(1)));
        assert!(panics(|| cell.get_or_init(|| 2)));
        3
    });
    assert_eq!(*value, 3);
    let cell = OnceCell::new();
    let make = async || {
        tick().await;
        let inner = cell.get_or_init_async(async || true).timeout(LONG);
        inner.await.is_err()
    };
    let outer = cell.get_or_init_async(make).timeout(LONG);
    assert_eq!(block_on(outer), Ok(&true));
    // Another thread waits meanwhile, and this one after the initializer does as well.
    let cell = OnceCell::new();
    let init = begun(&cell);
    assert_eq!(
        cell.claim_timeout(SHORT).err(),
        Some(OnceCellError::TimedOut)
    );
    drop(init);
    cell.set(()).unwrap();
}

#[test]
fn a_select_claims() {
    let (cell, other) = (OnceCell::new(), OnceCell::new());
    let init = begun(&cell);
    select! {
        _claim = cell.claim_async() => panic!("it is being filled"),
        claim = other.claim_async() => drop(claim),
    }
    let mut select = Task::queued(async {
        select_async! {
            claim = cell.claim_async() => matches!(claim, Ok(Claim::Init(_))),
            _value = other.wait_async() => false,
        }
    });
    drop(init);
    assert_eq!((select.woken(), select.ready()), (1, true));
    assert!(other.set(1).is_ok() && cell.set(1).is_ok());
}

#[test]
fn many_threads_get_one_value() {
    for _ in 0..50 {
        let (cell, made) = (OnceCell::new(), AtomicUsize::new(0));
        thread::scope(|scope| {
            for number in 0..4 {
                let (cell, made) = (&cell, &made);
                scope.spawn(move || {
                    let make = || {
                        thread::yield_now();
                        match made.fetch_add(1, Ordering::Relaxed) {
                            failures if failures < 2 => Err(failures),
                            _ => Ok(Box::new(number)),
                        }
                    };
                    let got = if number % 2 == 0 {
                        cell.get_or_try_init(make).cloned()
                    } else {
                        block_on(cell.get_or_try_init_async(async || make())).cloned()
                    };
                    if let Ok(got) = got {
                        assert_eq!(Some(&got), cell.get());
                    }
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 3);
        assert!(cell.into_inner().is_some());
    }
}

#[test]
fn a_value_is_dropped_once() {
    let value = Arc::new(());
    let cell = OnceCell::with_value(value.clone());
    assert_eq!(Arc::strong_count(&value), 2);
    drop(cell);
    let mut cell = OnceCell::from(value.clone());
    drop(cell.take());
    drop(cell);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn once_is_done_once() {
    static ONCE: Once = Once::new();
    let calls = Cell::new(0);
    let count = || calls.set(calls.get() + 1);
    assert!(panics(|| ONCE.call_once(|| panic!("not done"))));
    assert!(ONCE.wait_timeout(SHORT).is_err() && ONCE.wait_deadline(Instant::now()).is_err());
    ONCE.call_once_timeout(Duration::ZERO, count).unwrap();
    ONCE.call_once(count);
    ONCE.call_once_deadline(Instant::now(), count).unwrap();
    block_on(ONCE.call_once_async(async || count()));
    assert!(ONCE.is_completed() && calls.get() == 1);
    ONCE.wait();
    block_on(ONCE.wait_async());
}

#[test]
fn a_lazy_cell_goes_on_where_another_one_left_it() {
    let (starts, steps) = (Cell::new(0), Cell::new(0));
    let mut cell = LazyCell::new(|| {
        starts.set(starts.get() + 1);
        async {
            for _ in 0..3 {
                steps.set(steps.get() + 1);
                tick().await;
            }
            5
        }
    });
    drop(Task::queued(cell.force_async()));
    let late = cell.force_timeout(Duration::ZERO);
    assert_eq!(late, Err(OnceCellError::TimedOut));
    assert_eq!((starts.get(), steps.get(), cell.get()), (1, 2, None));
    let mut other = Task::queued(cell.wait_async());
    assert_eq!(*cell.force(), 5);
    assert_eq!(
        (starts.get(), steps.get(), other.woken(), *other.ready()),
        (1, 3, 1, 5)
    );
    assert_eq!(cell.force_deadline(Instant::now()), Ok(&5));
    assert_eq!(
        (*cell.wait(), cell.wait_timeout(SHORT), cell.get()),
        (5, Ok(&5), Some(&5))
    );
    assert_eq!(cell.wait_deadline(Instant::now()), Ok(&5));
    drop(other);
    *cell.get_mut().unwrap() = 6;
    assert_eq!(format!("{cell:?}"), "LazyCell(6)");
    assert_eq!(cell.into_inner(), Some(6));
}

/// Panics when it is polled, and again when it is dropped.
struct Twice;

impl Future for Twice {
    type Output = u8;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
        panic::panic_any("first")
    }
}

impl Drop for Twice {
    fn drop(&mut self) {
        // Two panics at once would abort.
        assert!(!thread::panicking());
        panic::panic_any("second");
    }
}

#[test]
fn an_initializer_that_panics_twice_leaves_it_empty() {
    let first = |f: &mut dyn FnMut()| {
        let payload = panic::catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"first"));
    };
    let cell = OnceCell::new();
    first(&mut || {
        block_on(cell.get_or_init_async(|| Twice));
    });
    assert_eq!(*cell.get_or_init(|| 1), 1);
    let lazy: LazyCell<u8, _, _> = LazyCell::new(|| Twice);
    for _ in 0..2 {
        first(&mut || {
            lazy.force();
        });
    }
}

#[test]
fn a_lazy_cell_starts_anew_after_a_panic() {
    let starts = &Cell::new(0);
    let cell = LazyCell::new(|| {
        starts.set(starts.get() + 1);
        let first = starts.get() == 1;
        async move {
            tick().await;
            assert!(!first, "the first one fails");
            starts.get()
        }
    });
    assert!(panics(|| cell.force()));
    assert_eq!(*block_on(cell.force_async()), 2);
}

#[test]
fn one_that_drives_a_lazy_cell_and_is_dropped_wakes_the_next() {
    let (sender, receiver) = mpsc::channel();
    let cell = LazyCell::new(async || 7);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            sender.send(()).unwrap();
            *cell.force()
        });
        receiver.recv().unwrap();
        drop(cell.force_async());
        assert_eq!(waiting.join().unwrap(), 7);
    });
}

/// An initializer whose destructor asks for the value it was to make: it is told so, and does not
/// wait for itself; after an error, a drop half-way and a panic.
#[test]
fn the_destructor_of_an_initializer_is_inside_it() {
    struct Asks<'c>(&'c OnceCell<u8>, &'c std::cell::Cell<usize>);
    impl Drop for Asks<'_> {
        fn drop(&mut self) {
            let claim = self.0.claim_async().timeout(LONG).wait();
            assert_eq!(claim.err(), Some(OnceCellError::Reentrant));
            self.1.set(self.1.get() + 1);
        }
    }
    let (cell, told) = (OnceCell::new(), std::cell::Cell::new(0));
    // Holds its destructor beyond the result, as a future written by hand may.
    let source = |end: fn() -> Poll<Result<u8, ()>>| {
        let (cell, told) = (&cell, &told);
        move || {
            let asks = Asks(cell, told);
            std::future::poll_fn(move |_| {
                let _ = &asks;
                end()
            })
        }
    };
    let failed = block_on(cell.get_or_try_init_async(source(|| Poll::Ready(Err(())))));
    assert_eq!(
        (failed.err(), told.get()),
        (Some(OnceCellError::Init(())), 1)
    );
    drop(Task::queued(
        cell.get_or_try_init_async(source(|| Poll::Pending)),
    ));
    assert_eq!(told.get(), 2);
    let mut future = Box::pin(cell.get_or_try_init_async(source(|| panic!("planned"))));
    assert!(panics(|| block_on(future.as_mut()).is_ok()));
    assert_eq!(
        told.get(),
        3,
        "dropped with the panic, before the next one begins"
    );
    assert_eq!(cell.get_or_init(|| 1), &1);
}

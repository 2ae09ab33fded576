//! Models of cells that are filled once.

use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{Claim, LazyCell, OnceCell, SetError};
use counterpoint_wait::block_on;
use std::time::Duration;

/// What the checker watches: written before it is shared, and only read then.
struct Value(UnsafeCell<u32>);

// SAFETY: the cell under test sees to it that nobody writes while others read.
unsafe impl Sync for Value {}
// SAFETY: as above.
unsafe impl Send for Value {}

impl Value {
    fn new(value: u32) -> Value {
        let made = Value(UnsafeCell::new(0));
        // SAFETY: not shared yet.
        made.0.with_mut(|place| unsafe { *place = value });
        made
    }

    fn get(&self) -> u32 {
        // SAFETY: written before it was shared.
        self.0.with(|place| unsafe { *place })
    }
}

type Cell = OnceCell<Value>;

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Starts a thread for each of `bodies`, runs `here`, and returns the value at the end.
fn contend(bodies: &[fn(&Cell)], here: impl FnOnce(&Cell)) -> Option<u32> {
    let cell = Arc::new(Cell::new());
    let threads: Vec<_> = bodies
        .iter()
        .map(|body| {
            let (cell, body) = (cell.clone(), *body);
            thread::spawn(move || body(&cell))
        })
        .collect();
    here(&cell);
    for thread in threads {
        thread.join().unwrap();
    }
    cell.get().map(Value::get)
}

fn first(cell: &Cell) {
    assert!(matches!(cell.get_or_init(|| Value::new(1)).get(), 1 | 2));
}

fn second(cell: &Cell) {
    assert!(matches!(cell.get_or_init(|| Value::new(2)).get(), 1 | 2));
}

fn fails(cell: &Cell) {
    if let Ok(value) = cell.get_or_try_init(|| Err(())) {
        assert_eq!(value.get(), 2);
    }
}

/// Makes a value if there is memory for it.
fn allocates(cell: &Cell) {
    let made = cell.get_or_try_init(|| match choose(Branch::AllocFails) {
        true => Err(()),
        false => Ok(Value::new(1)),
    });
    if let Ok(value) = made {
        assert!(matches!(value.get(), 1 | 2));
    }
}

/// Claims, and drops the claim or fills the cell after others ran.
fn gives_up(cell: &Cell) {
    if let Ok(Claim::Init(init)) = cell.claim() {
        thread::yield_now();
        match choose(Branch::DropBeforePoll) {
            true => drop(init),
            false => assert_eq!(init.fill(Value::new(1)).get(), 1),
        }
    }
}

/// Waits for its turn as a task, and is dropped there or goes on.
fn comes_and_goes(cell: &Cell) {
    let mut claim = pin!(cell.claim_async());
    let claimed = match poll_once(claim.as_mut()) {
        Poll::Ready(claimed) => claimed,
        Poll::Pending if choose(Branch::DropBeforePoll) => return,
        Poll::Pending => block_on(claim),
    };
    if let Ok(Claim::Init(init)) = claimed {
        init.fill(Value::new(1));
    }
}

/// Made in two steps: it waits for a second poll in between.
fn lazy() -> impl FnMut() -> Steps + Send {
    || Steps(Value::new(0))
}

struct Steps(Value);

impl Future for Steps {
    type Output = Value;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Value> {
        let step = self.0.get() + 1;
        self.0 = Value::new(step);
        if step == 2 {
            return Poll::Ready(Value::new(step));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

model! {
    /// Two fill it: one does, and both see what it was filled with.
    fn both_see_the_value(preemptions: Some(3)) {
        assert!(contend(&[first, second], |_| ()).is_some());
    }

    /// One fills it, and another one only looks.
    fn who_looks_sees_the_value_or_nothing() {
        let looks: fn(&Cell) = |cell| {
            if let Some(value) = cell.get() {
                assert_eq!(value.get(), 1);
            }
        };
        assert_eq!(contend(&[first, looks], |_| ()), Some(1));
    }

    /// One waits and makes nothing, while another one fills it.
    fn who_waits_sees_the_value(preemptions: Some(3)) {
        let waits: fn(&Cell) = |cell| assert_eq!(cell.wait().get(), 1);
        assert_eq!(contend(&[first, waits], |_| ()), Some(1));
    }

    /// An initializer fails while another one waits: that one runs its own.
    fn failure_races_waiter(preemptions: Some(3)) {
        assert_eq!(contend(&[fails, second], |_| ()), Some(2));
    }

    /// There may be no memory for the value while another one waits, whose own is small.
    fn allocation_races_waiter(branches: [Branch::AllocFails], per_thread: 1, preemptions: Some(3)) {
        assert!(contend(&[allocates, second], |_| ()).is_some());
    }

    /// A claim is dropped, or used, while another one waits for it.
    fn claim_cancel_races_waiter(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        assert!(contend(&[gives_up, second], |_| ()).is_some());
    }

    /// One that waits for its turn is dropped when it is granted.
    fn a_granted_claim_is_dropped(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(2)) {
        let cell = Arc::new(Cell::new());
        let Ok(Claim::Init(init)) = cell.claim() else {
            unreachable!("it is empty");
        };
        let threads = [comes_and_goes, second].map(|body| {
            let cell = cell.clone();
            thread::spawn(move || body(&cell))
        });
        drop(init);
        for thread in threads {
            thread.join().unwrap();
        }
        assert!(cell.get().is_some());
    }

    /// The deadline of one that waits comes while the cell is filled, or emptied.
    fn timeout_races_end_of_claim(branches: [Branch::DeadlineFirst, Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let timed: fn(&Cell) = |cell| {
            let timeout = Duration::from_secs(1);
            if let Ok(value) = cell.get_or_init_timeout(timeout, || Value::new(2)) {
                assert!(matches!(value.get(), 1 | 2));
            }
        };
        contend(&[gives_up, timed], |_| ());
    }

    /// Two put a value in place without waiting: one succeeds, and the other is told the truth.
    fn setting_races_setting() {
        let set: fn(&Cell) = |cell| match cell.set(Value::new(1)) {
            Ok(()) => assert!(cell.get().is_some()),
            Err(SetError::AlreadyInit(_)) => assert_eq!(cell.get().unwrap().get(), 1),
            Err(SetError::Initializing(_)) => {}
        };
        assert_eq!(contend(&[set, set], |_| ()), Some(1));
    }

    /// One drives a lazy initializer for a step and is dropped; another one goes on with it.
    fn another_resumes(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let cell = Arc::new(LazyCell::new(lazy()));
        let threads = [(); 2].map(|()| {
            let cell = cell.clone();
            thread::spawn(move || {
                let mut force = pin!(cell.force_async());
                if poll_once(force.as_mut()).is_pending() && !choose(Branch::DropBeforePoll) {
                    assert_eq!(block_on(force).get(), 2);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(cell.force().get(), 2);
    }
}

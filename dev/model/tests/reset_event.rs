//! Models of the events that are reset by hand and by themselves.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_sync::{AutoResetEvent, ManualResetEvent};
use counterpoint_wait::atomic_waker::AtomicWaker;
use counterpoint_wait::{block_on, select_async};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct Gate<E> {
    event: E,
    value: UnsafeCell<u32>,
}

// SAFETY: each model writes `value` before it sets the event and reads it after.
unsafe impl<E: Sync> Sync for Gate<E> {}
// SAFETY: as above.
unsafe impl<E: Send> Send for Gate<E> {}

impl<E> Gate<E> {
    fn new(event: E) -> Arc<Gate<E>> {
        Arc::new(Gate {
            event,
            value: UnsafeCell::new(0),
        })
    }

    fn write(&self) {
        // SAFETY: before the one `set`.
        self.value.with_mut(|value| unsafe { *value = 7 });
    }

    fn read(&self) {
        // SAFETY: after the one `set`.
        self.value.with(|value| unsafe { assert_eq!(*value, 7) });
    }
}

fn spawn<E: Send + Sync + 'static>(gate: &Arc<Gate<E>>, body: fn(&Gate<E>)) -> JoinHandle<()> {
    let gate = gate.clone();
    thread::spawn(move || body(&gate))
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

model! {
    /// Two wait, or come when it is set: both see what was done before.
    fn set_carries_data(preemptions: Some(3)) {
        let gate = Gate::new(ManualResetEvent::new(false));
        let waits: fn(&Gate<ManualResetEvent>) = |gate| {
            gate.event.wait();
            gate.read();
        };
        let threads = [spawn(&gate, waits), spawn(&gate, waits)];
        gate.write();
        assert!(gate.event.set());
        join(threads);
    }

    /// Who was queued as it was set goes through, although it is reset at once.
    fn reset_holds_nobody_back(preemptions: Some(3)) {
        let gate = Gate::new(ManualResetEvent::new(false));
        let mut early = pin!(gate.event.wait_async());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(early.as_mut().poll(&mut cx).is_pending());
        let sets = spawn(&gate, |gate| {
            gate.event.set();
            gate.event.reset();
        });
        let goes = spawn(&gate, |gate| {
            let mut wait = pin!(gate.event.wait_async());
            let _ = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        });
        join([sets, goes]);
        assert!(early.as_mut().poll(&mut cx).is_ready());
        assert!(!gate.event.is_set());
    }

    /// An arm leaves its line while another arm is polled, and stands in it again: it misses no `set`
    /// with a `reset` at its heels.
    fn short_set_reaches_an_arm(preemptions: Some(3)) {
        let gate = Gate::new(ManualResetEvent::new(false));
        let nudge = Arc::new(AtomicWaker::new());
        let mut select = pin!(async {
            select_async! {
                () = gate.event.wait_async() => {},
                () = poll_fn(|cx: &mut Context<'_>| {
                    nudge.register(cx.waker());
                    Poll::Pending
                }) => unreachable!(),
            }
        });
        let mut cx = Context::from_waker(Waker::noop());
        assert!(select.as_mut().poll(&mut cx).is_pending());
        let sets = spawn(&gate, |gate| {
            gate.write();
            gate.event.set();
            gate.event.reset();
        });
        let nudges = { let nudge = nudge.clone(); thread::spawn(move || nudge.wake()) };
        block_on(select);
        gate.read();
        join([sets, nudges]);
    }

    /// Who resets what was set, and looks then, sees what was done before.
    fn reset_sees_what_was_set() {
        let gate = Gate::new(ManualResetEvent::new(false));
        let sets = spawn(&gate, |gate| {
            gate.write();
            gate.event.set();
        });
        let resets = spawn(&gate, |gate| {
            if gate.event.reset() {
                gate.read();
            }
        });
        join([sets, resets]);
    }

    /// A deadline comes as it is set: no mark is left behind, and the other one goes through.
    fn timeout_races_set(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let gate = Gate::new(ManualResetEvent::new(false));
        let late = spawn(&gate, |gate| {
            let _ = gate.event.wait_timeout(SECOND);
        });
        let waits = spawn(&gate, |gate| gate.event.wait());
        gate.event.set();
        join([late, waits]);
    }

    /// The one let through sees what was done before, whether it waited or came later.
    fn auto_set_carries_data() {
        let gate = Gate::new(AutoResetEvent::new(false));
        let waits = spawn(&gate, |gate| {
            gate.event.wait();
            gate.read();
        });
        let sets = spawn(&gate, |gate| {
            gate.write();
            gate.event.set();
        });
        join([waits, sets]);
        assert!(!gate.event.is_set());
    }

    /// The one let through is dropped: the other one goes through, and sees what was done.
    fn dropped_pass_goes_on(preemptions: Some(3)) {
        let gate = Gate::new(AutoResetEvent::new(false));
        let goes = spawn(&gate, |gate| {
            let mut wait = pin!(gate.event.wait_async());
            let mut cx = Context::from_waker(Waker::noop());
            if wait.as_mut().poll(&mut cx).is_ready() {
                gate.event.set();
            }
        });
        let waits = spawn(&gate, |gate| {
            gate.event.wait();
            gate.read();
        });
        gate.write();
        gate.event.set();
        join([goes, waits]);
        assert!(!gate.event.is_set());
    }

    /// The only one that waits is dropped as it is let through: the event stays set, with what was
    /// done.
    fn dropped_pass_stays_set() {
        let gate = Gate::new(AutoResetEvent::new(false));
        let goes = spawn(&gate, |gate| {
            let mut wait = pin!(gate.event.wait_async());
            let mut cx = Context::from_waker(Waker::noop());
            if wait.as_mut().poll(&mut cx).is_ready() {
                gate.event.set();
            }
        });
        let sets = spawn(&gate, |gate| {
            gate.write();
            gate.event.set();
        });
        if gate.event.reset() {
            gate.read();
            gate.event.set();
        }
        join([goes, sets]);
        assert!(gate.event.reset() && !gate.event.reset());
    }

    /// A deadline comes as one is let through: it took that, or the other did.
    fn timeout_races_pass(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let gate = Gate::new(AutoResetEvent::new(false));
        let late = spawn(&gate, |gate| {
            if gate.event.wait_timeout(SECOND).is_ok() {
                gate.event.set();
            }
        });
        let waits = spawn(&gate, |gate| {
            gate.event.wait();
            gate.event.set();
        });
        gate.event.set();
        join([late, waits]);
        // Whoever was let through has let another one through.
        assert!(gate.event.reset() && !gate.event.reset());
    }
}

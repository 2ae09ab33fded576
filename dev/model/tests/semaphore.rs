//! Models of the semaphore.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{AcquireError, Semaphore, SemaphorePermit};
use counterpoint_wait::block_on;
use std::time::Duration;

/// A number that only the holder of all permits may touch.
struct Guarded {
    semaphore: Semaphore,
    all: usize,
    value: UnsafeCell<u32>,
}

// SAFETY: `value` is touched only by who holds all permits.
unsafe impl Sync for Guarded {}
// SAFETY: as above.
unsafe impl Send for Guarded {}

impl Guarded {
    fn new(semaphore: Semaphore, all: usize) -> Arc<Guarded> {
        Arc::new(Guarded {
            semaphore,
            all,
            value: UnsafeCell::new(0),
        })
    }

    fn add(&self, permit: SemaphorePermit<'_>) {
        assert_eq!(permit.num_permits(), self.all);
        // SAFETY: all permits are held.
        self.value.with_mut(|value| unsafe { *value += 1 });
        drop(permit);
    }

    fn wait_and_add(&self) {
        self.add(self.semaphore.acquire_many(self.all).unwrap());
    }

    fn try_and_add(&self) {
        if let Ok(permit) = self.semaphore.try_acquire_many(self.all) {
            self.add(permit);
        }
    }

    /// Polls once and drops the operation, or awaits it.
    fn add_or_drop(&self) {
        let mut acquire = pin!(self.semaphore.acquire_many_async(self.all));
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(permit) = acquire.as_mut().poll(&mut cx) {
            return self.add(permit.unwrap());
        }
        if !choose(Branch::DropBeforePoll) {
            self.add(block_on(acquire).unwrap());
        }
    }

    fn finish(&self) -> u32 {
        let permit = self
            .semaphore
            .try_acquire_many(self.all)
            .expect("all permits are back");
        // SAFETY: all permits are held.
        let value = self.value.with(|value| unsafe { *value });
        drop(permit);
        value
    }
}

/// Starts each of `bodies` in a thread, runs `here`, and returns the value at the end.
fn contend(guarded: &Arc<Guarded>, bodies: &[fn(&Guarded)], here: impl FnOnce(&Guarded)) -> u32 {
    let threads: Vec<_> = bodies
        .iter()
        .map(|body| {
            let (guarded, body) = (guarded.clone(), *body);
            thread::spawn(move || body(&guarded))
        })
        .collect();
    here(guarded);
    for thread in threads {
        thread.join().unwrap();
    }
    guarded.finish()
}

model! {
    /// What the holder of a permit did is seen by the next one, without waiters.
    fn permits_carry_data(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        contend(&guarded, &[Guarded::try_and_add, Guarded::try_and_add], Guarded::try_and_add);
    }

    /// The same with threads that wait: none is lost, and none sleeps for ever.
    fn queued_permits_carry_data(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        let bodies: [fn(&Guarded); 2] = [Guarded::wait_and_add, Guarded::wait_and_add];
        assert_eq!(contend(&guarded, &bodies, Guarded::wait_and_add), 3);
    }

    /// The same, strictly in order.
    fn fair_semaphore_serves_all(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::fair(1), 1);
        let bodies: [fn(&Guarded); 2] = [Guarded::wait_and_add, Guarded::try_and_add];
        assert!(contend(&guarded, &bodies, Guarded::wait_and_add) >= 2);
    }

    /// A waiter loses its permit to newcomers and starves at some point; reservations expire at
    /// some point: still nobody sleeps for ever.
    fn fairness_strands_nobody(
        branches: [Branch::DeadlineFirst],
        per_thread: 1,
        preemptions: Some(3),
    ) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        let held = guarded.semaphore.try_acquire().unwrap();
        let bodies: [fn(&Guarded); 2] = [Guarded::wait_and_add, Guarded::try_and_add];
        let value = contend(&guarded, &bodies, |_| drop(held));
        assert!((1..=2).contains(&value));
    }

    /// The last waiter registers while the holder releases.
    fn last_waiter_registers_while_releasing(branches: [Branch::SpuriousWake]) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        assert_eq!(contend(&guarded, &[Guarded::wait_and_add], Guarded::wait_and_add), 2);
    }

    /// Permits come one by one for a batch that is about to queue.
    fn batch_registers_while_permits_come(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(0), 2);
        let bodies: [fn(&Guarded); 2] = [
            Guarded::wait_and_add,
            |guarded| guarded.semaphore.add_permits(1),
        ];
        assert_eq!(contend(&guarded, &bodies, |guarded| guarded.semaphore.add_permits(1)), 1);
    }

    /// A queued future is dropped while it is granted: the next one gets the permit.
    fn grant_races_drop(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        let held = guarded.semaphore.try_acquire().unwrap();
        let value = contend(&guarded, &[Guarded::add_or_drop, Guarded::wait_and_add], |_| {
            drop(held);
        });
        assert!((1..=2).contains(&value));
    }

    /// A deadline comes while the permit is granted: the next one gets it.
    fn grant_races_timeout(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        let held = guarded.semaphore.try_acquire().unwrap();
        let timed: fn(&Guarded) = |guarded| {
            match guarded.semaphore.acquire_timeout(Duration::from_secs(1)) {
                Ok(permit) => guarded.add(permit),
                Err(error) => assert_eq!(error, AcquireError::TimedOut),
            }
        };
        let value = contend(&guarded, &[timed, Guarded::wait_and_add], |_| drop(held));
        assert!((1..=2).contains(&value));
    }

    /// A batch at the head is dropped: a smaller one behind it fits and is woken.
    fn batch_at_the_head_is_dropped(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        let held = guarded.semaphore.try_acquire().unwrap();
        let head: fn(&Guarded) = |guarded| {
            let mut batch = pin!(guarded.semaphore.acquire_many_async(2));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(batch.as_mut().poll(&mut cx).is_pending());
        };
        let value = contend(&guarded, &[head, Guarded::wait_and_add], |_| drop(held));
        assert_eq!(value, 1);
    }

    /// Closing ends a wait or comes too late for it, and what the closer did before is seen.
    fn close_wakes_or_refuses(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(1), 1);
        // The number is the closer's until it closes.
        let permit = guarded.semaphore.try_acquire().unwrap();
        let refused: fn(&Guarded) = |guarded| {
            assert_eq!(guarded.semaphore.acquire().unwrap_err(), AcquireError::Closed);
            // SAFETY: written before the closing only.
            guarded.value.with(|value| unsafe { assert_eq!(*value, 7) });
        };
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let guarded = guarded.clone();
                thread::spawn(move || refused(&guarded))
            })
            .collect();
        // SAFETY: nobody reads it before the closing.
        guarded.value.with_mut(|value| unsafe { *value = 7 });
        guarded.semaphore.close();
        for thread in threads {
            thread.join().unwrap();
        }
        drop(permit);
    }

    /// Whoever takes a permit that was added sees what was done before.
    fn added_permits_carry_data(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(0), 1);
        // The number is the adder's until it adds.
        let reads = |guarded: &Guarded| {
            // SAFETY: written before the permits came only.
            guarded.value.with(|value| unsafe { assert_eq!(*value, 7) });
        };
        let waits = { let guarded = guarded.clone(); thread::spawn(move || {
            guarded.semaphore.acquire().unwrap().forget();
            reads(&guarded);
        }) };
        let tries = { let guarded = guarded.clone(); thread::spawn(move || {
            if let Ok(permit) = guarded.semaphore.try_acquire() {
                permit.forget();
                reads(&guarded);
            }
        }) };
        // SAFETY: nobody reads it before the permits come.
        guarded.value.with_mut(|value| unsafe { *value = 7 });
        guarded.semaphore.add_permits(2);
        waits.join().unwrap();
        tries.join().unwrap();
    }

    /// Two waiters of different size, permits for both at once: both are granted.
    fn one_release_grants_two(preemptions: Some(3)) {
        let guarded = Guarded::new(Semaphore::new(0), 1);
        let one: fn(&Guarded) = |guarded| guarded.semaphore.acquire().unwrap().forget();
        let two: fn(&Guarded) = |guarded| guarded.semaphore.acquire_many(2).unwrap().forget();
        contend(&guarded, &[one, two], |guarded| guarded.semaphore.add_permits(4));
    }
}

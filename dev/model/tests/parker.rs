//! Models of the token and of `Parker`.

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::futex::Futex;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_base::prim::time;
use counterpoint_model::{Branch, choose, model};
use counterpoint_wait::parker::{Parker, UnparkReason, Unparker};
use counterpoint_wait::token;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What is brought before a token is left. Relaxed on both sides: only the token's edge makes it
/// visible.
type Brought = Arc<AtomicU32>;

fn nothing() -> Brought {
    Arc::new(AtomicU32::new(0))
}

fn has(brought: &Brought) -> bool {
    brought.load(RELAXED) == 1
}

fn bring(brought: &Brought, unparker: &Unparker) -> JoinHandle<()> {
    let (brought, unparker) = (brought.clone(), unparker.clone());
    thread::spawn(move || {
        brought.store(1, RELAXED);
        unparker.unpark();
    })
}

fn waker_of(parker: &Parker) -> Waker {
    Waker::from(parker.unparker().clone())
}

fn poll(future: &mut (impl Future<Output = ()> + Unpin), waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)) == Poll::Ready(())
}

model! {
    /// The bare token: what was done before it was left is seen by whoever takes it.
    fn token_publishes(branches: [Branch::SpuriousWake]) {
        let brought = nothing();
        let futex = Arc::new(Futex::new(0));
        let thread = {
            let (brought, futex) = (brought.clone(), futex.clone());
            thread::spawn(move || {
                brought.store(1, RELAXED);
                token::unpark(&futex);
            })
        };
        assert_eq!(token::park(&futex, None), UnparkReason::Unparked);
        assert!(has(&brought));
        thread.join().unwrap();
    }

    /// A bare token that comes with the deadline is taken or left for the next wait, never lost.
    fn bare_token_ties_with_deadline(branches: [Branch::DeadlineFirst, Branch::SpuriousWake]) {
        let brought = nothing();
        let futex = Arc::new(Futex::new(0));
        let thread = {
            let (brought, futex) = (brought.clone(), futex.clone());
            thread::spawn(move || {
                brought.store(1, RELAXED);
                token::unpark(&futex);
            })
        };
        if token::park(&futex, Some(time::now())) == UnparkReason::Timeout {
            assert_eq!(token::park(&futex, None), UnparkReason::Unparked);
        }
        assert!(has(&brought));
        thread.join().unwrap();
    }

    /// The same through a parker, twice in a row.
    fn unpark_meets_park(preemptions: Some(3), branches: [Branch::SpuriousWake]) {
        let (first, second) = (nothing(), nothing());
        let parker = Parker::new();
        let one = bring(&first, parker.unparker());
        parker.park();
        assert!(has(&first));
        let two = bring(&second, parker.unparker());
        parker.park();
        assert!(has(&second));
        one.join().unwrap();
        two.join().unwrap();
    }

    /// A token that comes with the deadline is taken or left for the next wait, never lost.
    fn token_ties_with_deadline(branches: [Branch::DeadlineFirst, Branch::SpuriousWake]) {
        let brought = nothing();
        let parker = Parker::new();
        let thread = bring(&brought, parker.unparker());
        if parker.park_deadline(time::now()) == UnparkReason::Timeout {
            parker.park();
        }
        assert!(has(&brought));
        thread.join().unwrap();
    }

    /// Two tokens may become one; what both brought is seen all the same.
    fn two_unparkers_meet_park(preemptions: Some(3), branches: [Branch::SpuriousWake], per_thread: 1) {
        let brought = [nothing(), nothing()];
        let parker = Parker::new();
        let threads = brought.each_ref().map(|brought| bring(brought, parker.unparker()));
        while !(has(&brought[0]) && has(&brought[1])) {
            parker.park();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// A task waits for a token that a thread leaves.
    fn unpark_meets_park_async() {
        let brought = nothing();
        let mut parker = Parker::new();
        let thread = bring(&brought, parker.unparker());
        let executor = Parker::new();
        let waker = waker_of(&executor);
        let mut future = parker.park_async();
        while !poll(&mut future, &waker) {
            executor.park();
        }
        assert!(has(&brought));
        thread.join().unwrap();
    }

    /// The waker of the last poll is woken, whichever it replaced.
    fn repoll_with_another_waker_meets_unpark() {
        let brought = nothing();
        let mut parker = Parker::new();
        let thread = bring(&brought, parker.unparker());
        let (first, last) = (Parker::new(), Parker::new());
        let mut future = parker.park_async();
        if !poll(&mut future, &waker_of(&first)) {
            let waker = waker_of(&last);
            while !poll(&mut future, &waker) {
                last.park();
            }
        }
        assert!(has(&brought));
        thread.join().unwrap();
    }

    /// Dropping the future loses no token: the thread's next wait finds it.
    fn dropped_park_async_meets_unpark(branches: [Branch::DropBeforePoll, Branch::SpuriousWake]) {
        let brought = nothing();
        let mut parker = Parker::new();
        let thread = bring(&brought, parker.unparker());
        let task = Parker::new();
        let mut taken = false;
        {
            let mut future = parker.park_async();
            for _ in 0..2 {
                if taken || choose(Branch::DropBeforePoll) {
                    break;
                }
                taken = poll(&mut future, &waker_of(&task));
            }
        }
        if !taken {
            parker.park();
        }
        assert!(has(&brought));
        thread.join().unwrap();
        // It was one token.
        assert!(!poll(&mut parker.park_async(), &waker_of(&task)));
    }

    /// A leaked future does not confuse the thread that parks next.
    fn leaked_park_async_meets_unpark(branches: [Branch::SpuriousWake], per_thread: 1) {
        let brought = nothing();
        let mut parker = Parker::new();
        let thread = bring(&brought, parker.unparker());
        let mut future = parker.park_async();
        let taken = poll(&mut future, Waker::noop());
        std::mem::forget(future);
        if !taken {
            parker.park();
        }
        assert!(has(&brought));
        thread.join().unwrap();
    }
}

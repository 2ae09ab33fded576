//! Models of the cancellation token.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::{LockError, Mutex};
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::{CancelToken, Ctl};

/// A place that the checker watches: touched by two threads at once, or by one that does not see
/// what the other did before, the model fails.
struct Place(UnsafeCell<u32>);

// SAFETY: nobody dereferences it; whether accesses are ordered is what the models ask.
unsafe impl Sync for Place {}
// SAFETY: as above.
unsafe impl Send for Place {}

impl Place {
    fn new() -> Arc<Place> {
        Arc::new(Place(UnsafeCell::new(0)))
    }

    fn write(&self) {
        self.0.with_mut(|_| ());
    }

    fn read(&self) {
        self.0.with(|_| ());
    }
}

model! {
    /// Two threads wait, one gives up at a poll, and a third cancels: everybody wakes and sees the
    /// reason and what the canceller did before.
    fn cancel_races_wait(branches: [Branch::DropBeforePoll, Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let (token, place) = (CancelToken::new(), Place::new());
        let canceller = {
            let (token, place) = (token.clone(), place.clone());
            thread::spawn(move || {
                place.write();
                assert!(token.cancel("done"));
            })
        };
        let waiter = {
            let (token, place) = (token.clone(), place.clone());
            thread::spawn(move || {
                token.cancelled().wait();
                place.read();
                assert_eq!(token.reason(), Some("done"));
            })
        };
        {
            let mut cancelled = pin!(token.cancelled());
            let mut cx = Context::from_waker(Waker::noop());
            if cancelled.as_mut().poll(&mut cx).is_pending() && !choose(Branch::DropBeforePoll) {
                block_on(cancelled);
                place.read();
            }
        }
        waiter.join().unwrap();
        canceller.join().unwrap();
    }

    /// Who only asks sees what the canceller did before, and the reason.
    fn asking_sees_the_canceller() {
        let (token, place) = (CancelToken::new(), Place::new());
        let threads = [0, 1].map(|_| {
            let (token, place) = (token.clone(), place.clone());
            thread::spawn(move || {
                if token.is_cancelled() {
                    place.read();
                    assert_eq!(token.reason(), Some("done"));
                }
            })
        });
        place.write();
        token.cancel("done");
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// Two cancel at once: one is the first, and its reason stays.
    fn one_reason_stays() {
        let token = CancelToken::new();
        let threads = ["a", "b"].map(|reason| {
            let token = token.clone();
            thread::spawn(move || (reason, token.cancel(reason)))
        });
        token.cancelled().wait();
        let first: Vec<_> = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .filter(|(_, first)| *first)
            .collect();
        assert_eq!(first.len(), 1);
        assert_eq!(token.reason(), Some(first[0].0));
    }

    /// A child is made while its parent is cancelled: it is cancelled with it, or born so.
    fn cancel_races_child(preemptions: Some(3)) {
        let token = CancelToken::new();
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("done"); }) };
        let maker = {
            let token = token.clone();
            thread::spawn(move || {
                let child = token.child();
                let grandchild = child.child();
                (child, grandchild)
            })
        };
        let sibling = token.child();
        let (child, grandchild) = maker.join().unwrap();
        child.cancelled().wait();
        grandchild.cancelled().wait();
        canceller.join().unwrap();
        for token in [sibling, child, grandchild] {
            assert_eq!(token.reason(), Some("done"));
        }
    }

    /// A child is dropped while its parent is cancelled: its siblings are cancelled all the same.
    fn child_drop_races_cancel(preemptions: Some(3)) {
        let token = CancelToken::new();
        let children = [token.child(), token.child(), token.child()];
        let [first, middle, last] = children;
        let canceller = { let token = token.clone(); thread::spawn(move || token.cancel("done")) };
        let dropper = thread::spawn(move || drop(middle));
        let other = thread::spawn(move || drop(first));
        assert!(canceller.join().unwrap());
        dropper.join().unwrap();
        other.join().unwrap();
        assert!(last.is_cancelled());
    }

    /// The last of a chain is dropped, and its parent with it, while siblings of that parent go
    /// as well: those that stay are still found.
    fn chain_drop_races_siblings(preemptions: Some(3)) {
        let root = CancelToken::new();
        let before = root.child();
        let leaf = root.child().child();
        let after = root.child();
        let stays = root.child();
        let threads = [leaf, after].map(|token| thread::spawn(move || drop(token)));
        drop(before);
        for thread in threads {
            thread.join().unwrap();
        }
        root.cancel("done");
        assert!(stays.is_cancelled());
    }

    /// The same while the root is cancelled.
    fn chain_drop_races_cancel(preemptions: Some(3)) {
        let root = CancelToken::new();
        let leaf = root.child().child();
        let (stays, goes) = (root.child(), root.child());
        let droppers = [leaf, goes].map(|token| thread::spawn(move || drop(token)));
        root.cancel("done");
        for dropper in droppers {
            dropper.join().unwrap();
        }
        assert!(stays.is_cancelled());
        drop(stays);
        drop(root.child());
    }

    /// The lock is granted while the token is cancelled: whoever is told that it was cancelled has
    /// not got the lock, and nobody else has lost it.
    fn cancel_races_grant(preemptions: Some(3)) {
        let (mutex, token) = (Arc::new(Mutex::new(0)), CancelToken::new());
        let held = mutex.lock();
        let waiter = {
            let (mutex, token) = (mutex.clone(), token.clone());
            thread::spawn(move || match mutex.lock_async().with(&Ctl::new().cancel(&token)).wait() {
                Ok(mut guard) => { *guard += 1; true }
                Err(error) => { assert_eq!(error, LockError::Cancelled); false }
            })
        };
        let canceller = thread::spawn(move || { token.cancel("enough"); });
        drop(held);
        let got = waiter.join().unwrap();
        canceller.join().unwrap();
        assert_eq!(*mutex.try_lock().expect("nobody holds it"), u32::from(got));
    }
}

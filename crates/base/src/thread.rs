//! Threads that may borrow from the stack of the one that started them.
//!
//! [`scope`] has the signature of crossbeam-utils' function of that name, and gives every panic
//! back. It starts threads because the caller asks for them by name; nothing else in this room
//! does.
//!
//! # From
//! crossbeam-utils 0.8 `thread::scope`. Different here: a scope keeps no handles, so a thread that
//! has ended leaves nothing behind however long the scope lasts; the end of a scope waits for a
//! count, not for handles.
//!
//! # State
//! The word `live`: threads of the scope that have not finished, and one for the closure of
//! [`scope`] itself.
//!
//! | word | meaning | who leaves it |
//! |---|---|---|
//! | n > 0 | n live | a spawn, to n + 1; a finish, to n - 1 |
//! | 0 | all have finished | nobody |
//!
//! # Fields
//! `panics` under its lock: payloads by the number of the spawn. A thread adds one as it
//! finishes, `join` takes its own, the end of the scope takes the rest.
//!
//! # Invariants
//! * I1: only a live thread, or the closure, starts a thread; so the word never leaves 0.
//! * I2: whatever a thread was lent for `'env` (its closure, its result, the payload's lender) is
//!   dropped or handed over before the thread finishes, that is before the word goes down.
//! * I3: `scope` returns, by whatever way, only when the word is 0.
//!
//! # Edges
//! * E1: release in `Live::drop` → acquire in `Shared::wait_for_all`: all that the threads did, and that
//!   they have let go of what they borrowed. The chain of read-modify-writes keeps it for each
//!   thread. Models: `scope_ends_after_its_threads`.
//!
//! # Waiting
//! One waiter, the caller of `scope`, on the word. It sleeps only while the word is as read; the
//! finish that makes it 0 wakes. Finishes before that do not wake, and the sleeper need not know
//! of them.
//!
//! # Cancel
//! none: a scope cannot be left early.
//!
//! # Panic
//! A thread's panic is caught at its end and kept for `join` or for the scope. A panic of the
//! closure waits for the threads, then goes on; the payloads of threads are dropped then. A result
//! whose drop panics counts as a panic of its thread.
//!
//! # Rejected
//! * A vector of handles, joined at the end (crossbeam): memory grows with each spawn of a long
//!   scope.
//! * `park` and `unpark` for the end: a token that the user's own code stored would be eaten.
//! * Keeping payloads in the handles: those of forgotten handles are lost.
//!
//! # Checked by
//! tests/thread_scope.rs, src/thread/tests.rs, dev/model tests/base.rs.

use crate::prim::atomic::{AtomicU64, RELAXED, acquire, release};
use crate::prim::futex::Futex;
use crate::prim::thread::{Builder, JoinHandle, Thread};
use std::any::Any;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use std::thread::Result;

type Payload = Box<dyn Any + Send + 'static>;

/// Runs `f`, which may start threads that borrow what outlives the call, and returns when all of
/// them have finished.
///
/// Threads are started with [`Scope::spawn`]; each gets a `&Scope` of its own to start more. A
/// thread that nobody joins is waited for at the end. "Finished" means that its closure has
/// returned and been dropped; destructors of thread-locals may still run after that, unless the
/// thread is joined (as with `std::thread::scope`).
///
/// Not for many short pieces of work: every spawn is a thread of the system, some tens of
/// microseconds. Nor for work that outlives the caller.
///
/// # Errors
/// If threads panicked that were not joined: a `Box<Vec<Box<dyn Any + Send>>>` with the payload of
/// each, in the order in which they were started.
///
/// # Panics
/// If `f` panics, with its payload, when all threads have finished.
///
/// # Deadlocks
/// A thread that never finishes holds up the end of the scope for ever.
///
/// # Examples
/// ```
/// use counterpoint_base::thread;
///
/// let people = vec!["Alice", "Bob", "Carol"];
/// let lengths = thread::scope(|s| {
///     let handles: Vec<_> = people.iter().map(|name| s.spawn(|_| name.len())).collect();
///     handles.into_iter().map(|handle| handle.join().unwrap()).collect::<Vec<_>>()
/// })
/// .unwrap();
/// assert_eq!(lengths, [5, 3, 5]);
/// ```
///
/// Nothing shorter than the scope can be borrowed:
/// ```compile_fail,E0373
/// counterpoint_base::thread::scope(|s| {
///     let inside = String::from("dropped before the thread ends");
///     s.spawn(|_| println!("{inside}"));
/// });
/// ```
/// ```
/// counterpoint_base::thread::scope(|s| {
///     let inside = String::from("moved into the thread");
///     s.spawn(move |_| println!("{inside}"));
/// });
/// ```
pub fn scope<'env, F, R>(f: F) -> Result<R>
where
    F: FnOnce(&Scope<'env>) -> R,
{
    let shared = Arc::new(Shared {
        live: Futex::new(0),
        spawned: AtomicU64::new(0),
        panics: Mutex::new(Vec::new()),
    });
    let closure_lives = Live::new(&shared);
    let scope = Scope {
        shared,
        env: PhantomData,
    };
    // Unwind safe: what `f` leaves broken is seen only by those who also see its panic.
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    drop(closure_lives);
    scope.shared.wait_for_all();

    let mut panics = mem::take(&mut *scope.shared.panics());
    match result {
        Err(payload) => {
            drop(panics);
            resume_unwind(payload)
        }
        Ok(value) if panics.is_empty() => Ok(value),
        Ok(_) => {
            panics.sort_by_key(|(number, _)| *number);
            let payloads: Vec<Payload> = panics.into_iter().map(|(_, payload)| payload).collect();
            Err(Box::new(payloads))
        }
    }
}

/// What the threads of one scope share.
struct Shared {
    live: Futex,
    /// The number of the next spawn.
    spawned: AtomicU64,
    panics: Mutex<Vec<(u64, Payload)>>,
}

impl Shared {
    fn panics(&self) -> MutexGuard<'_, Vec<(u64, Payload)>> {
        // Nothing panics while the lock is held.
        self.panics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the word is 0 (I3).
    fn wait_for_all(&self) {
        loop {
            // Acquire [E1]: pairs with the release in `Live::drop`.
            let live = self.live.word().load(acquire("scope.wait"));
            if live == 0 {
                return;
            }
            self.live.wait(live, None);
        }
    }
}

/// Counts for one live thread, or for the closure of the scope.
struct Live(Arc<Shared>);

impl Live {
    fn new(shared: &Arc<Shared>) -> Live {
        // Relaxed: publishes nothing; the new thread sees the scope by being started.
        shared.live.word().fetch_add(1, RELAXED);
        Live(shared.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Release [E1]: hands what this thread did to the end of the scope.
        if self.0.live.word().fetch_sub(1, release("scope.finish")) == 1 {
            self.0.live.wake_one();
        }
    }
}

/// Starts threads that may borrow what lives for `'env`; made by [`scope`].
pub struct Scope<'env> {
    shared: Arc<Shared>,
    /// Invariant: a scope for a longer life is not one for a shorter.
    env: PhantomData<&'env mut &'env ()>,
}

impl<'env> Scope<'env> {
    /// Starts a thread.
    ///
    /// Dropping the handle lets the thread run on until its end; the scope waits for it anyway.
    ///
    /// # Panics
    /// If the system cannot start a thread; [`ScopedThreadBuilder::spawn`] returns the error
    /// instead.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_base::thread;
    ///
    /// let mut numbers = [3, 1, 2];
    /// thread::scope(|s| {
    ///     s.spawn(|s| {
    ///         numbers.sort();
    ///         s.spawn(|_| println!("from a nested thread"));
    ///     });
    /// })
    /// .unwrap();
    /// assert_eq!(numbers, [1, 2, 3]);
    /// ```
    #[track_caller]
    pub fn spawn<'scope, F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce(&Scope<'env>) -> T + Send + 'env,
        T: Send + 'env,
    {
        self.builder()
            .spawn(f)
            .expect("counterpoint: the system cannot start a thread")
    }

    /// A builder, to name a thread or to set the size of its stack.
    pub fn builder<'scope>(&'scope self) -> ScopedThreadBuilder<'scope, 'env> {
        ScopedThreadBuilder {
            scope: self,
            builder: Builder::new(),
        }
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Scope { .. }")
    }
}

/// Sets up a thread before it starts; made by [`Scope::builder`].
///
/// # Examples
/// ```
/// use counterpoint_base::thread;
///
/// thread::scope(|s| {
///     let handle = s.builder().name("tenor".into()).stack_size(64 << 10).spawn(|_| ())?;
///     assert_eq!(handle.thread().name(), Some("tenor"));
///     Ok::<_, std::io::Error>(())
/// })
/// .unwrap()
/// .unwrap();
/// ```
#[derive(Debug)]
#[must_use = "a thread is started by `spawn`"]
pub struct ScopedThreadBuilder<'scope, 'env> {
    scope: &'scope Scope<'env>,
    builder: Builder,
}

impl<'scope, 'env> ScopedThreadBuilder<'scope, 'env> {
    /// Names the thread.
    pub fn name(mut self, name: String) -> ScopedThreadBuilder<'scope, 'env> {
        self.builder = self.builder.name(name);
        self
    }

    /// Sets the size of the thread's stack in bytes; the system may round it up.
    pub fn stack_size(mut self, size: usize) -> ScopedThreadBuilder<'scope, 'env> {
        self.builder = self.builder.stack_size(size);
        self
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    ///
    /// # Panics
    /// If the name holds a NUL byte.
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce(&Scope<'env>) -> T + Send + 'env,
        T: Send + 'env,
    {
        let shared = &self.scope.shared;
        // Relaxed: a number alone.
        let number = shared.spawned.fetch_add(1, RELAXED);
        let result = Arc::new(Mutex::new(None));
        let main = Main {
            f,
            result: result.clone(),
            number,
            live: Live::new(shared),
        };
        let main: Box<dyn FnOnce() + Send + 'env> = Box::new(move || main.run());
        // SAFETY: the types differ in a lifetime alone. `main` is used and dropped either here,
        // if the thread cannot be started, or by the thread before it finishes (I2); and `scope`
        // keeps `'env` alive until all threads have finished (I3).
        let main: Box<dyn FnOnce() + Send + 'static> = unsafe { mem::transmute(main) };
        let handle = self.builder.spawn(main)?;
        Ok(ScopedJoinHandle {
            handle,
            result,
            number,
            shared: shared.clone(),
            scope: PhantomData,
        })
    }
}

/// What a thread of a scope does.
struct Main<F, T> {
    f: F,
    result: Arc<Mutex<Option<T>>>,
    number: u64,
    /// Declared last, so that it is also dropped last if the thread cannot be started.
    live: Live,
}

impl<F, T> Main<F, T> {
    fn run<'env>(self)
    where
        F: FnOnce(&Scope<'env>) -> T,
    {
        let Main {
            f,
            result,
            number,
            live,
        } = self;
        let scope = Scope {
            shared: live.0.clone(),
            env: PhantomData,
        };
        // The closure and, unless a handle waits for it, the result are dropped in here (I2), so
        // that a panic of theirs is one of the thread's. Unwind safe: whoever sees what `f` left
        // broken is told of the panic, by `join` or by `scope`.
        let outcome = catch_unwind(AssertUnwindSafe(move || {
            let value = f(&scope);
            *lock(&result) = Some(value);
        }));
        if let Err(payload) = outcome {
            live.0.panics().push((number, payload));
        }
        drop(live);
    }
}

fn lock<T>(result: &Mutex<Option<T>>) -> MutexGuard<'_, Option<T>> {
    // Nothing panics while the lock is held.
    result.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread of a scope; made by [`Scope::spawn`].
///
/// Dropping it neither stops the thread nor waits for it.
pub struct ScopedJoinHandle<'scope, T> {
    handle: JoinHandle<()>,
    result: Arc<Mutex<Option<T>>>,
    number: u64,
    shared: Arc<Shared>,
    scope: PhantomData<&'scope ()>,
}

// SAFETY: a handle gives a `T` away by value and never shows a reference to it, and values of `T`
// may move between threads, since `spawn` asks for `T: Send`.
unsafe impl<T> Send for ScopedJoinHandle<'_, T> {}
// SAFETY: as above; a shared handle gives access to its thread's identity alone.
unsafe impl<T> Sync for ScopedJoinHandle<'_, T> {}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits until the thread has ended and returns its result.
    ///
    /// # Errors
    /// The payload, if the thread panicked. Then the scope does not report it again.
    ///
    /// # Examples
    /// ```
    /// use counterpoint_base::thread;
    ///
    /// let result = thread::scope(|s| {
    ///     assert!(s.spawn(|_| panic!("not a note was played")).join().is_err());
    ///     s.spawn(|_| 42).join().unwrap()
    /// });
    /// assert_eq!(result.unwrap(), 42);
    /// ```
    pub fn join(self) -> Result<T> {
        self.handle.join()?;
        let result = lock(&self.result).take();
        if let Some(value) = result {
            return Ok(value);
        }
        let mut panics = self.shared.panics();
        let place = panics.iter().position(|(number, _)| *number == self.number);
        let place = place.expect("a thread without a result has left its payload");
        Err(panics.swap_remove(place).1)
    }

    /// The thread behind the handle.
    pub fn thread(&self) -> &Thread {
        self.handle.thread()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("ScopedJoinHandle { .. }")
    }
}

#[cfg(all(unix, not(any(counterpoint_loom, counterpoint_shuttle))))]
mod unix {
    use super::ScopedJoinHandle;
    use std::os::unix::thread::{JoinHandleExt, RawPthread};

    impl<T> JoinHandleExt for ScopedJoinHandle<'_, T> {
        fn as_pthread_t(&self) -> RawPthread {
            self.handle.as_pthread_t()
        }

        /// Whoever takes the thread's number this way joins or detaches it; the scope waits for
        /// the thread to finish in either case.
        fn into_pthread_t(self) -> RawPthread {
            self.handle.into_pthread_t()
        }
    }
}

#[cfg(all(windows, not(any(counterpoint_loom, counterpoint_shuttle))))]
mod windows {
    use super::ScopedJoinHandle;
    use std::os::windows::io::{AsRawHandle, IntoRawHandle, RawHandle};

    impl<T> AsRawHandle for ScopedJoinHandle<'_, T> {
        fn as_raw_handle(&self) -> RawHandle {
            self.handle.as_raw_handle()
        }
    }

    impl<T> IntoRawHandle for ScopedJoinHandle<'_, T> {
        fn into_raw_handle(self) -> RawHandle {
            self.handle.into_raw_handle()
        }
    }
}

#[cfg(test)]
mod tests;

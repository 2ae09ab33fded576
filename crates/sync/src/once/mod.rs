//! Cells that are filled once: [`OnceCell`], [`Once`] without a value, and [`LazyCell`], whose
//! asynchronous initializer goes on where another one left it.

mod call;
mod error;
mod future;
mod lazy;
mod raw;
mod verb;

use crate::telemetry::Telemetry;
use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::const_fn;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{self, Hold, Site};

pub use call::Once;
pub use error::{OnceCellError, SetError};
pub use future::{GetOrInit, GetOrTryInit, Make, Source, TryMake};
pub use lazy::{LazyCell, Resume};
pub use raw::{State, Wish};
pub use verb::{ClaimOnce, ClaimVerb, WaitOnce, WaitOnceVerb};

use raw::{RawOnce, Start};

/// A value that is put in place once, by whoever comes first, and read by all.
///
/// `get_or_init` runs a closure on this thread, `get_or_init_async` a future in this task; both may
/// be used on one cell. Who comes while another one runs its initializer waits for it. An
/// initializer that fails, panics or is cancelled leaves the cell empty, and the next waiter runs
/// its own. [`claim`](Self::claim) is what they are made of: the right to fill the cell, as a
/// guard.
///
/// Use [`LazyCell`] if all would run the same initializer, and a `Mutex` or `RwLock` for a value that
/// changes.
///
/// # Re-entrance
/// An initializer that asks for the value it is to make would wait for itself. The forms that yield
/// a `Result` return [`OnceCellError::Reentrant`], the others panic. It is found where the asking
/// code runs inside the initializer: called by it, or polled by it. A task of its own that the
/// initializer waits for is not found out. And a task that has nothing to do with it is taken for
/// part of it if it is polled on its thread while it runs or is dropped, as by an executor that runs
/// tasks inside `wake`.
///
/// # Deadlocks
/// Two cells whose initializers ask for each other's value, in two threads or tasks, wait for ever. A
/// future that has begun its initializer and is not polled, such as an arm of a select that is kept
/// for later, holds up all others who ask, until it is polled to its end or dropped: do not wait for
/// the cell by other means in the same task meanwhile.
///
/// # Cancel safety
/// Every wait may be dropped; it leaves nothing behind. Dropping a future that runs an initializer
/// drops the initializer and leaves the cell empty for the next.
///
/// # Cost
/// 24 bytes and the value. Reading is one load. A wait allocates nothing. After a failure all tasks
/// that would run their own initializer are woken, and one of them does.
///
/// ```
/// use counterpoint_sync::OnceCell;
///
/// static CONFIG: OnceCell<String> = OnceCell::new();
/// assert_eq!(CONFIG.get(), None);
/// assert_eq!(CONFIG.get_or_init(|| "default".into()), "default");
/// assert!(CONFIG.set("too late".into()).is_err());
/// ```
pub struct OnceCell<T> {
    raw: RawOnce,
    data: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: the value goes to the thread that takes or drops it.
unsafe impl<T: Send> Send for OnceCell<T> {}
// SAFETY: one thread writes the value (raw.rs I1), and others read it at once.
unsafe impl<T: Send + Sync> Sync for OnceCell<T> {}

// As std's: a panic leaves the cell empty or full.
impl<T: UnwindSafe> UnwindSafe for OnceCell<T> {}
impl<T: UnwindSafe + RefUnwindSafe> RefUnwindSafe for OnceCell<T> {}

/// What a claim found.
#[derive(Debug)]
#[must_use = "an unused claim leaves the cell empty"]
pub enum Claim<'a, T> {
    /// The value.
    Full(&'a T),
    /// Nothing: the caller may fill the cell.
    Init(OnceInit<'a, T>),
}

/// The right to fill a cell. Dropped unused, by a panic as well, it leaves the cell empty and lets
/// another one begin. Forgotten (`mem::forget`), it leaves the cell to nobody until
/// [`OnceCell::take`], which needs exclusive access.
#[must_use = "dropped at once, it leaves the cell empty"]
pub struct OnceInit<'a, T> {
    cell: &'a OnceCell<T>,
    hold: Hold,
}

/// The value, where only re-entrance can prevent it.
fn expect<T>(got: Result<&T, OnceCellError>) -> &T {
    match got {
        Ok(value) => value,
        Err(_) => panic!("counterpoint: OnceCell: asked for by its own initializer"),
    }
}

impl<T> OnceCell<T> {
    const_fn! {
        /// An empty cell.
        #[inline]
        #[must_use]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new() -> OnceCell<T> {
            OnceCell {
                raw: RawOnce::new(false),
                data: UnsafeCell::new(MaybeUninit::uninit()),
            }
        }

        /// A full cell.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn with_value(value: T) -> OnceCell<T> {
            OnceCell {
                raw: RawOnce::new(true),
                data: UnsafeCell::new(MaybeUninit::new(value)),
            }
        }
    }

    /// The value, if it is there.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.raw.is_full().then(|| self.known())
    }

    /// The value, which was seen to be there.
    #[inline(always)]
    fn known(&self) -> &T {
        self.data.with(|data| {
            // SAFETY: full (raw.rs I1): it was written before, and is not written while borrowed.
            let data = unsafe { &*data };
            // SAFETY: as above.
            unsafe { data.assume_init_ref() }
        })
    }

    /// True if the value is there.
    pub fn is_initialized(&self) -> bool {
        self.raw.is_full()
    }

    /// True while somebody makes the value; may be wrong at the next moment.
    pub fn is_initializing(&self) -> bool {
        self.raw.is_running()
    }

    /// The value, through exclusive access.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if !self.raw.is_full() {
            return None;
        }
        // SAFETY: full (raw.rs I1).
        Some(unsafe { self.data.get_mut().assume_init_mut() })
    }

    /// The value, which leaves the cell empty; so does taking none, if a claim was forgotten.
    pub fn take(&mut self) -> Option<T> {
        let full = self.raw.is_full();
        // Also a claim that was forgotten: with exclusive access nobody has one.
        self.raw.clear();
        if !full {
            return None;
        }
        // SAFETY: it was full (raw.rs I1) and is empty now, so the value moves out once.
        Some(unsafe { self.data.get_mut().assume_init_read() })
    }

    /// The value back.
    pub fn into_inner(mut self) -> Option<T> {
        self.take()
    }

    /// Puts a value in place, without waiting.
    ///
    /// # Errors
    /// [`SetError`], with the value: there is one, or somebody else is about to make one.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.raw.try_begin() {
            Start::Begun => {
                OnceInit::new(self).fill(value);
                Ok(())
            }
            Start::Full => Err(SetError::AlreadyInit(value)),
            Start::Running | Start::Reentrant => Err(SetError::Initializing(value)),
        }
    }

    /// Blocks this thread until the cell is full, or the caller may fill it.
    ///
    /// # Errors
    /// [`OnceCellError::Reentrant`].
    ///
    /// # Deadlocks
    /// Waits for ever if this thread holds the claim already, outside an initializer. Inside a task
    /// use [`claim_async`](Self::claim_async).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn claim(&self) -> Result<Claim<'_, T>, OnceCellError> {
        match self.get() {
            Some(value) => Ok(Claim::Full(value)),
            None => self.claim_async().wait(),
        }
    }

    /// The value, or the right to fill the cell, if that needs no wait.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn try_claim(&self) -> Option<Claim<'_, T>> {
        match self.raw.try_begin() {
            Start::Full => Some(Claim::Full(self.known())),
            Start::Begun => {
                let mut init = OnceInit::new(self);
                init.tell_held(Site::here());
                Some(Claim::Init(init))
            }
            Start::Running | Start::Reentrant => None,
        }
    }

    /// As [`claim`](Self::claim), at most for `timeout`; zero tries once.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] as well.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn claim_timeout(&self, timeout: Duration) -> Result<Claim<'_, T>, OnceCellError> {
        self.claim_async().timeout(timeout).wait()
    }

    /// As [`claim`](Self::claim), at most until `deadline`; one in the past tries once.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] as well.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn claim_deadline(&self, deadline: Instant) -> Result<Claim<'_, T>, OnceCellError> {
        self.claim_async().deadline(deadline).wait()
    }

    /// The operation that waits until the cell is full, or the caller may fill it.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    ///
    /// ```
    /// use counterpoint_sync::{Claim, OnceCell};
    ///
    /// let cell = OnceCell::new();
    /// match cell.claim_async().wait().unwrap() {
    ///     Claim::Full(value) => unreachable!("{value}"),
    ///     Claim::Init(init) => assert_eq!(init.fill(7), &7),
    /// }
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn claim_async(&self) -> ClaimOnce<'_, T> {
        verb::claim(self)
    }

    /// The value; if there is none, what `init` makes, which runs on this thread.
    ///
    /// Blocks while another one makes it.
    ///
    /// # Panics
    /// If `init` does, or asks for the value of this cell; the cell is empty then.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use
    /// [`get_or_init_async`](Self::get_or_init_async) there.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        match self.get() {
            Some(value) => value,
            None => expect(self.init_with(self.claim(), infallible(init))),
        }
    }

    /// As [`get_or_init`](Self::get_or_init), waiting for others at most for `timeout`. `init`
    /// itself is not bounded.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If `init` does; the cell is empty then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_init_timeout(
        &self,
        timeout: Duration,
        init: impl FnOnce() -> T,
    ) -> Result<&T, OnceCellError> {
        self.init_with(self.claim_timeout(timeout), infallible(init))
    }

    /// As [`get_or_init`](Self::get_or_init), waiting for others at most until `deadline`. `init`
    /// itself is not bounded.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If `init` does; the cell is empty then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_init_deadline(
        &self,
        deadline: Instant,
        init: impl FnOnce() -> T,
    ) -> Result<&T, OnceCellError> {
        self.init_with(self.claim_deadline(deadline), infallible(init))
    }

    /// The value; if there is none, what the future made by `init` yields. `init` is called, and its
    /// future polled, only by who holds the claim.
    ///
    /// The future it returns is bounded by `.timeout`, `.deadline`, `.with(&ctl)` and
    /// `.until(future)`, which then cover the initializer as well.
    ///
    /// # Deadlocks
    /// Once it has begun it holds up all others until it is polled to its end or dropped.
    ///
    /// # Cancel safety
    /// Dropping it drops the future of `init` and leaves the cell empty for the next.
    ///
    /// ```
    /// use counterpoint_sync::{OnceCell, OnceCellError};
    /// use std::time::Duration;
    ///
    /// let cell = OnceCell::new();
    /// let late = cell.get_or_init_async(std::future::pending).timeout(Duration::from_millis(1));
    /// assert_eq!(late.wait(), Err(OnceCellError::TimedOut));
    /// assert_eq!(cell.get_or_init_async(async || 7).wait(), &7);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_init_async<F, Fut>(&self, init: F) -> GetOrInit<'_, T, Make<F, Fut>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        GetOrInit::new(self, Make::new(init))
    }

    /// As [`get_or_init`](Self::get_or_init), with an initializer that may fail.
    ///
    /// # Errors
    /// [`OnceCellError::Init`] with its error, or [`OnceCellError::Reentrant`].
    ///
    /// # Panics
    /// If `init` does; the cell is empty then.
    ///
    /// ```
    /// use counterpoint_sync::{OnceCell, OnceCellError};
    ///
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.get_or_try_init(|| "x".parse::<u8>()).ok(), None);
    /// assert_eq!(cell.get_or_try_init(|| "7".parse::<u8>()), Ok(&7));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_try_init<E>(
        &self,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, OnceCellError<E>> {
        self.init_with(self.claim(), init)
    }

    /// As [`get_or_try_init`](Self::get_or_try_init), waiting for others at most for `timeout`.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] as well.
    ///
    /// # Panics
    /// If `init` does; the cell is empty then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_try_init_timeout<E>(
        &self,
        timeout: Duration,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, OnceCellError<E>> {
        self.init_with(self.claim_timeout(timeout), init)
    }

    /// As [`get_or_try_init`](Self::get_or_try_init), waiting for others at most until `deadline`.
    ///
    /// # Errors
    /// [`OnceCellError::TimedOut`] as well.
    ///
    /// # Panics
    /// If `init` does; the cell is empty then.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_try_init_deadline<E>(
        &self,
        deadline: Instant,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, OnceCellError<E>> {
        self.init_with(self.claim_deadline(deadline), init)
    }

    /// As [`get_or_init_async`](Self::get_or_init_async), with an initializer that may fail.
    ///
    /// # Cancel safety
    /// As there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_try_init_async<E, F, Fut>(&self, init: F) -> GetOrTryInit<'_, T, TryMake<F, Fut>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        GetOrTryInit::new(self, TryMake::new(init))
    }

    fn init_with<'a, E>(
        &self,
        claim: Result<Claim<'a, T>, OnceCellError>,
        init: impl FnOnce() -> Result<T, E>,
    ) -> Result<&'a T, OnceCellError<E>> {
        match claim.map_err(OnceCellError::widen)? {
            Claim::Full(value) => Ok(value),
            Claim::Init(claim) => {
                let value = self.raw.inside(init).map_err(OnceCellError::Init)?;
                Ok(claim.fill(value))
            }
        }
    }

    /// Blocks this thread until the cell is full, and makes nothing itself. A failing initializer
    /// does not wake it.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody fills the cell, as in an initializer of it. Inside a task use
    /// [`wait_async`](Self::wait_async).
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> &T {
        match self.get() {
            Some(value) => value,
            None => self.wait_async().wait(),
        }
    }

    /// Blocks this thread until the cell is full, at most for `timeout`; zero looks once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_timeout(&self, timeout: Duration) -> Result<&T, Stop> {
        self.wait_async().timeout(timeout).wait()
    }

    /// Blocks this thread until the cell is full, at most until `deadline`; one in the past looks
    /// once.
    ///
    /// # Errors
    /// [`Stop::TimedOut`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_deadline(&self, deadline: Instant) -> Result<&T, Stop> {
        self.wait_async().deadline(deadline).wait()
    }

    /// The operation that waits until the cell is full.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_async(&self) -> WaitOnce<'_, T> {
        verb::wait(self)
    }

    /// Names the cell in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// What state it is in, all of one instant; see [`Telemetry`].
    pub fn telemetry(&self) -> Telemetry {
        self.raw.telemetry()
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

fn infallible<T>(init: impl FnOnce() -> T) -> impl FnOnce() -> Result<T, Infallible> {
    || Ok(init())
}

impl<'a, T> OnceInit<'a, T> {
    const fn new(cell: &'a OnceCell<T>) -> OnceInit<'a, T> {
        OnceInit {
            cell,
            hold: Hold::NONE,
        }
    }

    #[inline(always)]
    fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("OnceInit", self.cell.raw.queue(), site, 1);
    }

    /// Puts the value in place, for all to see.
    pub fn fill(self, value: T) -> &'a T {
        let this = ManuallyDrop::new(self);
        let cell = this.cell;
        hooks::released(this.hold);
        cell.data.with_mut(|data| {
            // SAFETY: the claim is held, so nobody else reads or writes it (raw.rs I1).
            unsafe { &mut *data }.write(value);
        });
        cell.raw.fill();
        cell.known()
    }

    /// The cell it may fill.
    pub const fn cell(&self) -> &'a OnceCell<T> {
        self.cell
    }
}

impl<T> Drop for OnceInit<'_, T> {
    fn drop(&mut self) {
        hooks::released(self.hold);
        self.cell.raw.empty();
    }
}

impl<T> fmt::Debug for OnceInit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceInit").finish_non_exhaustive()
    }
}

impl<T> Drop for OnceCell<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<T> Default for OnceCell<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    #[cfg_attr(feature = "hooks", track_caller)]
    fn from(value: T) -> OnceCell<T> {
        OnceCell::with_value(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    /// A cell of its own, with a clone of the value if there is one.
    fn clone(&self) -> OnceCell<T> {
        match self.get() {
            Some(value) => OnceCell::with_value(value.clone()),
            None => OnceCell::new(),
        }
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &OnceCell<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => debug.field(value),
            None => debug.field(&format_args!("<empty>")),
        };
        debug.finish()
    }
}

crate::mutex::obligations! {
    [T] OnceInit<'_, T>: hold;
}

//! A cell that is filled once, by a future.

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use counterpoint_base::const_fn;
use counterpoint_sync::{self as sync, Claim, OnceCellError};

/// A cell that is filled once; see [`counterpoint_sync::OnceCell`].
pub struct OnceCell<T>(sync::OnceCell<T>);

/// The error of an initializer; all others of a wait without bounds are this one's own fault.
fn fault<E>(error: OnceCellError<E>) -> E {
    match error {
        OnceCellError::Init(error) => error,
        _ => panic!("counterpoint: OnceCell: asked for by its own initializer"),
    }
}

fn never<T>(result: Result<T, OnceCellError<Infallible>>) -> T {
    match result.map_err(fault) {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// Fills the cell, unless somebody else has.
fn fill<T>(claim: Claim<'_, T>, value: T) -> Result<&T, T> {
    match claim {
        Claim::Init(init) => Ok(init.fill(value)),
        Claim::Full(_) => Err(value),
    }
}

impl<T> OnceCell<T> {
    const_fn! {
        /// An empty cell.
        pub const fn new() -> OnceCell<T> {
            OnceCell(sync::OnceCell::new())
        }
    }

    /// True if the value is there.
    pub fn is_initialized(&self) -> bool {
        self.0.is_initialized()
    }

    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, which is there.
    ///
    /// # Safety
    /// The cell was filled, and the caller knows it: what was written before is visible to this thread.
    pub unsafe fn get_unchecked(&self) -> &T {
        // SAFETY: by the caller's promise.
        unsafe { self.0.get().unwrap_unchecked() }
    }

    /// The value, through exclusive access, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.get_mut()
    }

    /// Takes the value out, which leaves the cell empty.
    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }

    /// The value back, if it is there.
    pub fn into_inner(self) -> Option<T> {
        self.0.into_inner()
    }

    /// Waits until the value is there.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn wait(&self) -> &T {
        self.0.wait_async().await
    }

    /// Blocks this thread until the value is there.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait_blocking(&self) -> &T {
        self.0.wait()
    }

    /// The value; if there is none, what the future of `closure` yields.
    ///
    /// # Errors
    /// That of the initializer; the cell is empty then.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops the initializer; the next one runs its own.
    pub async fn get_or_try_init<E, Fut: Future<Output = Result<T, E>>>(
        &self,
        closure: impl FnOnce() -> Fut,
    ) -> Result<&T, E> {
        let value = self.0.get_or_try_init_async(closure).await;
        value.map_err(fault)
    }

    /// The value; if there is none, that of `closure`. Blocks while somebody else makes one.
    ///
    /// # Errors
    /// That of the initializer; the cell is empty then.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_try_init_blocking<E>(
        &self,
        closure: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        self.0.get_or_try_init(closure).map_err(fault)
    }

    /// The value; if there is none, what the future of `closure` yields.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops the initializer; the next one runs its own.
    pub async fn get_or_init<Fut: Future<Output = T>>(&self, closure: impl FnOnce() -> Fut) -> &T {
        self.0.get_or_init_async(closure).await
    }

    /// The value; if there is none, that of `closure`. Blocks while somebody else makes one.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn get_or_init_blocking(&self, closure: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(closure)
    }

    /// Fills the cell; waits while somebody else is about to.
    ///
    /// # Errors
    /// The value back, if there is one already.
    ///
    /// # Panics
    /// If the initializer of this cell calls it.
    pub async fn set(&self, value: T) -> Result<&T, T> {
        fill(never(self.0.claim_async().await), value)
    }

    /// Fills the cell; blocks while somebody else is about to.
    ///
    /// # Errors
    /// The value back, if there is one already.
    ///
    /// # Panics
    /// If the initializer of this cell calls it.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn set_blocking(&self, value: T) -> Result<&T, T> {
        fill(never(self.0.claim()), value)
    }

    /// Fills the cell, if nobody else has or is about to.
    ///
    /// # Errors
    /// The value back, if somebody else has or is about to.
    pub fn try_set(&self, value: T) -> Result<(), T> {
        self.0.set(value).map_err(sync::SetError::into_inner)
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> OnceCell<T> {
        OnceCell(sync::OnceCell::with_value(value))
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

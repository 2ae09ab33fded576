//! A cell that is filled once, by a future.

use core::fmt;
use core::future::Future;
use counterpoint_base::const_fn;
use counterpoint_sync as sync;

/// A cell that is filled once; see [`counterpoint_sync::OnceCell`].
#[derive(Clone, PartialEq, Eq)]
pub struct OnceCell<T>(sync::OnceCell<T>);

impl<T> OnceCell<T> {
    const_fn! {
        /// An empty cell, in a constant.
        pub const fn const_new() -> OnceCell<T> {
            OnceCell(sync::OnceCell::new())
        }

        /// A cell that holds `value`, in a constant.
        pub const fn const_new_with(value: T) -> OnceCell<T> {
            OnceCell(sync::OnceCell::with_value(value))
        }
    }

    /// An empty cell.
    pub fn new() -> OnceCell<T> {
        OnceCell::const_new()
    }

    /// A cell that holds `value`, if there is one.
    pub fn new_with(value: Option<T>) -> OnceCell<T> {
        value.map_or_else(OnceCell::new, OnceCell::const_new_with)
    }

    /// True if the value is there.
    pub fn initialized(&self) -> bool {
        self.0.is_initialized()
    }

    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, through exclusive access, if it is there.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.get_mut()
    }

    /// Fills the cell, if nobody else has or is about to.
    ///
    /// # Errors
    /// The value back, and which of the two.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        self.0.set(value).map_err(|error| match error {
            sync::SetError::AlreadyInit(value) => SetError::AlreadyInitializedError(value),
            sync::SetError::Initializing(value) => SetError::InitializingError(value),
        })
    }

    /// The value; if there is none, what the future of `f` yields.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops the initializer; the next one runs its own.
    pub async fn get_or_init<F, Fut>(&self, f: F) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        self.0.get_or_init_async(f).await
    }

    /// The value; if there is none, what the future of `f` yields.
    ///
    /// # Errors
    /// That of the initializer; the cell is empty then.
    ///
    /// # Panics
    /// If the initializer does, or asks for the value itself.
    ///
    /// # Cancel safety
    /// Dropping the future drops the initializer; the next one runs its own.
    pub async fn get_or_try_init<E, F, Fut>(&self, f: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let value = self.0.get_or_try_init_async(f).await;
        value.map_err(|error| match error {
            sync::OnceCellError::Init(error) => error,
            // It has no bounds.
            _ => panic!("counterpoint: OnceCell: asked for by its own initializer"),
        })
    }

    /// The value back, if it is there.
    pub fn into_inner(self) -> Option<T> {
        self.0.into_inner()
    }

    /// Takes the value out, which leaves the cell empty.
    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> OnceCell<T> {
        OnceCell::const_new_with(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell")
            .field("value", &self.get())
            .finish()
    }
}

/// Why a value was not put into an [`OnceCell`]; with the value.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is one.
    AlreadyInitializedError(T),
    /// Somebody else is about to put one there.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// True if there is a value.
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// True if somebody else is about to put one there.
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "AlreadyInitializedError",
            SetError::InitializingError(_) => "InitializingError",
        })
    }
}

impl<T: fmt::Debug> core::error::Error for SetError<T> {}

//! A cell that is set once, and waited for.

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync::{self as sync, Claim};

/// A cell that is set once; see [`counterpoint_sync::OnceCell`].
#[derive(Clone, PartialEq, Eq)]
pub struct SetOnce<T>(sync::OnceCell<T>);

impl<T> SetOnce<T> {
    const_fn! {
        /// An empty cell, in a constant.
        pub const fn const_new() -> SetOnce<T> {
            SetOnce(sync::OnceCell::new())
        }

        /// A cell that holds `value`, in a constant.
        pub const fn const_new_with(value: T) -> SetOnce<T> {
            SetOnce(sync::OnceCell::with_value(value))
        }
    }

    /// An empty cell.
    pub fn new() -> SetOnce<T> {
        SetOnce::const_new()
    }

    /// A cell that holds `value`, if there is one.
    pub fn new_with(value: Option<T>) -> SetOnce<T> {
        value.map_or_else(SetOnce::new, SetOnce::const_new_with)
    }

    /// True if the value is there.
    pub fn initialized(&self) -> bool {
        self.0.is_initialized()
    }

    /// The value, if it is there.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// Sets the cell. If somebody else is just moving a value in, it waits for that moment, so that
    /// the value is there if this fails.
    ///
    /// # Errors
    /// The value back, if there is one already.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        match self.0.claim() {
            Ok(Claim::Init(init)) => {
                init.fill(value);
                Ok(())
            }
            Ok(Claim::Full(_)) | Err(_) => Err(SetOnceError(value)),
        }
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
}

impl<T> Default for SetOnce<T> {
    fn default() -> SetOnce<T> {
        SetOnce::new()
    }
}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> SetOnce<T> {
        SetOnce::const_new_with(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce")
            .field("value", &self.get())
            .finish()
    }
}

/// There is a value in the [`SetOnce`] already; with the one that was to be set.
#[derive(Debug, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetOnceError")
    }
}

impl<T: fmt::Debug> core::error::Error for SetOnceError<T> {}

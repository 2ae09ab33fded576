//! A cell that is filled once.

use core::fmt;
use counterpoint_base::const_fn;

use crate::once::OnceCell;

/// A cell that is filled once, by whoever comes first.
///
/// See [`OnceCell`], which it is, for what panics leave behind, and for timeouts and tasks.
///
/// ```
/// use counterpoint_sync::poison::OnceLock;
///
/// static NAME: OnceLock<String> = OnceLock::new();
/// assert_eq!(NAME.get_or_init(|| "first".to_owned()), "first");
/// assert_eq!(NAME.set("second".to_owned()), Err("second".to_owned()));
/// ```
pub struct OnceLock<T>(OnceCell<T>);

impl<T> OnceLock<T> {
    const_fn! {
        /// An empty cell.
        #[inline]
        #[must_use]
        pub const fn new() -> OnceLock<T> {
            OnceLock(OnceCell::new())
        }
    }

    /// The value, if there is one. Never blocks.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// The value, through exclusive access, if there is one.
    #[inline]
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.get_mut()
    }

    /// Blocks this thread until there is a value.
    ///
    /// # Deadlocks
    /// Waits for ever if nobody fills it.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn wait(&self) -> &T {
        self.0.wait()
    }

    /// Fills the cell. Blocks while somebody else is about to.
    ///
    /// # Errors
    /// The value back, if there is one already.
    ///
    /// # Panics
    /// If the initializer of this cell calls it.
    #[inline]
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.0
            .get_or_init(|| value.take().expect("an initializer runs once"));
        match value {
            None => Ok(()),
            Some(value) => Err(value),
        }
    }

    /// The value; if there is none, that of `f`. Blocks while somebody else is about to fill it.
    ///
    /// # Panics
    /// If `f` does, which leaves the cell empty, or asks for the value itself.
    #[inline]
    #[track_caller]
    pub fn get_or_init<F: FnOnce() -> T>(&self, f: F) -> &T {
        self.0.get_or_init(f)
    }

    /// The value back, if there is one.
    #[inline]
    pub fn into_inner(self) -> Option<T> {
        self.0.into_inner()
    }

    /// Takes the value out, which leaves the cell empty.
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        OnceLock(OnceCell::with_value(value))
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        OnceLock(self.0.clone())
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::lazy_lock::show(f.debug_tuple("OnceLock"), self.get())
    }
}

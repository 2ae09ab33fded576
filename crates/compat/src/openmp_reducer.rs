//! `openmp-reducer` 0.2.6: `Reducer` and `SharedReducer`.
//!
//! ```
//! use counterpoint_compat::openmp_reducer::Reducer;
//!
//! let reducer = Reducer::<usize>::new(5, |global, local| *global += *local);
//! std::thread::scope(|s| {
//!     for _ in 0..3 {
//!         let mut shared = reducer.share();
//!         s.spawn(move || *shared.as_mut() += 10);
//!     }
//! });
//! assert_eq!(reducer.get(), 35);
//! ```

use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_sync::{BufMutex, SharedBufMutex};

/// A reducer; see [`counterpoint_sync::BufMutex`].
pub struct Reducer<G, L = G, F = fn(&mut G, &L)>(BufMutex<G, L, F>);

impl<G: fmt::Debug, L, F> fmt::Debug for Reducer<G, L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reducer").field(&self.0).finish()
    }
}

impl<G, L, F: Fn(&mut G, &L)> Reducer<G, L, F> {
    const_fn! {
        /// A value, and how to reduce a local one into it.
        pub const fn new(init: G, reduce: F) -> Reducer<G, L, F> {
            Reducer(BufMutex::new(init, reduce))
        }
    }
}

impl<G, L, F> Reducer<G, L, F> {
    /// The global value.
    pub fn get(self) -> G {
        self.0.get()
    }
}

impl<G, L: Default, F: Fn(&mut G, &L)> Reducer<G, L, F> {
    /// A shared copy with a fresh local value.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share(&self) -> SharedReducer<'_, G, L, F> {
        SharedReducer(self.0.share())
    }
}

impl<G: Clone, L, F> Reducer<G, L, F> {
    /// A copy of the global value, as it is now.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G {
        self.0.peek()
    }
}

/// A shared copy of a [`Reducer`]; see [`counterpoint_sync::SharedBufMutex`].
pub struct SharedReducer<'a, G, L = G, F: Fn(&mut G, &L) = fn(&mut G, &L)>(
    SharedBufMutex<'a, G, L, F>,
);

impl<G: fmt::Debug, L: fmt::Debug, F: Fn(&mut G, &L)> fmt::Debug for SharedReducer<'_, G, L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReducer")
            .field("local", self.0.as_ref())
            .finish_non_exhaustive()
    }
}

impl<G, L: Default, F: Fn(&mut G, &L)> Clone for SharedReducer<'_, G, L, F> {
    /// A copy of the same reducer with a fresh local value.
    #[cfg_attr(feature = "hooks", track_caller)]
    fn clone(&self) -> Self {
        SharedReducer(self.0.clone())
    }
}

impl<G: Clone, L, F: Fn(&mut G, &L)> SharedReducer<'_, G, L, F> {
    /// A copy of the global value, as it is now.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G {
        self.0.peek()
    }
}

impl<G, L, F: Fn(&mut G, &L)> AsRef<L> for SharedReducer<'_, G, L, F> {
    /// The local value.
    #[inline(always)]
    fn as_ref(&self) -> &L {
        self.0.as_ref()
    }
}

impl<G, L, F: Fn(&mut G, &L)> AsMut<L> for SharedReducer<'_, G, L, F> {
    /// The local value.
    #[inline(always)]
    fn as_mut(&mut self) -> &mut L {
        self.0.as_mut()
    }
}

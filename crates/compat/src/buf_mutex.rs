//! `buf-mutex` 0.2: one value type, a function pointer as merge.
//!
//! ```
//! use counterpoint_compat::buf_mutex::BufMutex;
//!
//! let counter = BufMutex::<usize>::new(5, |global, local| *global += *local);
//! std::thread::scope(|s| {
//!     for _ in 0..3 {
//!         let mut shared = counter.share();
//!         s.spawn(move || *shared.as_mut() += 10);
//!     }
//! });
//! assert_eq!(counter.get(), 35);
//! ```

/// A value that is updated through [shares](counterpoint_sync::BufMutex::share); see
/// [`counterpoint_sync::BufMutex`].
pub type BufMutex<T> = counterpoint_sync::BufMutex<T>;

/// A cloneable copy with a local value; see [`counterpoint_sync::SharedBufMutex`].
pub type SharedBufMutex<'a, T> = counterpoint_sync::SharedBufMutex<'a, T>;

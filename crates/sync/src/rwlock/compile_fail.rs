//! Programs that must not compile, each beside a twin that does.
//!
//! A guard that writes a part is invariant in it, or a short-lived reference could be left in the
//! lock:
//! ```compile_fail,E0597
//! use counterpoint_sync::{OwnedMappedRwLockWriteGuard, OwnedRwLockWriteGuard, RwLock};
//! use std::sync::Arc;
//!
//! let lock = Arc::new(RwLock::new("for ever"));
//! {
//!     let short = String::from("short");
//!     let guard = OwnedRwLockWriteGuard::map(lock.write_owned(), |value| value);
//!     let mut guard: OwnedMappedRwLockWriteGuard<&'static str, &str> = guard;
//!     *guard = &short;
//! }
//! assert_eq!(*lock.read(), "short");
//! ```
//! ```
//! use counterpoint_sync::{OwnedMappedRwLockWriteGuard, OwnedRwLockWriteGuard, RwLock};
//! use std::sync::Arc;
//!
//! let lock = Arc::new(RwLock::new("for ever"));
//! {
//!     let long = "long";
//!     let guard = OwnedRwLockWriteGuard::map(lock.write_owned(), |value| value);
//!     let mut guard: OwnedMappedRwLockWriteGuard<&'static str, &str> = guard;
//!     *guard = long;
//! }
//! assert_eq!(*lock.read(), "long");
//! ```
//!
//! A guard that reads gives no exclusive reference:
//! ```compile_fail,E0594
//! use counterpoint_sync::RwLock;
//!
//! let lock = RwLock::new(1);
//! let mut reads = lock.read();
//! *reads += 1;
//! ```
//! ```
//! use counterpoint_sync::RwLock;
//!
//! let lock = RwLock::new(1);
//! let mut writes = lock.write();
//! *writes += 1;
//! ```
//!
//! A lock around a value that is not `Sync` is not shared between threads, since readers of both
//! would use it at once:
//! ```compile_fail,E0277
//! use counterpoint_sync::RwLock;
//! use std::cell::Cell;
//!
//! let lock = RwLock::new(Cell::new(1));
//! std::thread::scope(|scope| {
//!     scope.spawn(|| lock.read().set(2));
//! });
//! ```
//! ```
//! use counterpoint_sync::RwLock;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! let lock = RwLock::new(AtomicU32::new(1));
//! std::thread::scope(|scope| {
//!     scope.spawn(|| lock.read().store(2, Ordering::Relaxed));
//! });
//! ```

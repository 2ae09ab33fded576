//! Programs that must not compile, each beside a twin that does.
//!
//! A guard of a part is invariant in it, or a short-lived reference could be left in the mutex:
//! ```compile_fail,E0597
//! use counterpoint_sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
//! use std::sync::Arc;
//!
//! let mutex = Arc::new(Mutex::new("for ever"));
//! {
//!     let short = String::from("short");
//!     let guard = OwnedMutexGuard::map(mutex.lock_owned(), |value| value);
//!     let mut guard: OwnedMappedMutexGuard<&'static str, &str> = guard;
//!     *guard = &short;
//! }
//! assert_eq!(*mutex.lock(), "short");
//! ```
//! ```
//! use counterpoint_sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard};
//! use std::sync::Arc;
//!
//! let mutex = Arc::new(Mutex::new("for ever"));
//! {
//!     let long = "long";
//!     let guard = OwnedMutexGuard::map(mutex.lock_owned(), |value| value);
//!     let mut guard: OwnedMappedMutexGuard<&'static str, &str> = guard;
//!     *guard = &long;
//! }
//! assert_eq!(*mutex.lock(), "long");
//! ```
//!
//! The same with a borrowed guard:
//! ```compile_fail,E0597
//! use counterpoint_sync::{MappedMutexGuard, Mutex, MutexGuard};
//!
//! let mutex: Mutex<&'static str> = Mutex::new("for ever");
//! {
//!     let short = String::from("short");
//!     let mut guard = MutexGuard::map(mutex.lock(), |value| value);
//!     *guard = &short;
//! }
//! assert_eq!(*mutex.lock(), "short");
//! ```
//! ```
//! use counterpoint_sync::{MappedMutexGuard, Mutex, MutexGuard};
//!
//! let mutex: Mutex<&'static str> = Mutex::new("for ever");
//! {
//!     let long = "long";
//!     let mut guard = MutexGuard::map(mutex.lock(), |value| value);
//!     *guard = &long;
//! }
//! assert_eq!(*mutex.lock(), "long");
//! ```
//!
//! A guard of a value that is not `Send` stays on its thread:
//! ```compile_fail,E0277
//! let mutex = counterpoint_sync::Mutex::new(std::rc::Rc::new(1));
//! let guard = mutex.lock();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(guard));
//! });
//! ```
//! ```
//! let mutex = counterpoint_sync::Mutex::new(std::sync::Arc::new(1));
//! let guard = mutex.lock();
//! std::thread::scope(|scope| {
//!     scope.spawn(move || drop(guard));
//! });
//! ```
//!
//! The value is not reached without the lock while a guard lives:
//! ```compile_fail,E0502
//! let mut mutex = counterpoint_sync::Mutex::new(1);
//! let guard = mutex.lock();
//! *mutex.get_mut() += 1;
//! drop(guard);
//! ```
//! ```
//! let mut mutex = counterpoint_sync::Mutex::new(1);
//! let guard = mutex.lock();
//! drop(guard);
//! *mutex.get_mut() += 1;
//! ```

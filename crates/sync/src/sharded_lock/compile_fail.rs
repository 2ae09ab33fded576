//! Programs that must not compile, each beside a twin that does.
//!
//! A guard stays on its thread:
//! ```compile_fail,E0277
//! use counterpoint_sync::ShardedLock;
//!
//! static LOCK: ShardedLock<u32> = ShardedLock::new(1);
//! let reads = LOCK.read();
//! std::thread::spawn(move || drop(reads));
//! ```
//! ```compile_fail,E0277
//! use counterpoint_sync::ShardedLock;
//!
//! static LOCK: ShardedLock<u32> = ShardedLock::new(1);
//! let writes = LOCK.write();
//! std::thread::spawn(move || drop(writes));
//! ```
//! ```
//! use counterpoint_sync::ShardedLock;
//!
//! static LOCK: ShardedLock<u32> = ShardedLock::new(1);
//! let reads = LOCK.read();
//! std::thread::scope(|scope| scope.spawn(|| assert_eq!(*reads, 1)).join().unwrap());
//! ```

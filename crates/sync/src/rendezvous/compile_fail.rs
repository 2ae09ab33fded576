//! Programs that must not compile, each beside a twin that does.
//!
//! What a swap returned is not used after the next one:
//! ```compile_fail,E0499
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || {
//!     theirs.swap();
//!     theirs.swap();
//! });
//! let old = mine.swap();
//! let new = mine.swap();
//! *old = 3;
//! *new = 4;
//! thread.join().unwrap();
//! ```
//! ```
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || {
//!     theirs.swap();
//!     theirs.swap();
//! });
//! let old = mine.swap();
//! *old = 3;
//! let new = mine.swap();
//! *new = 4;
//! thread.join().unwrap();
//! ```
//!
//! Nor after an operation was begun:
//! ```compile_fail,E0499
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || theirs.swap_checked().map(|_| ()));
//! let old = mine.get_mut().unwrap();
//! let swap = mine.swap_async();
//! *old = 3;
//! swap.wait().unwrap();
//! thread.join().unwrap().unwrap();
//! ```
//! ```
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || theirs.swap_checked().map(|_| ()));
//! let old = mine.get_mut().unwrap();
//! *old = 3;
//! let swap = mine.swap_async();
//! swap.wait().unwrap();
//! thread.join().unwrap().unwrap();
//! ```
//!
//! What a swap returned does not outlive the party:
//! ```compile_fail,E0505
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || { theirs.swap(); });
//! let value = mine.swap();
//! drop(mine);
//! *value = 3;
//! thread.join().unwrap();
//! ```
//! ```
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(0, 0);
//! let thread = std::thread::spawn(move || { theirs.swap(); });
//! let value = mine.swap();
//! *value = 3;
//! drop(mine);
//! thread.join().unwrap();
//! ```
//!
//! Values that are not `Send` stay on their thread:
//! ```compile_fail,E0277
//! let one = || std::rc::Rc::new(0);
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(one(), one());
//! let thread = std::thread::spawn(move || { theirs.swap(); });
//! mine.swap();
//! thread.join().unwrap();
//! ```
//! `Sync` they need not be:
//! ```
//! let one = || std::cell::Cell::new(0);
//! let (mut mine, mut theirs) = counterpoint_sync::RendezvousData::new(one(), one());
//! let thread = std::thread::spawn(move || { theirs.swap(); });
//! mine.swap();
//! thread.join().unwrap();
//! ```

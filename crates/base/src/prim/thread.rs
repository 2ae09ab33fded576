//! Threads.

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use std::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

#[cfg(counterpoint_loom)]
pub use loom::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

#[cfg(counterpoint_shuttle)]
pub use shuttle::thread::{Builder, JoinHandle, Thread, current, spawn, yield_now};

/// Whether the current thread is unwinding.
#[cfg(feature = "std")]
pub use std::thread::panicking;

/// How many processors this process may use, read once. One means: do not spin. That the thread
/// which asks first is bound to one processor says nothing about the others. Under a checker there
/// are two, so that the code that spins is explored as well.
#[inline]
pub fn parallelism() -> usize {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    {
        // Relaxed: the number alone is shared.
        match KNOWN.load(core::sync::atomic::Ordering::Relaxed) {
            0 => ask_system(),
            known => known,
        }
    }
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    {
        2
    }
}

/// The answer of `parallelism`, or 0 before the first question.
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
static KNOWN: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
#[cold]
#[inline(never)]
fn ask_system() -> usize {
    let found = std::thread::available_parallelism().map_or(1, usize::from);
    let found = if found == 1 { unbound() } else { found };
    // Relaxed: the number alone is shared.
    KNOWN.store(found, core::sync::atomic::Ordering::Relaxed);
    found
}

/// How many processors the process may use if this thread is bound to one: those of its first
/// thread. One if this thread is not bound, since then something else allows no more.
#[cfg(all(
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
#[cold]
fn unbound() -> usize {
    let this = bound_to(0);
    // SAFETY: it has no preconditions.
    let first = bound_to(unsafe { libc::getpid() });
    if this == Some(1) {
        first.unwrap_or(1).max(1)
    } else {
        1
    }
}

/// To how many processors a thread is bound.
#[cfg(all(
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]
fn bound_to(thread: libc::pid_t) -> Option<usize> {
    // SAFETY: a set of bits, for which zero is a value.
    let mut set: libc::cpu_set_t = unsafe { core::mem::zeroed() };
    let size = core::mem::size_of_val(&set);
    // SAFETY: writes no more than `size` bytes to `set`.
    let result = unsafe { libc::sched_getaffinity(thread, size, &raw mut set) };
    // SAFETY: reads the set.
    (result == 0).then(|| unsafe { libc::CPU_COUNT(&set) } as usize)
}

#[cfg(all(
    any(not(target_os = "linux"), miri),
    not(any(counterpoint_loom, counterpoint_shuttle))
))]
fn unbound() -> usize {
    1
}

/// The name of this thread; empty if it has none.
pub fn current_name() -> String {
    // A checker's threads are std's underneath, or coroutines of one.
    std::thread::current().name().unwrap_or_default().to_owned()
}

//! The clock. Under a checker it stands still and [`reached`] is a branch of the model.

pub use core::time::Duration;
pub use std::time::Instant;

/// The time now.
#[inline]
pub fn now() -> Instant {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    {
        Instant::now()
    }
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *START.get_or_init(Instant::now)
    }
}

/// Nanoseconds of a clock that is cheap to read and steps some milliseconds at a time; only the
/// difference between two of them says anything.
#[inline]
pub fn coarse() -> u64 {
    #[cfg(all(target_os = "linux", not(any(counterpoint_loom, counterpoint_shuttle))))]
    {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the pointer is that of a local.
        let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
        debug_assert_eq!(failed, 0, "this clock is there since Linux 2.6.32");
        (time.tv_sec as u64).wrapping_mul(1_000_000_000) + time.tv_nsec as u64
    }
    #[cfg(not(all(target_os = "linux", not(any(counterpoint_loom, counterpoint_shuttle)))))]
    {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        now()
            .saturating_duration_since(*START.get_or_init(now))
            .as_nanos() as u64
    }
}

/// True if `deadline` has come.
#[inline]
pub fn reached(deadline: Instant) -> bool {
    #[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
    {
        Instant::now() >= deadline
    }
    #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
    {
        let _ = deadline;
        super::choose(super::Branch::DeadlineFirst)
    }
}

/// The deadline that lies `timeout` ahead; `None` if it is too far away for the clock, which
/// means never.
#[inline]
pub fn deadline(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

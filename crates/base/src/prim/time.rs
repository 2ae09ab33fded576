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

//! A stand-in with the peer's name.
pub use counterpoint_compat::parking_lot::*;
use std::time::Instant;

/// What the peer's own tests reach inside of it.
pub trait WaitInternal {
    fn wait_while_until_internal<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult;
}

impl WaitInternal for Condvar {
    fn wait_while_until_internal<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        condition: impl FnMut(&mut T) -> bool,
        deadline: Option<Instant>,
    ) -> WaitTimeoutResult {
        match deadline {
            Some(deadline) => self.wait_while_until(guard, condition, deadline),
            None => {
                self.wait_while(guard, condition);
                WaitTimeoutResult::from(Ok(()))
            }
        }
    }
}

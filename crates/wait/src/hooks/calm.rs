//! Where no panic of a sink may come out (hooks.rs I2).

use core::cell::Cell;
use core::marker::PhantomData;

thread_local! {
    static CALM: Cell<bool> = const { Cell::new(false) };
}

/// Until it is dropped no panic of a sink comes through on this thread: for a wait that takes back
/// what a guard in the caller's hands says that it holds.
#[derive(Debug)]
pub struct Calm(bool, PhantomData<*mut ()>);

impl Calm {
    /// From now on.
    #[must_use]
    pub fn begin() -> Calm {
        Calm(CALM.replace(true), PhantomData)
    }
}

impl Drop for Calm {
    fn drop(&mut self) {
        CALM.set(self.0);
    }
}

/// Whether somebody on this thread has to stay calm.
pub(super) fn is_calm() -> bool {
    CALM.get()
}

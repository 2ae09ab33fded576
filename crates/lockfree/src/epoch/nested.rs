//! Whose deferred closures this thread runs just now: a closure that is run does not run others of the
//! same collector in the middle of itself, by whatever record, or the stack would grow without bound.
//!
//! Without `std` nobody knows the thread; there it holds for each record alone.

use super::collector::Global;
use super::local::Local;
#[cfg(feature = "std")]
use core::cell::Cell;
#[cfg(feature = "std")]
use core::ptr;

#[cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]
std::thread_local! {
    static INNERMOST: Cell<*const Nested> = const { Cell::new(ptr::null()) };
}

#[cfg(all(feature = "std", any(counterpoint_loom, counterpoint_shuttle)))]
counterpoint_base::prim::__engine_thread_local! {
    static INNERMOST: Cell<*const Nested> = Cell::new(ptr::null());
}

/// One that is on the stack of this thread.
#[cfg(feature = "std")]
pub(super) struct Nested {
    global: *const Global,
    local: *const Local,
    outer: *const Nested,
}

#[cfg(feature = "std")]
impl Nested {
    /// Calls `f`, unless this thread runs closures of `global` already: then it says in which record.
    pub(super) fn run(local: &Local, global: &Global, f: impl FnOnce()) -> Option<*const Local> {
        struct Done(*const Nested);
        impl Drop for Done {
            fn drop(&mut self) {
                set(self.0);
            }
        }
        let outer = innermost();
        let mut next = outer;
        // SAFETY: further up on this stack, where `Done` takes it out of the list.
        while let Some(nested) = unsafe { next.as_ref() } {
            if ptr::eq(nested.global, global) {
                return Some(nested.local);
            }
            next = nested.outer;
        }
        let nested = Nested {
            global,
            local,
            outer,
        };
        let _done = Done(outer);
        set(&raw const nested);
        f();
        None
    }
}

#[cfg(feature = "std")]
fn innermost() -> *const Nested {
    // In an engine it may be gone where the thread ends.
    INNERMOST.try_with(Cell::get).unwrap_or(ptr::null())
}

#[cfg(feature = "std")]
fn set(nested: *const Nested) {
    let _ = INNERMOST.try_with(|innermost| innermost.set(nested));
}

#[cfg(not(feature = "std"))]
pub(super) struct Nested;

#[cfg(not(feature = "std"))]
impl Nested {
    /// Calls `f`, unless `local` runs closures already: then it says so.
    pub(super) fn run(local: &Local, _: &Global, f: impl FnOnce()) -> Option<*const Local> {
        struct Done<'l>(&'l Local);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.collecting.set(false);
            }
        }
        if local.collecting.replace(true) {
            return Some(local);
        }
        let _done = Done(local);
        f();
        None
    }
}

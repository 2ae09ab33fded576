//! Leaks on purpose.

use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::AtomicPtr;

/// Where everything is that was leaked: to LeakSanitizer and Miri what nobody can reach is a mistake.
static LEAKED: Mutex<Vec<AtomicPtr<()>>> = Mutex::new(Vec::new());

/// Keeps `value` for ever; it is never dropped, whatever becomes of what it borrows.
pub(crate) fn leak<'a, T>(value: T) -> &'a T {
    let value = Box::leak(Box::new(value));
    let address = AtomicPtr::new(ptr::from_mut(value).cast());
    LEAKED.lock().unwrap().push(address);
    value
}

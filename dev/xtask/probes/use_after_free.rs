//! Reads memory that was given back. AddressSanitizer must say so.

fn main() {
    let freed = Box::into_raw(Box::new(7u64));
    // SAFETY: `freed` comes from a box and is given back once.
    drop(unsafe { Box::from_raw(freed) });
    // SAFETY: none; that is the point.
    let found = unsafe { freed.read_volatile() };
    println!("{found}");
}

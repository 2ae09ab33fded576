//! Arithmetic on cells of integers and flags.
//!
//! By the instruction of the atomic type of that size, where cells are accessed by instructions at
//! all; else as any other change of the value.

use super::AtomicCell;

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
macro_rules! by_instruction {
    ($cell:ident, $value:ident, $type:ty, none, $method:ident) => {};
    ($cell:ident, $value:ident, $type:ty, $atomic:ident, $method:ident) => {
        if super::place::Place::<$type>::WORD {
            use core::sync::atomic::{Ordering, $atomic};
            // SAFETY: of the size and alignment of the atomic type, and accessed atomically alone.
            let atomic = unsafe { $atomic::from_ptr($cell.as_ptr()) };
            return atomic.$method($value, Ordering::AcqRel);
        }
    };
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
macro_rules! by_instruction {
    ($cell:ident, $value:ident, $type:ty, $atomic:ident, $method:ident) => {};
}

macro_rules! fetch {
    ($($type:ty, $atomic:ident {$(
        $(#[$meta:meta])*
        $method:ident = |$found:ident, $value:ident| $new:expr, $before:literal $argument:literal $after:literal;
    )*})*) => {$(
        impl AtomicCell<$type> {$(
            $(#[$meta])*
            ///
            /// Returns the value before.
            ///
            /// ```
            /// use counterpoint_base::atomic::AtomicCell;
            ///
            #[doc = concat!("let cell = AtomicCell::<", stringify!($type), ">::new(", $before, ");")]
            #[doc = concat!("assert_eq!(cell.", stringify!($method), "(", $argument, "), ", $before, ");")]
            #[doc = concat!("assert_eq!(cell.load(), ", $after, ");")]
            /// ```
            #[inline]
            pub fn $method(&self, value: $type) -> $type {
                by_instruction!(self, value, $type, $atomic, $method);
                let change = |found: $type| {
                    let ($found, $value) = (found, value);
                    Some($new)
                };
                match self.fetch_update(change) {
                    Ok(before) | Err(before) => before,
                }
            }
        )*}
    )*};
}

macro_rules! integers {
    ($($type:ty, $atomic:ident;)*) => {
        fetch! {$(
            $type, $atomic {
            /// Adds, wrapping around.
            fetch_add = |found, value| found.wrapping_add(value), "7" "3" "10";
            /// Subtracts, wrapping around.
            fetch_sub = |found, value| found.wrapping_sub(value), "7" "3" "4";
            /// Bitwise and.
            fetch_and = |found, value| found & value, "7" "3" "3";
            /// Bitwise not of and.
            fetch_nand = |found, value| !(found & value), "7" "3" "!3";
            /// Bitwise or.
            fetch_or = |found, value| found | value, "7" "16" "23";
            /// Bitwise exclusive or.
            fetch_xor = |found, value| found ^ value, "7" "2" "5";
            /// The larger of both.
            fetch_max = |found, value| found.max(value), "7" "9" "9";
            /// The smaller of both.
            fetch_min = |found, value| found.min(value), "7" "2" "2";
            }
        )*}
    };
}

integers! {
    i8, AtomicI8;
    u8, AtomicU8;
    i16, AtomicI16;
    u16, AtomicU16;
    i32, AtomicI32;
    u32, AtomicU32;
    i128, none;
    u128, none;
    isize, AtomicIsize;
    usize, AtomicUsize;
}

#[cfg(target_has_atomic = "64")]
integers! {
    i64, AtomicI64;
    u64, AtomicU64;
}

#[cfg(not(target_has_atomic = "64"))]
integers! {
    i64, none;
    u64, none;
}

fetch! {
    bool, AtomicBool {
    /// Logical and.
    fetch_and = |found, value| found & value, "true" "false" "false";
    /// Logical not of and.
    fetch_nand = |found, value| !(found & value), "true" "true" "false";
    /// Logical or.
    fetch_or = |found, value| found | value, "false" "true" "true";
    /// Logical exclusive or.
    fetch_xor = |found, value| found ^ value, "true" "true" "false";
    }
}

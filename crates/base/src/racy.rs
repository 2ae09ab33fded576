//! Copies of values that other threads may write, or read, meanwhile.
//!
//! A read beside a write gives a torn copy, which the caller throws away. In Rust the read itself
//! must not be a data race, and the bytes need not be initialized (padding), so no atomic type of
//! the language can carry them. So the copy goes through assembly, 16 bytes at a time and fewer at
//! the end. For the language each step is a number of relaxed atomic accesses of `MaybeUninit<u8>`,
//! the operation that the hardware has and `core::sync::atomic` does not.

use core::arch::asm;
use core::mem::{MaybeUninit, size_of};

#[cfg(target_arch = "aarch64")]
use core::arch::aarch64::uint8x16_t as Vector;
#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::__m128i as Vector;

/// Copies a value that others may write meanwhile.
///
/// # Safety
/// `from` is valid for reads, and `to` for writes by this thread alone.
#[inline(always)]
pub(crate) unsafe fn load<T>(from: *const MaybeUninit<T>, to: *mut MaybeUninit<T>) {
    let (from, to) = (from.cast::<u8>(), to.cast::<u8>());
    // SAFETY: by the caller's promise.
    unsafe { each_step(size_of::<T>(), from, to, LOAD) };
}

/// Writes a value that others may read meanwhile.
///
/// # Safety
/// `from` is valid for reads, and nobody writes there; `to` is valid for writes, and nobody else
/// writes there.
#[inline(always)]
pub(crate) unsafe fn store<T>(from: *const MaybeUninit<T>, to: *mut MaybeUninit<T>) {
    let (from, to) = (from.cast::<u8>(), to.cast::<u8>());
    // SAFETY: by the caller's promise.
    unsafe { each_step(size_of::<T>(), from, to, STORE) };
}

/// Whether two values have the same bytes; those of padding are whatever is found there.
///
/// # Safety
/// Both are valid for reads, and nobody writes there.
pub(crate) unsafe fn same<T>(one: *const MaybeUninit<T>, other: *const MaybeUninit<T>) -> bool {
    let byte = |from: *const MaybeUninit<T>, at: usize| {
        // SAFETY: inside the value.
        let from = unsafe { from.cast::<u8>().add(at) };
        // SAFETY: valid by the caller's promise.
        unsafe { found_at(from) }
    };
    (0..size_of::<T>()).all(|at| byte(one, at) == byte(other, at))
}

/// The byte that the hardware finds, also where the language knows of none.
///
/// # Safety
/// `from` is valid for reads.
#[inline(always)]
unsafe fn found_at(from: *const u8) -> u8 {
    let found: u32;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads memory that is valid by the caller's promise.
    unsafe {
        asm!(
            "movzx {found:e}, byte ptr [{from}]",
            found = out(reg) found,
            from = in(reg) from,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        asm!(
            "ldrb {found:w}, [{from}]",
            found = out(reg) found,
            from = in(reg) from,
            options(nostack, preserves_flags, readonly),
        );
    }
    found as u8
}

/// Which side others have access to.
const LOAD: bool = true;
const STORE: bool = false;

/// Steps as wide as can be: narrower ones would cost more than they look, for the wide loads with
/// which the compiler then moves the copy would have to wait for several stores.
///
/// # Safety
/// As for `load` or `store`, of `size` bytes.
#[inline(always)]
unsafe fn each_step(size: usize, from: *const u8, to: *mut u8, is_load: bool) {
    let mut at = 0;
    macro_rules! step {
        ($type:ty, $load:ident, $store:ident) => {{
            // SAFETY: inside the value.
            let from = unsafe { from.add(at) }.cast::<MaybeUninit<$type>>();
            // SAFETY: as above.
            let to = unsafe { to.add(at) }.cast::<MaybeUninit<$type>>();
            if is_load {
                // SAFETY: valid by the caller's promise.
                let value = unsafe { $load(from) };
                // SAFETY: as above.
                unsafe { to.write_unaligned(value) };
            } else {
                // SAFETY: valid by the caller's promise; any bytes are a `MaybeUninit`.
                let value = unsafe { from.read_unaligned() };
                // SAFETY: as above.
                unsafe { $store(to, value) };
            }
            at += size_of::<$type>();
        }};
    }
    while at + 16 <= size {
        step!(Vector, load_16, store_16);
    }
    if size % 16 >= 8 {
        step!(u64, load_8, store_8);
    }
    if size % 8 >= 4 {
        step!(u32, load_4, store_4);
    }
    if size % 4 >= 2 {
        step!(u16, load_2, store_2);
    }
    if size % 2 == 1 {
        step!(u8, load_1, store_1);
    }
    debug_assert_eq!(at, size);
}

macro_rules! access {
    ($(
        load $load:ident, store $store:ident: $type:ty, $class_x86:ident, $class_arm:ident;
        x86_64: $load_x86:literal, $store_x86:literal;
        aarch64: $load_arm:literal, $store_arm:literal;
    )*) => {$(
        /// Relaxed atomic accesses of bytes of which any may be uninitialized, in no order.
        ///
        /// # Safety
        /// `from` is valid for reads.
        #[inline(always)]
        unsafe fn $load(from: *const MaybeUninit<$type>) -> MaybeUninit<$type> {
            let value: MaybeUninit<$type>;
            #[cfg(target_arch = "x86_64")]
            // SAFETY: reads memory that is valid by the caller's promise; the bytes need no value
            // as `MaybeUninit`.
            unsafe {
                asm!(
                    $load_x86,
                    value = out($class_x86) value,
                    from = in(reg) from,
                    options(nostack, preserves_flags),
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            unsafe {
                asm!(
                    $load_arm,
                    value = out($class_arm) value,
                    from = in(reg) from,
                    options(nostack, preserves_flags),
                );
            }
            value
        }

        /// The same for writing.
        ///
        /// # Safety
        /// `to` is valid for writes.
        #[inline(always)]
        unsafe fn $store(to: *mut MaybeUninit<$type>, value: MaybeUninit<$type>) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: writes memory that is valid by the caller's promise.
            unsafe {
                asm!(
                    $store_x86,
                    value = in($class_x86) value,
                    to = in(reg) to,
                    options(nostack, preserves_flags),
                );
            }
            #[cfg(target_arch = "aarch64")]
            // SAFETY: as above.
            unsafe {
                asm!(
                    $store_arm,
                    value = in($class_arm) value,
                    to = in(reg) to,
                    options(nostack, preserves_flags),
                );
            }
        }
    )*};
}

access! {
    load load_16, store store_16: Vector, xmm_reg, vreg;
    x86_64: "movups {value}, xmmword ptr [{from}]", "movups xmmword ptr [{to}], {value}";
    aarch64: "ldr {value:q}, [{from}]", "str {value:q}, [{to}]";

    load load_8, store store_8: u64, reg, reg;
    x86_64: "mov {value}, qword ptr [{from}]", "mov qword ptr [{to}], {value}";
    aarch64: "ldr {value}, [{from}]", "str {value}, [{to}]";

    load load_4, store store_4: u32, reg, reg;
    x86_64: "mov {value:e}, dword ptr [{from}]", "mov dword ptr [{to}], {value:e}";
    aarch64: "ldr {value:w}, [{from}]", "str {value:w}, [{to}]";

    load load_2, store store_2: u16, reg, reg;
    x86_64: "movzx {value:e}, word ptr [{from}]", "mov word ptr [{to}], {value:x}";
    aarch64: "ldrh {value:w}, [{from}]", "strh {value:w}, [{to}]";

    load load_1, store store_1: u8, reg_byte, reg;
    x86_64: "mov {value}, byte ptr [{from}]", "mov byte ptr [{to}], {value}";
    aarch64: "ldrb {value:w}, [{from}]", "strb {value:w}, [{to}]";
}

//! Values of 1, 2, 4 and 8 bytes, by single instructions.
//!
//! The atomic types of the language hold integers, every byte of which is initialized; a value of
//! any type may have padding. So the accesses go through assembly: for the language they are those
//! of an atomic `MaybeUninit` of the width (loads acquire, stores release, the others do both). An
//! exchange compares what the memory holds with what an access before it found there, padding and
//! all, and never with a value that was made elsewhere: so a difference in padding alone makes it
//! look again, and it goes on with what it found.
//!
//! Not under Miri, which knows no assembly, nor under ThreadSanitizer, which does not see into it.

use core::mem::{ManuallyDrop, size_of};

/// Whether values are accessed in this way here.
pub(super) const HERE: bool = cfg!(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(miri, tsan))
));

/// The same bytes as another type.
///
/// # Safety
/// The types are of one size, and the bytes are an `A`.
#[inline(always)]
pub(super) unsafe fn cast<V, A>(value: V) -> A {
    debug_assert_eq!(size_of::<V>(), size_of::<A>());
    let value = ManuallyDrop::new(value);
    // SAFETY: by the caller's promise.
    unsafe { core::mem::transmute_copy::<V, A>(&value) }
}

#[cfg(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(miri, tsan))
))]
mod imp {
    use super::{cast, size_of};
    use core::arch::asm;
    use core::mem::MaybeUninit;

    macro_rules! by_size {
        ($type:ty, $width:ident => $body:expr) => {
            match size_of::<$type>() {
                1 => {
                    use one as $width;
                    $body
                }
                2 => {
                    use two as $width;
                    $body
                }
                4 => {
                    use four as $width;
                    $body
                }
                _ => {
                    use eight as $width;
                    $body
                }
            }
        };
    }

    /// # Safety
    /// `at` points to an initialized value of 1, 2, 4 or 8 bytes, aligned to its size, which is
    /// accessed by the functions of this module alone.
    #[inline(always)]
    pub(in super::super) unsafe fn load<T>(at: *const T) -> T {
        by_size!(T, width => {
            // SAFETY: by the caller's promise.
            let found = unsafe { width::load(at.cast()) };
            // SAFETY: the bytes of a value.
            unsafe { cast(found) }
        })
    }

    /// # Safety
    /// As for `load`.
    #[inline(always)]
    pub(in super::super) unsafe fn store<T>(at: *mut T, value: T) {
        by_size!(T, width => {
            // SAFETY: any bytes are a `MaybeUninit`.
            let value = unsafe { cast(value) };
            // SAFETY: by the caller's promise.
            unsafe { width::store(at.cast(), value) }
        })
    }

    /// # Safety
    /// As for `load`.
    #[inline(always)]
    pub(in super::super) unsafe fn swap<T>(at: *mut T, value: T) -> T {
        by_size!(T, width => {
            // SAFETY: any bytes are a `MaybeUninit`.
            let value = unsafe { cast(value) };
            // SAFETY: by the caller's promise.
            let found = unsafe { width::swap(at.cast(), value) };
            // SAFETY: the bytes of a value.
            unsafe { cast(found) }
        })
    }

    /// Replaces the value by what `f` makes of it, until nobody came in between.
    ///
    /// # Safety
    /// As for `load`.
    #[inline(always)]
    pub(in super::super) unsafe fn update<T: Copy>(
        at: *mut T,
        mut f: impl FnMut(T) -> Option<T>,
    ) -> Result<T, T> {
        by_size!(T, width => {
            // SAFETY: by the caller's promise.
            let mut found = unsafe { width::load(at.cast()) };
            loop {
                // SAFETY: the bytes of a value.
                let value: T = unsafe { cast(found) };
                let Some(new) = f(value) else {
                    return Err(value);
                };
                // SAFETY: any bytes are a `MaybeUninit`.
                let new = unsafe { cast(new) };
                // SAFETY: by the caller's promise.
                let (now, done) = unsafe { width::exchange(at.cast(), found, new) };
                if done {
                    return Ok(value);
                }
                found = now;
            }
        })
    }

    #[cfg(target_arch = "x86_64")]
    macro_rules! width {
        ($name:ident: $word:ty, $loaded:ty, $class:ident, $accumulator:tt;
            $load:literal; $store:literal; $swap:literal; $exchange:literal; $($arm:literal;)*
        ) => {
            mod $name {
                use super::{MaybeUninit, asm};

                type Word = MaybeUninit<$word>;

                /// # Safety
                /// `at` is valid for reads, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn load(at: *const Word) -> Word {
                    let value: MaybeUninit<$loaded>;
                    // SAFETY: reads memory that is valid by the caller's promise.
                    unsafe {
                        asm!($load, value = out(reg) value, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                    // SAFETY: the lower bytes of a register.
                    unsafe { core::mem::transmute_copy(&value) }
                }

                /// # Safety
                /// `at` is valid for writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn store(at: *mut Word, value: Word) {
                    // SAFETY: writes memory that is valid by the caller's promise.
                    unsafe {
                        asm!($store, value = in($class) value, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                }

                /// # Safety
                /// `at` is valid for reads and writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn swap(at: *mut Word, value: Word) -> Word {
                    let found: Word;
                    // SAFETY: accesses memory that is valid by the caller's promise.
                    unsafe {
                        asm!($swap, value = inout($class) value => found, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                    found
                }

                /// Whether it was `found`, and what it was.
                ///
                /// # Safety
                /// `at` is valid for reads and writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn exchange(at: *mut Word, found: Word, new: Word) -> (Word, bool) {
                    let (now, done): (Word, u8);
                    // SAFETY: accesses memory that is valid by the caller's promise.
                    unsafe {
                        asm!($exchange, "sete {done}",
                            new = in($class) new, at = in(reg) at, done = out(reg_byte) done,
                            inout($accumulator) found => now, options(nostack));
                    }
                    (now, done != 0)
                }
            }
        };
    }

    #[cfg(target_arch = "aarch64")]
    macro_rules! width {
        ($name:ident: $word:ty, $loaded:ty, $class:ident, $accumulator:tt;
            $x_load:literal; $x_store:literal; $x_swap:literal; $x_exchange:literal;
            $load:literal; $store:literal; $exclusive:literal; $conditional:literal; $compare:literal;
        ) => {
            mod $name {
                use super::{MaybeUninit, asm};

                type Word = MaybeUninit<$word>;

                /// # Safety
                /// `at` is valid for reads, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn load(at: *const Word) -> Word {
                    let value: Word;
                    // SAFETY: reads memory that is valid by the caller's promise.
                    unsafe {
                        asm!($load, value = out(reg) value, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                    value
                }

                /// # Safety
                /// `at` is valid for writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn store(at: *mut Word, value: Word) {
                    // SAFETY: writes memory that is valid by the caller's promise.
                    unsafe {
                        asm!($store, value = in(reg) value, at = in(reg) at,
                            options(nostack, preserves_flags));
                    }
                }

                /// # Safety
                /// `at` is valid for reads and writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn swap(at: *mut Word, value: Word) -> Word {
                    let found: Word;
                    // SAFETY: accesses memory that is valid by the caller's promise.
                    unsafe {
                        asm!("2:", $exclusive, $conditional, "cbnz {failed:w}, 2b",
                            now = out(reg) found, new = in(reg) value, at = in(reg) at,
                            failed = out(reg) _, options(nostack, preserves_flags));
                    }
                    found
                }

                /// Whether it was `found`, and what it was.
                ///
                /// # Safety
                /// `at` is valid for reads and writes, and aligned to its size.
                #[inline(always)]
                pub(super) unsafe fn exchange(at: *mut Word, found: Word, new: Word) -> (Word, bool) {
                    let (now, done): (Word, u32);
                    // SAFETY: accesses memory that is valid by the caller's promise.
                    unsafe {
                        asm!("2:", $exclusive, $compare, "b.ne 3f", $conditional,
                            "cbnz {failed:w}, 2b", "3:", "cset {done:w}, eq",
                            now = out(reg) now, found = in(reg) found, new = in(reg) new,
                            at = in(reg) at, failed = out(reg) _, done = out(reg) done,
                            options(nostack));
                    }
                    (now, done != 0)
                }
            }
        };
    }

    // For x86-64: load, store, swap, exchange. For aarch64: load, store, load-exclusive,
    // store-exclusive, comparison.
    width! {
        one: u8, u32, reg_byte, "al";
        "movzx {value:e}, byte ptr [{at}]";
        "mov byte ptr [{at}], {value}";
        "xchg byte ptr [{at}], {value}";
        "lock cmpxchg byte ptr [{at}], {new}";
        "ldarb {value:w}, [{at}]";
        "stlrb {value:w}, [{at}]";
        "ldaxrb {now:w}, [{at}]";
        "stlxrb {failed:w}, {new:w}, [{at}]";
        "cmp {now:w}, {found:w}, uxtb";
    }
    width! {
        two: u16, u32, reg, "ax";
        "movzx {value:e}, word ptr [{at}]";
        "mov word ptr [{at}], {value:x}";
        "xchg word ptr [{at}], {value:x}";
        "lock cmpxchg word ptr [{at}], {new:x}";
        "ldarh {value:w}, [{at}]";
        "stlrh {value:w}, [{at}]";
        "ldaxrh {now:w}, [{at}]";
        "stlxrh {failed:w}, {new:w}, [{at}]";
        "cmp {now:w}, {found:w}, uxth";
    }
    width! {
        four: u32, u32, reg, "eax";
        "mov {value:e}, dword ptr [{at}]";
        "mov dword ptr [{at}], {value:e}";
        "xchg dword ptr [{at}], {value:e}";
        "lock cmpxchg dword ptr [{at}], {new:e}";
        "ldar {value:w}, [{at}]";
        "stlr {value:w}, [{at}]";
        "ldaxr {now:w}, [{at}]";
        "stlxr {failed:w}, {new:w}, [{at}]";
        "cmp {now:w}, {found:w}";
    }
    width! {
        eight: u64, u64, reg, "rax";
        "mov {value:r}, qword ptr [{at}]";
        "mov qword ptr [{at}], {value:r}";
        "xchg qword ptr [{at}], {value:r}";
        "lock cmpxchg qword ptr [{at}], {new:r}";
        "ldar {value:x}, [{at}]";
        "stlr {value:x}, [{at}]";
        "ldaxr {now:x}, [{at}]";
        "stlxr {failed:w}, {new:x}, [{at}]";
        "cmp {now:x}, {found:x}";
    }
}

/// Never called: `HERE` is false.
#[cfg(not(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_pointer_width = "64",
    target_endian = "little",
    not(any(miri, tsan))
)))]
mod imp {
    /// # Safety
    /// Not called.
    pub(in super::super) unsafe fn load<T>(_at: *const T) -> T {
        unreachable!("values are kept under a lock here")
    }

    /// # Safety
    /// Not called.
    pub(in super::super) unsafe fn store<T>(_at: *mut T, _value: T) {
        unreachable!("values are kept under a lock here")
    }

    /// # Safety
    /// Not called.
    pub(in super::super) unsafe fn swap<T>(_at: *mut T, _value: T) -> T {
        unreachable!("values are kept under a lock here")
    }

    /// # Safety
    /// Not called.
    pub(in super::super) unsafe fn update<T: Copy>(
        _at: *mut T,
        _f: impl FnMut(T) -> Option<T>,
    ) -> Result<T, T> {
        unreachable!("values are kept under a lock here")
    }
}

pub(super) use imp::{load, store, swap, update};

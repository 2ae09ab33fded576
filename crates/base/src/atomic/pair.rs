//! Values of 16 bytes on x86-64, as far as the processor has instructions for them.
//!
//! As in `word`, through assembly. What there is, is found out once: an exchange of 16 bytes
//! (`cmpxchg16b`, of all processors but the first ones), and loads and stores that are whole, which
//! Intel and AMD promise for aligned ones of their processors with AVX. Without the exchange the
//! value is kept under a lock, so the answer must be the same for all: it depends on the processor
//! alone.

use super::word::cast;
use crate::prim::atomic::{AtomicU8, RELAXED};
use core::arch::asm;
use core::arch::x86_64::__m128i;
use core::mem::MaybeUninit;

type Pair = MaybeUninit<__m128i>;
type Halves = [MaybeUninit<u64>; 2];

const UNKNOWN: u8 = 0;
/// The processor has nothing.
const NOTHING: u8 = 1;
/// It has the exchange.
const EXCHANGE: u8 = 2;
/// It has whole loads and stores as well.
const WHOLE: u8 = 3;

static WAY: AtomicU8 = AtomicU8::new(UNKNOWN);

#[inline(always)]
fn way() -> u8 {
    // Relaxed: it says the same whenever it is found.
    match WAY.load(RELAXED) {
        UNKNOWN => find(),
        way => way,
    }
}

/// Whether values of 16 bytes are accessed in this way here.
#[inline(always)]
pub(super) fn works() -> bool {
    way() != NOTHING
}

/// Whether it has whole loads and stores, and that is known.
#[inline(always)]
pub(super) fn is_whole() -> bool {
    // Relaxed: as in `way`.
    WAY.load(RELAXED) == WHOLE
}

/// # Safety
/// `at` points to an initialized value of 16 bytes, aligned to its size, which is accessed by the
/// functions of this module alone; `is_whole` has said so.
#[inline(always)]
pub(super) unsafe fn load_whole<T>(at: *mut T) -> T {
    // SAFETY: by the caller's promise.
    let found = unsafe { found_whole(at.cast()) };
    // SAFETY: the bytes of a value.
    unsafe { cast(found) }
}

/// As `load_whole`, where `works` has said so.
///
/// # Safety
/// As for `load_whole`.
#[cold]
pub(super) unsafe fn load<T>(at: *mut T) -> T {
    // SAFETY: by the caller's promise.
    let found = unsafe { find_at(at.cast()) };
    // SAFETY: the bytes of a value.
    unsafe { cast(found) }
}

/// The halves are put together here: a value is mostly made of two words, and what would load it whole
/// has to wait until both are stored.
///
/// # Safety
/// As for `load_whole`.
#[inline(always)]
pub(super) unsafe fn store_whole<T>(at: *mut T, value: T) {
    // SAFETY: any bytes are a `MaybeUninit`.
    let value: Halves = unsafe { cast(value) };
    // SAFETY: writes memory that is valid by the caller's promise.
    unsafe {
        asm!(
            "movq {whole}, {low}",
            "movq {upper}, {high}",
            "punpcklqdq {whole}, {upper}",
            "movdqa xmmword ptr [{at}], {whole}",
            whole = out(xmm_reg) _,
            upper = out(xmm_reg) _,
            low = in(reg) value[0],
            high = in(reg) value[1],
            at = in(reg) at,
            options(nostack, preserves_flags),
        );
    }
}

/// As `store_whole`, where `works` has said so.
///
/// # Safety
/// As for `load_whole`.
#[cold]
pub(super) unsafe fn store<T>(at: *mut T, value: T) {
    // SAFETY: any bytes are a `MaybeUninit`.
    let value = unsafe { cast(value) };
    // SAFETY: by the caller's promise.
    let _ = unsafe { replace(at.cast(), value) };
}

/// # Safety
/// As for `load_whole`, where `works` has said so.
#[inline(always)]
pub(super) unsafe fn swap<T>(at: *mut T, value: T) -> T {
    // SAFETY: any bytes are a `MaybeUninit`.
    let value = unsafe { cast(value) };
    // SAFETY: by the caller's promise.
    let found = unsafe { replace(at.cast(), value) };
    // SAFETY: the bytes of a value.
    unsafe { cast(found) }
}

/// Replaces the value by what `f` makes of it, until nobody came in between.
///
/// # Safety
/// As for `load_whole`, where `works` has said so.
#[inline(always)]
pub(super) unsafe fn update<T: Copy>(
    at: *mut T,
    mut f: impl FnMut(T) -> Option<T>,
) -> Result<T, T> {
    // SAFETY: by the caller's promise.
    let mut found = unsafe { find_at(at.cast()) };
    loop {
        // SAFETY: the bytes of a value.
        let value: T = unsafe { cast(found) };
        let Some(new) = f(value) else {
            return Err(value);
        };
        // SAFETY: any bytes are a `MaybeUninit`.
        let new = unsafe { cast(new) };
        // SAFETY: by the caller's promise.
        let (now, done) = unsafe { exchange(at.cast(), found, new) };
        if done {
            return Ok(value);
        }
        found = now;
    }
}

/// What stands there, by a whole load.
///
/// # Safety
/// As for `load_whole`.
#[inline(always)]
unsafe fn found_whole(at: *mut Pair) -> Pair {
    let value: Pair;
    // SAFETY: reads memory that is valid by the caller's promise.
    unsafe {
        asm!("movdqa {value}, xmmword ptr [{at}]", value = out(xmm_reg) value, at = in(reg) at,
            options(nostack, preserves_flags));
    }
    value
}

/// What stands there.
///
/// # Safety
/// As for `load_whole`, where `works` has said so.
#[inline(always)]
unsafe fn find_at(at: *mut Pair) -> Halves {
    if is_whole() {
        // SAFETY: by the caller's promise, and it is whole.
        let value = unsafe { found_whole(at) };
        // SAFETY: any bytes are a `MaybeUninit`.
        return unsafe { cast(value) };
    }
    // Writes zeros if there are zeros.
    let zero = [MaybeUninit::new(0); 2];
    // SAFETY: by the caller's promise.
    unsafe { exchange(at, zero, zero) }.0
}

/// The first guess is made of two loads, and may be of two values: the exchange tells.
///
/// # Safety
/// As for `load_whole`, where `works` has said so.
#[inline(always)]
unsafe fn replace(at: *mut Pair, value: Halves) -> Halves {
    let (low, high): (MaybeUninit<u64>, MaybeUninit<u64>);
    // SAFETY: accesses memory that is valid by the caller's promise. The instruction wants one half
    // in a register that is not to be had: it is put back.
    unsafe {
        asm!(
            "mov {kept}, rbx",
            "mov rbx, {new}",
            "mov rax, qword ptr [rdi]",
            "mov rdx, qword ptr [rdi + 8]",
            "2:",
            "lock cmpxchg16b xmmword ptr [rdi]",
            "jne 2b",
            "mov rbx, {kept}",
            kept = out(reg) _,
            new = in(reg) value[0],
            in("rcx") value[1],
            out("rax") low,
            out("rdx") high,
            in("rdi") at,
            options(nostack),
        );
    }
    [low, high]
}

/// What stood there, and whether it was `found` and is `new` now.
///
/// # Safety
/// As for `load_whole`, where `works` has said so.
#[inline(always)]
unsafe fn exchange(at: *mut Pair, found: Halves, new: Halves) -> (Halves, bool) {
    let (low, high): (MaybeUninit<u64>, MaybeUninit<u64>);
    let done: u8;
    // SAFETY: accesses memory that is valid by the caller's promise. The instruction wants one half
    // in a register that is not to be had: it is put back.
    unsafe {
        asm!(
            "xchg {kept}, rbx",
            "lock cmpxchg16b xmmword ptr [rdi]",
            "sete sil",
            "mov rbx, {kept}",
            kept = inout(reg) new[0] => _,
            in("rcx") new[1],
            inout("rax") found[0] => low,
            inout("rdx") found[1] => high,
            in("rdi") at,
            out("sil") done,
            options(nostack),
        );
    }
    ([low, high], done != 0)
}

/// Asks the processor.
#[cold]
fn find() -> u8 {
    let way = ask();
    WAY.store(way, RELAXED);
    way
}

fn ask() -> u8 {
    const CMPXCHG16B: u32 = 1 << 13;
    const OS_KEEPS_REGISTERS: u32 = 1 << 27;
    const AVX: u32 = 1 << 28;
    let (_, has) = cpuid(1);
    if has & CMPXCHG16B == 0 {
        return NOTHING;
    }
    let (maker, _) = cpuid(0);
    let promised = [*b"Genu", *b"Auth"].map(u32::from_le_bytes);
    let wanted = OS_KEEPS_REGISTERS | AVX;
    if promised.contains(&maker) && has & wanted == wanted && os_has_avx() {
        WHOLE
    } else {
        EXCHANGE
    }
}

/// What the processor says of itself, in `ebx` and `ecx`.
fn cpuid(leaf: u32) -> (u32, u32) {
    let (b, c): (u64, u32);
    // SAFETY: the instruction is there on each such processor, and touches no memory.
    unsafe {
        asm!(
            "mov {kept}, rbx",
            "cpuid",
            "xchg {kept}, rbx",
            kept = out(reg) b,
            inout("eax") leaf => _,
            inout("ecx") 0_u32 => c,
            out("edx") _,
            options(nostack, preserves_flags, nomem),
        );
    }
    (b as u32, c)
}

/// Whether the system keeps the registers of AVX, without which the feature is switched off.
fn os_has_avx() -> bool {
    let state: u32;
    // SAFETY: the processor has said that it has the instruction; it touches no memory.
    unsafe {
        asm!("xgetbv", in("ecx") 0, out("eax") state, out("edx") _,
            options(nostack, preserves_flags, nomem));
    }
    state & 0b110 == 0b110
}

#[cfg(all(test, feature = "std"))]
mod tests;

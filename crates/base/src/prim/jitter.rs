//! Seeded disturbance of real threads, with the cfg `counterpoint_jitter`: before an atomic
//! operation a thread sometimes yields or sleeps, so that rare interleavings become likely.
//!
//! The seed is `COUNTERPOINT_SEED`, or one that is drawn and printed. Without the cfg nothing of
//! this exists.

use core::cell::Cell;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("COUNTERPOINT_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            now.map_or(1, |now| now.as_nanos() as u64)
        });
        println!("jitter: COUNTERPOINT_SEED={seed}");
        seed
    })
}

/// Maybe lets other threads go first.
pub(super) fn point() {
    static THREADS: AtomicU64 = AtomicU64::new(1);
    let mut state = STATE.get();
    if state == 0 {
        // Relaxed: a number alone.
        let thread = THREADS.fetch_add(1, Ordering::Relaxed);
        state = (seed() ^ thread.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    match state & 0x3FF {
        0 => thread::sleep(Duration::from_micros(20)),
        1..=24 => thread::yield_now(),
        _ => {}
    }
}

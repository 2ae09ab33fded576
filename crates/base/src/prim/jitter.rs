//! Seeded disturbance of real threads, with the cfg `counterpoint_jitter`: before an atomic
//! operation a thread sometimes yields or sleeps, so that rare interleavings become likely; five of a
//! hundred sleeps end for no reason, and five of a hundred weak exchanges fail, or as many as
//! `COUNTERPOINT_SPURIOUS` says.
//!
//! The seed is `COUNTERPOINT_SEED`, or one that is drawn and printed. Without the cfg nothing of
//! this exists, and what the library compiles to is the same to the instruction.

use super::Branch;
use core::cell::Cell;
use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// The branches of the running model, a bit each.
static ENABLED: AtomicU8 = AtomicU8::new(0);

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

/// How many of a hundred sleeps and weak exchanges fail.
fn spurious() -> u64 {
    static PERCENT: OnceLock<u64> = OnceLock::new();
    *PERCENT.get_or_init(|| {
        let given = std::env::var("COUNTERPOINT_SPURIOUS").ok();
        // At a hundred no weak exchange would ever succeed.
        given
            .and_then(|given| given.parse().ok())
            .map_or(5, |given: u64| given.min(90))
    })
}

/// The next random number of this thread.
fn draw() -> u64 {
    static THREADS: AtomicU64 = AtomicU64::new(1);
    let mut state = STATE.get();
    if state == 0 {
        // All that is read from the environment is read at once: tests count allocations.
        spurious();
        // Relaxed: a number alone.
        let thread = THREADS.fetch_add(1, Ordering::Relaxed);
        state = (seed() ^ thread.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    STATE.set(state);
    state
}

/// Maybe lets other threads go first.
pub(super) fn point() {
    match draw() & 0x3FF {
        0 => thread::sleep(Duration::from_micros(20)),
        1..=24 => thread::yield_now(),
        _ => {}
    }
}

fn bit(branch: Branch) -> u8 {
    1 << branch as u8
}

/// Takes these branches in models, one model at a time, until dropped.
pub(super) fn enable(branches: &[Branch]) -> Enabled {
    static ONE: Mutex<()> = Mutex::new(());
    let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let all = branches.iter().fold(0, |all, branch| all | bit(*branch));
    // Relaxed: the threads of the model are started after this.
    ENABLED.store(all, Ordering::Relaxed);
    Enabled(one)
}

/// See [`enable`].
pub(super) struct Enabled(#[expect(dead_code, reason = "held, not read")] MutexGuard<'static, ()>);

impl Drop for Enabled {
    fn drop(&mut self) {
        // Relaxed: the threads of the model have ended.
        ENABLED.store(0, Ordering::Relaxed);
    }
}

/// Whether this branch is taken.
pub(super) fn choose(branch: Branch) -> bool {
    match branch {
        Branch::SpuriousWake | Branch::WeakFails => draw() % 100 < spurious(),
        // The clock decides.
        Branch::DeadlineFirst => false,
        // Relaxed: as in `enable`.
        _ => ENABLED.load(Ordering::Relaxed) & bit(branch) != 0 && draw() % 10 < 3,
    }
}

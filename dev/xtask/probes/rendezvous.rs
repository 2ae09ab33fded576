//! What `disasm` reads: each function is the fast path of a meeting, and what it calls is not.

use counterpoint_sync::{Rendezvous, RendezvousData};
use std::sync::atomic::{AtomicU32, Ordering};

#[unsafe(no_mangle)]
pub fn probe_wait(party: &mut Rendezvous) {
    party.wait();
}

#[unsafe(no_mangle)]
pub fn probe_wait_checked(party: &mut Rendezvous) -> bool {
    party.wait_checked().is_ok()
}

#[unsafe(no_mangle)]
pub fn probe_swap(party: &mut RendezvousData<u64>) -> &mut u64 {
    party.swap()
}

#[unsafe(no_mangle)]
pub fn probe_swap_large(party: &mut RendezvousData<[u64; 512]>) -> &mut [u64; 512] {
    party.swap()
}

/// Must be found, or nothing would be.
#[unsafe(no_mangle)]
pub fn probe_planted(word: &AtomicU32) -> u32 {
    word.swap(1, Ordering::AcqRel)
}

//! What `disasm` reads: each function is the owner's path while nobody steals, and what it calls
//! is not.

use counterpoint_lockfree::deque::Worker;

#[unsafe(no_mangle)]
pub fn probe_push(worker: &Worker<u64>) {
    worker.push(1);
}

#[unsafe(no_mangle)]
pub fn probe_pop(worker: &Worker<u64>) -> Option<u64> {
    worker.pop()
}

//! What a scope keeps while it lasts.

use super::*;
use crate::prim::thread::yield_now;

#[test]
#[cfg_attr(
    any(counterpoint_loom, counterpoint_shuttle),
    ignore = "needs threads of the system"
)]
fn finished_threads_leave_nothing_behind() {
    const SPAWNS: u64 = 100_000;
    scope(|s| {
        for spawn in 0..SPAWNS {
            let handle = s.spawn(move |_| spawn);
            if spawn % 2 == 0 {
                assert_eq!(handle.join().unwrap(), spawn);
            } else {
                drop(handle);
            }
            // One for the closure, one for each of at most a few threads still running.
            while s.shared.live.word().load(RELAXED) > 8 {
                yield_now();
            }
            assert!(Arc::strong_count(&s.shared) < 40, "handles pile up");
        }
        assert_eq!(s.shared.panics().capacity(), 0);
        while s.shared.live.word().load(RELAXED) > 1 {
            yield_now();
        }
    })
    .unwrap();
}

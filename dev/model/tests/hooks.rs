//! Model of the place that keeps the sink of the hooks.

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::model;
use counterpoint_wait::hooks::Slot;

model! {
    /// Two threads fill the place: one does, and whoever reads it sees what that one prepared.
    fn slot_is_filled_once(preemptions: None) {
        let shared = Arc::new((Slot::new(), [AtomicU32::new(0), AtomicU32::new(0)]));
        let fill = |number: usize| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1[number].store(1, RELAXED);
                shared.0.fill(number).is_ok()
            })
        };
        let (a, b) = (fill(0), fill(1));
        for _ in 0..2 {
            if let Some(number) = shared.0.get() {
                assert_eq!(shared.1[number].load(RELAXED), 1);
            }
        }
        let filled = [a.join().unwrap(), b.join().unwrap()];
        assert_ne!(filled[0], filled[1]);
        assert_eq!(shared.0.get(), filled.iter().position(|&first| first));
    }
}

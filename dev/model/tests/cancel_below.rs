//! Models of two who cancel one token at once.

use counterpoint_base::prim::thread;
use counterpoint_model::model;
use counterpoint_wait::cancel::CancelToken;

model! {
    /// When either returns, the child is cancelled.
    fn whoever_cancels_second_finds_all_cancelled(preemptions: Some(3)) {
        let root = CancelToken::new();
        let child = root.child();
        let again = { let root = root.clone(); thread::spawn(move || { root.cancel("again"); }) };
        root.cancel("root");
        assert!(child.is_cancelled(), "cancelled, but not below");
        again.join().unwrap();
    }
}

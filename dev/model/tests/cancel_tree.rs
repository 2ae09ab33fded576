//! Models of the tree of cancel tokens: a middle token that dies while its parent gets children,
//! and two cancellers.

use counterpoint_base::prim::thread;
use counterpoint_model::model;
use counterpoint_wait::cancel::CancelToken;

model! {
    /// A token whose handle is gone dies with its last child, while its parent gets other children:
    /// those are cancelled with the parent.
    fn child_born_while_a_middle_token_dies(preemptions: Some(3)) {
        let root = CancelToken::new();
        let leaf = { let middle = root.child(); middle.child() };
        let dropper = thread::spawn(move || drop(leaf));
        let other = { let root = root.clone(); thread::spawn(move || root.child()) };
        let child = root.child();
        dropper.join().unwrap();
        let other = other.join().unwrap();
        root.cancel("stop");
        assert!(child.is_cancelled() && other.is_cancelled(), "a child was lost");
    }

    /// Two cancel at once, one of them in the middle: when the upper one returns, all below it are
    /// cancelled.
    fn cancel_returns_when_all_below_are_cancelled(preemptions: Some(3)) {
        let root = CancelToken::new();
        let middle = root.child();
        let leaf = middle.child();
        let other = thread::spawn(move || { middle.cancel("middle"); });
        let again = { let root = root.clone(); thread::spawn(move || { root.cancel("again"); }) };
        root.cancel("root");
        assert!(leaf.is_cancelled(), "cancelled, but not below");
        other.join().unwrap();
        again.join().unwrap();
    }
}

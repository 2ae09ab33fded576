//! The cancellation token: tree, reason, guard, and futures that end early.

use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::{Stop, block_on};
use std::future::{pending, poll_fn, ready};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(2);

#[test]
fn the_first_reason_stays() {
    let token = CancelToken::default();
    assert_eq!((token.is_cancelled(), token.reason()), (false, None));
    assert!(token.cancel("first"));
    assert!(!token.clone().cancel("second"));
    assert_eq!(
        (token.is_cancelled(), token.reason()),
        (true, Some("first"))
    );
    assert_eq!(
        format!("{token:?}"),
        "CancelToken { reason: Some(\"first\"), .. }"
    );
}

/// Cancels a token once more when it wakes, with another reason.
struct CancelsAgain(CancelToken);

impl Wake for CancelsAgain {
    fn wake(self: Arc<Self>) {
        assert!(!self.0.cancel("again"));
    }
}

#[test]
fn what_is_below_has_the_reason_of_what_is_above() {
    let root = CancelToken::new();
    let leaf = root.child().child();
    let mut waits = pin!(root.cancelled());
    let waker = Waker::from(Arc::new(CancelsAgain(root.clone())));
    let polled = waits.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    // The second cancel runs before the first one has gone down the tree.
    assert!(root.cancel("first"));
    assert_eq!(
        (root.reason(), leaf.reason()),
        (Some("first"), Some("first"))
    );
}

#[test]
fn cancellation_goes_down_not_up() {
    let root = CancelToken::new();
    let (left, right) = (root.child(), root.child());
    let below = left.child();
    assert!(left.cancel("left"));
    assert_eq!(
        (below.reason(), right.reason(), root.reason()),
        (Some("left"), None, None)
    );
    assert!(root.cancel("root"));
    let reasons = [&root, &left, &below, &right].map(CancelToken::reason);
    assert_eq!(
        reasons,
        [Some("root"), Some("left"), Some("left"), Some("root")]
    );
    assert_eq!(
        right.child().child().reason(),
        Some("root"),
        "born cancelled"
    );
    assert_eq!(left.child().reason(), Some("left"));
}

#[test]
fn a_tree_lives_as_long_as_its_leaves() {
    let root = CancelToken::new();
    let leaf = root.child().child().child();
    root.cancel("all");
    assert_eq!(leaf.reason(), Some("all"));
    let orphan = CancelToken::new().child();
    assert!(!orphan.is_cancelled());
    assert!(orphan.cancel("by itself"));
}

#[test]
fn a_deep_chain_neither_cancels_nor_drops_by_recursion() {
    const DEEP: usize = 200_000;
    let chain = |root: &CancelToken| (0..DEEP).fold(root.child(), |token, _| token.child());
    let root = CancelToken::new();
    let leaf = chain(&root);
    root.cancel("deep");
    assert_eq!(leaf.reason(), Some("deep"));
    drop(root);
    drop(leaf);
    let root = CancelToken::new();
    drop(chain(&root));
    assert!(root.cancel("nobody is left"));
    let wide: Vec<_> = (0..1_000).map(|_| root.child()).collect();
    assert!(wide.iter().all(CancelToken::is_cancelled));
}

#[test]
fn many_children_come_and_go() {
    let root = CancelToken::new();
    let mut children: Vec<_> = (0..1_000).map(|_| root.child()).collect();
    // From the middle, the ends, and one after the other.
    children.drain(300..600);
    drop(children.pop());
    drop(children.remove(0));
    let mut index = 0;
    children.retain(|_| {
        index += 1;
        index % 3 == 0
    });
    root.cancel("rest");
    assert!(children.iter().all(|child| child.reason() == Some("rest")));
}

#[test]
fn a_drop_guard_cancels_unless_disarmed() {
    let token = CancelToken::new();
    let child = token.child();
    let kept = child.clone().drop_guard("dropped").disarm();
    assert!(!kept.is_cancelled());
    drop(child.drop_guard("dropped"));
    assert_eq!((kept.reason(), token.reason()), (Some("dropped"), None));
    let unwound = CancelToken::new();
    let guard = unwound.clone().drop_guard("unwound");
    let _ = panic::catch_unwind(AssertUnwindSafe(|| {
        let _guard = guard;
        panic!("with the guard");
    }));
    assert_eq!(unwound.reason(), Some("unwound"));
}

#[test]
fn waits_for_the_cancellation() {
    let token = CancelToken::new();
    assert_eq!(token.cancelled().timeout(SHORT).wait(), Err(Stop::TimedOut));
    thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let token = if number % 2 == 0 {
                    token.clone()
                } else {
                    token.child()
                };
                scope.spawn(move || match number {
                    0 | 1 => token.cancelled().wait(),
                    _ => block_on(async { token.cancelled().await }),
                })
            })
            .collect();
        token.cancel("go");
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
    token.cancelled().wait();
    assert_eq!(token.cancelled().timeout(Duration::ZERO).wait(), Ok(()));
}

#[test]
fn run_until_cancelled_ends_early() {
    let token = CancelToken::new();
    block_on(async {
        assert_eq!(token.run_until_cancelled(ready(1)).await, Some(1));
        let mut run = pin!(token.run_until_cancelled(pending::<u32>()));
        let polled = poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        token.cancel("now");
        assert_eq!(run.await, None);
        // Cancelled before: not polled at all.
        let never = poll_fn(|_| -> Poll<()> { panic!("polled") });
        assert_eq!(token.run_until_cancelled(never).await, None);
    });
    // Both at once: the future wins.
    let token = CancelToken::new();
    let both = poll_fn(|_| {
        token.cancel("meanwhile");
        Poll::Ready(2)
    });
    assert_eq!(block_on(token.run_until_cancelled(both)), Some(2));
}

#[test]
fn w8_run_until_cancelled_is_not_polled_again() {
    for begin_cancelled in [true, false] {
        let token = CancelToken::new();
        let polls = AtomicUsize::new(0);
        let future = poll_fn(|_| {
            polls.fetch_add(1, Ordering::SeqCst);
            Poll::<()>::Pending
        });
        let mut cx = Context::from_waker(Waker::noop());
        let mut run = pin!(token.run_until_cancelled(future));
        if !begin_cancelled {
            assert!(run.as_mut().poll(&mut cx).is_pending());
        }
        token.cancel("now");
        assert_eq!(run.as_mut().poll(&mut cx), Poll::Ready(None));
        let before = polls.load(Ordering::SeqCst);
        let again = panic::catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(&mut cx)));
        assert!(again.is_err());
        assert_eq!(polls.load(Ordering::SeqCst), before);
    }
}

#[test]
fn w5_a_panicking_waker_stops_neither_waiters_nor_children() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Bad>) {
            panic!("bad waker");
        }
    }
    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Count>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let root = CancelToken::new();
    let children: Vec<_> = (0..5).map(|_| root.child()).collect();
    let grandchild = children[2].child();
    let tokens: Vec<&CancelToken> = children.iter().chain([&root, &grandchild]).collect();
    let bad = Waker::from(Arc::new(Bad));
    let count = Arc::new(Count(AtomicUsize::new(0)));
    let good = Waker::from(count.clone());
    let mut waits: Vec<_> = Vec::new();
    for token in &tokens {
        for waker in [&bad, &good] {
            let mut wait = Box::pin(token.cancelled());
            assert!(
                wait.as_mut()
                    .poll(&mut Context::from_waker(waker))
                    .is_pending()
            );
            waits.push(wait);
        }
    }
    assert!(panic::catch_unwind(AssertUnwindSafe(|| root.cancel("now"))).is_err());
    assert_eq!(count.0.load(Ordering::SeqCst), tokens.len());
    assert!(tokens.iter().all(|token| token.reason() == Some("now")));
}

#[test]
fn a_token_is_cancelled_by_a_waiter_of_it() {
    // A wake-up that cancels, makes a child, and waits, all of the same token.
    struct Enters(CancelToken, AtomicUsize);
    impl Wake for Enters {
        fn wake(self: Arc<Enters>) {
            assert!(!self.0.cancel("again"));
            assert!(self.0.child().is_cancelled());
            self.0.cancelled().wait();
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let token = CancelToken::new();
    let child = token.child();
    let enters = Arc::new(Enters(token.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(enters.clone());
    let mut cx = Context::from_waker(&waker);
    let (mut first, mut second) = (pin!(token.cancelled()), pin!(child.cancelled()));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    token.cancel("now");
    assert_eq!(enters.1.load(Ordering::SeqCst), 2);
}

#[test]
fn threads_make_drop_and_cancel_a_tree() {
    for round in 0..200 {
        let root = CancelToken::new();
        thread::scope(|scope| {
            for number in 0..3 {
                let root = &root;
                scope.spawn(move || {
                    let mut tokens = vec![root.child()];
                    for step in 0..20 {
                        let parent = &tokens[(step * 7 + number) % tokens.len()];
                        let child = parent.child();
                        tokens.push(child);
                        if step % 3 == 0 {
                            drop(tokens.swap_remove(step % tokens.len()));
                        }
                        if tokens.is_empty() {
                            tokens.push(root.child());
                        }
                    }
                    if number == round % 3 {
                        root.cancel("round");
                    }
                    tokens
                });
            }
        });
        assert!(root.is_cancelled());
    }
}

//! Safe code outside the crate cannot break what `unsafe` code inside relies on.
#![forbid(unsafe_code)]

use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::op::{Key, Operation};
use counterpoint_wait::queue::ArmRef;
use counterpoint_wait::select::{Arm, ArmList, ArmSlot, Patience, Selecting, arm};
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Waker};
use std::time::Instant;

/// An arm of our own that keeps what it is shown.
#[derive(Default)]
struct Spy(Option<(Key, ArmRef)>);

impl Arm for Spy {
    fn attempt(self: Pin<&mut Self>, _: Key) -> bool {
        false
    }
    fn poll_soft(self: Pin<&mut Self>, _: &mut Context<'_>) -> bool {
        false
    }
    fn has_soft(&self) -> bool {
        false
    }
    fn register(mut self: Pin<&mut Self>, _: Waker, arm: ArmRef, key: Key) -> bool {
        self.0 = Some((key, arm));
        false
    }
    fn unregister(self: Pin<&mut Self>, _: Key) {}
    fn claim(self: Pin<&mut Self>, _: Key) -> bool {
        false
    }
    fn forfeit(self: Pin<&mut Self>, _: Key) {}
    fn wake_at(&self) -> Option<Instant> {
        None
    }
    fn set_blocking(self: Pin<&mut Self>) {}
    fn expire(self: Pin<&mut Self>, _: Instant) {}
    fn is_committed(&self) -> bool {
        false
    }
}

/// The decision word of a select that is gone is written to.
#[test]
fn a_key_and_an_arm_outlive_their_select() {
    let mut spy = pin!(Spy::default());
    let mut select = Box::pin(Selecting::new((spy.as_mut(), ()), true, Patience::Forever));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(select.as_mut().poll(&mut cx).is_pending());
    drop(select);
    let (key, arm) = spy.0.unwrap();
    let token = CancelToken::new();
    let mut cancelled = pin!(token.cancelled());
    assert!(!cancelled.as_mut().arm_register(Waker::noop().clone(), arm, key));
    token.cancel("writes into a freed select");
}

/// A list that shows another arm when it is asked a second time.
struct Liar<'a, O: Operation> {
    arms: [Pin<&'a mut ArmSlot<O>>; 2],
    calls: usize,
}

impl<O: Operation> ArmList for Liar<'_, O> {
    fn count(&self) -> usize {
        1
    }
    fn with(&mut self, _: usize, f: &mut dyn FnMut(Pin<&mut dyn Arm>)) {
        self.calls += 1;
        // attempt, soft, register; then the other one is unregistered.
        let shown = usize::from(self.calls > 3);
        f(self.arms[shown].as_mut());
    }
    fn has_soft(&self, _: usize) -> bool {
        false
    }
    fn wake_at(&self, _: usize) -> Option<Instant> {
        None
    }
}

/// An arm stays registered after its select has ended.
#[test]
fn a_list_of_arms_cannot_hide_one() {
    let token = CancelToken::new();
    let (mut a, mut b) = (pin!(arm(token.cancelled())), pin!(arm(token.cancelled())));
    let arms = [a.as_mut(), b.as_mut()];
    let mut select = Box::pin(Selecting::new(Liar { arms, calls: 0 }, true, Patience::Forever));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(select.as_mut().poll(&mut cx).is_pending());
    drop(select);
    token.cancel("writes into a freed select");
}

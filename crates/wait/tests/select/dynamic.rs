//! `Select`: arms known at run time.

use crate::channel::Channel;
use counterpoint_wait::block_on;
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::select::{Select, arm, future_arm};
use std::future::{pending, ready};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);

#[test]
fn arms_are_numbered_removed_and_taken_from() {
    let channels: Vec<Channel<usize>> = (0..5).map(|_| Channel::new(1)).collect();
    for (number, channel) in channels.iter().enumerate() {
        channel.push(number);
    }
    let mut arms: Vec<_> = channels
        .iter()
        .map(|channel| Box::pin(arm(channel.select_recv())))
        .collect();
    let mut select = Select::new();
    let mut slots: Vec<_> = arms.iter_mut().map(|arm| Some(arm.as_mut())).collect();
    assert!(select.is_empty());
    for (number, slot) in slots.iter_mut().enumerate() {
        assert_eq!(select.add(slot.take().unwrap()), number);
    }
    let mut order = Vec::new();
    while !select.is_empty() {
        let won = select.wait();
        assert!(select.remove(won));
        assert!(!select.remove(won));
        order.push(won);
    }
    assert!(!select.remove(17));
    drop(select);
    for &won in &order {
        assert_eq!(arms[won].as_mut().take(), Some(won));
        assert_eq!(arms[won].as_mut().take(), None);
    }
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    drop(arms);
    assert!(channels.iter().all(Channel::is_quiet));
}

#[test]
fn a_biased_select_takes_the_first() {
    let token = CancelToken::new();
    token.cancel("ready");
    for _ in 0..50 {
        let (mut a, mut b) = (pin!(arm(token.cancelled())), pin!(arm(token.cancelled())));
        let mut select = Select::biased();
        select.add(a.as_mut());
        select.add(b.as_mut());
        assert_eq!(select.wait(), 0);
    }
}

#[test]
fn bounds_of_a_dynamic_select() {
    let token = CancelToken::new();
    let mut a = pin!(arm(token.cancelled()));
    let mut f = pin!(future_arm(pending::<()>()));
    let mut select = Select::new();
    select.add(a.as_mut());
    select.add(f.as_mut());
    assert_eq!(select.try_now(), None);
    assert_eq!(select.wait_timeout(SHORT), None);
    assert_eq!(select.wait_timeout(Duration::ZERO), None);
    assert_eq!(select.wait_deadline(Instant::now()), None);
    token.cancel("now");
    assert_eq!(select.wait_timeout(Duration::ZERO), Some(0));
}

#[test]
fn any_future_is_an_arm() {
    let token = CancelToken::new();
    let (mut a, mut f) = (pin!(arm(token.cancelled())), pin!(future_arm(ready(5))));
    let mut select = Select::new();
    select.add(a.as_mut());
    let five = select.add(f.as_mut());
    assert_eq!(block_on(select.wait_async()), five);
    drop(select);
    assert_eq!(f.as_mut().take(), Some(5));
}

#[test]
fn a_dropped_wait_leaves_the_arms_to_the_next() {
    let (a, b): (Channel<&str>, Channel<&str>) = (Channel::new(1), Channel::new(1));
    let token = CancelToken::new();
    let (mut first, mut second) = (pin!(arm(a.select_recv())), pin!(arm(b.select_recv())));
    let mut third = pin!(arm(token.cancelled()));
    let mut select = Select::biased();
    select.add(first.as_mut());
    select.add(second.as_mut());
    let last = select.add(third.as_mut());
    let mut cx = Context::from_waker(Waker::noop());
    // Dropped with no winner, with a baton, and with a result.
    {
        let mut wait = pin!(select.wait_async());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        assert!(!a.is_quiet());
    }
    assert!(a.is_quiet() && b.is_quiet());
    {
        let mut wait = pin!(select.wait_async());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        b.push("b");
    }
    assert!(a.is_quiet() && b.is_quiet());
    assert_eq!(select.wait(), 1);
    select.remove(1);
    {
        let mut wait = pin!(select.wait_async());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        token.cancel("now");
    }
    assert_eq!(select.wait(), last);
    drop(select);
    assert_eq!(second.as_mut().take(), Some("b"));
}

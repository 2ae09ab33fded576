//! Who wins, how often, and in which order.

use crate::channel::Channel;
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::{block_on, select, select_async, select_biased};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

fn cancelled() -> CancelToken {
    let token = CancelToken::new();
    token.cancel("ready");
    token
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn each_of_two_ready_arms_wins_often() {
    let done = cancelled();
    let mut wins = [0; 2];
    for _ in 0..1_000 {
        wins[select! { () = done.cancelled() => 0, () = done.cancelled() => 1 }] += 1;
    }
    assert!(wins.iter().all(|&wins| wins >= 300), "{wins:?}");
    let mut wins = [0; 2];
    block_on(async {
        for _ in 0..1_000 {
            wins[select_async! { () = done.cancelled() => 0, () = done.cancelled() => 1 }] += 1;
        }
    });
    assert!(wins.iter().all(|&wins| wins >= 300), "{wins:?}");
}

#[test]
fn each_of_two_ready_arms_wins_often_among_others() {
    let (never, done) = (CancelToken::new(), cancelled());
    let mut wins = [0; 2];
    for _ in 0..1_000 {
        wins[select! {
            () = done.cancelled() => 0,
            () = done.cancelled() => 1,
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
        }] += 1;
    }
    assert!(wins.iter().all(|&wins| wins >= 300), "{wins:?}");
}

#[test]
fn each_of_three_ready_arms_wins_often_among_others() {
    let (never, done) = (CancelToken::new(), cancelled());
    let mut wins = [0; 3];
    for _ in 0..3_000 {
        wins[select! {
            () = done.cancelled() => 0,
            () = done.cancelled() => 1,
            () = done.cancelled() => 2,
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
            () = never.cancelled() => unreachable!(),
        }] += 1;
    }
    assert!(wins.iter().all(|&wins| wins >= 700), "{wins:?}");
}

#[test]
fn biased_takes_the_first_that_is_ready() {
    let (never, done) = (CancelToken::new(), cancelled());
    for _ in 0..100 {
        let first = select_biased! {
            () = never.cancelled() => 0,
            () = done.cancelled() => 1,
            () = done.cancelled() => 2,
        };
        assert_eq!(first, 1);
    }
}

#[test]
fn exactly_one_of_several_ready_arms_wins() {
    let channels: [Channel<u32>; 4] = [const { Channel::new(1) }; 4];
    let [a, b, c, d] = &channels;
    for left in (0..4).rev() {
        if left == 3 {
            channels.iter().for_each(|channel| channel.push(1));
        }
        select! {
            recv(a) -> _ => {}
            recv(b) -> _ => {}
            recv(c) -> _ => {}
            recv(d) -> _ => {}
        }
        assert_eq!(channels.iter().map(Channel::len).sum::<usize>(), left);
        assert!(channels.iter().all(Channel::is_quiet));
    }
}

#[test]
fn exactly_one_arm_wins_when_all_become_ready_at_once() {
    const ROUNDS: usize = 300;
    let (a, b) = (Channel::new(ROUNDS), Channel::new(ROUNDS));
    thread::scope(|scope| {
        scope.spawn(|| (0..ROUNDS).for_each(|n| a.push(n)));
        scope.spawn(|| (0..ROUNDS).for_each(|n| b.push(n)));
        let mut next = [0, 0];
        for _ in 0..2 * ROUNDS {
            select! {
                recv(a) -> n => { assert_eq!(n, next[0]); next[0] += 1; }
                recv(b) -> n => { assert_eq!(n, next[1]); next[1] += 1; }
            }
        }
        assert_eq!(next, [ROUNDS; 2]);
    });
    assert!(a.is_quiet() && b.is_quiet());
}

#[test]
fn a_select_wakes_once_per_win() {
    let (a, b) = (Channel::new(1), Channel::new(1));
    let count = Arc::new(Count::default());
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    let mut select = Box::pin(async {
        select_async! { recv(a) -> n => n, recv(b) -> n => n }
    });
    assert!(select.as_mut().poll(&mut cx).is_pending());
    a.push(1);
    b.push(2);
    assert_eq!(
        count.0.load(Ordering::SeqCst),
        1,
        "the second finds it decided"
    );
    assert_eq!(select.as_mut().poll(&mut cx), Poll::Ready(1));
    drop(select);
    assert_eq!(b.len(), 1);
    assert!(a.is_quiet() && b.is_quiet());
}

#[test]
fn a_dropped_select_passes_a_won_baton_on() {
    let (a, b) = (Channel::new(1), Channel::new(1));
    let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut select = Box::pin(async {
        select_async! { recv(a) -> n => n, recv(b) -> n => n }
    });
    let mut next = pin!(a.select_recv());
    let waker = Waker::from(first.clone());
    assert!(
        select
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let other = Waker::from(second.clone());
    let mut cx = Context::from_waker(&other);
    assert!(next.as_mut().poll(&mut cx).is_pending());
    a.push(7);
    assert_eq!(first.0.load(Ordering::SeqCst), 1);
    drop(select);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
    assert_eq!(next.as_mut().poll(&mut cx), Poll::Ready(7));
    assert!(a.is_quiet() && b.is_quiet());
    drop(waker);
    assert_eq!(Arc::strong_count(&first), 1, "no waker is left behind");
}

#[test]
fn a_pinned_arm_keeps_its_place_in_line_across_rounds() {
    let (line, other) = (Channel::new(4), Channel::new(4));
    let mut cx = Context::from_waker(Waker::noop());
    // First in line by the pinned arm of a select that another arm wins.
    let mut first = pin!(line.select_recv());
    other.push("other");
    block_on(async {
        let won = select_async! {
            value = first.as_mut() => value,
            recv(other) -> value => value,
        };
        assert_eq!(won, "other");
    });
    let mut second = pin!(line.select_recv());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    // In the next rounds it is still first, with and without a winner.
    block_on(async {
        select_async! { _value = first.as_mut() => unreachable!(), default => {} }
    });
    other.push("again");
    assert_eq!(
        select! { value = first.as_mut() => value, recv(other) -> value => value },
        "again"
    );
    line.push("one");
    line.push("two");
    let one = select! { value = first.as_mut() => value };
    assert_eq!(one, "one");
    assert_eq!(second.as_mut().poll(&mut cx), Poll::Ready("two"));
    assert!(line.is_quiet() && other.is_quiet());
}

#[test]
fn selects_meet_each_other_from_two_threads() {
    const ROUNDS: usize = 500;
    let (there, back) = (Channel::new(1), Channel::new(1));
    let never = CancelToken::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..ROUNDS {
                let n = select! { recv(there) -> n => n, () = never.cancelled() => 0 };
                select! { send(back, n + 1) -> () => {}, () = never.cancelled() => {} }
            }
        });
        let mut n = 0;
        for _ in 0..ROUNDS {
            select! { send(there, n) -> () => {}, () = never.cancelled() => {} }
            n = select! { recv(back) -> n => n, () = never.cancelled() => 0 };
        }
        assert_eq!(n, ROUNDS);
    });
    assert!(there.is_quiet() && back.is_quiet());
}

#[test]
fn a_task_and_a_thread_select_on_the_same_channel() {
    const EACH: usize = 200;
    let channel = Channel::new(2 * EACH);
    let stop = CancelToken::new();
    let take = |got: &mut usize| *got += 1;
    thread::scope(|scope| {
        let on_thread = scope.spawn(|| {
            let mut got = 0;
            loop {
                select! {
                    recv(channel) -> _ => take(&mut got),
                    () = stop.cancelled() => break got,
                }
            }
        });
        let in_task = scope.spawn(|| {
            block_on(async {
                let mut got = 0;
                loop {
                    select_async! {
                        recv(channel) -> _ => take(&mut got),
                        () = stop.cancelled() => break got,
                    }
                }
            })
        });
        (0..2 * EACH).for_each(|n| channel.push(n));
        while channel.len() > 0 {
            thread::yield_now();
        }
        stop.cancel("all taken");
        assert_eq!(
            on_thread.join().unwrap() + in_task.join().unwrap(),
            2 * EACH
        );
    });
    assert!(channel.is_quiet());
}

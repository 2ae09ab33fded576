//! Every form that the macros accept, each run in the three macros where it can be.

use crate::channel::Channel;
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::timer::{sleep, sleep_until};
use counterpoint_wait::{Stop, block_on, select, select_async, select_biased};
use std::cell::Cell;
use std::future::{pending, ready};
use std::pin::pin;
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(600);

fn cancelled() -> CancelToken {
    let token = CancelToken::new();
    token.cancel("ready");
    token
}

#[test]
fn one_arm_only() {
    let token = cancelled();
    select! { () = token.cancelled() => () }
    select_biased! { () = token.cancelled() => {} }
    block_on(async {
        select_async! { _ = token.cancelled() => {}, }
    });
}

#[test]
fn patterns_take_outputs_apart() {
    let channel = Channel::new(1);
    channel.push((1, [2, 3], Some("x")));
    let sum = select! {
        (a, [b, ref c], text) = channel.select_recv() => {
            assert_eq!(text, Some("x"));
            a + b + *c
        }
    };
    assert_eq!(sum, 6);
    channel.push((1, [2, 3], None));
    let next = select! {
        recv(channel) -> (mut first, ..) => {
            first += 1;
            first
        }
    };
    assert_eq!(next, 2);
    let token = cancelled();
    let result = select! {
        (Ok(()) | Err(Stop::TimedOut | Stop::Cancelled)) = token.cancelled().timeout(LONG) => "all",
    };
    assert_eq!(result, "all");
}

#[test]
fn blocks_need_no_commas_and_commas_may_trail() {
    let (never, done) = (CancelToken::new(), cancelled());
    let first = select_biased! {
        () = never.cancelled() => { 1 }
        () = done.cancelled() => { 2 }
        default => { 3 }
    };
    let second = select_biased! {
        () = never.cancelled() => 1,
        () = done.cancelled() => 2,
        timeout(LONG) => 3,
    };
    let third = select_biased! {
        () = never.cancelled() => { 1 },
        () = done.cancelled() => 2,
        deadline(Instant::now() + LONG) => 3
    };
    let fourth = select_biased! {
        default => 3,
        () = never.cancelled() => 1,
        () = done.cancelled() => { 2 },
    };
    assert_eq!([first, second, third, fourth], [2; 4]);
}

#[test]
fn patience_ends() {
    let never = CancelToken::new();
    assert_eq!(select! { () = never.cancelled() => 1, default => 2 }, 2);
    assert_eq!(
        select! { () = never.cancelled() => 1, default(SHORT) => 2 },
        2
    );
    assert_eq!(
        select! { () = never.cancelled() => 1, timeout(SHORT) => 2 },
        2
    );
    assert_eq!(
        select! { () = never.cancelled() => 1, timeout(Duration::ZERO) => 2 },
        2
    );
    let past = Instant::now();
    assert_eq!(
        select! { () = never.cancelled() => 1, deadline(past) => 2 },
        2
    );
    assert_eq!(
        select! { () = never.cancelled() => 1, deadline(past + SHORT) => 2 },
        2
    );
    assert_eq!(select! { default => 2 }, 2);
    assert_eq!(select! { timeout(SHORT) => 2 }, 2);
    block_on(async {
        assert_eq!(
            select_async! { () = never.cancelled() => 1, default => 2 },
            2
        );
        assert_eq!(
            select_async! { () = never.cancelled() => 1, default(SHORT) => 2 },
            2
        );
        assert_eq!(
            select_async! { () = never.cancelled() => 1, timeout(SHORT) => 2 },
            2
        );
        assert_eq!(
            select_async! { () = never.cancelled() => 1, deadline(past) => 2 },
            2
        );
    });
    let start = Instant::now();
    select! { () = never.cancelled() => {}, timeout(Duration::from_millis(20)) => {} }
    assert!(start.elapsed() >= Duration::from_millis(20));
}

#[test]
fn a_patience_too_long_for_the_clock_never_ends() {
    let done = cancelled();
    assert_eq!(
        select! { () = done.cancelled() => 1, timeout(Duration::MAX) => 2 },
        1
    );
    let token = CancelToken::new();
    std::thread::scope(|scope| {
        scope.spawn(|| token.cancel("now"));
        assert_eq!(
            select! { () = token.cancelled() => 1, timeout(Duration::MAX) => 2 },
            1
        );
    });
}

#[test]
fn what_is_ready_wins_over_a_patience_that_ended() {
    let done = cancelled();
    assert_eq!(select! { () = done.cancelled() => 1, default => 2 }, 1);
    assert_eq!(
        select! { () = done.cancelled() => 1, timeout(Duration::ZERO) => 2 },
        1
    );
    assert_eq!(
        select! { () = done.cancelled() => 1, deadline(Instant::now()) => 2 },
        1
    );
}

#[test]
fn sixteen_arms() {
    let never = CancelToken::new();
    let done = cancelled();
    let which = select! {
        () = never.cancelled() => 1,
        () = never.cancelled() => 2,
        () = never.cancelled() => 3,
        () = never.cancelled() => 4,
        () = never.cancelled() => 5,
        () = never.cancelled() => 6,
        () = never.cancelled() => 7,
        () = never.cancelled() => 8,
        () = never.cancelled() => 9,
        () = never.cancelled() => 10,
        () = never.cancelled() => 11,
        () = never.cancelled() => 12,
        () = never.cancelled() => 13,
        () = never.cancelled() => 14,
        () = done.cancelled() => 15,
        () = never.cancelled() => 16,
        timeout(LONG) => 17,
    };
    assert_eq!(which, 15);
}

#[test]
fn handlers_may_leave_what_is_around_them() {
    fn returns(token: &CancelToken) -> u32 {
        select! {
            () = token.cancelled() => return 1,
            timeout(LONG) => {}
        }
        2
    }
    fn fails(token: &CancelToken) -> Result<u32, std::num::ParseIntError> {
        let number: u32 = select! {
            () = token.cancelled() => "not a number".parse()?,
            default => 7,
        };
        Ok(number)
    }
    let (never, done) = (CancelToken::new(), cancelled());
    assert_eq!(returns(&done), 1);
    assert!(fails(&done).is_err());
    assert_eq!(fails(&never), Ok(7));

    let mut rounds = 0;
    'outer: loop {
        rounds += 1;
        #[expect(clippy::never_loop, reason = "the handlers leave the outer loop")]
        loop {
            select! {
                () = done.cancelled() => {
                    if rounds < 3 {
                        continue 'outer;
                    }
                    break 'outer;
                }
                default => unreachable!(),
            }
        }
    }
    assert_eq!(rounds, 3);
    let value = loop {
        select! { () = done.cancelled() => break 5, default => continue }
    };
    assert_eq!(value, 5);
    block_on(async {
        for round in 0..3 {
            select_async! {
                () = done.cancelled() => if round == 1 { break } else { continue },
                () = never.cancelled() => return,
            }
        }
    });
}

#[test]
fn selects_nest() {
    let (never, done) = (CancelToken::new(), cancelled());
    let text = select! {
        () = done.cancelled() => {
            let inner = select_biased! {
                () = never.cancelled() => "a",
                default => select! { () = done.cancelled() => "b", default => "c" },
            };
            inner
        }
        default => "d",
    };
    assert_eq!(text, "b");
    let text = block_on(async {
        select_async! {
            inner = async {
                select_async! { () = done.cancelled() => "inner", () = never.cancelled() => "x" }
            } => inner,
            () = never.cancelled() => "outer",
        }
    });
    assert_eq!(text, "inner");
}

#[test]
fn handlers_may_await() {
    let done = cancelled();
    let sum = block_on(async {
        select_async! {
            () = done.cancelled() => {
                sleep(SHORT).await;
                ready(1).await + 1
            }
        }
    });
    assert_eq!(sum, 2);
}

#[test]
fn receive_and_send_arms() {
    let (full, empty): (Channel<&str>, Channel<&str>) = (Channel::new(1), Channel::new(1));
    full.push("old");
    // The one cannot be sent to, the other not received from.
    let what = select! {
        send(full, "new") -> () => "sent",
        recv(empty) -> _ => "received",
        default => "neither",
    };
    assert_eq!(what, "neither");
    let what = select! {
        recv(full) -> value => value,
        recv(empty) -> _value => "empty",
    };
    assert_eq!(what, "old");
    select! {
        send(full, "new") -> sent => {
            let () = sent;
        }
        timeout(LONG) => unreachable!(),
    }
    assert_eq!((full.len(), empty.len()), (1, 0));
    assert!(full.is_quiet() && empty.is_quiet());
}

#[test]
fn a_sent_value_is_evaluated_exactly_when_its_arm_wins() {
    let channel = Channel::new(1);
    let (never, evaluated) = (CancelToken::new(), Cell::new(0));
    let value = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    select_biased! {
        send(channel, value()) -> () => {}
        () = never.cancelled() => {}
    }
    assert_eq!((evaluated.get(), channel.len()), (1, 1));
    // Full now: the other arm wins, and nothing is evaluated.
    let done = cancelled();
    select_biased! {
        send(channel, value()) -> () => unreachable!(),
        () = done.cancelled() => {}
    }
    select! { send(channel, value()) -> () => unreachable!(), default => {} }
    select! { send(channel, value()) -> () => unreachable!(), timeout(SHORT) => {} }
    assert_eq!((evaluated.get(), channel.len()), (1, 1));
    // A value that leaves keeps the place free.
    let leaves = |channel: &Channel<i32>| -> Result<i32, i32> {
        select! { recv(channel) -> _ => {}, default => {} }
        let seven = || Err(7);
        select! { send(channel, seven()?) -> () => {} }
        Ok(8)
    };
    assert_eq!(leaves(&channel), Err(7));
    assert_eq!(channel.len(), 0);
    select! { send(channel, value()) -> () => {}, default => unreachable!() }
    assert!(channel.is_quiet());
}

#[test]
fn bounded_operations_are_arms_whose_bounds_are_their_own() {
    let never = CancelToken::new();
    let stopped = select! {
        result = never.cancelled().timeout(SHORT) => result,
        timeout(LONG) => Ok(()),
    };
    assert_eq!(stopped, Err(Stop::TimedOut));
    let stopped = select! {
        result = never.cancelled().until(ready(1)) => result,
        timeout(LONG) => Ok(()),
    };
    assert_eq!(stopped, Err(Stop::Cancelled));
    let stopped = block_on(async {
        select_async! {
            result = never.cancelled().timeout(SHORT) => result,
            result = never.cancelled().timeout(LONG) => result,
        }
    });
    assert_eq!(stopped, Err(Stop::TimedOut));
    // In the past: one try, then its own end.
    let stopped = select! {
        result = never.cancelled().deadline(Instant::now()) => result,
        timeout(LONG) => Ok(()),
    };
    assert_eq!(stopped, Err(Stop::TimedOut));
    let channel = Channel::new(1);
    channel.push(1);
    let got = select! {
        result = channel.select_recv().timeout(Duration::ZERO) => result,
        timeout(LONG) => Ok(2),
    };
    assert_eq!(got, Ok(1));
}

#[test]
fn any_future_is_an_arm() {
    let never = CancelToken::new();
    let channel: Channel<u32> = Channel::new(1);
    block_on(async {
        let mut pinned = pin!(async { 3 });
        let three = select_async! {
            three = pinned.as_mut() => three,
            recv(channel) -> value => value,
            () = never.cancelled() => 0,
        };
        assert_eq!(three, 3);
        let boxed: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(ready(4));
        assert_eq!(
            select_async! { four = boxed => four, _ = pending::<()>() => 0 },
            4
        );
        let woken = select_async! {
            () = sleep(SHORT) => "slept",
            () = never.cancelled() => "cancelled",
        };
        assert_eq!(woken, "slept");
        let until = Instant::now() + SHORT;
        select_async! {
            () = sleep_until(until) => assert!(Instant::now() >= until),
            () = pending() => {}
        }
    });
    // On a thread as well.
    let woken = select! {
        () = sleep(SHORT) => "slept",
        () = never.cancelled() => "cancelled",
    };
    assert_eq!(woken, "slept");
}

#[test]
fn losers_are_dropped_before_the_handler_runs() {
    struct Tells<'a>(&'a Cell<bool>);
    impl Drop for Tells<'_> {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let (dropped, done) = (Cell::new(false), cancelled());
    let tells = Tells(&dropped);
    select_biased! {
        () = done.cancelled() => assert!(dropped.get()),
        () = async { let _tells = tells; pending().await } => {}
    }
    let channel: Channel<u32> = Channel::new(1);
    select! {
        recv(channel) -> _ => {}
        timeout(SHORT) => assert!(channel.is_quiet()),
    }
}

#[test]
fn a_winner_may_borrow_nothing_of_its_arm() {
    // The output outlives the operation, so a handler may keep it.
    let channel = Channel::new(2);
    let mut kept = Vec::new();
    channel.push(String::from("a"));
    channel.push(String::from("b"));
    for _ in 0..2 {
        select! { recv(channel) -> text => kept.push(text), default => {} }
    }
    assert_eq!(kept, ["a", "b"]);
}

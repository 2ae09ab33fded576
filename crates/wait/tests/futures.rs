//! Every future of ours is a `FusedFuture`, and an arm of the `select!` of the futures crate.

use counterpoint_wait::block_on;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::event::Event;
use counterpoint_wait::listener;
use counterpoint_wait::parker::Parker;
use counterpoint_wait::select::{Select, arm};
use counterpoint_wait::timer::{sleep, sleep_until};
use futures::future::FusedFuture;
use std::future::ready;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(600);

/// Awaits it by reference and looks before and after.
fn finish<F: FusedFuture>(mut future: Pin<&mut F>) -> F::Output {
    assert!(!future.is_terminated());
    let output = block_on(future.as_mut());
    assert!(future.is_terminated());
    output
}

#[test]
fn all_say_when_they_are_terminated() {
    let token = CancelToken::new();
    token.cancel("test");
    let live = CancelToken::new();
    finish(pin!(token.cancelled()));
    assert!(finish(pin!(live.cancelled().timeout(Duration::ZERO))).is_err());
    assert!(finish(pin!(live.cancelled().with(&Ctl::new().cancel(&token)))).is_err());
    assert!(finish(pin!(live.cancelled().until(ready(())))).is_err());
    assert_eq!(finish(pin!(live.run_until_cancelled(ready(1)))), Some(1));
    assert_eq!(finish(pin!(token.run_until_cancelled(ready(1)))), None);
    finish(pin!(sleep(Duration::ZERO)));
    finish(pin!(sleep_until(Instant::now())));
    let mut parker = Parker::new();
    parker.unparker().unpark();
    finish(pin!(parker.park_async()));
    let mut arm = pin!(arm(token.cancelled()));
    let mut select = Select::new();
    let first = select.add(arm.as_mut());
    assert_eq!(finish(pin!(select.wait_async())), first);
    let event: Event = Event::new();
    listener!(event.listen() => listener);
    event.notify(1);
    finish(listener);
}

#[test]
fn a_loop_over_a_foreign_select_ends() {
    let event: Event = Event::new();
    let token = CancelToken::new();
    listener!(event.listen() => listener);
    let mut cancelled = pin!(token.cancelled());
    let mut late = pin!(sleep(LONG));
    let mut order = Vec::new();
    event.notify(1);
    block_on(async {
        loop {
            futures::select! {
                () = listener => {
                    order.push("told");
                    token.cancel("enough");
                }
                () = cancelled => order.push("cancelled"),
                () = late => unreachable!("ten minutes have not passed"),
                complete => unreachable!("the sleep is not over"),
            }
            if order.len() == 2 {
                break;
            }
        }
    });
    assert_eq!(order, ["told", "cancelled"]);
}

#[test]
fn one_that_was_stopped_is_terminated() {
    let event: Event = Event::new();
    let mut bounded = pin!(event.listen().timeout(Duration::from_millis(1)));
    assert!(block_on(bounded.as_mut()).is_err());
    assert!(bounded.is_terminated());
    let ended = block_on(async {
        futures::select! {
            _ = bounded => false,
            complete => true,
        }
    });
    assert!(ended);
}

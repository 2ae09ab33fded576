//! What a stage promises, in all its forms.

#[path = "../../base/tests/leak/mod.rs"]
mod leak;

use counterpoint_sync::stage::{Director, Entered, Exit, NotifyError, Stage, Ticket};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::op::Stop;
use counterpoint_wait::{block_on, select_biased};
use leak::leak;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

type Values = Stage<u32, (), (), String>;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn lead<R, B, V>(stage: &Stage<u32, R, B, V>) -> Director<'_, u32, R, B, V> {
    let ticket = stage.ticket(u32::MAX).expect("free");
    match stage.enter_async(ticket).wait() {
        Entered::Head(director) => director,
        other => panic!("nobody else is there: {other:?}"),
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn what_is_notified_before_entering_is_kept() {
    let stage = Values::with_values((), ());
    let mut ticket = stage.ticket(1).unwrap();
    assert!(stage.notify(&1) && stage.notify(&1));
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Token);
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Finished(()));
    stage.notify_with(&1, "one".to_owned()).unwrap();
    assert!(stage.notify(&1), "adds nothing to a value");
    let full = stage.notify_with(&1, "two".to_owned()).unwrap_err();
    assert!(matches!(full, NotifyError::Full(_)));
    assert_eq!(full.into_inner(), "two");
    assert_eq!(
        stage.enter(&mut ticket, None, |_| ()),
        Exit::Value("one".to_owned())
    );
    assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Finished(()));
}

#[test]
fn a_value_replaces_a_plain_token() {
    let stage = Values::with_values((), ());
    let ticket = stage.ticket(1).unwrap();
    assert!(stage.notify(&1));
    stage.notify_with(&1, "one".to_owned()).unwrap();
    assert_eq!(
        stage.enter(ticket, None, |_| ()),
        Exit::Value("one".to_owned())
    );
}

#[test]
fn nobody_is_told_what_is_for_nobody() {
    let stage = Values::with_values((), ());
    assert!(!stage.notify(&1));
    let unknown = stage.notify_with(&1, "back".to_owned()).unwrap_err();
    assert_eq!(unknown.to_string(), "nobody has a ticket for this token");
    assert_eq!(unknown.into_inner(), "back");
    assert_eq!(stage.notify_all(), 0);
}

#[test]
fn a_dropped_ticket_drops_what_was_left_for_it() {
    let stage: Stage<u32, (), (), Arc<()>> = Stage::with_values((), ());
    let value = Arc::new(());
    let ticket = stage.ticket(1).unwrap();
    stage.notify_with(&1, value.clone()).unwrap();
    assert_eq!(Arc::strong_count(&value), 2);
    drop(ticket);
    assert_eq!(Arc::strong_count(&value), 1);
    let ticket = stage.ticket(1).unwrap();
    let exit = stage.enter(ticket, None, |_| ());
    assert_eq!(exit, Exit::Finished(()), "nothing is left of the first one");
}

#[test]
fn tokens_are_found_by_what_they_borrow_as() {
    let stage: Stage<String, (), ()> = Stage::new((), ());
    let ticket = stage.ticket("token".to_owned()).unwrap();
    assert!(stage.notify("token"));
    assert_eq!(ticket.token(), "token");
    assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Token);
}

#[test]
fn a_wait_that_is_notified_is_woken_once() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut wait = pin!(stage.enter_async(stage.ticket(1).unwrap()));
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    head.notify_with(&1, "first".to_owned()).unwrap();
    assert!(head.notify(&1));
    assert!(head.notify_with(&1, "second".to_owned()).is_err());
    assert_eq!(woken.times(), 1);
    drop(head);
    assert_eq!(woken.times(), 1, "who has its token is not promoted");
    assert!(
        matches!(wait.as_mut().poll(&mut cx), Poll::Ready(Entered::Value(value)) if value == "first")
    );
    assert!(!stage.is_headed());
}

#[test]
fn a_promise_goes_on_when_its_owner_is_notified() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let [first, second] = [Arc::new(Woken::default()), Arc::new(Woken::default())];
    let wakers = [Waker::from(first.clone()), Waker::from(second.clone())];
    let mut waits = [1, 2].map(|token| Box::pin(stage.enter_async(stage.ticket(token).unwrap())));
    for (wait, waker) in waits.iter_mut().zip(&wakers) {
        assert!(
            wait.as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
    }
    drop(head);
    assert_eq!((first.times(), second.times()), (1, 0));
    assert!(stage.notify(&1));
    assert_eq!((first.times(), second.times()), (1, 1));
    assert!(matches!(
        poll(waits[1].as_mut()),
        Poll::Ready(Entered::Head(_))
    ));
    assert!(matches!(
        poll(waits[0].as_mut()),
        Poll::Ready(Entered::Token)
    ));
}

#[test]
fn a_newcomer_may_take_a_promised_headship_and_the_other_keeps_its_place() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut waits =
        [1, 2, 3].map(|token| Box::pin(stage.enter_async(stage.ticket(token).unwrap())));
    for wait in &mut waits {
        assert!(poll(wait.as_mut()).is_pending());
    }
    drop(head);
    let newcomer = lead(&stage);
    assert!(poll(waits[0].as_mut()).is_pending());
    drop(newcomer);
    for wait in &mut waits {
        assert!(matches!(poll(wait.as_mut()), Poll::Ready(Entered::Head(_))));
    }
}

#[test]
fn a_promised_future_that_is_dropped_passes_it_on() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut first = Box::pin(stage.enter_async(stage.ticket(1).unwrap()));
    let mut second = pin!(stage.enter_async(stage.ticket(2).unwrap()));
    assert!(poll(first.as_mut()).is_pending());
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(head);
    assert_eq!(woken.times(), 0);
    drop(first);
    assert_eq!(woken.times(), 1);
    assert!(matches!(poll(second), Poll::Ready(Entered::Head(_))));
}

#[test]
fn a_polled_future_heads_though_another_one_was_promised() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut waits = [1, 2].map(|token| Box::pin(stage.enter_async(stage.ticket(token).unwrap())));
    for wait in &mut waits {
        assert!(poll(wait.as_mut()).is_pending());
    }
    drop(head);
    // The first one is promised it and not polled.
    let Poll::Ready(Entered::Head(head)) = poll(waits[1].as_mut()) else {
        panic!("nobody heads");
    };
    assert!(poll(waits[0].as_mut()).is_pending());
    drop(head);
    assert!(matches!(
        poll(waits[0].as_mut()),
        Poll::Ready(Entered::Head(_))
    ));
}

#[test]
fn a_token_stays_with_a_borrowed_ticket() {
    let stage = Values::with_values((), ());
    let _head = lead(&stage);
    let mut ticket = stage.ticket(1).unwrap();
    {
        let mut wait = pin!(stage.enter_async(&mut ticket));
        assert!(poll(wait.as_mut()).is_pending());
        stage.notify_with(&1, "kept".to_owned()).unwrap();
        // Dropped though it was notified.
    }
    assert_eq!(
        stage.enter(&mut ticket, None, |_| ()),
        Exit::Value("kept".to_owned())
    );
}

#[test]
fn a_leaked_wait_does_no_harm() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut ticket = stage.ticket(1).unwrap();
    let mut leaked = Box::pin(stage.enter_async(&mut ticket));
    assert!(poll(leaked.as_mut()).is_pending());
    leak(leaked);
    // The next wait with the ticket takes its place.
    {
        let mut wait = pin!(stage.enter_async(&mut ticket));
        assert!(poll(wait.as_mut()).is_pending());
        assert!(stage.notify(&1));
        assert!(matches!(poll(wait), Poll::Ready(Entered::Token)));
    }
    // Leaked with the promise, which the ticket passes on.
    let mut leaked = Box::pin(stage.enter_async(&mut ticket));
    assert!(poll(leaked.as_mut()).is_pending());
    let mut second = pin!(stage.enter_async(stage.ticket(2).unwrap()));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(head);
    assert_eq!(woken.times(), 0);
    leak(leaked);
    drop(ticket);
    assert_eq!(woken.times(), 1);
    assert!(matches!(poll(second), Poll::Ready(Entered::Head(_))));
    // Linked, and its ticket ends.
    let head = lead(&stage);
    let mut ticket = stage.ticket(1).unwrap();
    let mut leaked = Box::pin(stage.enter_async(&mut ticket));
    assert!(poll(leaked.as_mut()).is_pending());
    leak(leaked);
    drop(ticket);
    drop(head);
    assert_eq!(
        stage.enter(stage.ticket(1).unwrap(), None, |_| ()),
        Exit::Finished(())
    );
}

#[test]
fn bounds_stop_a_wait() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut ticket = stage.ticket(1).unwrap();
    let soon = Instant::now() + Duration::from_millis(5);
    assert_eq!(
        stage.enter_deadline(&mut ticket, soon, |_| ()),
        Exit::Timeout
    );
    assert!(Instant::now() >= soon);
    assert_eq!(
        stage.enter(&mut ticket, Some(Duration::ZERO), |_| ()),
        Exit::Timeout
    );
    let token = CancelToken::new();
    let ctl = Ctl::new().cancel(&token);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(5));
            token.cancel("enough");
        });
        let stopped = stage.enter_async(&mut ticket).with(&ctl).wait();
        assert_eq!(stopped.unwrap_err(), Stop::Cancelled);
    });
    drop(head);
    // Nothing is tried with a token that is cancelled, and once at a deadline in the past.
    let stopped = stage.enter_async(&mut ticket).with(&ctl).wait();
    assert_eq!(stopped.unwrap_err(), Stop::Cancelled);
    assert_eq!(
        stage.enter_deadline(ticket, soon, |_| ()),
        Exit::Finished(())
    );
}

#[test]
fn selects_wait_on_stages() {
    let (one, two) = (Values::with_values((), ()), Values::with_values((), ()));
    let (_heads, _of_both) = (lead(&one), lead(&two));
    let (mut first, mut second) = (one.ticket(1).unwrap(), two.ticket(2).unwrap());
    for round in 0..20 {
        let stage = [&one, &two][round % 2];
        let token = round as u32 % 2 + 1;
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_micros(50 * (round as u64 % 5)));
                stage.notify_with(&token, format!("{round}")).unwrap();
            });
            let entered = select_biased! {
                entered = one.enter_async(&mut first) => entered,
                entered = two.enter_async(&mut second) => entered,
            };
            assert!(matches!(entered, Entered::Value(value) if value == format!("{round}")));
        });
    }
}

#[test]
fn closing_tells_everybody_after_their_tokens() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut waits: Vec<_> = (0..100)
        .map(|token| Box::pin(stage.enter_async(stage.ticket(token).unwrap())))
        .collect();
    for wait in &mut waits {
        assert!(poll(wait.as_mut()).is_pending());
    }
    assert!(stage.notify(&7));
    stage.close();
    for (token, wait) in waits.iter_mut().enumerate() {
        match poll(wait.as_mut()) {
            Poll::Ready(Entered::Token) => assert_eq!(token, 7),
            Poll::Ready(Entered::Closed) => assert_ne!(token, 7),
            other => panic!("{other:?}"),
        }
    }
    assert!(stage.is_closed() && stage.is_headed());
    drop(head);
    assert_eq!(
        stage.enter(stage.ticket(200).unwrap(), None, |_| ()),
        Exit::Closed
    );
}

#[test]
fn all_are_told_once_whoever_waits() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let tickets: Vec<Ticket<'_, u32, String>> = (0..1_000)
        .map(|token| stage.ticket(token).unwrap())
        .collect();
    let mut waits: Vec<_> = tickets
        .into_iter()
        .map(|ticket| Box::pin(stage.enter_async(ticket)))
        .collect();
    for wait in waits.iter_mut().step_by(2) {
        assert!(poll(wait.as_mut()).is_pending());
    }
    assert_eq!(stage.notify_all(), 1_001, "the head's as well");
    for wait in &mut waits {
        assert!(matches!(poll(wait.as_mut()), Poll::Ready(Entered::Token)));
    }
    drop(waits);
    drop(head);
    assert_eq!(stage.tickets(), 0);
}

#[test]
fn threads_and_tasks_wait_side_by_side() {
    const EACH: u32 = 500;
    let stage: Stage<u32, (), Vec<u32>> = Stage::new((), Vec::new());
    let todo = AtomicUsize::new(0);
    // Each waits for its token; whoever heads tells the next one in turn.
    let turn = |head: &Director<'_, u32, (), Vec<u32>>, own: u32| {
        for _ in 0..2 {
            let next = todo.fetch_add(1, Ordering::SeqCst) as u32 % 4;
            if !head.notify(&next) || next == own {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for token in 0..4 {
            let (stage, turn) = (&stage, &turn);
            scope.spawn(move || {
                let mut ticket = stage.ticket(token).unwrap();
                let mut told = 0;
                while told < EACH {
                    let own = if token % 2 == 0 {
                        stage.enter(&mut ticket, None, |head| turn(head, token)) == Exit::Token
                    } else {
                        block_on(async {
                            match stage.enter_async(&mut ticket).await {
                                Entered::Head(head) => {
                                    turn(&head, token);
                                    false
                                }
                                other => matches!(other, Entered::Token),
                            }
                        })
                    };
                    told += u32::from(own);
                }
            });
        }
    });
    assert_eq!((stage.tickets(), stage.is_headed()), (0, false));
}

#[test]
fn the_resource_is_lent_in_one_way() {
    let stage: Stage<u32, Vec<u32>, ()> = Stage::new(vec![], ());
    let mut head = lead(&stage);
    head.resource_mut().push(1);
    assert_eq!(head.resource(), &[1]);
    let refused = catch_unwind(AssertUnwindSafe(|| stage.shared().len()));
    assert!(refused.is_err());
    drop(head);
    assert_eq!(stage.into_inner().0, [1]);

    let stage: Stage<u32, Vec<u32>, ()> = Stage::new(vec![1], ());
    assert_eq!(stage.shared().len(), 1);
    let refused = catch_unwind(AssertUnwindSafe(|| lead(&stage).resource_mut().push(1)));
    assert!(refused.is_err());
    assert!(!stage.is_headed());
    // SAFETY: a `Vec` is `Sync`.
    assert_eq!(unsafe { stage.backdoor() }, &[1]);
}

#[test]
fn a_panicking_waker_costs_nobody_the_headship() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker"));
        }
    }
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let waker = Waker::from(Arc::new(Panics));
    let mut first = Box::pin(stage.enter_async(stage.ticket(1).unwrap()));
    let mut second = Box::pin(stage.enter_async(stage.ticket(2).unwrap()));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(poll(second.as_mut()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(head))).is_err());
    drop(first);
    assert!(matches!(
        poll(second.as_mut()),
        Poll::Ready(Entered::Head(_))
    ));
}

#[test]
fn it_shows_itself() {
    let stage = Values::with_values((), ());
    let ticket = stage.ticket(1).unwrap();
    assert_eq!(format!("{ticket:?}"), "Ticket(1)");
    let head = lead(&stage);
    assert_eq!(
        format!("{stage:?}"),
        "Stage { headed: true, closed: false, tickets: 2, .. }"
    );
    assert_eq!(format!("{head:?}"), "Director { .. }");
}

/// The compiler forgets how lifetimes inside of a future are related; tasks must be `Send` all the same.
#[test]
fn tasks_that_borrow_their_tickets_are_spawned() {
    async fn wait(stage: &Values, ticket: &mut Ticket<'_, u32, String>) -> Option<String> {
        match stage.enter_async(&mut *ticket).await {
            Entered::Value(value) => Some(value),
            Entered::Head(head) => {
                head.notify_with(ticket.token(), "own".to_owned()).unwrap();
                smol::future::yield_now().await;
                drop(head);
                None
            }
            Entered::Token | Entered::Closed => None,
        }
    }

    async fn ask(stage: Arc<Values>, token: u32) -> String {
        let mut ticket = stage.ticket(token).unwrap();
        loop {
            if let Some(value) = wait(&stage, &mut ticket).await {
                return value;
            }
        }
    }

    let stage = Arc::new(Values::with_values((), ()));
    let executor = smol::Executor::new();
    let tasks: Vec<_> = (0..100)
        .map(|token| executor.spawn(ask(stage.clone(), token)))
        .collect();
    block_on(executor.run(async {
        for task in tasks {
            assert_eq!(task.await, "own");
        }
    }));
    assert_eq!(stage.tickets(), 0);
}

#[test]
fn a_promise_that_nobody_looks_at_goes_to_the_next() {
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut dormant = Box::pin(stage.enter_async(stage.ticket(1).unwrap()));
    assert!(poll(dormant.as_mut()).is_pending());
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut sleeper = pin!(stage.enter_async(stage.ticket(2).unwrap()));
    assert!(
        sleeper
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(head);
    for _ in 0..20 {
        drop(lead(&stage));
    }
    assert_eq!(woken.times(), 1);
    let Poll::Ready(Entered::Head(head)) = poll(sleeper) else {
        panic!("it was promised the headship");
    };
    assert!(poll(dormant.as_mut()).is_pending());
    drop(head);
    assert!(matches!(
        poll(dormant.as_mut()),
        Poll::Ready(Entered::Head(_))
    ));
}

#[test]
fn what_was_delivered_to_an_owned_ticket_is_told() {
    let stage = Values::with_values((), ());
    let _head = lead(&stage);
    thread::scope(|scope| {
        for round in 0..300 {
            let ticket = stage.ticket(1).unwrap();
            let stage = &stage;
            let waiter = scope.spawn(move || {
                stage.enter(ticket, Some(Duration::from_micros(round % 60)), |_| ())
            });
            thread::sleep(Duration::from_micros(30));
            let delivered = stage.notify_with(&1, "value".to_owned()).is_ok();
            let told = matches!(waiter.join().unwrap(), Exit::Value(_));
            assert_eq!(delivered, told);
        }
    });
}

#[test]
fn a_panicking_waker_of_a_leaked_wait_costs_nothing() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::resume_unwind(Box::new("a waker"));
        }
    }
    let stage = Values::with_values((), ());
    let head = lead(&stage);
    let mut ticket = stage.ticket(1).unwrap();
    let waker = Waker::from(Arc::new(Panics));
    let mut leaked = Box::pin(stage.enter_async(&mut ticket));
    assert!(
        leaked
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    leak(leaked);
    let again = catch_unwind(AssertUnwindSafe(|| {
        stage.enter(&mut ticket, Some(Duration::ZERO), |_| ())
    }));
    assert!(again.is_err());
    drop(head);
    assert!(!stage.is_headed());
    assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Finished(()));
}

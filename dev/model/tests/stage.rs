//! Models of the stage.

use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::stage::{Director, Entered, Exit, NotifyError, Stage};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{block_on, select_biased};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

const SOON: Option<Duration> = Some(Duration::from_secs(1));

/// A number that the checker sees being touched.
struct Seen(UnsafeCell<u32>);

// SAFETY: reached by the head, or by one thread after the other.
unsafe impl Send for Seen {}
// SAFETY: as above.
unsafe impl Sync for Seen {}

impl Seen {
    fn new(number: u32) -> Seen {
        let seen = Seen(UnsafeCell::new(0));
        seen.add(number);
        seen
    }

    fn add(&self, number: u32) {
        // SAFETY: one reaches it at a time: that is what the model checks.
        self.0.with_mut(|value| unsafe { *value += number });
    }

    fn get(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

type Tokens = Stage<u32, Seen, ()>;

fn tokens() -> Arc<Tokens> {
    Arc::new(Stage::new(Seen::new(0), ()))
}

/// Enters for `token`, and adds one to the resource if it heads. True if it did.
fn enter(stage: &Tokens, token: u32, timeout: Option<Duration>) -> bool {
    let ticket = stage.ticket(token).expect("each thread has its own");
    match stage.enter(ticket, timeout, |head| head.resource().add(1)) {
        Exit::Finished(()) => true,
        Exit::Timeout => false,
        exit => panic!("nobody tells it anything: {exit:?}"),
    }
}

/// The headship of a stage that nobody heads.
fn lead<T: std::hash::Hash + Eq, R, B, V>(
    stage: &Stage<T, R, B, V>,
    token: T,
) -> Director<'_, T, R, B, V> {
    let ticket = stage.ticket(token).expect("free");
    match stage.enter_async(ticket).wait() {
        Entered::Head(director) => director,
        other => panic!("nobody else is there: {other:?}"),
    }
}

/// Nobody heads, nobody has a ticket, and whoever comes heads at once.
fn assert_empty(stage: &Tokens) {
    assert_eq!(stage.tickets(), 0);
    assert!(enter(stage, 99, Some(Duration::ZERO)));
}

model! {
    /// Three enter: each heads once, alone, and sees what the one before did.
    fn resource_goes_from_head_to_head(preemptions: Some(3)) {
        let stage = tokens();
        let threads = [1, 2].map(|token| {
            let stage = stage.clone();
            thread::spawn(move || assert!(enter(&stage, token, None)))
        });
        assert!(enter(&stage, 3, None));
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(lead(&stage, 4).resource().get(), 3);
        assert_empty(&stage);
    }

    /// A waiter is promoted at its deadline: it heads, or the next one does.
    fn promotion_races_timeout(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let hasty = { let stage = stage.clone(); thread::spawn(move || enter(&stage, 1, SOON)) };
        let patient = { let stage = stage.clone(); thread::spawn(move || enter(&stage, 2, None)) };
        drop(head);
        let headed = u32::from(hasty.join().unwrap()) + 1;
        assert!(patient.join().unwrap());
        assert_eq!(lead(&stage, 3).resource().get(), headed);
        assert_empty(&stage);
    }

    /// A token comes at the deadline: it is told now, or by the next wait with the same ticket.
    fn notify_races_timeout(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let waiter = {
            let stage = stage.clone();
            thread::spawn(move || {
                let mut ticket = stage.ticket(1).unwrap();
                let notifier = {
                    let stage = stage.clone();
                    thread::spawn(move || assert!(stage.notify(&1)))
                };
                let first = stage.enter(&mut ticket, SOON, |_| ());
                if first == Exit::Timeout {
                    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Token);
                } else {
                    assert_eq!(first, Exit::Token);
                }
                notifier.join().unwrap();
            })
        };
        waiter.join().unwrap();
        drop(head);
        assert_empty(&stage);
    }

    /// The one that is promoted is notified as well: it takes the token, and the next one heads.
    fn notify_races_promotion(preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let mut ticket = stage.ticket(1).unwrap();
        let mut first = Box::pin(stage.enter_async(&mut ticket));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut cx).is_pending());
        let second = { let stage = stage.clone(); thread::spawn(move || enter(&stage, 2, None)) };
        let notifier = { let stage = stage.clone(); thread::spawn(move || assert!(stage.notify(&1))) };
        drop(head);
        // The second one heads though the first one is not polled: it is notified, or passed over.
        notifier.join().unwrap();
        assert!(second.join().unwrap());
        assert!(matches!(block_on(first), Entered::Token));
        drop(ticket);
        assert_empty(&stage);
    }

    /// A head panics while a newcomer comes and another one waits: both head. No checker can switch
    /// threads while one unwinds, so what unwinding does to the head is done right after.
    fn head_panic_races_newcomer(preemptions: Some(3)) {
        let stage = tokens();
        let head = {
            let stage = stage.clone();
            thread::spawn(move || {
                let ticket = stage.ticket(0).unwrap();
                if let Entered::Head(head) = stage.enter_async(ticket).wait() {
                    let panicked = catch_unwind(AssertUnwindSafe(|| {
                        head.resource().add(1);
                        resume_unwind(Box::new("the head panics"))
                    }));
                    assert!(panicked.is_err());
                    drop(head);
                }
            })
        };
        let waiter = { let stage = stage.clone(); thread::spawn(move || enter(&stage, 1, None)) };
        assert!(enter(&stage, 2, None));
        head.join().unwrap();
        assert!(waiter.join().unwrap());
        assert_eq!(lead(&stage, 3).resource().get(), 3);
        assert_empty(&stage);
    }

    /// A ticket is dropped while its token is notified with a value: the value reaches it, or comes
    /// back, or ends with the ticket; and the next ticket for this token has nothing of it.
    fn ticket_drop_races_notify(preemptions: Some(3)) {
        let stage: Arc<Stage<u32, (), (), Arc<Seen>>> = Arc::new(Stage::with_values((), ()));
        let value = Arc::new(Seen::new(7));
        let owner = {
            let stage = stage.clone();
            thread::spawn(move || {
                let mut ticket = stage.ticket(1).unwrap();
                let exit = stage.enter(&mut ticket, Some(Duration::ZERO), |_| ());
                let got = if let Exit::Value(seen) = exit { Some(seen.get()) } else { None };
                drop(ticket);
                assert!(stage.ticket(1).is_some(), "the token is free");
                got
            })
        };
        let notifier = {
            let (stage, value) = (stage.clone(), value.clone());
            thread::spawn(move || match stage.notify_with(&1, value) {
                Ok(()) => true,
                Err(NotifyError::Unknown(_)) => false,
                Err(NotifyError::Full(_)) => panic!("nobody else delivers"),
            })
        };
        let got = owner.join().unwrap();
        let delivered = notifier.join().unwrap();
        assert!(got.is_none() || (delivered && got == Some(7)));
        assert_eq!(Arc::strong_count(&value), 1, "nobody keeps it");
        let ticket = stage.ticket(1).unwrap();
        assert!(matches!(stage.enter(ticket, None, |_| ()), Exit::Finished(())));
    }

    /// What a notifier did before is seen by the one it told.
    fn notify_carries_data(preemptions: Some(3)) {
        let stage: Arc<Stage<u32, (), (), Arc<Seen>>> = Arc::new(Stage::with_values((), ()));
        let head = lead(&stage, 0);
        let mut tickets = [1, 2].map(|token| stage.ticket(token).unwrap());
        let notifiers = [1, 2].map(|token| {
            let stage = stage.clone();
            thread::spawn(move || {
                assert!(stage.notify_with(&token, Arc::new(Seen::new(token))).is_ok());
            })
        });
        for (ticket, number) in tickets.iter_mut().zip(1..) {
            match stage.enter(ticket, None, |_| ()) {
                Exit::Value(seen) => assert_eq!(seen.get(), number),
                _ => panic!("another one heads"),
            }
        }
        for notifier in notifiers {
            notifier.join().unwrap();
        }
        drop(head);
    }

    /// A future that was promised the headship is dropped, and its ticket is not: whoever is left gets
    /// it.
    fn drop_races_promotion(branches: [Branch::DropBeforePoll], preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let mut ticket = stage.ticket(1).unwrap();
        let waiters = [2, 3].map(|token| {
            let stage = stage.clone();
            thread::spawn(move || enter(&stage, token, None))
        });
        {
            let mut wait = pin!(stage.enter_async(&mut ticket));
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(head);
            if !choose(Branch::DropBeforePoll) {
                match block_on(wait) {
                    Entered::Head(head) => head.resource().add(1),
                    other => panic!("nobody tells it anything: {other:?}"),
                }
            }
        }
        for waiter in waiters {
            assert!(waiter.join().unwrap());
        }
        drop(ticket);
        assert_empty(&stage);
    }

    /// A token is cancelled while the headship is passed on and another one waits.
    fn cancel_races_promotion(preemptions: Some(3)) {
        let (stage, token) = (tokens(), CancelToken::new());
        // It goes on living, so the headship is passed on by the head and not by the ticket's end.
        let mut own = stage.ticket(0).unwrap();
        let Entered::Head(head) = stage.enter_async(&mut own).wait() else {
            panic!("nobody else heads");
        };
        let cancelled = {
            let (stage, token) = (stage.clone(), token.clone());
            thread::spawn(move || {
                let ctl = Ctl::new().cancel(&token);
                let entering = stage.enter_async(stage.ticket(1).unwrap());
                if let Ok(Entered::Head(head)) = entering.with(&ctl).wait() {
                    head.resource().add(1);
                }
            })
        };
        let waiter = { let stage = stage.clone(); thread::spawn(move || enter(&stage, 2, None)) };
        token.cancel("enough");
        drop(head);
        cancelled.join().unwrap();
        assert!(waiter.join().unwrap());
        drop(own);
        assert_empty(&stage);
    }

    /// It is closed while some come to wait: all are told, though the head stays.
    fn close_races_waiting(preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let waiters = [1, 2].map(|token| {
            let stage = stage.clone();
            thread::spawn(move || {
                let ticket = stage.ticket(token).unwrap();
                assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Closed);
            })
        });
        stage.close();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        drop(head);
        let ticket = stage.ticket(3).unwrap();
        assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Closed);
    }

    /// A select with an arm that waits for its token, and another arm that may win: the token stays
    /// with the ticket.
    fn select_loses_no_token(preemptions: Some(3)) {
        let (stage, token) = (tokens(), CancelToken::new());
        let head = lead(&stage, 0);
        let mut ticket = stage.ticket(1).unwrap();
        let notifier = { let stage = stage.clone(); thread::spawn(move || assert!(stage.notify(&1))) };
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("now"); }) };
        let entered = select_biased! {
            entered = stage.enter_async(&mut ticket) => Some(entered),
            _ = token.cancelled() => None,
        };
        let entered = match entered {
            Some(entered) => entered,
            None => stage.enter_async(&mut ticket).wait(),
        };
        assert!(matches!(entered, Entered::Token));
        notifier.join().unwrap();
        canceller.join().unwrap();
        drop(ticket);
        drop(head);
        assert_empty(&stage);
    }

    /// Everybody is told while they come: who has a ticket before is, and nobody is told twice.
    fn notify_all_races_waiting(preemptions: Some(3)) {
        let stage = tokens();
        let head = lead(&stage, 0);
        let (first, second) = (stage.ticket(1).unwrap(), stage.ticket(2).unwrap());
        let teller = { let stage = stage.clone(); thread::spawn(move || stage.notify_all()) };
        let other = {
            let stage = stage.clone();
            thread::spawn(move || drop(stage.ticket(3).unwrap()))
        };
        assert_eq!(stage.enter(second, None, |_| ()), Exit::Token);
        assert_eq!(stage.enter(first, None, |_| ()), Exit::Token);
        other.join().unwrap();
        assert!((3..=4).contains(&teller.join().unwrap()));
        drop(head);
        assert_empty(&stage);
    }

    /// Two want the same token: one gets it, and the other one after it or not at all.
    fn one_ticket_for_a_token(preemptions: Some(3)) {
        let stage = tokens();
        let held = Arc::new(Seen::new(0));
        let threads = [(); 2].map(|()| {
            let (stage, held) = (stage.clone(), held.clone());
            thread::spawn(move || {
                let ticket = stage.ticket(1);
                if ticket.is_some() {
                    held.add(1);
                }
                ticket.is_some()
            })
        });
        let got = threads.map(|thread| thread.join().unwrap());
        assert!(got.contains(&true));
        assert_eq!(stage.tickets(), 0);
    }
}

//! Stages: tokens, values and closures that panic; the headship is passed on, and no token is lost.

use crate::ignore;
use crate::leak::leak;
use crate::loud::{Loud, Moment, Named, boom, now};
use counterpoint_sync::stage::{Entered, Exit, NotifyError, Stage};
use counterpoint_wait::block_on;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hash;
use std::time::{Duration, Instant};

#[test]
fn stages() {
    let stage: Stage<Loud, Loud, Loud> = Stage::new(Loud(1), Loud(2));
    boom(Moment::Hash, || stage.ticket(Loud(7)).is_some());
    let ticket = stage.ticket(Loud(7)).expect("nobody has it");
    boom(Moment::Debug, || format!("{ticket:?}"));
    boom(Moment::Compare, || stage.ticket(Loud(7)).is_some());
    boom(Moment::Hash, || stage.notify(&Loud(7)));
    boom(Moment::Compare, || stage.notify(&Loud(7)));
    boom(Moment::Call, || {
        stage.enter(ticket, None, |_| now(Moment::Call))
    });
    let ticket = stage.ticket(Loud(8)).expect("nobody has it");
    boom(Moment::Call, || {
        stage.enter(ticket, None, |head| head.buffer(|_| now(Moment::Call)))
    });
    assert!(!stage.is_headed());
    let ticket = stage.ticket(Loud(9)).expect("nobody has it");
    boom(Moment::Drop, || ignore(ticket));
    let mut ticket = stage.ticket(Loud(9)).expect("its token is free");
    let later = Instant::now() + Duration::from_secs(5);
    boom(Moment::Call, || {
        stage.enter_deadline(&mut ticket, later, |_| now(Moment::Call))
    });
    assert_eq!(stage.enter(ticket, None, |_| 1), Exit::Finished(1));
    assert!(!stage.is_headed() && stage.tickets() == 0);
    boom(Moment::Drop, || ignore(stage));
}

#[test]
fn tokens_that_are_looked_up() {
    let stage: Stage<Named, (), (), u32> = Stage::with_values((), ());
    let mut ticket = stage.ticket(Named(Loud(1))).expect("nobody has it");
    let other = stage.ticket(Named(Loud(2))).expect("nobody has it");
    let moments = [Moment::Hash, Moment::Borrow, Moment::Compare];
    let Entered::Head(head) = block_on(stage.enter_async(other)) else {
        panic!("nobody heads");
    };
    for moment in moments {
        boom(moment, || stage.notify(&Loud(1)));
        boom(moment, || stage.notify_with(&Loud(1), 1).is_ok());
        boom(moment, || head.notify(&Loud(1)));
        boom(moment, || head.notify_with(&Loud(1), 1).is_ok());
    }
    // Nothing was left by them, and all of it works.
    let entered = stage.enter(&mut ticket, Some(Duration::ZERO), |_| ());
    assert_eq!(entered, Exit::Timeout);
    assert!(head.notify(&Loud(1)));
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Token);
    assert!(head.notify_with(&Loud(1), 2).is_ok());
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Value(2));
    ignore(head);
    assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Finished(()));
}

/// A stage that delivers values, which are loud as its tokens are.
fn loud() -> Stage<Loud, (), (), Loud> {
    Stage::with_values((), ())
}

#[test]
fn tokens_and_values_that_are_dropped() {
    // With their ticket, with an operation, and with the headship.
    for told in [false, true] {
        let stage = loud();
        let ticket = || {
            let ticket = stage.ticket(Loud(1)).expect("nobody has it");
            if told {
                assert!(stage.notify_with(&Loud(1), Loud(2)).is_ok());
            }
            ticket
        };
        let unused = ticket();
        boom(Moment::Drop, || ignore(unused));
        let enters = stage.enter_async(ticket());
        boom(Moment::Drop, || ignore(enters));
        let mine = stage.ticket(Loud(1)).expect("its token is free");
        let entered = block_on(stage.enter_async(mine));
        assert!(matches!(entered, Entered::Head(_)));
        if told {
            assert!(stage.notify_with(&Loud(1), Loud(2)).is_ok());
        }
        boom(Moment::Drop, || ignore(entered));
        assert!(!stage.is_headed() && stage.tickets() == 0);
    }
    // One that came, as what is yielded and as what comes back.
    let stage = loud();
    let mut ticket = stage.ticket(Loud(1)).expect("nobody has it");
    assert!(stage.notify_with(&Loud(1), Loud(2)).is_ok());
    let entered = block_on(stage.enter_async(&mut ticket));
    assert!(matches!(entered, Entered::Value(_)));
    boom(Moment::Drop, || ignore(entered));
    let nobody = Loud(7);
    let unknown = stage.notify_with(&nobody, Loud(2));
    assert!(matches!(unknown, Err(NotifyError::Unknown(_))));
    boom(Moment::Drop, || ignore(unknown));
    // A token that somebody has.
    boom(Moment::Drop, || stage.ticket(Loud(1)).is_some());
    assert_eq!(stage.tickets(), 1);
    // Those of a ticket that is leaked are leaked with it.
    assert!(stage.notify_with(&Loud(1), Loud(3)).is_ok());
    leak(ticket);
    ignore(stage);
}

#[test]
fn values_of_what_a_stage_says() {
    let hash = |it: &dyn Fn(&mut DefaultHasher)| it(&mut DefaultHasher::new());
    let exits: [fn(u32) -> Exit<Loud, Loud>; 2] = [
        |number| Exit::Finished(Loud(number)),
        |number| Exit::Value(Loud(number)),
    ];
    for exit in exits {
        boom(Moment::Clone, || exit(1).clone());
        boom(Moment::Debug, || format!("{:?}", exit(1)));
        boom(Moment::Compare, || exit(1) == exit(1));
        boom(Moment::Hash, || hash(&|state| exit(1).hash(state)));
        boom(Moment::Drop, || ignore(exit(1)));
        assert!(exit(1) == exit(1) && exit(1) != exit(2));
    }
    let errors: [fn(u32) -> NotifyError<Loud>; 2] = [
        |number| NotifyError::Unknown(Loud(number)),
        |number| NotifyError::Full(Loud(number)),
    ];
    for error in errors {
        boom(Moment::Clone, || error(1).clone());
        boom(Moment::Compare, || error(1) == error(1));
        boom(Moment::Hash, || hash(&|state| error(1).hash(state)));
        boom(Moment::Drop, || ignore(error(1)));
        assert!(error(1) == error(1) && error(1) != error(2));
    }
}

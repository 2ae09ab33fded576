//! Each operation is dropped before its k-th poll, for k up to 8, and granted before any of them or
//! never: the grant is not lost, and is not there twice.

use crate::ignore;
use crate::verbs::{After, Begun, FORMS, Form, Verb, each, poll};
use counterpoint_sync::LazyCell;
use counterpoint_wait::cancel::CancelToken;
use std::cell::Cell;

const POLLS: usize = 8;

/// Polls `polls` times and drops it; opens before the poll (or the drop) with the number `grant`.
fn drop_one(verb: &Verb<'_>, form: Form, polls: usize, grant: usize) {
    let what = || {
        format!(
            "{}, {form:?}: {polls} polls, granted before {grant}",
            verb.name
        )
    };
    let (mut opened, mut done) = (false, false);
    let mut begun = (verb.begin)(form);
    for number in 0..=polls {
        if number == grant {
            (verb.open)();
            opened = true;
        }
        // What is done may not be polled again, and the last number is for the drop.
        if number < polls && !done {
            done = poll(&mut begun);
            assert!(opened || !done, "not open: {}", what());
        }
    }
    ignore(begun);
    if !opened {
        (verb.open)();
    }
    let mut next = (verb.begin)(form);
    let found = poll(&mut next);
    let spent = match verb.after {
        After::Open => false,
        After::Unspent => done,
        After::Anew => {
            if !found {
                (verb.open)();
                assert!(poll(&mut next), "opened again: {}", what());
            }
            return;
        }
    };
    assert_eq!(found, !spent, "the next one: {}", what());
    if spent {
        (verb.open)();
        assert!(poll(&mut next), "opened again: {}", what());
    }
}

fn drop_all(form: Form) {
    let mut verbs = 0;
    for polls in 0..=POLLS {
        for grant in 0..=polls + 1 {
            verbs = 0;
            each(&mut |verb| {
                verbs += 1;
                drop_one(verb, form, polls, grant);
            });
        }
    }
    assert!(verbs >= 50, "{verbs}");
}

#[test]
fn every_verb_may_be_dropped_before_every_poll() {
    drop_all(Form::Plain);
}

#[test]
fn every_bounded_verb_may_be_dropped_before_every_poll() {
    FORMS[1..].iter().for_each(|form| drop_all(*form));
}

/// The initializer of a lazy value stays as its futures come and go: it is called once, and the next
/// future goes on where the one before was dropped.
#[test]
fn a_lazy_value_goes_on_where_it_was_left() {
    for polls in 0..=POLLS {
        for grant in 0..=polls + 1 {
            let (token, calls) = (CancelToken::new(), Cell::new(0));
            let lazy = LazyCell::new(|| {
                calls.set(calls.get() + 1);
                token.cancelled()
            });
            let open = || ignore(token.cancel("now"));
            let mut begun: Begun<'_> = Box::pin(async { ignore(lazy.force_async().await) });
            let mut done = false;
            for number in 0..=polls {
                if number == grant {
                    open();
                }
                if number < polls && !done {
                    done = poll(&mut begun);
                    assert_eq!(done, token.is_cancelled(), "{polls} polls, {grant}");
                }
            }
            ignore(begun);
            assert_eq!(lazy.get().is_some(), done);
            open();
            let mut next: Begun<'_> = Box::pin(async { ignore(lazy.force_async().await) });
            assert!(poll(&mut next), "the next one: {polls} polls, {grant}");
            assert_eq!(calls.get(), 1);
        }
    }
}

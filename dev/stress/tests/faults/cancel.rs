//! Each operation is dropped before its k-th poll, for k up to 8, and granted before any of them or
//! never: the grant is not lost, and is not there twice.

use crate::ignore;
use crate::verbs::{After, FORMS, Form, Verb, each, poll};

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
    assert!(verbs >= 40, "{verbs}");
}

#[test]
fn every_verb_may_be_dropped_before_every_poll() {
    drop_all(Form::Plain);
}

#[test]
fn every_bounded_verb_may_be_dropped_before_every_poll() {
    FORMS[1..].iter().for_each(|form| drop_all(*form));
}

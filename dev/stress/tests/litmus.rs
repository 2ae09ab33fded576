//! Every litmus shape: on hardware so often as `COUNTERPOINT_LITMUS` says (default 20,000), under
//! loom in every schedule; one table for both.
#![cfg(not(counterpoint_shuttle))]

use counterpoint_stress::litmus::shapes::SHAPES;
use counterpoint_stress::litmus::{Class, Counts, Shape, table};
use counterpoint_stress::report;
use std::collections::BTreeSet;

#[test]
fn the_tables_are_well_formed() {
    let mut names = BTreeSet::new();
    for shape in SHAPES {
        assert!(names.insert(shape.name), "{} occurs twice", shape.name);
        for (pattern, _) in shape.table {
            let width = pattern.split_whitespace().count();
            assert_eq!(width, shape.width(), "{}: {pattern}", shape.name);
        }
        let says = |class| shape.table.iter().any(|(_, row)| *row == class);
        assert!(
            says(Class::Forbidden) || says(Class::Interesting),
            "{} shows nothing",
            shape.name
        );
    }
    assert!(SHAPES.len() >= 25);
}

/// Prints the counts, and fails if a forbidden outcome is among them.
fn judge(shape: &Shape, counts: &Counts, engine: &str) {
    let (text, sound) = table(shape, counts);
    print!("{text}");
    assert!(sound, "a forbidden outcome:\n{text}");
    report::tell(shape.name, "litmus", engine, counts.values().sum());
}

/// The interesting outcomes of a shape that came.
fn interesting(shape: &Shape, counts: &Counts) -> u64 {
    let such = |outcome: &&Vec<u32>| shape.class(outcome) == Class::Interesting;
    counts
        .iter()
        .filter(|(outcome, _)| such(outcome))
        .map(|(_, count)| count)
        .sum()
}

#[cfg(not(counterpoint_loom))]
mod hardware {
    use super::{Counts, SHAPES, Shape, interesting, judge, report, table};
    use counterpoint_stress::litmus::hardware::run;

    #[test]
    fn no_shape_shows_what_is_forbidden() {
        let runs = report::number("COUNTERPOINT_LITMUS", 20_000);
        // Dear ones may be asked for less, at night.
        let dear = report::number("COUNTERPOINT_LITMUS_DEAR", runs);
        let mut weak = Vec::new();
        for shape in SHAPES {
            let counts = run(shape, if shape.cost > 1 { dear } else { runs });
            judge(shape, &counts, "hardware");
            if interesting(shape, &counts) > 0 {
                weak.push(shape.name);
            }
        }
        println!(
            "{} shapes; weak outcomes of: {}",
            SHAPES.len(),
            weak.join(", ")
        );
    }

    /// Store buffering without fences, with the table of that with fences: its forbidden outcome
    /// comes, and is told. A harness that does not show it shows nothing; every machine with more
    /// than one processor has it.
    #[test]
    fn a_missing_fence_is_found() {
        if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
            return;
        }
        let named = |name: &str| SHAPES.iter().find(|shape| shape.name == name);
        let (fenced, bare) = (named("SB+fences").unwrap(), named("SB").unwrap());
        let broken = Shape {
            name: "SB+fences, without them",
            threads: bare.threads,
            ..*fenced
        };
        let mut counts = Counts::new();
        for _ in 0..100 {
            for (outcome, count) in run(&broken, 200_000) {
                *counts.entry(outcome).or_default() += count;
            }
            if !table(&broken, &counts).1 {
                return;
            }
        }
        panic!("no store buffering in {counts:?}: the threads do not meet");
    }
}

#[cfg(counterpoint_loom)]
mod loom {
    use super::{Counts, SHAPES, interesting, judge};
    use counterpoint_base::prim::sync::Arc;
    use counterpoint_base::prim::{Check, check, thread};
    use counterpoint_stress::litmus::{Shape, Words};
    use std::sync::Mutex;

    /// Every outcome that loom thinks possible.
    fn explore(shape: &'static Shape) -> Counts {
        let found = std::sync::Arc::new(Mutex::new(Counts::new()));
        let inner = found.clone();
        let how = Check {
            preemptions: (shape.threads.len() > 3).then_some(2),
            ..Check::new(shape.name)
        };
        check(&how, move || {
            let words = Arc::new(Words::new());
            let threads: Vec<_> = shape
                .threads
                .iter()
                .map(|(body, _)| {
                    let words = words.clone();
                    thread::spawn(move || body(&words))
                })
                .collect();
            let seen: Vec<_> = threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect();
            let outcome = shape.outcome(&seen, &words);
            *inner.lock().unwrap().entry(outcome).or_default() += 1;
        });
        let counts = found.lock().unwrap().clone();
        counts
    }

    #[test]
    fn loom_agrees_with_the_tables() {
        let mut weak = Vec::new();
        for shape in SHAPES {
            if let Some(why) = shape.beyond_loom {
                println!("{}: not under loom: {why}", shape.name);
                continue;
            }
            let counts = explore(shape);
            judge(shape, &counts, "loom");
            if interesting(shape, &counts) > 0 {
                weak.push(shape.name);
            }
        }
        println!("weak outcomes of: {}", weak.join(", "));
        // A checker that shows none of these would find no weakened ordering either.
        for name in ["SB", "MP", "MP+rel-none", "IRIW"] {
            assert!(weak.contains(&name), "{name} shows no weak outcome");
        }
    }
}

use super::{Book, Pace, Subject};
use crate::sample::Sample;

#[test]
fn every_scenario_has_a_peer_and_ours_beside_it() {
    let book = Book::whole();
    assert!(!book.scenarios().is_empty());
    for scenario in book.scenarios() {
        let peers = scenario
            .subjects
            .iter()
            .filter(|subject| !subject.is_ours());
        assert!(peers.count() > 0, "{} has no peer", scenario.id);
        let pairs = scenario.pairs();
        for subject in &scenario.subjects {
            let paired = pairs
                .iter()
                .any(|(ours, peer)| ours.name == subject.name || peer.name == subject.name);
            assert!(paired, "{} of {} is in no pair", subject.name, scenario.id);
        }
    }
}

#[test]
fn ids_and_names_are_told_apart() {
    let book = Book::whole();
    for scenario in book.scenarios() {
        assert!(
            scenario.id.split('/').count() >= 2,
            "{} has no room",
            scenario.id
        );
        let mut names: Vec<&str> = scenario
            .subjects
            .iter()
            .map(|subject| subject.name)
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{} has a subject twice", scenario.id);
        assert_eq!(
            scenario.subjects.iter().position(Subject::is_ours),
            Some(0),
            "{}",
            scenario.id
        );
    }
}

#[test]
fn every_bound_names_a_peer_of_its_scenario() {
    for scenario in Book::whole().scenarios() {
        for bound in &scenario.bounds {
            let super::Bound::Ratio { against, .. } = bound else {
                continue;
            };
            for name in *against {
                let known = scenario
                    .subjects
                    .iter()
                    .any(|subject| subject.name.starts_with(name));
                assert!(known, "{}: nobody is called {name}", scenario.id);
            }
        }
    }
}

#[test]
fn forms_of_ours_are_ours() {
    let named = |name| Subject::new(name, || |_| Sample::default()).is_ours();
    assert!(named("counterpoint") && named("counterpoint, in a task"));
    assert!(!named("counterpoint again") && !named("tokio"));
}

/// One short measurement of each, so that nothing is found broken in the middle of a run.
#[test]
fn every_subject_works() {
    for scenario in Book::whole().scenarios() {
        // Its tree of files takes long to write; the gate's run of atlas covers the program.
        if scenario.id.starts_with("atlas/") {
            continue;
        }
        for subject in &scenario.subjects {
            let mut work = (subject.start)();
            let sample = match scenario.pace {
                Pace::Ops(least) => work(least),
                Pace::Window(time) => work(time.as_nanos() as u64),
            };
            assert!(
                sample.ops > 0,
                "{} did nothing in {}",
                subject.name,
                scenario.id
            );
            assert!(
                sample.wall > 0,
                "{} took no time in {}",
                subject.name,
                scenario.id
            );
        }
    }
}

use super::{Row, chosen, failures, gist};
use crate::job::{Options, Place};

fn row(minutes: f64, budget: f64, failure: Option<&str>) -> Row {
    Row {
        name: "fmt",
        minutes,
        budget: Some(budget),
        note: String::new(),
        failure: failure.map(str::to_owned),
    }
}

fn names(options: &Options, wanted: impl Fn(Place) -> bool) -> Vec<&'static str> {
    chosen(options, wanted).iter().map(|job| job.name).collect()
}

#[test]
fn a_failed_job_fails_the_gate() {
    let found = failures(&[row(0.1, 1.0, Some("Bad."))], 0.1, Some(35.0));
    assert_eq!(found, ["  fmt: Bad."]);
}

#[test]
fn a_slow_job_fails_the_gate() {
    let found = failures(&[row(1.5, 1.0, None)], 1.5, Some(35.0));
    assert!(
        found.len() == 1 && found[0].contains("1.5 minutes of 1"),
        "{found:?}"
    );
}

#[test]
fn a_slow_sum_fails_the_gate() {
    let found = failures(&[row(0.5, 1.0, None), row(0.6, 1.0, None)], 1.1, Some(1.0));
    assert!(
        found.len() == 1 && found[0].contains("all together"),
        "{found:?}"
    );
    assert!(failures(&[row(0.5, 1.0, None)], 0.5, Some(1.0)).is_empty());
}

#[test]
fn the_gate_does_not_repeat_its_caller() {
    let gate = |place: Place| place.budget().is_some();
    let all = names(&Options::default(), gate);
    assert!(all.contains(&"tests-debug") && all.contains(&"tests") && !all.contains(&"jitter"));
    let after = names(
        &Options {
            after_cargo_test: true,
            ..Options::default()
        },
        gate,
    );
    assert_eq!(after.len(), all.len() - 1);
    assert!(!after.contains(&"tests-debug"));
    let without = names(
        &Options {
            skip_tests: true,
            ..Options::default()
        },
        gate,
    );
    assert!(
        without.contains(&"fmt") && !without.contains(&"tests") && !without.contains(&"models")
    );
}

#[test]
fn only_chooses_from_all_jobs() {
    let options = Options {
        only: vec!["weaken".into()],
        ..Options::default()
    };
    assert_eq!(names(&options, |_| false), ["weaken"]);
}

#[test]
fn the_night_runs_the_long_jobs() {
    let night = names(&Options::default(), Place::at_night);
    assert_eq!(
        night,
        [
            "tests",
            "models",
            "histories",
            "litmus",
            "weaken",
            "peers",
            "planted",
            "jitter",
            "ledger",
            "sanitize",
            "soak",
            "fuzz",
            "coverage",
            "mutants"
        ]
    );
}

#[test]
fn the_gist_of_a_report_is_its_first_error() {
    assert_eq!(gist("a.rs:1: Bad."), "a.rs:1: Bad.");
    assert_eq!(
        gist("a.rs:1: Bad.\nb.rs:2: Bad."),
        "a.rs:1: Bad. (in 2 lines)"
    );
    assert_eq!(
        gist("`cargo` failed:\n    |  Compiling\n    | error: no\n"),
        "error: no (in 3 lines)"
    );
}

//! Operations of tasks in one thread, in orders that a property test draws and makes small: begun,
//! polled, woken, dropped at any moment. Each history must fit the model.
//!
//! `COUNTERPOINT_CASES` says how many of each (default 500).
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_stress::{Subject, report, tasks};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

fn judge<S: Subject>(subject: S) {
    let cases = report::number("COUNTERPOINT_CASES", 500) as u32;
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&vec(proptest::num::u8::ANY, 0..200), |source| {
        tasks::run(&subject, &source).map_err(|failure| TestCaseError::fail(failure.to_string()))
    });
    if let Err(TestError::Fail(why, source)) = result {
        panic!("{why}\nThe bytes: {source:?}");
    }
    report::tell(S::NAME, "sequences", "tasks", u64::from(cases));
}

macro_rules! sequences {
    ($($name:ident: $subject:expr;)*) => {$(
        #[test]
        fn $name() {
            judge($subject);
        }
    )*};
}

counterpoint_stress::for_each_subject!(sequences);

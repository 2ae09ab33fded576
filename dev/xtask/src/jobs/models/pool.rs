//! Runs tests one by one, as many at a time as there are processors: a file of models with one dear
//! one would else keep a processor idle.

use crate::command::Output;
use crate::test_build::TestBinary;
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A test to run.
pub(super) struct Run<'b> {
    pub(super) binary: &'b TestBinary,
    /// The file of its models, without ending.
    pub(super) file: &'b str,
    pub(super) test: String,
    pub(super) variables: Vec<(&'static str, String)>,
}

/// What became of it.
pub(super) struct Ended<'b> {
    pub(super) file: &'b str,
    pub(super) test: String,
    pub(super) seconds: f64,
    pub(super) output: Result<Output, String>,
}

/// Runs all; in the order in which they ended.
pub(super) fn run_all<'b>(root: &Path, runs: Vec<Run<'b>>, limit: Duration) -> Vec<Ended<'b>> {
    let waiting = Mutex::new(VecDeque::from(runs));
    let ended = Mutex::new(Vec::new());
    let next = || {
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front()
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(run) = next() {
                    let result = run_one(root, run, limit);
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    ended.push(result);
                }
            });
        }
    });
    ended.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn run_one<'b>(root: &Path, run: Run<'b>, limit: Duration) -> Ended<'b> {
    let variables: Vec<(&str, &str)> = run
        .variables
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let started = Instant::now();
    let arguments = ["--exact", &run.test, "--nocapture", "--test-threads=1"];
    let output = run.binary.run(root, &arguments, &variables, limit);
    Ended {
        file: run.file,
        test: run.test,
        seconds: started.elapsed().as_secs_f64(),
        output: output.and_then(Output::checked),
    }
}

/// Prints the seconds of the files that took longest, and of their dearest test.
pub(super) fn print_times(engine: &str, ended: &[Ended<'_>]) {
    let mut files: BTreeMap<&str, (f64, f64, &str)> = BTreeMap::new();
    for run in ended {
        let (all, longest, test) = files.entry(run.file).or_default();
        *all += run.seconds;
        if run.seconds > *longest {
            (*longest, *test) = (run.seconds, &run.test);
        }
    }
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by(|(_, one), (_, other)| other.0.total_cmp(&one.0));
    for (file, (all, longest, test)) in files.iter().take(12) {
        println!("    {all:>6.1} s  {file} under {engine}; {longest:.1} s of them {test}");
    }
}

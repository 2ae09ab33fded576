//! `checked run`: the buffer and the cache that are right, on threads.
//! `checked find`, built for a checker: finds the bugs of the other two.

use checked::buffer::TwoCounts;
use checked::cache::Careful;
use checked::programs::{hands_over, shares};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run"] => run(),
        #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
        ["find"] => finder::find(),
        #[cfg(any(counterpoint_loom, counterpoint_shuttle))]
        ["check", what] => finder::check(what),
        _ => {
            eprintln!(
                "usage: checked run\n       checked find        \
                 (built with RUSTFLAGS=\"--cfg counterpoint_shuttle\" or counterpoint_loom)\n       \
                 checked check WHAT  (the same; buffer, cache, buggy-buffer or buggy-cache)"
            );
            ExitCode::from(2)
        }
    }
}

fn run() -> ExitCode {
    let count = 10_000;
    let sum = hands_over::<TwoCounts>(count);
    println!("buffer: {} numbers, sum {sum}", 2 * count);
    let loads = shares::<Careful>(1_000);
    println!("cache: 3000 questions, {loads} loads");
    ExitCode::from(u8::from(sum != count * (count + 1) || loads != 1_000))
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod finder {
    use checked::buffer::{OneSignal, TwoCounts};
    use checked::cache::{Careful, Careless};
    use checked::programs::checks;
    use std::process::{Command, ExitCode};
    use std::time::{Duration, Instant};

    /// A bug is to be found in this time.
    const SOON: Duration = Duration::from_secs(1);

    /// Checks one program, here.
    pub(crate) fn check(what: &str) -> ExitCode {
        match what {
            "buffer" => checks::buffer::<TwoCounts>(),
            "cache" => checks::cache::<Careful>(),
            "buggy-buffer" => checks::buffer::<OneSignal>(),
            "buggy-cache" => checks::cache::<Careless>(),
            _ => {
                eprintln!("there is no {what} to check");
                return ExitCode::from(2);
            }
        }
        ExitCode::SUCCESS
    }

    /// Checks all four, each in a process of its own: a checker may abort at a bug. The buggy ones
    /// must fail, soon, and again when what they printed is replayed; the others must pass.
    pub(crate) fn find() -> ExitCode {
        let mut right = true;
        for what in ["buffer", "cache"] {
            let (passed, text, took) = child(what, None);
            println!(
                "{what}: {} in {took:.2?}",
                if passed { "passes" } else { "FAILS" }
            );
            if !passed {
                println!("{text}");
            }
            right &= passed;

            let buggy = format!("buggy-{what}");
            let (passed, text, took) = child(&buggy, None);
            let schedule = text
                .split_once("COUNTERPOINT_SCHEDULE=")
                .and_then(|(_, rest)| rest.lines().next());
            let Some(schedule) = schedule.filter(|_| !passed) else {
                println!("{buggy}: NOT FOUND\n{text}");
                right = false;
                continue;
            };
            let (passed, ..) = child(&buggy, Some(schedule));
            println!(
                "{buggy}: found in {took:.2?}; replayed, it {}",
                match passed {
                    true => "PASSES",
                    false => "fails again",
                }
            );
            println!("    COUNTERPOINT_SCHEDULE={schedule}");
            right &= !passed && took <= SOON;
        }
        ExitCode::from(u8::from(!right))
    }

    /// Whether the check passed, what it said, and how long it took.
    fn child(what: &str, schedule: Option<&str>) -> (bool, String, Duration) {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        command.args(["check", what]).env("RUST_BACKTRACE", "0");
        command.envs(schedule.map(|schedule| ("COUNTERPOINT_SCHEDULE", schedule)));
        let started = Instant::now();
        let output = command.output().expect("this program can be started");
        let took = started.elapsed();
        let text =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        (output.status.success(), text.concat(), took)
    }
}

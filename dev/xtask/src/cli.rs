//! The command line.

use crate::job::{self, JOBS, Options};
use lexopt::prelude::{Long, Short, Value, ValueExt};

/// What the caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Print the usage.
    Help,
    /// Print the jobs with their budgets.
    List,
    /// Run every job of the gate.
    Gate(Options),
    /// Run every job of the night.
    Night(Options),
    /// Run one job.
    One(&'static str, Options),
}

/// Reads the arguments; an error is a sentence for the user.
pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Request, String> {
    let mut command: Option<String> = None;
    let mut options = Options::default();
    let mut list = false;
    let mut given: Vec<&str> = Vec::new();
    while let Some(argument) = parser.next().map_err(|error| format!("{error}."))? {
        match argument {
            Long("help") | Short('h') => return Ok(Request::Help),
            Long("verbose") | Short('v') => options.verbose = true,
            Long("list") => {
                list = true;
                given.push("--list");
            }
            Long("skip-tests") => {
                options.skip_tests = true;
                given.push("--skip-tests");
            }
            Long("after-cargo-test") => {
                options.after_cargo_test = true;
                given.push("--after-cargo-test");
            }
            Long("long") => {
                options.long = true;
                given.push("--long");
            }
            Long("changed") => {
                options.changed = true;
                given.push("--changed");
            }
            Long("learn") => {
                options.learn = true;
                given.push("--learn");
            }
            Long("seconds") => {
                let value = parser.value().map_err(|error| format!("{error}."))?;
                let number = value.to_str().and_then(|text| text.parse().ok());
                let number = number.filter(|seconds| *seconds > 0);
                options.seconds = Some(number.ok_or("--seconds wants a number above 0.")?);
                given.push("--seconds");
            }
            Long("shard") => {
                let value = parser.value().map_err(|error| format!("{error}."))?;
                let part = value.to_str().and_then(part);
                options.shard = Some(part.ok_or("--shard wants K/N, with K below N.")?);
                given.push("--shard");
            }
            Long("only") => {
                let value = parser.value().and_then(|value| value.string());
                options
                    .only
                    .push(value.map_err(|error| format!("{error}."))?);
                given.push("--only");
            }
            Value(value) if command.is_none() => {
                command = Some(value.string().map_err(|error| format!("{error}."))?);
            }
            // `sanitize tsan` is short for `sanitize --only tsan`.
            Value(value) if command.as_deref() == Some("sanitize") => {
                let value = value.string().map_err(|error| format!("{error}."))?;
                options.only.push(value);
            }
            other => return Err(format!("{}.", other.unexpected())),
        }
    }
    let Some(command) = command else {
        return Ok(Request::Help);
    };
    check_options(&command, &given)?;
    request(&command, list, options)
}

/// Reads `K/N`.
fn part(text: &str) -> Option<(usize, usize)> {
    let (part, parts) = text.split_once('/')?;
    let (part, parts) = (part.parse().ok()?, parts.parse().ok()?);
    (part < parts).then_some((part, parts))
}

fn request(command: &str, list: bool, options: Options) -> Result<Request, String> {
    match command {
        "help" => Ok(Request::Help),
        "gate" | "night" if list => Ok(Request::List),
        "gate" | "night" => {
            for name in &options.only {
                job::find(name)?;
            }
            let gate = command == "gate";
            Ok(if gate {
                Request::Gate(options)
            } else {
                Request::Night(options)
            })
        }
        name => Ok(Request::One(job::find(name)?.name, options)),
    }
}

/// Refuses an option that the command would ignore.
fn check_options(command: &str, given: &[&str]) -> Result<(), String> {
    let known: &[&str] = match command {
        "gate" => &["--skip-tests", "--after-cargo-test", "--only", "--list"],
        "night" => &["--only", "--list"],
        "models" => &["--long", "--only"],
        "histories" | "litmus" => &["--long"],
        "jitter" => &["--long"],
        "planted" | "peers" | "coverage" => &["--only"],
        "sanitize" => &["--only", "--long"],
        "mutants" => &["--only", "--shard"],
        "soak" => &["--seconds"],
        "fuzz" => &["--only", "--seconds"],
        "weaken" => &["--only", "--changed", "--learn", "--long"],
        _ => &[],
    };
    match given.iter().find(|option| !known.contains(option)) {
        Some(option) => Err(format!("`{command}` does not know {option}.")),
        None => Ok(()),
    }
}

/// The help text.
pub(crate) fn usage() -> String {
    let mut text = "Usage: cargo xtask <command> [--verbose]\n\n\
        gate          every check of a commit, with minutes for each\n    \
        --list              print the jobs and their budgets\n    \
        --only JOB          run this job only (may be repeated)\n    \
        --skip-tests        leave out the jobs that run tests\n    \
        --after-cargo-test  leave out what `cargo test` has just run\n\
        night         everything that takes long; knows --list and --only\n\n\
        One job alone:\n"
        .to_owned();
    for job in JOBS {
        text.push_str(&format!("{:<13} {}\n", job.name, job.about));
    }
    text.push_str(
        "\nmodels knows --long and --only ENGINE or FILE; histories, litmus, jitter and sanitize know --long;\n\
        planted, peers and sanitize know --only NAME; weaken knows --only and --long, and --changed (sites of changed\n\
        files) and --learn (find the models, write the list); fuzz knows --only NAME and\n\
        --seconds N (for each structure); soak knows --seconds N; coverage knows --only CRATE; mutants\n\
        knows --only FILE or FOLDER and --shard K/N (the K-th of N parts, from 0).\n\
        Full output of each job: target/xtask/<job>.log\n",
    );
    text
}

#[cfg(test)]
mod tests;

//! The table of jobs and what each of them is given.

use crate::command::{Command, Echo, Output};
use crate::jobs;
use crate::repo::{Repo, Workspace};
use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;

/// A check with a name.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// One line for the help text.
    pub(crate) about: &'static str,
    /// Where it runs besides alone.
    pub(crate) place: Place,
    /// True if `--skip-tests` leaves it out.
    pub(crate) tests: bool,
    /// Does it; a note for the table, or a report of what is wrong.
    pub(crate) run: fn(&Context) -> Result<String, String>,
}

/// Which list a job belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// The gate, with its budget in minutes.
    Gate(f64),
    /// The gate in a short form with its budget, and the night in full.
    Both(f64),
    /// The night.
    Night,
}

impl Place {
    /// The budget in the gate.
    pub(crate) fn budget(self) -> Option<f64> {
        match self {
            Place::Gate(minutes) | Place::Both(minutes) => Some(minutes),
            Place::Night => None,
        }
    }

    /// True for jobs of the night.
    pub(crate) fn at_night(self) -> bool {
        !matches!(self, Place::Gate(_))
    }
}

const fn job(
    name: &'static str,
    place: Place,
    run: fn(&Context) -> Result<String, String>,
    about: &'static str,
) -> Job {
    Job {
        name,
        about,
        place,
        tests: false,
        run,
    }
}

const fn test_job(
    name: &'static str,
    place: Place,
    run: fn(&Context) -> Result<String, String>,
    about: &'static str,
) -> Job {
    Job {
        name,
        about,
        place,
        tests: true,
        run,
    }
}

/// Every job, in the order of the gate; the jobs of the night follow.
#[rustfmt::skip]
pub(crate) const JOBS: &[Job] = &[
    job("fmt", Place::Gate(1.0), jobs::fmt::run, "formatting"),
    job("clippy", Place::Gate(6.0), jobs::clippy::run, "lints with warnings denied; disallowed names in the rooms"),
    job("layers", Place::Gate(1.0), jobs::layers::run, "which room may depend on which, and what only base may name"),
    job("peers-absent", Place::Gate(1.0), jobs::peers_absent::run, "no library crate depends on a peer"),
    test_job("tests-debug", Place::Gate(8.0), jobs::cargo_test::debug, "`cargo test`"),
    test_job("tests", Place::Both(12.0), jobs::cargo_test::release, "`cargo test --release` of the libraries, and the fallbacks under their cfgs"),
    job("docs", Place::Gate(3.0), jobs::docs::run, "rustdoc with warnings denied"),
    test_job("models", Place::Both(20.0), jobs::models::run, "models under loom and shuttle; each counts its executions"),
    test_job("histories", Place::Both(8.0), jobs::histories::run, "histories of every structure, judged by its model"),
    test_job("litmus", Place::Both(3.0), jobs::litmus::run, "litmus shapes on this machine and under loom, one table for both"),
    test_job("weaken", Place::Night, jobs::weaken::run, "each ordering, weakened, makes the model of dev/model/sites.toml fail"),
    job("faults", Place::Gate(2.0), jobs::faults::run, "whatever of the user's code is called has a test in which it panics"),
    job("features", Place::Gate(4.0), jobs::features::run, "each library crate with no, each and all features"),
    job("nostd", Place::Gate(1.0), jobs::nostd::run, "a program without std links against base and sync and runs"),
    job("disasm", Place::Gate(1.0), jobs::disasm::run, "no locked instruction and no fence where two meet"),
    test_job("empty-tests", Place::Gate(4.0), jobs::empty_tests::run, "no test binary runs zero tests"),
    job("claims", Place::Gate(1.0), jobs::claims::run, "what the documentation promises is shown by a test"),
    job("headers", Place::Gate(1.0), jobs::headers::run, "every cited invariant and edge exists"),
    job("sites", Place::Gate(1.0), jobs::sites::run, "each ordering stands in dev/model/sites.toml"),
    job("sizes", Place::Gate(1.0), jobs::sizes::run, "lengths of files and functions; nothing unfinished or ignored"),
    job("examples", Place::Gate(6.0), jobs::examples::run, "the command lines of examples/*/gate.txt"),
    test_job("arena", Place::Gate(4.0), jobs::arena::run, "the measuring room: its tests, and the shortest run there is"),
    job("words", Place::Gate(1.0), jobs::words::run, "no registry hosts or machine paths in tracked files"),
    test_job("peers", Place::Both(6.0), jobs::peers::run, "published tests of peers, run against counterpoint; fetches them"),
    test_job("planted", Place::Both(12.0), jobs::planted::run, "faults planted from dev/model/planted.toml make their models fail"),
    job("proof", Place::Gate(1.0), jobs::proof::run, "docs/proof.md; alone it writes it from what the jobs have counted"),
    test_job("jitter", Place::Night, jobs::jitter::run, "tests with random pauses at atomic operations"),
    test_job("ledger", Place::Night, jobs::ledger::run, "the tests of the locks with the ledger on: no false alarm"),
    test_job("sanitize", Place::Night, jobs::sanitize::run, "tests under ThreadSanitizer, with std instrumented as well, and AddressSanitizer"),
    test_job("soak", Place::Night, jobs::soak::run, "every structure at work for hours, with the ledger on: nothing breaks or grows"),
    test_job("fuzz", Place::Night, jobs::fuzz::run, "libFuzzer writes operation sequences for every structure"),
    test_job("coverage", Place::Night, jobs::coverage::run, "the tests execute nine lines in ten of each crate, and every unsafe block"),
    test_job("mutants", Place::Night, jobs::mutants::run, "the tests of the core tell nine in ten small changes of its code"),
];

/// The job with this name; the error lists the names there are.
pub(crate) fn find(name: &str) -> Result<&'static Job, String> {
    JOBS.iter().find(|job| job.name == name).ok_or_else(|| {
        let names: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
        format!(
            "There is no job `{name}`. The jobs are: {}.",
            names.join(", ")
        )
    })
}

/// Choices of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Show all output of commands.
    pub(crate) verbose: bool,
    /// Long models.
    pub(crate) long: bool,
    /// The gate's short form of a job.
    pub(crate) short: bool,
    /// In `weaken`: sites of changed files only.
    pub(crate) changed: bool,
    /// In `weaken`: look for the models and write the list.
    pub(crate) learn: bool,
    /// In `fuzz` for so long each, in `soak` in all.
    pub(crate) seconds: Option<u64>,
    /// In `mutants`: this part of so many, from 0.
    pub(crate) shard: Option<(usize, usize)>,
    /// Jobs, or in some of them entries, to run; all if empty.
    pub(crate) only: Vec<String>,
    /// Leave out jobs that run tests.
    pub(crate) skip_tests: bool,
    /// `cargo test` has just passed.
    pub(crate) after_cargo_test: bool,
}

/// What a job is given.
pub(crate) struct Context {
    pub(crate) repo: Repo,
    pub(crate) options: Options,
    workspace: OnceCell<Workspace>,
    /// The job that is running; names its log.
    current: RefCell<&'static str>,
}

impl Context {
    /// Makes one for the workspace found from the current folder.
    pub(crate) fn new(options: Options) -> Result<Context, String> {
        Ok(Context {
            repo: Repo::find()?,
            options,
            workspace: OnceCell::new(),
            current: RefCell::new("xtask"),
        })
    }

    /// The members of the workspace, asked for once.
    pub(crate) fn workspace(&self) -> Result<&Workspace, String> {
        if let Some(workspace) = self.workspace.get() {
            return Ok(workspace);
        }
        let workspace = self.repo.workspace()?;
        Ok(self.workspace.get_or_init(|| workspace))
    }

    /// Names the running job and empties its log.
    pub(crate) fn enter(&self, job: &'static str) -> Result<(), String> {
        *self.current.borrow_mut() = job;
        let _ = std::fs::remove_file(self.log_file()?);
        Ok(())
    }

    /// The log of the running job.
    pub(crate) fn log_file(&self) -> Result<PathBuf, String> {
        Ok(self
            .workspace()?
            .target
            .join("xtask")
            .join(format!("{}.log", self.current.borrow())))
    }

    /// `cargo` at the workspace root, logged.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<Command, String> {
        self.logged(Command::cargo(arguments))
    }

    /// A command at the workspace root, logged.
    pub(crate) fn logged(&self, command: Command) -> Result<Command, String> {
        let echo = if self.options.verbose {
            Echo::Everything
        } else {
            Echo::Problems
        };
        Ok(command
            .directory(self.repo.root())
            .log(&self.log_file()?, echo))
    }

    /// Runs `cargo` at the workspace root; an error if it fails.
    pub(crate) fn run_cargo(&self, arguments: &[&str]) -> Result<Output, String> {
        self.cargo(arguments)?.run()?.checked()
    }
}

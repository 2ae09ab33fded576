//! `mutants`: what the tests of the core do not tell.
//!
//! `cargo-mutants` changes one expression or body after the other in a copy of the tree; the tests
//! of the crate must fail. It is installed into `target/tools` if it is not there. The files are
//! taken by subject, `latch` for `src/latch/` and `src/latch.rs`: first with the crate's own unit
//! tests and the files of `tests/` whose name begins with the subject, which are quick to build;
//! what survives these meets all tests of the crate. A test that does not end is one that fails.
//!
//! Of the mutants that compile, nine in ten must be caught. `dev/xtask/mutants.toml` has what is
//! not mutated, for no test can or should tell, and survivors that are as good as the code:
//!
//! ```toml
//! [exclude]
//! 'impl (\w+::)?Debug for' = "for people to read"              # a pattern of cargo-mutants
//!
//! [survivors]
//! "crates/sync/src/latch/mod.rs: replace Latch::f -> bool with true" = "why nobody can tell"
//! ```
//!
//! `--only FILE` takes one file, or all below a folder; `--shard K/N` the K-th of N parts of the
//! subjects, from 0. The survivors are left in `target/xtask/mutants/survivors.txt`.

mod list;
mod subjects;

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::report::{Finding, table, verdict};
use list::{List, Outcomes, unplaced};
use std::fs;
use std::path::{Path, PathBuf};
use subjects::{Subject, subjects};

/// Where the reasons are.
const LIST: &str = "dev/xtask/mutants.toml";

/// The crates whose code is changed, by folder.
const CORE: &[&str] = &[
    "crates/base",
    "crates/lockfree",
    "crates/wait",
    "crates/sync",
];

/// The program and its version.
const TOOL: &str = "cargo-mutants";
const VERSION: &str = "27.1.0";

/// So many of a hundred mutants must be caught.
const FLOOR: usize = 90;

/// Seconds that tests have at least, and how many times as long as without a mutant.
const PATIENCE: &str = "60";
const TIMES: &str = "4";

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let text = context.repo.text(LIST);
    let list = List::parse(&text.ok_or_else(|| format!("{LIST} is not there."))?)?;
    let chosen = chosen(context)?;
    let tool = installed(context)?;
    let folder = context.workspace()?.target.join("xtask").join("mutants");
    let mut all = Outcomes::default();
    let mut rows = Vec::new();
    for subject in &chosen {
        let outcomes = subject_outcomes(context, &tool, &folder, &list, subject)?;
        let row = outcomes.row(&list);
        println!("    {}: {}", subject.title(), row.join(", "));
        rows.push([vec![subject.title()], row].concat());
        all.extend(outcomes);
    }
    println!(
        "{}",
        table(&["subject", "caught", "of", "excused", "unviable"], &rows)
    );
    let survivors: String = all.missed.iter().map(|name| format!("{name}\n")).collect();
    let path = folder.join("survivors.txt");
    fs::write(&path, survivors)
        .map_err(|error| format!("{} cannot be written: {error}.", path.display()))?;
    let files: Vec<&str> = chosen.iter().flat_map(Subject::files).collect();
    let findings = judge(&all, &list, &files);
    let (caught, viable) = (all.caught.len(), all.judged(&list));
    verdict(&findings, format!("{caught} of {viable} mutants caught"))
}

/// The subjects that the options choose.
fn chosen(context: &Context) -> Result<Vec<Subject>, String> {
    let packages = context.workspace()?.rooms();
    let packages = packages.filter(|room| CORE.contains(&room.folder.as_str()));
    let files = context.repo.files()?;
    let mut found: Vec<Subject> = packages
        .flat_map(|room| subjects(&room.name, &room.folder, &files))
        .collect();
    for name in &context.options.only {
        let below = format!("{}/", name.trim_end_matches('/'));
        let mut files = found.iter().flat_map(Subject::files);
        if !files.any(|file| file == name || file.starts_with(&below)) {
            return Err(format!(
                "{name} is no source file or folder of {}.",
                CORE.join(", ")
            ));
        }
    }
    for subject in &mut found {
        subject.narrow(&context.options.only);
    }
    found.retain(|subject| !subject.files.is_empty());
    if let Some((part, parts)) = context.options.shard {
        let mut at = 0..;
        found.retain(|_| at.next().is_some_and(|at: usize| at % parts == part));
    }
    Ok(found)
}

/// The program, installed if it is not there.
fn installed(context: &Context) -> Result<PathBuf, String> {
    let root = context.workspace()?.target.join("tools");
    let program = root.join("bin").join(TOOL);
    let asked = Command::program(&program).arguments(&["mutants", "--version"]);
    if asked
        .capture()
        .is_ok_and(|output| output.text.contains(VERSION))
    {
        return Ok(program);
    }
    let root = root.display().to_string();
    context.run_cargo(&[
        "install",
        TOOL,
        "--version",
        VERSION,
        "--locked",
        "--force",
        "--root",
        &root,
    ])?;
    Ok(program)
}

/// What the tests say of a subject: those made for it first, and of what survives, all.
fn subject_outcomes(
    context: &Context,
    tool: &Path,
    folder: &Path,
    list: &List,
    subject: &Subject,
) -> Result<Outcomes, String> {
    let run = |tests: &[String], only: &[String]| {
        mutate(context, tool, folder, list, (subject, tests, only))
    };
    let everything = ["--tests".to_owned()];
    if subject.tests.is_empty() {
        return run(&everything, &[]);
    }
    let mut outcomes = run(&subject.tests, &[])?;
    if !outcomes.missed.is_empty() {
        let survivors = std::mem::take(&mut outcomes.missed);
        outcomes.extend(run(&everything, &survivors)?);
    }
    Ok(outcomes)
}

/// One run of the program, over the whole of a subject or `only` these of its mutants.
fn mutate(
    context: &Context,
    tool: &Path,
    folder: &Path,
    list: &List,
    (subject, tests, only): (&Subject, &[String], &[String]),
) -> Result<Outcomes, String> {
    let failed = |path: &Path, error| format!("{} cannot be made: {error}.", path.display());
    let ground = context.workspace()?.target.join("mutants");
    for folder in [folder, &ground] {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    let _ = fs::remove_dir_all(folder.join("mutants.out"));
    let mut arguments = ["mutants", "--no-config", "--all-features"]
        .map(str::to_owned)
        .to_vec();
    let mut option = |name: &str, value: &str| arguments.push(format!("{name}={value}"));
    option("--dir", &context.repo.root().display().to_string());
    option("--package", &subject.package);
    option("--output", &folder.display().to_string());
    // Git does not know Cargo.lock, but the copy must build with the same versions.
    option("--gitignore", "false");
    option("--cap-lints", "true");
    option("--colors", "never");
    option("--minimum-test-timeout", PATIENCE);
    option("--timeout-multiplier", TIMES);
    for file in &subject.files {
        option("--file", file);
    }
    for pattern in list.exclude.keys() {
        option("--exclude-re", pattern);
    }
    for name in only {
        option("--re", &list::pattern(name));
    }
    for test in tests {
        option("--cargo-arg", test);
    }
    let command = Command::program(tool)
        .arguments(&arguments)
        .variable("TMPDIR", &ground.display().to_string())
        // A mutant changes one file: what else there is need not be compiled again.
        .variable("CARGO_INCREMENTAL", "1")
        .variable("CARGO_PROFILE_TEST_DEBUG", "0");
    let output = context.logged(command)?.run()?;
    match output.ending {
        // All caught; some not; some did not end.
        Ending::Success | Ending::Failure(Some(2 | 3)) => {}
        _ => drop(output.checked()?),
    }
    Ok(Outcomes::read(&folder.join("mutants.out")))
}

/// What is wrong.
fn judge(all: &Outcomes, list: &List, files: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, reason) in &list.survivors {
        let file = name.split(':').next().unwrap_or_default();
        let survives = all.missed.iter().any(|missed| unplaced(missed) == *name);
        if files.contains(&file) && !survives {
            let message = format!("\"{name}\" ({reason}) survives no longer: take it out.");
            findings.push(Finding::new(LIST, 0, message));
        }
    }
    let (caught, viable) = (all.caught.len(), all.judged(list));
    if caught * 100 < viable * FLOOR {
        let left: Vec<&String> = all.left(list).collect();
        let message = format!(
            "{caught} of {viable} are caught; {FLOOR} % must be. These survive: write tests that \
             tell them, or give them a reason in {LIST}."
        );
        findings.push(Finding::new("mutants", 0, message));
        for name in left {
            findings.push(Finding::new("  survives", 0, name.as_str()));
        }
    }
    findings
}

#[cfg(test)]
mod tests;

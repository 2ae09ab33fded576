//! `fuzz`: libFuzzer writes operation sequences for every structure, led by the branches that they
//! take, under AddressSanitizer; their models judge them. On the stable toolchain.
//!
//! What was found worth keeping stays in `target/fuzz/corpus`, so that each run goes on where the
//! last one ended. A planted fault must be found first.

use crate::command::{Command, Ending, Output};
use crate::job::Context;
use crate::report::table;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The only machines that the prebuilt runtime serves.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// What libFuzzer needs of the compiler, and the sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Zsanitizer=address -Cunsafe-allow-abi-mismatch=sanitizer -Ccodegen-units=1";

/// Where the structures are listed.
const SUBJECTS: &str = "dev/stress/src/subjects.rs";

/// The faulty body, and for how many seconds it is looked for.
const PLANTED: &str = "planted";
const PATIENCE: u64 = 60;

/// Seconds for each structure, unless the caller says: alone, and for all together at night.
const SECONDS: u64 = 60;
const NIGHT: u64 = 8 * 60 * 60;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(format!("skipped: it needs {MACHINE}"));
    }
    let text = context.repo.text(SUBJECTS).unwrap_or_default();
    let all = names(&text);
    if all.is_empty() {
        return Err(format!("{SUBJECTS} lists no structures."));
    }
    let only = &context.options.only;
    if let Some(name) = only.iter().find(|name| !all.contains(name)) {
        return Err(format!(
            "There is no structure `{name}`. There are: {}.",
            all.join(", ")
        ));
    }
    let fuzzer = Fuzzer::build(context)?;
    fuzzer.finds_the_planted_fault(context)?;
    let usual = match context.options.long {
        true => SECONDS.max(NIGHT / all.len() as u64),
        false => SECONDS,
    };
    let seconds = context.options.seconds.unwrap_or(usual);
    let chosen = all
        .iter()
        .filter(|name| only.is_empty() || only.contains(name));
    let (mut rows, mut problems, mut sum) = (Vec::new(), Vec::new(), 0);
    for name in chosen {
        let output = fuzzer.run(context, name, seconds)?;
        let runs = runs(&output.text).unwrap_or(0);
        sum += runs;
        rows.push(vec![name.clone(), runs.to_string()]);
        if let Some(problem) = problem(name, output.ending == Ending::Success, &output.text) {
            problems.push(problem);
        }
    }
    println!("{}", table(&["structure", "inputs"], &rows));
    match problems.is_empty() {
        true => Ok(format!("{} structures, {sum} inputs", rows.len())),
        false => Err(problems.join("\n")),
    }
}

/// What is wrong with a run.
fn problem(name: &str, passed: bool, text: &str) -> Option<String> {
    if passed {
        return match runs(text) {
            Some(1..) => None,
            _ => Some(format!("{name} ran no inputs, so nothing was shown.")),
        };
    }
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|line| line.contains("panicked at"));
    let from = from.unwrap_or(lines.len().saturating_sub(40));
    let upto = lines.len().min(from + 60);
    Some(format!(
        "{name} failed; the input is in target/fuzz/found, and is run again by `COUNTERPOINT_FUZZ=\
         {name} target/fuzz/{MACHINE}/release/counterpoint-fuzz FILE`.\n{}",
        lines[from..upto].join("\n")
    ))
}

/// The structures: `name: subject;` in the macro that lists them.
fn names(text: &str) -> Vec<String> {
    let list = text
        .split_once("macro_rules! for_each_subject")
        .unwrap_or_default();
    let named = list.1.lines().filter_map(|line| {
        let (name, subject) = line.trim().split_once(": $crate::")?;
        subject.ends_with(';').then(|| name.to_owned())
    });
    named.collect()
}

/// How many inputs a run says it has tried.
fn runs(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.starts_with("Done "))?;
    line.split(' ').nth(1)?.parse().ok()
}

/// The built program.
struct Fuzzer {
    program: PathBuf,
    folder: PathBuf,
}

impl Fuzzer {
    fn build(context: &Context) -> Result<Fuzzer, String> {
        let folder = context.workspace()?.target.join("fuzz");
        let target = folder.display().to_string();
        let manifest = ["--manifest-path", "dev/fuzz/Cargo.toml", "--release"];
        context
            .cargo(&["build"])?
            .arguments(&manifest)
            .arguments(&["--target", MACHINE, "--target-dir", &target])
            .rustflags(FLAGS)
            .variable("RUSTC_BOOTSTRAP", "1")
            .run()?
            .checked()?;
        let program = folder
            .join(MACHINE)
            .join("release")
            .join("counterpoint-fuzz");
        Ok(Fuzzer { program, folder })
    }

    fn run(&self, context: &Context, name: &str, seconds: u64) -> Result<Output, String> {
        let corpus = make(&self.folder.join("corpus").join(name))?;
        let found = make(&self.folder.join("found"))?;
        let run = Command::program(&self.program)
            .arguments(&[
                corpus,
                format!("-max_total_time={seconds}"),
                format!("-artifact_prefix={found}/{name}-"),
                "-max_len=256".to_owned(),
                "-timeout=30".to_owned(),
                "-print_final_stats=1".to_owned(),
            ])
            .variable("COUNTERPOINT_FUZZ", name)
            .limit(Duration::from_secs(seconds + 120));
        context.logged(run)?.run()
    }

    /// Sees it find a fault: the coverage must lead there.
    fn finds_the_planted_fault(&self, context: &Context) -> Result<(), String> {
        // What an earlier run has learned would make it easy.
        let _ = fs::remove_dir_all(self.folder.join("corpus").join(PLANTED));
        let output = self.run(context, PLANTED, PATIENCE)?;
        match output.text.contains("the planted fault") && output.ending != Ending::Success {
            true => Ok(()),
            false => Err("The planted fault is not found, so nothing else would be.".to_owned()),
        }
    }
}

fn make(folder: &Path) -> Result<String, String> {
    fs::create_dir_all(folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
    Ok(folder.display().to_string())
}

#[cfg(test)]
mod tests;

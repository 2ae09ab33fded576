//! `examples`: every example program does something useful in a short form.
//!
//! `examples/<name>/gate.txt` holds one line of arguments for each run, from the workspace root;
//! `#` begins a comment. Each run must end with exit code 0. A line that begins with a cfg in
//! brackets, as `[counterpoint_loom] find`, runs the program built with this cfg, in the target
//! folder that the models use too; `[+ledger]` runs it built with this feature.

use crate::command::Command;
use crate::job::Context;
use crate::repo::Package;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::time::Duration;

/// An example that takes longer than this in its short form hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let workspace = context.workspace()?;
    let mut problems = Vec::new();
    let mut count = 0;
    // All at once, with the features that the tests were built with: nearly all is there already.
    context.run_cargo(&["build", "--release", "--bins"])?;
    for package in workspace
        .packages
        .iter()
        .filter(|p| p.folder.starts_with("examples/"))
    {
        match run_example(context, package) {
            Ok(runs) => count += runs,
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(format!("{count} runs"))
    } else {
        Err(problems.join("\n"))
    }
}

fn run_example(context: &Context, package: &Package) -> Result<usize, String> {
    let workspace = context.workspace()?;
    let path = format!("{}/gate.txt", package.folder);
    let Some(text) = context.repo.text(&path) else {
        return Err(format!(
            "{path} is missing. Write a line of arguments for each short run of the example."
        ));
    };
    let lines = command_lines(&text);
    if lines.is_empty() {
        return Err(format!("{path} holds no line of arguments."));
    }
    let [binary] = package.binaries.as_slice() else {
        return Err(format!(
            "{} should build exactly one program.",
            package.folder
        ));
    };
    let mut built: BTreeMap<Option<&str>, PathBuf> = BTreeMap::new();
    for line in &lines {
        let (cfg, arguments) = chosen_cfg(line);
        let program = match built.entry(cfg) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(match cfg {
                None => workspace.target.join("release").join(binary),
                Some(cfg) => build(context, &package.name, binary, cfg)?,
            }),
        };
        let command = Command::program(program).arguments(arguments);
        context.logged(command.limit(LIMIT))?.run()?.checked()?;
    }
    Ok(lines.len())
}

/// Builds the program with the cfg, or the feature; returns where it is.
fn build(context: &Context, package: &str, binary: &str, cfg: &str) -> Result<PathBuf, String> {
    let mut command = context.cargo(&["build", "--release", "--package", package])?;
    let mut target = context.workspace()?.target.clone();
    if let Some(feature) = cfg.strip_prefix('+') {
        command = command.arguments(&["--features", feature]);
    } else {
        target.push(cfg.strip_prefix("counterpoint_").unwrap_or(cfg));
        command = command.rustflags(&format!("--cfg {cfg}"));
    }
    let folder = ["--target-dir".to_owned(), target.display().to_string()];
    command.arguments(&folder).run()?.checked()?;
    Ok(target.join("release").join(binary))
}

/// The cfg or the feature that a line begins with, and its arguments.
fn chosen_cfg(line: &[String]) -> (Option<&str>, &[String]) {
    let cfg = line
        .first()
        .and_then(|word| word.strip_prefix('[')?.strip_suffix(']'));
    (cfg, if cfg.is_some() { &line[1..] } else { line })
}

/// The lines of arguments in a `gate.txt`, split at spaces outside of double quotes.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(split)
        .collect()
}

fn split(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quoted, mut open) = (false, false);
    for c in line.chars() {
        if c == '"' {
            quoted = !quoted;
            if !open {
                words.push(String::new());
            }
            open = true;
        } else if c.is_whitespace() && !quoted {
            open = false;
        } else {
            if !open {
                words.push(String::new());
            }
            open = true;
            if let Some(word) = words.last_mut() {
                word.push(c);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests;

//! Builds test binaries, says which there are, and reads what a test run prints.

use crate::command::{Command, Output};
use crate::job::Context;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to build.
#[derive(Clone, Debug)]
pub(crate) struct TestBuild {
    /// The workspace to build; usually the repository itself.
    pub(crate) root: PathBuf,
    /// Packages; the default members if empty.
    pub(crate) packages: Vec<String>,
    pub(crate) release: bool,
    /// Added to `RUSTFLAGS`.
    pub(crate) flags: String,
    /// Instead of the usual target folder.
    pub(crate) target: Option<PathBuf>,
}

/// Which engine runs the bodies of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Engine {
    Loom,
    Shuttle,
    /// Plain threads.
    Threads,
    /// Plain threads under ThreadSanitizer; see the job `sanitize`.
    Tsan,
    /// Plain threads with pauses under AddressSanitizer and LeakSanitizer.
    Asan,
    /// Histories in schedules of shuttle, judged by sequential models.
    Histories,
    /// Litmus tests on this machine.
    Litmus,
}

impl Engine {
    const ALL: [Engine; 7] = [
        Engine::Loom,
        Engine::Shuttle,
        Engine::Threads,
        Engine::Tsan,
        Engine::Asan,
        Engine::Histories,
        Engine::Litmus,
    ];

    /// The engine with this name.
    pub(crate) fn named(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|e| e.name() == name)
    }

    /// Its name in files and folders.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Loom => "loom",
            Engine::Shuttle => "shuttle",
            Engine::Threads => "threads",
            Engine::Tsan => "tsan",
            Engine::Asan => "asan",
            Engine::Histories => "histories",
            Engine::Litmus => "litmus",
        }
    }

    /// True for those that the job `sanitize` runs.
    pub(crate) fn is_sanitizer(self) -> bool {
        matches!(self, Engine::Tsan | Engine::Asan)
    }

    /// The package whose tests it runs.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Engine::Histories => "counterpoint-stress",
            Engine::Litmus => "counterpoint-base",
            _ => MODEL_PACKAGE,
        }
    }

    /// The compiler flags that choose it.
    pub(crate) fn flags(self) -> &'static str {
        match self {
            Engine::Loom => "--cfg counterpoint_loom",
            Engine::Shuttle | Engine::Histories => "--cfg counterpoint_shuttle",
            Engine::Threads | Engine::Litmus | Engine::Tsan | Engine::Asan => "",
        }
    }
}

/// The package whose tests are models.
pub(crate) const MODEL_PACKAGE: &str = "counterpoint-model";

/// For tests that are to fail: what they panic with is of no interest, and looking it up is slow.
pub(crate) const NO_TRACE: &[(&str, &str)] = &[("RUST_BACKTRACE", "0")];

/// A built test binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TestBinary {
    pub(crate) executable: PathBuf,
    /// Its root source file, absolute.
    pub(crate) source: PathBuf,
    /// `lib`, `bin`, `test` …
    pub(crate) kind: String,
}

impl TestBuild {
    /// The models of the repository under an engine, in the folder that `models` uses too.
    pub(crate) fn models(context: &Context, engine: Engine) -> Result<TestBuild, String> {
        Ok(TestBuild {
            root: context.repo.root().to_owned(),
            packages: vec![MODEL_PACKAGE.to_owned()],
            release: true,
            flags: engine.flags().to_owned(),
            target: Some(context.workspace()?.target.join(engine.name())),
        })
    }

    /// The arguments of `cargo test` for this build.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["test".to_owned()];
        for package in &self.packages {
            arguments.extend(["--package".to_owned(), package.clone()]);
        }
        if self.release {
            arguments.push("--release".to_owned());
        }
        if let Some(target) = &self.target {
            arguments.extend(["--target-dir".to_owned(), target.display().to_string()]);
        }
        arguments
    }

    /// `cargo test` for this build, logged, with more arguments.
    pub(crate) fn command(&self, context: &Context, more: &[&str]) -> Result<Command, String> {
        let command = context
            .cargo(&[])?
            .arguments(&self.arguments())
            .arguments(more);
        let command = command.directory(&self.root);
        Ok(if self.flags.is_empty() {
            command
        } else {
            command.rustflags(&self.flags)
        })
    }

    /// Builds; an error is what the compiler said.
    pub(crate) fn build(&self, context: &Context) -> Result<Vec<TestBinary>, String> {
        self.build_some(context, &["--tests"])
    }

    /// Builds the targets that these arguments of `cargo test` choose.
    pub(crate) fn build_some(
        &self,
        context: &Context,
        targets: &[&str],
    ) -> Result<Vec<TestBinary>, String> {
        let how = ["--no-run", "--message-format=json-render-diagnostics"];
        let more = [targets, &how].concat();
        let mut output = self.command(context, &more)?.capture()?;
        let messages = std::mem::take(&mut output.text);
        output.checked()?;
        Ok(messages.lines().filter_map(parse_artifact).collect())
    }
}

/// Reads a message of the build about a finished test binary.
fn parse_artifact(line: &str) -> Option<TestBinary> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_test = message["profile"]["test"].as_bool() == Some(true);
    let executable = message["executable"].as_str().filter(|_| is_test)?;
    Some(TestBinary {
        executable: PathBuf::from(executable),
        source: PathBuf::from(message["target"]["src_path"].as_str()?),
        kind: message["target"]["kind"][0].as_str()?.to_owned(),
    })
}

impl TestBinary {
    /// Runs it directly, with a time limit.
    pub(crate) fn run(
        &self,
        root: &Path,
        arguments: &[&str],
        variables: &[(&str, &str)],
        limit: Duration,
    ) -> Result<Output, String> {
        let folder = self.package_folder().unwrap_or(root);
        let mut command = Command::program(&self.executable).arguments(arguments);
        for (key, value) in variables {
            command = command.variable(key, value);
        }
        command.directory(folder).limit(limit).run()
    }

    /// The names of its tests that match `filters`.
    pub(crate) fn list(&self, root: &Path, filters: &[&str]) -> Result<Vec<String>, String> {
        let arguments = [filters, &["--list"]].concat();
        let output = self.run(root, &arguments, &[], Duration::from_secs(60))?;
        let names = output
            .text
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        Ok(names.map(str::to_owned).collect())
    }

    /// Where `cargo test` would run it.
    fn package_folder(&self) -> Option<&Path> {
        self.source
            .ancestors()
            .skip(1)
            .find(|folder| folder.join("Cargo.toml").is_file())
    }
}

/// What one test binary reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ran {
    /// As `cargo test` prints it; none for doc tests.
    pub(crate) executable: Option<String>,
    /// Tests that passed or failed.
    pub(crate) tests: usize,
}

/// Reads the output of `cargo test`, one entry for each `test result:`.
pub(crate) fn parse_runs(text: &str) -> Vec<Ran> {
    let mut runs = Vec::new();
    let mut executable = None;
    for line in text.lines() {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("Running ") {
            let open = rest.rfind('(').filter(|_| rest.ends_with(')'));
            executable = open.map(|open| rest[open + 1..rest.len() - 1].to_owned());
        } else if line.starts_with("Doc-tests ") {
            executable = None;
        } else if let Some(at) = line.find("test result: ") {
            let count = |word: &str| -> usize {
                let before = line[at..].split(word).next().unwrap_or_default();
                let number = before.trim_end().rsplit([' ', ';', '.']).next();
                number.and_then(|number| number.parse().ok()).unwrap_or(0)
            };
            let tests = count(" passed") + count(" failed");
            runs.push(Ran {
                executable: executable.clone(),
                tests,
            });
        }
    }
    runs
}

#[cfg(test)]
mod tests;

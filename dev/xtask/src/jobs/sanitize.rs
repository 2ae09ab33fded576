//! `asan` and `tsan`: the tests of the lower rooms under a sanitizer, on the stable toolchain.
//!
//! The standard library comes prebuilt and not instrumented, so ThreadSanitizer needs a few
//! suppressions; `dev/xtask/tsan.supp` says which. A faulty program from `dev/xtask/probes` must
//! be reported first: a sanitizer that finds nothing there finds nothing anywhere.

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::jobs::jitter::PACKAGES;
use crate::test_build::{TestBuild, parse_runs};
use std::path::Path;
use std::time::Duration;

/// The only machines that the prebuilt runtimes serve.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// Lets code with a sanitizer use the standard library without one.
const MIXED: &str = "-Cunsafe-allow-abi-mismatch=sanitizer";

/// A sanitizer.
struct Sanitizer {
    /// Its folder below the target folder.
    folder: &'static str,
    flags: &'static str,
    /// The faulty program.
    probe: &'static str,
    /// What its report on the faulty program says.
    report: &'static str,
    options: Option<(&'static str, String)>,
}

/// Memory errors and leaks.
pub(crate) fn address(context: &Context) -> Result<String, String> {
    let sanitizer = Sanitizer {
        folder: "asan",
        flags: "-Zsanitizer=address",
        probe: "use_after_free",
        report: "heap-use-after-free",
        options: None,
    };
    sanitizer.run(context)
}

/// Data races.
pub(crate) fn thread(context: &Context) -> Result<String, String> {
    let suppressions = context.repo.path("dev/xtask/tsan.supp");
    let sanitizer = Sanitizer {
        folder: "tsan",
        flags: "-Zsanitizer=thread --cfg tsan",
        probe: "race",
        report: "data race",
        options: Some((
            "TSAN_OPTIONS",
            format!("suppressions={}", suppressions.display()),
        )),
    };
    sanitizer.run(context)
}

impl Sanitizer {
    fn run(&self, context: &Context) -> Result<String, String> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Ok(format!("skipped: it needs {MACHINE}"));
        }
        self.probe(context)?;
        let build = TestBuild {
            root: context.repo.root().to_owned(),
            packages: PACKAGES.iter().map(|name| (*name).to_owned()).collect(),
            release: false,
            flags: format!("{} {MIXED}", self.flags),
            target: Some(context.workspace()?.target.join(self.folder)),
        };
        let arguments = ["--tests", "--no-fail-fast", "--target", MACHINE];
        let command = self.options(build.command(context, &arguments)?);
        let output = command.variable("RUSTC_BOOTSTRAP", "1").run()?.checked()?;
        Ok(format!("{} tests", total(&parse_runs(&output.text))?))
    }

    fn options(&self, command: Command) -> Command {
        match &self.options {
            Some((key, value)) => command.variable(key, value),
            None => command,
        }
    }

    /// Sees the sanitizer report the faulty program.
    fn probe(&self, context: &Context) -> Result<(), String> {
        let folder = context.workspace()?.target.join(self.folder);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
        let program = folder.join(self.probe).display().to_string();
        let source = format!("dev/xtask/probes/{}.rs", self.probe);
        let flags: Vec<&str> = self.flags.split(' ').collect();
        let build = Command::program(Path::new("rustc"))
            .arguments(&[
                "--edition",
                "2024",
                "-O",
                "-g",
                MIXED,
                "-o",
                &program,
                &source,
            ])
            .arguments(&flags)
            .variable("RUSTC_BOOTSTRAP", "1");
        context.logged(build)?.run()?.checked()?;
        let run = Command::program(Path::new(&program)).limit(Duration::from_secs(60));
        let output = self.options(context.logged(run)?).run()?;
        if output.ending == Ending::Success || !output.text.contains(self.report) {
            return Err(format!(
                "{} is not reported, so nothing else would be. Narrow the suppressions, and see \
                 whether the sanitizer's runtime is installed.",
                source
            ));
        }
        Ok(())
    }
}

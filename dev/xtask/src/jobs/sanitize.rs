//! `sanitize`: the tests under sanitizers, on the stable toolchain.
//!
//! | name | what | the standard library |
//! |---|---|---|
//! | `tsan-full` | ThreadSanitizer over everything with random pauses at atomics, no suppressions | built for it, instrumented |
//! | `tsan` | ThreadSanitizer over the rooms that do not use std's locks | as it comes; three suppressions in dev/xtask/tsan.supp |
//! | `asan` | AddressSanitizer and LeakSanitizer with random pauses at atomics, no suppressions | as it comes |
//!
//! `tsan-full` needs a second rustc that has the sources of its std; [`Instrumented`] looks for it.
//!
//! Each works on a copy of the tree. A sanitizer that finds nothing where there is something finds
//! nothing anywhere: the faults of `dev/model/planted.toml` that name it are put into the copy, one
//! after the other, and must be reported.
//!
//! In the long run `tsan-full` goes over everything fifty times, and over the models of
//! `dev/model/sites.toml` with their orderings weakened; and everything soaks for half an hour
//! under `asan`.
//!
//! `--only` chooses sanitizers. With the names of faults beside it runs these alone, and no tests.

mod toolchain;

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::jobs::histories::STRESS_PACKAGE;
use crate::jobs::jitter::PACKAGES;
use crate::jobs::planted::tree::Tree;
use crate::jobs::planted::{self, Plant};
use crate::jobs::proof::Proof;
use crate::jobs::sites::List;
use crate::jobs::weaken;
use crate::primitives::primitives;
use crate::test_build::{Engine, MODEL_PACKAGE, parse_runs};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toolchain::Instrumented;

/// The only machines that the prebuilt runtimes serve.
pub(super) const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// Lets code with a sanitizer use the standard library without one.
const MIXED: &str = "-Cunsafe-allow-abi-mismatch=sanitizer";

/// Packages beside the lower rooms that run where std is instrumented, or need not be.
const MORE: &[&str] = &[
    "counterpoint-compat",
    "counterpoint",
    MODEL_PACKAGE,
    STRESS_PACKAGE,
];

/// A model whose ordering was weakened may hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sanitizer.
struct Sanitizer {
    name: &'static str,
    flags: &'static str,
    /// What planted faults call it.
    engine: Engine,
    /// The faulty program, built without cargo.
    probe: Option<&'static str>,
    /// How its reports begin.
    reports: &'static [&'static str],
    more: &'static [&'static str],
    /// The file of suppressions.
    suppressions: Option<&'static str>,
    /// With an instrumented std.
    full: bool,
    /// How often it goes over everything in the long run, and for how many seconds everything soaks.
    rounds: u32,
    soak: u64,
}

const SANITIZERS: [Sanitizer; 3] = [
    Sanitizer {
        name: "tsan-full",
        flags: "-Zsanitizer=thread --cfg tsan --cfg counterpoint_jitter",
        engine: Engine::Tsan,
        probe: None,
        reports: &["WARNING: ThreadSanitizer:"],
        more: MORE,
        suppressions: None,
        full: true,
        rounds: 50,
        soak: 2,
    },
    Sanitizer {
        name: "tsan",
        flags: "-Zsanitizer=thread --cfg tsan",
        engine: Engine::Tsan,
        probe: Some("race"),
        reports: &["WARNING: ThreadSanitizer:"],
        more: &[],
        suppressions: Some("dev/xtask/tsan.supp"),
        full: false,
        rounds: 1,
        soak: 2,
    },
    Sanitizer {
        name: "asan",
        flags: "-Zsanitizer=address --cfg counterpoint_jitter",
        engine: Engine::Asan,
        probe: Some("use_after_free"),
        reports: &["ERROR: AddressSanitizer:", "ERROR: LeakSanitizer:"],
        more: MORE,
        suppressions: None,
        full: false,
        rounds: 1,
        soak: 1800,
    },
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(format!("skipped: it needs {MACHINE}"));
    }
    let plants = planted::all(context)?;
    let (chosen, faults) = chosen(&context.options.only, &plants)?;
    let proof = Proof::more(context, "sanitize")?;
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    for sanitizer in &SANITIZERS {
        let name = sanitizer.name;
        let mut mine = plants.clone();
        mine.retain(|plant| plant.engine == sanitizer.engine);
        mine.retain(|plant| faults.is_empty() || faults.contains(&plant.name.as_str()));
        let named = chosen.is_empty() || chosen.contains(&name);
        if !named || mine.is_empty() && !faults.is_empty() {
            continue;
        }
        match sanitizer.run(context, &proof, &mine, faults.is_empty()) {
            Ok(note) => notes.push(note),
            Err(why) => {
                proof.tell(name, "tests", 0, "FAILED")?;
                problems.push(format!("{name}: {why}"));
            }
        }
    }
    match problems.is_empty() {
        true => Ok(notes.join("; ")),
        false => Err(problems.join("\n")),
    }
}

/// The sanitizers and the faults that were chosen; none stands for all.
fn chosen<'o>(
    only: &'o [String],
    plants: &[Plant],
) -> Result<(Vec<&'o str>, Vec<&'o str>), String> {
    let names = SANITIZERS.map(|sanitizer| sanitizer.name);
    let (chosen, faults): (Vec<&str>, Vec<&str>) = only
        .iter()
        .map(String::as_str)
        .partition(|name| names.contains(name));
    let known = |name: &str| {
        let mut plants = plants.iter().filter(|plant| plant.engine.is_sanitizer());
        plants.any(|plant| plant.name == name)
    };
    match faults.iter().find(|name| !known(name)) {
        None => Ok((chosen, faults)),
        Some(name) => Err(format!(
            "{name} is no sanitizer ({}) and no fault for one.",
            names.join(", ")
        )),
    }
}

/// A copy of the tree and how cargo is called there.
struct Ground<'a> {
    context: &'a Context,
    sanitizer: &'a Sanitizer,
    tree: Tree,
    target: PathBuf,
    instrumented: Option<Instrumented>,
}

impl Sanitizer {
    /// Runs the tests, if wanted, and sees each fault reported.
    fn run(
        &self,
        context: &Context,
        proof: &Proof,
        plants: &[Plant],
        tests: bool,
    ) -> Result<String, String> {
        let name = self.name;
        if plants.is_empty() {
            return Err("no planted fault names it, so nothing shows that it works.".to_owned());
        }
        let instrumented = match self.full {
            true => Some(Instrumented::find()?),
            false => None,
        };
        let target = context.workspace()?.target.join(self.name);
        fs::create_dir_all(&target)
            .map_err(|error| format!("{} cannot be made: {error}.", target.display()))?;
        if let Some(probe) = self.probe {
            self.probe(context, probe, &target)?;
        }
        let tree = Tree::copy(&context.repo, &target.join("tree"))?;
        if self.full {
            // Resolved anew: what the other rustc can build.
            let _ = fs::remove_file(tree.root().join("Cargo.lock"));
        }
        let ground = Ground {
            context,
            sanitizer: self,
            tree,
            target,
            instrumented,
        };
        let mut note = name.to_owned();
        if tests {
            let tests = ground.suite()?;
            proof.tell(name, "tests", tests as u64, "ok")?;
            note = format!("{note}: {tests} tests,");
        }
        if tests && self.full && context.options.long {
            let (seen, all) = ground.weakened()?;
            proof.tell(name, "weakened orderings reported", seen as u64, "ok")?;
            note = format!("{note} {seen} of {all} weakened orderings,");
        }
        for plant in plants {
            ground.see(plant)?;
            let found = Proof::more(context, "planted")?;
            found.tell(&plant.name, self.engine.name(), 1, "found")?;
        }
        let count = plants.len();
        if tests {
            proof.tell(name, "planted faults reported", count as u64, "ok")?;
        }
        Ok(format!("{note} {count} planted faults"))
    }

    /// The options of the sanitizer's runtime.
    fn options(&self, context: &Context, command: Command) -> Command {
        match self.suppressions {
            Some(file) => {
                let file = context.repo.path(file);
                command.variable("TSAN_OPTIONS", &format!("suppressions={}", file.display()))
            }
            None => command,
        }
    }

    /// Sees the sanitizer report the faulty program.
    fn probe(&self, context: &Context, probe: &str, target: &Path) -> Result<(), String> {
        let program = target.join(probe).display().to_string();
        let source = format!("dev/xtask/probes/{probe}.rs");
        let flags: Vec<&str> = self.flags.split(' ').collect();
        let build = Command::program(Path::new("rustc"))
            .arguments(&["--edition", "2024", "-O", "-g", MIXED, "-o", &program])
            .arguments(&[&source])
            .arguments(&flags)
            .variable("RUSTC_BOOTSTRAP", "1");
        context.logged(build)?.run()?.checked()?;
        let run = Command::program(Path::new(&program)).limit(Duration::from_secs(60));
        let output = self.options(context, context.logged(run)?).run()?;
        if output.ending == Ending::Success || self.report_in(&output.text).is_none() {
            return Err(format!(
                "{source} is not reported, so nothing else would be. Narrow the suppressions, and \
                 see whether the sanitizer's runtime is installed."
            ));
        }
        Ok(())
    }

    /// The first report in a text.
    fn report_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut lines = text.lines();
        lines.find(|line| self.reports.iter().any(|report| line.contains(report)))
    }
}

impl Ground<'_> {
    /// `cargo test` in the copy.
    fn cargo(&self, packages: &[&str], which: &[&str], more: &[&str]) -> Result<Command, String> {
        let mut arguments = vec!["test"];
        for package in packages {
            arguments.extend(["--package", *package]);
        }
        let target = self.target.join("build").display().to_string();
        arguments.extend(which);
        arguments.extend(["--no-fail-fast", "--target", MACHINE]);
        arguments.extend(["--target-dir", &target]);
        let command = self
            .context
            .cargo(&arguments)?
            .directory(self.tree.root())
            .variable("RUSTC_BOOTSTRAP", "1");
        let command = match &self.instrumented {
            Some(instrumented) => instrumented.apply(command, self.sanitizer.flags),
            None => command.rustflags(&format!("{} {MIXED}", self.sanitizer.flags)),
        };
        Ok(self
            .sanitizer
            .options(self.context, command.arguments(more)))
    }

    /// Runs the tests; none may fail and nothing may be reported.
    fn suite(&self) -> Result<usize, String> {
        let packages = [PACKAGES, self.sanitizer.more].concat();
        let long = self.context.options.long;
        let rounds = if long { self.sanitizer.rounds } else { 1 };
        let mut tests = 0;
        for _ in 0..rounds {
            let mut command = self.cargo(&packages, &["--tests"], &[])?;
            if long {
                command = command.variable("COUNTERPOINT_SOAK", &self.sanitizer.soak.to_string());
            }
            let output = command.run()?;
            if let Some(report) = self.sanitizer.report_in(&output.text) {
                return Err(format!(
                    "a report: {report}\nThe whole of it: {}",
                    self.context.log_file()?.display()
                ));
            }
            tests += total(&parse_runs(&output.checked()?.text))?;
        }
        Ok(tests)
    }

    /// Sees a planted fault reported, in tests that are clean without it.
    fn see(&self, plant: &Plant) -> Result<(), String> {
        let path = self.tree.root().join(&plant.file);
        let sound = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}.", path.display()))?;
        let faulty =
            planted::apply(&sound, plant).map_err(|why| format!("{}: {why}", plant.name))?;
        for test in plant.tests() {
            if self.sanitizer.more.is_empty() && self.reported(test)? {
                return Err(format!("{test} is reported without any fault."));
            }
            planted::write(&path, &faulty)?;
            let reported = self.reported(test);
            planted::write(&path, &sound)?;
            if !reported? {
                return Err(format!(
                    "the planted fault {} is not reported by {test}.",
                    plant.name
                ));
            }
        }
        Ok(())
    }

    /// How many of the orderings that a model needs are missed here as well, and of how many. A
    /// processor orders more than the language does, and a sanitizer knows no fences: what it
    /// misses is not wrong, but what it sees is one more proof.
    fn weakened(&self) -> Result<(usize, usize), String> {
        let list = List::read(self.context)?;
        let (mut seen, mut unseen) = (0, Vec::new());
        for (site, model) in &list.killed {
            let (file, test) = model.split_once("::").unwrap_or(("", model));
            let which = ["--test", file];
            let output = self
                .cargo(&[MODEL_PACKAGE], &which, &["--", "--exact", test])?
                .variable(weaken::VARIABLE, site)
                .limit(PATIENCE)
                .run()?;
            match output.ending {
                Ending::Success => unseen.push(site.as_str()),
                Ending::Failure(_) | Ending::TimedOut => seen += 1,
            }
        }
        println!("    weakened, and nothing is seen: {}", unseen.join(", "));
        Ok((seen, list.killed.len()))
    }

    fn reported(&self, test: &str) -> Result<bool, String> {
        let primitives = primitives(&self.context.repo)?;
        let file = primitives
            .iter()
            .flat_map(|primitive| &primitive.models)
            .filter_map(|model| model.split_once("::"))
            .find_map(|(file, model)| (model == test).then_some(file))
            .ok_or_else(|| format!("there is no model {test}."))?;
        let output = self
            .cargo(
                &[MODEL_PACKAGE],
                &["--test", file],
                &["--", "--exact", test],
            )?
            .run()?;
        if total(&parse_runs(&output.text)).is_err() {
            // A fault may end the process before the count is printed.
            return match self.sanitizer.report_in(&output.text) {
                Some(_) => Ok(true),
                None => Err(format!("{test} did not run in {MODEL_PACKAGE}.")),
            };
        }
        Ok(self.sanitizer.report_in(&output.text).is_some())
    }
}

#[cfg(test)]
mod tests;

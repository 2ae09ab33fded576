//! `coverage`: which lines of the library crates the tests execute, and whether they execute every
//! `unsafe` block.
//!
//! The tests of the crates, the models on plain threads and the stress room are built with
//! `-Cinstrument-coverage` and run; LLVM's own tools read what they have counted ([`Tools`] looks
//! for them). What is not compiled here, for another system say, is not counted.
//!
//! A crate needs nine lines in ten. A block that no test can execute has its reason in
//! `dev/xtask/coverage.toml`, by file and function:
//!
//! ```toml
//! [unexecuted]
//! "crates/base/src/fence.rs::heavy_fallback" = "why not; few may"
//! ```
//!
//! `--only CRATE` runs the tests of this crate alone, and judges it by these. The table, the lines
//! that were not executed and what they belong to are left in `target/xtask/coverage`.

mod measure;
mod tools;

use crate::job::Context;
use crate::jobs::cargo_test::total;
use crate::jobs::histories::STRESS_PACKAGE;
use crate::repo::Package;
use crate::report::{Finding, table, verdict};
use crate::test_build::{MODEL_PACKAGE, TestBuild, parse_runs};
use measure::{Counts, Measured, Page, Share};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value};
use tools::Tools;

/// Where the reasons are.
const LIST: &str = "dev/xtask/coverage.toml";

/// So many of a hundred lines of a crate must be executed.
const FLOOR: f64 = 90.0;

/// At most so many of a hundred blocks may have a reason.
const EXCUSED: usize = 2;

/// Counts by atomic additions: others would be lost where threads meet.
const FLAGS: &str = "-Cinstrument-coverage -Cllvm-args=-instrprof-atomic-counter-update-all";

/// A build of tests.
struct Run {
    packages: Vec<String>,
    features: &'static [&'static str],
}

/// What has been measured of a crate.
struct Room {
    name: String,
    measured: Measured,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let text = context.repo.text(LIST);
    let text = text.ok_or_else(|| format!("{LIST} is not there."))?;
    let reasons = reasons(&text)?;
    let tools = Tools::find()?;
    let rooms = chosen(context)?;
    let folder = context.workspace()?.target.join("xtask").join("coverage");
    let raw = folder.join("raw");
    let _ = fs::remove_dir_all(&raw);
    fs::create_dir_all(&raw)
        .map_err(|error| format!("{} cannot be made: {error}.", raw.display()))?;
    let (mut binaries, mut tests) = (Vec::new(), 0);
    for run in runs(&rooms, context.options.only.is_empty()) {
        let (built, count) = run.execute(context, &tools, &raw)?;
        binaries.extend(built);
        tests += count;
    }
    let merged = tools.merge(context, &folder)?;
    let mut pages = pages(context, &rooms)?;
    for binary in &binaries {
        let json = tools.export(context, &merged, binary)?;
        let counts = Counts::parse(&json, context.repo.root())?;
        pages
            .iter_mut()
            .flatten()
            .for_each(|page| page.take(&counts));
    }
    let rooms = measured(&rooms, &pages)?;
    let text = report(&rooms);
    println!("{text}");
    keep(&folder.join("report.txt"), &text)?;
    keep(&folder.join("missing.txt"), &missing(&rooms))?;
    let whole = context.options.only.is_empty();
    let findings = judge(&rooms, &reasons, whole);
    let lines = Share::sum(rooms.iter().map(|room| room.measured.lines));
    verdict(
        &findings,
        format!("{tests} tests execute {lines} of the lines"),
    )
}

/// The crates to judge.
fn chosen(context: &Context) -> Result<Vec<Package>, String> {
    let rooms: Vec<Package> = context.workspace()?.rooms().cloned().collect();
    let short = |room: &Package| room.folder["crates/".len()..].to_owned();
    let only = &context.options.only;
    let named = |name: &String| rooms.iter().any(|room| short(room) == *name);
    if let Some(name) = only.iter().find(|name| !named(name)) {
        let names: Vec<String> = rooms.iter().map(short).collect();
        return Err(format!(
            "There is no crate `{name}`. There are: {}.",
            names.join(", ")
        ));
    }
    let mut rooms = rooms;
    rooms.retain(|room| only.is_empty() || only.contains(&short(room)));
    Ok(rooms)
}

/// The builds, for the ledger turns the hooks on in all that is built with it, and some code is
/// behind a feature.
fn runs(rooms: &[Package], whole: bool) -> Vec<Run> {
    const LEDGER: &str = "counterpoint-ledger";
    const FEATURED: &[&str] = &["counterpoint-wait", "counterpoint-sync", "counterpoint"];
    let names: Vec<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let mut usual = names.clone();
    usual.retain(|name| *name != LEDGER);
    if whole {
        usual.extend([MODEL_PACKAGE, STRESS_PACKAGE]);
    }
    let mut featured = names.clone();
    featured.retain(|name| FEATURED.contains(name));
    let mut ledger = names;
    ledger.retain(|name| *name == LEDGER);
    let mut runs = vec![
        Run {
            packages: owned(usual),
            features: &[],
        },
        Run {
            packages: owned(featured),
            features: &["--all-features"],
        },
        Run {
            packages: owned(ledger),
            features: &["--features", "tracing"],
        },
    ];
    runs.retain(|run| !run.packages.is_empty());
    runs
}

impl Run {
    /// Builds and runs the tests; returns the binaries, and how many tests ran.
    fn execute(
        &self,
        context: &Context,
        tools: &Tools,
        raw: &Path,
    ) -> Result<(Vec<PathBuf>, usize), String> {
        let build = TestBuild {
            root: context.repo.root().to_owned(),
            packages: self.packages.clone(),
            release: false,
            flags: FLAGS.to_owned(),
            target: Some(context.workspace()?.target.join("coverage")),
        };
        // Named, or what runs while others are compiled would be instrumented as well.
        let which = [
            &["--tests", "--target", tools.machine.as_str()],
            self.features,
        ]
        .concat();
        let binaries = build.build_some(context, &which)?;
        let output = build
            .command(context, &[&which[..], &["--no-fail-fast"]].concat())?
            .variable(
                "LLVM_PROFILE_FILE",
                &raw.join("%4m.profraw").display().to_string(),
            )
            .run()?
            .checked()?;
        let binaries = binaries.into_iter().map(|binary| binary.executable);
        Ok((binaries.collect(), total(&parse_runs(&output.text))?))
    }
}

/// The source files of each crate.
fn pages(context: &Context, rooms: &[Package]) -> Result<Vec<Vec<Page>>, String> {
    let sources = context.repo.sources()?;
    let of = |room: &Package| {
        let folder = format!("{}/src/", room.folder);
        let mine = sources
            .iter()
            .filter(|source| source.path.starts_with(&folder));
        let mine = mine.filter(|source| !source.is_test_file());
        mine.map(Page::new).collect()
    };
    Ok(rooms.iter().map(of).collect())
}

/// What was counted in each crate.
fn measured(rooms: &[Package], pages: &[Vec<Page>]) -> Result<Vec<Room>, String> {
    let of = |(room, pages): (&Package, &Vec<Page>)| {
        let mut measured = Measured::default();
        pages.iter().for_each(|page| page.count(&mut measured));
        match measured.lines.all {
            0 => Err(format!("Nothing was counted in {}.", room.name)),
            _ => Ok(Room {
                name: room.name.clone(),
                measured,
            }),
        }
    };
    rooms.iter().zip(pages).map(of).collect()
}

/// The table of the crates.
fn report(rooms: &[Room]) -> String {
    let row = |room: &Room| {
        let measured = &room.measured;
        vec![
            room.name.clone(),
            measured.lines.to_string(),
            measured.regions.to_string(),
            measured.functions.to_string(),
            measured.blocks().to_string(),
            measured.unseen.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = rooms.iter().map(row).collect();
    let head = [
        "crate",
        "lines",
        "regions",
        "functions",
        "unsafe blocks",
        "not compiled here",
    ];
    table(&head, &rows)
}

/// The lines that were not executed.
fn missing(rooms: &[Room]) -> String {
    let lines = rooms.iter().flat_map(|room| &room.measured.missing);
    lines.map(|line| format!("{line}\n")).collect()
}

/// What is wrong. Only the tests of all tell that a reason holds no longer.
fn judge(rooms: &[Room], reasons: &BTreeMap<String, String>, whole: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used: BTreeSet<&String> = BTreeSet::new();
    let (mut blocks, mut excused) = (0, 0);
    for room in rooms {
        let lines = room.measured.lines;
        if lines.percent() < FLOOR {
            let message = format!(
                "{} has {lines} of its lines executed; {FLOOR:.0} % must be. Which are not: \
                 target/xtask/coverage/missing.txt.",
                room.name
            );
            findings.push(Finding::new("coverage", 0, message));
        }
        blocks += room.measured.blocks().all;
        for block in &room.measured.unexecuted {
            let name = format!("{}::{}", block.path, block.function);
            if let Some((key, _)) = reasons.get_key_value(&name) {
                used.insert(key);
                excused += 1;
                continue;
            }
            let message = format!(
                "no test executes this `unsafe` block. Write one, or give `{name}` a reason in \
                 {LIST}."
            );
            findings.push(Finding::new(&block.path, block.line, message));
        }
    }
    if excused * 100 > blocks * EXCUSED {
        let message = format!("{excused} of {blocks} blocks have a reason; {EXCUSED} % may.");
        findings.push(Finding::new(LIST, 0, message));
    }
    for name in reasons.keys().filter(|name| whole && !used.contains(name)) {
        let message = format!("`{name}` has no block left that is not executed.");
        findings.push(Finding::new(LIST, 0, message));
    }
    findings
}

/// The reasons: `file::function` → why.
fn reasons(text: &str) -> Result<BTreeMap<String, String>, String> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
    if let Some(key) = table.keys().find(|key| *key != "unexecuted") {
        return Err(format!(
            "{LIST}: `{key}` is unknown; there is `[unexecuted]`."
        ));
    }
    let entries = table.get("unexecuted").and_then(Value::as_table);
    let row = |(name, value): (&String, &Value)| {
        let why = value.as_str().filter(|why| !why.trim().is_empty());
        let why = why.ok_or_else(|| format!("{LIST}: {name} needs a reason."))?;
        Ok((name.clone(), why.to_owned()))
    };
    entries.into_iter().flatten().map(row).collect()
}

fn keep(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

#[cfg(test)]
mod tests;

//! `planted`: a fault put into the sources on purpose must make its model fail.
//!
//! `dev/model/planted.toml` lists the faults:
//!
//! ```toml
//! [[planted]]
//! name = "unlock-without-release"      # of the fault
//! class = "ordering"                   # what sort of mistake it is
//! file = "crates/sync/src/mutex/raw.rs"
//! find = '''release("mutex.unlock")''' # occurs exactly once in the file
//! replace = "RELAXED"
//! tests = ["lock_excludes"]            # the models that must fail, each of them (one: `test`)
//! engine = "loom"                      # the tool: or "shuttle", "threads", "histories",
//!                                      # "litmus", "tsan", "asan"
//! gate = true                          # run in the gate, not only at night
//! seconds = 120                        # optional: time for the test
//! ```
//!
//! The work is done on a copy of the tree under the target folder. Each named test is first seen
//! to pass there without the fault: a test that always fails shows nothing. Faults for `tsan` and
//! `asan` are for the job `sanitize`, which must see them reported.
//!
//! Before anything is built, the list itself is checked: every model must be named by a fault, and
//! every fault must fit the source as it stands. So are the models: each must be explored with three
//! preemptions, here or at night, or without a bound.

mod coverage;
pub(crate) mod tree;

use crate::command::Ending;
use crate::job::Context;
use crate::jobs::proof::Proof;
use crate::report::table;
use crate::test_build::{Engine, MODEL_PACKAGE, NO_TRACE, TestBinary, TestBuild};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use toml::{Table, Value};
use tree::Tree;

/// Where the faults are listed.
const LIST: &str = "dev/model/planted.toml";

/// How long a model may take with a fault in it.
const SECONDS: i64 = 120;

/// In how many histories a fault must show.
const HISTORIES: &[(&str, &str)] = &[("COUNTERPOINT_HISTORIES", "5000")];

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plant {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) file: String,
    find: String,
    replace: String,
    tests: Vec<String>,
    pub(crate) engine: Engine,
    gate: bool,
    seconds: u64,
}

impl Plant {
    /// The tests that must fail.
    pub(crate) fn tests(&self) -> impl Iterator<Item = &str> {
        self.tests.iter().map(String::as_str)
    }
}

/// All faults of the list.
pub(crate) fn all(context: &Context) -> Result<Vec<Plant>, String> {
    parse(&context.repo.text(LIST).unwrap_or_default())
}

/// What became of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// The test failed, as it should.
    Caught,
    /// The test passed all the same.
    Survived,
    /// The test did not end. On plain threads that is how a lost wake-up shows.
    Hung,
    /// Nothing was shown, for this reason.
    Unclear(String),
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let Some(text) = context.repo.text(LIST) else {
        return Ok(format!("no faults: {LIST} does not exist yet"));
    };
    let only = &context.options.only;
    let mut plants = parse(&text)?;
    if let Some(name) = only
        .iter()
        .find(|name| !plants.iter().any(|plant| plant.name == **name))
    {
        return Err(format!("There is no fault `{name}` in {LIST}."));
    }
    let models = coverage::models(&context.repo)?;
    let problems = coverage::problems(&context.repo, &models, &plants);
    if !problems.is_empty() && only.is_empty() {
        return Err(problems.join("\n"));
    }
    plants.retain(|plant| !plant.engine.is_sanitizer());
    plants.retain(|plant| plant.gate || !context.options.short);
    plants.retain(|plant| only.is_empty() || only.contains(&plant.name));
    if plants.is_empty() {
        return Ok("no faults chosen".to_owned());
    }
    let folder = context.workspace()?.target.join("planted");
    let tree = Tree::copy(&context.repo, &folder.join("tree"))?;
    let field = Field {
        context,
        tree,
        folder,
        models,
    };
    field.baseline(&plants)?;
    let proof = Proof::more(context, "planted")?;
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for plant in &plants {
        let started = Instant::now();
        let verdicts = field.judge(plant)?;
        let seconds = format!("{:.1}", started.elapsed().as_secs_f64());
        let found: Vec<String> = verdicts
            .iter()
            .filter_map(|(test, verdict)| problem(plant, test, verdict))
            .collect();
        let result = if found.is_empty() { "found" } else { "FAILED" };
        proof.tell(
            &plant.name,
            plant.engine.name(),
            verdicts.len() as u64,
            result,
        )?;
        let shown = verdicts.iter();
        rows.extend(shown.map(|(test, verdict)| row(plant, test, verdict, &seconds)));
        problems.extend(found);
    }
    println!(
        "{}",
        table(
            &["fault", "class", "engine", "test", "verdict", "seconds"],
            &rows
        )
    );
    if problems.is_empty() {
        return Ok(format!("{} faults caught", plants.len()));
    }
    Err(problems.join("\n"))
}

fn row(plant: &Plant, test: &str, verdict: &Verdict, seconds: &str) -> Vec<String> {
    let word = match verdict {
        Verdict::Caught => "caught",
        Verdict::Survived => "SURVIVED",
        Verdict::Hung => "hung",
        Verdict::Unclear(_) => "UNCLEAR",
    };
    let engine = plant.engine.name();
    [&plant.name, &plant.class, engine, test, word, seconds]
        .map(str::to_owned)
        .to_vec()
}

/// What is wrong with the outcome, if anything is.
fn problem(plant: &Plant, test: &str, verdict: &Verdict) -> Option<String> {
    let name = &plant.name;
    match verdict {
        Verdict::Caught => None,
        Verdict::Hung if plant.engine == Engine::Threads => None,
        Verdict::Hung => Some(format!(
            "{name}: {test} did not end within {} seconds, which shows nothing under {}. Make the \
             model smaller, or raise `seconds`.",
            plant.seconds,
            plant.engine.name()
        )),
        Verdict::Survived => Some(format!(
            "{name}: {test} passes with the fault in {}. Strengthen the model until it fails.",
            plant.file
        )),
        Verdict::Unclear(why) => Some(format!("{name}: {why}")),
    }
}

/// The copy of the tree with what is needed to build it.
struct Field<'a> {
    context: &'a Context,
    tree: Tree,
    folder: PathBuf,
    models: coverage::Models,
}

impl Field<'_> {
    /// Builds what holds these tests; all there is if one of them is not among the models.
    fn build(&self, engine: Engine, tests: &[&str]) -> Result<Vec<TestBinary>, String> {
        let build = TestBuild {
            root: self.tree.root().to_owned(),
            packages: vec![engine.package().to_owned()],
            release: true,
            flags: engine.flags().to_owned(),
            target: Some(self.target(engine)),
        };
        let files: Option<BTreeSet<String>> =
            tests.iter().map(|test| self.file(engine, test)).collect();
        let targets: Vec<&str> = match &files {
            // Other tests have the names of structures, too.
            _ if engine == Engine::Histories => vec!["--test", "histories"],
            None => vec!["--tests"],
            Some(files) => files.iter().flat_map(|file| ["--test", file]).collect(),
        };
        build.build_some(self.context, &targets)
    }

    /// The file of a model, or of a test that stands beside the models.
    fn file(&self, engine: Engine, test: &str) -> Option<String> {
        let known = self.models.get(test).map(|(file, _)| file.clone());
        let beside = || coverage::file_of(&self.context.repo, test);
        known.or_else(|| {
            let among = engine.package() == MODEL_PACKAGE;
            among.then(beside).flatten()
        })
    }

    /// Where it is built: never where the tree itself is, for cargo takes a build of the copy, with a
    /// fault in it, for one of the tree.
    fn target(&self, engine: Engine) -> PathBuf {
        let name = match engine {
            Engine::Loom => "loom",
            Engine::Shuttle | Engine::Histories => "shuttle",
            _ => "threads",
        };
        self.folder.join(format!("build-{name}"))
    }

    /// Sees every named test pass without a fault.
    fn baseline(&self, plants: &[Plant]) -> Result<(), String> {
        let mut tests: BTreeMap<Engine, BTreeSet<&str>> = BTreeMap::new();
        for plant in plants {
            tests.entry(plant.engine).or_default().extend(plant.tests());
        }
        for (engine, tests) in tests {
            let tests: Vec<&str> = tests.into_iter().collect();
            let binaries = self.build(engine, &tests)?;
            for test in tests {
                let limit = Duration::from_secs(300);
                match self.run_test(&binaries, engine, test, limit)? {
                    Verdict::Survived => {}
                    Verdict::Unclear(why) => return Err(why),
                    Verdict::Caught | Verdict::Hung => {
                        return Err(format!(
                            "{test} fails under {} without any fault. Mend it first.",
                            engine.name()
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Plants a fault, runs its tests, takes the fault out again.
    fn judge(&self, plant: &Plant) -> Result<Vec<(String, Verdict)>, String> {
        let path = self.tree.root().join(&plant.file);
        let unclear = |why: String| Ok(vec![("-".to_owned(), Verdict::Unclear(why))]);
        let Ok(sound) = fs::read_to_string(&path) else {
            return unclear(format!("there is no file {}.", plant.file));
        };
        let faulty = match apply(&sound, plant) {
            Ok(faulty) => faulty,
            Err(why) => return unclear(why),
        };
        write(&path, &faulty)?;
        let verdicts = self.run_tests(plant);
        write(&path, &sound)?;
        verdicts
    }

    /// Builds the tree as it is, and runs the tests of a fault.
    fn run_tests(&self, plant: &Plant) -> Result<Vec<(String, Verdict)>, String> {
        let tests: Vec<&str> = plant.tests().collect();
        let binaries = match self.build(plant.engine, &tests) {
            Ok(binaries) => binaries,
            Err(report) => {
                let why = format!("the tree does not compile:\n{report}");
                return Ok(vec![("-".to_owned(), Verdict::Unclear(why))]);
            }
        };
        let limit = Duration::from_secs(plant.seconds);
        let run = |test: &str| {
            let verdict = self.run_test(&binaries, plant.engine, test, limit)?;
            Ok((test.to_owned(), verdict))
        };
        plant.tests().map(run).collect()
    }

    /// Runs one test; `Survived` means that it passed.
    fn run_test(
        &self,
        binaries: &[TestBinary],
        engine: Engine,
        test: &str,
        limit: Duration,
    ) -> Result<Verdict, String> {
        for binary in binaries {
            if binary
                .list(self.tree.root(), &["--exact", test])?
                .is_empty()
            {
                continue;
            }
            let variables = [NO_TRACE, HISTORIES].concat();
            let output = binary.run(self.tree.root(), &["--exact", test], &variables, limit)?;
            return Ok(match output.ending {
                Ending::Success => Verdict::Survived,
                Ending::Failure(_) => Verdict::Caught,
                Ending::TimedOut => Verdict::Hung,
            });
        }
        let why = format!(
            "there is no test {test} in {} under {}.",
            engine.package(),
            engine.name()
        );
        Ok(Verdict::Unclear(why))
    }
}

pub(crate) fn write(path: &std::path::Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

/// The text with the fault in it.
pub(crate) fn apply(sound: &str, plant: &Plant) -> Result<String, String> {
    match sound.matches(&plant.find).count() {
        1 if plant.find == plant.replace => Err("`find` and `replace` are the same.".to_owned()),
        1 => Ok(sound.replacen(&plant.find, &plant.replace, 1)),
        count => Err(format!(
            "`find` occurs {count} times in {}. Give so much text around it that it occurs once.",
            plant.file
        )),
    }
}

/// Reads the list.
pub(crate) fn parse(text: &str) -> Result<Vec<Plant>, String> {
    let wrong = |why: String| format!("{LIST}: {why}");
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    if let Some(key) = table.keys().find(|key| *key != "planted") {
        return Err(wrong(format!(
            "`{key}` is unknown; entries begin with `[[planted]]`."
        )));
    }
    let entries = table
        .get("planted")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let plants: Vec<Plant> = entries
        .iter()
        .map(|entry| plant(entry).map_err(wrong))
        .collect::<Result<_, _>>()?;
    let mut names = BTreeSet::new();
    match plants.iter().find(|plant| !names.insert(&plant.name)) {
        Some(plant) => Err(wrong(format!("the name {} occurs twice.", plant.name))),
        None => Ok(plants),
    }
}

const KEYS: [&str; 10] = [
    "name", "class", "file", "find", "replace", "test", "tests", "engine", "gate", "seconds",
];

fn plant(entry: &Value) -> Result<Plant, String> {
    let table = entry.as_table().ok_or("an entry is not a table.")?;
    let name = table
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or("without name")
        .to_owned();
    if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("the entry {name} has the unknown key `{key}`."));
    }
    let text = |key: &str| match table.get(key).and_then(Value::as_str) {
        Some(value) => Ok(value.to_owned()),
        None => Err(format!("the entry {name} needs `{key}`, a string.")),
    };
    let engine = text("engine")?;
    let engine = Engine::named(&engine)
        .ok_or_else(|| format!("the entry {name} names the unknown engine {engine}."))?;
    let seconds = table
        .get("seconds")
        .map_or(Some(SECONDS), Value::as_integer);
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let tests: Option<Vec<String>> = match (table.get("tests"), table.get("test")) {
        (Some(tests), None) => tests.as_array().filter(|tests| !tests.is_empty()).cloned(),
        (None, Some(test)) => Some(vec![test.clone()]),
        _ => None,
    }
    .and_then(|tests| {
        let names = tests.iter().map(|test| test.as_str().map(str::to_owned));
        names.collect()
    });
    let gate = table.get("gate").map_or(Some(false), Value::as_bool);
    Ok(Plant {
        name: text("name")?,
        class: text("class")?,
        file: text("file")?,
        find: text("find")?,
        replace: text("replace")?,
        tests: tests.ok_or_else(|| {
            format!("the entry {name} needs `tests`, the names of the models that must fail.")
        })?,
        engine,
        gate: gate.ok_or_else(|| format!("in the entry {name}, `gate` is true or false."))?,
        seconds: seconds.ok_or_else(|| format!("in the entry {name}, `seconds` is a number."))?,
    })
}

#[cfg(test)]
mod tests;

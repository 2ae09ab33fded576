//! `faults`: whatever of the user's code the library may run has a test in which it panics.
//!
//! The list of such callbacks is read from what rustdoc says about each room: closures, futures,
//! wakers, and what the bounds on type parameters call, `Drop` among them. Each has a row in
//! `dev/stress/faults.toml`:
//!
//! ```toml
//! [panics]
//! "sync::Mutex, T: Drop" = "dev/stress/tests/faults_values.rs::mutex"   # file and test
//!
//! [nothing]
//! "sync::MutexGuard, T: Drop" = "why no code of the user's runs there"
//!
//! [owed]
//! "sync::New, T: Clone" = "what is missing; few may be"
//! ```

mod api;

use crate::job::Context;
use crate::jobs::proof::Proof;
use crate::primitives::primitives;
use crate::report::{Finding, verdict};
use crate::source::{Source, test_exists};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// Where the rows are.
const LIST: &str = "dev/stress/faults.toml";

/// What no signature shows: code that runs as a thread begins or ends, and in macros.
const UNSEEN: &[&str] = &[
    "select!: body of an arm",
    "select_async!: body of an arm",
    "thread: a thread-local destructor uses a primitive",
    "thread: ends while it holds something",
    "thread: its first function panics",
];

/// At most so many of a hundred callbacks may wait for their test.
const OWED: usize = 2;

/// The rows: callback → test, callback → reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rows {
    panics: BTreeMap<String, String>,
    nothing: BTreeMap<String, String>,
    owed: BTreeMap<String, String>,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let mut callbacks: BTreeSet<String> = UNSEEN.iter().map(|name| (*name).to_owned()).collect();
    for (room, text) in documentation(context)? {
        let document = serde_json::from_str(&text)
            .map_err(|error| format!("what rustdoc says about {room} is no JSON: {error}."))?;
        callbacks.extend(api::callbacks(&room, &document)?);
    }
    let text = context.repo.text(LIST);
    let text = text.ok_or_else(|| format!("{LIST} is not there."))?;
    let rows = Rows::parse(&text)?;
    let sources = context.repo.sources()?;
    let proof = Proof::begin(context, "faults")?;
    for primitive in primitives(&context.repo)? {
        let count = rows.about(&primitive.faults);
        if count > 0 {
            proof.tell(&primitive.name, "rustdoc", count, "ok")?;
        }
    }
    let note = format!(
        "{} callbacks: {} panic in a test, {} run nothing, {} owed",
        callbacks.len(),
        rows.panics.len(),
        rows.nothing.len(),
        rows.owed.len()
    );
    verdict(&check(&callbacks, &rows, &sources), note)
}

/// What rustdoc says about each room, as JSON. The format is not stable, hence the variable; it is
/// read by a few names only, and a room in which nothing is found is an error.
fn documentation(context: &Context) -> Result<Vec<(String, String)>, String> {
    let workspace = context.workspace()?;
    let rooms: Vec<&str> = workspace.rooms().map(|room| room.name.as_str()).collect();
    let target = workspace.target.join("api");
    let folder = target.display().to_string();
    let mut arguments = vec!["doc", "--lib", "--no-deps", "--all-features"];
    arguments.extend(["--target-dir", &folder]);
    for room in &rooms {
        arguments.extend(["--package", room]);
    }
    context
        .cargo(&arguments)?
        .variable("RUSTC_BOOTSTRAP", "1")
        .variable("RUSTDOCFLAGS", "-Zunstable-options --output-format=json")
        .run()?
        .checked()?;
    let read = |room: &&str| {
        let name = room.replace('-', "_");
        let path = target.join("doc").join(&name).with_extension("json");
        let short = name.strip_prefix("counterpoint_").unwrap_or(&name);
        Ok((short.to_owned(), read(&path)?))
    };
    rooms.iter().map(read).collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}.", path.display()))
}

/// What is wrong with the rows.
fn check(callbacks: &BTreeSet<String>, rows: &Rows, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |message: String| findings.push(Finding::new(LIST, 0, message));
    for callback in callbacks {
        let (test, more) = rows.of(callback);
        match (test, more) {
            (None, 0) => find(format!(
                "\"{callback}\" has no row. Write a test in which it panics and what called it \
                 goes on working, and name it under [panics]."
            )),
            (Some(_), 1..) | (None, 2..) => find(format!("\"{callback}\" has two rows.")),
            (Some(test), 0) if !test_exists(test, sources) => find(format!(
                "\"{callback}\" names {test}, and there is no such test."
            )),
            _ => {}
        }
    }
    if rows.owed.len() * 100 > callbacks.len() * OWED {
        find(format!(
            "{} of {} callbacks wait for their test; {OWED} in a hundred may.",
            rows.owed.len(),
            callbacks.len()
        ));
    }
    let listed = rows.panics.keys().chain(rows.nothing.keys());
    let listed = listed.chain(rows.owed.keys());
    for callback in listed.filter(|callback| !callbacks.contains(*callback)) {
        find(format!("\"{callback}\" is no longer called."));
    }
    findings
}

impl Rows {
    /// The test of a callback, and how many rows without one it has.
    fn of(&self, callback: &str) -> (Option<&String>, usize) {
        let others = [&self.nothing, &self.owed];
        let others = others.iter().filter(|rows| rows.contains_key(callback));
        (self.panics.get(callback), others.count())
    }

    /// How many callbacks of these types panic in a test.
    fn about(&self, types: &[String]) -> u64 {
        let callbacks = self.panics.keys();
        let named = |callback: &&String| {
            let name = callback.split([',', ':']).filter(|part| !part.is_empty());
            let name: Vec<&str> = name.take(2).collect();
            types.iter().any(|known| *known == name.join("::"))
        };
        callbacks.filter(named).count() as u64
    }

    fn parse(text: &str) -> Result<Rows, String> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
        let known = ["panics", "nothing", "owed"];
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!(
                "{LIST}: `{key}` is unknown; there are `[panics]`, `[nothing]` and `[owed]`."
            ));
        }
        let part = |name: &str| -> Result<BTreeMap<String, String>, String> {
            let entries = table.get(name).and_then(Value::as_table).into_iter();
            let row = |(callback, value): (&String, &Value)| {
                let text = value.as_str().filter(|text| !text.trim().is_empty());
                let text = text.ok_or_else(|| format!("{LIST}: {callback} needs a string."))?;
                Ok((callback.clone(), text.to_owned()))
            };
            entries.flatten().map(row).collect()
        };
        Ok(Rows {
            panics: part("panics")?,
            nothing: part("nothing")?,
            owed: part("owed")?,
        })
    }
}

#[cfg(test)]
mod tests;

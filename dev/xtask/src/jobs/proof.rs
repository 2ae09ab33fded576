//! `proof`: docs/proof.md, written from what the jobs have counted.
//!
//! Every job that counts leaves its figures in `target/xtask/proof`, one JSON object a file:
//! `{"primitive", "kind", "engine", "count", "result"}`; `counterpoint_stress::report::tell` writes
//! the same form. `cargo xtask proof` puts them together, and keeps the figures of what has not run
//! since. In the gate it writes nothing and looks whether the file is in the form that it would write
//! and has a row for every primitive.

mod page;

use crate::job::Context;
use crate::jobs::histories::empty_proof;
use crate::jobs::planted::{self, Plant};
use crate::jobs::sites::List;
use crate::primitives::{Primitive, primitives};
use page::{NOT_COUNTED, NOT_RUN, Page, Row};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// What is written.
const FILE: &str = "docs/proof.md";

/// Where the jobs of a kind leave what they counted.
pub(crate) struct Proof {
    folder: PathBuf,
    kind: &'static str,
}

impl Proof {
    /// Begins anew: what an earlier run of this kind left is removed.
    pub(crate) fn begin(context: &Context, kind: &'static str) -> Result<Proof, String> {
        let folder = empty_proof(context, kind)?;
        Ok(Proof { folder, kind })
    }

    /// Goes on: a run of this kind may be about some subjects only.
    pub(crate) fn more(context: &Context, kind: &'static str) -> Result<Proof, String> {
        let folder = context.workspace()?.target.join("xtask").join("proof");
        fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
        Ok(Proof { folder, kind })
    }

    /// Leaves a count.
    pub(crate) fn tell(
        &self,
        subject: &str,
        engine: &str,
        count: u64,
        result: &str,
    ) -> Result<(), String> {
        let entry = serde_json::json!({
            "primitive": subject,
            "kind": self.kind,
            "engine": engine,
            "count": count,
            "result": result,
        });
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name = format!("{}-{subject}-{engine}", self.kind);
        let name: String = name.chars().map(plain).collect();
        let path = self.folder.join(name).with_extension("json");
        fs::write(&path, format!("{entry}\n"))
            .map_err(|error| format!("{} cannot be written: {error}.", path.display()))
    }
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let primitives = primitives(&context.repo)?;
    if context.options.short {
        let text = context.repo.text(FILE).unwrap_or_default();
        let problems = look(&text, &primitives);
        return match problems.is_empty() {
            true => Ok(format!("{} primitives have their row", primitives.len())),
            false => Err(problems.join("\n")),
        };
    }
    let mut page = gather(context, &primitives)?;
    page.keep(&Page::parse(&context.repo.text(FILE).unwrap_or_default()));
    let path = context.repo.path(FILE);
    fs::write(&path, page.render())
        .map_err(|error| format!("{} cannot be written: {error}.", path.display()))?;
    Ok(format!("wrote {FILE}: {} rows", page.rows.len()))
}

/// What is wrong with the file as it stands.
fn look(text: &str, primitives: &[Primitive]) -> Vec<String> {
    let again = "Run the jobs that count (models, histories, litmus, planted, peers, sanitize, \
                 weaken), then `cargo xtask proof`.";
    let page = Page::parse(text);
    let mut problems = Vec::new();
    if page.render() != text {
        problems.push(format!("{FILE} is not as it would be written. {again}"));
    }
    for primitive in primitives {
        match page.rows.iter().find(|row| row.name == primitive.name) {
            None => problems.push(format!("{FILE} has no row for {}. {again}", primitive.name)),
            Some(row) if row.result == "FAILED" => problems.push(format!(
                "{FILE} says of {}: {}. {again}",
                primitive.name, row.result
            )),
            Some(_) => {}
        }
    }
    for row in &page.rows {
        if !primitives
            .iter()
            .any(|primitive| primitive.name == row.name)
        {
            problems.push(format!("{FILE} has a row for {}, which is none.", row.name));
        }
    }
    problems
}

/// An entry that a job left.
struct Entry {
    subject: String,
    kind: String,
    engine: String,
    count: u64,
    result: String,
}

/// Everything that the jobs have left.
fn entries(context: &Context) -> Result<Vec<Entry>, String> {
    let folder = context.workspace()?.target.join("xtask").join("proof");
    let mut found = Vec::new();
    let Ok(files) = fs::read_dir(&folder) else {
        return Ok(found);
    };
    let mut paths: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}.", path.display()))?;
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| format!("{} is no JSON: {error}.", path.display()))?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        found.push(Entry {
            subject: text("primitive"),
            kind: text("kind"),
            engine: text("engine"),
            count: value["count"].as_u64().unwrap_or(0),
            result: text("result"),
        });
    }
    Ok(found)
}

/// What the page is made of.
struct Sources {
    entries: Vec<Entry>,
    list: List,
    plants: Vec<Plant>,
}

impl Sources {
    /// The entries of a kind that are about a subject of interest.
    fn of(&self, kind: &str, wanted: impl Fn(&Entry) -> bool) -> Vec<&Entry> {
        let entries = self.entries.iter();
        entries
            .filter(|entry| entry.kind == kind && wanted(entry))
            .collect()
    }

    /// The row of a primitive.
    fn row(&self, primitive: &Primitive) -> Row {
        let executions = |engine: &str| {
            self.of("models", |entry| {
                entry.engine == engine && primitive.models.contains(&entry.subject)
            })
        };
        let (loom, shuttle) = (executions("loom"), executions("shuttle"));
        let histories = self.of("histories", |entry| {
            primitive.histories.contains(&entry.subject)
        });
        let faults = self.of("faults", |entry| entry.subject == primitive.name);
        let named = |site: &&String| {
            let first = site.split('.').next().unwrap_or_default();
            primitive.sites.iter().any(|known| known == first)
        };
        let killed = self.list.killed.keys().filter(named).count();
        let justified = self.list.justified.keys().filter(named).count();
        let models = primitive.models.iter();
        let tests: Vec<&str> = models
            .filter_map(|model| model.split("::").nth(1))
            .collect();
        let mine = |plant: &&Plant| plant.tests().any(|test| tests.contains(&test));
        let mut ran = [&loom, &shuttle, &histories, &faults].into_iter().flatten();
        let failed = ran.any(|entry| entry.result != "ok");
        let result = match (failed, loom.is_empty() || shuttle.is_empty()) {
            (true, _) => "FAILED",
            (false, true) => NOT_RUN,
            (false, false) => "ok",
        };
        Row {
            name: primitive.name.clone(),
            models: primitive.models.len().to_string(),
            executions: sum(&loom),
            schedules: sum(&shuttle),
            sites: match killed + justified {
                0 => "none".to_owned(),
                all => format!("{killed} of {all}"),
            },
            planted: self.plants.iter().filter(mine).count().to_string(),
            histories: sum(&histories),
            faults: sum(&faults),
            result: result.to_owned(),
        }
    }

    /// The planted faults, with what became of each.
    fn planted(&self) -> Vec<Vec<String>> {
        let verdict = |plant: &Plant| {
            let mut known = self.entries.iter();
            let known = known.find(|entry| entry.kind == "planted" && entry.subject == plant.name);
            known
                .map_or(NOT_RUN, |entry| entry.result.as_str())
                .to_owned()
        };
        let row = |plant: &Plant| {
            let tests: Vec<&str> = plant.tests().collect();
            let cells = [
                &plant.class,
                &plant.name,
                plant.engine.name(),
                &tests.join(", "),
            ];
            let mut cells = cells.map(str::to_owned).to_vec();
            cells.push(verdict(plant));
            cells
        };
        let mut rows: Vec<Vec<String>> = self.plants.iter().map(row).collect();
        rows.sort();
        rows
    }

    /// Subject, engine, count and result of each entry of a kind.
    fn rows(&self, kind: &str) -> Vec<Vec<String>> {
        let row = |entry: &&Entry| {
            let count = entry.count.to_string();
            let cells = [&entry.subject, &entry.engine, &count, &entry.result];
            cells.map(String::clone).to_vec()
        };
        self.of(kind, |_| true).iter().map(row).collect()
    }
}

/// Puts the page together.
fn gather(context: &Context, primitives: &[Primitive]) -> Result<Page, String> {
    let sources = Sources {
        entries: entries(context)?,
        list: List::read(context)?,
        plants: planted::all(context)?,
    };
    Ok(Page {
        rows: primitives
            .iter()
            .map(|primitive| sources.row(primitive))
            .collect(),
        planted: sources.planted(),
        peers: sources.rows("peers"),
        sanitizers: sources.rows("sanitize"),
        litmus: sources.rows("litmus"),
    })
}

/// What was counted together; nothing if nothing was.
fn sum(entries: &[&Entry]) -> String {
    match entries.is_empty() {
        true => NOT_COUNTED.to_owned(),
        false => entries
            .iter()
            .map(|entry| entry.count)
            .sum::<u64>()
            .to_string(),
    }
}

#[cfg(test)]
mod tests;

//! `weaken`: every ordering is needed, and some loom model shows it.
//!
//! Each ordering stronger than relaxed has a site name. With `COUNTERPOINT_WEAKEN=<site>` the
//! atomics of `base` treat that site as relaxed; a model must fail then. A site that survives
//! needs a reason in `dev/model/weaken.toml`:
//!
//! ```toml
//! [[survivor]]
//! site = "list.peek"
//! reason = "…"
//! ```

use crate::command::Ending;
use crate::job::Context;
use crate::lexer::Kind;
use crate::report::table;
use crate::source::Source;
use crate::test_build::{Engine, TestBinary, TestBuild};
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;
use toml::{Table, Value};

/// Where survivors are excused.
const LIST: &str = "dev/model/weaken.toml";

/// How `base` is told which site to weaken.
const VARIABLE: &str = "COUNTERPOINT_WEAKEN";

/// How long one model may take with a weakened site.
const LIMIT: Duration = Duration::from_secs(300);

/// Sites: name → places.
type Sites = BTreeMap<String, Vec<String>>;

/// What the models said about a weakened site.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// By this test.
    Killed(String),
    Survived,
    /// This test did not end, and none failed before.
    Hung(String),
}

/// A model: its binary and its name.
type Model = (TestBinary, String);

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let reasons = match context.repo.text(LIST) {
        Some(text) => parse(&text)?,
        None => BTreeMap::new(),
    };
    let all = sites(&context.repo.sources()?);
    let mut problems = absent(&reasons, &all);
    let only = &context.options.only;
    if let Some(name) = only.iter().find(|name| !all.contains_key(*name)) {
        return Err(format!("There is no site `{name}` in crates/*/src."));
    }
    let root = context.repo.root();
    let mut models: Vec<Model> = Vec::new();
    for binary in TestBuild::models(context, Engine::Loom)?.build(context)? {
        models.extend(
            binary
                .list(root, &[])?
                .into_iter()
                .map(|name| (binary.clone(), name)),
        );
    }
    if models.is_empty() {
        return Ok(format!(
            "{} sites, but there are no model tests yet",
            all.len()
        ));
    }
    match judge(root, &mut models, None)? {
        Verdict::Survived => {}
        Verdict::Killed(test) | Verdict::Hung(test) => {
            return Err(format!(
                "{test} fails with no site weakened. Mend it first."
            ));
        }
    }
    let chosen: Vec<&str> = all
        .keys()
        .filter(|site| only.is_empty() || only.contains(site))
        .map(String::as_str)
        .collect();
    let mut rows = Vec::new();
    for (site, verdict) in judge_all(root, &models, &chosen)? {
        let reason = reasons.get(site);
        problems.extend(problem(site, &verdict, reason));
        rows.push(vec![
            site.to_owned(),
            describe(&verdict, reason),
            all[site].join(" "),
        ]);
    }
    println!("{}", table(&["site", "verdict", "places"], &rows));
    if problems.is_empty() {
        return Ok(format!("{} sites, {} excused", rows.len(), reasons.len()));
    }
    Err(problems.join("\n"))
}

/// Judges all sites, neighbours on the same processor, for the same models kill them.
fn judge_all<'a>(
    root: &Path,
    models: &[Model],
    sites: &[&'a str],
) -> Result<Vec<(&'a str, Verdict)>, String> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let share = sites.len().div_ceil(processors).max(1);
    thread::scope(|scope| {
        let work = |part: &[&'a str]| -> Result<Vec<(&'a str, Verdict)>, String> {
            let mut models = models.to_vec();
            let mut judge_one = |site: &'a str| -> Result<(&'a str, Verdict), String> {
                let verdict = judge(root, &mut models, Some(site))?;
                println!("    {site}: {}", describe(&verdict, None));
                Ok((site, verdict))
            };
            part.iter().map(|site| judge_one(site)).collect()
        };
        let threads: Vec<_> = sites
            .chunks(share)
            .map(|part| scope.spawn(move || work(part)))
            .collect();
        let mut judged = Vec::new();
        for thread in threads {
            judged.extend(
                thread
                    .join()
                    .map_err(|_| "A thread of `weaken` panicked.")??,
            );
        }
        Ok(judged)
    })
}

/// Runs the models one by one with a site weakened, or as they are, until one fails. That one
/// goes first next time. Each has a process of its own: loom may abort when a model fails.
fn judge(root: &Path, models: &mut Vec<Model>, site: Option<&str>) -> Result<Verdict, String> {
    let variable = site.map(|site| (VARIABLE, site));
    let mut hung = None;
    for index in 0..models.len() {
        let (binary, test) = &models[index];
        let output = binary.run(root, &["--exact", test], variable, LIMIT)?;
        match output.ending {
            Ending::Success => {}
            Ending::TimedOut => hung = Some(test.clone()),
            Ending::Failure(_) => {
                let killer = models.remove(index);
                let test = killer.1.clone();
                models.insert(0, killer);
                return Ok(Verdict::Killed(test));
            }
        }
    }
    Ok(hung.map_or(Verdict::Survived, Verdict::Hung))
}

fn describe(verdict: &Verdict, reason: Option<&String>) -> String {
    match (verdict, reason) {
        (Verdict::Killed(test), _) => format!("killed by {test}"),
        (Verdict::Survived, Some(reason)) => format!("survived: {reason}"),
        (Verdict::Survived, None) => "SURVIVED".to_owned(),
        (Verdict::Hung(test), _) => format!("HUNG in {test}"),
    }
}

/// What is wrong with the outcome, if anything is.
fn problem(site: &str, verdict: &Verdict, reason: Option<&String>) -> Option<String> {
    match (verdict, reason) {
        (Verdict::Killed(_), None) | (Verdict::Survived, Some(_)) => None,
        (Verdict::Killed(_), Some(_)) => {
            Some(format!("{site} is killed now. Take it out of {LIST}."))
        }
        (Verdict::Survived, None) => Some(format!(
            "{site} survives: no model notices when it is relaxed. Write the model, drop the \
             ordering, or give a reason in {LIST}."
        )),
        (Verdict::Hung(test), _) => Some(format!(
            "{site}: {test} runs longer than {} minutes with it relaxed. Bound the model's loops.",
            LIMIT.as_secs() / 60
        )),
    }
}

/// Reasons for sites that are gone.
fn absent(reasons: &BTreeMap<String, String>, sites: &Sites) -> Vec<String> {
    let gone = reasons.keys().filter(|site| !sites.contains_key(*site));
    gone.map(|site| format!("{site} is in {LIST}, but no longer in the sources."))
        .collect()
}

/// Every named site in the product code of the rooms.
fn sites(sources: &[Source]) -> Sites {
    let mut sites = Sites::new();
    for source in sources {
        if !source.path.starts_with("crates/") || source.is_test_file() {
            continue;
        }
        let code = source.product_code();
        for (index, window) in code.windows(3).enumerate() {
            let [name, open, text] = window else { continue };
            // `semaphore.acquire("…")` and `fn acquire` are something else.
            let before = index.checked_sub(1).map(|at| &code[at]);
            let other = before.is_some_and(|token| token.is('.') || token.is_word("fn"));
            let orders = name.kind == Kind::Ident && is_ordering(name.text) && open.is('(');
            if !orders || other {
                continue;
            }
            if let Some(site) = text.string_value() {
                let place = format!("{}:{}", source.path, name.line);
                sites.entry(site.to_owned()).or_default().push(place);
            }
        }
    }
    sites
}

fn is_ordering(name: &str) -> bool {
    ["acquire", "release", "acq_rel", "seq_cst"].contains(&name) || name.starts_with("fence_")
}

/// Reads the list of survivors.
fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
    let mut reasons = BTreeMap::new();
    let entries = table.get("survivor").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let field = |key: &str| {
            let value = entry
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty());
            value
                .ok_or_else(|| format!("{LIST}: an entry needs `{key}`, a string."))
                .map(str::to_owned)
        };
        reasons.insert(field("site")?, field("reason")?);
    }
    match table.keys().find(|key| *key != "survivor") {
        Some(key) => Err(format!(
            "{LIST}: `{key}` is unknown; entries begin with `[[survivor]]`."
        )),
        None => Ok(reasons),
    }
}

#[cfg(test)]
mod tests;

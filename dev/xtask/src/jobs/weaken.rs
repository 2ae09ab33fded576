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
use crate::test_build::{Engine, TestBinary, TestBuild, failed_tests};
use std::collections::BTreeMap;
use std::time::Duration;
use toml::{Table, Value};

/// Where survivors are excused.
const LIST: &str = "dev/model/weaken.toml";

/// How `base` is told which site to weaken.
const VARIABLE: &str = "COUNTERPOINT_WEAKEN";

/// How long the models of one binary may take with a weakened site.
const LIMIT: Duration = Duration::from_secs(600);

/// Sites: name → places.
type Sites = BTreeMap<String, Vec<String>>;

/// What the models said about a weakened site.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// By these tests.
    Killed(Vec<String>),
    Survived,
    /// Some binary did not end, and no test failed before.
    Hung,
}

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
    let binaries = TestBuild::models(context, Engine::Loom)?.build(context)?;
    if tests(context, &binaries)? == 0 {
        return Ok(format!(
            "{} sites, but there are no model tests yet",
            all.len()
        ));
    }
    if judge(context, &binaries, None)? != Verdict::Survived {
        return Err("The models fail with no site weakened. Mend them first.".to_owned());
    }
    let mut rows = Vec::new();
    for (site, places) in all
        .iter()
        .filter(|(site, _)| only.is_empty() || only.contains(site))
    {
        let verdict = judge(context, &binaries, Some(site))?;
        let reason = reasons.get(site);
        problems.extend(problem(site, &verdict, reason));
        rows.push(vec![
            site.clone(),
            describe(&verdict, reason),
            places.join(" "),
        ]);
    }
    println!("{}", table(&["site", "verdict", "places"], &rows));
    if problems.is_empty() {
        return Ok(format!("{} sites, {} excused", rows.len(), reasons.len()));
    }
    Err(problems.join("\n"))
}

fn tests(context: &Context, binaries: &[TestBinary]) -> Result<usize, String> {
    let root = context.repo.root();
    binaries
        .iter()
        .map(|binary| binary.list(root, &[]).map(|names| names.len()))
        .sum()
}

/// Runs the models with a site weakened, or as they are.
fn judge(
    context: &Context,
    binaries: &[TestBinary],
    site: Option<&str>,
) -> Result<Verdict, String> {
    let variable = site.map(|site| (VARIABLE, site));
    let mut killers = Vec::new();
    let mut hung = false;
    for binary in binaries {
        let output = binary.run(context.repo.root(), &["--test-threads=2"], variable, LIMIT)?;
        killers.extend(failed_tests(&output));
        hung |= output.ending == Ending::TimedOut;
    }
    Ok(match (killers.is_empty(), hung) {
        (false, _) => Verdict::Killed(killers),
        (true, true) => Verdict::Hung,
        (true, false) => Verdict::Survived,
    })
}

fn describe(verdict: &Verdict, reason: Option<&String>) -> String {
    match (verdict, reason) {
        (Verdict::Killed(tests), _) => {
            let more = if tests.len() > 2 { " …" } else { "" };
            format!("killed by {}{more}", tests[..tests.len().min(2)].join(", "))
        }
        (Verdict::Survived, Some(reason)) => format!("survived: {reason}"),
        (Verdict::Survived, None) => "SURVIVED".to_owned(),
        (Verdict::Hung, _) => "HUNG".to_owned(),
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
        (Verdict::Hung, _) => Some(format!(
            "{site} makes the models run longer than {} minutes. Bound the model's loops.",
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

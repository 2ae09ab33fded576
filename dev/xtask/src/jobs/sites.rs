//! `sites`: each ordering stronger than relaxed stands in `dev/model/sites.toml`, with the model
//! that fails without it or with a reason.
//!
//! This job only reads; that the models do fail is shown by `weaken`, which also writes the list:
//!
//! ```toml
//! [killed]
//! "mutex.unlock" = "mutex::mutex_excludes"   # file and test in dev/model/tests
//!
//! [justified]
//! "list.peek" = "why it stays although no model notices"
//! ```

use crate::job::Context;
use crate::lexer::Kind;
use crate::report::{Finding, verdict};
use crate::source::{Source, functions};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Where the sites are listed.
pub(crate) const LIST: &str = "dev/model/sites.toml";

/// Where the models are.
const MODELS: &str = "dev/model/tests/";

/// At most so many of a hundred sites may live by a reason.
const REASONS: usize = 5;

/// Sites: name → places.
pub(crate) type Sites = BTreeMap<String, Vec<(String, usize)>>;

/// The list: site → model, site → reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) killed: BTreeMap<String, String>,
    pub(crate) justified: BTreeMap<String, String>,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let sources = context.repo.sources()?;
    let mut findings = Vec::new();
    let sites = sites(&sources, &mut findings);
    let list = List::read(context)?;
    findings.extend(check(&sites, &models(&sources), &list));
    let note = format!(
        "{} orderings: {} killed, {} justified",
        sites.len(),
        list.killed.len(),
        list.justified.len()
    );
    verdict(&findings, note)
}

/// What is wrong with the list.
fn check(sites: &Sites, models: &BTreeSet<String>, list: &List) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (site, places) in sites {
        let (path, line) = &places[0];
        let mut find = |message| findings.push(Finding::new(path, *line, message));
        if let Some((other, at)) = places.get(1) {
            find(format!(
                "the site {site} is also at {other}:{at}. Give each place a name of its own: one \
                 cannot be weakened without the other."
            ));
        }
        match (list.killed.get(site), list.justified.get(site)) {
            (Some(_), Some(_)) => find(format!("{site} is killed and justified in {LIST}.")),
            (Some(model), None) if !models.contains(model) => find(format!(
                "{LIST} says that {model} kills {site}, but there is no such model."
            )),
            (None, None) => find(format!(
                "{site} is not in {LIST}. Write a model that fails when it is relaxed; `cargo \
                 xtask weaken --learn` finds it and adds the entry."
            )),
            _ => {}
        }
    }
    let listed = list.killed.keys().chain(list.justified.keys());
    for site in listed.filter(|site| !sites.contains_key(*site)) {
        findings.push(Finding::new(
            LIST,
            0,
            format!("{site} is no longer in the sources."),
        ));
    }
    if list.justified.len() * 100 > sites.len() * REASONS {
        let message = format!(
            "{} of {} sites live by a reason; {REASONS} in a hundred may.",
            list.justified.len(),
            sites.len()
        );
        findings.push(Finding::new(LIST, 0, message));
    }
    findings
}

/// Every named site in the product code of the rooms. What cannot be named is a finding.
pub(crate) fn sites(sources: &[Source], findings: &mut Vec<Finding>) -> Sites {
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
                let place = (source.path.clone(), name.line);
                sites.entry(site.to_owned()).or_default().push(place);
            } else if code.get(index + 3).is_some_and(|token| token.is(')'))
                && text.kind == Kind::Ident
                && !passes_names_on(&source.path)
            {
                let message = format!(
                    "`{}` wants the name of its site as a literal, or nothing can weaken it.",
                    name.text
                );
                findings.push(Finding::new(&source.path, name.line, message));
            }
        }
    }
    sites
}

/// True for what makes orderings and takes the name from its caller.
fn passes_names_on(path: &str) -> bool {
    path.starts_with("crates/base/src/prim/") || path == "crates/base/src/fence.rs"
}

fn is_ordering(name: &str) -> bool {
    [
        "acquire",
        "release",
        "acq_rel",
        "seq_cst",
        "light",
        "heavy",
        "fence_seq_cst",
        "fence_acquire",
        "fence_release",
    ]
    .contains(&name)
}

/// The models that exist, as `file::test`.
fn models(sources: &[Source]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        let Some(file) = source.path.strip_prefix(MODELS) else {
            continue;
        };
        let Some(file) = file.strip_suffix(".rs").filter(|file| !file.contains('/')) else {
            continue;
        };
        let tests = functions(&source.code()).into_iter();
        found.extend(tests.map(|test| format!("{file}::{}", test.name)));
    }
    found
}

impl List {
    /// Reads the list of the repository.
    pub(crate) fn read(context: &Context) -> Result<List, String> {
        match context.repo.text(LIST) {
            Some(text) => List::parse(&text),
            None => Ok(List::default()),
        }
    }

    fn parse(text: &str) -> Result<List, String> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
        let part = |name: &str| -> Result<BTreeMap<String, String>, String> {
            let entries = table.get(name).and_then(Value::as_table);
            let entries = entries.into_iter().flatten();
            entries
                .map(|(site, value)| {
                    let text = value.as_str().filter(|text| !text.trim().is_empty());
                    let text = text.ok_or_else(|| format!("{LIST}: {site} needs a string."))?;
                    Ok((site.clone(), text.to_owned()))
                })
                .collect()
        };
        if let Some(key) = table
            .keys()
            .find(|key| !["killed", "justified"].contains(&key.as_str()))
        {
            return Err(format!(
                "{LIST}: `{key}` is unknown; there are `[killed]` and `[justified]`."
            ));
        }
        Ok(List {
            killed: part("killed")?,
            justified: part("justified")?,
        })
    }

    /// The text of the list.
    pub(crate) fn render(&self) -> String {
        let mut text = "\
# Each ordering stronger than relaxed, by the name of its site, and the model in dev/model/tests
# that fails when it is relaxed. `cargo xtask sites` looks whether one is missing, `cargo xtask
# weaken` whether the models do fail; `cargo xtask weaken --learn` finds the models.

[killed]
"
        .to_owned();
        let line =
            |(site, value): (&String, &String)| format!("{} = {}\n", quoted(site), quoted(value));
        text.extend(self.killed.iter().map(line));
        text.push_str("\n# Not killed by a model, and why it stays.\n[justified]\n");
        text.extend(self.justified.iter().map(line));
        text
    }
}

/// A string as TOML writes it; JSON's quotes are among those it knows.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;

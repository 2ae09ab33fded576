//! The primitives that must be proved, and which models, histories and orderings are theirs.
//!
//! `dev/model/primitives.toml` says it; a file of models that it does not name is a primitive of its
//! own.

use crate::repo::Repo;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Where they are listed.
pub(crate) const LIST: &str = "dev/model/primitives.toml";

/// Where the models are.
const MODELS: &str = "dev/model/tests/";

/// A row of the proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Primitive {
    pub(crate) name: String,
    /// Its models, as `file::model`.
    pub(crate) models: BTreeSet<String>,
    /// Its names in histories.
    pub(crate) histories: Vec<String>,
    /// Names of its orderings before the first dot.
    pub(crate) sites: Vec<String>,
    /// Its types, as `room::Type`, whose callbacks are counted.
    pub(crate) faults: Vec<String>,
}

/// The primitives of the repository, in the order of the list.
pub(crate) fn primitives(repo: &Repo) -> Result<Vec<Primitive>, String> {
    let text = repo
        .text(LIST)
        .ok_or_else(|| format!("{LIST} cannot be read."))?;
    let mut models = BTreeMap::new();
    for path in repo.files()? {
        let file = path
            .strip_prefix(MODELS)
            .and_then(|file| file.strip_suffix(".rs"));
        if let Some(file) = file.filter(|file| !file.contains('/')) {
            let names = models_in(&repo.text(&path).unwrap_or_default());
            models.insert(file.to_owned(), names);
        }
    }
    assign(&text, &models).map_err(|why| format!("{LIST}: {why}"))
}

/// Gives each primitive its models.
fn assign(text: &str, models: &BTreeMap<String, Vec<String>>) -> Result<Vec<Primitive>, String> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| error.message().to_owned())?;
    let mut left: BTreeSet<&str> = models.keys().map(String::as_str).collect();
    for file in strings(&table, "beside")? {
        if !left.remove(file.as_str()) {
            return Err(format!("there is no file of models {file}."));
        }
    }
    let beside: BTreeSet<&str> = models
        .keys()
        .map(String::as_str)
        .filter(|file| !left.contains(file))
        .collect();
    let mut found = Vec::new();
    let mut owned = BTreeSet::new();
    let entries = table.get("primitive").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        let entry = entry.as_table().ok_or("an entry is not a table.")?;
        let name = entry.get("name").and_then(Value::as_str);
        let mut primitive = Primitive {
            name: name.ok_or("an entry has no name.")?.to_owned(),
            histories: strings(entry, "histories")?,
            sites: strings(entry, "sites")?,
            faults: strings(entry, "faults")?,
            ..Primitive::default()
        };
        for pattern in strings(entry, "models")? {
            let matching = matching(&pattern, models);
            if matching.is_empty() {
                return Err(format!("{}: there is no model {pattern}.", primitive.name));
            }
            left.remove(pattern.split("::").next().unwrap_or_default());
            owned.extend(matching.iter().cloned());
            primitive.models.extend(matching);
        }
        found.push(primitive);
    }
    for file in left {
        let names = matching(file, models);
        owned.extend(names.iter().cloned());
        found.push(Primitive {
            name: file.to_owned(),
            models: names,
            ..Primitive::default()
        });
    }
    // A file of models that only lacks some of its own is half named.
    let all = models
        .iter()
        .filter(|(file, _)| !beside.contains(file.as_str()));
    let mut all =
        all.flat_map(|(file, names)| names.iter().map(move |name| format!("{file}::{name}")));
    if let Some(model) = all.find(|model| !owned.contains(model)) {
        return Err(format!("no primitive has the model {model}."));
    }
    found.retain(|primitive| !primitive.models.is_empty());
    Ok(found)
}

/// The models that a pattern names.
fn matching(pattern: &str, models: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let (file, model) = pattern.split_once("::").unwrap_or((pattern, "*"));
    let names = models.get(file).into_iter().flatten();
    names
        .filter(|name| match model.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => *name == model,
        })
        .map(|name| format!("{file}::{name}"))
        .collect()
}

fn strings(table: &Table, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` is to be a list of strings.");
    let Some(value) = table.get(key) else {
        return Ok(Vec::new());
    };
    let entries = value.as_array().ok_or_else(wrong)?;
    let text = |entry: &Value| entry.as_str().map(str::to_owned).ok_or_else(wrong);
    entries.iter().map(text).collect()
}

/// The names of the models that a file declares by `model!`.
fn models_in(text: &str) -> Vec<String> {
    let mut models = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_end() == "model! {" {
            inside = true;
        } else if line == "}" {
            inside = false;
        } else if let Some(rest) = line.strip_prefix("    fn ").filter(|_| inside) {
            models.push(rest.split('(').next().unwrap_or_default().to_owned());
        }
    }
    models
}

#[cfg(test)]
mod tests;

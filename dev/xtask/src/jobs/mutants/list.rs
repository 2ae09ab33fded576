//! What is not judged, and what came out.

use super::LIST;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// Patterns and names, each with its reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) exclude: BTreeMap<String, String>,
    pub(super) survivors: BTreeMap<String, String>,
}

impl List {
    /// Reads the file.
    pub(super) fn parse(text: &str) -> Result<List, String> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
        let known = ["exclude", "survivors"];
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!(
                "{LIST}: `{key}` is unknown; there are `[exclude]` and `[survivors]`."
            ));
        }
        let part = |name: &str| -> Result<BTreeMap<String, String>, String> {
            let entries = table.get(name).and_then(Value::as_table);
            let row = |(name, value): (&String, &Value)| {
                let why = value.as_str().filter(|why| !why.trim().is_empty());
                let why = why.ok_or_else(|| format!("{LIST}: {name} needs a reason."))?;
                Ok((name.clone(), why.to_owned()))
            };
            entries.into_iter().flatten().map(row).collect()
        };
        Ok(List {
            exclude: part("exclude")?,
            survivors: part("survivors")?,
        })
    }

    fn excuses(&self, name: &str) -> bool {
        self.survivors.contains_key(&unplaced(name))
    }
}

/// The names of mutants, `file:line:column: what is replaced`, by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcomes {
    /// A test failed, or did not end.
    pub(super) caught: Vec<String>,
    pub(super) missed: Vec<String>,
    /// They do not compile.
    pub(super) unviable: Vec<String>,
}

impl Outcomes {
    /// Reads what `cargo-mutants` leaves in a folder.
    pub(super) fn read(folder: &Path) -> Outcomes {
        let names = |file: &str| -> Vec<String> {
            let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        Outcomes {
            caught: [names("caught.txt"), names("timeout.txt")].concat(),
            missed: names("missed.txt"),
            unviable: names("unviable.txt"),
        }
    }

    /// Adds those of another run.
    pub(super) fn extend(&mut self, other: Outcomes) {
        self.caught.extend(other.caught);
        self.missed.extend(other.missed);
        self.unviable.extend(other.unviable);
    }

    /// The survivors without a reason.
    pub(super) fn left<'o>(&'o self, list: &'o List) -> impl Iterator<Item = &'o String> {
        self.missed.iter().filter(|name| !list.excuses(name))
    }

    /// How many compile and have no reason to survive.
    pub(super) fn judged(&self, list: &List) -> usize {
        self.caught.len() + self.left(list).count()
    }

    /// The cells of the table.
    pub(super) fn row(&self, list: &List) -> Vec<String> {
        let excused = self.missed.len() - self.left(list).count();
        let counts = [
            self.caught.len(),
            self.judged(list),
            excused,
            self.unviable.len(),
        ];
        counts.map(|count| count.to_string()).to_vec()
    }
}

/// The name of a mutant without line and column, which change with every edit.
pub(super) fn unplaced(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    let file = parts.next().unwrap_or_default();
    match parts.nth(2) {
        Some(what) => format!("{file}:{what}"),
        None => name.to_owned(),
    }
}

/// A pattern for exactly this name.
pub(super) fn pattern(name: &str) -> String {
    let mut text = "^".to_owned();
    for letter in name.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('$');
    text
}

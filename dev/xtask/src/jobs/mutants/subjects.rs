//! What is changed together, and the tests that are made for it.

use crate::source::is_test_path;
use std::collections::BTreeMap;

/// Some files of a crate, by the first part of their path in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subject {
    pub(super) package: String,
    name: String,
    pub(super) files: Vec<String>,
    /// The arguments of `cargo test` that choose the tests made for it; none if there are none.
    pub(super) tests: Vec<String>,
}

impl Subject {
    /// Its name for people.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.package, self.name)
    }

    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// Leaves only these files and what is in these folders; all, if there are none.
    pub(super) fn narrow(&mut self, only: &[String]) {
        let wanted = |file: &String| {
            let mut only = only.iter().map(|name| name.trim_end_matches('/'));
            only.any(|name| {
                let rest = file.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        self.files.retain(|file| only.is_empty() || wanted(file));
    }
}

/// The subjects of a crate in `folder`, whose `lib.rs` has nothing to change.
pub(super) fn subjects(package: &str, folder: &str, files: &[String]) -> Vec<Subject> {
    let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let source = format!("{folder}/src/");
    for file in files.iter().filter(|file| file.ends_with(".rs")) {
        let Some(path) = file.strip_prefix(&source) else {
            continue;
        };
        let name = path.split(['/', '.']).next().unwrap_or_default();
        if name != "lib" && !is_test_path(file) {
            found.entry(name).or_default().push(file.clone());
        }
    }
    let tests = test_names(folder, files);
    let subject = |(name, files): (&str, Vec<String>)| {
        let mine = tests.iter().filter(|test| is_about(test, name));
        let mut mine: Vec<String> = mine.map(|test| format!("--test={test}")).collect();
        if !mine.is_empty() {
            mine.insert(0, "--lib".to_owned());
        }
        Subject {
            package: package.to_owned(),
            name: name.to_owned(),
            files,
            tests: mine,
        }
    };
    found.into_iter().map(subject).collect()
}

/// True for `latch` and `latch_allocations` about `latch`.
fn is_about(test: &str, subject: &str) -> bool {
    let rest = test.strip_prefix(subject);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

/// The programs that cargo makes of `tests/`.
fn test_names<'f>(folder: &str, files: &'f [String]) -> Vec<&'f str> {
    let folder = format!("{folder}/tests/");
    let inside = files.iter().filter_map(|file| file.strip_prefix(&folder));
    let names = inside.filter_map(|path| {
        let name = path.strip_suffix("/main.rs").or(path.strip_suffix(".rs"))?;
        (!name.contains('/')).then_some(name)
    });
    names.collect()
}

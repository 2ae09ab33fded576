//! `claims`: what the documentation guarantees is shown by a test.
//!
//! A claim is a section of a public item's documentation that promises something ([`HEADINGS`]), or
//! words that do ([`WORDS`]), wherever they stand. Each has a row in `dev/xtask/claims.toml`:
//!
//! ```toml
//! [[claim]]
//! says = "Cancel safety"                                # a heading, or words of the text
//! of = ["crates/sync/src/mutex/mod.rs::lock_async"]     # file and item
//! tests = ["crates/sync/tests/mutex.rs::a_dropped_wait_passes_its_grant_on"]
//! ```
//!
//! A row may also speak of words that are not in the list. Tests are functions after `#[test]`, and
//! functions in a macro that makes tests of them, such as `model!`.

use crate::job::Context;
use crate::lexer::{Kind, Token};
use crate::report::{Finding, verdict};
use crate::source::{Source, test_exists, test_spans};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// Where the rows are.
const LIST: &str = "dev/xtask/claims.toml";

/// The rooms whose promises are listed.
const ROOMS: &[&str] = &["crates/lockfree/", "crates/wait/", "crates/sync/"];

/// Sections that promise something.
const HEADINGS: &[&str] = &["Cancel safety", "Fairness", "Poison", "Progress"];

/// Words that promise something.
const WORDS: &[&str] = &[
    "allocates nothing",
    "in the order of arrival",
    "never blocks",
    "No allocation",
    "wait-free",
];

/// What the documentation of an item says: heading → its text; what comes first is under "".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Item {
    line: usize,
    public: bool,
    text: String,
    headings: Vec<String>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    says: String,
    of: Vec<String>,
    tests: Vec<String>,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let text = context.repo.text(LIST);
    let text = text.ok_or_else(|| format!("{LIST} is not there."))?;
    let rows = parse(&text)?;
    let sources = context.repo.sources()?;
    let mut items = BTreeMap::new();
    for source in &sources {
        if ROOMS.iter().any(|room| source.path.starts_with(room)) && !source.is_test_file() {
            items.extend(documented(source));
        }
    }
    let (findings, claims) = check(&items, &rows, &sources);
    let tests: BTreeSet<&String> = rows.iter().flat_map(|row| &row.tests).collect();
    verdict(
        &findings,
        format!("{claims} claims, shown by {} tests", tests.len()),
    )
}

/// What is wrong, and how many claims there are.
fn check(
    items: &BTreeMap<String, Item>,
    rows: &[Row],
    sources: &[Source],
) -> (Vec<Finding>, usize) {
    let mut findings = Vec::new();
    let mut listed: BTreeSet<(&str, &str)> = BTreeSet::new();
    for row in rows {
        let says = row.says.as_str();
        for name in &row.of {
            let known = items.get(name).is_some_and(|item| item.says(says));
            if !known {
                let message = format!("{name} does not say \"{says}\" in its documentation.");
                findings.push(Finding::new(LIST, 0, message));
            }
            if !listed.insert((says, name)) {
                let message = format!("{name} has two rows for \"{says}\".");
                findings.push(Finding::new(LIST, 0, message));
            }
        }
        for test in row.tests.iter().filter(|test| !test_exists(test, sources)) {
            let message = format!("\"{says}\" names {test}, and there is no such test.");
            findings.push(Finding::new(LIST, 0, message));
        }
    }
    let mut claims = listed.clone();
    for (name, item) in items.iter().filter(|(_, item)| item.public) {
        let path = name.split("::").next().unwrap_or_default();
        for says in item.claims() {
            claims.insert((says, name));
            if !listed.contains(&(says, name.as_str())) {
                let message = format!(
                    "{name} promises \"{says}\", and {LIST} names no test that shows it. Write one, \
                     or do not promise it."
                );
                findings.push(Finding::new(path, item.line, message));
            }
        }
    }
    (findings, claims.len())
}

impl Item {
    /// True if it has this heading or these words.
    fn says(&self, words: &str) -> bool {
        self.has_heading(words) || self.text.contains(words)
    }

    /// True for a section of this name; one may have several, as in `# Fairness, Poison`.
    fn has_heading(&self, name: &str) -> bool {
        let mut parts = self.headings.iter().flat_map(|line| line.split(", "));
        parts.any(|part| part == name)
    }

    /// What needs a row.
    fn claims(&self) -> impl Iterator<Item = &'static str> {
        let headings = HEADINGS.iter().filter(|known| self.has_heading(known));
        let words = WORDS.iter().filter(|words| self.text.contains(**words));
        headings.chain(words).copied()
    }

    /// Takes in the lines of a comment.
    fn read(&mut self, lines: &[&str]) {
        let mut fenced = false;
        for line in lines {
            let line = line.trim();
            fenced ^= line.starts_with("```");
            match line.strip_prefix("# ").filter(|_| !fenced) {
                Some(heading) => self.headings.push(heading.trim().to_owned()),
                None if fenced => {}
                None => {
                    self.text.push_str(line);
                    self.text.push(' ');
                }
            }
        }
    }
}

/// The items of a file that have documentation: `path::name` → what it says. Several items of one
/// name in a file are taken together.
fn documented(source: &Source) -> BTreeMap<String, Item> {
    let tokens = source.tokens();
    let code = source.code();
    let spans = test_spans(&code);
    let in_tests = |line: usize| {
        let mut spans = spans.iter();
        spans.any(|(first, last)| (code[*first].line..=code[*last].end_line).contains(&line))
    };
    let mut found: BTreeMap<String, Item> = BTreeMap::new();
    let mut index = 0;
    while index < tokens.len() {
        let mut lines = Vec::new();
        let line = tokens[index].line;
        while let Some(text) = tokens.get(index).and_then(|token| outer_doc(token)) {
            lines.push(text);
            index += 1;
        }
        if lines.is_empty() {
            index += 1;
            continue;
        }
        if in_tests(line) {
            continue;
        }
        if let Some((name, public)) = item_name(&tokens[index..]) {
            let item = found.entry(format!("{}::{name}", source.path)).or_default();
            if item.text.is_empty() {
                item.line = line;
            }
            item.public |= public;
            item.read(&lines);
        }
    }
    found
}

/// The text of a `///` comment.
fn outer_doc<'a>(token: &Token<'a>) -> Option<&'a str> {
    if token.kind != Kind::LineComment {
        return None;
    }
    let text = token.text.strip_prefix("///")?;
    (!text.starts_with('/')).then_some(text)
}

/// The name of the item that begins at these tokens, past its attributes, and whether it is public.
/// Of an item in a macro the name may be a variable, with its `$`.
fn item_name(tokens: &[Token<'_>]) -> Option<(String, bool)> {
    const KINDS: &[&str] = &[
        "fn", "struct", "enum", "trait", "type", "static", "mod", "union",
    ];
    let mut public = false;
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        if token.is('(') || token.is('[') {
            depth += 1;
        } else if token.is(')') || token.is(']') {
            depth = depth.checked_sub(1)?;
        } else if depth > 0 || token.is_comment() {
            continue;
        } else if ['{', '}', ';', ',', '='].iter().any(|mark| token.is(*mark)) {
            return None;
        } else if token.is_word("pub") {
            public = !tokens.get(at + 1)?.is('(');
        } else if token.is_word("macro_rules") {
            return Some((tokens.get(at + 2)?.text.to_owned(), true));
        } else if KINDS.iter().any(|kind| token.is_word(kind)) {
            let name = tokens.get(at + 1)?;
            return match name.is('$') {
                true => Some((format!("${}", tokens.get(at + 2)?.text), public)),
                false => Some((name.text.to_owned(), public)),
            };
        }
    }
    None
}

fn parse(text: &str) -> Result<Vec<Row>, String> {
    let table: Table = text
        .parse()
        .map_err(|error: toml::de::Error| format!("{LIST}: {}", error.message()))?;
    let rows = table.get("claim").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| format!("{LIST} has no `[[claim]]`."))?;
    rows.iter().map(row).collect()
}

fn row(value: &Value) -> Result<Row, String> {
    let says = value.get("says").and_then(Value::as_str);
    let says = says.ok_or_else(|| format!("{LIST}: a claim without `says`."))?;
    let list = |key: &str| -> Result<Vec<String>, String> {
        let entries = value.get(key).and_then(Value::as_array);
        let names = entries.into_iter().flatten().map(|entry| entry.as_str());
        let names: Option<Vec<String>> = names.map(|name| name.map(str::to_owned)).collect();
        names.filter(|names| !names.is_empty()).ok_or_else(|| {
            format!("{LIST}: the claim \"{says}\" needs `{key}`, a list of strings.")
        })
    };
    Ok(Row {
        says: says.to_owned(),
        of: list("of")?,
        tests: list("tests")?,
    })
}

#[cfg(test)]
mod tests;

//! `headers`: every invariant and edge that a comment cites exists in a header.
//!
//! A protocol file declares its invariants (`I1` …) and edges (`E1` …) in its module doc, one a
//! line, under `# Invariants` and `# Edges`; when the header is long it may stand in a
//! `README.md` beside the file that the module doc names. Code comments cite them: `// I3`,
//! `[E2]`, or of another file, `list.rs I2`.

use crate::job::Context;
use crate::lexer::Token;
use crate::report::{Finding, verdict};
use crate::source::Source;
use std::collections::BTreeMap;

/// A number such as `I3`, and where it is cited.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Citation {
    id: String,
    /// The file named right before the number.
    file: Option<String>,
    line: usize,
}

/// What a file declares: number → line.
type Declared = BTreeMap<String, usize>;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let sources: Vec<Source> = context.repo.sources()?;
    let rooms: Vec<Source> = sources
        .into_iter()
        .filter(|source| source.path.starts_with("crates/"))
        .collect();
    let readme = |path: &str| context.repo.text(path);
    let (findings, protocols, citations) = check(&rooms, readme);
    verdict(
        &findings,
        format!("{citations} citations of {protocols} protocol files exist"),
    )
}

/// Checks all files; also returns how many protocol files and citations there are.
fn check(
    sources: &[Source],
    readme: impl Fn(&str) -> Option<String>,
) -> (Vec<Finding>, usize, usize) {
    let mut findings = Vec::new();
    let mut headers: BTreeMap<&str, Declared> = BTreeMap::new();
    let mut protocols = 0;
    for source in sources {
        let doc = module_doc(&source.tokens());
        protocols += usize::from(is_protocol(&doc));
        let mut declared = declarations(&source.path, &doc, &mut findings);
        if doc.iter().any(|(_, line)| line.contains("README.md")) {
            let folder = source
                .path
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            let path = format!("{folder}/README.md");
            if let Some(text) = readme(&path) {
                let lines = text
                    .lines()
                    .enumerate()
                    .map(|(at, line)| (at + 1, line.to_owned()));
                let lines: Vec<(usize, String)> = lines.collect();
                declared.extend(declarations(&path, &lines, &mut findings));
            }
        }
        headers.insert(&source.path, declared);
    }
    let mut count = 0;
    for source in sources {
        for citation in citations(&source.tokens()) {
            // Tests may speak of the file they test, by name.
            if citation.file.is_none() && source.is_test_file() {
                continue;
            }
            count += 1;
            if let Some(message) = dangling(source, &citation, &headers) {
                findings.push(Finding::new(&source.path, citation.line, message));
            }
        }
    }
    (findings, protocols, count)
}

/// Why a citation does not hold, if so.
fn dangling(
    source: &Source,
    citation: &Citation,
    headers: &BTreeMap<&str, Declared>,
) -> Option<String> {
    let id = &citation.id;
    let Some(file) = &citation.file else {
        let known = headers
            .get(source.path.as_str())
            .is_some_and(|found| found.contains_key(id));
        return (!known).then(|| {
            format!(
                "{id} is cited, but the header of this file does not declare it. Declare it \
                 under `# Invariants` or `# Edges`, or name the file that does: `list.rs {id}`."
            )
        });
    };
    let named = named_files(&source.path, file, headers);
    if named.is_empty() {
        return Some(format!(
            "{file} {id} is cited, but there is no file {file} in crates/."
        ));
    }
    let known = named.iter().any(|declared| declared.contains_key(id));
    (!known).then(|| format!("{id} is cited of {file}, whose header does not declare it."))
}

/// The headers a file name may mean: the file in the folder of `path`, or else those in its room,
/// or else those anywhere; tests declare nothing for others.
fn named_files<'a>(
    path: &str,
    file: &str,
    headers: &'a BTreeMap<&str, Declared>,
) -> Vec<&'a Declared> {
    let ending = format!("/{file}");
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let room: Vec<&str> = path.split('/').take(2).collect();
    for start in [
        format!("{folder}/{file}"),
        format!("{}/", room.join("/")),
        String::new(),
    ] {
        let named: Vec<&Declared> = headers
            .iter()
            .filter(|(path, _)| path.starts_with(&start) && path.ends_with(&ending))
            .filter(|(path, _)| !path.contains("/tests/") || **path == start)
            .map(|(_, declared)| declared)
            .collect();
        if !named.is_empty() {
            return named;
        }
    }
    Vec::new()
}

/// The lines of the `//!` comments at the top of a file, with their numbers.
fn module_doc(tokens: &[Token<'_>]) -> Vec<(usize, String)> {
    let comments = tokens.iter().take_while(|token| token.is_comment());
    let docs = comments.filter_map(|token| Some((token.line, token.text.strip_prefix("//!")?)));
    docs.map(|(line, text)| (line, text.to_owned())).collect()
}

/// True for a file whose module doc describes a protocol.
fn is_protocol(doc: &[(usize, String)]) -> bool {
    doc.iter()
        .any(|(_, line)| heading(line).is_some_and(|h| h == "State" || h == "Invariants"))
}

/// The first word of a heading line.
fn heading(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let words = line.trim_start_matches('#');
    (words.len() < line.len()).then(|| words.split_whitespace().next().unwrap_or_default())
}

/// The numbers that `doc` declares under its headings; a second declaration is a finding.
fn declarations(path: &str, doc: &[(usize, String)], findings: &mut Vec<Finding>) -> Declared {
    let mut declared = Declared::new();
    let mut letter = None;
    for (number, line) in doc {
        let mut text = line.as_str();
        if let Some(word) = heading(text) {
            letter = match word {
                "Invariants" => Some('I'),
                "Edges" => Some('E'),
                _ => None,
            };
            // `# Invariants  I1 …` may begin on the line of its heading.
            text = text.split_once(word).map_or("", |(_, rest)| rest);
        }
        let Some(id) = leading_id(text).filter(|id| letter.is_some_and(|l| id.starts_with(l)))
        else {
            continue;
        };
        if let Some(first) = declared.insert(id.clone(), *number) {
            let message = format!("{id} is declared a second time; line {first} has it already.");
            findings.push(Finding::new(path, *number, message));
        }
    }
    declared
}

/// The number an entry begins with, behind list marks, table bars and emphasis.
fn leading_id(line: &str) -> Option<String> {
    let marks = |c: char| c.is_whitespace() || "-*|`[+_".contains(c);
    let text = line.trim_start_matches(marks);
    let (at, id) = ids(text).next()?;
    (at == 0).then_some(id)
}

/// The numbers in a text, with their places: `I` or `E` and one or two digits, alone.
fn ids(text: &str) -> impl Iterator<Item = (usize, String)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(['I', 'E']).filter_map(move |(at, _)| {
        let digits: String = text[at + 1..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let end = at + 1 + digits.len();
        let alone = !text[..at].ends_with(word) && !text[end..].starts_with(word);
        let shaped = matches!(digits.len(), 1 | 2) && !digits.starts_with('0');
        (alone && shaped).then(|| (at, text[at..end].to_owned()))
    })
}

/// Every citation in the comments of a file. Declarations cite themselves, which is harmless.
fn citations(tokens: &[Token<'_>]) -> Vec<Citation> {
    let mut found = Vec::new();
    for token in tokens.iter().filter(|token| token.is_comment()) {
        for (offset, line) in token.text.lines().enumerate() {
            let mut file: Option<String> = None;
            let mut end = 0;
            for (at, id) in ids(line) {
                file = match named_file(&line[end..at]) {
                    Between::File(name) => Some(name),
                    // `list.rs I2, I3` speaks of list.rs twice.
                    Between::Joined => file,
                    Between::Nothing => None,
                };
                end = at + id.len();
                found.push(Citation {
                    id,
                    file: file.clone(),
                    line: token.line + offset,
                });
            }
        }
    }
    found
}

/// What stands between two citations.
enum Between {
    /// A file name right before the second.
    File(String),
    /// Only a joint: a comma, a slash, `and`.
    Joined,
    Nothing,
}

fn named_file(text: &str) -> Between {
    let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || "[(`:,".contains(c));
    let start = trimmed.rfind(|c: char| !(c.is_alphanumeric() || "_./-".contains(c)));
    let word = start.map_or(trimmed, |at| &trimmed[at..]);
    let word = word.trim_start_matches(|c: char| !(c.is_alphanumeric() || c == '_'));
    if word.len() > ".rs".len() && word.ends_with(".rs") {
        return Between::File(word.to_owned());
    }
    let joint = text.trim_matches(|c: char| c.is_whitespace() || "[](),/&`".contains(c));
    if joint.is_empty() || joint == "and" {
        Between::Joined
    } else {
        Between::Nothing
    }
}

#[cfg(test)]
mod tests;

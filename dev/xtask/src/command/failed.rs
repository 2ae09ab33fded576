//! What a test runner said about the tests that failed, out of much that it said about others.

use std::collections::BTreeSet;
use std::fmt::Write;

/// How many lines of one test are shown.
const LINES: usize = 60;

/// Of how many tests.
const TESTS: usize = 6;

/// The passages about failed tests; empty if no test runner spoke of any.
pub(super) fn passages(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let failed = names(&lines);
    let mut said = String::new();
    for name in failed.iter().take(TESTS) {
        let _ = writeln!(said, "    {name} failed:");
        for line in passage(&lines, name) {
            let _ = writeln!(said, "    | {line}");
        }
    }
    for name in failed.iter().skip(TESTS) {
        let _ = writeln!(said, "    {name} failed, too");
    }
    said
}

/// The tests listed below a line `failures:`. Where outputs are shown at once there is only this list.
fn names<'a>(lines: &[&'a str]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut listing = false;
    for line in lines {
        match line.strip_prefix("    ") {
            _ if *line == "failures:" => listing = true,
            Some(name) if listing && !name.contains(' ') => {
                found.insert(name);
            }
            _ => listing &= line.is_empty(),
        }
    }
    found
}

/// What was printed by a test: below its own heading, or, where outputs are shown at once, from its
/// line to that of the next.
fn passage<'a>(lines: &[&'a str], name: &str) -> Vec<&'a str> {
    let heading = format!("---- {name} stdout ----");
    let begins = format!("test {name} ... ");
    let own =
        |line: &&str| **line == heading || line.starts_with(&begins) && !line.ends_with(" FAILED");
    let ends = |line: &&&str| {
        line.starts_with("---- ") || line.starts_with("test ") || **line == "failures:"
    };
    let Some(first) = lines.iter().position(own) else {
        return Vec::new();
    };
    let rest = lines[first + 1..].iter().take_while(|line| !ends(line));
    std::iter::once(&lines[first])
        .chain(rest)
        .take(LINES)
        .copied()
        .collect()
}

#[cfg(test)]
mod tests;

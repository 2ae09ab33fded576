//! `words`: tracked files name no package registry and no path of one machine.
//!
//! Both belong to the place where the project happens to be built, not to the project.

use crate::job::Context;
use crate::report::{Finding, verdict};

/// A text that may not occur.
struct Word {
    text: &'static str,
    /// True if it counts only where a path can begin.
    path: bool,
    instead: &'static str,
}

const fn host(text: &'static str) -> Word {
    Word {
        text,
        path: false,
        instead: "Say \"the registry\", or leave it out.",
    }
}

const fn machine(text: &'static str) -> Word {
    Word {
        text,
        path: true,
        instead: "Use a path relative to the workspace.",
    }
}

// Split, so that this file does not contain what it looks for.
const WORDS: &[Word] = &[
    host(concat!("crates", ".io")),
    host(concat!("pypi", ".org")),
    host(concat!("pythonhosted", ".org")),
    host(concat!("npmjs", ".org")),
    host(concat!("npmjs", ".com")),
    host(concat!("rubygems", ".org")),
    host(concat!("proxy.golang", ".org")),
    host(concat!("deb.debian", ".org")),
    machine(concat!("/wo", "rk/")),
    machine(concat!("/ro", "ot/")),
    machine(concat!("/ho", "me/")),
    machine(concat!("/Us", "ers/")),
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let mut findings = Vec::new();
    let mut count = 0;
    for path in context.repo.files()? {
        // Files that are not text hold no words.
        let Some(text) = context.repo.text(&path) else {
            continue;
        };
        count += 1;
        scan(&path, &text, &mut findings);
    }
    verdict(&findings, format!("{count} files"))
}

fn scan(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        for word in WORDS.iter().filter(|word| contains(line, word)) {
            let message = format!(
                "`{}` does not belong into the tree. {}",
                word.text, word.instead
            );
            findings.push(Finding::new(path, index + 1, message));
        }
    }
}

fn contains(line: &str, word: &Word) -> bool {
    let begins = |at: usize| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-*)}>/~".contains(c))
    };
    line.match_indices(word.text)
        .any(|(at, _)| !word.path || begins(at))
}

#[cfg(test)]
mod tests;

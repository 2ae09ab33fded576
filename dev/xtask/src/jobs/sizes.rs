//! `sizes`: files and functions stay readable, and nothing is left unfinished or unchecked.
//!
//! Limits count lines without tests. An exception says why: `// Long because: …` right above
//! the function, or in the first lines of the file.

use crate::job::Context;
use crate::lexer::{Kind, Token};
use crate::report::{Finding, verdict};
use crate::source::{Function, Source, functions, matching, test_spans};

/// A limit and the length from which to warn.
struct Limit {
    warn: usize,
    fail: usize,
}

const FILE: Limit = Limit {
    warn: 500,
    fail: 800,
};
const FUNCTION: Limit = Limit { warn: 50, fail: 80 };

/// How an exception is written.
const EXCEPTION: &str = "// Long because: ";

/// In how many first lines of a file its exception may stand.
const TOP: usize = 10;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let sources = context.repo.sources()?;
    let mut findings = Vec::new();
    let mut warnings = Vec::new();
    for source in &sources {
        lengths(source, &mut findings, &mut warnings);
        unfinished(source, &mut findings);
        let docs = source.tokens();
        let docs = docs.iter().filter(|token| token.is_comment());
        for comment in docs {
            ignored_examples(&source.path, comment.line, comment.text, &mut findings);
        }
    }
    for path in context
        .repo
        .files()?
        .iter()
        .filter(|path| path.ends_with(".md"))
    {
        let text = context.repo.text(path).unwrap_or_default();
        ignored_examples(path, 1, &text, &mut findings);
    }
    for warning in &warnings {
        println!("    warning: {warning}");
    }
    verdict(
        &findings,
        format!("{} files, {} of them long", sources.len(), warnings.len()),
    )
}

/// Checks the lengths of a file and its functions.
fn lengths(source: &Source, findings: &mut Vec<Finding>, warnings: &mut Vec<Finding>) {
    if source.is_test_file() {
        return;
    }
    let code = source.code();
    let spans: Vec<(usize, usize)> = test_spans(&code)
        .into_iter()
        .map(|(first, last)| (code[first].line, code[last].end_line))
        .collect();
    let tests: usize = spans.iter().map(|(first, last)| last + 1 - first).sum();
    let length = source.text.lines().count() - tests;
    let mut judge = |line: usize, length: usize, limit: &Limit, what: &str, excused: bool| {
        let (list, advice) = match (length > limit.fail && !excused, length > limit.warn) {
            (true, _) => (
                &mut *findings,
                "Split it, or say why with `// Long because: …`.",
            ),
            (false, true) => (&mut *warnings, "Think of splitting it."),
            (false, false) => return,
        };
        let message = format!("{what} has {length} lines of {}. {advice}", limit.fail);
        list.push(Finding::new(&source.path, line, message));
    };
    let excused = source.text.lines().take(TOP).any(is_exception);
    judge(0, length, &FILE, "The file", excused);
    let lines: Vec<&str> = source.text.lines().collect();
    for Function { name, first, last } in functions(&code) {
        if spans
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&first))
        {
            continue;
        }
        let excused = excused_above(&lines, first);
        judge(
            first,
            last + 1 - first,
            &FUNCTION,
            &format!("`{name}`"),
            excused,
        );
    }
}

fn is_exception(line: &str) -> bool {
    line.trim_start()
        .strip_prefix(EXCEPTION)
        .is_some_and(|why| !why.trim().is_empty())
}

/// True if the comments and attributes right above the function hold an exception.
fn excused_above(lines: &[&str], first: usize) -> bool {
    let above = lines[..first - 1]
        .iter()
        .rev()
        .map(|line| line.trim_start());
    let mut above = above.take_while(|line| line.starts_with("//") || line.starts_with('#'));
    above.any(is_exception)
}

/// Finds macros that stand for missing code, and ignored tests.
fn unfinished(source: &Source, findings: &mut Vec<Finding>) {
    let code = source.code();
    for (index, token) in code.iter().enumerate() {
        let next = code.get(index + 1);
        let missing = ["todo", "unimplemented"]
            .iter()
            .any(|word| token.is_word(word));
        if missing && next.is_some_and(|token| token.is('!')) {
            let message = format!("`{}!` is left. Write the code, or an error.", token.text);
            findings.push(Finding::new(&source.path, token.line, message));
        }
        if token.is('#') && next.is_some_and(|token| token.is('[')) {
            let close = matching(&code, index + 1);
            if ignores(&code[index + 2..close]) {
                let message = "An ignored test rots. Make it short enough to run, or move it \
                               into a night job.";
                findings.push(Finding::new(&source.path, token.line, message));
            }
        }
    }
}

/// Under these a test may be ignored: it cannot run there, but does everywhere else.
const CHECKERS: [&str; 4] = ["counterpoint_loom", "counterpoint_shuttle", "miri", "tsan"];

/// True for `ignore`, and behind `cfg_attr` unless only a checker ignores the test.
fn ignores(attribute: &[Token<'_>]) -> bool {
    let mut words = attribute.iter().filter(|token| token.kind == Kind::Ident);
    match words.next() {
        Some(first) if first.is_word("cfg_attr") => {}
        first => return first.is_some_and(|word| word.is_word("ignore")),
    }
    let words: Vec<&str> = words.map(|word| word.text).collect();
    let Some(at) = words.iter().position(|word| *word == "ignore") else {
        return false;
    };
    let combine = ["any", "all"];
    !words[..at]
        .iter()
        .all(|word| combine.contains(word) || CHECKERS.contains(word))
}

/// Finds code blocks marked `ignore` in documentation.
fn ignored_examples(path: &str, first: usize, text: &str, findings: &mut Vec<Finding>) {
    for (offset, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches(['/', '!', '*', ' ']);
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let mut words = info.split(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        if words.any(|word| word == "ignore" || word.starts_with("ignore-")) {
            let message = "An unchecked example rots. Use `no_run`, `compile_fail` or `text`.";
            findings.push(Finding::new(path, first + offset, message));
        }
    }
}

#[cfg(test)]
mod tests;

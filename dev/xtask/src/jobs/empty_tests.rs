//! `empty-tests`: a test binary that runs zero tests is a mistake, such as a missing `#[test]`.
//!
//! A file that is empty unless built for a model engine says so in its first line:
//! `// engine: loom` (or `shuttle`, or both with a comma). Unit tests count if the sources of
//! the target contain a test attribute.

use crate::job::Context;
use crate::jobs::cargo_test::Executed;
use crate::report::{Finding, verdict};
use crate::source::{Source, matching};
use crate::test_build::TestBuild;
use std::path::Path;

/// How a file says that it belongs to model engines.
const MARKER: &str = "// engine: ";

/// Runs the job on the lists of tests of what `cargo test` builds.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let executed = listed(context)?;
    let sources = context.repo.sources()?;
    let findings: Vec<Finding> = executed
        .iter()
        .filter(|entry| entry.tests == 0)
        .filter_map(|entry| judge(context.repo.root(), entry, &sources))
        .collect();
    verdict(&findings, format!("{} test binaries", executed.len()))
}

/// The test binaries with the number of tests they would run.
fn listed(context: &Context) -> Result<Vec<Executed>, String> {
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: Vec::new(),
        release: false,
        flags: String::new(),
        target: None,
    };
    let mut executed = Vec::new();
    for binary in build.build(context)? {
        let tests = binary.list(&build.root, &[])?.len();
        executed.push(Executed { binary, tests });
    }
    Ok(executed)
}

/// Says what is wrong with a binary that ran nothing, if anything is.
fn judge(root: &Path, entry: &Executed, sources: &[Source]) -> Option<Finding> {
    let path = entry
        .binary
        .source
        .strip_prefix(root)
        .unwrap_or(&entry.binary.source);
    let path = path.to_string_lossy().replace('\\', "/");
    let own = sources.iter().find(|source| source.path == path);
    if own.is_some_and(is_for_engines) {
        return None;
    }
    let should_test = match entry.binary.kind.as_str() {
        "test" => true,
        // Modules of a package are mostly those of its library.
        "bin" if path.ends_with("main.rs") && has_library(&path, sources) => {
            own.is_some_and(has_tests)
        }
        _ => {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let inside = |source: &&Source| source.path.starts_with(&format!("{folder}/"));
            sources
                .iter()
                .filter(inside)
                .any(|source| !is_for_engines(source) && has_tests(source))
        }
    };
    should_test.then(|| {
        Finding::new(
            &path,
            0,
            "Zero tests were executed. Add `#[test]`, delete the file, or if it is for a model \
             engine only, begin it with `// engine: loom`.",
        )
    })
}

fn has_library(main: &str, sources: &[Source]) -> bool {
    let library = main.replace("main.rs", "lib.rs");
    sources.iter().any(|source| source.path == library)
}

fn is_for_engines(source: &Source) -> bool {
    let first = source.text.lines().next().unwrap_or_default();
    let Some(engines) = first.strip_prefix(MARKER) else {
        return false;
    };
    engines
        .split(',')
        .all(|engine| ["loom", "shuttle"].contains(&engine.trim()))
}

/// True if the file has an attribute such as `#[test]` or `#[tokio::test]`. One inside a macro
/// makes tests only where the macro is called.
fn has_tests(source: &Source) -> bool {
    let code = source.code();
    let mut index = 0;
    while index + 1 < code.len() {
        if code[index].is_word("macro_rules") && code[index + 1].is('!') {
            // After the name comes the body.
            index = matching(&code, (index + 3).min(code.len() - 1));
        } else if code[index].is('#') && code[index + 1].is('[') {
            let close = matching(&code, index + 1);
            let path = code[index + 2..close]
                .iter()
                .take_while(|token| !token.is('('));
            if path.last().is_some_and(|token| token.is_word("test")) {
                return true;
            }
        }
        index += 1;
    }
    false
}

#[cfg(test)]
mod tests;

use super::{ignored_examples, lengths, unfinished};
use crate::source::Source;

/// Findings and warnings about lengths, as lines.
fn judged(path: &str, text: &str) -> (Vec<usize>, Vec<usize>) {
    let (mut findings, mut warnings) = (Vec::new(), Vec::new());
    lengths(&Source::new(path, text), &mut findings, &mut warnings);
    let lines = |list: Vec<crate::report::Finding>| list.iter().map(|f| f.line).collect();
    (lines(findings), lines(warnings))
}

fn product(text: &str) -> (Vec<usize>, Vec<usize>) {
    judged("crates/wait/src/list.rs", text)
}

/// A function of exactly `length` lines.
fn function(length: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(length - 2))
}

#[test]
fn long_functions_fail() {
    assert_eq!(product(&function(50)), (vec![], vec![]));
    assert_eq!(product(&function(51)), (vec![], vec![1]));
    assert_eq!(product(&function(80)), (vec![], vec![1]));
    assert_eq!(product(&function(81)), (vec![1], vec![]));
}

#[test]
fn a_long_function_may_say_why() {
    let because = "// Long because: the steps belong together.";
    let long = function(90);
    assert_eq!(product(&format!("{because}\n{long}")), (vec![], vec![2]));
    assert_eq!(
        product(&format!("/// Doc.\n{because}\n#[inline]\n{long}")),
        (vec![], vec![4])
    );
    // Not directly above, and without a reason.
    assert_eq!(product(&format!("{because}\n\n{long}")).0, [3]);
    assert_eq!(product(&format!("// Long because: \n{long}")).0, [2]);
}

#[test]
fn long_files_fail() {
    assert_eq!(product(&"use a;\n".repeat(500)), (vec![], vec![]));
    assert_eq!(product(&"use a;\n".repeat(501)), (vec![], vec![0]));
    assert_eq!(product(&"use a;\n".repeat(801)), (vec![0], vec![]));
    let excused = format!("// Long because: a table.\n{}", "use a;\n".repeat(801));
    assert_eq!(product(&excused), (vec![], vec![0]));
}

#[test]
fn tests_are_not_counted() {
    let inline = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(700));
    assert_eq!(product(&inline), (vec![], vec![]));
    assert_eq!(
        judged("crates/wait/src/list/tests.rs", &function(900)),
        (vec![], vec![])
    );
}

#[test]
fn unfinished_code_is_found() {
    let lines = |text: &str| {
        let mut findings = Vec::new();
        unfinished(&Source::new("crates/wait/src/a.rs", text), &mut findings);
        findings
            .iter()
            .map(|finding| finding.line)
            .collect::<Vec<_>>()
    };
    let text = "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n#[ignore]\nfn c() {}\n\
                #[ignore = \"slow\"]\nfn d() {}\n#[cfg_attr(unix, ignore)]\nfn e() {}\n\
                #[cfg_attr(not(miri), ignore)]\nfn f() {}";
    assert_eq!(lines(text), [1, 2, 3, 5, 7, 9]);
    let fine = "// todo!()\nfn todo() { \"unimplemented!\"; ignore(x); }\n#[must_use] fn a() {}
                #[cfg_attr(any(counterpoint_loom, miri), ignore = \"slow\")] fn b() {}";
    assert_eq!(lines(fine), [0usize; 0]);
}

#[test]
fn ignored_examples_are_found() {
    let lines = |text: &str| {
        let mut findings = Vec::new();
        ignored_examples("a.md", 1, text, &mut findings);
        findings
            .iter()
            .map(|finding| finding.line)
            .collect::<Vec<_>>()
    };
    let text =
        "/// ```ignore\n//! ```rust,ignore\n/// ```no_run\n```text\n```\n    ```ignore-x86\n";
    assert_eq!(lines(text), [1, 2, 6]);
}

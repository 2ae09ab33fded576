//! The result is right, and the same however many threads find it.

mod common;

use std::process::Command;

use common::{beside, json, json_text, mixed, plain, run, tree, write};
use serde_json::Value;

#[test]
fn equals_a_plain_sequential_program() {
    for seed in 1..=3 {
        let (_temp, tree) = tree();
        mixed(&tree, 400, seed);
        let expected = plain::map(&tree, 20);
        let found = json(&tree, &["--threads", "3"]);
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&found[key], value, "{key} with seed {seed}");
        }
        assert_eq!(
            found.as_object().unwrap().len(),
            expected.as_object().unwrap().len()
        );
    }
}

#[test]
fn is_identical_for_any_number_of_threads_and_open_files() {
    let (_temp, tree) = tree();
    mixed(&tree, 500, 11);
    let expected = json_text(&tree, &["--threads", "1"]);
    let page = std::fs::read(beside(&tree, "report.html")).unwrap();
    for args in [
        ["--threads", "2", "--open-files", "64"],
        ["--threads", "3", "--open-files", "2"],
        ["--threads", "8", "--open-files", "1"],
        ["--threads", "32", "--open-files", "3"],
    ] {
        assert!(
            json_text(&tree, &args) == expected,
            "JSON differs with {args:?}"
        );
        let other = std::fs::read(beside(&tree, "report.html")).unwrap();
        assert!(other == page, "HTML differs with {args:?}");
    }
}

#[test]
fn lines_and_bytes_are_those_of_wc() {
    let (_temp, tree) = tree();
    mixed(&tree, 300, 5);
    let script = "find \"$0\" -type f -exec cat {} + | wc -lc; find \"$0\" -type f | wc -l";
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(&tree)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let told: Vec<u64> = told
        .split_whitespace()
        .map(|word| word.parse().unwrap())
        .collect();
    let found = json(&tree, &[]);
    let found = ["lines", "bytes", "files"].map(|key| found[key].as_u64().unwrap());
    assert_eq!(found.as_slice(), told);
}

#[test]
fn lists_have_as_many_entries_as_asked() {
    let (_temp, tree) = tree();
    mixed(&tree, 60, 7);
    let found = json(&tree, &["--top", "3"]);
    assert_eq!(found["largest"].as_array().unwrap().len(), 3);
    assert_eq!(found["identifiers"]["top"].as_array().unwrap().len(), 3);
}

#[test]
fn an_empty_tree_is_a_result() {
    let (_temp, tree) = tree();
    let found = json(&tree, &[]);
    assert_eq!(
        (&found["files"], &found["directories"]),
        (&Value::from(0), &Value::from(1))
    );
    assert!(run(&tree, &[]).status.success());
}

#[test]
fn the_summary_names_what_was_found() {
    let (_temp, tree) = tree();
    write(
        &tree,
        "src/main.rs",
        "fn main() { hello_world(); hello_world(); }\n",
    );
    write(
        &tree,
        "src/copy.rs",
        "fn main() { hello_world(); hello_world(); }\n",
    );
    let output = run(&tree, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "2 files, 2 lines in 2 directories",
        "Rust",
        "hello_world",
        "copy.rs",
        "2 \u{d7}",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\x1b'), "colours go to terminals only");
}

#[test]
fn the_page_needs_nothing_else_and_names_cannot_break_it() {
    let (_temp, tree) = tree();
    write(
        &tree,
        "<img src=x onerror=alert(1)>.rs",
        "fn main() { first(); }\n",
    );
    assert!(run(&tree, &[]).status.success());
    let page = std::fs::read_to_string(beside(&tree, "report.html")).unwrap();
    assert!(page.contains("&lt;img src=x"));
    for foreign in [
        "http://", "https://", "<img", "<link", " src=\"", "@import", "url(",
    ] {
        assert!(!page.contains(foreign), "the page holds {foreign}");
    }
    for chart in ["class=\"tree", "class=\"ring\"", "class=\"sizes\""] {
        assert!(page.contains(chart), "{chart} is missing");
    }
}

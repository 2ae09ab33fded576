//! The program as its users call it.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn arena(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_arena"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A place for what a test writes.
fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn wrong_arguments_are_told_in_a_sentence_and_end_with_2() {
    for (arguments, said) in [
        (
            &["--only", "sync/mutx"][..],
            "no scenario fits --only sync/mutx",
        ),
        (&["--fast"], "--fast"),
        (&["--seed", "x"], "invalid value 'x' for '--seed"),
        (&["--only"], "a value is required for '--only"),
        (&["something"], "unexpected argument 'something'"),
        (&["--counts", "--json", "x"], "cannot be used with"),
    ] {
        let output = arena(arguments);
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(said), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_list_says_what_each_scenario_measures() {
    let output = arena(&["--list"]);
    let list = text(&output.stdout);
    assert!(output.status.success());
    for line in list.lines() {
        let (id, about) = line.split_once("  ").expect("an id and what it measures");
        assert!(id.contains('/') && !about.trim().is_empty(), "{line}");
    }
    for id in ["base/aa", "sync/mutex/contended/16", "atlas/tree"] {
        assert!(
            list.lines().any(|line| line.starts_with(id)),
            "{id} is not listed"
        );
    }
    let some = text(&arena(&["--list", "--only", "wait/{parker,select}/*"]).stdout);
    assert!(some.lines().count() >= 4 && some.lines().all(|line| line.starts_with("wait/")));
}

#[test]
fn a_short_run_writes_its_reports() {
    let (json, html) = (place("reports/run.json"), place("reports/run.html"));
    let output = arena(&[
        "--quick",
        "--only",
        "wait/parker/token",
        "--json",
        json.to_str().expect("a path of ASCII"),
        "--html",
        html.to_str().expect("a path of ASCII"),
    ]);
    // A restless machine makes the run void; the reports are written all the same.
    let code = output.status.code();
    assert!(
        matches!(code, Some(0 | 3)),
        "{code:?}: {}",
        text(&output.stderr)
    );
    let shown = text(&output.stdout);
    assert!(
        shown.contains("base/aa") && shown.contains("where we lose"),
        "{shown}"
    );

    let written = std::fs::read_to_string(json).expect("the JSON is written");
    let value: Value = serde_json::from_str(&written).expect("it is JSON");
    let ids: Vec<&str> = value["scenarios"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    assert_eq!(ids, ["base/aa", "wait/parker/token"]);
    assert_eq!(value["scenarios"][1]["subjects"][0]["name"], "counterpoint");
    let page = std::fs::read_to_string(html).expect("the page is written");
    assert!(page.contains("Where we lose") && page.contains("wait/parker/token"));
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let output = arena(&["--quick", "--only", "base/aa", "--json", "/dev/null/x.json"]);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains("cannot write") && errors.contains("--json"),
        "{errors}"
    );
}

#[test]
fn without_callgrind_counts_say_how_to_get_it() {
    let output = Command::new(env!("CARGO_BIN_EXE_arena"))
        .args(["--counts", "--only", "base/aa"])
        .env("PATH", "")
        .output()
        .expect("the program starts");
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("install valgrind"), "{errors}");
}

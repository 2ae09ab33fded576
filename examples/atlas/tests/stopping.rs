//! Ctrl-C and the time limit end the walk with what there is.
#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use atlas::engine::backend::{Counterpoint, Token};
use atlas::engine::{self, Options};
use common::{beside, json, program, run, tree, write};

/// A tree with three small files and one that nobody reads to its end in time:
/// a hole of half a tebibyte takes no space.
fn endless() -> (tempfile::TempDir, PathBuf) {
    let (temp, tree) = tree();
    for name in ["a.rs", "b.rs", "c.rs"] {
        write(&tree, name, "fn main() {}\n");
    }
    File::create(tree.join("hole.bin"))
        .unwrap()
        .set_len(1 << 39)
        .unwrap();
    (temp, tree)
}

#[test]
fn the_time_limit_gives_a_partial_result() {
    let (_temp, tree) = endless();
    let begun = Instant::now();
    let found = json(&tree, &["--threads", "2", "--timeout", "0.5"]);
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "took {:?}",
        begun.elapsed()
    );
    assert_eq!(found["partial"], true);
    assert_eq!(found["stopped_by"], "the time limit");
    assert!(found["files"].as_u64().unwrap() <= 3);
    let page = fs::read_to_string(beside(&tree, "report.html")).unwrap();
    assert!(page.contains("<b>Partial.</b>"));
    let output = run(&tree, &["--timeout", "0.1"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("PARTIAL: the time limit"));
}

#[test]
fn a_limit_that_is_not_reached_changes_nothing() {
    let (_temp, tree) = tree();
    write(&tree, "a.rs", "fn main() {}\n");
    let found = json(&tree, &["--timeout", "600"]);
    assert_eq!(
        (found["partial"].as_bool(), found["files"].as_u64()),
        (Some(false), Some(1))
    );
}

/// Waits until the program handles SIGINT, which is bit 2 of the caught set.
fn handles_interrupt(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap_or(0) & 2 != 0)
}

fn start(tree: &Path) -> Child {
    let mut command = program();
    command
        .arg(tree)
        .arg("--html")
        .arg(beside(tree, "report.html"));
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn ctrl_c_gives_a_partial_result() {
    let (_temp, tree) = endless();
    let child = start(&tree);
    let begun = Instant::now();
    while !handles_interrupt(&child) {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "SIGINT is never handled"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8_lossy(&output.stdout).contains("PARTIAL: Ctrl-C ended the walk"));
}

#[test]
fn a_token_cancelled_before_the_start_leaves_nothing_to_show() {
    let (_temp, tree) = tree();
    write(&tree, "a.rs", "fn main() {}\n");
    let token: <Counterpoint as engine::backend::Backend>::Token = Token::new();
    token.cancel("the test");
    let options = Options {
        paths: vec![tree],
        threads: 3,
        ..Options::default()
    };
    let atlas = engine::map::<Counterpoint>(&options, &token, &mut |_| {}).unwrap();
    assert_eq!((atlas.files, atlas.stopped_by), (0, Some("the test")));
}

#[test]
fn a_limit_that_makes_no_sense_is_refused() {
    let (_temp, tree) = tree();
    for limit in ["-1", "soon", "nan"] {
        let output = run(&tree, &[&format!("--timeout={limit}")]);
        assert_eq!(output.status.code(), Some(2), "{limit}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("give a number of seconds"));
    }
}

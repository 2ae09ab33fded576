//! What is odd is counted and named, and never ends the program.
#![cfg(unix)]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use common::{beside, json, program, run, tree, write};
use serde_json::Value;

/// The names under `tree` of one kind of oddity.
fn named(found: &Value, kind: &str, tree: &Path) -> Vec<String> {
    let kind = &found["problems"][kind];
    let paths = kind["paths"].as_array().unwrap();
    assert_eq!(kind["count"], paths.len());
    let name = |entry: &Value| {
        let path = Path::new(entry["path"].as_str().unwrap());
        path.strip_prefix(tree)
            .unwrap()
            .to_string_lossy()
            .into_owned()
    };
    paths.iter().map(name).collect()
}

#[test]
fn links_are_told_apart_and_not_followed() {
    let (_temp, tree) = tree();
    write(&tree, "real/file.txt", "one\n");
    write(&tree, "other/file.txt", "two\n");
    symlink("file.txt", tree.join("real/to-file")).unwrap();
    symlink("../other", tree.join("real/to-directory")).unwrap();
    symlink("nowhere", tree.join("real/broken")).unwrap();
    symlink("itself", tree.join("real/itself")).unwrap();
    symlink("pong", tree.join("real/ping")).unwrap();
    symlink("ping", tree.join("real/pong")).unwrap();
    symlink("..", tree.join("real/up")).unwrap();
    symlink(".", tree.join("real/here")).unwrap();
    let found = json(&tree, &[]);
    assert_eq!(found["files"], 2);
    assert_eq!(found["links"], 2);
    assert_eq!(named(&found, "broken_links", &tree), ["real/broken"]);
    let loops = [
        "real/here",
        "real/itself",
        "real/ping",
        "real/pong",
        "real/up",
    ];
    assert_eq!(named(&found, "link_loops", &tree), loops);
}

#[test]
fn a_link_named_by_the_user_is_followed() {
    let (_temp, tree) = tree();
    write(&tree, "real/file.txt", "one\n");
    symlink("real", tree.join("link")).unwrap();
    assert_eq!(json(&tree.join("link"), &[])["files"], 1);
}

#[test]
fn special_files_are_not_opened() {
    let (_temp, tree) = tree();
    write(&tree, "file.txt", "one\n");
    let status = Command::new("mkfifo")
        .arg(tree.join("pipe"))
        .status()
        .unwrap();
    assert!(status.success());
    let _socket = UnixListener::bind(tree.join("socket")).unwrap();
    let found = json(&tree, &[]);
    assert_eq!(named(&found, "special", &tree), ["pipe", "socket"]);
    assert_eq!(found["files"], 1);
}

#[test]
fn binary_files_and_other_encodings_count_and_are_named() {
    let (_temp, tree) = tree();
    write(&tree, "binary.rs", b"fn main\0\n");
    write(&tree, "latin.rs", b"fn caf\xe9() {}\n");
    write(&tree, "fine.rs", "fn main() {}\n");
    let found = json(&tree, &[]);
    assert_eq!(named(&found, "binary", &tree), ["binary.rs"]);
    assert_eq!(named(&found, "invalid_utf8", &tree), ["latin.rs"]);
    assert_eq!(
        (&found["files"], &found["lines"]),
        (&Value::from(3), &Value::from(3))
    );
}

#[test]
fn names_that_are_not_utf8_are_read() {
    let (_temp, tree) = tree();
    let name = OsStr::from_bytes(b"caf\xe9.rs");
    if fs::write(tree.join(name), "fn main() {}\n").is_err() {
        eprintln!("this file system takes UTF-8 names only");
        return;
    }
    let found = json(&tree, &[]);
    assert_eq!(found["files"], 1);
    assert!(
        found["largest"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("caf\u{fffd}.rs")
    );
}

/// Runs the program as a user who may not read everything, the superuser's
/// permissions being none.
#[test]
fn unreadable_files_and_directories_are_named() {
    let (temp, tree) = tree();
    write(&tree, "fine.txt", "one\n");
    write(&tree, "locked.txt", "two\n");
    write(&tree, "shut/inside.txt", "three\n");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&tree.join("locked.txt"), 0o000);
    mode(&tree.join("shut"), 0o000);
    mode(&tree, 0o755);
    mode(temp.path(), 0o777);
    let mut command = program();
    if fs::read_dir(tree.join("shut")).is_ok() {
        let copy = temp.path().join("atlas");
        // By another program: a copy this process has open for writing while a
        // test beside it starts a program could not be executed.
        let cp = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_atlas"))
            .arg(&copy)
            .status();
        assert!(cp.unwrap().success());
        command = Command::new(copy);
        command.uid(65534).arg("--no-progress");
    }
    command
        .arg(&tree)
        .arg("--html")
        .arg(temp.path().join("report.html"));
    let output = command.args(["--json", "-"]).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(named(&found, "unreadable", &tree), ["locked.txt", "shut"]);
    assert_eq!(
        found["problems"]["unreadable"]["paths"][0]["detail"],
        "Permission denied"
    );
    assert_eq!(found["files"], 1);
    mode(&tree.join("shut"), 0o755);
}

#[test]
fn without_a_readable_path_it_ends_with_two_and_a_sentence() {
    let (_temp, tree) = tree();
    let output = run(&tree.join("nothing"), &[]);
    assert_eq!(output.status.code(), Some(2));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(
        sentence.starts_with("atlas: nothing to map: cannot read "),
        "{sentence}"
    );
    assert!(sentence.contains("No such file or directory"), "{sentence}");
    assert!(sentence.ends_with("that you may read.\n"), "{sentence}");
    assert!(output.stdout.is_empty());
}

#[test]
fn one_readable_path_is_enough() {
    let (_temp, tree) = tree();
    write(&tree, "file.txt", "one\n");
    let missing = tree.join("missing");
    let found = json(&tree, &[missing.to_str().unwrap()]);
    assert_eq!(found["files"], 1);
    assert_eq!(named(&found, "unreadable", &tree), ["missing"]);
}

#[test]
fn paths_that_overlap_count_once() {
    let (_temp, tree) = tree();
    write(&tree, "file.txt", "one\n");
    write(&tree, "inner/file.txt", "two\n");
    write(&tree, "inner/deep/file.txt", "three\n");
    let more = ["inner", "inner/deep/file.txt", "inner/../inner"].map(|path| tree.join(path));
    let more: Vec<_> = more.iter().map(|path| path.to_str().unwrap()).collect();
    let found = json(&tree, &more);
    assert_eq!(
        (&found["files"], &found["lines"]),
        (&Value::from(3), &Value::from(3))
    );
    assert_eq!(found["duplicates"]["copies"], 0);
}

#[test]
fn stores_and_tagged_caches_are_skipped_unless_asked_for() {
    let (_temp, tree) = tree();
    write(&tree, "src/main.rs", "fn main() {}\n");
    write(&tree, ".git/HEAD", "ref: refs/heads/main\n");
    write(
        &tree,
        "target/CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n# more\n",
    );
    write(&tree, "target/debug/out.txt", "made\n");
    write(&tree, "fake/CACHEDIR.TAG", "not the signature\n");
    let found = json(&tree, &[]);
    assert_eq!(found["files"], 2);
    let skipped = |at: usize| found["skipped"][at]["path"].as_str().unwrap();
    assert_eq!(skipped(0), tree.join(".git").to_str().unwrap());
    assert_eq!(skipped(1), tree.join("target").to_str().unwrap());
    assert_eq!(json(&tree, &["--all"])["files"], 5);
    assert_eq!(
        json(&tree.join("target"), &[])["files"],
        2,
        "a cache that is named is walked"
    );
}

#[test]
fn names_of_one_file_are_no_duplicates() {
    let (_temp, tree) = tree();
    write(&tree, "one.txt", "content\n");
    fs::hard_link(tree.join("one.txt"), tree.join("two.txt")).unwrap();
    assert_eq!(json(&tree, &[])["duplicates"]["copies"], 0);
    write(&tree, "three.txt", "content\n");
    let found = json(&tree, &[]);
    assert_eq!(found["duplicates"]["copies"], 1);
    assert_eq!(
        found["duplicates"]["groups"][0]["paths"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_report_that_cannot_be_written_is_a_sentence() {
    let (_temp, tree) = tree();
    write(&tree, "file.txt", "one\n");
    let html = tree.join("file.txt/report.html");
    let output = program()
        .arg(&tree)
        .arg("--html")
        .arg(html)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert!(
        sentence.contains("Name another file with --html."),
        "{sentence}"
    );
    assert!(!beside(&tree, "report.html").exists());
}

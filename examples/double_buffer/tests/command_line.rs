//! The program as a user calls it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(out: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_double_buffer"))
        .args(["--size", "48x32", "--frames", "8", "--steps", "5", "--out"])
        .arg(out)
        .args(arguments)
        .output()
        .expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_picture_is_the_same_on_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    let [two, one] = ["a/two.gif", "b/one.gif"].map(|name| folder.path().join(name));
    let output = run(&two, &["--check"]);
    assert!(output.status.success(), "{output:?}");
    let summary = text(&output.stdout);
    assert!(summary.starts_with("8 frames of 48x32 in "), "{summary}");
    assert!(
        summary.contains("8 frames are the same as on one thread."),
        "{summary}"
    );
    assert!(run(&one, &["--one-thread"]).status.success());
    assert_eq!(fs::read(two).unwrap(), fs::read(one).unwrap());
}

#[test]
fn a_picture_that_cannot_be_written_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.starts_with("double_buffer: cannot write "), "{error}");
    assert!(
        error.ends_with("Name another file with --out.\n"),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_in_a_sentence() {
    let output = run(Path::new("/dev/full"), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = text(&output.stderr);
    assert!(
        error.starts_with("double_buffer: cannot write /dev/full: "),
        "{error}"
    );
}

#[test]
fn wrong_sizes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for size in ["7x100", "100", "axb", "100x5000"] {
        let output = Command::new(env!("CARGO_BIN_EXE_double_buffer"))
            .args(["--size", size, "--out"])
            .arg(folder.path().join("none.gif"))
            .output()
            .expect("it starts");
        assert_eq!(output.status.code(), Some(2), "{size}");
        assert!(text(&output.stderr).contains("write it as 320x240"));
    }
}

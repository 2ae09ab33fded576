use super::{Command, Ending, is_problem};
use std::path::Path;
use std::time::Duration;

fn shell(script: &str) -> Command {
    Command::program(Path::new("sh")).arguments(&["-c", script])
}

#[test]
fn both_streams_arrive_in_order() {
    let output = shell("echo a; echo b >&2; echo c").run().unwrap();
    assert_eq!(
        (output.text.as_str(), output.ending),
        ("a\nb\nc\n", Ending::Success)
    );
}

#[test]
fn capture_keeps_the_streams_apart() {
    let output = shell("echo a; echo b >&2").capture().unwrap();
    assert_eq!(
        (output.text.as_str(), output.errors.as_str()),
        ("a\n", "b\n")
    );
}

#[test]
fn a_failure_shows_its_last_lines() {
    let report = shell("echo because; exit 3")
        .run()
        .unwrap()
        .checked()
        .unwrap_err();
    assert!(
        report.contains("exit code 3") && report.contains("because"),
        "{report}"
    );
}

#[test]
fn a_program_that_does_not_end_is_stopped() {
    let output = Command::program(Path::new("sleep"))
        .arguments(&["60"])
        .limit(Duration::from_millis(50))
        .run()
        .unwrap();
    assert_eq!(output.ending, Ending::TimedOut);
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let report = Command::program(Path::new("no-such-program-here"))
        .run()
        .unwrap_err();
    assert!(report.contains("no-such-program-here"), "{report}");
}

#[test]
fn problems_are_told_from_chatter() {
    assert!(is_problem("error[E0308]: mismatched types\n"));
    assert!(is_problem("test a ... FAILED\n"));
    assert!(!is_problem("test a ... ok\n"));
    assert!(!is_problem("   Compiling x v0.1.0\n"));
}

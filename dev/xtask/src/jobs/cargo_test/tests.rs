use super::{assign, total};
use crate::test_build::{Ran, TestBinary};
use std::path::Path;

#[test]
fn a_run_without_tests_is_an_error() {
    let ran = |tests| Ran {
        executable: None,
        tests,
    };
    assert!(total(&[]).is_err());
    assert!(total(&[ran(0)]).is_err());
    assert_eq!(total(&[ran(0), ran(3)]), Ok(3));
}

#[test]
fn binaries_get_their_own_count() {
    let binary = |path: &str| TestBinary {
        executable: path.into(),
        source: "/x/tests/a.rs".into(),
        kind: "test".into(),
    };
    let runs = [Ran {
        executable: Some("target/a-1".into()),
        tests: 4,
    }];
    let found = assign(
        Path::new("/x"),
        vec![binary("/x/target/a-1"), binary("/x/b")],
        &runs,
    );
    assert_eq!([found[0].tests, found[1].tests], [4, 0]);
}

use super::judge;
use crate::jobs::cargo_test::Executed;
use crate::source::Source;
use crate::test_build::TestBinary;
use std::path::Path;

fn refused(kind: &str, path: &str, files: &[(&str, &str)]) -> bool {
    let binary = TestBinary {
        executable: "/x/target/a".into(),
        source: Path::new("/x").join(path),
        kind: kind.to_owned(),
    };
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect();
    judge(Path::new("/x"), &Executed { binary, tests: 0 }, &sources).is_some()
}

#[test]
fn an_integration_test_must_test() {
    let path = "crates/wait/tests/bug.rs";
    assert!(refused("test", path, &[(path, "fn main() {}")]));
    assert!(refused("test", path, &[(path, "//! engine: loom\n")]));
    assert!(refused("test", path, &[(path, "// engine: miri\n")]));
    assert!(!refused(
        "test",
        path,
        &[(path, "// engine: loom\n#![cfg(counterpoint_loom)]")]
    ));
    assert!(!refused(
        "test",
        path,
        &[(path, "// engine: loom, shuttle\n")]
    ));
}

#[test]
fn a_library_with_tests_must_run_them() {
    let root = "crates/wait/src/lib.rs";
    let tests = "crates/wait/src/list/tests.rs";
    let check = |text: &str| refused("lib", root, &[(root, "mod list;"), (tests, text)]);
    assert!(check("#[test] fn a() {}"));
    assert!(check("#[tokio::test(flavor = \"x\")] async fn a() {}"));
    assert!(!check("fn helper() {} // #[test]"));
    assert!(!check("#[cfg(test)] fn helper() {}"));
    assert!(!check("macro_rules! model { () => { #[test] fn a() {} } }"));
    assert!(check("macro_rules! x { () => {} }\n#[test] fn a() {}"));
    assert!(!check("// engine: loom\n#[test] fn a() {}"));
}

#[test]
fn a_program_beside_a_library_has_its_own_file_only() {
    let (main, library) = ("examples/atlas/src/main.rs", "examples/atlas/src/lib.rs");
    let tested = (library, "#[test] fn a() {}");
    assert!(!refused("bin", main, &[(main, "fn main() {}"), tested]));
    assert!(refused("bin", main, &[(main, "#[test] fn b() {}"), tested]));
}

use super::{Engine, Ran, parse_artifact, parse_runs};

#[test]
fn executed_tests_are_counted_for_each_binary() {
    let text = "   Compiling x v0.1.0\n     Running unittests src/lib.rs (target/release/deps/x-1)\n\
        running 3 tests\ntest a ... ok\n\
        test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out\n\
             Running tests/empty.rs (target/release/deps/empty-2)\n\nrunning 0 tests\n\n\
        test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished\n\
           Doc-tests x\n\nrunning 12 tests\n\
        test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let ran = |executable: Option<&str>, tests| Ran {
        executable: executable.map(str::to_owned),
        tests,
    };
    let expected = [
        ran(Some("target/release/deps/x-1"), 2),
        ran(Some("target/release/deps/empty-2"), 0),
        ran(None, 12),
    ];
    assert_eq!(parse_runs(text), expected);
}

#[test]
fn test_binaries_are_read_from_messages() {
    let line = r#"{"reason":"compiler-artifact","target":{"kind":["test"],"src_path":"/x/t.rs"},
        "profile":{"test":true},"executable":"/x/target/t-1"}"#;
    let found = parse_artifact(line).unwrap();
    assert_eq!(found.kind, "test");
    assert_eq!(found.executable.to_str(), Some("/x/target/t-1"));
    assert_eq!(parse_artifact(&line.replace("true", "false")), None);
    assert_eq!(parse_artifact("not json"), None);
}

#[test]
fn engines_have_names() {
    for engine in [Engine::Loom, Engine::Shuttle, Engine::Threads] {
        assert_eq!(Engine::named(engine.name()), Some(engine));
    }
    assert_eq!(Engine::named("miri"), None);
}

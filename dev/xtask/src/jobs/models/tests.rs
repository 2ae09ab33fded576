use super::{Model, chosen, judge, parse};
use crate::primitives::Primitive;
use crate::test_build::Engine;

fn model(name: &str, executions: u64) -> Model {
    Model {
        file: String::new(),
        name: name.into(),
        executions,
        engine: "loom".into(),
    }
}

#[test]
fn lines_of_models_are_found_among_others() {
    let text = "running 2 tests\nmodel a::b: 63 executions (loom)\n\
                test x ... model c: 7 executions (loom)\nok\nthis model is fine: yes\n";
    assert_eq!(parse("", text), [model("a::b", 63), model("c", 7)]);
}

#[test]
fn models_know_their_file() {
    let text = "model a: 63 executions (loom)\n";
    assert_eq!(parse("mutex", text)[0].path(), "mutex::a");
}

#[test]
fn few_executions_fail() {
    assert_eq!(
        judge(Engine::Loom, 2, &[model("a", 50), model("b", 1000)]),
        [""; 0]
    );
    let found = judge(Engine::Loom, 2, &[model("a", 49), model("b", 50)]);
    assert!(
        found.len() == 1 && found[0].contains("model a had 49"),
        "{found:?}"
    );
}

#[test]
fn silent_models_fail_once_there_are_tests() {
    assert_eq!(judge(Engine::Shuttle, 0, &[]), [""; 0]);
    let found = judge(Engine::Shuttle, 3, &[]);
    assert!(
        found.len() == 1 && found[0].contains("3 tests ran under shuttle"),
        "{found:?}"
    );
}

#[test]
fn engines_and_files_may_be_chosen() {
    let only = |names: &[&str]| -> Vec<String> { names.iter().map(|it| (*it).into()).collect() };
    let mutex = Primitive {
        name: "Mutex".into(),
        models: ["mutex::excludes".to_owned()].into(),
        ..Primitive::default()
    };
    let primitives = [mutex];
    let both = only(&["mutex", "loom"]);
    assert_eq!(
        chosen(&both, &primitives),
        Ok((vec!["loom"], vec!["mutex"]))
    );
    assert_eq!(chosen(&[], &primitives), Ok((vec![], vec![])));
    let wrong = only(&["rwlock"]);
    assert!(chosen(&wrong, &primitives).unwrap_err().contains("rwlock"));
}

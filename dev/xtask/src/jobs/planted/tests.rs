use super::coverage::{models_in, unnamed};
use super::{Engine, Plant, Verdict, apply, parse, problem};
use std::collections::BTreeMap;

const ENTRY: &str = r#"
[[planted]]
name = "unlock"
class = "ordering"
file = "crates/sync/src/mutex.rs"
find = 'release("mutex.unlock")'
replace = "RELAXED"
tests = ["excludes", "excludes_fairly"]
engine = "loom"
gate = true
"#;

fn plant() -> Plant {
    parse(ENTRY).unwrap().remove(0)
}

#[test]
fn entries_are_read() {
    let plant = plant();
    assert_eq!(plant.find, "release(\"mutex.unlock\")");
    assert_eq!(
        (plant.engine, plant.gate, plant.seconds),
        (Engine::Loom, true, 120)
    );
    assert_eq!(parse(""), Ok(vec![]));
}

#[test]
fn wrong_entries_are_named() {
    let says = |from: &str, to: &str, word: &str| {
        let report = parse(&ENTRY.replace(from, to)).unwrap_err();
        assert!(report.contains(word), "{report}");
    };
    says("\"loom\"", "\"miri\"", "miri");
    says("class = \"ordering\"", "", "`class`");
    says("tests = [\"excludes\", \"excludes_fairly\"]", "", "`tests`");
    says("[\"excludes\", \"excludes_fairly\"]", "[]", "`tests`");
    says("[\"excludes\", \"excludes_fairly\"]", "[1]", "`tests`");
    says("gate = true", "gate = 1", "`gate`");
    says("gate = true", "gates = true", "`gates`");
    says("gate = true", "seconds = \"x\"", "`seconds`");
    says("[[planted]]", "[[plants]]", "[[planted]]");
    says("gate = true", ENTRY, "twice");
}

#[test]
fn a_fault_goes_into_exactly_one_place() {
    let sound = "a(release(\"mutex.unlock\"));";
    assert_eq!(apply(sound, &plant()), Ok("a(RELAXED);".to_owned()));
    assert!(apply("nothing", &plant()).unwrap_err().contains("0 times"));
    assert!(
        apply(&sound.repeat(2), &plant())
            .unwrap_err()
            .contains("2 times")
    );
    let same = Plant {
        replace: plant().find,
        ..plant()
    };
    assert!(apply(sound, &same).is_err());
}

#[test]
fn only_a_caught_fault_is_fine() {
    let threads = Plant {
        engine: Engine::Threads,
        ..plant()
    };
    assert_eq!(problem(&plant(), "excludes", &Verdict::Caught), None);
    assert_eq!(problem(&threads, "excludes", &Verdict::Hung), None);
    for verdict in [
        Verdict::Survived,
        Verdict::Hung,
        Verdict::Unclear("no".into()),
    ] {
        let report = problem(&plant(), "excludes", &verdict).unwrap();
        assert!(report.starts_with("unlock: "), "{report}");
    }
}

#[test]
fn models_are_found_in_their_macro_only() {
    let text = [
        "fn helper() {}",
        "model! {",
        "    fn first(preemptions: None) {",
        "        fn inner() {}",
        "    }",
        "    fn second(",
        "    ) {}",
        "}",
        "impl It {",
        "    fn method() {}",
        "}",
        "model! {",
        "    fn third() {}",
        "}",
    ];
    assert_eq!(models_in(&text.join("\n")), ["first", "second", "third"]);
}

#[test]
fn a_model_without_a_fault_is_refused() {
    let models: BTreeMap<String, String> = ["excludes", "excludes_fairly", "forgotten"]
        .map(|model| (model.to_owned(), "mutex.rs".to_owned()))
        .into();
    let report = unnamed(&models, &[plant()]);
    assert_eq!(report.len(), 1);
    assert!(report[0].contains("forgotten") && report[0].contains("mutex.rs"));
    assert_eq!(unnamed(&models, &[]).len(), 3);
}

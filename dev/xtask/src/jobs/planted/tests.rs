use super::coverage::{Models, models_in, shallow, unnamed};
use super::{Engine, Plant, Verdict, apply, parse, problem};

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
        "        fn inner(preemptions: Some(1)) {}",
        "    }",
        "    fn second(",
        "        per_thread: 1,",
        "        preemptions: Some(3),",
        "    ) {}",
        "}",
        "impl It {",
        "    fn method() {}",
        "}",
        "model! {",
        "    fn third(branches: [A], preemptions: Some(12)) {}",
        "}",
    ];
    let found = models_in(&text.join("\n"));
    let shown: Vec<String> = found.iter().map(|model| format!("{model:?}")).collect();
    assert_eq!(
        shown,
        [
            "Model { name: \"first\", bound: None }",
            "Model { name: \"second\", bound: Some(3) }",
            "Model { name: \"third\", bound: Some(12) }",
        ]
    );
}

fn models(bounds: [(&str, Option<u32>); 3]) -> Models {
    bounds
        .map(|(model, bound)| (model.to_owned(), ("mutex".to_owned(), bound)))
        .into()
}

#[test]
fn a_model_without_a_fault_is_refused() {
    let models = models([
        ("excludes", None),
        ("excludes_fairly", None),
        ("lost", None),
    ]);
    let report = unnamed(&models, &[plant()]);
    assert_eq!(report.len(), 1);
    assert!(report[0].contains("lost") && report[0].contains("tests/mutex.rs"));
    assert_eq!(unnamed(&models, &[]).len(), 3);
}

#[test]
fn a_model_with_few_preemptions_is_refused() {
    let report = shallow(&models([("one", Some(1)), ("two", Some(2)), ("all", None)]));
    assert_eq!(report.len(), 1);
    assert!(report[0].contains("one") && report[0].contains("2 at night"));
}

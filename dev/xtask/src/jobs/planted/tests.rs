use super::{Engine, Plant, Verdict, apply, parse, problem};

const ENTRY: &str = r#"
[[planted]]
name = "unlock"
class = "ordering"
file = "crates/sync/src/mutex.rs"
find = 'release("mutex.unlock")'
replace = "RELAXED"
test = "mutex::excludes"
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
    assert_eq!(problem(&plant(), &Verdict::Caught), None);
    assert_eq!(problem(&threads, &Verdict::Hung), None);
    for verdict in [
        Verdict::Survived,
        Verdict::Hung,
        Verdict::Unclear("no".into()),
    ] {
        assert!(problem(&plant(), &verdict).unwrap().starts_with("unlock: "));
    }
}

use super::{Counts, FEWEST, judge};

fn counts(entries: &[(&str, &str, u64)]) -> Counts {
    let mut counts = Counts::new();
    for (name, engine, count) in entries {
        let engines = counts.entry((*name).to_owned()).or_default();
        engines.insert((*engine).to_owned(), *count);
    }
    counts
}

#[test]
fn enough_of_both_engines_is_fine() {
    let counts = counts(&[("Mutex", "threads", FEWEST), ("Mutex", "shuttle", 1)]);
    assert!(judge(&counts).is_empty());
}

#[test]
fn nothing_is_not_fine() {
    assert_eq!(judge(&Counts::new()).len(), 1);
}

#[test]
fn a_missing_engine_is_told() {
    let problems = judge(&counts(&[("Mutex", "threads", FEWEST)]));
    assert_eq!(problems, ["Mutex has no histories of shuttle."]);
}

#[test]
fn too_few_are_told() {
    let problems = judge(&counts(&[("Mutex", "threads", 5), ("Mutex", "shuttle", 6)]));
    assert!(
        problems[0].contains("Mutex has 11 histories"),
        "{problems:?}"
    );
}

use super::list::{List, Outcomes, pattern, unplaced};
use super::subjects::subjects;
use super::{Subject, judge};

const FILE: &str = "crates/sync/src/latch/raw.rs";

fn files() -> Vec<String> {
    [
        "crates/sync/src/lib.rs",
        "crates/sync/src/show.rs",
        "crates/sync/src/latch/mod.rs",
        FILE,
        "crates/sync/src/latch/raw/tests.rs",
        "crates/sync/tests/latch.rs",
        "crates/sync/tests/latch_allocations.rs",
        "crates/sync/tests/latches.rs",
        "crates/sync/tests/task/mod.rs",
        "crates/sync/tests/show/main.rs",
        "crates/wait/src/op.rs",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn found() -> Vec<Subject> {
    subjects("counterpoint-sync", "crates/sync", &files())
}

fn mutant(line: usize, what: &str) -> String {
    format!("{FILE}:{line}:9: {what}")
}

fn outcomes(caught: usize, missed: &[&str]) -> Outcomes {
    Outcomes {
        caught: (0..caught)
            .map(|line| mutant(line, "replace || with &&"))
            .collect(),
        missed: missed.iter().map(|what| mutant(7, what)).collect(),
        unviable: Vec::new(),
    }
}

#[test]
fn a_subject_has_its_files_and_its_tests() {
    let found = found();
    let titles: Vec<String> = found.iter().map(Subject::title).collect();
    assert_eq!(
        titles,
        ["counterpoint-sync latch", "counterpoint-sync show"]
    );
    assert_eq!(found[0].files, ["crates/sync/src/latch/mod.rs", FILE]);
    assert_eq!(
        found[0].tests,
        ["--lib", "--test=latch", "--test=latch_allocations"]
    );
    assert_eq!(found[1].tests, ["--lib", "--test=show"]);
}

#[test]
fn files_and_folders_are_chosen() {
    let narrow = |only: &[&str]| {
        let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
        let mut latch = found().remove(0);
        latch.narrow(&only);
        latch.files.len()
    };
    assert_eq!(narrow(&[]), 2);
    assert_eq!(narrow(&[FILE]), 1);
    assert_eq!(narrow(&["crates/sync/src/latch/"]), 2);
    assert_eq!(narrow(&["crates/sync/src/lat", "crates/wait"]), 0);
}

#[test]
fn nine_in_ten_must_be_caught() {
    let list = List::default();
    assert!(judge(&outcomes(9, &["delete !"]), &list, &[FILE]).is_empty());
    let told = judge(&outcomes(8, &["delete !"]), &list, &[FILE]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].message.starts_with("8 of 9 are caught"), "{told:?}");
    assert!(told[1].message.ends_with("delete !"), "{told:?}");
}

#[test]
fn a_survivor_with_a_reason_is_not_judged() {
    let text = format!("[survivors]\n\"{FILE}: delete !\" = \"why\"\n");
    let list = List::parse(&text).unwrap();
    assert!(judge(&outcomes(1, &["delete !"]), &list, &[FILE]).is_empty());
    assert_eq!(
        outcomes(1, &["delete !", "delete -"]).row(&list),
        ["1", "2", "1", "0"]
    );
    let told = judge(&outcomes(1, &[]), &list, &[FILE]);
    assert!(
        told.len() == 1 && told[0].message.contains("survives no longer"),
        "{told:?}"
    );
    assert!(judge(&outcomes(1, &[]), &list, &["crates/sync/src/show.rs"]).is_empty());
}

#[test]
fn a_list_is_read_or_refused() {
    assert_eq!(List::parse("").unwrap(), List::default());
    let list = List::parse("[exclude]\n'impl Debug' = \"for people\"\n").unwrap();
    assert_eq!(list.exclude["impl Debug"], "for people");
    for bad in [
        "[else]\n",
        "[exclude]\na = \" \"\n",
        "[survivors]\na = 1\n",
        "[",
    ] {
        assert!(List::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn names_lose_their_place_and_become_patterns() {
    assert_eq!(
        unplaced(&mutant(12, "replace A::b -> C<'_> with d")),
        format!("{FILE}: replace A::b -> C<'_> with d")
    );
    assert_eq!(unplaced("something else"), "something else");
    assert_eq!(pattern("a.rs:1:2: a || b"), r"^a\.rs:1:2: a \|\| b$");
}

use super::{check, ids};
use crate::source::Source;

const LIST: &str = "//! A list.\n//! # State\n//! none\n//! # Invariants\n//! - I1 sorted\n\
                    //! | I2 | short |\n//! # Edges\n//! * **E1**: push → pop\n//! # Panic\n\
                    //! I9 is no declaration here\n";

fn problems(files: &[(&str, String)]) -> Vec<String> {
    let sources: Vec<Source> = files
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect();
    let (findings, ..) = check(&sources, |_| None);
    findings
        .iter()
        .map(|finding| format!("{}:{}", finding.path, finding.line))
        .collect()
}

fn in_list(code: &str) -> Vec<String> {
    let header = LIST.replace("//! I9 is no declaration here\n", "//! none\n");
    problems(&[("crates/wait/src/list.rs", format!("{header}{code}"))])
}

#[test]
fn cited_numbers_exist() {
    let code = "// I1, I2: fine\nfn a() {} // Release [E1]: publishes\n/* I2\n and E1 */";
    assert_eq!(in_list(code), [""; 0]);
}

#[test]
fn dangling_numbers_are_found() {
    let code = "// I3: gone\nfn a() {}\n/// [E2]\nfn b() {}\n/* one\n I4 */\n";
    let lines = [11, 13, 16].map(|line| format!("crates/wait/src/list.rs:{line}"));
    assert_eq!(in_list(code), lines);
}

#[test]
fn a_number_outside_its_section_declares_nothing() {
    let files = [("crates/wait/src/list.rs", LIST.to_owned())];
    assert_eq!(problems(&files), ["crates/wait/src/list.rs:10"]);
}

#[test]
fn a_file_without_header_declares_nothing() {
    let files = [("crates/wait/src/a.rs", "// I1\n".to_owned())];
    assert_eq!(problems(&files), ["crates/wait/src/a.rs:1"]);
}

#[test]
fn another_file_is_named_before_the_number() {
    let list = LIST.replace("//! I9 is no declaration here\n", "");
    let citing = |text: &str| {
        let files = [
            ("crates/wait/src/list.rs", list.clone()),
            ("crates/wait/src/select.rs", format!("// {text}\n")),
        ];
        problems(&files).len()
    };
    assert_eq!(citing("list.rs I2 holds"), 0);
    assert_eq!(citing("by `src/list.rs` [E1] and I1"), 0);
    assert_eq!(citing("as it acquires (list.rs, E1)"), 0);
    assert_eq!(citing("see list.rs I2, I3"), 1);
    assert_eq!(citing("list.rs I2; but I1"), 1);
    assert_eq!(citing("tree.rs I2"), 1);
}

#[test]
fn the_own_room_comes_first() {
    let list = LIST.replace("//! I9 is no declaration here\n", "");
    let files = [
        ("crates/wait/src/list.rs", list),
        ("crates/map/src/list.rs", "//! Another list.\n".to_owned()),
        ("crates/map/src/a.rs", "// list.rs I1\n".to_owned()),
        ("crates/sync/src/a.rs", "// list.rs I1\n".to_owned()),
    ];
    assert_eq!(problems(&files), ["crates/map/src/a.rs:1"]);
}

#[test]
fn a_number_is_declared_once() {
    let files = [(
        "crates/wait/src/a.rs",
        "//! # Invariants\n//! I1 a\n//! I1 b\n".to_owned(),
    )];
    assert_eq!(problems(&files), ["crates/wait/src/a.rs:3"]);
}

#[test]
fn a_long_header_may_stand_beside_the_file() {
    let source = Source::new("crates/rt/src/sleep/mod.rs", "//! See README.md.\n// I1\n");
    let readme = |path: &str| {
        (path == "crates/rt/src/sleep/README.md").then(|| "# Invariants\n- I1 x\n".to_owned())
    };
    let (findings, _, count) = check(&[source], readme);
    assert_eq!((findings.len(), count), (0, 1));
}

#[test]
fn tests_speak_freely_but_not_of_named_files() {
    let files = [
        (
            "crates/wait/src/list/tests.rs",
            "// I7 and list.rs I8\n".to_owned(),
        ),
        ("crates/wait/src/list.rs", "//! List.\n".to_owned()),
    ];
    assert_eq!(problems(&files), ["crates/wait/src/list/tests.rs:1"]);
}

#[test]
fn words_that_look_alike_are_no_numbers() {
    let text = "E0597 I2C UI5 I0 I123 EI3 I4_ but (I5) and [E12]";
    let found: Vec<String> = ids(text).map(|(_, id)| id).collect();
    assert_eq!(found, ["I5", "E12"]);
}

#[test]
fn the_own_folder_comes_before_the_room() {
    let files = [
        (
            "crates/sync/src/mutex/mod.rs",
            "//! # Invariants\n//! I1 a\n".to_owned(),
        ),
        ("crates/sync/src/notify/mod.rs", "//! Notify.\n".to_owned()),
        ("crates/sync/src/mutex/raw.rs", "// mod.rs I1\n".to_owned()),
        ("crates/sync/src/notify/raw.rs", "// mod.rs I1\n".to_owned()),
    ];
    assert_eq!(problems(&files), ["crates/sync/src/notify/raw.rs:1"]);
}

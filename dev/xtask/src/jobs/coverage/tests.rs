use super::measure::{Counts, Measured, Page, Share};
use super::tools::about;
use super::{Room, judge, reasons, report};
use crate::source::Source;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const PATH: &str = "crates/base/src/cell.rs";

const TEXT: &str = "\
pub fn read(p: *const u8) -> u8 {
    if p.is_null() {
        return unsafe { missing() };
    }
    unsafe { *p }
}

#[cfg(windows)]
fn other() {
    unsafe { system() }
}

fn never() {
    work();
}

#[cfg(test)]
mod tests {
    fn helper() {}
}
";

/// Line, column, count; none where code ends.
fn segments(list: &[(usize, usize, Option<u64>)]) -> Value {
    let one = |(line, column, count): &(usize, usize, Option<u64>)| {
        let counted = count.is_some();
        json!([line, column, count.unwrap_or(0), counted, counted, false])
    };
    list.iter().map(one).collect()
}

fn counts(list: &[(usize, usize, Option<u64>)]) -> Counts {
    let file = json!({"filename": format!("/there/{PATH}"), "segments": segments(list)});
    let text = json!({"data": [{"files": [file]}]}).to_string();
    Counts::parse(&text, Path::new("/there")).unwrap()
}

fn usual() -> Counts {
    counts(&[
        (1, 1, Some(5)),
        (2, 20, Some(0)),
        (4, 6, Some(5)),
        (6, 2, None),
        (13, 1, Some(0)),
        (15, 2, None),
        (19, 5, Some(0)),
        (19, 19, None),
    ])
}

fn of(programs: &[Counts]) -> Measured {
    let mut page = Page::new(&Source::new(PATH, TEXT));
    programs.iter().for_each(|counts| page.take(counts));
    let mut measured = Measured::default();
    page.count(&mut measured);
    measured
}

fn measured() -> Measured {
    of(&[usual()])
}

fn room() -> Room {
    Room {
        name: "counterpoint-base".to_owned(),
        measured: measured(),
    }
}

fn share(executed: usize, all: usize) -> Share {
    Share { executed, all }
}

#[test]
fn lines_regions_and_functions_are_counted() {
    let measured = measured();
    // Line 2 is entered, what begins at its end is not; line 4 closes that and goes on.
    assert_eq!(measured.lines, share(5, 9));
    assert_eq!(measured.regions, share(2, 4));
    assert_eq!(measured.functions, share(1, 2));
    assert_eq!(
        measured.missing,
        [format!("{PATH}:3"), format!("{PATH}:13-15")]
    );
}

#[test]
fn a_block_is_executed_or_not_or_not_compiled() {
    let measured = measured();
    assert_eq!(measured.blocks(), share(1, 2));
    assert_eq!(measured.unseen, 1);
    let block = &measured.unexecuted[0];
    assert_eq!((block.line, block.function.as_str()), (3, "read"));
}

#[test]
fn what_one_program_executes_is_executed() {
    let unused = counts(&[(1, 1, Some(0)), (6, 2, None)]);
    let other = counts(&[(1, 1, Some(1)), (2, 20, Some(1)), (6, 2, None)]);
    assert_eq!(of(&[unused, usual()]), measured());
    let both = of(&[usual(), other]);
    assert_eq!((both.lines, both.blocks()), (share(6, 9), share(2, 2)));
    let nothing = of(&[]);
    assert_eq!((nothing.lines.all, nothing.unseen), (0, 3));
}

#[test]
fn what_is_not_executed_is_told() {
    let none = BTreeMap::new();
    let found: Vec<String> = judge(&[room()], &none, true)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("55.6 % (5 of 9)"), "{found:?}");
    assert!(
        found[1].starts_with("crates/base/src/cell.rs:3: "),
        "{found:?}"
    );
    assert!(report(&[room()]).contains("50.0 % (1 of 2)"));
}

#[test]
fn a_reason_is_for_few_and_for_what_is_there() {
    let given = |name: &str| reasons(&format!("[unexecuted]\n\"{name}\" = \"why\"\n")).unwrap();
    let mut room = room();
    room.measured.lines = share(9, 10);
    let told = judge(&[room], &given("crates/base/src/cell.rs::read"), true);
    assert!(
        told.len() == 1 && told[0].message.contains("1 of 2 blocks"),
        "{told:?}"
    );
    let stale = given("crates/base/src/cell.rs::never");
    let told = judge(&[], &stale, true);
    assert!(
        told.len() == 1 && told[0].message.contains("never"),
        "{told:?}"
    );
    assert!(judge(&[], &stale, false).is_empty());
}

#[test]
fn a_list_is_read_or_refused() {
    assert!(reasons("").unwrap().is_empty());
    for bad in [
        "[else]\n",
        "[unexecuted]\na = \"\"\n",
        "[unexecuted]\na = 1\n",
        "[",
    ] {
        assert!(reasons(bad).is_err(), "{bad}");
    }
}

#[test]
fn rustc_says_what_it_is() {
    let text = "rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nLLVM version: 22.1.2\n";
    assert_eq!(
        about(text).unwrap(),
        ("x86_64-unknown-linux-gnu".to_owned(), 22)
    );
    assert!(about("rustc 1.95.0\n").is_err());
}

#[test]
fn another_form_of_the_counts_is_an_error() {
    for text in [
        "",
        "{}",
        r#"{"data": [{"files": [{"filename": "a", "segments": [[1]]}]}]}"#,
    ] {
        assert!(Counts::parse(text, Path::new("/")).is_err(), "{text}");
    }
}

use super::{Item, Row, check, documented, parse};
use crate::source::Source;
use std::collections::BTreeMap;

const LIBRARY: &str = r#"
/// A lock. It allocates nothing.
///
/// ```
/// # Cancel safety
/// let lock = Lock::new(); // never blocks
/// ```
///
/// # Deadlocks, Fairness
///
/// First come, first served.
#[derive(Debug)]
pub struct Lock {
    /// Nobody sees that it allocates nothing.
    word: u32,
}

impl Lock {
    /// Waits.
    ///
    /// # Cancel safety
    ///
    /// Whoever stops waiting loses nothing.
    #[must_use]
    pub const fn lock(&self) {}

    /// A part.
    ///
    /// # Cancel safety
    ///
    /// None.
    pub(crate) fn part(&self) {}
}

macro_rules! forms {
    ($name:ident) => {
        /// # Poison
        pub fn $name() {}
    };
}

#[cfg(test)]
mod tests {
    /// # Progress
    pub fn helper() {}
}
"#;

const TESTS: &str = "#[test]\nfn in_turn() {}\nfn helper() {}\nmodel! { fn race(loom) {} }\n";

fn sources() -> Vec<Source> {
    vec![Source::new("crates/sync/tests/lock.rs", TESTS)]
}

fn items() -> BTreeMap<String, Item> {
    documented(&Source::new("crates/sync/src/lock.rs", LIBRARY))
}

fn claim(says: &str, item: &str, test: &str) -> Row {
    Row {
        says: says.to_owned(),
        of: vec![format!("crates/sync/src/lock.rs::{item}")],
        tests: vec![format!("crates/sync/tests/lock.rs::{test}")],
    }
}

fn all() -> Vec<Row> {
    vec![
        claim("Fairness", "Lock", "in_turn"),
        claim("allocates nothing", "Lock", "race"),
        claim("Cancel safety", "lock", "in_turn"),
        claim("Poison", "$name", "in_turn"),
    ]
}

fn found(rows: &[Row]) -> Vec<String> {
    let (findings, _) = check(&items(), rows, &sources());
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn each_promise_has_a_row() {
    let (findings, claims) = check(&items(), &all(), &sources());
    assert!(findings.is_empty(), "{findings:?}");
    assert_eq!(claims, 4);
    for left_out in 0..4 {
        let mut rows = all();
        let row = rows.remove(left_out);
        let found = found(&rows);
        assert!(
            found.len() == 1 && found[0].contains(&row.says),
            "{found:?}"
        );
    }
}

#[test]
fn a_row_may_speak_of_any_words() {
    let mut rows = all();
    rows.push(claim("First come, first served", "Lock", "in_turn"));
    assert_eq!(found(&rows), [""; 0]);
}

#[test]
fn a_row_that_nothing_says_is_refused() {
    for row in [
        claim("Progress", "Lock", "in_turn"),
        claim("Fairness", "Bolt", "in_turn"),
        claim("Fairness", "Lock", "in_turn"),
        claim("never blocks", "Lock", "in_turn"),
    ] {
        let mut rows = all();
        rows.push(row);
        assert_eq!(found(&rows).len(), 1);
    }
}

#[test]
fn a_row_names_tests_that_exist() {
    for test in ["helper", "nothing"] {
        let mut rows = all();
        rows[0] = claim("Fairness", "Lock", test);
        let found = found(&rows);
        assert!(found.len() == 1 && found[0].contains(test), "{found:?}");
    }
}

#[test]
fn a_list_is_read_or_refused() {
    let good = "[[claim]]\nsays = \"a\"\nof = [\"b\"]\ntests = [\"c\", \"d\"]\n";
    assert_eq!(parse(good).unwrap()[0].tests, ["c", "d"]);
    for bad in [
        "",
        "claim = 1",
        "[[claim]]\nof = [\"b\"]\ntests = [\"c\"]\n",
        "[[claim]]\nsays = \"a\"\nof = []\ntests = [\"c\"]\n",
        "[[claim]]\nsays = \"a\"\nof = [\"b\"]\ntests = [1]\n",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

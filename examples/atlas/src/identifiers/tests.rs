use std::ffi::OsStr;

use super::*;
use crate::language;

fn table(file: &str, names: &[&str]) -> Identifiers {
    let mut table = Identifiers::default();
    let mut counter = table.of(language::of(OsStr::new(file)).unwrap());
    names.iter().for_each(|name| counter.add(name.as_bytes()));
    table
}

fn names(ranking: &Ranking) -> Vec<(&str, u64)> {
    ranking
        .top
        .iter()
        .map(|entry| (entry.name.as_str(), entry.count))
        .collect()
}

#[test]
fn the_most_frequent_come_first_and_ties_go_by_name() {
    let ranking = table("a.rs", &["bb", "cc", "aa", "cc"]).rank(2);
    assert_eq!(names(&ranking), [("cc", 2), ("aa", 1)]);
    assert_eq!((ranking.distinct, ranking.occurrences), (3, 4));
}

#[test]
fn a_keyword_of_one_language_is_a_name_in_another() {
    let mut all = table("a.rs", &["match", "fn", "name"]);
    all.absorb(table("a.py", &["fn", "def", "name"]));
    assert_eq!(names(&all.rank(9)), [("name", 2), ("fn", 1)]);
}

#[test]
fn absorbing_is_the_same_in_any_order() {
    let parts = || {
        [
            table("a.rs", &["xx", "yy"]),
            table("a.rs", &["yy"]),
            table("b.c", &["xx"]),
        ]
    };
    let (mut forth, mut back) = (Identifiers::default(), Identifiers::default());
    parts().into_iter().for_each(|part| forth.absorb(part));
    parts().into_iter().rev().for_each(|part| back.absorb(part));
    assert_eq!(names(&forth.rank(9)), names(&back.rank(9)));
}

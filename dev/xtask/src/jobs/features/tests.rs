use super::{Choice, arguments, choices};
use crate::repo::Package;

fn package(features: &[&str]) -> Package {
    let features = features
        .iter()
        .map(|name| ((*name).to_owned(), Vec::new()))
        .collect();
    Package {
        name: "counterpoint-x".into(),
        features,
        ..Package::default()
    }
}

#[test]
fn each_feature_is_checked_alone() {
    assert_eq!(choices(&package(&[])), [Choice::None]);
    assert_eq!(choices(&package(&["a"])), [Choice::None, Choice::One("a")]);
    assert_eq!(
        choices(&package(&["a", "b"])),
        [
            Choice::None,
            Choice::One("a"),
            Choice::One("b"),
            Choice::All
        ]
    );
}

#[test]
fn one_feature_comes_without_the_default() {
    let found = arguments("x", &Choice::One("a")).join(" ");
    assert_eq!(
        found,
        "check --package x --no-default-features --features a"
    );
}

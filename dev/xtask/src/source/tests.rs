use super::{Function, Source, functions, is_test_path, paths, test_exists};

fn source(text: &str) -> Source {
    Source::new("crates/base/src/lib.rs", text)
}

fn spans(text: &str) -> Vec<(String, usize, usize)> {
    let source = source(text);
    functions(&source.code())
        .into_iter()
        .map(|Function { name, first, last }| (name, first, last))
        .collect()
}

fn names(text: &str) -> Vec<String> {
    paths(&source(text).code())
        .into_iter()
        .map(|path| path.parts.join("::"))
        .collect()
}

fn product_words(text: &str) -> Vec<String> {
    let source = source(text);
    source
        .product_code()
        .iter()
        .map(|token| token.text.to_owned())
        .collect()
}

#[test]
fn functions_end_at_their_own_brace() {
    let text = "fn a() {\n if x { y }\n}\ntrait T { fn b(&self) -> [u8; 4]; fn c() {} }\n\
                type F = fn(u8) -> u8;\nfn d<const N: usize>(x: A<{ N + 1 }>) where\n X: Y,\n{\n}";
    let named = |name: &str, first, last| (name.to_owned(), first, last);
    assert_eq!(
        spans(text),
        [named("a", 1, 3), named("c", 4, 4), named("d", 6, 9)]
    );
}

#[test]
fn braces_in_strings_do_not_count() {
    assert_eq!(
        spans("fn a() { \"}\"; '}'; // }\n}\n"),
        [("a".to_owned(), 1, 2)]
    );
}

#[test]
fn test_items_are_no_product_code() {
    let text = "#[cfg(test)] mod tests { fn gone() {} }\n\
                #[cfg(all(test, unix))] use gone::{a, b};\n\
                #[cfg(test)] #[derive(Debug)] pub(crate) struct Gone { a: u8 }\n\
                struct Kept { #[cfg(test)] gone: u8, kept: u8 }";
    let words = product_words(text);
    assert!(
        !words.iter().any(|word| word.eq_ignore_ascii_case("gone")),
        "{words:?}"
    );
    assert_eq!(
        words
            .iter()
            .filter(|word| word.eq_ignore_ascii_case("kept"))
            .count(),
        2
    );
}

#[test]
fn other_cfgs_are_product_code() {
    for kept in [
        "cfg(not(test))",
        "cfg(any(test, unix))",
        "cfg(unix)",
        "cfg_attr(test, x)",
    ] {
        let words = product_words(&format!("#[{kept}] fn kept() {{}}"));
        assert!(words.iter().any(|word| word == "kept"), "{kept}");
    }
}

#[test]
fn use_trees_are_spelled_out() {
    let text = "use std::{sync::{self, Mutex as M, atomic::*}, thread};\nuse ::core::fmt;";
    assert_eq!(
        names(text),
        [
            "std::sync",
            "std::sync::Mutex",
            "std::sync::atomic::*",
            "std::thread",
            "core::fmt"
        ]
    );
}

#[test]
fn paths_in_code_are_whole() {
    let text = "let a = ::std::sync::Mutex::<u8>::new(x.y, ..std::z); $crate::b::c!(); <T>::d";
    let found = names(text);
    for path in ["std::sync::Mutex", "std::z", "crate::b::c", "x"] {
        assert!(found.iter().any(|name| name == path), "{path} in {found:?}");
    }
    for part in ["sync", "y", "new", "d"] {
        assert!(
            !found.iter().any(|name| name == part),
            "{part} in {found:?}"
        );
    }
}

#[test]
fn test_files_are_told_by_name() {
    for path in [
        "crates/a/tests/x.rs",
        "crates/a/src/list/tests.rs",
        "crates/a/src/list/model.rs",
        "crates/a/src/list_tests.rs",
        "dev/model/tests/list.rs",
    ] {
        assert!(is_test_path(path), "{path}");
    }
    for path in [
        "crates/a/src/lib.rs",
        "dev/model/src/lib.rs",
        "crates/a/src/testing.rs",
    ] {
        assert!(!is_test_path(path), "{path}");
    }
}

#[test]
fn tests_are_looked_up() {
    let text = "#[test]\n#[cfg(unix)]\nfn there() {}\n\nfn helper() {}\n\
                model! {\n    /// A race.\n    fn race(bound: None) { if a { b() } }\n\n    fn other() {}\n}\n";
    let sources = [
        Source::new("dev/stress/tests/faults.rs", text),
        Source::new("dev/stress/src/faults.rs", text),
    ];
    for (name, is_one) in [
        ("there", true),
        ("helper", false),
        ("nowhere", false),
        ("race", true),
        ("other", true),
    ] {
        let path = format!("dev/stress/tests/faults.rs::{name}");
        assert_eq!(test_exists(&path, &sources), is_one, "{name}");
    }
    assert!(test_exists("dev/stress/src/faults.rs::there", &sources));
    assert!(!test_exists("dev/stress/src/faults.rs::race", &sources));
    assert!(!test_exists("nowhere.rs::there", &sources));
    assert!(!test_exists("there", &sources));
}

use super::{Rows, api, check};
use crate::source::Source;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn bound(name: &str, id: u32) -> Value {
    json!({"trait_bound": {"trait": {"path": name, "id": id}}})
}

/// A lock with a value that is dropped and shown, a method with a closure, a future, and a part of
/// the room that is not for users.
fn document() -> Value {
    let parameter = |bounds: Value| {
        json!({
            "params": [{"name": "T", "kind": {"type": {"bounds": bounds, "is_synthetic": false}}}],
            "where_predicates": []
        })
    };
    let lock = json!({"resolved_path": {"path": "Lock", "id": 1}});
    let block = |of: Value, generics: Value, items: Value| {
        json!({"impl": {"is_synthetic": false, "blanket_impl": null, "for": lock, "trait": of,
            "generics": generics, "items": items}})
    };
    let none = json!({"params": [], "where_predicates": []});
    json!({
        "index": {
            "1": {"id": 1, "crate_id": 0, "name": "Lock",
                "inner": {"struct": {"generics": parameter(json!([]))}}},
            "2": {"id": 2, "crate_id": 0, "name": null,
                "inner": block(json!({"path": "fmt::Debug"}), parameter(json!([bound("Debug", 90)])), json!([]))},
            "3": {"id": 3, "crate_id": 0, "name": null,
                "inner": block(json!({"path": "Future"}), none.clone(), json!([]))},
            "4": {"id": 4, "crate_id": 0, "name": null,
                "inner": block(Value::Null, none.clone(), json!([5]))},
            "5": {"id": 5, "crate_id": 0, "name": "with", "inner": {"function": {
                "generics": none,
                "sig": {"inputs": [["f", {"impl_trait": [bound("FnOnce", 91), bound("Send", 92)]}]]}}}},
            "6": {"id": 6, "crate_id": 0, "name": "Hidden",
                "inner": {"struct": {"generics": parameter(json!([]))}}},
            "7": {"id": 7, "crate_id": 3, "name": "Foreign",
                "inner": {"struct": {"generics": parameter(json!([]))}}}
        },
        "paths": {
            "1": {"path": ["counterpoint_base", "Lock"]},
            "6": {"path": ["counterpoint_base", "prim", "Hidden"]}
        }
    })
}

#[test]
fn callbacks_are_found() {
    let found = api::callbacks("base", &document()).unwrap();
    let wanted = [
        "base::Lock, T: Debug",
        "base::Lock, T: Drop",
        "base::Lock: Waker::clone",
        "base::Lock: Waker::drop",
        "base::Lock: Waker::wake",
        "base::Lock::with, f: FnOnce",
    ];
    assert_eq!(found, wanted.map(str::to_owned).into());
}

#[test]
fn our_own_traits_count_unless_they_are_sealed() {
    let mut document = document();
    let index = document["index"].as_object_mut().unwrap();
    let ours = |id: u32, above: Value| {
        json!({"id": id, "crate_id": 0, "name": "Ours", "inner": {"trait":
            {"bounds": above, "items": [], "generics": {"params": [], "where_predicates": []}}}})
    };
    index.insert("8".to_owned(), ours(8, json!([])));
    index.insert("9".to_owned(), ours(9, json!([bound("seal::Sealed", 93)])));
    index["5"]["inner"]["function"]["sig"]["inputs"] = json!([["a", {"impl_trait": [bound("Ours", 8)]}], ["b", {"impl_trait": [bound("Ours", 9)]}]]);
    let found = api::callbacks("base", &document).unwrap();
    assert!(found.contains("base::Lock::with, a: Ours"), "{found:?}");
    assert!(!found.contains("base::Lock::with, b: Ours"), "{found:?}");
}

#[test]
fn trait_objects_count() {
    let mut document = document();
    let index = document["index"].as_object_mut().unwrap();
    let ours = json!({"id": 8, "crate_id": 0, "name": "Source", "inner": {"trait":
        {"bounds": [], "items": [], "generics": {"params": [], "where_predicates": []}}}});
    index.insert("8".to_owned(), ours);
    let object = json!({"dyn_trait": {"traits": [{"trait": {"path": "Source", "id": 8}}]}});
    index["5"]["inner"]["function"]["sig"]["inputs"] =
        json!([["s", {"borrowed_ref": {"type": object}}]]);
    let found = api::callbacks("base", &document).unwrap();
    assert!(
        found.contains("base::Lock::with, s: dyn Source"),
        "{found:?}"
    );
}

#[test]
fn a_format_that_says_nothing_is_an_error() {
    let error = api::callbacks("base", &json!({"format_version": 99})).unwrap_err();
    assert!(error.contains("99"), "{error}");
}

fn rows(text: &str) -> Rows {
    Rows::parse(text).unwrap()
}

fn sources() -> Vec<Source> {
    let text = "#[test]\n#[cfg(unix)]\nfn there() {}\n\nfn helper() {}\n";
    vec![Source::new("dev/stress/tests/faults.rs", text)]
}

#[test]
fn rows_are_judged() {
    let callbacks: BTreeSet<String> = ["a", "b"].map(str::to_owned).into();
    let messages = |text: &str| -> Vec<String> {
        let findings = check(&callbacks, &rows(text), &sources());
        findings.into_iter().map(|it| it.message).collect()
    };
    let good = "[panics]\na = \"dev/stress/tests/faults.rs::there\"\n[nothing]\nb = \"borrows\"\n";
    assert!(messages(good).is_empty());
    assert!(messages("[nothing]\nb = \"borrows\"")[0].contains("\"a\" has no row"));
    let gone = format!("{good}c = \"borrows\"\n");
    assert!(messages(&gone)[0].contains("no longer called"));
    let twice = format!("{good}a = \"borrows\"\n");
    assert!(messages(&twice)[0].contains("two rows"));
    let owed = "[panics]\na = \"dev/stress/tests/faults.rs::there\"\n[owed]\nb = \"a test\"\n";
    assert!(messages(owed)[0].contains("wait for their test"));
    let wrong = good.replace("there", "nowhere");
    assert!(messages(&wrong)[0].contains("no such test"));
}

#[test]
fn callbacks_are_counted_by_type() {
    let text = "[panics]\n\"sync::Mutex, T: Drop\" = \"x\"\n\"sync::Mutex::lock: Waker::wake\" = \
                \"x\"\n\"sync::MutexGuard, T: Drop\" = \"x\"\n";
    let about = |types: &[&str]| {
        let types: Vec<String> = types.iter().map(|it| (*it).to_owned()).collect();
        rows(text).about(&types)
    };
    assert_eq!(about(&["sync::Mutex"]), 2);
    assert_eq!(about(&["sync::Mutex", "sync::MutexGuard"]), 3);
    assert_eq!(about(&["wait::Mutex"]), 0);
}

#[test]
fn odd_tables_are_refused() {
    assert!(Rows::parse("[other]\n").unwrap_err().contains("other"));
    assert!(
        Rows::parse("[panics]\na = 1\n")
            .unwrap_err()
            .contains("string")
    );
}

use serde_json::Value;

use super::text;
use crate::report::example;

/// The keys of an object in the order of the text.
fn keys(text: &str, object: &str) -> Vec<String> {
    let begin = text.find(object).unwrap() + object.len();
    let mut depth = 0;
    let mut found = Vec::new();
    for line in text[begin..].lines() {
        let line = line.trim();
        if depth == 1 && line.starts_with('"') {
            found.push(line.split('"').nth(1).unwrap().to_owned());
        }
        depth += line.matches(['{', '[']).count();
        depth -= line.matches(['}', ']']).count().min(depth);
        if depth == 0 && !found.is_empty() {
            break;
        }
    }
    found
}

#[test]
fn the_shape_is_as_promised() {
    let text = text(&example(1.2)).unwrap();
    assert_eq!(keys(&text, ""), ["machine", "rustc", "commit", "scenarios"]);
    assert_eq!(
        keys(&text, "\"scenarios\": ["),
        [
            "id",
            "unit",
            "subjects",
            "best_peer",
            "ratio",
            "ratio_lo",
            "ratio_hi"
        ]
    );
    assert_eq!(
        keys(&text, "\"subjects\": ["),
        ["name", "median", "p10", "p90", "cpu", "allocs", "runs"]
    );
}

#[test]
fn the_values_are_those_measured() {
    let value: Value = serde_json::from_str(&text(&example(1.2)).unwrap()).unwrap();
    let row = &value["scenarios"][1];
    assert_eq!(row["id"], "room/thing/case");
    assert_eq!(row["subjects"][0]["name"], "counterpoint");
    assert_eq!(row["subjects"][0]["median"], 10.0);
    assert_eq!(row["subjects"][0]["runs"], 8);
    assert_eq!(row["best_peer"], "peer");
    assert_eq!(row["ratio"], 1.2);
    assert!(row["ratio_lo"].as_f64() <= row["ratio"].as_f64());
    assert!(row["ratio"].as_f64() <= row["ratio_hi"].as_f64());
}

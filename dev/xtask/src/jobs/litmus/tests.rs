use super::{Counts, RUNS, SHAPES, judge, read};

fn counts(shapes: usize, runs: u64) -> Counts {
    let shape = |number: usize| {
        let engines = [("hardware".to_owned(), runs)].into();
        (format!("shape {number}"), engines)
    };
    (0..shapes).map(shape).collect()
}

#[test]
fn enough_is_fine() {
    assert!(judge(&counts(SHAPES, RUNS)).is_empty());
}

#[test]
fn too_few_shapes_or_runs_are_told() {
    assert_eq!(judge(&counts(SHAPES - 1, RUNS)).len(), 1);
    assert_eq!(judge(&counts(SHAPES, RUNS - 1)).len(), SHAPES);
}

#[test]
fn entries_are_read() {
    let entry = serde_json::json!({"primitive": "SB", "engine": "loom", "count": 7});
    assert_eq!(read(&[entry])["SB"]["loom"], 7);
}

use super::{names, problem, runs};

#[test]
fn structures_are_listed() {
    let text = "pub mod mutex;\nmacro_rules! for_each_subject {\n    mutex: $crate::a::B::<false>;\n    \
        exchanger: $crate::c::D;\n}\n";
    assert_eq!(names(text), ["mutex", "exchanger"]);
    assert!(names("pub mod mutex;").is_empty());
}

#[test]
fn inputs_are_counted() {
    let text = "INFO: Seed: 1\nDone 12345 runs in 3 second(s)\nstat::peak_rss_mb: 60\n";
    assert_eq!(runs(text), Some(12345));
    assert_eq!(runs("INFO: Seed: 1\n"), None);
}

#[test]
fn what_failed_is_told() {
    assert!(problem("mutex", true, "Done 5 runs in 1 second(s)").is_none());
    let idle = problem("mutex", true, "").unwrap();
    assert!(idle.contains("no inputs"), "{idle}");
    let text = "noise\nthread panicked at here\nwhy\n";
    let failed = problem("mutex", false, text).unwrap();
    assert!(
        failed.contains("why") && !failed.contains("noise"),
        "{failed}"
    );
}

use super::{Verdict, parallel, problem};
use crate::jobs::sites::List;

fn list() -> List {
    let mut list = List::default();
    list.killed.insert("killed".into(), "m::t".into());
    list.justified.insert("justified".into(), "because".into());
    list
}

#[test]
fn a_survivor_needs_a_reason() {
    let (list, killed) = (list(), Verdict::Killed("m::t".into()));
    assert_eq!(problem("killed", &killed, &list, false), None);
    assert_eq!(problem("justified", &Verdict::Survived, &list, true), None);
    let text = |site, verdict, searched| problem(site, &verdict, &list, searched).unwrap();
    assert!(text("justified", killed, true).contains("killed now"));
    assert!(text("killed", Verdict::Survived, false).contains("m::t does not notice any more"));
    assert!(text("killed", Verdict::Survived, true).contains("no model notices"));
    assert!(text("new", Verdict::Survived, false).contains("--learn --only new"));
    assert!(text("justified", Verdict::Hung("m::t".into()), true).contains("longer than"));
}

#[test]
fn work_is_done_once_and_kept_in_order() {
    let items: Vec<usize> = (0..100).collect();
    let squares = parallel(&items, |item| Ok(item * item)).unwrap();
    assert_eq!(squares[7], 49);
    assert_eq!(squares.len(), 100);
    let failed = parallel(&items, |item| match item {
        50 => Err("wrong".to_owned()),
        _ => Ok(()),
    });
    assert_eq!(failed, Err("wrong".to_owned()));
}

use super::record::{Exception, Peer, edition, parse};
use super::{Tally, judge, page, units};

const LIST: &str = r#"
[[peer]]
name = "some-crate"
version = "1.2.3"
place = "gate"
tests = 98
examples = 2
files = ["tests/a.rs"]
dev = ['rand = "0.9"']
without = { "piece" = "not built yet" }
[[peer.except]]
test = "odd"
reason = "it asks for a hang"
ours = "crates/x/tests/y.rs::does_not_hang"
"#;

fn peer() -> Peer {
    parse(LIST).unwrap().remove(0)
}

fn tally(passed: usize, failed: &[&str]) -> Tally {
    Tally {
        passed: (0..passed).map(|number| number.to_string()).collect(),
        failed: failed.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn the_list_is_read() {
    let peer = peer();
    assert!(peer.gate && peer.tests == 98 && peer.examples == 2);
    assert_eq!(peer.exceptions[0].test, "odd");
    let says = |from: &str, to: &str, word: &str| {
        let why = parse(&LIST.replace(from, to)).unwrap_err();
        assert!(why.contains(word), "{why}");
    };
    says("\"gate\"", "\"noon\"", "noon");
    says("tests = 98", "tests = -1", "`tests`");
    says("files", "flies", "`flies`");
    says("it asks for a hang", " ", "reason");
}

#[test]
fn what_is_on_record_must_run() {
    let fine = judge(&peer(), false, &tally(97, &["odd"]), &tally(2, &[]));
    assert_eq!((fine.passed, fine.failed, fine.excepted), (99, 0, 1));
    assert!(fine.problems.is_empty(), "{:?}", fine.problems);
    assert_eq!(
        judge(&peer(), false, &tally(96, &["odd"]), &tally(2, &[]))
            .problems
            .len(),
        1
    );
    assert_eq!(
        judge(&peer(), false, &tally(97, &["odd"]), &tally(1, &["x"]))
            .problems
            .len(),
        1
    );
    assert_eq!(
        judge(&peer(), false, &tally(98, &[]), &tally(2, &[]))
            .problems
            .len(),
        1
    );
}

#[test]
fn few_may_be_excepted() {
    let mut peer = Peer {
        tests: 33,
        examples: 0,
        ..peer()
    };
    assert_eq!(
        judge(&peer, false, &tally(32, &["odd"]), &tally(0, &[]))
            .problems
            .len(),
        1
    );
    peer.tests = 34;
    assert!(
        judge(&peer, false, &tally(33, &["odd"]), &tally(0, &[]))
            .problems
            .is_empty()
    );
    let other = Exception {
        test: "other".into(),
        ..peer.exceptions[0].clone()
    };
    peer.exceptions.push(other);
    assert!(
        !judge(&peer, false, &tally(32, &["odd", "other"]), &tally(0, &[]))
            .problems
            .is_empty()
    );
}

#[test]
fn endings_are_read() {
    let mut tally = Tally::default();
    tally.read(
        "test a ... ok\ntest src/lib.rs - x (line 3) - compile fail ... ok\ntest b ... FAILED\n\
                test c ... ignored\ntest result: ok. 1 passed\n",
    );
    assert_eq!(
        tally.passed,
        ["a", "src/lib.rs - x (line 3) - compile fail"]
    );
    assert_eq!(tally.failed, ["b"]);
}

#[test]
fn pages_keep_lines() {
    let text = "//! # x\nfn f() {}\n    /// ```\n//// no\n#![cfg_attr(feature = \"std\", doc = \"```\")]\n\
                #[cfg_attr(not(feature = \"std\"), doc = \"```no\")]\n";
    assert_eq!(page(text), "//! # x\n//!\n//! ```\n//!\n//!```\n//!\n");
    let text = "    #[doc = $example]\nmake!(u8, \"let a = 7;\");\nmake!(u16, \"let a = 8;\");\n";
    assert_eq!(page(text), "//!let a = 7;\n//!\n//!\n");
    assert_eq!(edition("[package]\nedition = \"2021\"\n"), "2021");
    assert_eq!(edition(""), "2015");
}

#[test]
fn what_hangs_is_not_run_and_what_is_dear_not_in_the_gate() {
    let mut peer = peer();
    peer.exceptions[0].hangs = true;
    peer.dear = vec![("slow".into(), 10)];
    let night = judge(&peer, false, &tally(97, &[]), &tally(2, &[]));
    assert_eq!((night.excepted, night.problems), (1, Vec::new()));
    let gate = judge(&peer, true, &tally(87, &[]), &tally(2, &[]));
    assert_eq!((gate.passed, gate.problems), (89, Vec::new()));
    assert_eq!(
        judge(&peer, true, &tally(97, &[]), &tally(2, &[]))
            .problems
            .len(),
        1
    );
}

#[test]
fn modules_of_tests_are_taken_out() {
    let source = "use crate::a;\nmod b {\n}\n#[cfg(test)]\nmod tests {\n    use crate::X;\n}\nfn f() {}\n\
                  #[cfg(test)]\nmod slow {\n    fn g() {\n    }\n}\n";
    let mut peer = peer();
    peer.uses = "use x as _;".into();
    peer.dear = vec![("slow".into(), 1)];
    let tests = "mod tests {\nuse x as _;\n    use some_crate::X;\n}\n";
    assert_eq!(units(&peer, true, source), tests);
    let all = format!("{tests}mod slow {{\nuse x as _;\n    fn g() {{\n    }}\n}}\n");
    assert_eq!(units(&peer, false, source), all);
    peer.swap = vec![("fn g()".into(), "#[cfg(any())] fn g()".into())];
    let source = source.replace("#[cfg(test)]", "#[cfg(all(test, not(loom)))]");
    let all = all.replace("fn g()", "#[cfg(any())] fn g()");
    assert_eq!(units(&peer, false, &source), all);
}

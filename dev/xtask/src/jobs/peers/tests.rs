use super::record::{Exception, Peer, edition, parse};
use super::{Tally, judge, page};

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
    let fine = judge(&peer(), &tally(97, &["odd"]), &tally(2, &[]));
    assert_eq!((fine.passed, fine.failed, fine.excepted), (99, 0, 1));
    assert!(fine.problems.is_empty(), "{:?}", fine.problems);
    assert_eq!(
        judge(&peer(), &tally(96, &["odd"]), &tally(2, &[]))
            .problems
            .len(),
        1
    );
    assert_eq!(
        judge(&peer(), &tally(97, &["odd"]), &tally(1, &["x"]))
            .problems
            .len(),
        1
    );
    assert_eq!(
        judge(&peer(), &tally(98, &[]), &tally(2, &[]))
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
        judge(&peer, &tally(32, &["odd"]), &tally(0, &[]))
            .problems
            .len(),
        1
    );
    peer.tests = 34;
    assert!(
        judge(&peer, &tally(33, &["odd"]), &tally(0, &[]))
            .problems
            .is_empty()
    );
    let other = Exception {
        test: "other".into(),
        ..peer.exceptions[0].clone()
    };
    peer.exceptions.push(other);
    assert!(
        !judge(&peer, &tally(32, &["odd", "other"]), &tally(0, &[]))
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

use super::{Verdict, absent, parse, problem, sites};
use crate::source::Source;

fn names(path: &str, text: &str) -> Vec<String> {
    sites(&[Source::new(path, text)]).into_keys().collect()
}

#[test]
fn sites_are_found_in_product_code() {
    let text = r#"
        //! acquire("doc.site")
        fn f() {
            word.load(acquire("a.load"));
            word.swap(1, atomic::acq_rel(
                "b.swap"));
            fence_seq_cst("c.fence");
            word.store(0, release(NAME));
            semaphore.acquire("not.a.site");
        }
        #[cfg(test)] mod tests { fn g() { acquire("d.test"); } }
    "#;
    assert_eq!(
        names("crates/wait/src/list.rs", text),
        ["a.load", "b.swap", "c.fence"]
    );
    assert_eq!(names("crates/wait/tests/list.rs", text), [""; 0]);
    assert_eq!(names("dev/model/src/lib.rs", text), [""; 0]);
}

#[test]
fn places_of_one_site_are_gathered() {
    let text = "fn f() { acquire(\"a\"); }\nfn g() { release(\"a\"); }";
    let found = sites(&[Source::new("crates/wait/src/a.rs", text)]);
    assert_eq!(
        found["a"],
        ["crates/wait/src/a.rs:1", "crates/wait/src/a.rs:2"]
    );
}

#[test]
fn a_survivor_needs_a_reason() {
    let reason = "because".to_owned();
    let killed = Verdict::Killed("t".into());
    assert_eq!(problem("a", &killed, None), None);
    assert_eq!(problem("a", &Verdict::Survived, Some(&reason)), None);
    assert!(
        problem("a", &Verdict::Survived, None)
            .unwrap()
            .contains("survives")
    );
    assert!(
        problem("a", &killed, Some(&reason))
            .unwrap()
            .contains("killed now")
    );
    assert!(problem("a", &Verdict::Hung("t".into()), Some(&reason)).is_some());
}

#[test]
fn reasons_are_read_and_must_have_a_site() {
    let reasons = parse("[[survivor]]\nsite = \"a\"\nreason = \"b\"\n").unwrap();
    assert_eq!(reasons["a"], "b");
    assert_eq!(absent(&reasons, &sites(&[])).len(), 1);
    assert!(
        parse("[[survivor]]\nsite = \"a\"\n")
            .unwrap_err()
            .contains("`reason`")
    );
    assert!(parse("[[survivor]]\nsite = \"a\"\nreason = \" \"\n").is_err());
    assert!(parse("[[survivors]]\n").unwrap_err().contains("survivors"));
}

use super::{List, Sites, check, models, sites};
use crate::source::Source;
use std::collections::BTreeSet;

fn names(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let found = sites(&[Source::new(path, text)], &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    found.into_keys().collect()
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
            fence::light("e.light");
            semaphore.acquire("not.a.site");
        }
        #[cfg(test)] mod tests { fn g() { acquire("d.test"); } }
    "#;
    assert_eq!(
        names("crates/wait/src/list.rs", text),
        ["a.load", "b.swap", "c.fence", "e.light"]
    );
    assert_eq!(names("crates/wait/tests/list.rs", text), [""; 0]);
    assert_eq!(names("dev/model/src/lib.rs", text), [""; 0]);
}

#[test]
fn a_site_without_a_name_is_refused() {
    let text = "fn f() { word.store(0, release(NAME)); }";
    let mut findings = Vec::new();
    sites(&[Source::new("crates/wait/src/a.rs", text)], &mut findings);
    assert!(findings[0].message.contains("literal"));
    findings.clear();
    sites(
        &[Source::new("crates/base/src/fence.rs", text)],
        &mut findings,
    );
    assert!(findings.is_empty());
}

#[test]
fn models_are_tests_of_files() {
    let text = "model! {\n/// Doc.\nfn races(preemptions: Some(3)) { body(); }\n}";
    let found = models(&[Source::new("dev/model/tests/mutex.rs", text)]);
    assert_eq!(found, BTreeSet::from(["mutex::races".to_owned()]));
}

fn one_site() -> Sites {
    Sites::from([("a".to_owned(), vec![("crates/wait/src/a.rs".to_owned(), 3)])])
}

fn messages(sites: &Sites, list: &str) -> Vec<String> {
    let models = BTreeSet::from(["m::t".to_owned()]);
    let found = check(sites, &models, &List::parse(list).unwrap());
    found.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn each_site_has_one_entry_and_each_entry_a_site() {
    assert_eq!(messages(&one_site(), "[killed]\na = \"m::t\""), [""; 0]);
    assert!(messages(&one_site(), "")[0].contains("not in dev/model"));
    assert!(messages(&one_site(), "[killed]\na = \"m::gone\"")[0].contains("no such model"));
    let two = messages(&one_site(), "[killed]\na = \"m::t\"\nb = \"m::t\"");
    assert!(two[0].contains("b is no longer"));
    let both = messages(
        &one_site(),
        "[killed]\na = \"m::t\"\n[justified]\na = \"why\"",
    );
    assert!(both[0].contains("killed and justified"));
}

#[test]
fn reasons_are_few() {
    assert!(messages(&one_site(), "[justified]\na = \"why\"")[0].contains("5 in a hundred"));
}

#[test]
fn one_name_serves_one_place() {
    let mut sites = one_site();
    sites
        .get_mut("a")
        .unwrap()
        .push(("crates/wait/src/b.rs".to_owned(), 4));
    let found = messages(&sites, "[killed]\na = \"m::t\"");
    assert!(found[0].contains("crates/wait/src/b.rs:4"));
}

#[test]
fn the_list_is_written_as_it_is_read() {
    let list =
        List::parse("[killed]\n\"a.b\" = \"m::t\"\n[justified]\nc = \"it \\\"is\\\"\"").unwrap();
    assert_eq!(List::parse(&list.render()).unwrap(), list);
    assert!(List::parse("[kill]\n").unwrap_err().contains("`kill`"));
    assert!(List::parse("[killed]\na = \" \"").is_err());
}

use super::{dependencies, names, private_door, unsafety};
use crate::repo::{Dependency, Package};
use crate::report::Finding;
use crate::source::Source;

fn named(path: &str, text: &str) -> Vec<usize> {
    let mut findings = Vec::new();
    names(&Source::new(path, text), &mut findings);
    findings.iter().map(|finding| finding.line).collect()
}

fn package(name: &str, folder: &str, dependencies: &[&str]) -> Package {
    let entry = |name: &&str| Dependency {
        name: (*name).to_owned(),
        development: false,
    };
    Package {
        name: name.to_owned(),
        folder: folder.to_owned(),
        dependencies: dependencies.iter().map(entry).collect(),
        has_library: true,
        ..Package::default()
    }
}

fn depends(name: &str, folder: &str, on: &[&str], notes: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    dependencies(&package(name, folder, on), notes, &mut findings);
    findings
}

#[test]
fn upper_rooms_may_not_name_what_is_of_base() {
    for text in [
        "use std::sync::Mutex;",
        "use std::{fmt, sync::{Arc, Condvar}};",
        "use core::sync::atomic::AtomicUsize;",
        "fn f() { std::thread::park(); }",
        "fn f() -> std::sync::MutexGuard<'static, u8> { loop {} }",
        "use std::thread;",
        "use std::sync;",
        "use std as s;",
        "use std::*;",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "fn f() { std::time::SystemTime::now(); }",
        "use loom::model;",
        "fn f() { ::shuttle::check_random(g, 1); }",
        "unsafe fn f() { libc::getpid(); }",
        "macro_rules! m { () => { ::std::sync::Once::new() } }",
        "#[cfg(not(test))] use std::sync::Mutex;",
    ] {
        assert_eq!(named("crates/wait/src/list.rs", text), [1], "{text}");
    }
}

#[test]
fn the_line_is_the_one_of_the_name() {
    assert_eq!(
        named("crates/wait/src/a.rs", "use std::{\n fmt,\n thread,\n};"),
        [3]
    );
}

#[test]
fn harmless_names_are_free() {
    let text = r#"
        //! std::sync::Mutex
        use std::sync::{Arc, Weak};
        use std::time::{Duration, Instant};
        use core::time;
        use alloc::sync::Arc as A;
        use counterpoint_base::prim::{sync, thread, time::now};
        /// [`std::thread::park`]
        fn f(libc: u8, a: x::Once) { thread::spawn(g); a.sync.thread(libc); "std::sync::Mutex"; }
        #[cfg(test)] mod tests { use std::sync::Mutex; }
        #[cfg(counterpoint_loom)] fn g() {}
    "#;
    assert_eq!(named("crates/wait/src/list.rs", text), [0usize; 0]);
}

#[test]
fn base_tests_and_models_are_free() {
    for path in [
        "crates/base/src/prim/sync.rs",
        "crates/wait/tests/parker.rs",
        "crates/wait/src/list/tests.rs",
        "crates/wait/src/list/model.rs",
        "examples/atlas/src/main.rs",
        "dev/model/src/lib.rs",
    ] {
        assert_eq!(named(path, "use std::sync::Mutex;"), [0usize; 0], "{path}");
    }
}

#[test]
fn rooms_depend_downwards() {
    let up = depends(
        "counterpoint-wait",
        "crates/wait",
        &["counterpoint-sync"],
        "",
    );
    assert!(
        up.len() == 1 && up[0].message.contains("may not depend on `sync`"),
        "{up:?}"
    );
    let down = ["counterpoint-base", "counterpoint-wait"];
    assert_eq!(depends("counterpoint-sync", "crates/sync", &down, ""), []);
    assert_eq!(
        depends("counterpoint", "crates/counterpoint", &down, ""),
        []
    );
}

#[test]
fn tests_may_depend_on_anything() {
    let mut package = package(
        "counterpoint-wait",
        "crates/wait",
        &["counterpoint-sync", "tokio"],
    );
    package
        .dependencies
        .iter_mut()
        .for_each(|entry| entry.development = true);
    let mut findings = Vec::new();
    dependencies(&package, "", &mut findings);
    assert_eq!(findings, []);
}

#[test]
fn foreign_crates_need_a_note() {
    let found = depends("counterpoint-sync", "crates/sync", &["smallvec"], "");
    assert!(
        found.len() == 1 && found[0].message.contains("smallvec"),
        "{found:?}"
    );
    assert_eq!(
        depends(
            "counterpoint-sync",
            "crates/sync",
            &["smallvec"],
            "why `smallvec`"
        ),
        []
    );
    assert_eq!(
        depends("counterpoint-base", "crates/base", &["libc", "loom"], ""),
        []
    );
}

#[test]
fn an_unknown_room_is_refused() {
    let found = depends("counterpoint-misc", "crates/misc", &[], "");
    assert!(
        found.len() == 1 && found[0].message.contains("no room"),
        "{found:?}"
    );
}

#[test]
fn rooms_without_unsafe_say_so() {
    let check = |text: &str| {
        let mut findings = Vec::new();
        let source = Source::new("crates/counterpoint/src/lib.rs", text);
        let package = package("counterpoint", "crates/counterpoint", &[]);
        unsafety(&package, &[source], &mut findings);
        findings.len()
    };
    assert_eq!(check("//! Facade.\n#![forbid(unsafe_code)]"), 0);
    assert_eq!(
        check("//! #![forbid(unsafe_code)]\n#![deny(unsafe_code)]"),
        1
    );
}

#[test]
fn unsafe_stays_in_its_files() {
    let check = |path: &str| {
        let mut findings = Vec::new();
        let source = Source::new(path, "fn f() { unsafe { g() } }");
        unsafety(
            &package("counterpoint-par", "crates/par", &[]),
            &[source],
            &mut findings,
        );
        findings.len()
    };
    assert_eq!(check("crates/par/src/iter/map.rs"), 1);
    assert_eq!(check("crates/par/src/collect/mod.rs"), 0);
    assert_eq!(check("crates/par/src/slice/sort.rs"), 0);
}

#[test]
fn the_private_door_is_closed_outside() {
    let check = |path: &str, text: &str| {
        let mut findings = Vec::new();
        private_door(&Source::new(path, text), &mut findings);
        findings.len()
    };
    assert_eq!(
        check(
            "examples/atlas/src/main.rs",
            "use counterpoint::__private::x;"
        ),
        1
    );
    assert_eq!(
        check(
            "examples/atlas/src/main.rs",
            "counterpoint_wait::__private::x();"
        ),
        1
    );
    assert_eq!(
        check("examples/atlas/src/main.rs", "use serde::__private::x;"),
        0
    );
    assert_eq!(
        check(
            "crates/sync/src/lib.rs",
            "use counterpoint_wait::__private::x;"
        ),
        0
    );
}

use super::matches;

#[test]
fn a_whole_id_or_a_folder_is_named() {
    assert!(matches("sync/mutex/uncontended", "sync/mutex/uncontended"));
    assert!(matches("sync/mutex", "sync/mutex/contended/2"));
    assert!(matches("sync/mutex/", "sync/mutex/contended/2"));
    assert!(!matches("sync/mut", "sync/mutex/contended/2"));
    assert!(!matches("mutex", "sync/mutex/contended/2"));
}

#[test]
fn a_star_crosses_folders() {
    assert!(matches("*", "base/aa"));
    assert!(matches("*contended*", "sync/mutex/contended/2"));
    assert!(matches("sync/*/contended", "sync/semaphore/contended"));
    assert!(!matches("wait/*", "sync/semaphore/contended"));
}

#[test]
fn a_question_mark_is_one_character() {
    assert!(matches("base/a?", "base/aa"));
    assert!(!matches("base/a?", "base/a"));
}

#[test]
fn braces_are_alternatives() {
    assert!(matches(
        "sync/mutex/contended/{2,16}",
        "sync/mutex/contended/16"
    ));
    assert!(!matches(
        "sync/mutex/contended/{2,16}",
        "sync/mutex/contended/4"
    ));
    assert!(matches("{sync,wait}/{mutex,parker}/*", "wait/parker/token"));
    assert!(!matches("{sync", "sync/mutex"));
}

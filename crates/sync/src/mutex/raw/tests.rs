//! Steps that show in no result: how long a loser tries, and with which marks.

use super::*;

/// A mutex that is held while somebody waits, and the baton of a thread that is awake.
fn held_and_awake() -> (RawMutex, Baton) {
    let raw = RawMutex::new(false);
    raw.word().store(LOCKED | WAITERS | AWAKE, RELAXED);
    (raw, Baton(THREAD | AWAKE))
}

#[test]
fn a_thread_that_gives_its_processor_away_is_not_awake() {
    let (raw, mut baton) = held_and_awake();
    assert!(!raw.persist(&mut baton));
    if thread::parallelism() > 1 {
        assert_eq!(baton.0, THREAD, "it has laid its mark down");
        assert_eq!(raw.word().load(RELAXED), LOCKED | WAITERS);
    }
    // A mark that was set for another thread meanwhile stays.
    raw.word().store(LOCKED | WAITERS | AWAKE, RELAXED);
    assert!(!raw.persist(&mut Baton(THREAD)));
    assert_eq!(raw.word().load(RELAXED), LOCKED | WAITERS | AWAKE);
}

#[test]
fn a_thread_that_persists_takes_a_lock_that_is_free() {
    let raw = RawMutex::new(false);
    raw.word().store(WAITERS | AWAKE, RELAXED);
    let mut baton = Baton(THREAD | AWAKE);
    if thread::parallelism() > 1 {
        assert!(raw.persist(&mut baton));
        assert_eq!(raw.word().load(RELAXED), LOCKED | WAITERS);
        assert_eq!(baton.0, 0);
    }
}

/// The claim of an arm, and of an operation that is stopped.
#[test]
fn an_attempt_is_one_try() {
    let (raw, mut baton) = held_and_awake();
    assert!(!raw.attempt(&mut baton, Turn::Notified, &mut Patience::new()));
    assert_eq!(baton.0, THREAD | AWAKE, "it has not given its turn away");
    assert_eq!(raw.word().load(RELAXED), LOCKED | WAITERS | AWAKE);
}

#[test]
fn a_task_does_not_persist() {
    let (raw, _) = held_and_awake();
    let mut none = Baton::NONE;
    assert!(!raw.persist(&mut none));
    assert_eq!(raw.word().load(RELAXED), LOCKED | WAITERS | AWAKE);
}

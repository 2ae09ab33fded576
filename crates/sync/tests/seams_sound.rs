//! Safe code outside the crates cannot break what `unsafe` code inside relies on.
#![forbid(unsafe_code)]

use counterpoint_sync::Mutex;
use counterpoint_wait::op::Verb;
use counterpoint_base::prim::atomic::RELAXED;

/// The word of a mutex is reached, and changed, through the verb of an operation on it.
#[test]
fn a_verb_does_not_give_away_the_word_of_a_mutex() {
    let mutex = Mutex::new(0);
    let first = mutex.lock();
    mutex.lock_async().verb().queue().state().store(0, RELAXED);
    let second = mutex.try_lock();
    assert!(second.is_err(), "two guards of one mutex at once");
    drop(first);
}

//! Histories of every structure, judged by its model.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_stress::subject::Subject;
use counterpoint_stress::subjects::{mutex, semaphore, seq_cell, sharded_counter};
use counterpoint_stress::threads::Threads;

fn record<S: Subject>(subject: S) {
    let histories = std::env::var("COUNTERPOINT_HISTORIES").ok();
    let how = Threads {
        parties: 3,
        steps: 6,
        histories: histories.map_or(300, |n| n.parse().expect("a number")),
        seed: 1,
    };
    let started = std::time::Instant::now();
    match how.run(subject) {
        Ok(count) => println!("{}: {count:?} {:?}", S::NAME, started.elapsed()),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn mutex() {
    record(mutex::Fairness::<false>);
}
#[test]
fn fair_mutex() {
    record(mutex::Fairness::<true>);
}
#[test]
fn semaphore() {
    record(semaphore::Order::<false>);
}
#[test]
fn fair_semaphore() {
    record(semaphore::Order::<true>);
}
#[test]
fn seq_cell() {
    record(seq_cell::Cell);
}
#[test]
fn sharded_counter() {
    record(sharded_counter::Counter);
}

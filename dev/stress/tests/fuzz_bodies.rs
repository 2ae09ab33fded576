//! The bodies of `cargo xtask fuzz` on fixed bytes, as every machine can run them.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_stress::fuzz::{BODIES, PLANTED, named};
use counterpoint_stress::plan::Random;

#[test]
fn each_body_passes_on_fixed_bytes() {
    let mut random = Random::new(7);
    let mut inputs = vec![Vec::new(), vec![0; 200], vec![255; 200]];
    inputs.extend(
        (0..=255)
            .step_by(17)
            .map(|step| (0..200).map(|at| (at * step) as u8).collect()),
    );
    inputs.extend((0..100).map(|_| (0..200).map(|_| random.draw() as u8).collect()));
    for (name, body) in BODIES {
        println!("{name}");
        inputs.iter().for_each(|bytes: &Vec<u8>| body(bytes));
    }
}

#[test]
fn names_are_found() {
    for (name, _) in BODIES {
        assert!(named(name).is_some());
        assert_ne!(*name, PLANTED);
    }
    assert!(named("nothing").is_none());
}

#[test]
#[should_panic = "the planted fault"]
fn the_planted_body_is_wrong() {
    let body = named(PLANTED).unwrap();
    body(b"void");
    body(b"voice");
}

use super::{Order, kept, measure};
use crate::book::{Book, OURS};
use crate::sample::Sample;

/// Pairs that met these speeds; the number of operations tells which is which.
fn measured(speeds: &[f64]) -> Vec<(f64, (Sample, Sample))> {
    let sample = |ops| Sample {
        ops,
        ..Sample::default()
    };
    let numbered = speeds.iter().zip(0..);
    numbered
        .map(|(speed, number)| (*speed, (sample(number), sample(number))))
        .collect()
}

fn numbers(pairs: &[(Sample, Sample)]) -> Vec<u64> {
    pairs.iter().map(|(ours, _)| ours.ops).collect()
}

#[test]
fn pairs_that_met_a_slow_processor_are_left_out() {
    let (pairs, speed) = kept(measured(&[1.0, 0.5, 0.95, 0.6, 0.9]), 0.88, 3, 2);
    assert_eq!((numbers(&pairs), speed), (vec![0, 2, 4], 0.95));
}

#[test]
fn on_a_processor_that_is_always_slow_the_fastest_pairs_stay() {
    let (pairs, speed) = kept(measured(&[0.5, 0.4, 0.6, 1.0]), 0.88, 3, 2);
    assert_eq!((numbers(&pairs), speed), (vec![3, 2, 0], 0.6));
}

#[test]
fn a_child_measures_what_it_is_asked() {
    let order = Order {
        scenario: "wait/parker/token".to_owned(),
        ours: OURS.to_owned(),
        peer: "std".to_owned(),
        batch: 1,
        budget: 20,
        most: 5,
        least: 3,
        peer_first: true,
        fastest: 0.0,
    };
    let book = Book::whole();
    let answer = measure(&book, &order).unwrap();
    assert!(answer.pairs.len() >= 3 && answer.speed > 0.0 && answer.speed <= answer.fastest);
    let unknown = Order {
        peer: "nobody".to_owned(),
        ..order
    };
    assert!(measure(&book, &unknown).is_err());
}

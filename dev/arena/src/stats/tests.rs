use super::{Random, quantile, ratio};

#[test]
fn quantiles_lie_between_neighbours() {
    let mut values = [4.0, 1.0, 3.0, 2.0];
    assert_eq!(quantile(&mut values, 0.0), 1.0);
    assert_eq!(quantile(&mut values, 0.5), 2.5);
    assert_eq!(quantile(&mut values, 1.0), 4.0);
    assert_eq!(quantile(&mut [7.0], 0.1), 7.0);
}

/// Pairs whose ratio is `centre` and scatters by `spread`, in processes that are off by `shift`.
fn pairs(centre: f64, spread: f64, shift: f64, processes: usize) -> Vec<Vec<(f64, f64)>> {
    let mut random = Random::new(7);
    let mut unit = move || random.below(2001) as f64 / 1000.0 - 1.0;
    (0..processes)
        .map(|_| {
            let off = shift * unit();
            (0..20)
                .map(|_| (centre * (off + spread * unit()).exp(), 1.0))
                .collect()
        })
        .collect()
}

#[test]
fn the_interval_holds_the_true_ratio_and_excludes_others() {
    let found = ratio(&pairs(2.0, 0.05, 0.01, 5), 1).unwrap();
    assert!(found.low < 2.0 && 2.0 < found.high, "{found:?}");
    assert!(found.low > 1.9 && found.high < 2.1, "{found:?}");
    assert!(found.low <= found.median && found.median <= found.high);
}

#[test]
fn processes_that_differ_widen_the_interval() {
    let alike = ratio(&pairs(1.0, 0.02, 0.0, 5), 1).unwrap();
    let apart = ratio(&pairs(1.0, 0.02, 0.2, 5), 1).unwrap();
    assert!(apart.high - apart.low > 3.0 * (alike.high - alike.low));
}

#[test]
fn the_same_seed_gives_the_same_interval() {
    let some = pairs(1.2, 0.3, 0.1, 3);
    assert_eq!(ratio(&some, 5), ratio(&some, 5));
    assert_ne!(Random::new(5).next(), Random::new(6).next());
}

#[test]
fn zeros_are_left_out() {
    let estimate = ratio(&[vec![(2.0, 1.0), (0.0, 1.0), (1.0, 0.0)], Vec::new()], 1).unwrap();
    assert_eq!(estimate.median, 2.0);
    assert_eq!(ratio(&[vec![(0.0, 1.0)]], 1), None);
    assert_eq!(ratio(&[], 1), None);
}

#[test]
fn numbers_spread_over_their_range() {
    let mut random = Random::new(3);
    let mut seen = [0; 10];
    for _ in 0..10_000 {
        seen[random.below(10)] += 1;
    }
    assert!(
        seen.iter().all(|count| (800..1200).contains(count)),
        "{seen:?}"
    );
}

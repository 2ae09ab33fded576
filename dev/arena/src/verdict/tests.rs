use super::{is_met, judge};
use crate::book::{Bound, OURS, Scenario, Subject};
use crate::child::Answer;
use crate::result::Row;
use crate::sample::{Metric, Sample};
use crate::stats::Estimate;

fn ratio(median: f64, high: f64) -> Estimate {
    Estimate {
        median,
        low: 0.0,
        high,
    }
}

#[test]
fn a_median_may_fall_a_little_short_but_its_interval_may_not() {
    assert!(is_met(ratio(1.5, 1.6), 1.5));
    assert!(is_met(ratio(1.47, 1.5), 1.5));
    assert!(!is_met(ratio(1.469, 1.6), 1.5));
    assert!(!is_met(ratio(1.49, 1.499), 1.5));
}

/// A row in which ours takes `ours` and the peers the other nanoseconds an operation.
fn row(ours: u64, peers: &[(&'static str, u64)], allocs: f64, bytes: usize) -> Row {
    let sample = |wall: u64| Sample {
        ops: 1,
        wall,
        cpu: wall * 2,
        switches: 1,
        longest: wall * 100,
    };
    let mut scenario = Scenario::new("a/b", "nothing");
    let idle = || |_| Sample::default();
    scenario
        .subjects
        .push(Subject::new(OURS, idle).bytes(bytes));
    let mut answers = Vec::new();
    for (name, wall) in peers {
        scenario.subjects.push(Subject::new(name, idle));
        answers.push(vec![Answer {
            pairs: vec![(sample(ours), sample(*wall)); 4],
            ours_allocs: allocs,
            peer_allocs: 0.0,
            speed: 1.0,
            fastest: 1.0,
        }]);
    }
    Row::new(&scenario, answers, 1)
}

const fn faster(least: f64, against: &'static [&'static str]) -> Bound {
    Bound::Ratio {
        metric: Metric::Time,
        against,
        least,
    }
}

#[test]
fn each_named_peer_is_judged() {
    let row = row(10, &[("tokio", 25), ("async-lock", 12)], 0.0, 16);
    let verdicts = judge(&row, &[faster(2.5, &["tokio"]), faster(1.5, &["async"])], 1);
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts[0].met && !verdicts[1].met, "{verdicts:?}");
    assert_eq!(verdicts[1].bound, "\u{2265} 1.5 \u{d7} async-lock");
    assert_eq!(judge(&row, &[faster(1.0, &[])], 1).len(), 2);
    assert_eq!(row.best().peer, "async-lock");
}

#[test]
fn limits_of_ours_alone_are_judged() {
    let judged = |row: &Row, bound| judge(row, &[bound], 1)[0].met;
    let good = row(100, &[("std", 90)], 0.0, 16);
    assert!(judged(&good, Bound::Time(100.0)));
    assert!(judged(&good, Bound::Bytes(16)));
    assert!(judged(&good, Bound::NoAllocations));
    let bad = row(110, &[("std", 90)], 0.5, 24);
    assert!(!judged(&bad, Bound::Time(100.0)));
    assert!(!judged(&bad, Bound::Bytes(16)));
    assert!(!judged(&bad, Bound::NoAllocations));
}

#[test]
fn other_metrics_are_judged_alike() {
    let row = row(10, &[("std", 10)], 0.0, 16);
    for metric in [Metric::Cpu, Metric::Longest, Metric::Switches] {
        let bound = |least| Bound::Ratio {
            metric,
            against: &["std"],
            least,
        };
        assert!(judge(&row, &[bound(1.0)], 1)[0].met);
        assert!(!judge(&row, &[bound(1.1)], 1)[0].met);
    }
}

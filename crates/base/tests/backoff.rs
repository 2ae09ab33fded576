//! `Backoff`: both verbs come to their end.

use counterpoint_base::Backoff;
use counterpoint_base::tune::YIELD_STEPS;

#[test]
fn spin_alone_completes() {
    let backoff = Backoff::new();
    for _ in 0..=YIELD_STEPS {
        assert!(!backoff.is_completed());
        backoff.spin();
    }
    assert!(backoff.is_completed());
}

#[test]
fn snooze_alone_completes() {
    let backoff = Backoff::default();
    for _ in 0..=YIELD_STEPS {
        assert!(!backoff.is_completed());
        backoff.snooze();
    }
    assert!(backoff.is_completed());
}

#[test]
fn completed_stays_completed_until_reset() {
    let backoff = Backoff::new();
    for _ in 0..1_000 {
        backoff.spin();
        backoff.snooze();
    }
    assert!(backoff.is_completed());
    assert_eq!(
        format!("{backoff:?}"),
        format!(
            "Backoff {{ step: {}, is_completed: true }}",
            YIELD_STEPS + 1
        )
    );
    backoff.reset();
    assert!(!backoff.is_completed());
}

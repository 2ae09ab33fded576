use super::*;

#[test]
fn a_clock_that_lags_makes_no_stall() {
    let stalls = Stalls::new();
    assert_eq!(
        stalls.since(4, || 105),
        Some((5 << 32 | 105, Duration::ZERO))
    );
    assert_eq!(
        stalls.since(4, || 100),
        Some((5 << 32 | 105, Duration::ZERO))
    );
    let since = stalls.since(4, || 125);
    assert_eq!(since, Some((5 << 32 | 105, Duration::from_millis(20))));
}

#[test]
fn who_is_out_of_date_does_not_begin_anew() {
    let stalls = Stalls::new();
    assert!(stalls.since(4, || 100).is_some());
    assert_eq!(stalls.since(2, || 110), None);
    let since = stalls.since(4, || 125);
    assert_eq!(since, Some((5 << 32 | 100, Duration::from_millis(25))));
    assert_eq!(
        stalls.since(6, || 130),
        Some((7 << 32 | 130, Duration::ZERO))
    );
}

#[test]
fn epochs_and_clocks_come_round() {
    let stalls = Stalls::new();
    let last = u64::from(u32::MAX) - 1;
    assert!(stalls.since(last, || u32::MAX - 4).is_some());
    let since = stalls.since(last, || 5).map(|(_, since)| since);
    assert_eq!(since, Some(Duration::from_millis(10)));
    assert!(stalls.since(last + 2, || 6).is_some());
    assert_eq!(stalls.since(last, || 7), None);
    // After half a round of epochs the older one seems to lie ahead.
    let later = last + (1 << 31) + 4;
    assert_eq!(
        stalls.since(later, || 8).map(|(_, since)| since),
        Some(Duration::ZERO)
    );
    let since = stalls.since(later, || 18).map(|(_, since)| since);
    assert_eq!(since, Some(Duration::from_millis(10)));
}

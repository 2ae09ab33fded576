use super::*;

#[test]
fn thousands_stand_apart() {
    assert_eq!(number(0), "0");
    assert_eq!(number(999), "999");
    assert_eq!(number(1_234_567), "1,234,567");
}

#[test]
fn sizes_take_the_unit_that_suits() {
    assert_eq!(size(1023), "1023 B");
    assert_eq!(size(1024), "1.0 KiB");
    assert_eq!(size(1024 * 1024 - 1), "1.0 MiB");
    assert_eq!(size(512 * 1024), "512 KiB");
}

#[test]
fn long_numbers_become_short() {
    assert_eq!(short(999), "999");
    assert_eq!(short(12_345), "12.3k");
    assert_eq!(short(999_999), "1.0M");
}

#[test]
fn classes_are_named_by_their_bounds() {
    assert_eq!(class(0, Some(1)), "empty");
    assert_eq!(class(1, Some(1 << 10)), "< 1 KiB");
    assert_eq!(class(1 << 24, None), "\u{2265} 16 MiB");
}

#[test]
fn shares_and_plurals() {
    assert_eq!(percent(1, 8), "12.5 %");
    assert_eq!(percent(1, 0), "0 %");
    assert_eq!(count(1, "file", "files"), "1 file");
    assert_eq!(count(2000, "file", "files"), "2,000 files");
}

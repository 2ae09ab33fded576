use super::{Style, head, mark, row, short, summary, time};
use crate::report::example;

const PLAIN: Style = Style { color: false };

#[test]
fn numbers_have_about_three_digits() {
    let shown = [0.0, 0.0001, 0.0123, 0.5, 1.234, 56.78, 99.97, 1234.5].map(short);
    assert_eq!(
        shown,
        ["0", "0.000", "0.012", "0.50", "1.23", "56.8", "100", "1234"]
    );
}

#[test]
fn times_have_a_unit_that_fits() {
    let shown = [12.0, 1_500.0, 2.5e6, 3.2e9].map(time);
    assert_eq!(shown, ["12.0 ns", "1.50 \u{b5}s", "2.50 ms", "3.20 s"]);
}

#[test]
fn marks_have_no_zeros_at_the_end() {
    let shown = [20.0, 0.5, 1_200.0, 100.0, 2e6].map(mark);
    assert_eq!(shown, ["20 ns", "0.5 ns", "1.2 \u{b5}s", "100 ns", "2 ms"]);
}

#[test]
fn a_row_shows_subjects_ratio_and_bounds() {
    let run = example(0.5);
    let text = row(&run.rows[1], PLAIN);
    assert!(text.contains("room/thing/case"), "{text}");
    assert!(text.contains("0.50 [0.50, 0.50]"), "{text}");
    assert!(text.contains("LOST \u{2265} 1 \u{d7} peer"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(row(&run.rows[1], Style { color: true }).contains('\x1b'));
}

#[test]
fn losses_come_first_in_the_summary() {
    let text = summary(&example(0.5), PLAIN);
    let (lose, met) = (
        text.find("where we lose").unwrap(),
        text.find("0 of 1 bounds met").unwrap(),
    );
    assert!(
        lose < met && text.contains("room/thing/case  to peer"),
        "{text}"
    );
    assert!(summary(&example(2.0), PLAIN).contains("nowhere in this run"));
}

#[test]
fn the_head_prints_the_seed() {
    assert!(head(&example(1.0)).contains("seed 7"));
}

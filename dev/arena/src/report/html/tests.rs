use super::page;
use crate::report::example;

#[test]
fn the_page_needs_nothing_else() {
    let page = page(&example(0.5));
    for outside in ["src=", "http:", "https:", "@import", "url("] {
        assert!(!page.contains(outside), "{outside} points outside");
    }
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
}

#[test]
fn where_we_lose_comes_first() {
    let page = page(&example(0.5));
    let place = |what: &str| page.find(what).unwrap_or_else(|| panic!("no {what}"));
    assert!(place("Where we lose") < place("All ratios"));
    assert!(place("All ratios") < place("Scenario by scenario"));
    assert!(page.contains("class=\"loss\""));
}

#[test]
fn nothing_lost_is_said() {
    assert!(page(&example(2.0)).contains("Nowhere in this run"));
}

#[test]
fn no_place_of_a_chart_is_not_a_number() {
    for ratio in [0.001, 0.5, 1.0, 900.0] {
        let page = page(&example(ratio));
        assert!(
            !page.contains("NaN") && !page.contains("inf\""),
            "ratio {ratio}"
        );
    }
}

#[test]
fn a_void_run_says_so() {
    let mut run = example(1.0);
    assert!(!page(&run).contains("This run is void"));
    for pair in run.rows[0].duels[0].processes.iter_mut().flatten() {
        pair.1.wall *= 2;
    }
    let duel = &mut run.rows[0].duels[0];
    duel.ratio = duel.ratio_of(crate::sample::Metric::Time, 1).unwrap();
    assert!(page(&run).contains("This run is void"));
}

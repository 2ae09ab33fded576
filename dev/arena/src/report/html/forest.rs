//! Ratios under each other, with their intervals and the line at 1.

use std::fmt::Write as _;

use super::scale::{Scale, Steps};
use super::{escape, times, tip};
use crate::result::Row;
use crate::stats::Estimate;

const WIDTH: f64 = 1160.0;
const LEFT: f64 = 410.0;
const RIGHT: f64 = 1070.0;
const LINE: f64 = 27.0;
const TOP: f64 = 10.0;

/// The chart; the worst ratio comes first.
pub(super) fn plot(rows: &[&Row]) -> String {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.best().ratio.median.total_cmp(&b.best().ratio.median));
    let scale = scale(&rows);
    let bottom = TOP + LINE * rows.len() as f64;
    let mut svg = format!(
        "<svg class=\"forest\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\">",
        bottom + 26.0
    );
    for mark in scale.marks(Steps::Doubling) {
        let (x, class) = (scale.at(mark), if mark == 1.0 { "one" } else { "grid" });
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\"/>\
             <text class=\"mark\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            bottom + 17.0,
            if mark < 1.0 {
                times(mark)
            } else {
                format!("{mark}\u{d7}")
            }
        );
    }
    for (number, row) in rows.iter().enumerate() {
        svg += &line(row, scale, TOP + LINE * (number as f64 + 0.5));
    }
    svg + "</svg>"
}

/// An axis that holds all ratios and the line at 1.
fn scale(rows: &[&Row]) -> Scale {
    let ratios = || {
        rows.iter()
            .flat_map(|row| row.duels.iter().map(|duel| duel.ratio))
    };
    let low = ratios()
        .map(|ratio| ratio.low)
        .fold(0.7, f64::min)
        .max(1.0 / 64.0);
    let high = ratios()
        .map(|ratio| ratio.high)
        .fold(1.5, f64::max)
        .min(256.0);
    Scale::new(low, high, LEFT, RIGHT)
}

/// `win`, `even` or `loss`.
pub(super) fn class(ratio: Estimate) -> &'static str {
    match ratio {
        ratio if ratio.low > 1.0 => "win",
        ratio if ratio.high < 1.0 => "loss",
        _ => "even",
    }
}

fn line(row: &Row, scale: Scale, y: f64) -> String {
    let best = row.best();
    let ratio = best.ratio;
    let mut svg = format!(
        "<a href=\"#{id}\"><text class=\"id\" x=\"0\" y=\"{text:.1}\">{id}</text></a>\
         <text class=\"peer\" x=\"{left:.1}\" y=\"{text:.1}\">{peer}</text>",
        id = escape(&row.id),
        peer = escape(best.peer),
        text = y + 4.5,
        left = LEFT - 16.0,
    );
    for duel in row.duels.iter().filter(|duel| duel.peer != best.peer) {
        let _ = write!(
            svg,
            "<circle class=\"other\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"3.5\" data-tip=\"{}\"/>",
            scale.at(duel.ratio.median),
            tip(row, duel.peer, duel.ratio)
        );
    }
    let _ = write!(
        svg,
        "<g class=\"{class}\" data-tip=\"{tip}\"><line class=\"whisker\" x1=\"{low:.1}\" \
         x2=\"{high:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><circle cx=\"{middle:.1}\" cy=\"{y:.1}\" \
         r=\"6\"/></g><text class=\"ratio {class}\" x=\"{WIDTH}\" y=\"{text:.1}\">{ratio}</text>",
        class = class(ratio),
        tip = tip(row, best.peer, ratio),
        low = scale.at(ratio.low),
        high = scale.at(ratio.high),
        middle = scale.at(ratio.median),
        text = y + 4.5,
        ratio = times(ratio.median),
    );
    svg
}

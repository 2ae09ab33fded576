//! One scenario: how the samples of each subject lie, and the figures.

use std::fmt::Write as _;

use super::scale::{Scale, Steps};
use super::{escape, forest, times};
use crate::report::terminal::{mark as named, short, time};
use crate::result::{Measured, Row};
use crate::sample::Metric;
use crate::verdict::words;

const WIDTH: f64 = 560.0;
const LEFT: f64 = 168.0;
const RIGHT: f64 = 490.0;
const LINE: f64 = 40.0;

/// Points of the outline of a violin.
const POINTS: usize = 72;

/// Half the height of a violin at its thickest.
const THICK: f64 = 15.0;

/// The card of a scenario.
pub(super) fn of(row: &Row) -> String {
    let best = row.best();
    let mut text = format!(
        "<section class=\"card\" id=\"{id}\"><div class=\"head\"><h3>{id}</h3>\
         <b class=\"{class}\" data-tip=\"{peer}: {words}\">{ratio}</b></div>\
         <p class=\"note\">{about}</p>{violins}",
        id = escape(&row.id),
        class = forest::class(best.ratio),
        peer = escape(best.peer),
        words = words(best.ratio),
        ratio = times(best.ratio.median),
        about = escape(row.about),
        violins = violins(row),
    );
    if !row.verdicts.is_empty() {
        let chips = row.verdicts.iter().map(|verdict| {
            let (class, word) = if verdict.met {
                ("met", "\u{2713}")
            } else {
                ("missed", "\u{2717}")
            };
            format!(
                "<li class=\"{class}\" data-tip=\"{}\">{word} {}</li>",
                escape(&verdict.found),
                escape(&verdict.bound)
            )
        });
        let _ = write!(
            text,
            "<ul class=\"chips\">{}</ul>",
            chips.collect::<String>()
        );
    }
    text += &figures(row);
    if row.noisy {
        let _ = write!(
            text,
            "<p class=\"noisy\">Noisy: {}, in the best of {} attempts.</p>",
            row.others, row.attempts
        );
    }
    text + "</section>"
}

/// The samples of the subjects as outlines of their density.
fn violins(row: &Row) -> String {
    let ends = |at| {
        row.subjects
            .iter()
            .map(move |subject| subject.quantile(Metric::Time, at))
    };
    let low = ends(0.02).fold(f64::INFINITY, f64::min) * 0.97;
    let high = ends(0.98).fold(0.0, f64::max) * 1.03;
    let scale = Scale::new(low.max(1e-4), high, LEFT, RIGHT);
    let bottom = LINE * row.subjects.len() as f64;
    let mut svg = format!(
        "<svg class=\"violins\" viewBox=\"0 0 {WIDTH} {:.0}\">",
        bottom + 22.0
    );
    let mut last = f64::NEG_INFINITY;
    for mark in scale.marks(Steps::Decimal) {
        let x = scale.at(mark);
        // Marks that would write over each other are left out.
        if x - last < 44.0 {
            continue;
        }
        last = x;
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{bottom:.1}\"/>\
             <text class=\"mark\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
            bottom + 15.0,
            named(mark)
        );
    }
    for (number, subject) in row.subjects.iter().enumerate() {
        svg += &violin(row, subject, scale, LINE * (number as f64 + 0.5));
    }
    svg + "</svg>"
}

fn violin(row: &Row, subject: &Measured, scale: Scale, y: f64) -> String {
    let density = density(subject, scale);
    let most = density.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let place = |index: usize| LEFT + (RIGHT - LEFT) * index as f64 / (POINTS - 1) as f64;
    let mut outline = String::new();
    let upper = density
        .iter()
        .enumerate()
        .map(|(index, value)| (index, -value));
    let lower = density
        .iter()
        .enumerate()
        .rev()
        .map(|(index, value)| (index, *value));
    for (index, value) in upper.chain(lower) {
        let _ = write!(
            outline,
            "{:.1},{:.1} ",
            place(index),
            y + THICK * value / most
        );
    }
    let at = |part| scale.at(subject.quantile(Metric::Time, part));
    let median = subject.median(Metric::Time);
    format!(
        "<g class=\"{class}\" data-tip=\"{name}: {median} {unit}, p10 {low}, p90 {high}\">\
         <text class=\"name\" x=\"0\" y=\"{text:.1}\">{name}</text>\
         <polygon points=\"{outline}\"/>\
         <line class=\"range\" x1=\"{p10:.1}\" x2=\"{p90:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <circle cx=\"{middle:.1}\" cy=\"{y:.1}\" r=\"4\"/>\
         <text class=\"value\" x=\"{WIDTH}\" y=\"{text:.1}\">{shown}</text></g>",
        class = if subject.ours { "ours" } else { "theirs" },
        name = escape(subject.name),
        median = short(median),
        unit = row.unit,
        low = short(subject.quantile(Metric::Time, 0.1)),
        high = short(subject.quantile(Metric::Time, 0.9)),
        text = y + 4.5,
        p10 = at(0.1),
        p90 = at(0.9),
        middle = scale.at(median),
        shown = time(median),
    )
}

/// How many samples lie around each point of the axis: a sum of bells (Silverman's width).
fn density(subject: &Measured, scale: Scale) -> Vec<f64> {
    let values: Vec<f64> = subject
        .samples
        .iter()
        .map(|sample| sample.value(Metric::Time).max(1e-9).ln())
        .collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / count;
    let axis = (scale.value(1.0) / scale.value(0.0)).ln();
    // Outliers must not blur what all others show, nor may a bell be thinner than a point.
    let quarter = |at| subject.quantile(Metric::Time, at).max(1e-9).ln();
    let spread = variance
        .sqrt()
        .min((quarter(0.75) - quarter(0.25)) / 1.34 + 1e-9);
    let width = (0.9 * spread * count.powf(-0.2)).max(axis / POINTS as f64);
    (0..POINTS)
        .map(|index| {
            let at = scale.value(index as f64 / (POINTS - 1) as f64).ln();
            values
                .iter()
                .map(|value| (-((at - value) / width).powi(2) / 2.0).exp())
                .sum()
        })
        .collect()
}

/// All figures in a table that opens.
fn figures(row: &Row) -> String {
    let mut head = vec![row.unit, "p10", "p90"];
    if row.waits {
        head.extend(["CPU", "switches"]);
    }
    if row.watches {
        head.push("longest wait");
    }
    head.extend(["allocs", "bytes", "samples", "ratio"]);
    let mut lines = String::new();
    for subject in &row.subjects {
        let part = |at| short(subject.quantile(Metric::Time, at));
        let mut cells = vec![part(0.5), part(0.1), part(0.9)];
        if row.waits {
            cells.push(short(subject.median(Metric::Cpu)));
            cells.push(short(subject.median(Metric::Switches)));
        }
        if row.watches {
            cells.push(time(subject.median(Metric::Longest)));
        }
        cells.push(short(subject.allocs));
        cells.push(
            subject
                .bytes
                .map_or("\u{2013}".to_owned(), |bytes| bytes.to_string()),
        );
        cells.push(subject.samples.len().to_string());
        let duel = row.duels.iter().find(|duel| duel.peer == subject.name);
        cells.push(duel.map_or(String::new(), |duel| words(duel.ratio)));
        let cells: String = cells
            .iter()
            .map(|cell| format!("<td>{cell}</td>"))
            .collect();
        let _ = write!(lines, "<tr><td>{}</td>{cells}</tr>", escape(subject.name));
    }
    let head: String = head.iter().map(|cell| format!("<th>{cell}</th>")).collect();
    format!(
        "<details><summary>figures</summary><div class=\"scroll\"><table><thead><tr><th></th>\
         {head}</tr></thead><tbody>{lines}</tbody></table></div></details>"
    )
}

//! The result for a reader at the terminal.

use std::fmt::Write as _;

use crate::book::Scenario;
use crate::result::{Duel, Measured, Row, Run};
use crate::sample::Metric;
use crate::verdict::words;

/// How to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn verdict(self, met: bool, text: &str) -> String {
        self.paint(if met { "32" } else { "31" }, text)
    }
}

/// The scenarios with what they measure.
pub(crate) fn list(scenarios: &[&Scenario]) -> String {
    let width = scenarios
        .iter()
        .map(|scenario| scenario.id.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for scenario in scenarios {
        let _ = writeln!(text, "{:width$}  {}", scenario.id, scenario.about);
    }
    text
}

/// What is measured on, and how.
pub(crate) fn head(run: &Run) -> String {
    format!(
        "{}\n{}, commit {}, seed {}{}\n",
        run.machine,
        run.rustc,
        run.commit,
        run.seed,
        if run.quick { ", quick" } else { "" }
    )
}

/// A scenario as a table.
pub(crate) fn row(row: &Row, style: Style) -> String {
    let mut text = format!("\n{}  {}\n", style.bold(&row.id), style.dim(row.about));
    let mut head = vec!["", row.unit, "p10", "p90"];
    if row.waits {
        head.extend(["CPU", "switches"]);
    }
    if row.watches {
        head.push("longest wait");
    }
    head.extend(["allocs", "bytes", "peer \u{f7} ours"]);
    let lines: Vec<Vec<String>> = row
        .subjects
        .iter()
        .map(|subject| cells(row, subject))
        .collect();
    let columns = 0..head.len();
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells
            .chain([head[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = columns.map(width).collect();
    let line = |cells: &[String]| {
        let aligned = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column == 0 {
                    format!("  {cell:width$}")
                } else {
                    format!("  {cell:>width$}")
                }
            });
        aligned.collect::<String>()
    };
    let head: Vec<String> = head.into_iter().map(str::to_owned).collect();
    let _ = writeln!(text, "{}", style.dim(&line(&head)));
    for (subject, cells) in row.subjects.iter().zip(&lines) {
        let shown = line(cells);
        let _ = writeln!(
            text,
            "{}",
            if subject.ours {
                style.bold(&shown)
            } else {
                shown
            }
        );
    }
    for verdict in &row.verdicts {
        let word = if verdict.met { "met " } else { "LOST" };
        let shown = format!("  {word} {}: {}", verdict.bound, verdict.found);
        let _ = writeln!(text, "{}", style.verdict(verdict.met, &shown));
    }
    if row.noisy {
        let note = format!(
            "  noisy: {}, in the best of {} attempts",
            row.others, row.attempts
        );
        let _ = writeln!(text, "{}", style.paint("33", &note));
    }
    text
}

fn cells(row: &Row, subject: &Measured) -> Vec<String> {
    let number = |metric, at| short(subject.quantile(metric, at));
    let mut cells = vec![
        subject.name.to_owned(),
        number(Metric::Time, 0.5),
        number(Metric::Time, 0.1),
        number(Metric::Time, 0.9),
    ];
    if row.waits {
        cells.push(number(Metric::Cpu, 0.5));
        cells.push(short(subject.median(Metric::Switches)));
    }
    if row.watches {
        cells.push(time(subject.median(Metric::Longest)));
    }
    cells.push(short(subject.allocs));
    cells.push(
        subject
            .bytes
            .map_or("-".to_owned(), |bytes| bytes.to_string()),
    );
    let duel = row.duels.iter().find(|duel| duel.peer == subject.name);
    cells.push(duel.map_or(String::new(), |duel| words(duel.ratio)));
    cells
}

/// A number with about three digits.
pub(crate) fn short(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value if value >= 0.095 => format!("{value:.2}"),
        value if value >= 0.0005 => format!("{value:.3}"),
        _ => "0.000".to_owned(),
    }
}

/// Nanoseconds in a unit that fits.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        value if value >= 999.5e6 => format!("{} s", short(value / 1e9)),
        value if value >= 999.5e3 => format!("{} ms", short(value / 1e6)),
        value if value >= 999.5 => format!("{} \u{b5}s", short(value / 1e3)),
        value => format!("{} ns", short(value)),
    }
}

/// A round number of nanoseconds in a unit that fits, without zeros at the end.
pub(crate) fn mark(nanoseconds: f64) -> String {
    let text = time(nanoseconds);
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text,
    }
}

/// What is lost, and how many bounds are met.
pub(crate) fn summary(run: &Run, style: Style) -> String {
    let mut text = format!("\n{}\n", style.bold("where we lose"));
    let mut losses: Vec<(&Row, &Duel)> = run
        .rows
        .iter()
        .filter(|row| row.id != crate::rooms::base::SAME)
        .map(|row| (row, row.best()))
        .filter(|(_, best)| best.ratio.high < 1.0)
        .collect();
    losses.sort_by(|a, b| a.1.ratio.median.total_cmp(&b.1.ratio.median));
    for (row, best) in &losses {
        let _ = writeln!(
            text,
            "  {}  {}  to {}",
            words(best.ratio),
            row.id,
            best.peer
        );
    }
    if losses.is_empty() {
        text += "  nowhere in this run\n";
    }
    let verdicts = || {
        run.rows
            .iter()
            .flat_map(|row| row.verdicts.iter().map(move |v| (row, v)))
    };
    let met = verdicts().filter(|(_, verdict)| verdict.met).count();
    let _ = writeln!(
        text,
        "{}",
        style.bold(&format!("\n{met} of {} bounds met", verdicts().count()))
    );
    for (row, verdict) in verdicts().filter(|(_, verdict)| !verdict.met) {
        let line = format!("  LOST {}  {}: {}", row.id, verdict.bound, verdict.found);
        let _ = writeln!(text, "{}", style.verdict(false, &line));
    }
    text
}

#[cfg(test)]
mod tests;

//! The summary on the terminal.

use std::fmt::Write as _;

use crate::finding::Oddity;
use crate::format::{class, count, number, percent, short, size};
use crate::report::Atlas;

/// How many names of each kind of oddity are shown.
const NAMED: usize = 5;
/// Columns of a full bar.
const BAR: usize = 24;

/// How the summary may look.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// How many rows lists have.
    pub top: usize,
}

struct Page {
    text: String,
    color: bool,
}

impl Page {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint("2", text)
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn heading(&mut self, title: &str, note: &str) {
        let heading = format!("\n{}  {}", self.paint("1;36", title), self.dim(note));
        self.line(&heading);
    }

    fn bar(&self, part: u64, whole: u64) -> String {
        self.paint("36", &bar(part, whole))
    }
}

/// A bar of eighth blocks, as long as `part` of `whole`.
fn bar(part: u64, whole: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if whole == 0 || part == 0 {
        return String::new();
    }
    let eighths = (part as f64 / whole as f64 * (BAR * 8) as f64)
        .round()
        .max(1.0) as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// The summary of a map, ending in a newline.
pub fn summary(atlas: &Atlas, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        color: style.color,
    };
    let title = format!(
        "{}, {} in {}, {}",
        count(atlas.files, "file", "files"),
        count(atlas.lines, "line", "lines"),
        count(atlas.directories, "directory", "directories"),
        size(atlas.bytes),
    );
    page.line(&page.bold(&title));
    if let Some(reason) = atlas.stopped_by {
        let note = format!("PARTIAL: {reason} ended the walk; what follows is what was read.");
        page.line(&page.paint("1;33", &note));
    }
    languages(&mut page, atlas, style.top);
    identifiers(&mut page, atlas, style.top);
    sizes(&mut page, atlas);
    largest(&mut page, atlas, style.top);
    duplicates(&mut page, atlas, style.top);
    oddities(&mut page, atlas);
    page.text
}

fn languages(page: &mut Page, atlas: &Atlas, top: usize) {
    if atlas.languages.is_empty() {
        return;
    }
    page.heading("Languages", "by lines; a line is a newline byte");
    let titles = format!(
        "  {:<18}{:>9}{:>13}{:>10}{:>11}{:>9}",
        "", "files", "lines", "blank", "size", "longest"
    );
    page.line(&page.dim(&titles));
    let most = atlas
        .languages
        .iter()
        .map(|row| row.totals.lines)
        .max()
        .unwrap_or(0);
    for row in atlas.languages.iter().take(top) {
        let totals = &row.totals;
        let text = format!(
            "  {:<18}{:>9}{:>13}{:>10}{:>11}{:>9}  {}",
            row.language.name,
            number(totals.files),
            number(totals.lines),
            number(totals.blank),
            size(totals.bytes),
            short(totals.longest.as_ref().map_or(0, |longest| longest.bytes)),
            page.bar(totals.lines, most),
        );
        page.line(&text);
    }
    more(page, atlas.languages.len(), top);
}

fn more(page: &mut Page, all: usize, shown: usize) {
    if all > shown {
        let text = format!("  and {} more", number((all - shown) as u64));
        page.line(&page.dim(&text));
    }
}

fn identifiers(page: &mut Page, atlas: &Atlas, top: usize) {
    let ranking = &atlas.identifiers;
    let Some(first) = ranking.top.first() else {
        return;
    };
    let note = format!(
        "{} different ones, {} occurrences in code",
        number(ranking.distinct),
        number(ranking.occurrences)
    );
    page.heading("Identifiers", &note);
    for entry in ranking.top.iter().take(top.min(10)) {
        let bar = page.bar(entry.count, first.count);
        page.line(&format!(
            "  {:<30}{:>12}  {bar}",
            shorten(&entry.name, 29),
            number(entry.count)
        ));
    }
}

fn sizes(page: &mut Page, atlas: &Atlas) {
    let most = atlas
        .sizes
        .iter()
        .map(|row| row.class.files)
        .max()
        .unwrap_or(0);
    if most == 0 {
        return;
    }
    page.heading("Sizes", "files per size");
    let last = atlas
        .sizes
        .iter()
        .rposition(|row| row.class.files > 0)
        .unwrap_or(0);
    for row in &atlas.sizes[..=last] {
        let bar = page.bar(row.class.files, most);
        let label = class(row.from, row.to);
        let (files, bytes) = (number(row.class.files), size(row.class.bytes));
        page.line(&format!("  {label:<12}{files:>10}{bytes:>12}  {bar}"));
    }
}

fn largest(page: &mut Page, atlas: &Atlas, top: usize) {
    if atlas.largest.is_empty() {
        return;
    }
    page.heading("Largest files", "");
    for file in atlas.largest.iter().take(top.min(10)) {
        let share = percent(file.bytes, atlas.bytes);
        page.line(&format!(
            "  {:>10}{share:>9}  {}",
            size(file.bytes),
            file.path().display()
        ));
    }
}

fn duplicates(page: &mut Page, atlas: &Atlas, top: usize) {
    let duplicates = &atlas.duplicates;
    if duplicates.groups.is_empty() {
        return;
    }
    let copies = count(duplicates.copies, "copy", "copies");
    page.heading(
        "Duplicates",
        &format!("{copies} could go, {}", size(duplicates.wasted)),
    );
    let shown = top.min(5);
    for group in duplicates.groups.iter().take(shown) {
        let each = format!("{} \u{d7} {}", group.copies, size(group.bytes));
        page.line(&format!("  {:>18}  {}", each, group.paths[0].display()));
        for path in group.paths.iter().skip(1).take(2) {
            page.line(&format!("  {:>18}  {}", "", path.display()));
        }
        if group.paths.len() > 3 {
            let rest = format!("  {:>18}  and {} more", "", group.paths.len() - 3);
            page.line(&page.dim(&rest));
        }
    }
    more(page, duplicates.groups.len(), shown);
}

fn oddities(page: &mut Page, atlas: &Atlas) {
    if atlas.problems.is_empty() && atlas.links == 0 && atlas.skipped.is_empty() {
        return;
    }
    page.heading("Out of the ordinary", "");
    for oddity in Oddity::ALL {
        let problems = atlas.problems_of(oddity);
        let named = problems.iter().map(|problem| {
            let mut text = problem.path.display().to_string();
            if !problem.detail.is_empty() {
                let _ = write!(text, " ({})", problem.detail);
            }
            text
        });
        listed(page, oddity.title(), problems.len(), named);
    }
    let named = atlas
        .skipped
        .iter()
        .map(|(path, why)| format!("{} ({why})", path.display()));
    listed(page, "skipped", atlas.skipped.len(), named);
    if atlas.links > 0 {
        let text = format!("  {:<15}{:>8}  not followed", "links", number(atlas.links));
        page.line(&text);
    }
}

fn listed(page: &mut Page, title: &str, all: usize, named: impl Iterator<Item = String>) {
    if all == 0 {
        return;
    }
    let mut label = format!("{title:<15}{:>8}", number(all as u64));
    for text in named.take(NAMED) {
        page.line(&format!("  {label}  {text}"));
        label = " ".repeat(23);
    }
    if all > NAMED {
        let text = format!("  {label}  and {} more", number((all - NAMED) as u64));
        page.line(&page.dim(&text));
    }
}

/// The text, or its beginning and an ellipsis where it has more characters.
fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let begin: String = text.chars().take(limit - 1).collect();
    begin + "…"
}

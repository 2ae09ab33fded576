//! The report as one HTML page that needs nothing else: styles, script and charts
//! are all in it, and it follows the reader's light or dark setting.

mod charts;
mod lists;
mod treemap;

use std::fmt::{Display, Write as _};
use std::path::Path;

use crate::finding::tidy;
use crate::format::{count, number, percent, short, size};
use crate::language::Kind;
use crate::report::{Atlas, LanguageRow};

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// Languages with a colour of their own; the others share grey.
const COLORS: usize = 10;

/// The page.
pub fn page(atlas: &Atlas) -> String {
    let title = title(atlas);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>atlas of {title}</title><style>{STYLE}</style></head><body><main>",
    );
    page += &header(atlas, &title);
    page += &tiles(atlas);
    if atlas.files > 0 {
        let colors = Colors::new(atlas);
        page += &treemap::where_it_is(atlas, &colors);
        page += &charts::languages(atlas, &colors);
        page += "<div class=\"pair\">";
        page += &charts::identifiers(atlas);
        page += &charts::sizes(atlas);
        page += "</div><div class=\"pair\">";
        page += &lists::largest(atlas, &colors);
        page += &lists::duplicates(atlas);
        page += "</div>";
    }
    page += &lists::oddities(atlas);
    let _ = writeln!(
        page,
        "<footer>A line is a newline byte, as <code>wc -l</code> counts it. Identifiers are \
         words outside comments and strings, without keywords. The same tree gives the same \
         page.</footer></main><div id=\"tip\"></div><script>{SCRIPT}</script></body></html>",
    );
    page
}

/// What the map is of, in a few words.
fn title(atlas: &Atlas) -> String {
    let named = |path: &Path| {
        let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        escape(
            whole
                .file_name()
                .unwrap_or(whole.as_os_str())
                .to_string_lossy(),
        )
    };
    let mut names: Vec<_> = atlas.roots.iter().take(3).map(|path| named(path)).collect();
    if atlas.roots.len() > 3 {
        names.push(format!("{} more", atlas.roots.len() - 3));
    }
    names.join(", ")
}

fn header(atlas: &Atlas, title: &str) -> String {
    let mut text = format!(
        "<header><div><p class=\"over\">atlas of</p><h1>{title}</h1></div>\
         <button id=\"theme\" type=\"button\" aria-label=\"light or dark\">\u{25d0}</button>\
         </header>"
    );
    if let Some(reason) = atlas.stopped_by {
        let _ = write!(
            text,
            "<p class=\"partial\"><b>Partial.</b> {} ended the walk; this page shows what was \
             read until then.</p>",
            escape(reason)
        );
    }
    text
}

fn tiles(atlas: &Atlas) -> String {
    let tile = |value: String, unit: &str, note: String| {
        format!("<div class=\"tile\"><b>{value}</b><span>{unit}</span><small>{note}</small></div>")
    };
    let languages = atlas.languages.len() as u64;
    let odd = atlas.problems.len() as u64;
    let first = atlas.languages.first().map_or(String::new(), |row| {
        let share = percent(row.totals.lines, atlas.text_lines());
        format!("{share} of the lines are {}", escape(row.language.name))
    });
    let parts = [
        tile(
            number(atlas.files),
            if atlas.files == 1 { "file" } else { "files" },
            format!(
                "in {}",
                count(atlas.directories, "directory", "directories")
            ),
        ),
        tile(
            short(atlas.lines),
            if atlas.lines == 1 { "line" } else { "lines" },
            format!("{} blank", percent(atlas.blank, atlas.lines)),
        ),
        tile(
            size(atlas.bytes),
            "",
            format!(
                "{} a file",
                size(atlas.bytes.checked_div(atlas.files).unwrap_or(0))
            ),
        ),
        tile(
            number(languages),
            if languages == 1 {
                "language"
            } else {
                "languages"
            },
            first,
        ),
        tile(
            short(atlas.identifiers.distinct),
            "names",
            format!("{} occurrences", short(atlas.identifiers.occurrences)),
        ),
        tile(
            size(atlas.duplicates.wasted),
            "twice",
            format!("in {}", count(atlas.duplicates.copies, "copy", "copies")),
        ),
        tile(number(odd), "oddities", "named at the end".to_owned()),
    ];
    format!("<section class=\"tiles\">{}</section>", parts.concat())
}

/// Which colour a language has on this page.
struct Colors(Vec<Option<usize>>);

impl Colors {
    fn new(atlas: &Atlas) -> Self {
        let mut colors = vec![None; crate::language::LANGUAGES.len()];
        // Colours go to those that fill the most of either map, in the order of
        // the table.
        let fills = |row: &LanguageRow| {
            let lines = row.totals.lines as f64 / atlas.text_lines().max(1) as f64;
            let lines = if row.language.kind == Kind::Binary {
                0.0
            } else {
                lines
            };
            lines.max(row.totals.bytes as f64 / atlas.bytes.max(1) as f64)
        };
        let mut order: Vec<_> = atlas.languages.iter().enumerate().collect();
        order.sort_by(|a, b| fills(b.1).total_cmp(&fills(a.1)).then(a.0.cmp(&b.0)));
        order.truncate(COLORS);
        order.sort_by_key(|(at, _)| *at);
        for (rank, (_, row)) in order.into_iter().enumerate() {
            colors[row.index] = Some(rank);
        }
        Self(colors)
    }

    /// Whether a language has a colour of its own.
    fn has(&self, language: usize) -> bool {
        self.0[language].is_some()
    }

    /// The class that gives an element its language's colour.
    fn class(&self, language: usize) -> String {
        self.0[language].map_or_else(|| "lx".to_owned(), |rank| format!("l{rank}"))
    }
}

/// A section with a heading.
fn section(class: &str, title: &str, note: &str, body: &str) -> String {
    format!(
        "<section class=\"card {class}\"><h2>{title}</h2><p class=\"note\">{note}</p>{body}\
         </section>"
    )
}

/// A path for the page.
fn shown(atlas: &Atlas, path: &Path) -> String {
    escape(inner(atlas, path).to_string_lossy())
}

/// A path's end on the page, where the whole is too long for a list.
fn path_end(atlas: &Atlas, path: &Path) -> String {
    const LONG: usize = 38;
    let path = inner(atlas, path).to_string_lossy();
    let length = path.chars().count();
    if length <= LONG {
        return escape(path);
    }
    let end: String = path.chars().skip(length - LONG + 1).collect();
    format!("\u{2026}{}", escape(end))
}

/// A path without the one root all paths begin with. A root that is a file stays.
fn inner<'a>(atlas: &Atlas, path: &'a Path) -> &'a Path {
    let [root] = atlas.roots.as_slice() else {
        return path;
    };
    let inner = path.strip_prefix(tidy(root)).ok();
    inner
        .filter(|inner| !inner.as_os_str().is_empty())
        .unwrap_or(path)
}

/// Text as HTML.
fn escape(text: impl Display) -> String {
    let text = text.to_string();
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;

//! The lists of large, equal and odd files.

use std::fmt::Write as _;

use super::{Colors, escape, path_end, section, shown};
use crate::finding::Oddity;
use crate::format::{count, number, percent, size};
use crate::report::Atlas;

/// How many groups of duplicates and how many paths of a kind the page names.
const GROUPS: usize = 50;
const PATHS: usize = 200;

/// The largest files as bars.
pub(super) fn largest(atlas: &Atlas, colors: &Colors) -> String {
    let most = atlas.largest.first().map_or(1, |first| first.bytes).max(1);
    let mut body = String::from("<ol class=\"bars paths\">");
    for file in &atlas.largest {
        let path = shown(atlas, &file.path());
        let _ = write!(
            body,
            "<li data-tip=\"{path} \u{b7} {lang} \u{b7} {lines} lines\"><span class=\"name\">\
             {end}</span><div class=\"bar\"><b class=\"{class}\" \
             style=\"width:{share:.2}%\"></b></div><span class=\"value\">{bytes}</span></li>",
            end = path_end(atlas, &file.path()),
            lang = escape(file.language.get().name),
            lines = number(file.lines),
            class = colors.class(file.language.index()),
            share = file.bytes as f64 * 100.0 / most as f64,
            bytes = size(file.bytes)
        );
    }
    body += "</ol>";
    let share = atlas.largest.iter().map(|file| file.bytes).sum();
    let shown = atlas.largest.len() as u64;
    let note = if shown == 1 {
        format!("It holds {} of all bytes.", percent(share, atlas.bytes))
    } else {
        format!(
            "These {} hold {} of all bytes.",
            number(shown),
            percent(share, atlas.bytes)
        )
    };
    section("", "Largest files", &note, &body)
}

/// Groups of files with the same content.
pub(super) fn duplicates(atlas: &Atlas) -> String {
    let duplicates = &atlas.duplicates;
    let note = format!(
        "{} could go, and {} with them.",
        count(duplicates.copies, "copy", "copies"),
        size(duplicates.wasted)
    );
    let mut body = String::from("<div class=\"tall\">");
    if duplicates.groups.is_empty() {
        body += "<p class=\"none\">No two files have the same content.</p>";
    }
    let most = duplicates
        .groups
        .first()
        .map_or(1, |first| first.wasted())
        .max(1);
    for group in duplicates.groups.iter().take(GROUPS) {
        let _ = write!(
            body,
            "<details class=\"group\"><summary><span class=\"name\">{}</span>\
             <span class=\"bar\"><b class=\"tone3\" style=\"width:{:.2}%\"></b></span>\
             <span class=\"value\">{} \u{d7} {}</span></summary><ul>",
            path_end(atlas, &group.paths[0]),
            group.wasted() as f64 * 100.0 / most as f64,
            number(group.copies),
            size(group.bytes)
        );
        for path in group.paths.iter().take(PATHS) {
            let _ = write!(body, "<li>{}</li>", shown(atlas, path));
        }
        rest(&mut body, group.paths.len(), PATHS);
        body += "</ul></details>";
    }
    if duplicates.groups.len() > GROUPS {
        let more = (duplicates.groups.len() - GROUPS) as u64;
        let _ = write!(
            body,
            "<p class=\"none\">and {} more groups</p>",
            number(more)
        );
    }
    body += "</div>";
    section("", "The same twice", &note, &body)
}

fn rest(body: &mut String, all: usize, listed: usize) {
    if all > listed {
        let _ = write!(body, "<li>and {} more</li>", number((all - listed) as u64));
    }
}

/// Odd paths by kind.
pub(super) fn oddities(atlas: &Atlas) -> String {
    let mut body = String::from("<div class=\"odd\">");
    let mut kind = |title: &str, note: &str, entries: Vec<String>| {
        let class = if entries.is_empty() {
            "kind empty"
        } else {
            "kind"
        };
        let _ = write!(
            body,
            "<details class=\"{class}\"><summary><b>{}</b> {title}<small>{note}</small></summary>\
             <ul>",
            number(entries.len() as u64)
        );
        for entry in entries.iter().take(PATHS) {
            let _ = write!(body, "<li>{entry}</li>");
        }
        rest(&mut body, entries.len(), PATHS);
        body += "</ul></details>";
    };
    for oddity in Oddity::ALL {
        let named = atlas.problems_of(oddity).iter().map(|problem| {
            let path = shown(atlas, &problem.path);
            match problem.detail.as_str() {
                "" => path,
                detail => format!("{path} <em>{}</em>", escape(detail)),
            }
        });
        kind(oddity.title(), meaning(oddity), named.collect());
    }
    let skipped = atlas
        .skipped
        .iter()
        .map(|(path, why)| format!("{} <em>{why}</em>", shown(atlas, path)));
    kind(
        "skipped",
        "version control and caches; --all walks them",
        skipped.collect(),
    );
    body += "</div>";
    let links = match atlas.links {
        0 => String::new(),
        1 => " One link that leads somewhere was not followed.".to_owned(),
        many => format!(
            " {} links that lead somewhere were not followed.",
            number(many)
        ),
    };
    let note = format!("What a walk stumbles over, by kind.{links}");
    section("", "Out of the ordinary", &note, &body)
}

fn meaning(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Unreadable => "not counted in the totals",
        Oddity::BrokenLink => "links to nothing",
        Oddity::LinkLoop => "links into themselves or upwards",
        Oddity::Special => "pipes, sockets and devices, not opened",
        Oddity::InvalidUtf8 => "text in another encoding",
        Oddity::Binary => "zero bytes near the beginning",
    }
}

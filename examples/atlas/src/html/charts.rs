//! The charts of languages, identifiers and sizes.

use std::fmt::Write as _;

use super::{Colors, escape, section, shown};
use crate::format::{class, number, percent, short, size};
use crate::language::Kind;
use crate::report::{Atlas, LanguageRow};

/// The circumference of a circle of this radius is 100, so shares are lengths.
const RADIUS: f64 = 15.915_494;

/// The ring and the table of languages.
pub(super) fn languages(atlas: &Atlas, colors: &Colors) -> String {
    let most = atlas
        .languages
        .iter()
        .map(|row| row.totals.lines)
        .max()
        .unwrap_or(0)
        .max(1);
    let mut rows = String::new();
    for row in &atlas.languages {
        rows += &language(atlas, row, &colors.class(row.index), most);
    }
    let body = format!(
        "<div class=\"languages\">{}<div class=\"scroll\"><table><thead><tr><th>language</th>\
         <th class=\"wide\">lines: <i class=\"full\"></i>filled <i class=\"blank\"></i>blank</th>\
         <th>lines</th><th>files</th><th>size</th><th>longest line</th></tr></thead>\
         <tbody>{rows}</tbody></table></div></div>",
        ring(atlas, colors)
    );
    section(
        "",
        "Languages",
        "By name and extension, most lines first, binary kinds last.",
        &body,
    )
}

fn language(atlas: &Atlas, row: &LanguageRow, color: &str, most: u64) -> String {
    let totals = &row.totals;
    let share = |part: u64| part as f64 * 100.0 / most as f64;
    let longest = totals
        .longest
        .as_ref()
        .map_or(String::from("\u{2013}"), |longest| {
            format!(
                "<span data-tip=\"{}:{}\">{}</span>",
                shown(atlas, &longest.path),
                longest.line,
                number(longest.bytes)
            )
        });
    let often = if row.identifiers.is_empty() {
        String::new()
    } else {
        format!(
            "<small>{}</small>",
            escape(row.identifiers.join(" \u{b7} "))
        )
    };
    format!(
        "<tr><td><i class=\"{color}\"></i>{name}{often}</td>\
         <td class=\"wide\"><div class=\"bar\"><b class=\"{color}\" style=\"width:{code:.2}%\"></b>\
         <b class=\"{color} blank\" style=\"width:{blank:.2}%\"></b></div></td>\
         <td>{lines}</td><td>{files}</td><td>{bytes}</td><td>{longest}</td></tr>",
        name = escape(row.language.name),
        code = share(totals.lines - totals.blank),
        blank = share(totals.blank),
        lines = number(totals.lines),
        files = number(totals.files),
        bytes = size(totals.bytes),
    )
}

fn ring(atlas: &Atlas, colors: &Colors) -> String {
    let whole = atlas.text_lines().max(1);
    let mut arcs = String::new();
    let mut from = 0.0;
    let mut arc = |class: &str, name: &str, lines: u64| {
        let share = lines as f64 * 100.0 / whole as f64;
        if lines == 0 {
            return;
        }
        // A hair of space between arcs that are long enough to lose it.
        let drawn = if share > 1.0 { share - 0.35 } else { share };
        let _ = write!(
            arcs,
            "<circle class=\"{class}\" r=\"{RADIUS}\" cx=\"21\" cy=\"21\" \
             stroke-dasharray=\"{drawn:.3} {:.3}\" stroke-dashoffset=\"{:.3}\" \
             data-tip=\"{} \u{b7} {} lines \u{b7} {}\"/>",
            100.0 - drawn,
            25.0 - from,
            escape(name),
            number(lines),
            percent(lines, whole),
        );
        from += share;
    };
    let text = || {
        atlas
            .languages
            .iter()
            .filter(|row| row.language.kind != Kind::Binary)
    };
    for row in text().filter(|row| colors.has(row.index)) {
        arc(
            &colors.class(row.index),
            row.language.name,
            row.totals.lines,
        );
    }
    let others = text()
        .filter(|row| !colors.has(row.index))
        .map(|row| row.totals.lines)
        .sum();
    arc("lx", "others", others);
    format!(
        "<svg class=\"ring\" viewBox=\"0 0 42 42\" role=\"img\" aria-label=\"lines per language\">\
         {arcs}<text x=\"21\" y=\"21.4\" class=\"big\">{}</text>\
         <text x=\"21\" y=\"25\" class=\"small\">lines of text</text></svg>",
        short(whole)
    )
}

/// The most frequent identifiers as bars.
pub(super) fn identifiers(atlas: &Atlas) -> String {
    let ranking = &atlas.identifiers;
    let most = ranking.top.first().map_or(1, |first| first.count).max(1);
    let mut body = String::from("<ol class=\"bars words\">");
    for entry in &ranking.top {
        let name = escape(&entry.name);
        let _ = write!(
            body,
            "<li><span class=\"name\" data-tip=\"{name}\">{name}</span><div class=\"bar\">\
             <b class=\"tone\" style=\"width:{:.2}%\"></b></div><span class=\"value\">{}</span></li>",
            entry.count as f64 * 100.0 / most as f64,
            number(entry.count)
        );
    }
    body += "</ol>";
    if ranking.top.is_empty() {
        body = "<p class=\"none\">No programs here.</p>".to_owned();
    }
    let note = format!(
        "{} different ones, {} occurrences in code.",
        number(ranking.distinct),
        number(ranking.occurrences)
    );
    section("", "Most frequent identifiers", &note, &body)
}

/// Shares of files and of bytes per size, side by side.
pub(super) fn sizes(atlas: &Atlas) -> String {
    const WIDTH: f64 = 560.0;
    const FLOOR: f64 = 412.0;
    const TALL: f64 = 390.0;
    let share = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
    let shares = atlas.sizes.iter().map(|row| {
        let files = share(row.class.files, atlas.files);
        files.max(share(row.class.bytes, atlas.bytes))
    });
    let top = (shares.fold(0.1, f64::max) * 10.0).ceil() / 10.0;
    let mut out = format!(
        "<svg class=\"sizes\" viewBox=\"0 0 {WIDTH} 470\" role=\"img\" \
         aria-label=\"files and bytes per file size\">"
    );
    let steps = (top * 10.0).round() as u32;
    for step in 0..=steps {
        let part = f64::from(step) / f64::from(steps);
        let y = FLOOR - part * TALL;
        let _ = write!(
            out,
            "<line x1=\"36\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"axis\" x=\"30\" y=\"{:.1}\">{:.0}%</text>",
            y + 3.5,
            part * top * 100.0
        );
    }
    let pitch = (WIDTH - 44.0) / atlas.sizes.len() as f64;
    for (at, row) in atlas.sizes.iter().enumerate() {
        let x = 42.0 + at as f64 * pitch;
        let label = escape(class(row.from, row.to));
        let parts = [
            (
                "tone",
                share(row.class.files, atlas.files),
                format!("{} files", number(row.class.files)),
            ),
            (
                "tone2",
                share(row.class.bytes, atlas.bytes),
                size(row.class.bytes),
            ),
        ];
        for (side, (class, part, amount)) in parts.into_iter().enumerate() {
            let height = (part / top * TALL).max(if part > 0.0 { 1.5 } else { 0.0 });
            let width = pitch * 0.38;
            let _ = write!(
                out,
                "<rect class=\"{class}\" rx=\"2\" x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" \
                 height=\"{height:.1}\" data-tip=\"{label} \u{b7} {amount} \u{b7} {:.1} %\"/>",
                x + side as f64 * (width + 1.5),
                FLOOR - height,
                part * 100.0
            );
        }
        let (x, y) = (x + pitch * 0.4, FLOOR + 14.0);
        let _ = write!(
            out,
            "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" \
             transform=\"rotate(-38 {x:.1} {y:.1})\">{label}</text>"
        );
    }
    out += "</svg><p class=\"legend\"><span><i class=\"tone\"></i>share of files</span>\
            <span><i class=\"tone2\"></i>share of bytes</span></p>";
    section(
        "",
        "File sizes",
        "Many small files, few large ones: who holds the bytes?",
        &out,
    )
}

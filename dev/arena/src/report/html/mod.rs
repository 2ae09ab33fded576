//! The result as one HTML page that needs nothing else: styles, script and charts are all in it,
//! and it follows the reader's light or dark setting.

mod card;
mod forest;
mod scale;

use std::fmt::Write as _;

use super::terminal::short;
use crate::result::{Row, Run};
use crate::rooms::base::SAME;
use crate::verdict::words;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page.
pub(crate) fn page(run: &Run) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>arena: counterpoint beside its peers</title><style>{STYLE}</style></head>\
         <body><main>{}",
        header(run)
    );
    page += &tiles(run);
    page += &losses(run);
    page += &everything(run);
    page += "<h2 class=\"apart\">Scenario by scenario</h2><div class=\"cards\">";
    for row in &run.rows {
        page += &card::of(row);
    }
    let _ = writeln!(
        page,
        "</div><footer>A ratio is the peer's time by ours, measured in pairs, one right after the \
         other, in fresh processes with pinned threads: above 1, counterpoint is faster. Whiskers \
         are 95 % intervals of a bootstrap over processes and pairs, seed {}. A bound is met when \
         the ratio is at least the bound less 0.03 and its interval reaches the bound.</footer>\
         </main><div id=\"tip\"></div><script>{SCRIPT}</script></body></html>",
        run.seed
    );
    page
}

fn header(run: &Run) -> String {
    let mut text = format!(
        "<header><div><p class=\"over\">arena</p><h1>counterpoint beside its peers</h1>\
         <p class=\"where\">{}<br>{} \u{b7} commit {}{}</p></div>\
         <button id=\"theme\" type=\"button\" aria-label=\"light or dark\">\u{25d0}</button>\
         </header>",
        escape(&run.machine),
        escape(&run.rustc),
        escape(&run.commit),
        if run.quick { " \u{b7} quick run" } else { "" },
    );
    if let Some(why) = run.void() {
        let _ = write!(
            text,
            "<p class=\"void\"><b>This run is void:</b> {}</p>",
            escape(&why)
        );
    }
    text
}

/// The rows that measure something.
fn measured(run: &Run) -> impl Iterator<Item = &Row> {
    run.rows.iter().filter(|row| row.id != SAME)
}

fn tiles(run: &Run) -> String {
    let tile = |value: String, unit: &str, note: String| {
        format!("<div class=\"tile\"><b>{value}</b><span>{unit}</span><small>{note}</small></div>")
    };
    let verdicts = || run.rows.iter().flat_map(|row| &row.verdicts);
    let met = verdicts().filter(|verdict| verdict.met).count();
    let count = |holds: &dyn Fn(&Row) -> bool| measured(run).filter(|row| holds(row)).count();
    let ahead = count(&|row| row.best().ratio.low > 1.0);
    let behind = count(&|row| row.best().ratio.high < 1.0);
    let noisy = run.rows.iter().filter(|row| row.noisy).count();
    let mut parts = vec![
        tile(
            format!("{met}/{}", verdicts().count()),
            "bounds met",
            "by the rule below".to_owned(),
        ),
        tile(
            ahead.to_string(),
            "ahead",
            "of the best peer, beyond doubt".to_owned(),
        ),
        tile(behind.to_string(), "behind", "it, beyond doubt".to_owned()),
        tile(
            (count(&|_| true) - ahead - behind).to_string(),
            "even",
            "the interval holds 1".to_owned(),
        ),
        tile(
            noisy.to_string(),
            "noisy",
            "others disturbed every attempt".to_owned(),
        ),
    ];
    if let Some(same) = run.rows.iter().find(|row| row.id == SAME) {
        let ratio = same.best().ratio;
        parts.push(tile(
            format!("{:.3}", ratio.median),
            "A/A",
            format!("the same code twice: {:.3} to {:.3}", ratio.low, ratio.high),
        ));
    }
    format!("<section class=\"tiles\">{}</section>", parts.concat())
}

/// Where ours is behind, and which bounds are lost: first of all.
fn losses(run: &Run) -> String {
    let rows: Vec<&Row> = measured(run)
        .filter(|row| row.best().ratio.high < 1.0)
        .collect();
    let mut body = if rows.is_empty() {
        "<p class=\"none\">Nowhere in this run: no peer is faster beyond doubt.</p>".to_owned()
    } else {
        forest::plot(&rows)
    };
    let lost = run
        .rows
        .iter()
        .flat_map(|row| row.verdicts.iter().map(move |verdict| (row, verdict)));
    let lost: Vec<String> = lost
        .filter(|(_, verdict)| !verdict.met)
        .map(|(row, verdict)| {
            format!(
                "<li><a href=\"#{id}\">{id}</a><span>{}</span><b>{}</b></li>",
                escape(&verdict.bound),
                escape(&verdict.found),
                id = escape(&row.id),
            )
        })
        .collect();
    if !lost.is_empty() {
        let _ = write!(
            body,
            "<h3>Bounds lost</h3><ul class=\"lost\">{}</ul>",
            lost.concat()
        );
    }
    section(
        "Where we lose",
        "The best peer is faster here, worst first.",
        &body,
    )
}

fn everything(run: &Run) -> String {
    let rows: Vec<&Row> = measured(run).collect();
    if rows.is_empty() {
        return String::new();
    }
    section(
        "All ratios",
        "The best peer's time by ours, with its interval; faint dots are the other peers. Right of \
         the line counterpoint is faster.",
        &forest::plot(&rows),
    )
}

fn section(title: &str, note: &str, body: &str) -> String {
    format!("<section class=\"card\"><h2>{title}</h2><p class=\"note\">{note}</p>{body}</section>")
}

/// A ratio in a few digits for charts.
fn times(value: f64) -> String {
    format!("{}\u{d7}", short(value))
}

/// What a mouse over a ratio shows.
fn tip(row: &Row, peer: &str, ratio: crate::stats::Estimate) -> String {
    escape(&format!(
        "{}: {peer} takes {} of ours",
        row.id,
        words(ratio)
    ))
}

/// Text as HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests;

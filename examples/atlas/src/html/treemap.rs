//! The tree as nested rectangles, squarified, coloured by language.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Component;

use super::{Colors, escape, inner, section};
use crate::finding::FileRecord;
use crate::format::{count, number, size};
use crate::language::Kind;
use crate::report::Atlas;

const WIDTH: f64 = 1160.0;
const HEIGHT: f64 = 620.0;
/// Rectangles of less area are drawn together as one.
const SMALLEST: f64 = 26.0;
/// Height of a directory's label.
const LABEL: f64 = 15.0;

/// What the area of a rectangle stands for.
#[derive(Clone, Copy)]
enum Measure {
    Lines,
    Bytes,
}

#[derive(Default)]
struct Node {
    weight: u64,
    files: u64,
    language: usize,
    children: BTreeMap<String, Node>,
}

#[derive(Clone, Copy)]
struct Rect {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Rect {
    fn area(self) -> f64 {
        self.width * self.height
    }

    /// The rectangle without a margin of `by` and `top` more above.
    fn inside(self, by: f64, top: f64) -> Self {
        Self {
            x: self.x + by,
            y: self.y + by + top,
            width: (self.width - 2.0 * by).max(0.0),
            height: (self.height - 2.0 * by - top).max(0.0),
        }
    }
}

/// The section with both maps.
pub(super) fn where_it_is(atlas: &Atlas, colors: &Colors) -> String {
    let mut body = String::from(
        "<div class=\"switch\"><input type=\"radio\" name=\"area\" id=\"by-lines\" checked>\
         <label for=\"by-lines\">lines</label><input type=\"radio\" name=\"area\" id=\"by-bytes\">\
         <label for=\"by-bytes\">bytes</label>",
    );
    body += &map(atlas, colors, Measure::Lines);
    body += &map(atlas, colors, Measure::Bytes);
    body += "</div><p class=\"legend\">";
    for row in atlas.languages.iter().filter(|row| colors.has(row.index)) {
        let class = colors.class(row.index);
        let _ = write!(
            body,
            "<span><i class=\"{class}\"></i>{}</span>",
            escape(row.language.name)
        );
    }
    if atlas.languages.len() > super::COLORS {
        body += "<span><i class=\"lx\"></i>others</span>";
    }
    body += "</p>";
    let note = "Every rectangle is a file, framed by its directories.";
    section("map", "Where it is", note, &body)
}

fn map(atlas: &Atlas, colors: &Colors, measure: Measure) -> String {
    let mut root = Node::default();
    for record in &atlas.records {
        let weight = match measure {
            // Newlines in pictures and archives say nothing about their size.
            Measure::Lines if record.language.get().kind == Kind::Binary => 0,
            Measure::Lines => record.lines,
            Measure::Bytes => record.bytes,
        };
        if weight > 0 {
            insert(&mut root, atlas, record, weight);
        }
    }
    let (class, name) = match measure {
        Measure::Lines => ("by-lines", "lines"),
        Measure::Bytes => ("by-bytes", "bytes"),
    };
    let mut out = format!(
        "<svg class=\"tree {class}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"map of the tree by {name}\">"
    );
    let whole = Rect {
        x: 0.0,
        y: 0.0,
        width: WIDTH,
        height: HEIGHT,
    };
    let mut drawing = Drawing {
        out: &mut out,
        colors,
        measure,
    };
    drawing.children(&root, whole, "", 0);
    out += "</svg>";
    out
}

fn insert(root: &mut Node, atlas: &Atlas, record: &FileRecord, weight: u64) {
    let path = record.path();
    let mut node = root;
    node.weight += weight;
    node.files += 1;
    let named = |part: &Component<'_>| !matches!(part, Component::RootDir);
    for part in inner(atlas, &path).components().filter(named) {
        node = node
            .children
            .entry(part.as_os_str().to_string_lossy().into_owned())
            .or_default();
        node.weight += weight;
        node.files += 1;
    }
    node.language = record.language.index();
}

struct Drawing<'a> {
    out: &'a mut String,
    colors: &'a Colors,
    measure: Measure,
}

impl Drawing<'_> {
    fn children(&mut self, node: &Node, rect: Rect, path: &str, depth: usize) {
        let mut order: Vec<_> = node.children.iter().collect();
        order.sort_by(|a, b| b.1.weight.cmp(&a.1.weight).then_with(|| a.0.cmp(b.0)));
        let scale = rect.area() / node.weight.max(1) as f64;
        let large = order.partition_point(|(_, child)| child.weight as f64 * scale >= SMALLEST);
        let rest: u64 = order[large..].iter().map(|(_, child)| child.weight).sum();
        let mut weights: Vec<f64> = order[..large]
            .iter()
            .map(|(_, child)| child.weight as f64 * scale)
            .collect();
        if rest > 0 {
            weights.push(rest as f64 * scale);
        }
        let places = squarify(&weights, rect);
        for ((name, child), place) in order[..large].iter().zip(&places) {
            let path = if path.is_empty() {
                (*name).clone()
            } else {
                format!("{path}/{name}")
            };
            self.node(name, child, *place, &path, depth);
        }
        if let (true, Some(place)) = (rest > 0, places.last()) {
            let files = order[large..].iter().map(|(_, child)| child.files).sum();
            let tip = format!("{path}: {} more", count(files, "small file", "small files"));
            self.rect(*place, "rest", &tip);
        }
    }

    fn node(&mut self, name: &str, node: &Node, place: Rect, path: &str, depth: usize) {
        if node.children.is_empty() {
            let tip = format!("{path}\n{}", self.amount(node.weight));
            let class = self.colors.class(node.language);
            self.rect(place.inside(0.5, 0.0), &class, &tip);
            self.label(place, name, "file", 15.0);
            return;
        }
        // A directory that holds only a directory shares its frame.
        if let (1, Some((inner, child))) = (node.children.len(), node.children.iter().next())
            && !child.children.is_empty()
        {
            let name = format!("{name}/{inner}");
            return self.node(&name, child, place, &format!("{path}/{inner}"), depth);
        }
        let files = count(node.files, "file", "files");
        let tip = format!("{path}/\n{}, {files}", self.amount(node.weight));
        self.rect(
            place,
            if depth.is_multiple_of(2) {
                "dir even"
            } else {
                "dir odd"
            },
            &tip,
        );
        let labelled = place.width > 44.0 && place.height > 40.0;
        if labelled {
            self.label(
                Rect {
                    height: LABEL + 2.0,
                    ..place
                },
                name,
                "dirname",
                12.0,
            );
        }
        let margin = if place.width.min(place.height) > 14.0 {
            2.0
        } else {
            0.5
        };
        let inner = place.inside(margin, if labelled { LABEL - 1.0 } else { 0.0 });
        self.children(node, inner, path, depth + 1);
    }

    fn amount(&self, weight: u64) -> String {
        match self.measure {
            Measure::Lines => format!("{} lines", number(weight)),
            Measure::Bytes => size(weight),
        }
    }

    fn rect(&mut self, rect: Rect, class: &str, tip: &str) {
        let Rect {
            x,
            y,
            width,
            height,
        } = rect;
        let tip = escape(tip.replace('\n', " \u{b7} "));
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" data-tip=\"{tip}\"/>"
        );
    }

    /// Writes as much of `text` as fits, if that is enough to be of use.
    fn label(&mut self, rect: Rect, text: &str, class: &str, high: f64) {
        let letter = if class == "dirname" { 7.3 } else { 6.4 };
        let fits = ((rect.width - 7.0) / letter) as usize;
        if rect.height < high || fits < 3 {
            return;
        }
        let long = text.chars().count();
        let text = if long <= fits {
            text.to_owned()
        } else if fits < 6 {
            return;
        } else {
            text.chars().take(fits - 1).chain(['\u{2026}']).collect()
        };
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            rect.x + 4.0,
            rect.y + 12.0,
            escape(text)
        );
    }
}

/// Places areas, largest first, in `rect` as near to squares as rows allow
/// (Bruls, Huizing and van Wijk, "Squarified Treemaps", 2000).
fn squarify(areas: &[f64], mut rect: Rect) -> Vec<Rect> {
    let mut places = Vec::with_capacity(areas.len());
    let mut at = 0;
    while at < areas.len() {
        let side = rect.width.min(rect.height).max(f64::EPSILON);
        let mut row = 1;
        let mut sum = areas[at];
        let mut ratio = worst(areas[at], areas[at], sum, side);
        while let Some(&next) = areas.get(at + row) {
            let smallest = next.min(areas[at + row - 1]);
            let with = worst(areas[at].max(next), smallest, sum + next, side);
            if with > ratio {
                break;
            }
            (ratio, sum, row) = (with, sum + next, row + 1);
        }
        lay(&areas[at..at + row], sum, &mut rect, &mut places);
        at += row;
    }
    places
}

/// The worst ratio of sides in a row of total area `sum` along `side`.
fn worst(largest: f64, smallest: f64, sum: f64, side: f64) -> f64 {
    let square = side * side;
    let both = sum * sum;
    (square * largest / both).max(both / (square * smallest.max(f64::EPSILON)))
}

/// Lays a row along the shorter side and takes it off the rectangle.
fn lay(row: &[f64], sum: f64, rect: &mut Rect, places: &mut Vec<Rect>) {
    let wide = rect.width >= rect.height;
    let side = if wide { rect.height } else { rect.width };
    let depth = if side > 0.0 { sum / side } else { 0.0 };
    let mut along = 0.0;
    for area in row {
        let length = if depth > 0.0 { area / depth } else { 0.0 };
        places.push(if wide {
            Rect {
                x: rect.x,
                y: rect.y + along,
                width: depth,
                height: length,
            }
        } else {
            Rect {
                x: rect.x + along,
                y: rect.y,
                width: length,
                height: depth,
            }
        });
        along += length;
    }
    if wide {
        rect.x += depth;
        rect.width = (rect.width - depth).max(0.0);
    } else {
        rect.y += depth;
        rect.height = (rect.height - depth).max(0.0);
    }
}

#[cfg(test)]
mod tests;

//! What the counters say about a source file.
//!
//! `llvm-cov` lists for each file where a region of code begins and ends, with how often it was
//! entered; of the instances of generic code, the sum. Between two entries the count of the first
//! one holds. Each test program is asked by itself, and what any of them has executed is executed:
//! asked for all at once, `llvm-cov` takes a function that one program does not use for one that
//! none does.

use crate::lexer::Token;
use crate::source::{Function, Source, functions, matching, test_spans};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;

/// Line and column, counted from 1; columns in bytes.
type Place = (usize, usize);

/// From here on, this count holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Segment {
    place: Place,
    /// None where there is no code.
    count: Option<u64>,
    /// A region of code begins here.
    entry: bool,
}

/// What one program says: path from the workspace root → its segments, in order.
#[derive(Debug, Default)]
pub(super) struct Counts {
    files: BTreeMap<String, Vec<Segment>>,
}

impl Counts {
    /// Reads what `llvm-cov export` prints.
    pub(super) fn parse(json: &str, root: &Path) -> Result<Counts, String> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| format!("`llvm-cov export` printed no JSON: {error}."))?;
        let files = value["data"][0]["files"].as_array();
        let files = files.ok_or("`llvm-cov export` lists no files.")?;
        let mut counts = Counts::default();
        for file in files {
            let path = Path::new(file["filename"].as_str().unwrap_or_default());
            let path = path.strip_prefix(root).unwrap_or(path);
            let segments = file["segments"].as_array().into_iter().flatten();
            let segments: Option<Vec<Segment>> = segments.map(segment).collect();
            let segments = segments.ok_or("`llvm-cov export` has segments of another form.")?;
            let path = path.to_string_lossy().replace('\\', "/");
            counts.files.insert(path, segments);
        }
        Ok(counts)
    }
}

/// Line, column, count, whether it counts, whether a region begins, whether it is a gap.
fn segment(value: &Value) -> Option<Segment> {
    let number = |at: usize| value[at].as_u64();
    let (counted, entry, gap) = (
        value[3].as_bool()?,
        value[4].as_bool()?,
        value[5].as_bool()?,
    );
    Some(Segment {
        place: (number(0)? as usize, number(1)? as usize),
        count: Some(number(2)?).filter(|_| counted),
        entry: entry && !gap,
    })
}

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) executed: usize,
    pub(super) all: usize,
}

impl Share {
    fn count(&mut self, executed: bool) {
        self.all += 1;
        self.executed += usize::from(executed);
    }

    /// Of a hundred.
    pub(super) fn percent(self) -> f64 {
        match self.all {
            0 => 100.0,
            all => self.executed as f64 * 100.0 / all as f64,
        }
    }

    /// All of them together.
    pub(super) fn sum(shares: impl Iterator<Item = Share>) -> Share {
        shares.fold(Share::default(), |sum, share| Share {
            executed: sum.executed + share.executed,
            all: sum.all + share.all,
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} % ({} of {})",
            self.percent(),
            self.executed,
            self.all
        )
    }
}

/// An `unsafe` block that was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) path: String,
    pub(super) line: usize,
    /// The innermost function that it stands in.
    pub(super) function: String,
}

/// What was counted in some files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    pub(super) lines: Share,
    pub(super) regions: Share,
    pub(super) functions: Share,
    /// `unsafe` blocks that were executed.
    executed: usize,
    pub(super) unexecuted: Vec<Block>,
    /// `unsafe` blocks that are not compiled here, or in macros only.
    pub(super) unseen: usize,
    /// `path:first-last` of lines that were not executed.
    pub(super) missing: Vec<String>,
}

impl Measured {
    /// `unsafe` blocks that are compiled here.
    pub(super) fn blocks(&self) -> Share {
        Share {
            executed: self.executed,
            all: self.executed + self.unexecuted.len(),
        }
    }
}

/// A source file, and what the programs say about it so far.
#[derive(Debug)]
pub(super) struct Page {
    path: String,
    /// Lines that exist in test builds only.
    tests: Vec<RangeInclusive<usize>>,
    functions: Vec<(Function, Option<bool>)>,
    /// `unsafe` blocks: line, from brace to brace, whether it was executed.
    blocks: Vec<(usize, RangeInclusive<Place>, Option<bool>)>,
    lines: BTreeMap<usize, bool>,
    regions: BTreeMap<Place, bool>,
}

impl Page {
    /// A file about which nothing is known yet.
    pub(super) fn new(source: &Source) -> Page {
        let code = source.code();
        let tests: Vec<RangeInclusive<usize>> = test_spans(&code)
            .into_iter()
            .map(|(first, last)| code[first].line..=code[last].end_line)
            .collect();
        let product = |line: usize| !tests.iter().any(|lines| lines.contains(&line));
        let functions = functions(&code).into_iter();
        let functions = functions.filter(|function| product(function.first));
        let blocks = unsafe_blocks(&source.text, &code).into_iter();
        let blocks = blocks.filter(|(line, _)| product(*line));
        Page {
            path: source.path.clone(),
            functions: functions.map(|function| (function, None)).collect(),
            blocks: blocks.map(|(line, places)| (line, places, None)).collect(),
            tests,
            lines: BTreeMap::new(),
            regions: BTreeMap::new(),
        }
    }

    /// Takes in what a program says.
    pub(super) fn take(&mut self, counts: &Counts) {
        let Some(segments) = counts.files.get(&self.path) else {
            return;
        };
        let tests = &self.tests;
        let product = |line: usize| !tests.iter().any(|lines| lines.contains(&line));
        let last = segments.last().map_or(0, |segment| segment.place.0);
        for line in (1..=last).filter(|line| product(*line)) {
            if let Some(count) = line_count(segments, line) {
                *self.lines.entry(line).or_default() |= count > 0;
            }
        }
        for segment in segments.iter().filter(|segment| product(segment.place.0)) {
            if let (true, Some(count)) = (segment.entry, segment.count) {
                *self.regions.entry(segment.place).or_default() |= count > 0;
            }
        }
        for (function, known) in &mut self.functions {
            let lines = (function.first, 0)..=(function.last, usize::MAX);
            *known = either(*known, executed(segments, &lines));
        }
        for (_, places, known) in &mut self.blocks {
            *known = either(*known, executed(segments, places));
        }
    }

    /// Adds what is known to what is known of other files.
    pub(super) fn count(&self, sum: &mut Measured) {
        self.lines.values().for_each(|done| sum.lines.count(*done));
        self.regions
            .values()
            .for_each(|done| sum.regions.count(*done));
        let functions = self.functions.iter().filter_map(|(_, done)| *done);
        functions.for_each(|done| sum.functions.count(done));
        for (line, _, known) in &self.blocks {
            match known {
                Some(true) => sum.executed += 1,
                None => sum.unseen += 1,
                Some(false) => sum.unexecuted.push(Block {
                    path: self.path.clone(),
                    line: *line,
                    function: self.function_at(*line),
                }),
            }
        }
        let missing = self.lines.iter().filter(|(_, done)| !**done);
        let missing: Vec<usize> = missing.map(|(line, _)| *line).collect();
        sum.missing.extend(ranges(&self.path, &missing));
    }

    /// The name of the innermost function around a line.
    fn function_at(&self, line: usize) -> String {
        let functions = self.functions.iter().map(|(function, _)| function);
        let around = functions.filter(|it| (it.first..=it.last).contains(&line));
        let innermost = around.max_by_key(|function| function.first);
        innermost.map_or(String::new(), |function| function.name.clone())
    }
}

/// What two programs say together.
fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one || other),
        _ => one.or(other),
    }
}

/// The count that holds at a place.
fn count_at(segments: &[Segment], place: Place) -> Option<u64> {
    let after = segments.partition_point(|segment| segment.place <= place);
    after.checked_sub(1).and_then(|at| segments[at].count)
}

/// The segments that begin at these places.
fn inside<'s>(segments: &'s [Segment], places: &RangeInclusive<Place>) -> &'s [Segment] {
    let from = segments.partition_point(|segment| segment.place < *places.start());
    let upto = segments.partition_point(|segment| segment.place <= *places.end());
    &segments[from..upto.max(from)]
}

/// How often a line was executed: the most that holds anywhere in it, none if it has no code.
fn line_count(segments: &[Segment], line: usize) -> Option<u64> {
    let before = count_at(segments, (line, 0));
    let begun = inside(segments, &((line, 0)..=(line, usize::MAX)));
    let begun = begun.iter().filter(|segment| segment.entry);
    begun
        .filter_map(|segment| segment.count)
        .chain(before)
        .max()
}

/// Whether anything between these places was executed; none if there is no code.
fn executed(segments: &[Segment], places: &RangeInclusive<Place>) -> Option<bool> {
    let begun = inside(segments, places).iter();
    let begun = begun.filter(|segment| segment.entry);
    let most = begun
        .filter_map(|segment| segment.count)
        .chain(count_at(segments, *places.start()))
        .max();
    most.map(|count| count > 0)
}

/// The `unsafe` blocks: the line, and the places from brace to brace.
fn unsafe_blocks(text: &str, code: &[Token<'_>]) -> Vec<(usize, RangeInclusive<Place>)> {
    let place = |token: &Token<'_>| {
        let offset = token.text.as_ptr() as usize - text.as_ptr() as usize;
        let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        (token.line, offset - line_start + 1)
    };
    let pairs = code.windows(2).enumerate();
    let blocks = pairs.filter(|(_, pair)| pair[0].is_word("unsafe") && pair[1].is('{'));
    let blocks = blocks.map(|(at, pair)| {
        let close = matching(code, at + 1);
        (pair[0].line, place(&pair[1])..=place(&code[close]))
    });
    blocks.collect()
}

/// Lines in order, as `path:first-last`.
fn ranges(path: &str, lines: &[usize]) -> Vec<String> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for line in lines {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == *line => *last = *line,
            _ => found.push((*line, *line)),
        }
    }
    let show = |(first, last): (usize, usize)| match first == last {
        true => format!("{path}:{first}"),
        false => format!("{path}:{first}-{last}"),
    };
    found.into_iter().map(show).collect()
}

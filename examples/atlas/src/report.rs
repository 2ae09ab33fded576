//! The finished result: everything ordered, ready to be shown or written.

mod duplicates;
mod json;

use std::cmp::Reverse;
use std::path::PathBuf;

use crate::engine::Options;
use crate::finding::{FileRecord, Findings, Oddity, Problem};
use crate::identifiers::{Identifiers, Ranking};
use crate::language::{Kind, LANGUAGES, Language};
use crate::totals::{LanguageTotals, SIZE_BOUNDS, SizeClass, Totals, bytes_of};

pub use duplicates::{Duplicates, Group};

/// A map of a source tree. The same tree gives the same map, whatever the number
/// of threads.
#[derive(Debug)]
pub struct Atlas {
    /// The paths that were asked for.
    pub roots: Vec<PathBuf>,
    /// Why the run ended early, if it did: the map is then partial.
    pub stopped_by: Option<&'static str>,
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their newlines.
    pub lines: u64,
    /// Their lines of white space only.
    pub blank: u64,
    /// Directories listed.
    pub directories: u64,
    /// Links that lead somewhere and were not followed.
    pub links: u64,
    /// Languages with files: most lines first, then most bytes; binary kinds last.
    pub languages: Vec<LanguageRow>,
    /// Identifiers of all languages.
    pub identifiers: Ranking,
    /// The largest files.
    pub largest: Vec<FileRecord>,
    /// Files with the same content.
    pub duplicates: Duplicates,
    /// Files per size.
    pub sizes: Vec<SizeRow>,
    /// Odd paths by kind, then path.
    pub problems: Vec<Problem>,
    /// Directories passed over and why, by path.
    pub skipped: Vec<(PathBuf, &'static str)>,
    /// Every file read, in no order.
    pub records: Vec<FileRecord>,
}

/// A language and its counts.
#[derive(Debug)]
pub struct LanguageRow {
    /// The language.
    pub language: &'static Language,
    /// Its position in [`LANGUAGES`].
    pub index: usize,
    /// Its counts.
    pub totals: LanguageTotals,
    /// Its most frequent identifiers.
    pub identifiers: Vec<String>,
}

/// Files of a size class.
#[derive(Clone, Copy, Debug)]
pub struct SizeRow {
    /// The least size in it.
    pub from: u64,
    /// The least size beyond it, if there is one.
    pub to: Option<u64>,
    /// What is in it.
    pub class: SizeClass,
}

impl Atlas {
    /// Orders what the engine found.
    pub fn new(
        options: &Options,
        stopped_by: Option<&'static str>,
        totals: Totals,
        findings: Findings,
        identifiers: Identifiers,
    ) -> Self {
        let Findings {
            files: records,
            mut problems,
            mut skipped,
        } = findings;
        problems.sort_by(|a, b| (a.oddity, bytes_of(&a.path)).cmp(&(b.oddity, bytes_of(&b.path))));
        skipped.sort_by(|a, b| bytes_of(&a.0).cmp(bytes_of(&b.0)));
        let identifiers = identifiers.rank(options.top);
        let languages = languages(&totals, &identifiers);
        let sum = |of: fn(&LanguageTotals) -> u64| totals.languages.iter().map(of).sum::<u64>();
        Self {
            roots: options.paths.clone(),
            stopped_by,
            files: sum(|language| language.files),
            bytes: sum(|language| language.bytes),
            lines: sum(|language| language.lines),
            blank: sum(|language| language.blank),
            directories: totals.directories,
            links: totals.links,
            languages,
            identifiers,
            largest: largest(&records, options.top),
            duplicates: duplicates::find(&records),
            sizes: sizes(&totals),
            problems,
            skipped,
            records,
        }
    }

    /// Lines in languages that are not binary kinds, such as pictures.
    pub fn text_lines(&self) -> u64 {
        let text = self
            .languages
            .iter()
            .filter(|row| row.language.kind != Kind::Binary);
        text.map(|row| row.totals.lines).sum()
    }

    /// The odd paths of one kind.
    pub fn problems_of(&self, oddity: Oddity) -> &[Problem] {
        let begin = self
            .problems
            .partition_point(|problem| problem.oddity < oddity);
        let end = self
            .problems
            .partition_point(|problem| problem.oddity <= oddity);
        &self.problems[begin..end]
    }
}

fn languages(totals: &Totals, identifiers: &Ranking) -> Vec<LanguageRow> {
    let counted = LANGUAGES.iter().zip(&totals.languages).enumerate();
    let mut rows: Vec<_> = counted
        .filter(|(_, (_, totals))| totals.files > 0)
        .map(|(index, (language, totals))| LanguageRow {
            language,
            index,
            totals: totals.clone(),
            identifiers: identifiers
                .by_language
                .get(index)
                .cloned()
                .unwrap_or_default(),
        })
        .collect();
    rows.sort_by_key(|row| {
        (
            row.language.kind == Kind::Binary,
            Reverse(row.totals.lines),
            Reverse(row.totals.bytes),
            row.language.name,
        )
    });
    rows
}

fn sizes(totals: &Totals) -> Vec<SizeRow> {
    let from = std::iter::once(0).chain(SIZE_BOUNDS);
    let to = SIZE_BOUNDS.into_iter().map(Some).chain([None]);
    let rows = from.zip(to).zip(totals.sizes);
    rows.map(|((from, to), class)| SizeRow { from, to, class })
        .collect()
}

fn largest(records: &[FileRecord], top: usize) -> Vec<FileRecord> {
    let mut order: Vec<&FileRecord> = records.iter().collect();
    if top < order.len() {
        order.select_nth_unstable_by(top, |a, b| larger(a, b));
        order.truncate(top);
    }
    order.sort_unstable_by(|a, b| larger(a, b));
    order.into_iter().cloned().collect()
}

/// Larger files first, then by path.
fn larger(a: &FileRecord, b: &FileRecord) -> std::cmp::Ordering {
    b.bytes
        .cmp(&a.bytes)
        .then_with(|| bytes_of(&a.path()).cmp(bytes_of(&b.path())))
}

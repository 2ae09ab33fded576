//! The counts every worker keeps on its own and merges once.

use std::path::{Path, PathBuf};

use crate::language::{LANGUAGES, LanguageId};
use crate::scan::Facts;

/// Upper bounds of the size classes in bytes, each exclusive; the last class
/// has none.
pub const SIZE_BOUNDS: [u64; 10] = [
    1,
    1 << 8,
    1 << 10,
    1 << 12,
    1 << 14,
    1 << 16,
    1 << 18,
    1 << 20,
    1 << 22,
    1 << 24,
];

/// Files and bytes of one size class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeClass {
    /// Files in the class.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A line worth naming.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LongestLine {
    /// Its bytes.
    pub bytes: u64,
    /// The file it stands in.
    pub path: PathBuf,
    /// Its number there, counted from one.
    pub line: u64,
}

/// What is counted per language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanguageTotals {
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their newlines.
    pub lines: u64,
    /// Their lines of white space only.
    pub blank: u64,
    /// The longest line in a text file.
    pub longest: Option<LongestLine>,
}

/// What is counted in all.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// By language index; empty while nothing was counted.
    pub languages: Vec<LanguageTotals>,
    /// By size class.
    pub sizes: [SizeClass; SIZE_BOUNDS.len() + 1],
    /// Directories listed.
    pub directories: u64,
    /// Symbolic links that lead somewhere and were not followed.
    pub links: u64,
}

impl Totals {
    /// Counts a file that was read to its end.
    pub fn add(&mut self, language: LanguageId, facts: &Facts, path: impl FnOnce() -> PathBuf) {
        if self.languages.is_empty() {
            self.languages
                .resize_with(LANGUAGES.len(), Default::default);
        }
        let class = SIZE_BOUNDS.partition_point(|&bound| bound <= facts.bytes);
        self.sizes[class].files += 1;
        self.sizes[class].bytes += facts.bytes;
        let totals = &mut self.languages[language.index()];
        totals.files += 1;
        totals.bytes += facts.bytes;
        totals.lines += facts.lines;
        totals.blank += facts.blank;
        let record = totals.longest.as_ref().map_or(1, |longest| longest.bytes);
        if facts.longest >= record {
            let line = facts.longest_at;
            prefer(
                &mut totals.longest,
                &LongestLine {
                    bytes: facts.longest,
                    path: path(),
                    line,
                },
            );
        }
    }

    /// Adds the counts of `other`; the order of merging does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.directories += other.directories;
        self.links += other.links;
        for (mine, theirs) in self.sizes.iter_mut().zip(&other.sizes) {
            mine.files += theirs.files;
            mine.bytes += theirs.bytes;
        }
        if self.languages.is_empty() {
            self.languages.clone_from(&other.languages);
            return;
        }
        for (mine, theirs) in self.languages.iter_mut().zip(&other.languages) {
            mine.files += theirs.files;
            mine.bytes += theirs.bytes;
            mine.lines += theirs.lines;
            mine.blank += theirs.blank;
            if let Some(longest) = &theirs.longest {
                prefer(&mut mine.longest, longest);
            }
        }
    }
}

/// Keeps the longer line; of two the one whose path comes first.
fn prefer(kept: &mut Option<LongestLine>, other: &LongestLine) {
    let better = kept.as_ref().is_none_or(|kept| {
        (other.bytes, bytes_of(&kept.path)) > (kept.bytes, bytes_of(&other.path))
    });
    if better {
        *kept = Some(other.clone());
    }
}

/// A path's bytes, the order of all ties.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

//! Single things the engine comes across: files read, and what was odd.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::language::LanguageId;

/// A file that was read to its end.
#[derive(Clone, Debug)]
pub struct FileRecord {
    /// The directory it was found in.
    pub directory: Arc<Path>,
    /// Its name there.
    pub name: OsString,
    /// Its language.
    pub language: LanguageId,
    /// Bytes read.
    pub bytes: u64,
    /// Newlines read.
    pub lines: u64,
    /// 128 bits of its content.
    pub hash: u128,
    /// Device and inode where the file has several names.
    pub inode: Option<(u64, u64)>,
}

impl FileRecord {
    /// Directory and name.
    pub fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }
}

/// What may be odd about a path. None of these ends the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oddity {
    /// A file or directory that could not be read.
    Unreadable,
    /// A symbolic link to nothing.
    BrokenLink,
    /// A symbolic link into itself or into a directory it stands in.
    LinkLoop,
    /// A pipe, socket or device.
    Special,
    /// A text file that is not UTF-8; counted in the totals.
    InvalidUtf8,
    /// A file with zero bytes near its beginning; counted in the totals.
    Binary,
}

impl Oddity {
    /// All of them in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::Unreadable,
        Self::BrokenLink,
        Self::LinkLoop,
        Self::Special,
        Self::InvalidUtf8,
        Self::Binary,
    ];

    /// The key in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::BrokenLink => "broken_links",
            Self::LinkLoop => "link_loops",
            Self::Special => "special",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::Binary => "binary",
        }
    }

    /// The heading in reports.
    pub fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::BrokenLink => "broken links",
            Self::LinkLoop => "link loops",
            Self::Special => "special files",
            Self::InvalidUtf8 => "not UTF-8",
            Self::Binary => "binary",
        }
    }
}

/// A path and what is odd about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is odd.
    pub oddity: Oddity,
    /// Where.
    pub path: PathBuf,
    /// More about it; may be empty.
    pub detail: String,
}

/// All single things found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Files read.
    pub files: Vec<FileRecord>,
    /// Odd paths.
    pub problems: Vec<Problem>,
    /// Directories passed over, with the reason.
    pub skipped: Vec<(PathBuf, &'static str)>,
}

impl Findings {
    /// Takes over everything `other` holds.
    pub fn absorb(&mut self, other: &mut Self) {
        self.files.append(&mut other.files);
        self.problems.append(&mut other.problems);
        self.skipped.append(&mut other.skipped);
    }

    /// How many things are held.
    pub fn len(&self) -> usize {
        self.files.len() + self.problems.len() + self.skipped.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An error's text without the number std appends.
pub fn plain_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// A path as reports show it: without a leading `./`. The current directory is
/// the empty path.
pub fn tidy(path: &Path) -> PathBuf {
    let mut parts = path.components().peekable();
    while parts.next_if_eq(&Component::CurDir).is_some() {}
    parts.collect()
}

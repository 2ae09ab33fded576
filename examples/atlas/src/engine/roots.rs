//! The paths the user gave: which can be read, and which overlap.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::work::{Batch, Directory, FileEntry, Item};
use crate::finding::{Oddity, Problem, plain_words, tidy};

/// The canonical paths of the roots, where there is more than one: a walk does
/// not enter another root, which is walked on its own, so nothing counts twice.
#[derive(Debug, Default)]
pub(super) struct Roots(HashSet<PathBuf>);

impl Roots {
    /// Whether a path met on a walk is a root of its own.
    pub(super) fn contains(&self, canonical: Option<&Path>) -> bool {
        canonical.is_some_and(|canonical| self.0.contains(canonical))
    }
}

/// Looks at every path; links given by the user are followed.
pub(super) fn resolve(paths: &[PathBuf]) -> (Roots, Vec<Item>, Vec<Problem>) {
    let mut roots = HashSet::new();
    let mut starts = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match open(path) {
            Err(problem) => problems.push(problem),
            Ok((metadata, canonical)) => {
                if roots.insert(canonical.clone()) {
                    let canonical = (paths.len() > 1).then_some(canonical);
                    starts.push(start(path, &metadata, canonical));
                }
            }
        }
    }
    if paths.len() == 1 {
        roots.clear();
    }
    (Roots(roots), starts, problems)
}

/// Checks that a path can be read at all.
fn open(path: &Path) -> Result<(Metadata, PathBuf), Problem> {
    let problem = |oddity, detail: String| Problem {
        oddity,
        path: tidy(path),
        detail,
    };
    let failed = |error| match super::walk::link_trouble(path) {
        Some((oddity, detail)) => problem(oddity, detail),
        None => problem(Oddity::Unreadable, plain_words(&error)),
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        fs::read_dir(path).map_err(failed)?;
    } else if metadata.is_file() {
        File::open(path).map_err(failed)?;
    } else {
        return Err(problem(
            Oddity::Special,
            super::walk::special_kind(&metadata.file_type()),
        ));
    }
    let canonical = fs::canonicalize(path).map_err(failed)?;
    Ok((metadata, canonical))
}

fn start(path: &Path, metadata: &Metadata, canonical: Option<PathBuf>) -> Item {
    let tidied = tidy(path);
    if metadata.is_dir() {
        return Item::List(Directory {
            path: Arc::from(tidied),
            canonical,
            is_root: true,
        });
    }
    let directory = tidied.parent().unwrap_or(Path::new(""));
    let name = tidied.file_name().unwrap_or(tidied.as_os_str()).to_owned();
    let entry = FileEntry {
        name,
        bytes: metadata.len(),
        inode: super::walk::inode(metadata),
    };
    Item::Read(Batch {
        directory: Arc::from(directory),
        files: vec![entry],
    })
}

//! A copy of the tracked files, kept from run to run so that building it again is quick.

use crate::repo::Repo;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Git does not know it, but the copy must build with the same versions.
const LOCK: &str = "Cargo.lock";

/// The copy.
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Brings the copy at `root` up to date; a file that is the same already is not touched.
    pub(crate) fn copy(repo: &Repo, root: &Path) -> Result<Tree, String> {
        let mut wanted: BTreeSet<String> = repo.files()?.into_iter().collect();
        if repo.path(LOCK).is_file() {
            wanted.insert(LOCK.to_owned());
        }
        let failed = |path: &Path, error: std::io::Error| {
            format!("{} cannot be brought up to date: {error}.", path.display())
        };
        for file in &wanted {
            let to = root.join(file);
            let new = fs::read(repo.path(file)).map_err(|error| failed(&to, error))?;
            if fs::read(&to).is_ok_and(|old| old == new) {
                continue;
            }
            let folder = to.parent().unwrap_or(root);
            fs::create_dir_all(folder).map_err(|error| failed(&to, error))?;
            fs::write(&to, new).map_err(|error| failed(&to, error))?;
        }
        for stale in files_below(root, "")
            .into_iter()
            .filter(|file| !wanted.contains(file))
        {
            let path = root.join(stale);
            fs::remove_file(&path).map_err(|error| failed(&path, error))?;
        }
        Ok(Tree {
            root: root.to_owned(),
        })
    }

    /// The workspace root of the copy.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Every file below `root`, with `/`.
fn files_below(root: &Path, folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        if entry.path().is_dir() {
            files.extend(files_below(root, &path));
        } else {
            files.push(path);
        }
    }
    files
}

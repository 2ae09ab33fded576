//! Lists one directory: what to read, what to list next, what is odd.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType, Metadata};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Backend, Permits, Token};
use super::work::{Batch, Directory, FileEntry, Item};
use super::worker::Worker;
use crate::finding::{Oddity, plain_words};
use crate::totals::Totals;

/// A batch ends after this many files or bytes; a larger file goes alone.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 1 << 20;

/// What the file CACHEDIR.TAG in a cache directory begins with.
const CACHE_TAG: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// Where version control keeps its store.
const STORES: [&str; 6] = [".git", ".hg", ".svn", ".jj", ".bzr", ".pijul"];

/// A path as the system takes it: the empty one is the current directory.
pub(super) fn openable(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// Device and inode of a file with several names.
pub(super) fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (metadata.nlink() > 1).then(|| (metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// A word for a file that is neither file, directory nor link.
pub(super) fn special_kind(kind: &FileType) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let word = match kind {
            kind if kind.is_fifo() => "pipe",
            kind if kind.is_socket() => "socket",
            kind if kind.is_block_device() => "block device",
            kind if kind.is_char_device() => "character device",
            _ => "special file",
        };
        word.to_owned()
    }
    #[cfg(not(unix))]
    {
        let _ = kind;
        "special file".to_owned()
    }
}

/// What is wrong with a symbolic link, if it is one and something is.
pub(super) fn link_trouble(link: &Path) -> Option<(Oddity, String)> {
    let target = fs::read_link(link).ok()?;
    let to = || format!("to {}", target.display());
    match fs::canonicalize(link) {
        Ok(end) => {
            let here = fs::canonicalize(openable(link.parent()?)).ok()?;
            here.starts_with(&end).then(|| (Oddity::LinkLoop, to()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Some((Oddity::BrokenLink, to())),
        // ELOOP has no stable ErrorKind; only links can end in it.
        Err(error) if error.to_string().contains("symbolic links") => {
            Some((Oddity::LinkLoop, to()))
        }
        Err(error) => Some((Oddity::Unreadable, plain_words(&error))),
    }
}

fn is_tagged_cache(directory: &Path) -> bool {
    let mut begin = [0; CACHE_TAG.len()];
    let tag = directory.join("CACHEDIR.TAG");
    fs::symlink_metadata(&tag).is_ok_and(|metadata| metadata.is_file())
        && fs::File::open(tag).is_ok_and(|mut tag| tag.read_exact(&mut begin).is_ok())
        && begin == CACHE_TAG
}

impl<'a, B: Backend> Worker<'a, B> {
    /// Lists `directory` and puts what it holds on the work list.
    pub(super) fn list(&mut self, directory: &Directory) {
        let shared = self.shared;
        let Some(_open) = shared.permits.acquire(shared.token) else {
            return self.cut_short();
        };
        let path = openable(&directory.path);
        if !directory.is_root && !shared.options.all && is_tagged_cache(path) {
            self.findings
                .skipped
                .push((directory.path.to_path_buf(), "tagged as a cache"));
            return;
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let detail = plain_words(&error);
                return self.problem(Oddity::Unreadable, directory.path.to_path_buf(), detail);
            }
        };
        self.totals.as_mut().directories += 1;
        let mut listing = Listing::new(directory);
        for entry in entries {
            if shared.token.is_cancelled() {
                return self.cut_short();
            }
            match entry {
                Ok(entry) => self.entry(&mut listing, &entry),
                Err(error) => {
                    let detail = plain_words(&error);
                    self.problem(Oddity::Unreadable, directory.path.to_path_buf(), detail);
                }
            }
        }
        self.send(&mut listing);
    }

    fn entry(&mut self, listing: &mut Listing<'_>, entry: &DirEntry) {
        let path = || listing.directory.path.join(entry.file_name());
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.problem(Oddity::Unreadable, path(), plain_words(&error)),
        };
        if kind.is_symlink() {
            match link_trouble(&path()) {
                Some((oddity, detail)) => self.problem(oddity, path(), detail),
                None => self.totals.as_mut().links += 1,
            }
        } else if kind.is_dir() {
            self.directory(listing, &entry.file_name());
        } else if !kind.is_file() {
            self.problem(Oddity::Special, path(), special_kind(&kind));
        } else {
            match entry.metadata() {
                Ok(metadata) => self.file(listing, entry, &metadata),
                Err(error) => self.problem(Oddity::Unreadable, path(), plain_words(&error)),
            }
        }
    }

    fn directory(&mut self, listing: &mut Listing<'_>, name: &OsStr) {
        let path = listing.directory.path.join(name);
        let canonical = listing.canonical(name);
        if self.shared.roots.contains(canonical.as_deref()) {
            return;
        }
        if !self.shared.options.all && STORES.iter().any(|store| name == *store) {
            self.findings.skipped.push((path, "version control"));
            return;
        }
        let path = Arc::from(path);
        listing.directories.push(Directory {
            path,
            canonical,
            is_root: false,
        });
    }

    fn file(&mut self, listing: &mut Listing<'_>, entry: &DirEntry, metadata: &Metadata) {
        let name = entry.file_name();
        if self
            .shared
            .roots
            .contains(listing.canonical(&name).as_deref())
        {
            return;
        }
        let bytes = metadata.len();
        listing.found_files += 1;
        listing.found_bytes += bytes;
        let file = FileEntry {
            name,
            bytes,
            inode: inode(metadata),
        };
        if bytes >= BATCH_BYTES {
            let batch = Batch {
                directory: Arc::clone(&listing.directory.path),
                files: vec![file],
            };
            self.shared.list.push([Item::Read(batch)]);
            return;
        }
        listing.files.push(file);
        listing.bytes += bytes;
        if listing.files.len() >= BATCH_FILES || listing.bytes >= BATCH_BYTES {
            self.send(listing);
        }
    }

    /// Puts what was gathered on the work list.
    fn send(&mut self, listing: &mut Listing<'_>) {
        self.shared
            .counters
            .found(listing.found_files, listing.found_bytes);
        (listing.found_files, listing.found_bytes, listing.bytes) = (0, 0, 0);
        let files = std::mem::take(&mut listing.files);
        let directory = Arc::clone(&listing.directory.path);
        let batch = (!files.is_empty()).then_some(Item::Read(Batch { directory, files }));
        let directories = listing.directories.drain(..).map(Item::List);
        self.shared.list.push(batch.into_iter().chain(directories));
    }

    /// Notes something odd.
    pub(super) fn problem(&mut self, oddity: Oddity, path: PathBuf, detail: String) {
        self.findings.problems.push(crate::finding::Problem {
            oddity,
            path,
            detail,
        });
    }

    /// The totals, with the merged type spelled out once.
    pub(super) fn totals(&mut self) -> &mut Totals {
        self.totals.as_mut()
    }
}

/// What is gathered of a directory until it is sent.
struct Listing<'a> {
    directory: &'a Directory,
    directories: Vec<Directory>,
    files: Vec<FileEntry>,
    bytes: u64,
    found_files: u64,
    found_bytes: u64,
}

impl<'a> Listing<'a> {
    fn new(directory: &'a Directory) -> Self {
        Self {
            directory,
            directories: Vec::new(),
            files: Vec::new(),
            bytes: 0,
            found_files: 0,
            found_bytes: 0,
        }
    }

    /// The canonical path of an entry; links are not followed on a walk, so it
    /// is the directory's with the name added.
    fn canonical(&self, name: &OsStr) -> Option<PathBuf> {
        self.directory
            .canonical
            .as_ref()
            .map(|canonical| canonical.join(name))
    }
}

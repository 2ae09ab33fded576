//! The shared list of what is still to do.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::{Backend, Signal, Table};

/// While fewer files than this wait, directories are listed first, so that the
/// progress bar soon knows the whole; beyond it files go first, to bound memory.
const QUEUED_FILES: usize = 1 << 16;

/// So many directories are listed for each batch that is read meanwhile: a walk
/// that is ended early has something to show.
const LISTED_AT_ONCE: u32 = 4;

/// A directory to list.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) path: Arc<Path>,
    /// Kept only where several roots might overlap.
    pub(super) canonical: Option<PathBuf>,
    /// The user named this directory.
    pub(super) is_root: bool,
}

/// A file to read: its name in its directory, and what listing told about it.
#[derive(Debug)]
pub(super) struct FileEntry {
    pub(super) name: OsString,
    pub(super) bytes: u64,
    /// Device and inode where the file has several names.
    pub(super) inode: Option<(u64, u64)>,
}

/// Files of one directory that one worker reads in a row.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) directory: Arc<Path>,
    pub(super) files: Vec<FileEntry>,
}

/// One thing to do.
#[derive(Debug)]
pub(super) enum Item {
    List(Directory),
    Read(Batch),
}

#[derive(Debug, Default)]
struct Queue {
    directories: Vec<Directory>,
    batches: VecDeque<Batch>,
    queued_files: usize,
    /// Directories taken since the last batch.
    listed: u32,
    /// Items queued or in a worker's hands. Zero is the end.
    outstanding: usize,
    /// Workers that found nothing and sleep, or are about to.
    idle: usize,
}

impl Queue {
    fn pop(&mut self) -> Option<Item> {
        let lists = self.queued_files < QUEUED_FILES && self.listed < LISTED_AT_ONCE;
        let first = if lists { self.list() } else { self.read() };
        first.or_else(|| self.read()).or_else(|| self.list())
    }

    fn list(&mut self) -> Option<Item> {
        let directory = self.directories.pop()?;
        self.listed = self.listed.saturating_add(1);
        Some(Item::List(directory))
    }

    fn read(&mut self) -> Option<Item> {
        let batch = self.batches.pop_front()?;
        self.listed = 0;
        self.queued_files -= batch.files.len();
        Some(Item::Read(batch))
    }
}

/// A queue under a lock, and a place to sleep when it is empty.
pub(super) struct WorkList<B: Backend> {
    queue: B::Table<Queue>,
    signal: B::Signal,
}

impl<B: Backend> WorkList<B> {
    pub(super) fn new() -> Self {
        Self {
            queue: Table::new(Queue::default()),
            signal: Signal::new(),
        }
    }

    /// Adds work and wakes as many sleepers as can be of use.
    pub(super) fn push(&self, items: impl IntoIterator<Item = Item>) {
        let (added, idle) = self.queue.with(|queue| {
            let before = queue.outstanding;
            for item in items {
                queue.outstanding += 1;
                match item {
                    Item::List(directory) => queue.directories.push(directory),
                    Item::Read(batch) => {
                        queue.queued_files += batch.files.len();
                        // Large files come alone and go first: the end must
                        // not wait for one worker with a long file.
                        if batch.files.len() == 1 {
                            queue.batches.push_front(batch);
                        } else {
                            queue.batches.push_back(batch);
                        }
                    }
                }
            }
            (queue.outstanding - before, queue.idle)
        });
        match added.min(idle) {
            0 => {}
            1 => self.signal.notify_one(),
            _ => self.signal.notify_all(),
        }
    }

    /// The next thing to do, waiting for one while other workers may still find
    /// some. `None` when all is done, or the token is cancelled.
    pub(super) fn next(&self, token: &B::Token) -> Option<Taken<'_, B>> {
        if let Some(item) = self.queue.with(Queue::pop) {
            return Some(Taken {
                list: self,
                item: Some(item),
            });
        }
        let mut counted = false;
        let found = self.signal.wait_until(token, || {
            self.queue.with(|queue| {
                let item = queue.pop();
                let end = item.is_none() && queue.outstanding == 0;
                let rest = item.is_none() && !end;
                if rest != counted {
                    counted = rest;
                    if rest {
                        queue.idle += 1
                    } else {
                        queue.idle -= 1
                    }
                }
                if rest { None } else { Some(item) }
            })
        });
        if counted {
            self.queue.with(|queue| queue.idle -= 1);
        }
        found.flatten().map(|item| Taken {
            list: self,
            item: Some(item),
        })
    }

    /// Items nobody has finished; after a run, those that cancelling left over.
    pub(super) fn outstanding(&self) -> usize {
        self.queue.with(|queue| queue.outstanding)
    }

    fn finish(&self) {
        let outstanding = self.queue.with(|queue| {
            queue.outstanding -= 1;
            queue.outstanding
        });
        if outstanding == 0 {
            self.signal.notify_all();
        }
    }
}

/// An item in a worker's hands; dropping it says that it is done, so that a
/// worker that panics does not leave the others waiting.
pub(super) struct Taken<'a, B: Backend> {
    list: &'a WorkList<B>,
    item: Option<Item>,
}

impl<B: Backend> Taken<'_, B> {
    /// The item itself, once.
    pub(super) fn item(&mut self) -> Option<Item> {
        self.item.take()
    }
}

impl<B: Backend> Drop for Taken<'_, B> {
    fn drop(&mut self) {
        self.list.finish();
    }
}

#[cfg(test)]
mod tests;

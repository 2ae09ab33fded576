//! One thread's part: takes items from the list, lists directories, reads files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Shared;
use super::backend::{Backend, Permits, Table, Token, Totals as TotalsBackend};
use super::walk::openable;
use super::work::{Batch, FileEntry, Item};
use crate::finding::{FileRecord, Findings, Oddity, plain_words};
use crate::identifiers::Identifiers;
use crate::language::{self, Kind, LanguageId};
use crate::scan::{Facts, Outcome, Scanner};
use crate::totals::Totals;

/// Local identifiers go to the shared table when there are this many.
const MANY_NAMES: usize = 1 << 15;

/// Local findings go to the shared table when there are this many.
const MANY_FINDINGS: usize = 1 << 12;

type Share<'a, B> = <<B as Backend>::Totals<Totals> as TotalsBackend<Totals>>::Share<'a>;

/// A thread's own state.
pub(super) struct Worker<'a, B: Backend> {
    pub(super) shared: &'a Shared<'a, B>,
    pub(super) totals: Share<'a, B>,
    pub(super) findings: Findings,
    identifiers: Identifiers,
    scanner: Scanner,
}

impl<'a, B: Backend> Worker<'a, B> {
    pub(super) fn new(shared: &'a Shared<'a, B>, totals: Share<'a, B>) -> Self {
        Self {
            shared,
            totals,
            findings: Findings::default(),
            identifiers: Identifiers::default(),
            scanner: Scanner::default(),
        }
    }

    /// Works until nothing is left or the token is cancelled.
    pub(super) fn run(mut self) {
        while let Some(mut taken) = self.shared.list.next(self.shared.token) {
            match taken.item() {
                Some(Item::List(directory)) => self.list(&directory),
                Some(Item::Read(batch)) => self.read(batch),
                None => {}
            }
            if self.identifiers.len() >= MANY_NAMES {
                self.publish_identifiers();
            }
            if self.findings.len() >= MANY_FINDINGS {
                self.publish_findings();
            }
        }
        self.publish_identifiers();
        self.publish_findings();
    }

    /// Notes that not everything was looked at.
    pub(super) fn cut_short(&self) {
        self.shared
            .counters
            .cut_short
            .store(true, Ordering::Relaxed);
    }

    fn read(&mut self, batch: Batch) {
        for file in batch.files {
            if self.shared.token.is_cancelled() {
                return self.cut_short();
            }
            self.shared.counters.done(file.bytes);
            self.read_file(&batch.directory, file);
        }
    }

    fn read_file(&mut self, directory: &Arc<Path>, file: FileEntry) {
        let known = language::of(&file.name);
        let path = directory.join(&file.name);
        let facts = match self.scan(&path, known) {
            Some(Outcome::Read(facts)) => facts,
            Some(Outcome::Failed(error)) => {
                return self.problem(Oddity::Unreadable, path, plain_words(&error));
            }
            Some(Outcome::Stopped) | None => return self.cut_short(),
        };
        let language = known.unwrap_or_else(|| language::unknown(facts.binary));
        self.count(language, &facts, &path);
        self.findings.files.push(FileRecord {
            directory: Arc::clone(directory),
            name: file.name,
            language,
            bytes: facts.bytes,
            lines: facts.lines,
            hash: facts.hash,
            inode: file.inode,
        });
    }

    fn count(&mut self, language: LanguageId, facts: &Facts, path: &Path) {
        self.totals().add(language, facts, || path.to_path_buf());
        if facts.binary {
            self.problem(Oddity::Binary, path.to_path_buf(), String::new());
        } else if facts.invalid_utf8 {
            self.problem(Oddity::InvalidUtf8, path.to_path_buf(), String::new());
        }
    }

    /// Opens and reads a file while holding a permit; `None` when cancelled.
    fn scan(&mut self, path: &Path, known: Option<LanguageId>) -> Option<Outcome> {
        let token = self.shared.token;
        let _open = self.shared.permits.acquire(token)?;
        let mut source = match File::open(openable(path)) {
            Ok(source) => source,
            Err(error) => return Some(Outcome::Failed(error)),
        };
        let keep_going = || !token.is_cancelled();
        let code = known.filter(|language| language.get().kind == Kind::Code);
        let Some(language) = code else {
            return Some(self.scanner.scan(&mut source, None, |_| {}, keep_going));
        };
        let syntax = Some(&language.get().syntax);
        let mut names = self.identifiers.of(language);
        Some(
            self.scanner
                .scan(&mut source, syntax, |name| names.add(name), keep_going),
        )
    }

    fn publish_findings(&mut self) {
        self.shared
            .findings
            .with(|all| all.absorb(&mut self.findings));
    }

    /// Moves the local identifiers to the shared table. Merging two large tables
    /// takes long, so it is done outside the lock: take the shared table, leave
    /// none, merge, put back, and again if another thread put one there.
    fn publish_identifiers(&mut self) {
        let mut mine = std::mem::take(&mut self.identifiers);
        while !mine.is_empty() {
            let theirs = self.shared.identifiers.with(|table| {
                if table.is_empty() {
                    *table = std::mem::take(&mut mine);
                    return None;
                }
                Some(std::mem::take(table))
            });
            match theirs {
                Some(theirs) => mine.absorb(theirs),
                None => return,
            }
        }
    }
}

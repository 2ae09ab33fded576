//! How often each identifier occurs, per language.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::language::{LANGUAGES, LanguageId};

/// One table's names in a row, and where each is with its count: hundreds of
/// thousands of names cost no allocation each, and merging hashes none again.
#[derive(Debug, Default)]
struct Counts {
    names: Vec<u8>,
    entries: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    start: usize,
    length: usize,
    count: u64,
}

/// One for all tables, so that hashes can be kept.
static HASHER: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

impl Entry {
    fn name(self, names: &[u8]) -> &[u8] {
        &names[self.start..self.start + self.length]
    }
}

impl Counts {
    fn add(&mut self, hash: u64, name: &[u8], count: u64) {
        let Self { names, entries } = self;
        if let Some(entry) = entries.find_mut(hash, |entry| entry.name(names) == name) {
            entry.count += count;
            return;
        }
        let entry = Entry {
            hash,
            start: names.len(),
            length: name.len(),
            count,
        };
        names.extend_from_slice(name);
        entries.insert_unique(hash, entry, |entry| entry.hash);
    }

    /// Adds the other's counts, of which there had better be fewer.
    fn absorb(&mut self, other: &Self) {
        for entry in &other.entries {
            self.add(entry.hash, entry.name(&other.names), entry.count);
        }
    }

    fn remove(&mut self, name: &str) {
        let Self { names, entries } = self;
        let hash = HASHER.hash_one(name.as_bytes());
        if let Ok(entry) = entries.find_entry(hash, |entry| entry.name(names) == name.as_bytes()) {
            entry.remove();
        }
    }
}

/// Counts per language and name.
#[derive(Debug, Default)]
pub struct Identifiers {
    by_language: Vec<Counts>,
}

/// A name and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Identifier {
    /// The identifier.
    pub name: String,
    /// Its occurrences outside comments and strings.
    pub count: u64,
}

/// The counts with every language's keywords taken out.
#[derive(Debug)]
pub struct Ranking {
    /// The most frequent of all languages together.
    pub top: Vec<Identifier>,
    /// How many different names there are.
    pub distinct: u64,
    /// How many occurrences there are.
    pub occurrences: u64,
    /// The most frequent of each language, by its index.
    pub by_language: Vec<Vec<String>>,
}

impl Identifiers {
    /// The counts of one language, to add to.
    pub fn of(&mut self, language: LanguageId) -> NameCounter<'_> {
        if self.by_language.is_empty() {
            self.by_language
                .resize_with(LANGUAGES.len(), Counts::default);
        }
        NameCounter(&mut self.by_language[language.index()])
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.by_language
            .iter()
            .map(|counts| counts.entries.len())
            .sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds `other`'s counts; the smaller table goes into the larger one.
    pub fn absorb(&mut self, mut other: Self) {
        if self.by_language.is_empty() {
            *self = other;
            return;
        }
        for (mine, theirs) in self.by_language.iter_mut().zip(&mut other.by_language) {
            if mine.entries.len() < theirs.entries.len() {
                std::mem::swap(mine, theirs);
            }
            mine.absorb(theirs);
        }
    }

    /// Takes keywords out and ranks by count, then name.
    pub fn rank(self, top: usize) -> Ranking {
        let mut all = Counts::default();
        let mut by_language = Vec::new();
        for (mut counts, language) in self.by_language.into_iter().zip(LANGUAGES) {
            for keyword in language.keywords.split_whitespace() {
                counts.remove(keyword);
            }
            by_language.push(
                first(&counts, 5)
                    .into_iter()
                    .map(|first| first.name)
                    .collect(),
            );
            if all.entries.len() < counts.entries.len() {
                std::mem::swap(&mut all, &mut counts);
            }
            all.absorb(&counts);
        }
        Ranking {
            top: first(&all, top),
            distinct: all.entries.len() as u64,
            occurrences: all.entries.iter().map(|entry| entry.count).sum(),
            by_language,
        }
    }
}

/// One language's counts.
#[derive(Debug)]
pub struct NameCounter<'a>(&'a mut Counts);

impl NameCounter<'_> {
    /// Counts one occurrence.
    pub fn add(&mut self, name: &[u8]) {
        self.0.add(HASHER.hash_one(name), name, 1);
    }
}

fn first(counts: &Counts, top: usize) -> Vec<Identifier> {
    let counted = |entry: &Entry| (entry.count, entry.name(&counts.names));
    let mut entries: Vec<_> = counts.entries.iter().map(counted).collect();
    let order = |a: &(u64, &[u8]), b: &(u64, &[u8])| (b.0, a.1).cmp(&(a.0, b.1));
    if top < entries.len() {
        entries.select_nth_unstable_by(top, order);
        entries.truncate(top);
    }
    entries.sort_unstable_by(order);
    let named = |(count, name): (u64, &[u8])| Identifier {
        name: String::from_utf8_lossy(name).into_owned(),
        count,
    };
    entries.into_iter().map(named).collect()
}

#[cfg(test)]
mod tests;

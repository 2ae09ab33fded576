//! How often each identifier occurs, per language.

use hashbrown::HashMap;
use hashbrown::HashSet;

use crate::language::{LANGUAGES, LanguageId};

type Counts = HashMap<Box<[u8]>, u64>;

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
            self.by_language.resize_with(LANGUAGES.len(), HashMap::new);
        }
        NameCounter(&mut self.by_language[language.index()])
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.by_language.iter().map(HashMap::len).sum()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.by_language.iter().all(HashMap::is_empty)
    }

    /// Adds `other`'s counts; the smaller table goes into the larger one.
    pub fn absorb(&mut self, mut other: Self) {
        if self.by_language.is_empty() {
            *self = other;
            return;
        }
        for (mine, theirs) in self.by_language.iter_mut().zip(&mut other.by_language) {
            if mine.len() < theirs.len() {
                std::mem::swap(mine, theirs);
            }
            for (name, count) in theirs.drain() {
                *mine.entry(name).or_insert(0) += count;
            }
        }
    }

    /// Takes keywords out and ranks by count, then name.
    pub fn rank(self, top: usize) -> Ranking {
        let mut all = Counts::new();
        let mut by_language = Vec::new();
        for (mut counts, language) in self.by_language.into_iter().zip(LANGUAGES) {
            let keywords: HashSet<_> = language.keywords.split_whitespace().collect();
            counts.retain(|name, _| {
                std::str::from_utf8(name).is_ok_and(|name| !keywords.contains(name))
            });
            by_language.push(
                first(&counts, 5)
                    .into_iter()
                    .map(|first| first.name)
                    .collect(),
            );
            if all.is_empty() {
                all = counts;
                continue;
            }
            for (name, count) in counts {
                *all.entry(name).or_insert(0) += count;
            }
        }
        Ranking {
            top: first(&all, top),
            distinct: all.len() as u64,
            occurrences: all.values().sum(),
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
        *self.0.entry_ref(name).or_insert(0) += 1;
    }
}

fn first(counts: &Counts, top: usize) -> Vec<Identifier> {
    let mut entries: Vec<_> = counts
        .iter()
        .map(|(name, count)| (*count, &**name))
        .collect();
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

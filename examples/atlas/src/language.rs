//! Which language a file is written in, told by its extension or its name.

mod table;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::LazyLock;

use crate::lexer::Syntax;

/// What a language is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Programs: identifiers are counted here and nowhere else.
    Code,
    /// Pages and styles.
    Markup,
    /// Configuration and data.
    Data,
    /// Text for people.
    Prose,
    /// Pictures, sound, fonts, archives, compiled code.
    Binary,
    /// Everything whose extension is not known here.
    Other,
}

/// A language and how to recognise it.
#[derive(Debug)]
pub struct Language {
    /// The name shown in reports.
    pub name: &'static str,
    /// What it is used for.
    pub kind: Kind,
    /// Extensions in lower case, separated by spaces.
    pub extensions: &'static str,
    /// Whole file names in lower case, separated by spaces.
    pub file_names: &'static str,
    /// How comments and strings look.
    pub syntax: Syntax,
    /// Words that are not identifiers, separated by spaces.
    pub keywords: &'static str,
}

/// An index into [`LANGUAGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LanguageId(u8);

impl LanguageId {
    /// The position in [`LANGUAGES`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The language itself.
    pub fn get(self) -> &'static Language {
        &LANGUAGES[self.index()]
    }
}

pub use table::LANGUAGES;

type ByName = HashMap<&'static str, LanguageId>;

static KNOWN: LazyLock<(ByName, ByName)> = LazyLock::new(|| {
    let (mut extensions, mut names) = (HashMap::new(), HashMap::new());
    for (index, language) in LANGUAGES.iter().enumerate() {
        let id = LanguageId(u8::try_from(index).expect("fewer than 256 languages"));
        extensions.extend(
            language
                .extensions
                .split_whitespace()
                .map(|word| (word, id)),
        );
        names.extend(
            language
                .file_names
                .split_whitespace()
                .map(|word| (word, id)),
        );
    }
    (extensions, names)
});

/// The language of a file with this name, if its name or extension is known.
pub fn of(file_name: &OsStr) -> Option<LanguageId> {
    let (extensions, names) = &*KNOWN;
    let whole = file_name.to_str().and_then(|name| lookup(names, name));
    whole.or_else(|| lookup(extensions, Path::new(file_name).extension()?.to_str()?))
}

/// Where files go whose name says nothing.
pub fn unknown(binary: bool) -> LanguageId {
    let last = LANGUAGES.len() - if binary { 2 } else { 1 };
    LanguageId(u8::try_from(last).expect("fewer than 256 languages"))
}

/// Looks `word` up in lower case, without allocating for usual lengths.
fn lookup(table: &ByName, word: &str) -> Option<LanguageId> {
    let mut lower = [0; 24];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    table.get(std::str::from_utf8(lower).ok()?).copied()
}

#[cfg(test)]
mod tests;

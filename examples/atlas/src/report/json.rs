//! The map as JSON.

use serde_json::{Map, Value, json};

use super::{Atlas, LanguageRow};
use crate::finding::Oddity;

impl Atlas {
    /// The whole map but for the list of all files. Paths that are not UTF-8 are
    /// written with replacement characters.
    pub fn to_json(&self) -> Value {
        json!({
            "files": self.files,
            "bytes": self.bytes,
            "lines": self.lines,
            "blank_lines": self.blank,
            "directories": self.directories,
            "partial": self.stopped_by.is_some(),
            "stopped_by": self.stopped_by,
            "paths": self.roots.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
            "languages": self.languages.iter().map(language).collect::<Vec<_>>(),
            "identifiers": {
                "distinct": self.identifiers.distinct,
                "occurrences": self.identifiers.occurrences,
                "top": self.identifiers.top,
            },
            "largest": self.largest.iter().map(|file| json!({
                "path": file.path().to_string_lossy(),
                "language": file.language.get().name,
                "bytes": file.bytes,
                "lines": file.lines,
            })).collect::<Vec<_>>(),
            "sizes": self.sizes.iter().map(|row| json!({
                "from": row.from,
                "below": row.to,
                "files": row.class.files,
                "bytes": row.class.bytes,
            })).collect::<Vec<_>>(),
            "duplicates": {
                "copies": self.duplicates.copies,
                "wasted_bytes": self.duplicates.wasted,
                "groups": self.duplicates.groups.iter().map(|group| json!({
                    "bytes": group.bytes,
                    "copies": group.copies,
                    "wasted_bytes": group.wasted(),
                    "paths": group.paths.iter().map(|path| path.to_string_lossy())
                        .collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
            },
            "problems": self.problems_json(),
            "links": self.links,
            "skipped": self.skipped.iter().map(|(path, why)| json!({
                "path": path.to_string_lossy(),
                "why": why,
            })).collect::<Vec<_>>(),
        })
    }

    fn problems_json(&self) -> Value {
        let mut kinds = Map::new();
        for oddity in Oddity::ALL {
            let named = self.problems_of(oddity).iter().map(|problem| {
                let path = problem.path.to_string_lossy();
                match problem.detail.as_str() {
                    "" => json!({ "path": path }),
                    detail => json!({ "path": path, "detail": detail }),
                }
            });
            let named: Vec<_> = named.collect();
            kinds.insert(
                oddity.key().to_owned(),
                json!({ "count": named.len(), "paths": named }),
            );
        }
        Value::Object(kinds)
    }
}

fn language(row: &LanguageRow) -> Value {
    let totals = &row.totals;
    json!({
        "name": row.language.name,
        "kind": row.language.kind,
        "files": totals.files,
        "bytes": totals.bytes,
        "lines": totals.lines,
        "blank_lines": totals.blank,
        "longest_line": totals.longest.as_ref().map(|longest| json!({
            "bytes": longest.bytes,
            "path": longest.path.to_string_lossy(),
            "line": longest.line,
        })),
        "identifiers": row.identifiers,
    })
}

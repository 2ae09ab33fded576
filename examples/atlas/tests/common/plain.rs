//! atlas once more: one thread, whole files in memory, no cleverness. It shares
//! the table of languages with the program and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use atlas::language::{self, Kind, Language};
use atlas::lexer::Syntax;
use serde_json::{Value, json};

#[derive(Default)]
struct Counts {
    kind: Option<Kind>,
    files: u64,
    bytes: u64,
    lines: u64,
    blank: u64,
    longest: u64,
    longest_at: (PathBuf, u64),
    words: BTreeMap<String, u64>,
}

/// The result for a tree of directories and plain files, in the program's form.
pub(crate) fn map(tree: &Path, top: usize) -> Value {
    let (mut files, mut directories) = (Vec::new(), 0);
    collect(tree, &mut files, &mut directories);
    files.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    let mut languages: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut contents: BTreeMap<Vec<u8>, Vec<PathBuf>> = BTreeMap::new();
    let mut largest = Vec::new();
    let (mut binary, mut odd) = (Vec::new(), Vec::new());
    for path in files {
        let data = fs::read(&path).expect("the tree is readable");
        let is_binary = data.iter().take(8000).any(|&byte| byte == 0);
        let language = language_of(&path, is_binary);
        let counts = languages.entry(language.name).or_default();
        counts.kind = Some(language.kind);
        counts.files += 1;
        counts.bytes += data.len() as u64;
        counts.lines += data.iter().filter(|&&byte| byte == b'\n').count() as u64;
        if is_binary {
            binary.push(json!({ "path": path }));
        } else {
            count_text(counts, language, &data, &path);
            if String::from_utf8(data.clone()).is_err() {
                odd.push(json!({ "path": path }));
            }
        }
        let lines = data.iter().filter(|&&byte| byte == b'\n').count();
        largest.push((data.len(), path.clone(), language.name, lines));
        contents.entry(data).or_default().push(path);
    }
    largest.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.as_os_str().cmp(b.1.as_os_str())));
    let sizes: Vec<usize> = largest.iter().map(|file| file.0).collect();
    json!({
        "files": languages.values().map(|counts| counts.files).sum::<u64>(),
        "bytes": languages.values().map(|counts| counts.bytes).sum::<u64>(),
        "lines": languages.values().map(|counts| counts.lines).sum::<u64>(),
        "blank_lines": languages.values().map(|counts| counts.blank).sum::<u64>(),
        "directories": directories,
        "partial": false,
        "stopped_by": null,
        "paths": [tree],
        "identifiers": identifiers(&languages, top),
        "languages": rows(languages),
        "largest": largest.iter().take(top).map(|(bytes, path, language, lines)| json!({
            "path": path, "language": language, "bytes": bytes, "lines": lines,
        })).collect::<Vec<_>>(),
        "sizes": classes(&sizes),
        "duplicates": duplicates(contents),
        "problems": {
            "unreadable": { "count": 0, "paths": [] },
            "broken_links": { "count": 0, "paths": [] },
            "link_loops": { "count": 0, "paths": [] },
            "special": { "count": 0, "paths": [] },
            "invalid_utf8": { "count": odd.len(), "paths": odd },
            "binary": { "count": binary.len(), "paths": binary },
        },
        "links": 0,
        "skipped": [],
    })
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>, directories: &mut u64) {
    *directories += 1;
    for entry in fs::read_dir(directory).expect("the tree is readable") {
        let path = entry.expect("the tree is readable").path();
        if path.is_dir() {
            collect(&path, files, directories);
        } else {
            files.push(path);
        }
    }
}

fn language_of(path: &Path, binary: bool) -> &'static Language {
    let known = language::of(path.file_name().expect("a file has a name"));
    known.unwrap_or_else(|| language::unknown(binary)).get()
}

fn count_text(counts: &mut Counts, language: &Language, data: &[u8], path: &Path) {
    let mut lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() as u64 > counts.longest {
            counts.longest = line.len() as u64;
            counts.longest_at = (path.to_path_buf(), at as u64 + 1);
        }
    }
    lines.pop();
    let blank = |line: &&&[u8]| line.iter().all(|byte| b" \t\r\x0b\x0c".contains(byte));
    counts.blank += lines.iter().filter(blank).count() as u64;
    if language.kind == Kind::Code {
        let keywords: BTreeSet<_> = language.keywords.split_whitespace().collect();
        for word in words(&language.syntax, data) {
            if !keywords.contains(word.as_str()) {
                *counts.words.entry(word).or_default() += 1;
            }
        }
    }
}

fn words(syntax: &Syntax, data: &[u8]) -> Vec<String> {
    let in_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric() || byte > 127;
    let mut found = Vec::new();
    let mut rest = data;
    while let Some(&byte) = rest.first() {
        if in_word(byte) {
            let end = rest
                .iter()
                .position(|&byte| !in_word(byte))
                .unwrap_or(rest.len());
            let word = &rest[..end];
            if word.is_ascii() && end > 1 && !byte.is_ascii_digit() {
                found.push(String::from_utf8(word.to_vec()).expect("ASCII is UTF-8"));
            }
            rest = &rest[end..];
        } else if let Some((open, close)) = syntax
            .block
            .iter()
            .find(|(open, _)| rest.starts_with(open.as_bytes()))
        {
            let inside = &rest[open.len()..];
            let end = inside
                .windows(close.len())
                .position(|part| part == close.as_bytes());
            rest = end.map_or(b"", |end| &inside[end + close.len()..]);
        } else if syntax
            .line
            .iter()
            .any(|open| rest.starts_with(open.as_bytes()))
        {
            let end = rest.iter().position(|&byte| byte == b'\n');
            rest = end.map_or(b"", |end| &rest[end..]);
        } else if syntax.quotes.contains(&byte) {
            rest = after_string(&rest[1..], byte);
        } else {
            rest = &rest[1..];
        }
    }
    found
}

fn after_string(mut rest: &[u8], quote: u8) -> &[u8] {
    loop {
        match rest {
            [b'\\', _, after @ ..] => rest = after,
            [byte, after @ ..] if *byte == quote || *byte == b'\n' => return after,
            [_, after @ ..] => rest = after,
            [] => return rest,
        }
    }
}

fn ranked(words: &BTreeMap<String, u64>) -> Vec<(&String, u64)> {
    let mut ranked: Vec<_> = words.iter().map(|(word, count)| (word, *count)).collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    ranked
}

fn identifiers(languages: &BTreeMap<&str, Counts>, top: usize) -> Value {
    let mut all = BTreeMap::new();
    for counts in languages.values() {
        for (word, count) in &counts.words {
            *all.entry(word.clone()).or_default() += count;
        }
    }
    let first = ranked(&all);
    json!({
        "distinct": all.len(),
        "occurrences": all.values().sum::<u64>(),
        "top": first.iter().take(top).map(|(name, count)| json!({ "name": name, "count": count }))
            .collect::<Vec<_>>(),
    })
}

fn rows(languages: BTreeMap<&str, Counts>) -> Value {
    let mut rows: Vec<_> = languages.into_iter().collect();
    rows.sort_by_key(|(name, counts)| {
        let binary = counts.kind == Some(Kind::Binary);
        (
            binary,
            u64::MAX - counts.lines,
            u64::MAX - counts.bytes,
            *name,
        )
    });
    let row = |(name, counts): &(&str, Counts)| {
        let (path, line) = &counts.longest_at;
        json!({
            "name": name,
            "kind": counts.kind,
            "files": counts.files,
            "bytes": counts.bytes,
            "lines": counts.lines,
            "blank_lines": counts.blank,
            "longest_line": if counts.longest == 0 { Value::Null } else { json!({
                "bytes": counts.longest, "path": path, "line": line,
            }) },
            "identifiers": ranked(&counts.words).iter().take(5).map(|(word, _)| word)
                .collect::<Vec<_>>(),
        })
    };
    rows.iter().map(row).collect()
}

fn classes(sizes: &[usize]) -> Value {
    let bounds = [
        1, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216,
    ];
    let mut rows = Vec::new();
    let mut from = 0;
    for to in bounds.into_iter().map(Some).chain([None]) {
        let inside = sizes
            .iter()
            .filter(|&&size| size >= from && to.is_none_or(|to| size < to));
        let inside: Vec<_> = inside.collect();
        rows.push(json!({
            "from": from,
            "below": to,
            "files": inside.len(),
            "bytes": inside.into_iter().sum::<usize>(),
        }));
        from = to.unwrap_or(0);
    }
    Value::Array(rows)
}

fn duplicates(contents: BTreeMap<Vec<u8>, Vec<PathBuf>>) -> Value {
    let several = contents
        .into_iter()
        .filter(|(data, paths)| !data.is_empty() && paths.len() > 1);
    let mut groups: Vec<_> = several.map(|(data, paths)| (data.len(), paths)).collect();
    groups.sort_by(|(a, ap), (b, bp)| {
        let key = |bytes: &usize, paths: &Vec<PathBuf>| (bytes * (paths.len() - 1), paths.len());
        key(b, bp)
            .cmp(&key(a, ap))
            .then_with(|| ap[0].as_os_str().cmp(bp[0].as_os_str()))
    });
    json!({
        "copies": groups.iter().map(|(_, paths)| paths.len() - 1).sum::<usize>(),
        "wasted_bytes": groups.iter().map(|(bytes, paths)| bytes * (paths.len() - 1))
            .sum::<usize>(),
        "groups": groups.iter().map(|(bytes, paths)| json!({
            "bytes": bytes,
            "copies": paths.len(),
            "wasted_bytes": bytes * (paths.len() - 1),
            "paths": paths,
        })).collect::<Vec<_>>(),
    })
}

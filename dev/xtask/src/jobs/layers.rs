//! `layers`: what Cargo cannot refuse by itself.
//!
//! * A room depends only on the rooms the table allows it, and on foreign crates the table or a
//!   note in `docs/design` names.
//! * Only `base` names the standard library's synchronization, threads and clock, the model
//!   checkers and libc; everyone else goes through `counterpoint_base::prim`, or the checker
//!   would not see it.
//! * `__private` is used inside `crates/` and `dev/` only.
//! * Some rooms forbid unsafe code altogether, others outside of named files.

use crate::job::Context;
use crate::lexer::Token;
use crate::repo::Package;
use crate::report::{Finding, verdict};
use crate::source::{NamedPath, Source, paths};

/// What a room may do.
struct Room {
    /// Its folder under `crates/`.
    name: &'static str,
    /// Rooms it may depend on.
    below: &'static [&'static str],
    /// Foreign crates it may depend on without a design note.
    foreign: &'static [&'static str],
    /// Where it may use `unsafe`.
    unsafety: Unsafety,
}

/// Where a room may use `unsafe`.
enum Unsafety {
    Anywhere,
    /// `#![forbid(unsafe_code)]`.
    Nowhere,
    /// Only in files whose path under `src/` begins or ends so.
    Only(&'static [&'static str]),
}

const ALL: &[&str] = &[
    "base", "lockfree", "wait", "sync", "channel", "map", "pool", "rt", "par", "ledger", "bridge",
    "compat",
];

const fn room(
    name: &'static str,
    below: &'static [&'static str],
    foreign: &'static [&'static str],
) -> Room {
    Room {
        name,
        below,
        foreign,
        unsafety: Unsafety::Anywhere,
    }
}

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    room("base", &[], &["libc", "loom", "shuttle"]),
    room("lockfree", &["base"], &[]),
    room("wait", &["base"], &["futures-core"]),
    room("sync", &["base", "wait"], &[]),
    room("channel", &["base", "lockfree", "wait"], &["futures-core", "futures-sink"]),
    room("map", &["base", "lockfree", "wait", "sync"], &["hashbrown"]),
    room("pool", &["base", "wait", "sync", "channel"], &[]),
    room("rt", &["base", "lockfree", "wait"], &["mio", "socket2", "signal-hook-registry"]),
    Room { unsafety: Unsafety::Only(&["collect/", "sort.rs"]), ..room("par", &["base", "rt"], &["either"]) },
    Room { unsafety: Unsafety::Nowhere, ..room("ledger", &["base", "wait"], &["tracing"]) },
    Room { unsafety: Unsafety::Nowhere, ..room("bridge", &["sync", "channel", "rt", "ledger"], &[]) },
    room("compat", ALL, &[]),
    Room { unsafety: Unsafety::Nowhere, ..room("counterpoint", ALL, &[]) },
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let sources = context.repo.sources()?;
    let notes = design_notes(context)?;
    let mut findings = Vec::new();
    let mut rooms = 0;
    for package in context.workspace()?.rooms() {
        rooms += 1;
        dependencies(package, &notes, &mut findings);
        unsafety(package, &sources, &mut findings);
    }
    for source in &sources {
        names(source, &mut findings);
        private_door(source, &mut findings);
    }
    verdict(&findings, format!("{rooms} rooms keep their layers"))
}

/// The text of all notes in `docs/design`.
fn design_notes(context: &Context) -> Result<String, String> {
    let files = context.repo.files()?;
    let notes = files.iter().filter(|path| path.starts_with("docs/design/"));
    Ok(notes.filter_map(|path| context.repo.text(path)).collect())
}

/// `sync` for `counterpoint-sync`; none for a foreign crate.
fn room_name(package: &str) -> Option<&str> {
    match package {
        "counterpoint" => Some(package),
        _ => package.strip_prefix("counterpoint-"),
    }
}

fn find_room(package: &Package) -> Option<&'static Room> {
    let name = room_name(&package.name)?;
    ROOMS.iter().find(|room| room.name == name)
}

/// Checks the dependencies of a room. Those for tests are free: they reach no user.
fn dependencies(package: &Package, notes: &str, findings: &mut Vec<Finding>) {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let Some(room) = find_room(package) else {
        let message = format!(
            "`{}` is no room of the house. Add it to the table in dev/xtask/src/jobs/layers.rs \
             with the rooms below it.",
            package.name
        );
        findings.push(Finding::new(&manifest, 0, message));
        return;
    };
    for dependency in package
        .dependencies
        .iter()
        .filter(|entry| !entry.development)
    {
        let name = dependency.name.as_str();
        let allowed = match room_name(name) {
            Some(below) => room.below.contains(&below),
            None => room.foreign.contains(&name) || notes.contains(&format!("`{name}`")),
        };
        if allowed {
            continue;
        }
        let message = match room_name(name) {
            Some(below) => {
                format!(
                    "`{}` may not depend on `{below}`. It may use: {:?}.",
                    room.name, room.below
                )
            }
            None => format!(
                "`{}` depends on the foreign crate `{name}`. Drop it, or write into a note in \
                 docs/design why `{name}` is needed.",
                room.name
            ),
        };
        findings.push(Finding::new(&manifest, 0, message));
    }
}

/// Checks where a room uses `unsafe`.
fn unsafety(package: &Package, sources: &[Source], findings: &mut Vec<Finding>) {
    let Some(room) = find_room(package) else {
        return;
    };
    let folder = format!("{}/src/", package.folder);
    match room.unsafety {
        Unsafety::Anywhere => {}
        Unsafety::Nowhere => {
            let path = format!("{folder}lib.rs");
            let root = sources.iter().find(|source| source.path == path);
            if !root.is_some_and(|source| forbids_unsafe(&source.code())) {
                let message = "This room has no unsafe code: add `#![forbid(unsafe_code)]`.";
                findings.push(Finding::new(&path, 1, message));
            }
        }
        Unsafety::Only(places) => {
            for source in sources {
                let Some(inner) = source.path.strip_prefix(&folder) else {
                    continue;
                };
                if places
                    .iter()
                    .any(|place| inner.starts_with(place) || inner.ends_with(place))
                {
                    continue;
                }
                for token in source.code().iter().filter(|token| token.is_word("unsafe")) {
                    let message = format!("`unsafe` in `{}` belongs into {places:?}.", room.name);
                    findings.push(Finding::new(&source.path, token.line, message));
                }
            }
        }
    }
}

fn forbids_unsafe(code: &[Token<'_>]) -> bool {
    let wanted = ["#", "!", "[", "forbid", "(", "unsafe_code"];
    code.windows(wanted.len())
        .any(|window| window.iter().map(|token| token.text).eq(wanted))
}

/// Checks that the product code of a room above `base` names nothing that only `base` may name.
fn names(source: &Source, findings: &mut Vec<Finding>) {
    let in_room = source.path.starts_with("crates/") && source.path.contains("/src/");
    if !in_room || source.path.starts_with("crates/base/") || source.is_test_file() {
        return;
    }
    for path in paths(&source.product_code()) {
        if let Some(instead) = refused(&path) {
            let message = format!(
                "`{}` may be named in crates/base/src only. Use {instead}.",
                path.parts.join("::")
            );
            findings.push(Finding::new(&source.path, path.line, message));
        }
    }
}

/// What to use instead of a path that only `base` may name; none if the path is free.
fn refused(path: &NamedPath) -> Option<&'static str> {
    let parts: Vec<&str> = path.parts.iter().map(String::as_str).collect();
    let now = |parts: &[&str]| {
        parts
            .windows(2)
            .any(|pair| matches!(pair, ["Instant" | "SystemTime", "now"]))
    };
    match parts.as_slice() {
        ["std" | "alloc", "sync", "Arc" | "Weak", ..] => None,
        // Words for errors: nothing in them waits, and `sync::poison` returns std's own.
        [
            "std",
            "sync",
            "LockResult" | "PoisonError" | "TryLockError" | "TryLockResult",
        ] => None,
        ["std" | "core", "sync", ..] => Some("`counterpoint_base::prim` or a primitive of ours"),
        ["std", "thread", ..] => Some("`counterpoint_base::prim::thread`"),
        // A glob or another name for the whole library would hide what is used of it.
        ["std" | "core"] | ["std" | "core", "*"] if path.imported => Some("the full path"),
        // A plain word may be a variable; the crate is meant when something follows.
        ["loom" | "shuttle", rest @ ..] if path.imported || !rest.is_empty() => {
            Some("`counterpoint_base::prim`, which is served by the checker")
        }
        ["libc", rest @ ..] if path.imported || !rest.is_empty() => {
            Some("a function of `counterpoint_base` that calls the system")
        }
        parts if now(parts) => Some("`counterpoint_base::prim::time::now`"),
        _ => None,
    }
}

/// Checks that `__private` stays inside the workspace.
fn private_door(source: &Source, findings: &mut Vec<Finding>) {
    if source.path.starts_with("crates/") || source.path.starts_with("dev/") {
        return;
    }
    for path in paths(&source.code()) {
        let ours = path.parts[0].starts_with("counterpoint");
        if ours && path.parts.iter().any(|part| part == "__private") {
            let message = "`__private` carries no promise. Use the public items.";
            findings.push(Finding::new(&source.path, path.line, message));
        }
    }
}

#[cfg(test)]
mod tests;

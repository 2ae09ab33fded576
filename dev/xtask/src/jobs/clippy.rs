//! `clippy`: lints with warnings denied.
//!
//! `clippy.toml` names what only `base` may use. Clippy cannot tell a crate's product from its
//! tests, so the names are free in the first pass over everything and denied in a second one
//! over the libraries alone. Their dependencies, `base` above all, keep out of the second pass.

use crate::job::Context;

const NAMES: [&str; 2] = ["clippy::disallowed_types", "clippy::disallowed_methods"];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let all = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    let free: Vec<&str> = NAMES.iter().flat_map(|name| ["-A", name]).collect();
    context.run_cargo(&[&all[..], &free].concat())?;

    let rooms: Vec<&str> = context
        .workspace()?
        .rooms()
        .map(|package| package.name.as_str())
        .filter(|name| *name != "counterpoint-base")
        .flat_map(|name| ["--package", name])
        .collect();
    let libraries = [
        "--lib",
        "--no-deps",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ];
    let denied: Vec<&str> = NAMES.iter().flat_map(|name| ["-D", name]).collect();
    context.run_cargo(&[&["clippy"], &rooms[..], &libraries, &denied].concat())?;
    Ok(format!(
        "no warning; {} rooms keep to clippy.toml",
        rooms.len() / 2
    ))
}

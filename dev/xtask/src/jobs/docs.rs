//! `docs`: the documentation of every library crate, with warnings denied.

use crate::job::Context;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let packages: Vec<&str> = context
        .workspace()?
        .rooms()
        .flat_map(|package| ["--package", package.name.as_str()])
        .collect();
    let arguments = [&["doc", "--no-deps", "--all-features"], &packages[..]].concat();
    let command = context
        .cargo(&arguments)?
        .variable("RUSTDOCFLAGS", "-D warnings");
    command.run()?.checked()?;
    Ok(format!("{} crates", packages.len() / 2))
}

//! `features`: each library crate compiles with no feature, with each alone, and with all.

use crate::job::Context;
use crate::repo::Package;

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let mut count = 0;
    for package in context.workspace()?.rooms() {
        for choice in choices(package) {
            let arguments = arguments(&package.name, &choice);
            let output = context.run_cargo(&arguments)?;
            if output.text.contains("generated ") && output.text.contains("warning: ") {
                return Err(format!(
                    "`cargo {}` warns. A feature must leave no unused code:\n{}",
                    arguments.join(" "),
                    output.text
                ));
            }
            count += 1;
        }
    }
    Ok(format!("{count} combinations"))
}

/// A set of features to check.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice<'a> {
    None,
    One(&'a str),
    All,
}

/// The sets worth checking: a single feature is both "each" and "all".
fn choices(package: &Package) -> Vec<Choice<'_>> {
    let names: Vec<&str> = package.features.keys().map(String::as_str).collect();
    let mut choices = vec![Choice::None];
    choices.extend(names.iter().map(|name| Choice::One(name)));
    if names.len() > 1 {
        choices.push(Choice::All);
    }
    choices
}

fn arguments<'a>(package: &'a str, choice: &Choice<'a>) -> Vec<&'a str> {
    let mut arguments = vec!["check", "--package", package];
    match choice {
        Choice::None => arguments.push("--no-default-features"),
        Choice::One(feature) => {
            arguments.extend(["--no-default-features", "--features", feature]);
        }
        Choice::All => arguments.push("--all-features"),
    }
    arguments
}

#[cfg(test)]
mod tests;

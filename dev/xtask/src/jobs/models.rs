//! `models`: the models under loom and shuttle, with the number of executions of each.
//!
//! A model prints `model <name>: <n> executions (<engine>)`. One that explores hardly anything
//! proves nothing, so a small number fails.

use crate::job::Context;
use crate::report::table;
use crate::test_build::{Engine, TestBuild, parse_runs};

/// The fewest executions a model may have.
const FEWEST: u64 = 50;

/// One line that a model printed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    name: String,
    executions: u64,
    engine: String,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let mut models = Vec::new();
    let mut problems = Vec::new();
    for engine in [Engine::Loom, Engine::Shuttle] {
        let build = TestBuild::models(context, engine)?;
        let arguments = [
            "--tests",
            "--no-fail-fast",
            "--",
            "--nocapture",
            "--test-threads=2",
        ];
        let mut command = build.command(context, &arguments)?;
        if context.options.long {
            command = command.variable("COUNTERPOINT_MODEL", "long");
        }
        let output = command.run()?.checked()?;
        let tests: usize = parse_runs(&output.text).iter().map(|ran| ran.tests).sum();
        let found = parse(&output.text);
        problems.extend(judge(engine, tests, &found));
        models.extend(found);
    }
    let row = |model: &Model| {
        vec![
            model.name.clone(),
            model.executions.to_string(),
            model.engine.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    if !rows.is_empty() {
        println!("{}", table(&["model", "executions", "engine"], &rows));
    }
    if problems.is_empty() {
        Ok(note(&models))
    } else {
        Err(problems.join("\n"))
    }
}

fn note(models: &[Model]) -> String {
    if models.is_empty() {
        return "there are no model tests yet".to_owned();
    }
    let executions: u64 = models.iter().map(|model| model.executions).sum();
    format!("{} models, {executions} executions", models.len())
}

/// What is wrong with the models of one engine.
fn judge(engine: Engine, tests: usize, models: &[Model]) -> Vec<String> {
    let name = engine.name();
    if tests > 0 && models.is_empty() {
        return vec![format!(
            "{tests} tests ran under {name}, but none printed `model <name>: <n> executions \
             ({name})`."
        )];
    }
    let few = models.iter().filter(|model| model.executions < FEWEST);
    few.map(|model| {
        format!(
            "The model {} had {} executions under {name}; fewer than {FEWEST} prove nothing. Give \
             it more threads or steps.",
            model.name, model.executions
        )
    })
    .collect()
}

/// The lines of models in a text. The test runner may put its own words before one.
fn parse(text: &str) -> Vec<Model> {
    text.lines().filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Model> {
    line.match_indices("model ").find_map(|(at, word)| {
        let (name, rest) = line[at + word.len()..].split_once(": ")?;
        let (number, rest) = rest.split_once(" executions (")?;
        let (engine, _) = rest.split_once(')')?;
        let executions = number.replace([',', '_'], "").parse().ok()?;
        Some(Model {
            name: name.to_owned(),
            executions,
            engine: engine.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests;

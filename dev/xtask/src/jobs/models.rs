//! `models`: the models under loom and shuttle, with the number of executions of each.
//!
//! A model prints `model <name>: <n> executions (<engine>)`. One that explores hardly anything
//! proves nothing, so a small number fails. Under shuttle each primitive gets at least
//! [`SCHEDULES`] schedules, random ones and those of PCT, spread over its models.
//!
//! `--only` chooses engines, files of models, or both: so the whole may be counted in parts.

use crate::job::Context;
use crate::jobs::proof::Proof;
use crate::primitives::{Primitive, primitives};
use crate::report::table;
use crate::test_build::{Engine, TestBinary, TestBuild};
use pool::Run;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

mod pool;

/// The fewest executions a model may have.
const FEWEST: u64 = 50;

/// The fewest schedules of a primitive under shuttle, in the gate and at night.
const SCHEDULES: (u64, u64) = (200_000, 5_000_000);

/// Who explores models.
const ENGINES: [&str; 2] = ["loom", "shuttle"];

/// A model may take so long.
const LIMIT: Duration = Duration::from_secs(7200);

/// One line that a model printed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Model {
    /// Its file, without ending; empty if it is not known.
    file: String,
    name: String,
    executions: u64,
    engine: String,
}

impl Model {
    /// As lists name it.
    fn path(&self) -> String {
        format!("{}::{}", self.file, self.name)
    }
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let only = &context.options.only;
    let primitives = primitives(&context.repo)?;
    let (engines, files) = chosen(only, &primitives)?;
    let wanted = |engine: &str| engines.is_empty() || engines.contains(&engine);
    let proof = match only.is_empty() {
        true => Proof::begin(context, "models")?,
        false => Proof::more(context, "models")?,
    };
    let (mut models, mut problems) = (Vec::new(), Vec::new());
    if wanted("loom") {
        let (found, more) = every_schedule(context, &files)?;
        models.extend(found);
        problems.extend(more);
    }
    if wanted("shuttle") {
        let (found, more) = many_schedules(context, &primitives, &files)?;
        problems.extend(more);
        problems.extend(scarce(context, &primitives, &files, &found));
        models.extend(found);
    }
    let row = |model: &Model| {
        vec![
            model.path(),
            model.executions.to_string(),
            model.engine.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = models.iter().map(row).collect();
    if !rows.is_empty() {
        println!("{}", table(&["model", "executions", "engine"], &rows));
    }
    for model in &models {
        let engine = model.engine.split([',', ' ']).next().unwrap_or_default();
        let failed = problems.iter().any(|problem| problem.contains(&model.name));
        let result = if failed { "FAILED" } else { "ok" };
        proof.tell(&model.path(), engine, model.executions, result)?;
    }
    if problems.is_empty() {
        Ok(note(&models))
    } else {
        Err(problems.join("\n"))
    }
}

/// The engines and the files of models that were chosen; none stands for all.
fn chosen<'o>(
    only: &'o [String],
    primitives: &[Primitive],
) -> Result<(Vec<&'o str>, Vec<&'o str>), String> {
    let models = primitives.iter().flat_map(|primitive| &primitive.models);
    let known: BTreeSet<&str> = models.map(|model| file_of(model)).collect();
    let (engines, files): (Vec<&str>, Vec<&str>) = only
        .iter()
        .map(String::as_str)
        .partition(|name| ENGINES.contains(name));
    match files.iter().find(|file| !known.contains(*file)) {
        None => Ok((engines, files)),
        Some(name) => Err(format!(
            "{name} is no engine ({}) and no file of models.",
            ENGINES.join(", ")
        )),
    }
}

/// The file of a model that is named as in lists.
fn file_of(model: &str) -> &str {
    model.split("::").next().unwrap_or_default()
}

/// The models under loom.
fn every_schedule(context: &Context, files: &[&str]) -> Result<(Vec<Model>, Vec<String>), String> {
    let long = context.options.long;
    explore(context, Engine::Loom, files, |_| match long {
        true => vec![("COUNTERPOINT_MODEL", "long".to_owned())],
        false => Vec::new(),
    })
}

/// The models under shuttle, each file with as many schedules as its primitives want.
fn many_schedules(
    context: &Context,
    primitives: &[Primitive],
    files: &[&str],
) -> Result<(Vec<Model>, Vec<String>), String> {
    explore(context, Engine::Shuttle, files, |file| {
        match schedules(context, file, primitives) {
            Some(count) => vec![("COUNTERPOINT_EXECUTIONS", count.to_string())],
            None if context.options.long => vec![("COUNTERPOINT_MODEL", "long".to_owned())],
            None => Vec::new(),
        }
    })
}

/// Runs the models of these files, of all if there are none; what they printed, and what is wrong.
fn explore(
    context: &Context,
    engine: Engine,
    files: &[&str],
    variables: impl Fn(&str) -> Vec<(&'static str, String)>,
) -> Result<(Vec<Model>, Vec<String>), String> {
    let root = context.repo.root();
    let binaries = TestBuild::models(context, engine)?.build(context)?;
    let binaries: Vec<(&TestBinary, String)> = binaries
        .iter()
        .map(|binary| (binary, stem(binary)))
        .filter(|(_, file)| files.is_empty() || files.contains(&file.as_str()))
        .collect();
    let mut runs = Vec::new();
    for (binary, file) in &binaries {
        for test in binary.list(root, &[])? {
            runs.push(Run {
                binary,
                file,
                test,
                variables: variables(file),
            });
        }
    }
    let tests = runs.len();
    let ended = pool::run_all(root, runs, LIMIT);
    pool::print_times(engine.name(), &ended);
    let (mut models, mut problems) = (Vec::new(), Vec::new());
    for run in ended {
        match run.output {
            Ok(output) => models.extend(parse(run.file, &output.text)),
            Err(problem) => problems.push(format!("{}::{}: {problem}", run.file, run.test)),
        }
    }
    models.sort_by_cached_key(Model::path);
    problems.extend(judge(engine, tests, &models));
    Ok((models, problems))
}

fn stem(binary: &TestBinary) -> String {
    let stem = binary.source.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// How many schedules are wanted of a primitive.
fn wanted(context: &Context) -> u64 {
    match context.options.long {
        true => SCHEDULES.1,
        false => SCHEDULES.0,
    }
}

/// How many random schedules each model of a file gets, and as many of PCT, so that its primitives
/// get theirs. None if they want none.
fn schedules(context: &Context, file: &str, primitives: &[Primitive]) -> Option<u64> {
    let prefix = format!("{file}::");
    let here = primitives.iter().filter(|primitive| {
        primitive
            .models
            .iter()
            .any(|model| model.starts_with(&prefix))
    });
    let fewest = here.map(|primitive| primitive.models.len()).min()?;
    Some(wanted(context).div_ceil(2 * fewest as u64))
}

/// The primitives that got fewer schedules than wanted, of those whose files were chosen.
fn scarce(
    context: &Context,
    primitives: &[Primitive],
    files: &[&str],
    shuttle: &[Model],
) -> Vec<String> {
    let counts: BTreeMap<String, u64> = shuttle
        .iter()
        .map(|model| (model.path(), model.executions))
        .collect();
    let wanted = wanted(context);
    let mut problems = Vec::new();
    let ran = |model: &String| files.is_empty() || files.contains(&file_of(model));
    for primitive in primitives {
        if !primitive.models.iter().all(ran) {
            continue;
        }
        let count = primitive
            .models
            .iter()
            .filter_map(|model| counts.get(model));
        let count: u64 = count.sum();
        if count < wanted {
            problems.push(format!(
                "{}: {count} schedules under shuttle; {wanted} are wanted.",
                primitive.name
            ));
        }
    }
    problems
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

/// The lines of models in what a test of a file printed. The test runner may put its own words
/// before one.
fn parse(file: &str, text: &str) -> Vec<Model> {
    let found = text.lines().filter_map(parse_line);
    let of_file = |model| Model {
        file: file.to_owned(),
        ..model
    };
    found.map(of_file).collect()
}

fn parse_line(line: &str) -> Option<Model> {
    line.match_indices("model ").find_map(|(at, word)| {
        let (name, rest) = line[at + word.len()..].split_once(": ")?;
        let (number, rest) = rest.split_once(" executions (")?;
        let (engine, _) = rest.split_once(')')?;
        let executions = number.replace([',', '_'], "").parse().ok()?;
        Some(Model {
            file: String::new(),
            name: name.to_owned(),
            executions,
            engine: engine.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests;

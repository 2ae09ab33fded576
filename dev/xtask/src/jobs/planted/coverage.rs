//! What can be said of the faults and the models without running anything: whether each model is
//! named by a fault and explored far enough, and whether each fault fits the source as it stands.

use super::{LIST, Plant, apply};
use crate::repo::Repo;
use crate::test_build::Engine;
use std::collections::BTreeMap;

/// Where the models are.
const MODELS: &str = "dev/model/tests/";

/// How many preemptions a model must allow, in the gate or, if that takes too long there, at night.
const LEAST_BOUND: u32 = 3;

/// How many more the long run of the night allows (`is_long` in base's `prim`).
const NIGHT: u32 = 1;

/// The models: name → file, without its folder and extension, and the bound.
pub(super) type Models = BTreeMap<String, (String, Option<u32>)>;

/// All models; an error if two have one name.
pub(super) fn models(repo: &Repo) -> Result<Models, String> {
    let mut models = Models::new();
    for path in repo.files()? {
        let Some(file) = path.strip_prefix(MODELS) else {
            continue;
        };
        let Some(file) = file.strip_suffix(".rs") else {
            continue;
        };
        for model in models_in(&repo.text(&path).unwrap_or_default()) {
            let known = models.insert(model.name.clone(), (file.to_owned(), model.bound));
            if let Some((other, _)) = known {
                return Err(format!(
                    "{other} and {file} both have a model {}: rename one, or a fault cannot say \
                     which it means.",
                    model.name
                ));
            }
        }
    }
    Ok(models)
}

/// The file in which a test stands that is no model, without its folder and extension.
pub(super) fn file_of(repo: &Repo, test: &str) -> Option<String> {
    let head = format!("fn {test}(");
    repo.files().ok()?.into_iter().find_map(|path| {
        let file = path.strip_prefix(MODELS)?.strip_suffix(".rs")?;
        let text = repo.text(&path)?;
        let found = text.lines().any(|line| line.starts_with(&head));
        found.then(|| file.to_owned())
    })
}

/// What is wrong with the list.
pub(super) fn problems(repo: &Repo, models: &Models, plants: &[Plant]) -> Vec<String> {
    let mut problems = unnamed(models, plants);
    problems.extend(shallow(models));
    for plant in plants {
        let unknown = |test: &&String| !models.contains_key(*test);
        for test in plant.tests.iter().filter(unknown) {
            // What other tools run need not be a model.
            if is_checker(plant) {
                problems.push(format!("{}: there is no model {test}.", plant.name));
            }
        }
        let fits = match repo.text(&plant.file) {
            None => Err(format!("there is no file {}.", plant.file)),
            Some(text) => apply(&text, plant).map(drop),
        };
        if let Err(why) = fits {
            problems.push(format!("{}: {why}", plant.name));
        }
    }
    problems
}

/// Whether it is for a checker that runs models.
fn is_checker(plant: &Plant) -> bool {
    matches!(plant.engine, Engine::Loom | Engine::Shuttle)
}

/// The models that no fault names.
pub(super) fn unnamed(models: &Models, plants: &[Plant]) -> Vec<String> {
    models
        .iter()
        .filter(|(model, _)| {
            let names = |plant: &Plant| is_checker(plant) && plant.tests.contains(model);
            !plants.iter().any(names)
        })
        .map(|(model, (file, _))| {
            format!(
                "{MODELS}{file}.rs: no fault in {LIST} makes {model} fail, so nothing shows that it \
                 can. Plant one."
            )
        })
        .collect()
}

/// A model as a file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Model {
    name: String,
    /// The preemptions it is explored with in the gate; none: all.
    bound: Option<u32>,
}

/// The models that a file declares by `model!`.
pub(super) fn models_in(text: &str) -> Vec<Model> {
    let mut models = Vec::new();
    let mut inside = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim_end() == "model! {" {
            inside = true;
        } else if line == "}" {
            inside = false;
        } else if let Some(rest) = line.strip_prefix("    fn ").filter(|_| inside) {
            let name = rest.split('(').next().unwrap_or_default().to_owned();
            let mut options = rest.to_owned();
            while !options.contains('{') {
                let Some(more) = lines.next() else { break };
                options.push_str(more);
            }
            let bound = options
                .split_once("preemptions: Some(")
                .and_then(|(_, rest)| {
                    let digits = rest.split(')').next()?;
                    digits.parse().ok()
                });
            models.push(Model { name, bound });
        }
    }
    models
}

/// Models that are not explored far enough.
pub(super) fn shallow(models: &Models) -> Vec<String> {
    models
        .iter()
        .filter_map(|(model, (file, bound))| {
            let bound = (*bound)?;
            (bound + NIGHT < LEAST_BOUND).then(|| {
                format!(
                    "{MODELS}{file}.rs: {model} is bounded to {bound} preemptions, {} at night. \
                     Make it small enough for {LEAST_BOUND}.",
                    bound + NIGHT
                )
            })
        })
        .collect()
}

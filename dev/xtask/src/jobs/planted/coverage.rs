//! What can be said of the list of faults without running anything: whether each model is named by
//! one, and whether each fits the source as it stands.

use super::{LIST, Plant, apply};
use crate::repo::Repo;
use crate::test_build::Engine;
use std::collections::BTreeMap;

/// Where the models are.
const MODELS: &str = "dev/model/tests/";

/// What is wrong with the list.
pub(super) fn problems(repo: &Repo, plants: &[Plant]) -> Result<Vec<String>, String> {
    let mut models = BTreeMap::new();
    let mut problems = Vec::new();
    for file in repo.files()? {
        if !file.starts_with(MODELS) || !file.ends_with(".rs") {
            continue;
        }
        for model in models_in(&repo.text(&file).unwrap_or_default()) {
            if let Some(other) = models.insert(model.clone(), file.clone()) {
                problems.push(format!(
                    "{other} and {file} both have a model {model}: rename one, or a fault cannot \
                     say which it means."
                ));
            }
        }
    }
    problems.extend(unnamed(&models, plants));
    for plant in plants {
        let unknown = |test: &&String| !models.contains_key(*test);
        for test in plant.tests.iter().filter(unknown) {
            // A test on plain threads need not be a model.
            if plant.engine != Engine::Threads {
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
    Ok(problems)
}

/// The models that no fault names.
pub(super) fn unnamed(models: &BTreeMap<String, String>, plants: &[Plant]) -> Vec<String> {
    models
        .iter()
        .filter(|(model, _)| !plants.iter().any(|plant| plant.tests.contains(model)))
        .map(|(model, file)| {
            format!(
                "{file}: no fault in {LIST} makes {model} fail, so nothing shows that it can. Plant \
                 one."
            )
        })
        .collect()
}

/// The names of the models that a file declares by `model!`.
pub(super) fn models_in(text: &str) -> Vec<String> {
    let mut models = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_end() == "model! {" {
            inside = true;
        } else if line == "}" {
            inside = false;
        } else if let Some(rest) = line.strip_prefix("    fn ").filter(|_| inside) {
            let name = rest.split('(').next().unwrap_or_default();
            models.push(name.to_owned());
        }
    }
    models
}

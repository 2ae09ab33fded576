//! `weaken`: each ordering is needed, and a loom model shows it.
//!
//! Each ordering stronger than relaxed has a site name. With `COUNTERPOINT_WEAKEN=<site>` the
//! atomics of `base` treat that site as relaxed; the model that `dev/model/sites.toml` names must
//! fail then (see the job `sites`).
//!
//! | option | sites |
//! |---|---|
//! | none | all |
//! | `--only SITE` | this one |
//! | `--changed` | those in files that differ from `main`, and those without an entry |
//!
//! With `--learn` a site whose model does not fail, or that has none, is tried with every model,
//! and the list is written anew. At night the sites that live by a reason are tried with every
//! model too: a reason must not outlive the day a model kills its site.

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::jobs::sites::{LIST, List, Sites, sites};
use crate::report::table;
use crate::test_build::{Engine, NO_TRACE, TestBinary, TestBuild};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How `base` is told which site to weaken.
pub(crate) const VARIABLE: &str = "COUNTERPOINT_WEAKEN";

/// How long one model may take with a weakened site.
const LIMIT: Duration = Duration::from_secs(180);

/// What became of a weakened site.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// By the model of this name.
    Killed(String),
    Survived,
    /// This model did not end, and none failed before.
    Hung(String),
}

/// A model, as `file::test`.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    test: String,
    binary: TestBinary,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let options = &context.options;
    let mut list = List::read(context)?;
    let mut unnamed = Vec::new();
    let all = sites(&context.repo.sources()?, &mut unnamed);
    let chosen = chosen(context, &all, &list)?;
    let field = Field::build(context)?;
    let tried = chosen
        .iter()
        .filter(|site| options.learn || !list.killed.contains_key(**site));
    let search = tried.count() > 0 && (options.learn || options.long);
    let verdicts = parallel(&chosen, |site| {
        let started = Instant::now();
        let verdict = field.judge(site, &all[*site][0].0, &list, search)?;
        let seconds = started.elapsed().as_secs_f64();
        println!("    {seconds:>6.1} s  {site}: {}", describe(&verdict));
        Ok((*site, verdict))
    })?;
    if options.learn {
        learn(context, &mut list, &all, &verdicts)?;
    }
    let mut problems = Vec::new();
    let mut rows = Vec::new();
    for (site, verdict) in &verdicts {
        problems.extend(problem(site, verdict, &list, search));
        let places: Vec<String> = all[*site]
            .iter()
            .map(|(path, line)| format!("{path}:{line}"))
            .collect();
        rows.push(vec![
            (*site).to_owned(),
            describe(verdict),
            places.join(" "),
        ]);
    }
    println!("{}", table(&["site", "verdict", "place"], &rows));
    if problems.is_empty() {
        let killed = verdicts
            .iter()
            .filter(|(_, verdict)| matches!(verdict, Verdict::Killed(_)));
        let killed = killed.count();
        return Ok(format!(
            "{killed} sites killed, {} justified",
            rows.len() - killed
        ));
    }
    Err(problems.join("\n"))
}

/// The sites that the options ask for.
fn chosen<'a>(context: &Context, all: &'a Sites, list: &List) -> Result<Vec<&'a str>, String> {
    let options = &context.options;
    if let Some(name) = options.only.iter().find(|name| !all.contains_key(*name)) {
        return Err(format!("There is no site `{name}` in crates/*/src."));
    }
    let changed = if options.changed {
        changed_files(context)?
    } else {
        BTreeSet::new()
    };
    let wanted = |site: &String, places: &[(String, usize)]| {
        let listed = list.killed.contains_key(site) || list.justified.contains_key(site);
        let fresh = !listed || places.iter().any(|(path, _)| changed.contains(path));
        (options.only.is_empty() || options.only.contains(site)) && (!options.changed || fresh)
    };
    let chosen = all.iter().filter(|(site, places)| wanted(site, places));
    Ok(chosen.map(|(site, _)| site.as_str()).collect())
}

/// Files that differ from where this branch left `main`; from the last commit if this is `main`.
fn changed_files(context: &Context) -> Result<BTreeSet<String>, String> {
    let git = |arguments: &[&str]| {
        let command = Command::program(Path::new("git")).arguments(arguments);
        command.directory(context.repo.root()).capture()
    };
    let base = git(&["merge-base", "HEAD", "main"])?;
    let base = match base.ending {
        Ending::Success => base.text.trim().to_owned(),
        _ => "HEAD".to_owned(),
    };
    let names = git(&["diff", "--name-only", &base])?.checked()?.text;
    Ok(names.lines().map(str::to_owned).collect())
}

/// Puts what was found into the list.
fn learn(
    context: &Context,
    list: &mut List,
    all: &Sites,
    verdicts: &[(&str, Verdict)],
) -> Result<(), String> {
    for (site, verdict) in verdicts {
        list.killed.remove(*site);
        if let Verdict::Killed(model) = verdict {
            list.killed.insert((*site).to_owned(), model.clone());
            list.justified.remove(*site);
        }
    }
    list.killed.retain(|site, _| all.contains_key(site));
    list.justified.retain(|site, _| all.contains_key(site));
    std::fs::write(context.repo.path(LIST), list.render())
        .map_err(|error| format!("{LIST} cannot be written: {error}."))
}

/// Does the work of each item on as many threads as there are processors.
fn parallel<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, String> + Sync,
) -> Result<Vec<R>, String> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<R, String>>>> =
        items.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        let worker = || {
            // Relaxed: each number is given out once; the scope orders the rest.
            while let Some(index) =
                Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < items.len())
            {
                let result = work(&items[index]);
                *results[index].lock().expect("no worker panics with it") = Some(result);
            }
        };
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
    });
    let results = results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten());
    results
        .map(|result| result.ok_or("A thread of `weaken` panicked.")?)
        .collect()
}

/// The built models.
struct Field<'a> {
    root: &'a Path,
    models: Vec<Model>,
    short: bool,
    /// Models seen to pass with nothing weakened.
    sound: Mutex<BTreeSet<String>>,
}

impl<'a> Field<'a> {
    fn build(context: &'a Context) -> Result<Field<'a>, String> {
        let root = context.repo.root();
        let mut models = Vec::new();
        for binary in TestBuild::models(context, Engine::Loom)?.build(context)? {
            let file = binary.source.file_stem().unwrap_or_default();
            let file = file.to_string_lossy().into_owned();
            models.extend(binary.list(root, &[])?.into_iter().map(|test| Model {
                name: format!("{file}::{test}"),
                test,
                binary: binary.clone(),
            }));
        }
        Ok(Field {
            root,
            models,
            short: context.options.short,
            sound: Mutex::new(BTreeSet::new()),
        })
    }

    /// Sees a model pass with nothing weakened, once: one that always fails shows nothing.
    fn see_sound(&self, model: &Model) -> Result<(), String> {
        let known = || self.sound.lock().expect("no worker panics with it");
        if known().contains(&model.name) {
            return Ok(());
        }
        if self.run(model, None)? != Ending::Success {
            return Err(format!(
                "{} fails with no site weakened. Mend it first.",
                model.name
            ));
        }
        known().insert(model.name.clone());
        Ok(())
    }

    fn run(&self, model: &Model, site: Option<&str>) -> Result<Ending, String> {
        let mut variables = NO_TRACE.to_vec();
        variables.extend(site.map(|site| (VARIABLE, site)));
        let arguments = ["--exact", model.test.as_str()];
        Ok(model
            .binary
            .run(self.root, &arguments, &variables, LIMIT)?
            .ending)
    }

    /// Runs the model of the list with the site weakened, then, if asked to search, every other
    /// one until one fails: those about the file of the site first. Each has a process of its own:
    /// loom may abort when a model fails.
    fn judge(&self, site: &str, path: &str, list: &List, search: bool) -> Result<Verdict, String> {
        let listed = list.killed.get(site);
        let rank = |model: &&Model| {
            let file = model.name.split("::").next().unwrap_or_default();
            match () {
                () if listed == Some(&model.name) => 0,
                () if site.starts_with(file) || path.contains(file) => 1,
                () => 2,
            }
        };
        let mut order: Vec<&Model> = self
            .models
            .iter()
            .filter(|m| search || rank(m) == 0)
            .collect();
        order.sort_by_key(rank);
        let mut hung = None;
        for model in order {
            match self.run(model, Some(site))? {
                Ending::Success => {}
                Ending::TimedOut => hung = Some(model.name.clone()),
                Ending::Failure(_) => {
                    // In the gate the models have just passed.
                    if !self.short {
                        self.see_sound(model)?;
                    }
                    return Ok(Verdict::Killed(model.name.clone()));
                }
            }
        }
        Ok(hung.map_or(Verdict::Survived, Verdict::Hung))
    }
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Killed(model) => format!("killed by {model}"),
        Verdict::Survived => "survived".to_owned(),
        Verdict::Hung(model) => format!("HUNG in {model}"),
    }
}

/// What is wrong with the outcome, if anything is.
fn problem(site: &str, verdict: &Verdict, list: &List, searched: bool) -> Option<String> {
    let justified = list.justified.contains_key(site);
    match verdict {
        Verdict::Killed(_) if justified => Some(format!(
            "{site} is killed now. Take it out of `[justified]` in {LIST}."
        )),
        Verdict::Killed(_) => None,
        Verdict::Survived if justified => None,
        Verdict::Survived if searched => Some(format!(
            "{site} survives: no model notices when it is relaxed. Write the model, drop the \
             ordering, or give a reason in {LIST}."
        )),
        Verdict::Survived => Some(match list.killed.get(site) {
            Some(model) => format!(
                "{site} survives: {model} does not notice any more when it is relaxed. See \
                 whether another model does: `cargo xtask weaken --learn --only {site}`."
            ),
            None => format!(
                "{site} is not in {LIST}. See whether a model notices when it is relaxed: `cargo \
                 xtask weaken --learn --only {site}`."
            ),
        }),
        Verdict::Hung(model) => Some(format!(
            "{site}: {model} runs longer than {} minutes with it relaxed. Bound the model's loops.",
            LIMIT.as_secs() / 60
        )),
    }
}

#[cfg(test)]
mod tests;

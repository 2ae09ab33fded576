//! What both engines share: the script of the running model, its choices, and what is said when
//! it fails.

use super::engine;
use super::{Branch, Check};
#[cfg(counterpoint_loom)]
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

/// A choice: its branch, the number of its thread, and how often that thread met the branch.
pub(super) type Key = (Branch, usize, u32);

/// What is known about the running model.
#[derive(Debug, Default)]
pub(super) struct Script {
    name: &'static str,
    enabled: Vec<Branch>,
    per_thread: u32,
    met: HashMap<(Branch, usize), u32>,
    /// Executions so far, over all runs of the engine.
    pub(super) executions: u64,
    /// Executions so far in this run of the engine.
    pub(super) in_run: u64,
    /// The last execution of whose failure was told.
    told: u64,
    /// The choices of this run.
    #[cfg(counterpoint_loom)]
    pub(super) decided: BTreeMap<Key, bool>,
    /// Keys met that `decided` does not hold, in the order met.
    #[cfg(counterpoint_loom)]
    pub(super) fresh: Vec<Key>,
    /// How the executions of this run are chosen, in words.
    pub(super) manner: &'static str,
}

/// The script of a model, shared with the threads (coroutines) of its engine.
pub(super) type Shared = Arc<Mutex<Script>>;

/// The script behind the lock.
pub(super) fn open(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}

// One model runs at a time in a test thread, on coroutines of its engine's: the id of the thread
// that called `check` finds the script.
static SCRIPTS: Mutex<Option<HashMap<std::thread::ThreadId, Shared>>> = Mutex::new(None);

fn current() -> Option<Shared> {
    let scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
    scripts.as_ref()?.get(&std::thread::current().id()).cloned()
}

/// Names the script of the calling thread while it lives.
struct Installed;

impl Installed {
    fn new(script: Shared) -> Installed {
        let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        let before = scripts
            .get_or_insert_default()
            .insert(std::thread::current().id(), script);
        assert!(before.is_none(), "a model cannot run inside another one");
        Installed
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scripts) = scripts.as_mut() {
            scripts.remove(&std::thread::current().id());
        }
    }
}

/// Whether `branch` is taken here, decided by the running [`check`].
pub fn choose(branch: Branch) -> bool {
    let Some(script) = current() else {
        return false;
    };
    let mut script = open(&script);
    if !script.enabled.contains(&branch) {
        return false;
    }
    let (thread, limit) = (engine::thread_number(), script.per_thread);
    let met = script.met.entry((branch, thread)).or_insert(0);
    if *met >= limit {
        return false;
    }
    let key = (branch, thread, *met);
    *met += 1;
    engine::decide(&mut script, key)
}

/// An execution of the model begins.
pub(super) fn begin(script: &Mutex<Script>) {
    let mut script = open(script);
    script.met.clear();
    script.executions += 1;
    script.in_run += 1;
}

/// Runs `model` in every schedule (loom) or in many (shuttle), for each outcome of the choices it
/// meets. Prints and returns the number of executions. If one fails, prints how to run it again.
///
/// # Panics
/// If the model panics, deadlocks or races; and if a schedule was to be replayed, and did not
/// fail.
pub fn check(how: &Check, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let how = how.settled();
    let script: Shared = Arc::new(Mutex::new(Script {
        name: how.name,
        enabled: how.branches.to_vec(),
        per_thread: how.per_thread,
        ..Script::default()
    }));
    let installed = Installed::new(script.clone());
    tell_of_panics();
    let model: Arc<dyn Fn() + Send + Sync> = Arc::new(model);
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| match &how.replay {
        Some(schedule) => engine::replay(&how, &script, &model, schedule),
        None => engine::explore(&how, &script, &model),
    }));
    if outcome.is_err() {
        tell(&script);
    }
    drop(installed);
    match outcome {
        Ok(words) => {
            let executions = open(&script).executions;
            println!("model {}: {executions} executions ({words})", how.name);
            assert!(how.replay.is_none(), "the replayed schedule did not fail");
            executions
        }
        Err(panic) => panic::resume_unwind(panic),
    }
}

/// Tells how to replay a model as soon as it panics: loom may abort before `check` gets it back.
fn tell_of_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            if let Some(script) = current() {
                tell(&script);
            }
        }));
    });
}

/// Says how to replay this execution, once for each.
fn tell(script: &Mutex<Script>) {
    // The panic may come from code of ours that holds the script.
    let Ok(mut script) = script.try_lock() else {
        return;
    };
    let execution = script.executions;
    if std::mem::replace(&mut script.told, execution) == execution {
        return;
    }
    eprintln!(
        "counterpoint: a panic in execution {} of the model {} ({}). If the model failed, this \
         runs it again:\n  COUNTERPOINT_SCHEDULE={}",
        execution,
        script.name,
        script.manner,
        engine::schedule(&script)
    );
}

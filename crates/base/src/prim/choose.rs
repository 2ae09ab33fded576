//! Branches of a model that no schedule decides.
//!
//! loom explores schedules, not choices. So a model is run once for each assignment of `true` and
//! `false` to the choices it meets, a choice being named by its branch, its thread and how often
//! that thread met the branch before: the union of those runs holds every schedule with every
//! outcome of every choice. Under shuttle a choice is random and part of the replayed schedule.

/// What a model may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Branch {
    /// The deadline of this timed wait comes before any wake-up.
    DeadlineFirst,
    /// This sleep ends without a wake-up.
    SpuriousWake,
    /// This weak compare-exchange fails although the value was as expected.
    WeakFails,
    /// The future is dropped before this poll.
    DropBeforePoll,
    /// The user's closure panics here.
    ClosurePanics,
    /// This allocation fails.
    AllocFails,
}

/// How a model is run.
#[derive(Clone, Debug)]
pub struct Check {
    /// The name printed with the count of executions.
    pub name: &'static str,
    /// The branches that [`choose`] takes; all others are `false`.
    pub branches: &'static [Branch],
    /// How often one thread may meet one branch; later ones are `false`.
    pub per_thread: u32,
    /// loom's preemption bound; `None` explores every schedule.
    pub preemptions: Option<usize>,
    /// Schedules that shuttle tries; plain threads run a tenth of them.
    pub schedules: usize,
}

impl Check {
    /// A check of every schedule, with no branches.
    pub const fn new(name: &'static str) -> Check {
        Check {
            name,
            branches: &[],
            per_thread: 2,
            preemptions: None,
            schedules: 2_000,
        }
    }
}

/// Whether the long runs of the night were asked for: one more preemption, a hundred times the
/// schedules.
fn is_long() -> bool {
    std::env::var("COUNTERPOINT_MODEL").is_ok_and(|value| value == "long")
}

/// Runs `model` again and again on plain threads; no branch is taken. Prints and returns the
/// number of executions.
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub fn check(how: &Check, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let executions = how.schedules as u64 / if is_long() { 1 } else { 10 };
    for _ in 0..executions {
        model();
    }
    println!(
        "model {}: {executions} executions (plain threads)",
        how.name
    );
    executions
}

/// Whether `branch` is taken here: always `false` on plain threads, at no cost.
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
#[inline(always)]
pub const fn choose(branch: Branch) -> bool {
    let _ = branch;
    false
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
pub use checked::{check, choose};

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked {
    use super::{Branch, Check, is_long};
    #[cfg(counterpoint_loom)]
    use std::collections::BTreeMap;
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex, PoisonError};

    type Key = (Branch, String, u32);

    #[derive(Default)]
    struct Script {
        enabled: Vec<Branch>,
        per_thread: u32,
        #[cfg(counterpoint_loom)]
        decided: BTreeMap<Key, bool>,
        /// Keys met that `decided` does not hold, in the order met.
        #[cfg(counterpoint_loom)]
        fresh: Vec<Key>,
        met: HashMap<(Branch, String), u32>,
        executions: u64,
    }

    // One model runs at a time in a test thread, on threads (or coroutines) of its engine's.
    static SCRIPTS: Mutex<Option<HashMap<std::thread::ThreadId, Arc<Mutex<Script>>>>> =
        Mutex::new(None);

    fn current() -> Option<Arc<Mutex<Script>>> {
        // Both engines run all of a model's threads as coroutines of the thread that called
        // `check`, so its id finds the script.
        let scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.as_ref()?.get(&std::thread::current().id()).cloned()
    }

    fn install(script: Option<Arc<Mutex<Script>>>) {
        let mut scripts = SCRIPTS.lock().unwrap_or_else(PoisonError::into_inner);
        let scripts = scripts.get_or_insert_default();
        let id = std::thread::current().id();
        match script {
            Some(script) => scripts.insert(id, script),
            None => scripts.remove(&id),
        };
    }

    /// Whether `branch` is taken here, decided by the running [`check`].
    pub fn choose(branch: Branch) -> bool {
        let Some(script) = current() else {
            return false;
        };
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        if !script.enabled.contains(&branch) {
            return false;
        }
        let thread = thread_name();
        let limit = script.per_thread;
        let met = script.met.entry((branch, thread.clone())).or_insert(0);
        if *met >= limit {
            return false;
        }
        let key = (branch, thread, *met);
        *met += 1;
        decide(&mut script, key)
    }

    #[cfg(counterpoint_loom)]
    fn thread_name() -> String {
        format!("{:?}", loom::thread::current().id())
    }

    #[cfg(counterpoint_shuttle)]
    fn thread_name() -> String {
        format!("{:?}", shuttle::thread::current().id())
    }

    #[cfg(counterpoint_loom)]
    fn decide(script: &mut Script, key: Key) -> bool {
        if let Some(decided) = script.decided.get(&key) {
            return *decided;
        }
        if !script.fresh.contains(&key) {
            script.fresh.push(key);
        }
        false
    }

    #[cfg(counterpoint_shuttle)]
    fn decide(_script: &mut Script, _key: Key) -> bool {
        use shuttle::rand::Rng;
        shuttle::rand::thread_rng().gen_bool(0.3)
    }

    fn begin(script: &Mutex<Script>) {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.met.clear();
        script.executions += 1;
    }

    /// Runs `model` in every schedule (loom) or in many (shuttle), for each outcome of the
    /// choices it meets. Prints and returns the number of executions.
    ///
    /// # Panics
    /// If the model panics, deadlocks or races.
    pub fn check(how: &Check, model: impl Fn() + Send + Sync + 'static) -> u64 {
        let model = Arc::new(model);
        let script = Arc::new(Mutex::new(Script {
            enabled: how.branches.to_vec(),
            per_thread: how.per_thread,
            ..Script::default()
        }));
        struct Uninstall;
        impl Drop for Uninstall {
            fn drop(&mut self) {
                install(None);
            }
        }
        install(Some(script.clone()));
        let uninstall = Uninstall;
        explore(how, &script, model);
        drop(uninstall);
        let executions = script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .executions;
        executions
    }

    #[cfg(counterpoint_loom)]
    fn explore(
        how: &Check,
        script: &Arc<Mutex<Script>>,
        model: Arc<impl Fn() + Send + Sync + 'static>,
    ) {
        let mut runs = 0;
        let mut pending: Vec<BTreeMap<Key, bool>> = vec![BTreeMap::new()];
        while let Some(decided) = pending.pop() {
            runs += 1;
            {
                let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
                script.decided = decided.clone();
                script.fresh.clear();
            }
            let mut builder = loom::model::Builder::new();
            builder.preemption_bound = how.preemptions.map(|bound| bound + usize::from(is_long()));
            builder.max_branches = 20_000;
            let (inner, model) = (script.clone(), model.clone());
            if std::env::var_os("COUNTERPOINT_CHOICES").is_some() {
                eprintln!("model {}: choices {decided:?}", how.name);
            }
            builder.check(move || {
                begin(&inner);
                model();
            });
            // Every key met here for the first time was false in this run: now the runs in which
            // it is the first of them to be true.
            let fresh =
                std::mem::take(&mut script.lock().unwrap_or_else(PoisonError::into_inner).fresh);
            let mut base = decided;
            for key in fresh {
                let mut next = base.clone();
                next.insert(key.clone(), true);
                pending.push(next);
                base.insert(key, false);
            }
        }
        let executions = script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .executions;
        let bound = how
            .preemptions
            .map_or("every schedule".into(), |n| format!("{n} preemptions"));
        println!(
            "model {}: {executions} executions (loom, {bound}, {runs} assignments of choices)",
            how.name
        );
    }

    #[cfg(counterpoint_shuttle)]
    fn explore(
        how: &Check,
        script: &Arc<Mutex<Script>>,
        model: Arc<impl Fn() + Send + Sync + 'static>,
    ) {
        let body = |script: Arc<Mutex<Script>>, model: Arc<_>| {
            move || {
                begin(&script);
                let run: &Arc<dyn Fn() + Send + Sync> = &model;
                run();
            }
        };
        let model: Arc<dyn Fn() + Send + Sync> = model;
        let seed = std::env::var("COUNTERPOINT_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or(0x5eed);
        println!("model {}: shuttle seed {seed}", how.name);
        let schedules = how.schedules * if is_long() { 100 } else { 1 };
        shuttle::check_random_with_seed(body(script.clone(), model.clone()), seed, schedules);
        shuttle::check_pct(body(script.clone(), model), schedules, 3);
        let executions = script
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .executions;
        println!(
            "model {}: {executions} executions (shuttle, random and PCT of depth 3)",
            how.name
        );
    }
}

//! Every schedule, by loom.

use super::checked::{Key, Script, Shared, begin, open};
use super::{Branch, Check, is_long};
use std::collections::BTreeMap;
use std::sync::Arc;

const LETTERS: [(Branch, char); 6] = [
    (Branch::DeadlineFirst, 'd'),
    (Branch::SpuriousWake, 's'),
    (Branch::WeakFails, 'w'),
    (Branch::DropBeforePoll, 'f'),
    (Branch::ClosurePanics, 'p'),
    (Branch::AllocFails, 'a'),
];

/// The number of the running thread.
pub(super) fn thread_number() -> usize {
    let text = format!("{:?}", loom::thread::current().id());
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("loom numbers its threads")
}

/// As this run has it; a choice not met before is `false` and branches the runs that follow.
pub(super) fn decide(script: &mut Script, key: Key) -> bool {
    if let Some(decided) = script.decided.get(&key) {
        return *decided;
    }
    if !script.fresh.contains(&key) {
        script.fresh.push(key);
    }
    false
}

/// `loom:<execution>:<choices>`, a choice being `d1.0+`: the letter of its branch, its thread, how
/// often met before, and what was decided.
pub(super) fn schedule(script: &Script) -> String {
    let mut text = format!("loom:{}:", script.in_run);
    for ((branch, thread, met), decided) in &script.decided {
        let letter = LETTERS.iter().find(|(known, _)| known == branch);
        let letter = letter.map_or('?', |(_, letter)| *letter);
        let sign = if *decided { '+' } else { '-' };
        text.push_str(&format!("{letter}{thread}.{met}{sign}"));
    }
    text
}

/// Reads what [`schedule`] wrote.
fn parse(text: &str) -> Option<(u64, BTreeMap<Key, bool>)> {
    let (execution, mut choices) = text.strip_prefix("loom:")?.split_once(':')?;
    let mut decided = BTreeMap::new();
    while let Some(letter) = choices.chars().next() {
        let (branch, _) = LETTERS.iter().find(|(_, known)| *known == letter)?;
        let end = choices.find(['+', '-'])?;
        let (thread, met) = choices.get(1..end)?.split_once('.')?;
        let key = (*branch, thread.parse().ok()?, met.parse().ok()?);
        decided.insert(key, choices[end..].starts_with('+'));
        choices = &choices[end + 1..];
    }
    Some((execution.parse().ok()?, decided))
}

/// The most preemptions of one execution; none: as many as there can be.
fn bound(how: &Check) -> Option<usize> {
    how.preemptions.map(|bound| bound + usize::from(is_long()))
}

/// Runs the model in every schedule with these choices made.
fn run(
    how: &Check,
    script: &Shared,
    model: &Arc<dyn Fn() + Send + Sync>,
    decided: BTreeMap<Key, bool>,
    last: Option<u64>,
) {
    if std::env::var_os("COUNTERPOINT_CHOICES").is_some() {
        eprintln!("model {}: choices {decided:?}", how.name);
    }
    {
        let mut script = open(script);
        script.decided = decided;
        script.fresh.clear();
        script.in_run = 0;
        script.manner = "loom";
    }
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = bound(how);
    builder.max_branches = 20_000;
    let (script, model) = (script.clone(), model.clone());
    builder.check(move || {
        begin(&script);
        let over = last.is_some_and(|last| open(&script).in_run > last);
        assert!(!over, "the replayed schedule did not fail");
        model();
    });
}

/// Runs the model for each assignment of outcomes to the choices it meets.
pub(super) fn explore(how: &Check, script: &Shared, model: &Arc<dyn Fn() + Send + Sync>) -> String {
    let mut runs = 0;
    let mut pending: Vec<BTreeMap<Key, bool>> = vec![BTreeMap::new()];
    while let Some(decided) = pending.pop() {
        runs += 1;
        run(how, script, model, decided.clone(), None);
        // Every key met here for the first time was false in this run: now the runs in which it
        // is the first of them to be true.
        let mut base = decided;
        for key in std::mem::take(&mut open(script).fresh) {
            let mut next = base.clone();
            next.insert(key, true);
            pending.push(next);
            base.insert(key, false);
        }
    }
    let bound = bound(how).map_or("every schedule".into(), |n| format!("{n} preemptions"));
    format!("loom, {bound}, {runs} assignments of choices")
}

/// Runs the model as before up to the execution that failed.
pub(super) fn replay(
    how: &Check,
    script: &Shared,
    model: &Arc<dyn Fn() + Send + Sync>,
    schedule: &str,
) -> String {
    let Some((execution, decided)) = parse(schedule) else {
        panic!("no schedule of loom: {schedule}");
    };
    run(how, script, model, decided, Some(execution));
    "loom, replayed".to_owned()
}

//! Models on plain threads: again and again, with pauses and branches under the cfg
//! `counterpoint_jitter`.

use super::{Branch, Check};

/// Runs `model` again and again on plain threads; no branch is taken, except with the cfg
/// `counterpoint_jitter`. Prints and returns the number of executions.
pub fn check(how: &Check, model: impl Fn() + Send + Sync + 'static) -> u64 {
    let how = how.settled();
    let executions = (how.schedules as u64).div_ceil(10);
    #[cfg(counterpoint_jitter)]
    let _enabled = super::super::jitter::enable(how.branches);
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
#[cfg(not(counterpoint_jitter))]
#[inline(always)]
pub const fn choose(branch: Branch) -> bool {
    let _ = branch;
    false
}

/// Whether `branch` is taken here: now and then a sleep ends for no reason and a weak exchange
/// fails, and the other branches are taken by models that name them.
#[cfg(counterpoint_jitter)]
pub fn choose(branch: Branch) -> bool {
    super::super::jitter::choose(branch)
}

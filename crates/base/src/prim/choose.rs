//! Branches of a model that no schedule decides, and the runs that explore both.
//!
//! loom explores schedules, not choices. So a model is run once for each assignment of `true` and
//! `false` to the choices it meets, a choice being named by its branch, its thread and how often
//! that thread met the branch before: the union of those runs holds every schedule with every
//! outcome of every choice. Under shuttle a choice is random and part of the replayed schedule.
//!
//! # Replay
//! A model that fails prints a line `COUNTERPOINT_SCHEDULE=…`. With that variable set, the same
//! model, built as before, runs the one execution that failed (shuttle), or all before it and that
//! one (loom, whose search cannot begin in the middle). On plain threads there is nothing to
//! replay; with the cfg `counterpoint_jitter` the seed that is printed makes a failure likely to
//! come again.

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
///
/// The variables `COUNTERPOINT_SEED`, `COUNTERPOINT_SCHEDULE` and `COUNTERPOINT_EXECUTIONS` go
/// before `seed`, `replay` and `schedules`.
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
    /// Random schedules that shuttle tries, and as many by priorities; plain threads run a tenth.
    pub schedules: usize,
    /// Where shuttle's random numbers begin.
    pub seed: u64,
    /// Run this schedule only; from the line that a failed model printed.
    pub replay: Option<String>,
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
            seed: 0x5eed,
            replay: None,
        }
    }

    /// With what the environment says.
    fn settled(&self) -> Check {
        let number = |name: &str| {
            let text = std::env::var(name).ok()?;
            let number = text.trim().replace('_', "").parse::<u64>();
            Some(number.unwrap_or_else(|_| panic!("{name} is no number: {text}")))
        };
        let mut how = self.clone();
        if let Some(count) = number("COUNTERPOINT_EXECUTIONS") {
            how.schedules = usize::try_from(count).unwrap_or(usize::MAX);
        } else if is_long() {
            how.schedules = how.schedules.saturating_mul(100);
        }
        how.seed = number("COUNTERPOINT_SEED").unwrap_or(how.seed);
        how.replay = std::env::var("COUNTERPOINT_SCHEDULE").ok().or(how.replay);
        how
    }
}

/// Whether the long runs of the night were asked for: one more preemption, a hundred times the
/// schedules.
fn is_long() -> bool {
    std::env::var("COUNTERPOINT_MODEL").is_ok_and(|value| value == "long")
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod threads;
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
pub use threads::{check, choose};

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod checked;
#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
pub use checked::{check, choose};

#[cfg(counterpoint_loom)]
#[path = "choose/loom.rs"]
mod engine;
#[cfg(counterpoint_shuttle)]
#[path = "choose/shuttle.rs"]
mod engine;

//! A history that is wrong, made as small as it gets, and how it is told.

use crate::history::History;
use crate::linear::Verdict;
use crate::model::Model;
use crate::plan::{Plan, Step, describe};
use std::fmt::{self, Debug};

/// What was found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The calls cannot be put in order.
    Order(Verdict),
    /// Nothing moves although the model says that somebody need not wait.
    Stuck,
    /// A party panicked, or the checker that ran the schedule did.
    Panic(String),
}

/// A wrong history and where it comes from.
#[derive(Clone)]
pub struct Failure<O, R> {
    /// The structure.
    pub name: &'static str,
    /// What is wrong.
    pub wrong: Wrong,
    /// What the parties were to do.
    pub plan: Plan<O>,
    /// What they did.
    pub history: History<O, R>,
    /// How to see it again.
    pub again: String,
}

/// A failure of a structure.
pub type Fault<S> = Box<Failure<<S as Model>::Op, <S as Model>::Ret>>;

impl<O: Debug, R: Debug> Debug for Failure<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<O: Debug, R: Debug> fmt::Display for Failure<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.wrong {
            Wrong::Order(Verdict::No { ordered, all }) => {
                format!("is not linearizable: of {all} calls {ordered} can be put in order")
            }
            Wrong::Order(Verdict::Unknown) => "is too long to be judged".to_owned(),
            Wrong::Order(Verdict::Yes) => "is in order".to_owned(),
            Wrong::Stuck => "came to rest although somebody could go on".to_owned(),
            Wrong::Panic(message) => format!("ended in a panic: {message}"),
        };
        write!(
            f,
            "{}: this history {what}.\n\n{}\nIts plan:\n{}\n{}\n",
            self.name,
            self.history.draw(),
            describe(&self.plan),
            self.again
        )
    }
}

/// Drops steps while `fails` still finds something, and returns the smallest failure.
pub fn shrink<O: Clone + Debug, R: Clone + Debug>(
    mut worst: Box<Failure<O, R>>,
    mut fails: impl FnMut(&Plan<O>) -> Option<Box<Failure<O, R>>>,
) -> Box<Failure<O, R>> {
    loop {
        let smaller = candidates(&worst.plan)
            .into_iter()
            .find_map(|plan| fails(&plan));
        match smaller {
            Some(found) => worst = found,
            None => return worst,
        }
    }
}

/// The plan without one of its parties, or without one of its steps.
fn candidates<O: Clone>(plan: &Plan<O>) -> Vec<Plan<O>> {
    let mut smaller = Vec::new();
    for (party, steps) in plan.iter().enumerate() {
        if !steps.is_empty() {
            let mut without: Plan<O> = plan.clone();
            without[party].clear();
            smaller.push(without);
        }
    }
    for (party, steps) in plan.iter().enumerate() {
        for number in 0..steps.len() {
            let mut without: Plan<O> = plan.clone();
            let _: Step<O> = without[party].remove(number);
            smaller.push(without);
        }
    }
    smaller
}

/// What a panic said.
#[cfg(not(counterpoint_loom))]
pub(crate) fn message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "without a message".to_owned())
}

//! What each party will do, drawn at random.

use crate::subject::Subject;
use std::fmt;

/// A source of choices: a random generator, a fuzzer's bytes, a checker's schedule.
pub struct Pick<'p>(&'p mut dyn FnMut(u32) -> u32);

impl fmt::Debug for Pick<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pick").finish_non_exhaustive()
    }
}

impl<'p> Pick<'p> {
    /// From a function that yields a number below the one it is given.
    pub fn new(below: &'p mut dyn FnMut(u32) -> u32) -> Pick<'p> {
        Pick(below)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u32) -> u32 {
        (self.0)(end)
    }

    /// One of these.
    pub fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize].clone()
    }
}

/// A random generator with a seed: G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable
/// Pseudorandom Number Generators" (2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of this seed.
    pub const fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u32) -> u32 {
        (((self.draw() >> 32) * u64::from(end)) >> 32) as u32
    }
}

/// How an operation that waits is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A thread blocks, until the run comes to rest at the latest.
    Block,
    /// A thread blocks, until a future is ready.
    Until,
    /// A thread blocks, with a deadline that has come.
    BlockNow,
    /// A thread blocks, with a deadline that is near.
    BlockSoon,
    /// A task awaits it.
    Await,
    /// A task awaits it, with a deadline that has come.
    AwaitNow,
    /// It is polled so many times and dropped.
    Drop(u8),
}

/// Every form.
pub const FORMS: [Form; 10] = [
    Form::Block,
    Form::Until,
    Form::BlockNow,
    Form::BlockSoon,
    Form::Await,
    Form::Await,
    Form::AwaitNow,
    Form::Drop(0),
    Form::Drop(1),
    Form::Drop(2),
];

/// The forms that end by themselves.
pub const BOUNDED: [Form; 5] = [
    Form::BlockNow,
    Form::BlockSoon,
    Form::Drop(0),
    Form::Drop(1),
    Form::Drop(2),
];

/// An operation and its form; those that do not wait have it for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<O> {
    /// What to do.
    pub op: O,
    /// How.
    pub form: Form,
}

/// The steps of each party.
pub type Plan<O> = Vec<Vec<Step<O>>>;

/// Draws a plan: up to `steps` steps for each of so many parties.
pub fn draw<S: Subject>(
    subject: &S,
    parties: usize,
    steps: usize,
    pick: &mut Pick<'_>,
) -> Plan<S::Op> {
    let one = |party: usize, pick: &mut Pick<'_>| -> Vec<Step<S::Op>> {
        let count = 1 + pick.below(steps as u32);
        (0..count)
            .map(|_| step(subject, party, &FORMS, pick))
            .collect()
    };
    (0..parties).map(|party| one(party, pick)).collect()
}

/// Draws a plan of exactly so many steps for each party, none of which waits without an end.
pub fn draw_long<S: Subject>(
    subject: &S,
    parties: usize,
    steps: usize,
    pick: &mut Pick<'_>,
) -> Plan<S::Op> {
    let one = |party: usize| -> Vec<Step<S::Op>> {
        (0..steps)
            .map(|_| step(subject, party, &BOUNDED, pick))
            .collect()
    };
    (0..parties).map(one).collect()
}

fn step<S: Subject>(subject: &S, party: usize, forms: &[Form], pick: &mut Pick<'_>) -> Step<S::Op> {
    Step {
        op: subject.choose(party, pick),
        form: pick.one_of(forms),
    }
}

/// The plan in words, a line for each party.
pub fn describe<O: fmt::Debug>(plan: &Plan<O>) -> String {
    let mut text = String::new();
    for (party, steps) in plan.iter().enumerate() {
        text.push_str(&format!("{party}:"));
        for step in steps {
            text.push_str(&format!(" {:?}/{:?}", step.op, step.form));
        }
        text.push('\n');
    }
    text
}

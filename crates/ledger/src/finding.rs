//! What the ledger finds, and how it says so.

use core::fmt;
use core::panic::Location;
use counterpoint_base::prim::time::Duration;

use crate::snapshot::{Held, Object, Party, Waiting};

/// What those in a [`Deadlock`] do to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// Each waits for what the next holds.
    Cycle,
    /// One waits for what it holds itself.
    Itself,
    /// One waits for what was held by somebody who has ended.
    LostOwner,
    /// One was granted something, does not look, and waits for something else.
    Futurelock,
}

/// One of a [`Deadlock`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Link {
    /// What it waits for.
    pub waits: Waiting,
    /// The hold that keeps it waiting; of a [`Shape::Futurelock`] none.
    pub held: Option<Held>,
}

/// Some that will wait for ever, as far as can be seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deadlock {
    /// What they do to each other.
    pub shape: Shape,
    /// It rests on nothing that the ledger does not see. Others are suspected, and never panic.
    pub certain: bool,
    pub(crate) still: Option<Duration>,
    /// Each with what it waits for and what keeps it waiting: the holder is the next, of the last the
    /// first.
    pub links: Vec<Link>,
}

/// Two locks that are taken in both orders: some day by two at once.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inversion {
    /// What was held.
    pub held: Ordered,
    /// What was taken while that was held.
    pub taken: Ordered,
    /// How it was done the other way round before, step by step: held and taken.
    pub before: Vec<(Ordered, Ordered)>,
    /// It is against the ranks that the locks were given.
    pub by_rank: bool,
    /// By whom.
    pub by: Party,
}

/// A lock in an [`Inversion`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Ordered {
    /// The type of its guard.
    pub kind: &'static str,
    /// What it was named.
    pub name: Option<&'static str>,
    /// Where it was made: those made at one place are one class, unless they are named.
    pub made: &'static Location<'static>,
    /// Where it was taken.
    pub site: &'static Location<'static>,
}

/// What goes where the [`Policy`](crate::Policy) says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// A thread is about to wait for ever.
    Deadlock(Deadlock),
    /// Locks are taken in both orders.
    Inversion(Inversion),
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let certain = if self.certain { "" } else { "suspected " };
        let shape = match self.shape {
            Shape::Cycle => "deadlock",
            Shape::Itself => "self-deadlock",
            Shape::LostOwner => "wait for an owner that ended",
            Shape::Futurelock => "grant that nobody looks at",
        };
        write!(f, "{certain}{shape}:")?;
        for Link { waits, held } in &self.links {
            write!(f, "\n  {} waits: {waits}", waits.by)?;
            if let Some(held) = held {
                write!(f, "\n    held by {}: {held}", held.by)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Ordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = Object(self.name, self.made);
        write!(f, "{} of {object}, at {}", self.kind, self.site)
    }
}

impl fmt::Display for Inversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.by_rank {
            "against their ranks"
        } else {
            "in both orders"
        };
        write!(f, "locks taken {why} by {}:", self.by)?;
        write!(f, "\n  now {} while {} was held", self.taken, self.held)?;
        for (held, taken) in &self.before {
            write!(f, "\n  before {taken} while {held} was held")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Deadlock(deadlock) => deadlock.fmt(f),
            Finding::Inversion(inversion) => inversion.fmt(f),
        }
    }
}

impl Deadlock {
    /// The one of them that began to wait last.
    pub(crate) fn last(&self) -> &Waiting {
        let waits = self.links.iter().map(|link| &link.waits);
        let last = waits.max_by_key(|waits| waits.wait.order);
        last.expect("somebody waits in each")
    }

    /// If each member is a thread that is blocked for one lock alone, without a bound, and each lock is held
    /// by a borrowed guard that was taken by a blocking form and never seen elsewhere: for how long nobody of
    /// them has moved, as of the moment when it was found, to some milliseconds. Else `None`.
    ///
    /// This is no proof: a guard that can be sent may be with another thread, which has not used it yet.
    /// The longer it lasts, the less likely that is; see [`Policy::PanicAfter`](crate::Policy::PanicAfter).
    pub fn stood_still(&self) -> Option<Duration> {
        self.still
    }

    /// The parties, in the order of the links.
    pub fn parties(&self) -> impl Iterator<Item = &Party> + '_ {
        self.links.iter().map(|link| &link.waits.by)
    }
}

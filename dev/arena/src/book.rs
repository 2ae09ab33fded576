//! The book of scenarios: what is measured, on whom, and what it has to reach.

use std::time::Duration;

use crate::sample::{Metric, Sample};

/// The name of ours.
pub(crate) const OURS: &str = "counterpoint";

/// Does so many operations, or works for so many nanoseconds, as the scenario's [`Pace`] says.
pub(crate) type Work = Box<dyn FnMut(u64) -> Sample>;

/// Everything that can be measured, in the order in which it was entered.
#[derive(Debug, Default)]
pub(crate) struct Book {
    scenarios: Vec<Scenario>,
}

/// Something that subjects do, each in its own way.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// `room/thing/case`.
    pub(crate) id: String,
    /// What it measures, in a line.
    pub(crate) about: &'static str,
    /// What an operation is called: `ns/op`.
    pub(crate) unit: &'static str,
    pub(crate) pace: Pace,
    /// Something in it waits, so processor time and context switches matter.
    pub(crate) waits: bool,
    /// The longest wait of a thread is watched.
    pub(crate) watches: bool,
    pub(crate) bounds: Vec<Bound>,
    pub(crate) subjects: Vec<Subject>,
}

/// How long a measurement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// So many operations that it takes a few milliseconds; at least this many.
    Ops(u64),
    /// This time.
    Window(Duration),
}

/// Who takes part.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// Which of ours a peer is measured beside.
    pub(crate) rival: &'static str,
    /// The size of the thing that is used, where it has one.
    pub(crate) bytes: Option<usize>,
    /// Prepares it; called in a fresh process.
    pub(crate) start: Box<dyn Fn() -> Work>,
}

/// What a scenario has to reach.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Peer ÷ ours is at least `least` for each peer whose name begins with one of `against`;
    /// for all, if that is empty.
    Ratio {
        metric: Metric,
        against: &'static [&'static str],
        least: f64,
    },
    /// Ours takes at most so many nanoseconds an operation.
    Time(f64),
    /// Ours has at most so many bytes.
    Bytes(usize),
    /// Ours allocates nothing.
    NoAllocations,
}

impl Book {
    /// All scenarios with their subjects.
    pub(crate) fn whole() -> Book {
        let mut book = Book::default();
        crate::rooms::enter(&mut book);
        crate::peers::enter(&mut book);
        book
    }

    /// Enters a scenario.
    pub(crate) fn scenario(&mut self, scenario: Scenario) {
        let known = self
            .scenarios
            .iter()
            .any(|entered| entered.id == scenario.id);
        assert!(!known, "the scenario {} is entered twice", scenario.id);
        self.scenarios.push(scenario);
    }

    /// Enters a subject into the scenario with this id.
    pub(crate) fn subject(&mut self, id: &str, subject: Subject) {
        let scenario = self.scenarios.iter_mut().find(|scenario| scenario.id == id);
        let scenario = scenario.unwrap_or_else(|| panic!("there is no scenario {id}"));
        scenario.subjects.push(subject);
    }

    pub(crate) fn scenarios(&self) -> &[Scenario] {
        &self.scenarios
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == id)
    }
}

impl Scenario {
    /// One whose operations take so long that a few milliseconds hold many of them.
    pub(crate) fn new(id: impl Into<String>, about: &'static str) -> Scenario {
        Scenario {
            id: id.into(),
            about,
            unit: "ns/op",
            pace: Pace::Ops(1),
            waits: false,
            watches: false,
            bounds: Vec::new(),
            subjects: Vec::new(),
        }
    }

    /// Measurements take this long.
    pub(crate) fn window(mut self, milliseconds: u64) -> Scenario {
        self.pace = Pace::Window(Duration::from_millis(milliseconds));
        self
    }

    /// Measurements have at least so many operations.
    pub(crate) fn at_least(mut self, ops: u64) -> Scenario {
        self.pace = Pace::Ops(ops);
        self
    }

    /// Something in it waits.
    pub(crate) fn waits(mut self) -> Scenario {
        self.waits = true;
        self
    }

    /// It waits, and the longest wait of a thread is watched.
    pub(crate) fn watches(mut self) -> Scenario {
        self.watches = true;
        self.waits()
    }

    /// What an operation is called.
    pub(crate) fn unit(mut self, unit: &'static str) -> Scenario {
        self.unit = unit;
        self
    }

    /// Ours is to be `least` times as fast as these peers; as all, if none is named.
    pub(crate) fn beats(self, least: f64, against: &'static [&'static str]) -> Scenario {
        self.bound(Bound::Ratio {
            metric: Metric::Time,
            against,
            least,
        })
    }

    /// Ours is to use no more processor time than these peers.
    pub(crate) fn spares(self, against: &'static [&'static str]) -> Scenario {
        self.bound(Bound::Ratio {
            metric: Metric::Cpu,
            against,
            least: 1.0,
        })
    }

    /// The longest wait of ours is to be no longer than that of the best of these peers.
    pub(crate) fn serves(self, against: &'static [&'static str]) -> Scenario {
        self.bound(Bound::Ratio {
            metric: Metric::Longest,
            against,
            least: 1.0,
        })
    }

    /// What ours has to reach.
    pub(crate) fn bound(mut self, bound: Bound) -> Scenario {
        self.bounds.push(bound);
        self
    }

    pub(crate) fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.iter().find(|subject| subject.name == name)
    }

    /// The pairs to measure: one of ours with each of its peers.
    pub(crate) fn pairs(&self) -> Vec<(&Subject, &Subject)> {
        let peers = self.subjects.iter().filter(|subject| !subject.is_ours());
        peers
            .filter_map(|peer| Some((self.subject(peer.rival)?, peer)))
            .collect()
    }
}

impl Subject {
    /// One that is prepared by `start`; what that returns does the operations.
    pub(crate) fn new<W>(name: &'static str, start: impl Fn() -> W + 'static) -> Subject
    where
        W: FnMut(u64) -> Sample + 'static,
    {
        Subject {
            name,
            rival: OURS,
            bytes: None,
            start: Box::new(move || Box::new(start())),
        }
    }

    /// Is measured beside this form of ours.
    pub(crate) fn beside(mut self, rival: &'static str) -> Subject {
        self.rival = rival;
        self
    }

    /// Says how large the thing is.
    pub(crate) fn bytes(mut self, bytes: usize) -> Subject {
        self.bytes = Some(bytes);
        self
    }

    /// True for ours, in whichever form.
    pub(crate) fn is_ours(&self) -> bool {
        self.name == OURS
            || self
                .name
                .strip_prefix(OURS)
                .is_some_and(|form| form.starts_with(", "))
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

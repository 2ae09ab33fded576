//! What was found out about a scenario.

use crate::book::{Scenario, Subject};
use crate::child::Answer;
use crate::sample::{Metric, Sample};
use crate::stats::{self, Estimate};
use crate::system::Others;
use crate::verdict::{self, Verdict};

/// A measured scenario.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) about: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) waits: bool,
    pub(crate) watches: bool,
    /// In the order of the book: ours first.
    pub(crate) subjects: Vec<Measured>,
    /// A peer beside ours, in the order of the book.
    pub(crate) duels: Vec<Duel>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) others: Others,
    /// How often it was measured because others disturbed it.
    pub(crate) attempts: usize,
    /// Others disturbed it every time.
    pub(crate) noisy: bool,
}

/// A subject and its samples.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) ours: bool,
    pub(crate) bytes: Option<usize>,
    /// Allocations an operation.
    pub(crate) allocs: f64,
    pub(crate) samples: Vec<Sample>,
}

/// Ours beside one peer.
#[derive(Debug)]
pub(crate) struct Duel {
    pub(crate) ours: &'static str,
    pub(crate) peer: &'static str,
    /// The pairs of each process.
    pub(crate) processes: Vec<Vec<(Sample, Sample)>>,
    /// Peer ÷ ours in time.
    pub(crate) ratio: Estimate,
}

impl Measured {
    /// The value of a metric below which the part `at` of the samples lies.
    pub(crate) fn quantile(&self, metric: Metric, at: f64) -> f64 {
        let mut values: Vec<f64> = self
            .samples
            .iter()
            .map(|sample| sample.value(metric))
            .collect();
        stats::quantile(&mut values, at)
    }

    pub(crate) fn median(&self, metric: Metric) -> f64 {
        self.quantile(metric, 0.5)
    }
}

impl Duel {
    /// Peer ÷ ours in a metric; none if the metric was zero throughout.
    pub(crate) fn ratio_of(&self, metric: Metric, seed: u64) -> Option<Estimate> {
        let values = |pair: &(Sample, Sample)| (pair.1.value(metric), pair.0.value(metric));
        let processes: Vec<Vec<(f64, f64)>> = self
            .processes
            .iter()
            .map(|pairs| pairs.iter().map(values).collect())
            .collect();
        stats::ratio(&processes, seed)
    }
}

impl Row {
    /// Puts together what children answered; `answers` are in the order of the scenario's pairs,
    /// those of each process in a list.
    pub(crate) fn new(scenario: &Scenario, answers: Vec<Vec<Answer>>, seed: u64) -> Row {
        let mut subjects: Vec<Measured> = scenario.subjects.iter().map(Measured::none).collect();
        let mut duels = Vec::new();
        for ((ours, peer), answers) in scenario.pairs().into_iter().zip(answers) {
            for answer in &answers {
                let (mine, theirs): (Vec<Sample>, Vec<Sample>) =
                    answer.pairs.iter().copied().unzip();
                for (name, samples, allocs) in [
                    (ours.name, mine, answer.ours_allocs),
                    (peer.name, theirs, answer.peer_allocs),
                ] {
                    let subject = subjects.iter_mut().find(|subject| subject.name == name);
                    let subject = subject.expect("pairs are made of subjects");
                    // Rare allocations of an executor come and go; the subject's own stay.
                    subject.allocs = match subject.samples.is_empty() {
                        true => allocs,
                        false => subject.allocs.min(allocs),
                    };
                    subject.samples.extend(samples);
                }
            }
            let mut duel = Duel {
                ours: ours.name,
                peer: peer.name,
                processes: answers.into_iter().map(|answer| answer.pairs).collect(),
                ratio: Estimate {
                    median: 1.0,
                    low: 1.0,
                    high: 1.0,
                },
            };
            if let Some(ratio) = duel.ratio_of(Metric::Time, seed) {
                duel.ratio = ratio;
            }
            duels.push(duel);
        }
        subjects.retain(|subject| !subject.samples.is_empty());
        let mut row = Row {
            id: scenario.id.clone(),
            about: scenario.about,
            unit: scenario.unit,
            waits: scenario.waits,
            watches: scenario.watches,
            subjects,
            duels,
            verdicts: Vec::new(),
            others: Others::default(),
            attempts: 1,
            noisy: false,
        };
        row.verdicts = verdict::judge(&row, &scenario.bounds, seed);
        row
    }

    /// The duel with the peer that is hardest to beat.
    pub(crate) fn best(&self) -> &Duel {
        let order = |a: &&Duel, b: &&Duel| a.ratio.median.total_cmp(&b.ratio.median);
        self.duels
            .iter()
            .min_by(order)
            .expect("a scenario without peers is not measured")
    }

    /// The subject with this name.
    pub(crate) fn subject(&self, name: &str) -> Option<&Measured> {
        self.subjects.iter().find(|subject| subject.name == name)
    }
}

impl Measured {
    fn none(subject: &Subject) -> Measured {
        Measured {
            name: subject.name,
            ours: subject.is_ours(),
            bytes: subject.bytes,
            allocs: 0.0,
            samples: Vec::new(),
        }
    }
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) machine: String,
    pub(crate) rustc: String,
    pub(crate) commit: String,
    pub(crate) seed: u64,
    pub(crate) quick: bool,
    pub(crate) rows: Vec<Row>,
}

impl Run {
    /// Why the run proves nothing; none if it does.
    pub(crate) fn void(&self) -> Option<String> {
        let same = self
            .rows
            .iter()
            .find(|row| row.id == crate::rooms::base::SAME)?;
        let ratio = same.best().ratio;
        (!ratio.holds(1.0)).then(|| {
            format!(
                "the same code measured twice differs: {:.3} with the interval {:.3} to {:.3}. \
                 Let the machine come to rest and run again.",
                ratio.median, ratio.low, ratio.high
            )
        })
    }
}

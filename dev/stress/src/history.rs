//! What happened: calls with the moments at which they began and ended, and a drawing of them.

use std::fmt::{Debug, Write};

/// Why a waiting operation ended with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Its future was dropped.
    Dropped,
    /// Its time was up.
    TimedOut,
    /// It was stopped from outside: at the end of a run, when nothing else could happen any more.
    Stopped,
}

/// What a call came back with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<R> {
    /// It took effect.
    Done(R),
    /// It would have had to wait, and was asked not to.
    Refused,
    /// It waited and ended with nothing.
    GaveUp(Why),
}

/// One operation of one party, from the moment before it began to the one after it ended.
#[derive(Clone, Debug)]
pub struct Call<O, R> {
    /// Who called.
    pub party: usize,
    /// What.
    pub op: O,
    /// What came back.
    pub outcome: Outcome<R>,
    /// A number taken before it began: all numbers of a history are different.
    pub from: u64,
    /// A number taken after it ended.
    pub to: u64,
}

impl<O, R> Call<O, R> {
    /// True if neither ended before the other began.
    pub fn overlaps(&self, other: &Call<O, R>) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// At this moment nothing moved any more: everybody was done or waited.
#[derive(Clone, Debug)]
pub struct Standstill<O, R> {
    /// When.
    pub at: u64,
    /// The calls that had begun and were waiting. They end at this moment, with nothing.
    pub waiting: Vec<Call<O, R>>,
}

/// The calls of one run.
#[derive(Clone, Debug)]
pub struct History<O, R> {
    /// In any order.
    pub calls: Vec<Call<O, R>>,
    /// If the run came to rest while some waited.
    pub standstill: Option<Standstill<O, R>>,
}

impl<O, R> Default for History<O, R> {
    fn default() -> History<O, R> {
        History {
            calls: Vec::new(),
            standstill: None,
        }
    }
}

impl<O: Debug, R: Debug> History<O, R> {
    /// True if two calls of different parties overlap.
    pub fn is_concurrent(&self) -> bool {
        let pairs = |(index, call): (usize, &Call<O, R>)| {
            let mut others = self.calls[index + 1..].iter();
            others.any(|other| other.party != call.party && call.overlaps(other))
        };
        self.calls.iter().enumerate().any(pairs)
    }

    /// The calls over time, a line for each party; time runs from left to right, and only its order
    /// means something.
    ///
    /// ```text
    /// 0 |──Add(1) → 0──|           |──Get → 1──|
    /// 1         |───────Add(1) → 0───────|
    /// ```
    pub fn draw(&self) -> String {
        let mut moments: Vec<u64> = self
            .calls
            .iter()
            .flat_map(|call| [call.from, call.to])
            .collect();
        moments.extend(self.standstill.iter().map(|still| still.at));
        moments.sort_unstable();
        moments.dedup();
        let place = |at: u64| moments.partition_point(|moment| *moment < at);
        let labels: Vec<String> = self.calls.iter().map(label).collect();
        let columns = columns(moments.len(), &labels, |index| {
            let call = &self.calls[index];
            (place(call.from), place(call.to))
        });
        let parties = self.calls.iter().map(|call| call.party + 1).max();
        let mut text = String::new();
        for party in 0..parties.unwrap_or(0) {
            let mut line = format!("{party} ");
            let mut own: Vec<usize> = (0..self.calls.len())
                .filter(|index| self.calls[*index].party == party)
                .collect();
            own.sort_by_key(|index| self.calls[*index].from);
            for index in own {
                let call = &self.calls[index];
                let (from, to) = (columns[place(call.from)], columns[place(call.to)]);
                let blank = (from + 2).saturating_sub(line.chars().count());
                line.extend(core::iter::repeat_n(' ', blank));
                let width = (to - from).saturating_sub(1);
                let _ = write!(line, "|{:─^width$}|", labels[index]);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        if let Some(still) = &self.standstill {
            text.push_str("then nothing moves; waiting:");
            for call in &still.waiting {
                let _ = write!(text, " {}: {:?};", call.party, call.op);
            }
            text.pop();
            text.push('\n');
        }
        text
    }
}

fn label<O: Debug, R: Debug>(call: &Call<O, R>) -> String {
    let op = &call.op;
    match &call.outcome {
        Outcome::Done(ret) => format!("{op:?} → {ret:?}"),
        Outcome::Refused => format!("{op:?} → refused"),
        Outcome::GaveUp(why) => format!("{op:?} → {why:?}"),
    }
}

/// The column of each moment, such that every label fits between the moments of its call.
fn columns(
    moments: usize,
    labels: &[String],
    span: impl Fn(usize) -> (usize, usize),
) -> Vec<usize> {
    let mut columns = vec![0; moments];
    for moment in 1..moments {
        let mut column = columns[moment - 1] + 2;
        for (index, label) in labels.iter().enumerate() {
            let (from, to) = span(index);
            if to == moment {
                column = column.max(columns[from] + label.chars().count() + 3);
            }
        }
        columns[moment] = column;
    }
    columns
}

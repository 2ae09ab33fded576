//! How results are shown.

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod terminal;

/// A run with the row of the same code and one row with this ratio.
#[cfg(test)]
pub(crate) fn example(ratio: f64) -> crate::result::Run {
    use crate::book::{OURS, Scenario, Subject};
    use crate::child::Answer;
    use crate::result::{Row, Run};
    use crate::sample::Sample;

    let sample = |wall: f64| Sample {
        ops: 100,
        wall: (wall * 100.0) as u64,
        cpu: 500,
        switches: 1,
        longest: 70_000,
    };
    let row = |id: &str, peer: &'static str, ratio: f64| {
        let idle = || |_| Sample::default();
        let mut scenario = Scenario::new(id, "what it measures")
            .watches()
            .beats(1.0, &["peer"]);
        scenario.subjects = vec![Subject::new(OURS, idle).bytes(16), Subject::new(peer, idle)];
        let answer = Answer {
            pairs: vec![(sample(10.0), sample(10.0 * ratio)); 4],
            ours_allocs: 0.0,
            peer_allocs: 1.0,
            speed: 1.0,
            fastest: 1.0,
        };
        Row::new(&scenario, vec![vec![answer.clone(), answer]], 7)
    };
    Run {
        machine: "a machine".to_owned(),
        rustc: "rustc".to_owned(),
        commit: "0".to_owned(),
        seed: 7,
        quick: true,
        rows: vec![
            row(crate::rooms::base::SAME, "counterpoint again", 1.0),
            row("room/thing/case", "peer", ratio),
        ],
    }
}

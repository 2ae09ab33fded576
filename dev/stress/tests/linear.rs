//! The judge of histories, on histories whose judgement is known.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_stress::history::{Call, History, Outcome, Standstill, Why};
use counterpoint_stress::linear::{Verdict, check};
use counterpoint_stress::model::{Beside, Done, Model};
use counterpoint_stress::plan::Random;
use counterpoint_stress::sweep;

#[derive(Clone, Debug, PartialEq)]
enum Op {
    Write(u64, u64),
    Read(u64),
    Push(u64),
    Pop,
}

/// Registers by number.
struct Registers;

impl Model for Registers {
    type Op = Op;
    type Ret = u64;
    type State = u64;

    fn initial(&self, _parties: usize) -> u64 {
        0
    }

    fn done(
        &self,
        state: &u64,
        call: Done<'_, Op, u64>,
        _: &Beside<'_, Op, u64>,
        next: &mut Vec<u64>,
    ) {
        match call.op {
            Op::Write(_, value) => next.push(*value),
            Op::Read(_) if call.ret == state => next.push(*state),
            _ => {}
        }
    }

    fn key(&self, op: &Op) -> Option<u64> {
        match op {
            Op::Write(key, _) | Op::Read(key) => Some(*key),
            _ => None,
        }
    }
}

/// A queue on which `Pop` waits.
struct Queue;

impl Model for Queue {
    type Op = Op;
    type Ret = u64;
    type State = Vec<u64>;

    fn initial(&self, _parties: usize) -> Vec<u64> {
        Vec::new()
    }

    fn done(
        &self,
        state: &Vec<u64>,
        call: Done<'_, Op, u64>,
        _: &Beside<'_, Op, u64>,
        next: &mut Vec<Vec<u64>>,
    ) {
        let mut after = state.clone();
        match call.op {
            Op::Push(value) => after.push(*value),
            Op::Pop if state.first() == Some(call.ret) => {
                after.remove(0);
            }
            _ => return,
        }
        next.push(after);
    }

    fn waits(&self, state: &Vec<u64>, _party: usize, op: &Op) -> bool {
        *op == Op::Pop && state.is_empty()
    }
}

fn call(party: usize, op: Op, ret: u64, from: u64, to: u64) -> Call<Op, u64> {
    Call {
        party,
        op,
        outcome: Outcome::Done(ret),
        from,
        to,
    }
}

fn judge(model: &impl Model<Op = Op, Ret = u64>, calls: &[Call<Op, u64>]) -> bool {
    let history = History {
        calls: calls.to_vec(),
        standstill: None,
    };
    let verdict = check(model, 3, &history);
    assert_ne!(verdict, Verdict::Unknown);
    // Who goes through it in one sweep does not split it by key.
    let key = |call: &Call<Op, u64>| model.key(&call.op);
    if calls.windows(2).all(|two| key(&two[0]) == key(&two[1])) {
        let swept = sweep::judge(model, 3, calls).verdict;
        let yes = |verdict: &Verdict| *verdict == Verdict::Yes;
        assert_eq!(yes(&swept), yes(&verdict), "{calls:?}");
    }
    verdict == Verdict::Yes
}

#[test]
fn nothing_is_in_order() {
    assert!(judge(&Registers, &[]));
}

#[test]
fn a_read_beside_a_write_sees_either() {
    let write = call(0, Op::Write(0, 1), 0, 1, 4);
    for value in [0, 1] {
        let read = call(1, Op::Read(0), value, 2, 3);
        assert!(judge(&Registers, &[write.clone(), read]));
    }
    assert!(!judge(&Registers, &[write, call(1, Op::Read(0), 2, 2, 3)]));
}

#[test]
fn a_read_after_a_write_is_not_stale() {
    let write = call(0, Op::Write(0, 1), 0, 1, 2);
    assert!(judge(
        &Registers,
        &[write.clone(), call(1, Op::Read(0), 1, 3, 4)]
    ));
    assert!(!judge(&Registers, &[write, call(1, Op::Read(0), 0, 3, 4)]));
}

#[test]
fn reads_do_not_go_back() {
    // Both reads are beside the write, and one comes after the other.
    let calls = |first, second| {
        [
            call(0, Op::Write(0, 1), 0, 1, 10),
            call(1, Op::Read(0), first, 2, 3),
            call(2, Op::Read(0), second, 4, 5),
        ]
    };
    assert!(judge(&Registers, &calls(0, 0)));
    assert!(judge(&Registers, &calls(0, 1)));
    assert!(judge(&Registers, &calls(1, 1)));
    assert!(!judge(&Registers, &calls(1, 0)));
}

#[test]
fn keys_are_judged_apart() {
    let calls = [
        call(0, Op::Write(0, 1), 0, 1, 2),
        call(0, Op::Write(1, 2), 0, 3, 4),
        call(1, Op::Read(1), 2, 5, 6),
        call(1, Op::Read(0), 1, 7, 8),
    ];
    assert!(judge(&Registers, &calls));
    let mut wrong = calls.to_vec();
    wrong[3].outcome = Outcome::Done(2);
    assert!(!judge(&Registers, &wrong));
}

#[test]
fn a_queue_keeps_its_order() {
    let pops = |first, second| {
        [
            call(0, Op::Push(1), 0, 1, 2),
            call(0, Op::Push(2), 0, 3, 4),
            call(1, Op::Pop, first, 5, 8),
            call(2, Op::Pop, second, 6, 7),
        ]
    };
    assert!(judge(&Queue, &pops(1, 2)));
    // They overlap, so either may be first.
    assert!(judge(&Queue, &pops(2, 1)));
    // Duplicated.
    assert!(!judge(&Queue, &pops(1, 1)));
    // Out of thin air.
    assert!(!judge(&Queue, &pops(1, 3)));
    let mut apart = pops(2, 1);
    (apart[2].to, apart[3].from, apart[3].to) = (6, 7, 8);
    assert!(!judge(&Queue, &apart));
}

#[test]
fn a_lost_element_is_found_when_nothing_moves() {
    let history = |popped: bool| {
        let mut calls = vec![call(0, Op::Push(1), 0, 1, 2)];
        if popped {
            calls.push(call(2, Op::Pop, 1, 3, 4));
        }
        let mut waiting = call(1, Op::Pop, 0, 5, 9);
        waiting.outcome = Outcome::GaveUp(Why::Stopped);
        let waiting = vec![waiting];
        History {
            calls,
            standstill: Some(Standstill { at: 9, waiting }),
        }
    };
    assert_eq!(check(&Queue, 3, &history(true)), Verdict::Yes);
    let lost = check(&Queue, 3, &history(false));
    assert_eq!(lost, Verdict::No { ordered: 1, all: 2 });
}

#[test]
fn who_gives_up_has_no_effect() {
    let mut given_up = call(1, Op::Pop, 0, 1, 6);
    given_up.outcome = Outcome::GaveUp(Why::TimedOut);
    let calls = [
        given_up,
        call(0, Op::Push(1), 0, 2, 3),
        call(2, Op::Pop, 1, 4, 5),
    ];
    assert!(judge(&Queue, &calls));
}

#[test]
fn a_refusal_needs_a_reason() {
    let refused = |from, to| {
        let mut pop = call(1, Op::Pop, 0, from, to);
        pop.outcome = Outcome::Refused;
        [call(0, Op::Push(1), 0, 1, 3), pop]
    };
    assert!(judge(&Queue, &refused(2, 4)));
    assert!(!judge(&Queue, &refused(4, 5)));
}

/// Many keys, many calls: a long history is quick to judge, and one wrong read in it is found.
#[test]
fn long_histories_are_judged_by_key() {
    const KEYS: u64 = 500;
    let mut calls = Vec::new();
    for number in 0..100_000_u64 {
        let (key, at) = (number % KEYS, number * 4);
        let op = match (number / KEYS) % 2 {
            0 => Op::Write(key, number),
            _ => Op::Read(key),
        };
        let ret = if matches!(op, Op::Read(_)) {
            number - KEYS
        } else {
            0
        };
        // Each overlaps its neighbours.
        calls.push(call(
            (number % 3) as usize,
            op,
            ret,
            at,
            at + 9 + number % 2,
        ));
    }
    assert!(judge(&Registers, &calls));
    calls[77_777].outcome = Outcome::Done(1);
    assert!(!judge(&Registers, &calls));
}

/// Both ways to judge agree on short histories of any kind; of each kind there are right and wrong ones.
#[test]
fn the_sweep_agrees() {
    let mut random = Random::new(11);
    let mut judged = [[0; 2]; 2];
    for round in 0..20_000 {
        let queue = round % 2 == 0;
        let mut ends = [0; 3];
        let calls: Vec<_> = (0..7)
            .map(|number| {
                let party = random.below(3) as usize;
                let from = ends[party] + 1 + u64::from(random.below(3));
                ends[party] = from + 1 + u64::from(random.below(9));
                let value = u64::from(random.below(3));
                let op = match (queue, random.below(2)) {
                    (true, 0) => Op::Push(value),
                    (true, _) => Op::Pop,
                    (false, 0) => Op::Write(0, value),
                    (false, _) => Op::Read(0),
                };
                // Each moment is another one.
                let apart = |at: u64| at * 8 + number;
                call(party, op, value, apart(from), apart(ends[party]))
            })
            .collect();
        let right = match queue {
            true => judge(&Queue, &calls),
            false => judge(&Registers, &calls),
        };
        judged[usize::from(queue)][usize::from(right)] += 1;
    }
    assert!(
        judged.as_flattened().iter().all(|count| *count > 300),
        "{judged:?}"
    );
}

#[test]
fn the_sweep_goes_through_long_histories() {
    let mut calls = Vec::new();
    for number in 0..100_000_u64 {
        let op = match number % 2 {
            0 => Op::Push(number),
            _ => Op::Pop,
        };
        // Each overlaps its neighbours.
        calls.push(call(
            (number % 3) as usize,
            op,
            number & !1,
            number * 4,
            number * 4 + 9,
        ));
    }
    let judgement = sweep::judge(&Queue, 3, &calls);
    assert_eq!(
        (judgement.verdict, judgement.concurrent),
        (Verdict::Yes, 100_000)
    );
    calls[77_777].outcome = Outcome::Done(1);
    let judgement = sweep::judge(&Queue, 3, &calls);
    assert!(matches!(judgement.verdict, Verdict::No { .. }));
    assert_eq!(judgement.upto / 4, 77_779);
}

#[test]
fn a_history_is_drawn_over_time() {
    let history = History {
        calls: vec![
            call(0, Op::Write(0, 1), 0, 1, 4),
            call(1, Op::Read(0), 1, 2, 3),
        ],
        standstill: None,
    };
    let drawn = history.draw();
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines.len(), 2);
    let column = |line: &str, mark: char| line.chars().position(|found| found == mark);
    // The read lies inside the write.
    assert!(column(lines[0], '|') < column(lines[1], '|'));
    assert!(lines[0].chars().count() > lines[1].chars().count());
    assert!(history.is_concurrent());
}

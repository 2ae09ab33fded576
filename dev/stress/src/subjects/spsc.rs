//! `spsc`: the first party pushes, the second one pops, what goes in comes out in order. Others have
//! nothing to do with it.

use crate::history::Call;
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_lockfree::queue::spsc::{self, Consumer, Producer};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Mutex, PoisonError};

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Pushes a value, if there is room.
    Push(u32),
    /// Pushes this value and the two after it, if there is room for all.
    PushChunk(u32),
    /// Pushes the same, as far as there is room.
    PushSlice(u32),
    /// Takes the oldest value.
    Pop,
    /// Looks at the oldest value.
    Peek,
    /// Takes the two oldest values, if there are two.
    PopChunk,
    /// Takes one of the two oldest values, if there are two.
    PopOfChunk,
    /// How many there are, or for how many there is room.
    Slots,
    /// What an end says that is not there.
    Nothing,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// How many were pushed, or there are.
    Number(usize),
    /// What was taken or seen.
    Values(Vec<u32>),
}

/// Room in the ring.
const CAPACITY: usize = 4;

/// A ring that is mostly used by single values, or by chunks.
#[derive(Clone, Copy, Debug)]
pub struct Ring<const CHUNKS: bool>;

/// A ring of which nobody has an end yet.
#[derive(Debug)]
pub struct Real {
    producer: Mutex<Option<Producer<u32>>>,
    consumer: Mutex<Option<Consumer<u32>>>,
}

/// What a party has.
#[derive(Debug)]
pub enum Local {
    /// The end that pushes.
    Producer(Producer<u32>),
    /// The end that pops.
    Consumer(Consumer<u32>),
    /// None of both.
    Nobody,
}

fn three(first: u32) -> [u32; 3] {
    [first, first + 1, first + 2]
}

impl<const CHUNKS: bool> Model for Ring<CHUNKS> {
    type Op = Op;
    type Ret = Ret;
    type State = Vec<u32>;

    fn initial(&self, _parties: usize) -> Vec<u32> {
        Vec::new()
    }

    fn done(
        &self,
        state: &Vec<u32>,
        call: Done<'_, Op, Ret>,
        beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Vec<u32>>,
    ) {
        let mut after = state.clone();
        let mut room = CAPACITY - state.len();
        if let (Op::PushSlice(_), Ret::Number(pushed)) = (call.op, call.ret) {
            // It looks how much room there is, and tells of all that it wrote at the end: room that
            // the consumer makes in between is not used.
            let popped =
                |other: &Call<Op, Ret>| matches!(other.op, Op::Pop | Op::PopChunk | Op::PopOfChunk);
            if beside.any(popped) {
                room = room.min(*pushed);
            }
        }
        let mut push = |values: &[u32]| {
            after.extend(values);
            Ret::Number(values.len())
        };
        let right = match call.op {
            Op::Push(value) => push(&[*value][..room.min(1)]),
            Op::PushChunk(first) if room >= 3 => push(&three(*first)),
            Op::PushChunk(_) => push(&[]),
            Op::PushSlice(first) => push(&three(*first)[..room.min(3)]),
            Op::Pop => Ret::Values(after.drain(..state.len().min(1)).collect()),
            Op::Peek => Ret::Values(state.iter().take(1).copied().collect()),
            Op::PopChunk if state.len() >= 2 => Ret::Values(after.drain(..2).collect()),
            Op::PopOfChunk if state.len() >= 2 => Ret::Values(after.drain(..1).collect()),
            Op::PopChunk | Op::PopOfChunk => Ret::Values(Vec::new()),
            Op::Slots if call.party == 0 => Ret::Number(room),
            Op::Slots => Ret::Number(state.len()),
            Op::Nothing => Ret::Number(0),
        };
        if right == *call.ret {
            next.push(after);
        }
    }
}

impl<const CHUNKS: bool> Subject for Ring<CHUNKS> {
    const NAME: &'static str = if CHUNKS { "spsc in chunks" } else { "spsc" };

    type Real = Real;
    type Local<'r> = Local;

    fn real(&self, _parties: usize) -> Real {
        let (producer, consumer) = spsc::ring(CAPACITY);
        Real {
            producer: Mutex::new(Some(producer)),
            consumer: Mutex::new(Some(consumer)),
        }
    }

    fn local(&self, real: &Real, party: usize) -> Local {
        fn take<E>(end: &Mutex<Option<E>>) -> Option<E> {
            end.lock().unwrap_or_else(PoisonError::into_inner).take()
        }
        let end = match party {
            0 => take(&real.producer).map(Local::Producer),
            1 => take(&real.consumer).map(Local::Consumer),
            _ => None,
        };
        end.unwrap_or(Local::Nobody)
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = pick.below(1000) * 4;
        let often = if CHUNKS { 2 } else { 8 };
        match (party, pick.below(12)) {
            (0, 11) | (1, 10..) => Op::Slots,
            (0, at) if at < often => Op::Push(value),
            (0, at) if at % 2 == 0 => Op::PushChunk(value),
            (0, _) => Op::PushSlice(value),
            (1, at) if at < often => Op::Pop,
            (1, 8 | 9) => Op::Peek,
            (1, at) if at % 2 == 0 => Op::PopChunk,
            (1, _) => Op::PopOfChunk,
            _ => Op::Nothing,
        }
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        _real: &'r Real,
        local: &'l mut Local,
        op: &Op,
    ) -> Started<'l, Ret> {
        // Without it a push that finds no room and a pop that finds nothing may miss each other, as is told there.
        fence(Ordering::SeqCst);
        let ret = match local {
            Local::Producer(producer) => push(producer, op),
            Local::Consumer(consumer) => pop(consumer, op),
            Local::Nobody => Ret::Number(0),
        };
        fence(Ordering::SeqCst);
        Started::Done(ret)
    }
}

fn push(producer: &mut Producer<u32>, op: &Op) -> Ret {
    Ret::Number(match *op {
        Op::Push(value) => match producer.push(value) {
            Ok(()) => 1,
            Err(back) => {
                assert_eq!(
                    back, value,
                    "a push that found no room gives its value back"
                );
                0
            }
        },
        Op::PushChunk(first) => match producer.write_chunk(3) {
            Some(chunk) => chunk.fill(three(first)),
            None => 0,
        },
        Op::PushSlice(first) => producer.push_slice(&three(first)),
        _ => producer.slots(),
    })
}

fn pop(consumer: &mut Consumer<u32>, op: &Op) -> Ret {
    Ret::Values(match op {
        Op::Pop => Vec::from_iter(consumer.pop()),
        Op::Peek => Vec::from_iter(consumer.peek().copied()),
        Op::PopChunk => consumer.read_chunk(2).map_or(Vec::new(), |chunk| {
            let (first, second) = chunk.as_slices();
            let values = [first, second].concat();
            chunk.commit_all();
            values
        }),
        Op::PopOfChunk => consumer
            .read_chunk(2)
            .map_or(Vec::new(), |chunk| chunk.into_iter().take(1).collect()),
        _ => return Ret::Number(consumer.slots()),
    })
}

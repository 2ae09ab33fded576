//! `AtomicCell`: a value that is read and replaced as a whole, of a word, of two, and wider.

use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use core::marker::PhantomData;
use counterpoint_base::atomic::AtomicCell;

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads.
    Load,
    /// Replaces.
    Store(u32),
    /// Replaces; returns the value before.
    Swap(u32),
    /// Replaces the first value by the second.
    Exchange(u32, u32),
    /// Adds; returns the value before.
    Add(u32),
}

/// What a call returns: a value, and whether it did what it was to do.
pub type Ret = (u32, bool);

/// A value made of a number, all of whose parts tell it.
pub trait Filled: Copy + Eq + Send + Sync + 'static {
    /// What the subject is called.
    const NAME: &'static str;

    /// Of the number.
    fn of(number: u32) -> Self;

    /// The number, if the value is whole.
    fn number(self) -> u32;
}

/// The number of a torn value.
const TORN: u32 = u32::MAX;

impl Filled for u64 {
    const NAME: &'static str = "AtomicCell of a word";

    fn of(number: u32) -> u64 {
        u64::from(number) << 32 | u64::from(number)
    }

    fn number(self) -> u32 {
        if Self::of(self as u32) == self {
            self as u32
        } else {
            TORN
        }
    }
}

impl Filled for u128 {
    const NAME: &'static str = "AtomicCell of two words";

    fn of(number: u32) -> u128 {
        u128::from(number) << 64 | u128::from(number)
    }

    fn number(self) -> u32 {
        if Self::of(self as u32) == self {
            self as u32
        } else {
            TORN
        }
    }
}

impl Filled for [u64; 5] {
    const NAME: &'static str = "AtomicCell, wide";

    fn of(number: u32) -> [u64; 5] {
        [u64::from(number); 5]
    }

    fn number(self) -> u32 {
        if self == [self[0]; 5] {
            self[0] as u32
        } else {
            TORN
        }
    }
}

/// A cell of such a value.
#[derive(Clone, Copy, Debug)]
pub struct Cell<V>(PhantomData<fn() -> V>);

impl<V> Cell<V> {
    /// It holds nothing itself.
    pub const NEW: Cell<V> = Cell(PhantomData);
}

impl<V: Filled> Model for Cell<V> {
    type Op = Op;
    type Ret = Ret;
    type State = u32;

    fn initial(&self, _parties: usize) -> u32 {
        0
    }

    fn done(
        &self,
        state: &u32,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<u32>,
    ) {
        let (expected, after) = match *call.op {
            Op::Load => ((*state, true), *state),
            Op::Store(value) => ((0, true), value),
            Op::Swap(value) => ((*state, true), value),
            Op::Exchange(from, to) if *state == from => ((from, true), to),
            Op::Exchange(..) => ((*state, false), *state),
            Op::Add(n) => ((*state, true), state + n),
        };
        if *call.ret == expected {
            next.push(after);
        }
    }
}

impl<V: Filled> Subject for Cell<V> {
    const NAME: &'static str = V::NAME;

    type Real = AtomicCell<V>;
    type Local<'r> = ();

    fn real(&self, _parties: usize) -> AtomicCell<V> {
        AtomicCell::new(V::of(0))
    }

    fn local(&self, _real: &Self::Real, _party: usize) {}

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let value = pick.below(4) * 8 + party as u32 + 1;
        let small = pick.below(3);
        pick.one_of(&[
            Op::Load,
            Op::Store(value),
            Op::Swap(value),
            Op::Exchange(small, value),
            Op::Add(1),
        ])
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Self::Real,
        _local: &'l mut (),
        op: &Op,
    ) -> Started<'l, Ret> {
        Started::Done(match *op {
            Op::Load => (real.load().number(), true),
            Op::Store(value) => {
                real.store(V::of(value));
                (0, true)
            }
            Op::Swap(value) => (real.swap(V::of(value)).number(), true),
            Op::Exchange(from, to) => match real.compare_exchange(V::of(from), V::of(to)) {
                Ok(before) => (before.number(), true),
                Err(found) => (found.number(), false),
            },
            Op::Add(n) => {
                let before = real.fetch_update(|value| Some(V::of(value.number().wrapping_add(n))));
                before.map_or((TORN, false), |before| (before.number(), true))
            }
        })
    }
}

//! `Stage`: one heads, and the others are told by their tokens.

use crate::history::{Call, Outcome, Why};
use crate::model::{Beside, Done, Model};
use crate::plan::Pick;
use crate::subject::{Started, Subject};
use counterpoint_sync::stage::{Director, Entered, NotifyError, Stage, Ticket};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What is done with it. Who has no ticket, or heads, does not enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Takes a ticket for a token, if this party has none.
    Take(u32),
    /// Gives the ticket back; not while this party heads.
    Drop,
    /// Waits until it heads or is told.
    Enter,
    /// The same, unless it has to wait.
    TryEnter,
    /// Uses the resource, if this party heads; returns the number before.
    Use,
    /// Leaves the headship.
    Leave,
    /// Tells the one who has a ticket for this token.
    Notify(u32),
    /// Delivers a value to it.
    Deliver(u32, u32),
    /// Tells all.
    NotifyAll,
    /// Closes it.
    Close,
    /// How many tickets there are.
    Tickets,
    /// Whether somebody heads.
    IsHeaded,
    /// Leaves, and gives the ticket back.
    End,
}

/// What a call returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// It is done, or there is nothing to do.
    Nothing,
    /// Yes: a ticket, or somebody was told.
    Yes,
    /// Nobody has a ticket, or somebody has it.
    No,
    /// It heads.
    Head,
    /// It was told.
    Token,
    /// It was told with this value.
    Value(u32),
    /// It is closed.
    Closed,
    /// The value before was not taken.
    Full,
    /// A number.
    Number(u64),
}

/// What is left for a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mail {
    /// Nothing.
    Nothing,
    /// It was told.
    Token,
    /// It was told with this value.
    Value(u32),
}

impl Mail {
    /// Adds more of it.
    fn add(&mut self, more: Mail) -> Ret {
        match (*self, more) {
            (Mail::Nothing, _) | (Mail::Token, Mail::Value(_)) => *self = more,
            (Mail::Value(_), Mail::Value(_)) => return Ret::Full,
            (Mail::Token | Mail::Value(_), _) => {}
        }
        Ret::Yes
    }
}

/// The tickets, who heads, and the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scene {
    tickets: Vec<Option<(u32, Mail)>>,
    head: Option<usize>,
    closed: bool,
    number: u64,
}

impl Scene {
    fn of(&mut self, token: u32) -> Option<&mut Mail> {
        let mut tickets = self.tickets.iter_mut().flatten();
        let found = tickets.find(|(theirs, _)| *theirs == token);
        found.map(|(_, mail)| mail)
    }

    fn may_enter(&self, party: usize) -> bool {
        self.tickets[party].is_some() && self.head != Some(party)
    }
}

/// A stage around a number.
#[derive(Clone, Copy, Debug)]
pub struct Heads;

impl Model for Heads {
    type Op = Op;
    type Ret = Ret;
    type State = Scene;

    fn initial(&self, parties: usize) -> Scene {
        Scene {
            tickets: vec![None; parties],
            head: None,
            closed: false,
            number: 0,
        }
    }

    fn done(
        &self,
        state: &Scene,
        call: Done<'_, Op, Ret>,
        _beside: &Beside<'_, Op, Ret>,
        next: &mut Vec<Scene>,
    ) {
        let (party, mut after) = (call.party, state.clone());
        let heads = state.head == Some(party);
        let right = match *call.op {
            Op::Take(_) if state.tickets[party].is_some() => Ret::Nothing,
            Op::Take(token) => match after.of(token) {
                Some(_) => Ret::No,
                None => {
                    after.tickets[party] = Some((token, Mail::Nothing));
                    Ret::Yes
                }
            },
            Op::Drop => {
                if !heads {
                    after.tickets[party] = None;
                }
                Ret::Nothing
            }
            Op::Enter | Op::TryEnter => match (state.may_enter(party), &mut after.tickets[party]) {
                (true, Some((_, mail))) => match std::mem::replace(mail, Mail::Nothing) {
                    Mail::Token => Ret::Token,
                    Mail::Value(value) => Ret::Value(value),
                    Mail::Nothing if state.closed => Ret::Closed,
                    Mail::Nothing if state.head.is_some() => return,
                    Mail::Nothing => {
                        after.head = Some(party);
                        Ret::Head
                    }
                },
                _ => Ret::Nothing,
            },
            Op::Use if heads => {
                after.number += 1;
                Ret::Number(state.number)
            }
            Op::Use => Ret::Nothing,
            Op::Leave => {
                after.head = after.head.filter(|_| !heads);
                Ret::Nothing
            }
            Op::Notify(token) => match after.of(token) {
                None => Ret::No,
                Some(mail) => mail.add(Mail::Token),
            },
            Op::Deliver(token, value) => match after.of(token) {
                None => Ret::No,
                Some(mail) => mail.add(Mail::Value(value)),
            },
            Op::NotifyAll => {
                let mut count = 0;
                for (_, mail) in after.tickets.iter_mut().flatten() {
                    count += 1;
                    mail.add(Mail::Token);
                }
                Ret::Number(count)
            }
            Op::Close => {
                after.closed = true;
                Ret::Nothing
            }
            Op::Tickets => Ret::Number(state.tickets.iter().flatten().count() as u64),
            Op::IsHeaded => Ret::Number(u64::from(state.head.is_some())),
            Op::End => unreachable!("it has parts"),
        };
        if right == *call.ret {
            next.push(after);
        }
    }

    fn waits(&self, state: &Scene, party: usize, op: &Op) -> bool {
        let nothing = |ticket: &(u32, Mail)| ticket.1 == Mail::Nothing;
        matches!(op, Op::Enter | Op::TryEnter)
            && state.may_enter(party)
            && state.tickets[party].as_ref().is_some_and(nothing)
            && !state.closed
            && state.head.is_some()
    }

    fn gave_up(&self, state: &Scene, call: &Call<Op, Ret>, next: &mut Vec<Scene>) {
        // What it was told, and the headship, come before the deadline.
        let dropped = call.outcome == Outcome::GaveUp(Why::Dropped);
        if dropped || self.waits(state, call.party, &call.op) {
            next.push(state.clone());
        }
    }

    fn parts(&self, call: Call<Op, Ret>) -> Vec<Call<Op, Ret>> {
        match call.op {
            Op::End => vec![
                Call {
                    op: Op::Leave,
                    ..call.clone()
                },
                Call {
                    op: Op::Drop,
                    ..call
                },
            ],
            _ => vec![call],
        }
    }
}

type Real = Stage<u32, u64, (), u32>;

/// What a party has.
#[derive(Debug, Default)]
pub struct Local<'r> {
    head: Option<Director<'r, u32, u64, (), u32>>,
    ticket: Option<Ticket<'r, u32, u32>>,
}

/// Keeps a headship.
fn keep<'r>(
    head: &mut Option<Director<'r, u32, u64, (), u32>>,
    entered: Entered<'r, u32, u64, (), u32>,
) -> Ret {
    match entered {
        Entered::Head(director) => {
            *head = Some(director);
            Ret::Head
        }
        Entered::Token => Ret::Token,
        Entered::Value(value) => Ret::Value(value),
        Entered::Closed => Ret::Closed,
    }
}

impl Subject for Heads {
    const NAME: &'static str = "Stage";

    type Real = Real;
    type Local<'r> = Local<'r>;

    fn real(&self, _parties: usize) -> Real {
        Stage::with_values(0, ())
    }

    fn local<'r>(&self, _real: &'r Real, _party: usize) -> Local<'r> {
        Local::default()
    }

    fn choose(&self, party: usize, pick: &mut Pick<'_>) -> Op {
        let token = pick.below(3);
        let value = party as u32 * 100 + pick.below(100);
        match pick.below(32) {
            0..7 => Op::Take(token),
            7 => Op::Drop,
            8..16 => Op::Enter,
            16 | 17 => Op::TryEnter,
            18 | 19 => Op::Use,
            20..23 => Op::Leave,
            23 | 24 => Op::Notify(token),
            25 | 26 => Op::Deliver(token, value),
            27 => Op::NotifyAll,
            28 => Op::Close,
            29 => Op::Tickets,
            30 => Op::IsHeaded,
            _ => Op::End,
        }
    }

    fn closing(&self, _party: usize) -> Option<Op> {
        Some(Op::End)
    }

    fn start<'l, 'r: 'l>(
        &'l self,
        real: &'r Real,
        local: &'l mut Local<'r>,
        op: &Op,
    ) -> Started<'l, Ret> {
        let may_enter = local.head.is_none() && local.ticket.is_some();
        match op {
            Op::Enter | Op::TryEnter if !may_enter => Started::Done(Ret::Nothing),
            Op::Enter => {
                let Local { head, ticket } = local;
                let ticket = ticket.as_mut().expect("seen above");
                let enter = real.enter_async(ticket);
                Started::waits(enter, |entered| entered.map(|it| keep(head, it)))
            }
            Op::TryEnter => {
                let Local { head, ticket } = local;
                let ticket = ticket.as_mut().expect("seen above");
                let mut cx = Context::from_waker(Waker::noop());
                match pin!(real.enter_async(ticket)).poll(&mut cx) {
                    Poll::Ready(entered) => Started::Done(keep(head, entered)),
                    Poll::Pending => Started::Refused,
                }
            }
            _ => Started::Done(at_once(real, local, op)),
        }
    }
}

/// What needs no waiting.
fn at_once<'r>(real: &'r Real, local: &mut Local<'r>, op: &Op) -> Ret {
    let Local { head, ticket } = local;
    match op {
        Op::Enter | Op::TryEnter => unreachable!("they may wait"),
        Op::Take(_) if ticket.is_some() => Ret::Nothing,
        Op::Take(token) => {
            *ticket = real.ticket(*token);
            match ticket {
                Some(_) => Ret::Yes,
                None => Ret::No,
            }
        }
        Op::Drop => {
            if head.is_none() {
                drop(ticket.take());
            }
            Ret::Nothing
        }
        Op::Use => head.as_mut().map_or(Ret::Nothing, |head| {
            let number = head.resource_mut();
            let before = *number;
            // As two steps, so that two heads lose one of them.
            std::hint::black_box(&mut *number);
            *number = before + 1;
            Ret::Number(before)
        }),
        Op::Leave => {
            drop(head.take());
            Ret::Nothing
        }
        Op::Notify(token) => match real.notify(token) {
            true => Ret::Yes,
            false => Ret::No,
        },
        Op::Deliver(token, value) => match real.notify_with(token, *value) {
            Ok(()) => Ret::Yes,
            Err(error) => {
                let ret = match error {
                    NotifyError::Unknown(_) => Ret::No,
                    NotifyError::Full(_) => Ret::Full,
                };
                assert_eq!(error.into_inner(), *value, "the value comes back");
                ret
            }
        },
        Op::NotifyAll => Ret::Number(real.notify_all() as u64),
        Op::Close => {
            real.close();
            Ret::Nothing
        }
        Op::Tickets => Ret::Number(real.tickets() as u64),
        Op::IsHeaded => Ret::Number(u64::from(real.is_headed())),
        Op::End => {
            drop(head.take());
            drop(ticket.take());
            Ret::Nothing
        }
    }
}

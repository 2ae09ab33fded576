//! A place without capacity where two meet and swap values: the hardest partner of a select,
//! since a meeting decides for both sides and cannot be undone. For models and tests only.

use core::cell::Cell;
use counterpoint_wait::Stop;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;

/// What a waiter lends, and what it gets.
#[derive(Debug)]
pub struct Offer<T> {
    mine: Option<T>,
    theirs: Option<T>,
}

/// Two meet here and swap values.
#[derive(Debug)]
pub struct Exchanger<T> {
    queue: WaitQueue<(), Offer<T>>,
}

impl<T> Default for Exchanger<T> {
    fn default() -> Exchanger<T> {
        Exchanger::new()
    }
}

impl<T> Exchanger<T> {
    counterpoint_base::const_fn! {
        /// An empty place.
        pub const fn new() -> Exchanger<T> {
            Exchanger { queue: WaitQueue::new(()) }
        }
    }

    /// Offers `value`; yields the partner's, or `value` itself if stopped.
    pub fn swap(&self, value: T) -> Swap<'_, T> {
        Op::new(
            SwapVerb { exchanger: self },
            Offer {
                mine: Some(value),
                theirs: None,
            },
        )
    }
}

/// Waits for a partner; see [`Exchanger::swap`].
pub type Swap<'a, T> = Op<SwapVerb<'a, T>>;

/// The verb of [`Swap`].
#[derive(Debug)]
pub struct SwapVerb<'a, T> {
    exchanger: &'a Exchanger<T>,
}

// SAFETY: one queue, that of the place it borrows; no method moves the verb.

unsafe impl<T> Verb for SwapVerb<'_, T> {
    type State = ();
    type Payload = Offer<T>;
    type Output = T;
    type Stoppable = Result<T, (Stop, T)>;

    const NAME: &'static str = "Exchanger::swap";

    fn queue(&self) -> &WaitQueue<(), Offer<T>> {
        &self.exchanger.queue
    }

    fn attempt(&mut self, offer: &mut Offer<T>, _turn: Turn) -> Option<T> {
        let mut wakes = WakeBatch::new();
        let mine = Cell::new(offer.mine.take());
        let theirs = Cell::new(None);
        let met = self.exchanger.queue.lock().grant(
            End::First,
            Grant::Result,
            &mut wakes,
            |partner, _| {
                theirs.set(partner.mine.take());
                partner.theirs = mine.take();
                Pick::Take
            },
            |partner| {
                partner.mine = theirs.take();
                mine.set(partner.theirs.take());
            },
        );
        wakes.wake();
        offer.mine = mine.take();
        if met { theirs.take() } else { None }
    }

    fn prepare(&mut self, _: &mut Offer<T>, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        let mut partner = false;
        queue.each(|_| {
            partner = true;
            false
        });
        partner
    }

    fn collect(&mut self, offer: &mut Offer<T>) -> T {
        offer.theirs.take().expect("the partner left its value")
    }

    fn unclaimed(&mut self, _offer: &mut Offer<T>, _queue: &mut LockedQueue<'_, Self>) {}

    fn settle(&mut self, _queue: &mut LockedQueue<'_, Self>, _wakes: &mut WakeBatch) -> bool {
        false
    }

    fn finish(theirs: T) -> Result<T, (Stop, T)> {
        Ok(theirs)
    }

    fn stopped(&mut self, offer: &mut Offer<T>, why: Stop) -> Result<T, (Stop, T)> {
        Err((
            why,
            offer.mine.take().expect("a stopped offer was not taken"),
        ))
    }
}

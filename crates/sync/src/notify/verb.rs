//! The waiting verb of `Notify`; the protocol is in `raw.rs`.

use core::fmt;
use counterpoint_base::prim::atomic::AtomicUsize;
use counterpoint_wait::op::{Enable, LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::Notify;
use super::raw::{Got, Wish};

/// Where a waiting operation finds its `Notify`. Implemented for a reference and for a shared
/// pointer, and not elsewhere.
pub trait Source: sealed::Sealed {
    #[doc(hidden)]
    fn notify(&self) -> &Notify;
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Source`")]
    pub trait Sealed {}
    impl Sealed for &super::Notify {}
    impl Sealed for super::Arc<super::Notify> {}
}

impl Source for &Notify {
    #[inline(always)]
    fn notify(&self) -> &Notify {
        self
    }
}

impl Source for Arc<Notify> {
    #[inline(always)]
    fn notify(&self) -> &Notify {
        self
    }
}

/// Waits for a notification; made by [`Notify::notified`].
///
/// Besides the forms of every operation it has [`enable`](Op::enable), which takes its place in
/// line before it is first polled.
pub type Notified<'a> = Op<NotifiedVerb<&'a Notify>>;

/// Waits for a notification and keeps the [`Notify`] alive; made by [`Notify::notified_owned`].
pub type NotifiedOwned = Op<NotifiedVerb<Arc<Notify>>>;

/// The verb of [`Notified`] and [`NotifiedOwned`].
pub struct NotifiedVerb<S: Source> {
    source: S,
    /// A notification that it was handed and did not take.
    pass: Got,
}

impl<S: Source> fmt::Debug for NotifiedVerb<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotifiedVerb")
            .field("notify", self.source.notify())
            .finish()
    }
}

#[inline]
#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn notified<S: Source>(source: S) -> Op<NotifiedVerb<S>> {
    let wish = source.notify().raw.wish();
    Op::new(
        NotifiedVerb {
            source,
            pass: Got::Nothing,
        },
        wish,
    )
}

// SAFETY: one queue, that of the `Notify` of its source; no method moves the verb.

unsafe impl<S: Source> Verb for NotifiedVerb<S> {
    type State = AtomicUsize;
    type Payload = Wish;
    type Output = ();
    type Stoppable = Result<(), Stop>;

    const NAME: &'static str = "Notify::notified";
    const PURE: bool = true;

    #[inline]
    fn queue(&self) -> &WaitQueue<AtomicUsize, Wish> {
        self.source.notify().raw.queue()
    }

    #[inline]
    fn attempt(&mut self, wish: &mut Wish, _turn: Turn) -> Option<()> {
        self.source.notify().raw.try_take(wish).then_some(())
    }

    #[inline]
    fn prepare(&mut self, wish: &mut Wish, _: Turn, queue: &mut LockedQueue<'_, Self>) -> bool {
        !self.source.notify().raw.mark(wish, queue)
    }

    #[inline]
    fn collect(&mut self, _wish: &mut Wish) {}

    fn unclaimed(&mut self, wish: &mut Wish, _queue: &mut LockedQueue<'_, Self>) {
        self.pass = core::mem::replace(&mut wish.got, Got::Nothing);
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        let raw = &self.source.notify().raw;
        match core::mem::replace(&mut self.pass, Got::Nothing) {
            Got::Nothing | Got::All => {}
            one => {
                raw.pass(queue, wakes, one);
            }
        }
        false
    }

    #[inline]
    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }

    fn stopped(&mut self, _wish: &mut Wish, why: Stop) -> Result<(), Stop> {
        Err(why)
    }
}

impl<S: Source> Enable for NotifiedVerb<S> {
    fn keep(&mut self, _wish: &mut Wish, (): ()) {
        // `try_take` has put it into the wish.
    }
}

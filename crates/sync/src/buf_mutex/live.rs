//! Shares that show their locals while they are out.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use counterpoint_base::SeqCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Hold, Site};
use std::sync::Arc;

use super::gate::{Gate, Leaving};
use super::merge::Merge;
use super::share::{Share, Sink, Source};
use super::{WaitIdle, caught_while_unwinding, close_with, shared_forms, try_unwrap};

/// A share of a [`LiveBufMutex`].
pub type LiveShare<'a, G, L, F> = Share<&'a LiveBufMutex<G, L, F>, L>;

/// A share that owns its [`LiveBufMutex`] together with others.
pub type OwnedLiveShare<G, L, F> = Share<Arc<LiveBufMutex<G, L, F>>, L>;

/// A local as its share last published it.
type Slot<L> = Arc<SeqCell<L>>;

struct Live<G, L> {
    global: G,
    slots: Vec<Slot<L>>,
}

impl<G, L> Live<G, L> {
    fn hide(&mut self, slot: &Slot<L>) {
        self.slots.retain(|shown| !Arc::ptr_eq(shown, slot));
    }
}

/// A [`BufMutex`](super::BufMutex) whose shares publish their locals, so that
/// [`peek_all`](Self::peek_all) tells the sum of everything: for progress bars and statistics.
///
/// A share changes its local through `as_mut`, a plain field as ever, and shows it to others by
/// `publish`, or does both by `update`. `peek_all` merges what each share published last into a
/// copy of the global value; each local is in it exactly once, merged or published. `L` is `Copy`.
///
/// Do not use it if nobody looks before the end: making and dropping a share costs an allocation
/// and a search.
///
/// ```
/// use counterpoint_sync::BufMutex;
///
/// let seen = BufMutex::live(0u64, |global, local: &u64| *global += *local);
/// let mut share = seen.share();
/// share.update(|n| *n += 3);
/// *share.as_mut() += 1;
/// assert_eq!((seen.peek(), seen.peek_all()), (0, 3));
/// drop(share);
/// assert_eq!((seen.peek(), seen.peek_all()), (4, 4));
/// ```
pub struct LiveBufMutex<G, L, F> {
    gate: Gate<Live<G, L>>,
    merge: F,
}

impl<G, L, F> fmt::Debug for LiveBufMutex<G, L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBufMutex")
            .field("outstanding", &self.outstanding())
            .finish_non_exhaustive()
    }
}

fn name() -> &'static str {
    "LiveBufMutex"
}

impl<G, L: Copy, F: Merge<G, L>> LiveBufMutex<G, L, F> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(init: G, merge: F) -> LiveBufMutex<G, L, F> {
        LiveBufMutex {
            gate: Gate::new(Live {
                global: init,
                slots: Vec::new(),
            }),
            merge,
        }
    }

    /// A copy of the global value with everything merged into it that the shares have published.
    ///
    /// Each published local is whole, and one of those its share published; between different
    /// shares there is no common moment.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`](super::Reentered).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek_all(&self) -> G
    where
        G: Clone,
    {
        self.gate.with(Site::here(), name, Leaving::Stays, |live| {
            // Those of shares that ended inside a merge could not be hidden.
            live.slots.retain(|slot| Arc::strong_count(slot) > 1);
            let mut all = live.global.clone();
            for slot in &live.slots {
                self.merge.merge(&mut all, slot.load());
            }
            all
        })
    }
}

impl<G, L, F> LiveBufMutex<G, L, F> {
    shared_forms!(gate);

    /// The global value.
    pub fn get(self) -> G {
        self.gate.into_inner().global
    }

    /// As [`BufMutex::try_get`](super::BufMutex::try_get).
    ///
    /// # Errors
    /// The `Arc` back, if there are others.
    pub fn try_get(self: Arc<Self>) -> Result<G, Arc<Self>> {
        try_unwrap(self, Self::outstanding).map(Self::get)
    }

    /// A copy of what was merged so far, without published locals.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`](super::Reentered).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        self.gate.with(Site::here(), name, Leaving::Stays, |live| {
            live.global.clone()
        })
    }
}

impl<G, L: Copy + Default, F: Merge<G, L>> LiveBufMutex<G, L, F> {
    /// A share with a fresh local, which is published.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`](super::Reentered).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share(&self) -> LiveShare<'_, G, L, F> {
        Share::new(self, Site::here())
    }

    /// A share that keeps the `LiveBufMutex` alive.
    ///
    /// # Panics
    /// As [`share`](Self::share).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_owned(self: &Arc<Self>) -> OwnedLiveShare<G, L, F> {
        Share::new(self.clone(), Site::here())
    }
}

impl<G, L: Copy, F: Merge<G, L>> Sink<L> for LiveBufMutex<G, L, F> {
    type Tag = Slot<L>;

    const KIND: &'static str = "LiveShare";

    #[inline(always)]
    fn tell_held(&self, site: Site) -> Hold {
        self.gate.tell_held(Self::KIND, site)
    }

    fn open(&self, local: &L, site: Site) -> Slot<L> {
        let slot = Arc::new(SeqCell::new(*local));
        let shown = slot.clone();
        self.gate
            .with(site, name, Leaving::Stays, |live| live.slots.push(shown));
        self.gate.open();
        slot
    }

    fn abandon(&self, slot: &Slot<L>, site: Site) {
        caught_while_unwinding(move || {
            close_with(&self.gate, site, name, |live| live.hide(slot));
        });
    }

    unsafe fn close(&self, slot: &Slot<L>, site: Site, local: &mut ManuallyDrop<L>) {
        let local = **local;
        caught_while_unwinding(move || {
            close_with(&self.gate, site, name, |live| {
                // Out of sight first: from here on the local counts as merged.
                live.hide(slot);
                self.merge.merge(&mut live.global, local);
            });
        });
    }
}

impl<G, L: Copy + Default, F: Merge<G, L>> Source<L> for LiveBufMutex<G, L, F> {
    fn fresh(&self) -> L {
        L::default()
    }
}

impl<P, G, L, F> Share<P, L>
where
    P: Deref<Target = LiveBufMutex<G, L, F>>,
    L: Copy,
    F: Merge<G, L>,
{
    /// Shows the local, as it is now, to [`LiveBufMutex::peek_all`].
    pub fn publish(&mut self) {
        self.tag().store(*self.as_ref());
    }

    /// Changes the local and publishes it.
    pub fn update(&mut self, f: impl FnOnce(&mut L)) {
        f(self.as_mut());
        self.publish();
    }
}

//! Merging in the order of the shares, so that the result does not depend on who ends first.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Hold, Site};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::gate::{Gate, Leaving};
use super::merge::Merge;
use super::share::{Share, Sink, Source};
use super::{WaitIdle, caught_while_unwinding, close_with, shared_forms, try_unwrap};

/// A share of an [`OrderedBufMutex`].
pub type OrderedShare<'a, G, L, F> = Share<&'a OrderedBufMutex<G, L, F>, L>;

/// A share that owns its [`OrderedBufMutex`] together with others.
pub type OwnedOrderedShare<G, L, F> = Share<Arc<OrderedBufMutex<G, L, F>>, L>;

struct Ordered<G, L> {
    global: G,
    /// The index whose local is merged next.
    next: u64,
    /// Locals that wait for earlier ones, by index.
    later: BTreeMap<u64, Vec<L>>,
}

impl<G, L> Ordered<G, L> {
    fn keep(&mut self, index: u64, local: L) {
        self.later.entry(index).or_default().push(local);
    }

    /// Nothing comes from the share with this number.
    fn skip(&mut self, index: u64) {
        self.later.entry(index).or_default();
    }

    /// Merges what has no earlier share before it. A panic leaves the rest for the next time.
    fn fold(&mut self, merge: &impl Merge<G, L>) {
        while let Some(mut first) = self.later.first_entry() {
            let index = *first.key();
            if index > self.next {
                return;
            }
            self.next = self.next.max(index.saturating_add(1));
            let locals = first.get_mut();
            if locals.is_empty() {
                first.remove();
            } else {
                let local = locals.remove(0);
                merge.merge(&mut self.global, local);
            }
        }
    }

    fn finish(mut self, merge: &impl Merge<G, L>) -> G {
        for local in core::mem::take(&mut self.later).into_values().flatten() {
            merge.merge(&mut self.global, local);
        }
        self.global
    }
}

/// A [`BufMutex`](super::BufMutex) that merges in the order of its shares' indices, whatever the
/// order in which they end: sums of floats come out the same to the last bit.
///
/// [`share`](Self::share) numbers the shares as they are made, so make them in one thread before
/// handing them out; [`share_at`](Self::share_at) takes the number from the caller, for example
/// the number of the chunk that the share will work on. A clone is numbered as by `share`, which
/// in a thread pool is no fixed order.
///
/// A local whose turn has not come is kept until it has; after a forgotten share, or a number that
/// nobody uses, that is at [`get`](Self::get). Do not use it where order does not matter: it keeps
/// more and allocates.
///
/// ```
/// use counterpoint_sync::BufMutex;
///
/// let parts: Vec<f32> = (1..100).map(|n| 1.0 / n as f32).collect();
/// let sum = BufMutex::ordered(0.0f32, |global, local: &f32| *global += *local);
/// std::thread::scope(|s| {
///     for (i, part) in parts.chunks(7).enumerate() {
///         let mut share = sum.share_at(i as u64);
///         s.spawn(move || part.iter().for_each(|x| *share.as_mut() += x));
///     }
/// });
/// let expected = parts.chunks(7).map(|part| part.iter().fold(0.0, |a, x| a + x)).fold(0.0, |a, x| a + x);
/// assert_eq!(sum.get(), expected);
/// ```
pub struct OrderedBufMutex<G, L, F> {
    gate: Gate<Ordered<G, L>>,
    issued: AtomicU64,
    merge: F,
}

impl<G, L, F> fmt::Debug for OrderedBufMutex<G, L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderedBufMutex")
            .field("outstanding", &self.outstanding())
            .finish_non_exhaustive()
    }
}

impl<G, L, F: Merge<G, L>> OrderedBufMutex<G, L, F> {
    pub(super) fn new(init: G, merge: F) -> OrderedBufMutex<G, L, F> {
        OrderedBufMutex {
            gate: Gate::new(Ordered {
                global: init,
                next: 0,
                later: BTreeMap::new(),
            }),
            issued: AtomicU64::new(0),
            merge,
        }
    }

    /// The global value, with all that was kept merged in order.
    ///
    /// # Panics
    /// Goes on with a panic of the merge; the value is lost then.
    pub fn get(self) -> G {
        self.gate.into_inner().finish(&self.merge)
    }

    /// As [`BufMutex::try_get`](super::BufMutex::try_get).
    ///
    /// # Errors
    /// The `Arc` back, if there are others.
    pub fn try_get(self: Arc<Self>) -> Result<G, Arc<Self>> {
        try_unwrap(self, Self::outstanding).map(Self::get)
    }

    /// A copy of what is merged so far: the locals of the first shares, up to the first that is
    /// still out.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`](super::Reentered).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        self.gate
            .with(Site::here(), name, Leaving::Stays, |ordered| {
                ordered.global.clone()
            })
    }
}

fn name() -> &'static str {
    "OrderedBufMutex"
}

impl<G, L, F> OrderedBufMutex<G, L, F> {
    shared_forms!(gate);
}

impl<G, L: Default, F: Merge<G, L>> OrderedBufMutex<G, L, F> {
    /// A share with the next number and a fresh local.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share(&self) -> OrderedShare<'_, G, L, F> {
        Share::new(self, Site::here())
    }

    /// A share with the number `index`. Shares of one number are merged as they end, and one
    /// whose turn is over when it ends is merged at once.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_at(&self, index: u64) -> OrderedShare<'_, G, L, F> {
        let local = L::default();
        self.number(index);
        Share::opened(self, index, local, Site::here())
    }

    /// A share with the next number that keeps the `OrderedBufMutex` alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_owned(self: &Arc<Self>) -> OwnedOrderedShare<G, L, F> {
        Share::new(self.clone(), Site::here())
    }

    /// A share with the number `index` that keeps the `OrderedBufMutex` alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_owned_at(self: &Arc<Self>, index: u64) -> OwnedOrderedShare<G, L, F> {
        let local = L::default();
        self.number(index);
        Share::opened(self.clone(), index, local, Site::here())
    }

    fn number(&self, index: u64) {
        // Relaxed: a number alone; later shares come after this one.
        self.issued.fetch_max(index.saturating_add(1), RELAXED);
        self.gate.open();
    }
}

impl<G, L, F: Merge<G, L>> Sink<L> for OrderedBufMutex<G, L, F> {
    type Tag = u64;

    const KIND: &'static str = "OrderedShare";

    #[inline(always)]
    fn tell_held(&self, site: Site) -> Hold {
        self.gate.tell_held(Self::KIND, site)
    }

    fn open(&self, _local: &L, _site: Site) -> u64 {
        self.gate.open();
        // Relaxed: a number alone.
        self.issued.fetch_add(1, RELAXED)
    }

    fn abandon(&self, index: &u64, site: Site) {
        caught_while_unwinding(move || {
            close_with(&self.gate, site, name, |ordered| {
                ordered.skip(*index);
                ordered.fold(&self.merge);
            });
        });
    }

    unsafe fn close(&self, index: &u64, site: Site, local: &mut ManuallyDrop<L>) {
        // SAFETY: the caller gives the local up; it is taken once.
        let local = unsafe { ManuallyDrop::take(local) };
        caught_while_unwinding(move || {
            close_with(&self.gate, site, name, |ordered| {
                ordered.keep(*index, local);
                ordered.fold(&self.merge);
            });
        });
    }
}

impl<G, L: Default, F: Merge<G, L>> Source<L> for OrderedBufMutex<G, L, F> {
    fn fresh(&self) -> L {
        L::default()
    }
}

impl<P, G, L, F> Share<P, L>
where
    P: Deref<Target = OrderedBufMutex<G, L, F>>,
    F: Merge<G, L>,
{
    /// Its number.
    pub fn index(&self) -> u64 {
        *self.tag()
    }
}

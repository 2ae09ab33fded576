//! Merging in the order of the shares, so that the result does not depend on who ends first.

use core::cell::Cell;
use core::fmt;
use core::mem::{ManuallyDrop, needs_drop};
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Hold, Site};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::gate::{Gate, Leaving};
use super::merge::Merge;
use super::share::{Share, Sink, Source};
use super::{Abandon, WaitIdle, caught_while_unwinding, shared_forms, try_unwrap};

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

    /// The next local that has no earlier share before it.
    fn pop(&mut self) -> Option<L> {
        loop {
            let mut first = self.later.first_entry()?;
            let index = *first.key();
            if index > self.next {
                return None;
            }
            self.next = self.next.max(index.saturating_add(1));
            if !first.get().is_empty() {
                return Some(first.get_mut().remove(0));
            }
            first.remove();
        }
    }

    fn finish(mut self, merge: &impl Merge<G, L>) -> G {
        for local in core::mem::take(&mut self.later).into_values().flatten() {
            merge.merge(&mut self.global, local);
        }
        self.global
    }
}

/// The numbers of shares that ended inside a merge of their own `BufMutex`, whose value they could
/// not reach: their turns are skipped.
struct Lost(UnsafeCell<Vec<u64>>);

// SAFETY: reached by the thread that holds the gate, or with exclusive access.
unsafe impl Sync for Lost {}

// A panic leaves nothing half-changed.
impl UnwindSafe for Lost {}
impl RefUnwindSafe for Lost {}

impl Lost {
    /// # Safety
    /// This thread holds the gate.
    unsafe fn push(&self, index: u64) {
        // SAFETY: only this thread comes here (see above), and no reference outlives a call.
        self.0.with_mut(|lost| unsafe { &mut *lost }.push(index));
    }

    /// # Safety
    /// As of [`push`](Self::push).
    unsafe fn take(&self) -> Vec<u64> {
        // SAFETY: as in `push`.
        self.0
            .with_mut(|lost| core::mem::take(unsafe { &mut *lost }))
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
/// nobody uses, that is at [`get`](Self::get). A share that ends inside a merge of its own
/// `OrderedBufMutex`, and so panics with [`Reentered`](super::Reentered), loses its local and its turn: the others go
/// on. A merge that panics loses its local; what was to be merged after it is merged by the next
/// share that ends, or by [`peek`](Self::peek) or `get`.
///
/// Do not use it where order does not matter: it keeps more and allocates.
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
    lost: Lost,
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
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(init: G, merge: F) -> OrderedBufMutex<G, L, F> {
        OrderedBufMutex {
            gate: Gate::new(Ordered {
                global: init,
                next: 0,
                later: BTreeMap::new(),
            }),
            lost: Lost(UnsafeCell::new(Vec::new())),
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
    /// Inside a merge of the same `BufMutex`: [`Reentered`](super::Reentered). Goes on with a panic of the merge, if
    /// an earlier one left some to be merged.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        let mut merged = Vec::new();
        self.gate
            .with(Site::here(), name, Leaving::Stays, |ordered| {
                self.fold(ordered, &mut merged);
                ordered.global.clone()
            })
    }

    /// Merges, under the gate, what has no earlier share before it. A panic leaves the rest for the
    /// next time. Locals that were merged by reference go into `merged`, to be dropped after the
    /// gate has opened: their destructors may reach this again.
    fn fold(&self, ordered: &mut Ordered<G, L>, merged: &mut Vec<L>) {
        loop {
            // SAFETY: this thread holds the gate: it was given what the gate protects.
            for index in unsafe { self.lost.take() } {
                ordered.skip(index);
            }
            let Some(local) = ordered.pop() else { return };
            if F::CONSUMES || !needs_drop::<L>() {
                self.merge.merge(&mut ordered.global, local);
            } else {
                merged.push(local);
                let local = merged.last().expect("pushed just now");
                self.merge.merge_ref(&mut ordered.global, local);
            }
        }
    }

    /// A share ends: merges what can be merged now, and counts it off in any case.
    fn end(&self, index: u64, local: Option<L>, site: Site) {
        // Declared first: counted off after the merged locals were dropped.
        let _abandon = Abandon(Cell::new(Some(&self.gate)));
        let mut merged = Vec::new();
        if self.gate.is_held() {
            // SAFETY: this thread holds the gate.
            unsafe { self.lost.push(index) };
        }
        self.gate.with(site, name, Leaving::Stays, |ordered| {
            match local {
                Some(local) => ordered.keep(index, local),
                None => ordered.skip(index),
            }
            self.fold(ordered, &mut merged);
        });
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
        caught_while_unwinding(move || self.end(*index, None, site));
    }

    unsafe fn close(&self, index: &u64, site: Site, local: &mut ManuallyDrop<L>) {
        // SAFETY: the caller gives the local up; it is taken once.
        let local = unsafe { ManuallyDrop::take(local) };
        caught_while_unwinding(move || self.end(*index, Some(local), site));
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

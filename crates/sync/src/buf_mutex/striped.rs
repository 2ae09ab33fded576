//! Merging side by side: where a merge takes long, those who would wait for it merge into a
//! partial value of their own.

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use counterpoint_base::CachePadded;
use counterpoint_base::prim::thread::parallelism;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::{Hold, Site};
use std::sync::Arc;

use super::gate::{Gate, Leaving, stripe};
use super::merge::{DropLocal, Merge};
use super::share::{Flush, Share, Sink, Source};
use super::{Abandon, Reentered, WaitIdle, caught_while_unwinding, shared_forms, try_unwrap};

/// A share of a [`StripedBufMutex`].
pub type StripedShare<'a, G, L, F, N, C> = Share<&'a StripedBufMutex<G, L, F, N, C>, L>;

/// A share that owns its [`StripedBufMutex`] together with others.
pub type OwnedStripedShare<G, L, F, N, C> = Share<Arc<StripedBufMutex<G, L, F, N, C>>, L>;

/// Rounds of looking at the main value before a stripe is used: meant to outlast a merge of a few
/// words, which costs less than a partial value and its combination. Not tuned yet.
const ROUNDS: u32 = 3;

/// A [`BufMutex`](super::BufMutex) whose merges may run side by side.
///
/// A share that ends merges into the main value. If another merge holds that for longer than a
/// short look, the share merges into the partial value of its thread's stripe instead of waiting;
/// `peek`, `take` and `get` combine the partial values. So cheap merges never make a partial value,
/// and costly ones do not wait for each other: the cost decides.
///
/// Use it for large collections merged often; where there is one merge per thread, or merges are
/// cheap, a plain `BufMutex` does the same with less.
///
/// ```
/// use counterpoint_sync::BufMutex;
/// use std::collections::BTreeMap;
///
/// type Words = BTreeMap<&'static str, u32>;
/// fn add(all: &mut Words, some: &Words) {
///     for (word, n) in some {
///         *all.entry(word).or_default() += n;
///     }
/// }
///
/// let words = BufMutex::striped(Words::new(), add, Words::new, |all, part| add(all, &part));
/// std::thread::scope(|s| {
///     for _ in 0..4 {
///         let mut share = words.share();
///         s.spawn(move || *share.as_mut().entry("so").or_default() += 1);
///     }
/// });
/// assert_eq!(words.get()["so"], 4);
/// ```
pub struct StripedBufMutex<G, L, F, N, C> {
    main: Gate<G>,
    stripes: Box<[CachePadded<Gate<Option<G>>>]>,
    merge: F,
    partial: N,
    combine: C,
    _local: PhantomData<fn(L)>,
}

impl<G: fmt::Debug, L, F, N, C> fmt::Debug for StripedBufMutex<G, L, F, N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripedBufMutex")
            .field("main", &self.main)
            .finish_non_exhaustive()
    }
}

fn name() -> &'static str {
    "StripedBufMutex"
}

impl<G, L, F: Merge<G, L>, N: Fn() -> G, C: Fn(&mut G, G)> StripedBufMutex<G, L, F, N, C> {
    #[cfg_attr(feature = "hooks", track_caller)]
    pub(super) fn new(init: G, merge: F, partial: N, combine: C) -> Self {
        let stripes = (0..parallelism().max(2))
            .map(|_| CachePadded::new(Gate::new(None)))
            .collect();
        StripedBufMutex {
            main: Gate::new(init),
            stripes,
            merge,
            partial,
            combine,
            _local: PhantomData,
        }
    }

    /// The global value, with all partial values combined.
    ///
    /// # Panics
    /// Goes on with a panic of the combination; the value is lost then.
    pub fn get(self) -> G {
        let mut global = self.main.into_inner();
        for stripe in self.stripes {
            if let Some(part) = stripe.into_inner().into_inner() {
                (self.combine)(&mut global, part);
            }
        }
        global
    }

    /// As [`BufMutex::try_get`](super::BufMutex::try_get).
    ///
    /// # Errors
    /// The `Arc` back, if there are others.
    pub fn try_get(self: Arc<Self>) -> Result<G, Arc<Self>> {
        try_unwrap(self, Self::outstanding).map(Self::get)
    }

    /// A copy of what was merged so far. Combines all partial values first.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`]. Goes on with a panic of the
    /// combination.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        self.with_all(Site::here(), |global| global.clone())
    }

    /// Takes what was merged so far and leaves `G::default()`.
    ///
    /// # Panics
    /// As [`peek`](Self::peek).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn take(&self) -> G
    where
        G: Default,
    {
        let empty = G::default();
        self.with_all(Site::here(), |global| core::mem::replace(global, empty))
    }

    fn with_all<R>(&self, site: Site, f: impl FnOnce(&mut G) -> R) -> R {
        self.refuse_reentry();
        self.main.with(site, name, Leaving::Stays, move |global| {
            // The main gate before any stripe's: merges hold one gate at a time.
            for stripe in &self.stripes {
                let part = stripe.with(site, name, Leaving::Stays, Option::take);
                if let Some(part) = part {
                    (self.combine)(global, part);
                }
            }
            f(global)
        })
    }

    /// A merge that holds a stripe and waits for the main gate could wait for a thread that waits
    /// for its stripe.
    fn refuse_reentry(&self) {
        if self.main.is_held() || self.stripes.iter().any(|stripe| stripe.is_held()) {
            std::panic::panic_any(Reentered { name: name() });
        }
    }

    /// How many stripes hold a partial value now.
    #[doc(hidden)]
    pub fn stripes_used(&self) -> usize {
        let used = |stripe: &CachePadded<Gate<Option<G>>>| {
            stripe.with(Site::here(), name, Leaving::Stays, |part| part.is_some())
        };
        self.stripes.iter().filter(|stripe| used(stripe)).count()
    }
}

impl<G, L, F: Merge<G, L>, N: Fn() -> G, C> StripedBufMutex<G, L, F, N, C> {
    /// Merges into the main value or into this thread's stripe.
    fn merge_somewhere(&self, site: Site, merge: impl FnOnce(&mut G)) {
        let mine = &self.stripes[stripe(self.stripes.len())];
        if self.main.is_held() || mine.is_held() {
            std::panic::panic_any(Reentered { name: name() });
        }
        if let Err(merge) = self.main.try_with(site, ROUNDS, Leaving::Stays, merge) {
            mine.with(site, name, Leaving::Stays, |part| {
                merge(part.get_or_insert_with(&self.partial));
            });
        }
    }

    /// Merges the local of a share that ends, and counts it off in any case.
    fn end(&self, site: Site, merge: impl FnOnce(&mut G)) {
        let _abandon = Abandon(Cell::new(Some(&self.main)));
        self.merge_somewhere(site, merge);
    }
}

impl<G, L, F, N, C> StripedBufMutex<G, L, F, N, C> {
    shared_forms!(main, stripes);
}

impl<G, L: Default, F: Merge<G, L>, N: Fn() -> G, C> StripedBufMutex<G, L, F, N, C> {
    /// A share with a fresh local.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share(&self) -> StripedShare<'_, G, L, F, N, C> {
        Share::new(self, Site::here())
    }

    /// A share that keeps the `StripedBufMutex` alive.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_owned(self: &Arc<Self>) -> OwnedStripedShare<G, L, F, N, C> {
        Share::new(self.clone(), Site::here())
    }
}

impl<G, L, F: Merge<G, L>, N: Fn() -> G, C> Sink<L> for StripedBufMutex<G, L, F, N, C> {
    type Tag = ();

    const KIND: &'static str = "StripedShare";

    #[inline(always)]
    fn tell_held(&self, site: Site) -> Hold {
        self.main.tell_held(Self::KIND, site)
    }

    fn open(&self, _local: &L, _site: Site) {
        self.main.open();
    }

    fn abandon(&self, (): &(), _site: Site) {
        self.main.abandon();
    }

    unsafe fn close(&self, (): &(), site: Site, local: &mut ManuallyDrop<L>) {
        let merge = &self.merge;
        caught_while_unwinding(move || {
            if F::CONSUMES {
                // SAFETY: the caller gives the local up; it is taken once.
                let local = unsafe { ManuallyDrop::take(local) };
                self.end(site, |global| merge.merge(global, local));
            } else {
                // Declared first: counted off after the local was dropped.
                let _abandon = Abandon(Cell::new(Some(&self.main)));
                let local = DropLocal(local);
                self.merge_somewhere(site, |global| merge.merge_ref(global, local.0));
            }
        });
    }
}

impl<G, L: Default, F: Merge<G, L>, N: Fn() -> G, C> Source<L> for StripedBufMutex<G, L, F, N, C> {
    fn fresh(&self) -> L {
        L::default()
    }
}

impl<G, L: Default, F: Merge<G, L>, N: Fn() -> G, C> Flush<L> for StripedBufMutex<G, L, F, N, C> {
    fn flush(&self, local: L, site: Site) {
        if F::CONSUMES {
            self.merge_somewhere(site, |global| self.merge.merge(global, local));
        } else {
            self.merge_somewhere(site, |global| self.merge.merge_ref(global, &local));
        }
    }
}

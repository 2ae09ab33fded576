//! [`BufMutex`]: a value whose handles collect updates in locals of their own, merged when the
//! handles are dropped.
//!
//! # From
//! The reducers of OpenMP and Cilk by way of the crates `buf-mutex` and `openmp-reducer`, whose
//! signatures hold here. Added: consuming merges, an identity closure, owned shares, `flush`,
//! `take`, waiting for idleness, ordered, striped and live kinds; panics and re-entry are defined.
//!
//! # State, Fields, Edges, Waiting, Cancel
//! Those of the gate: see `gate.rs`.
//!
//! # Invariants
//! * I1: every local is merged, or stays with a forgotten share, or is lost in a merge that
//!   panicked or could not run (re-entered while unwinding); it is dropped or moved out once.
//! * I2: a share is counted off when it ends, whatever its merge did.
//!
//! # Panic
//! | where | what happens |
//! |---|---|
//! | merge, in a drop or a flush | the gate opens, the flag is set, the panic goes on |
//! | merge, in a drop while unwinding | the same, but the panic is caught |
//! | a fresh local | nothing has happened yet |
//! | a local's own `Drop` | after the gate has opened, as any drop (for consuming merges: theirs) |
//! | re-entry | [`Reentered`], before anything is touched |
//!
//! # Rejected
//! * Merging later, when many locals have come together: it would be faster for tiny merges, but
//!   panics would surface in other threads, and locals that are not `Send` would have to move.
//! * Counting only owned shares: `outstanding` and `wait_idle` would lie for the borrowed ones.
//!
//! # Checked by
//! tests/buf_mutex.rs, dev/model tests/buf_mutex.rs, the published tests of openmp-reducer.

mod gate;
mod live;
mod merge;
mod ordered;
mod share;
mod striped;

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, needs_drop};
use counterpoint_base::const_fn;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{Hold, Site};
use counterpoint_wait::waker::discard;
use counterpoint_wait::{Op, Stop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

#[doc(hidden)]
pub use gate::Wants;
pub use gate::{Reentered, WaitIdleVerb};
pub use live::{LiveBufMutex, LiveShare, OwnedLiveShare};
pub use merge::{Consuming, Fresh, FromDefault, Merge};
pub use ordered::{OrderedBufMutex, OrderedShare, OwnedOrderedShare};
pub use share::Share;
#[doc(hidden)]
pub use share::{Flush, Sink, Source};
pub use striped::{OwnedStripedShare, StripedBufMutex, StripedShare};

use gate::{Gate, Leaving};
use merge::DropLocal;

/// What all kinds of `BufMutex` do with their gate, the field `$gate`.
macro_rules! shared_forms {
    ($gate:ident $(, $stripes:ident)?) => {
        /// How many shares are out, forgotten ones included. Others may change the number at any time.
        ///
        /// ```
        /// let total = counterpoint_sync::BufMutex::<u8>::new(0, |global, local| *global += *local);
        /// let share = total.share();
        /// assert_eq!(total.outstanding(), 1);
        /// drop(share);
        /// assert_eq!(total.outstanding(), 0);
        /// ```
        pub fn outstanding(&self) -> usize {
            self.$gate.outstanding()
        }

        /// Waits until no share is out. New ones may be made at once; what was merged before is seen.
        ///
        /// # Deadlocks
        /// A thread that holds a share itself waits for ever, and so does everyone after a share was
        /// forgotten.
        ///
        /// # Panics
        /// Inside a merge of the same `BufMutex`, whose share is out: [`Reentered`](crate::buf_mutex::Reentered).
        #[cfg_attr(feature = "hooks", track_caller)]
        pub fn wait_idle(&self) {
            let held = self.$gate.is_held() $(|| self.$stripes.iter().any(|stripe| stripe.is_held()))?;
            if held {
                std::panic::panic_any($crate::buf_mutex::Reentered {
                    name: core::any::type_name::<Self>(),
                });
            }
            self.wait_idle_async().wait();
        }

        /// Like [`wait_idle`](Self::wait_idle), but gives up after `timeout`. Zero still tries once.
        ///
        /// # Errors
        /// [`Stop::TimedOut`], if time was up first.
        ///
        /// ```
        /// use std::time::Duration;
        ///
        /// let total = counterpoint_sync::BufMutex::<u8>::new(0, |global, local| *global += *local);
        /// let share = total.share();
        /// assert!(total.wait_idle_timeout(Duration::ZERO).is_err());
        /// drop(share);
        /// assert!(total.wait_idle_timeout(Duration::ZERO).is_ok());
        /// ```
        #[cfg_attr(feature = "hooks", track_caller)]
        pub fn wait_idle_timeout(&self, timeout: Duration) -> Result<(), Stop> {
            self.wait_idle_async().timeout(timeout).wait()
        }

        /// Like [`wait_idle`](Self::wait_idle), but gives up at `deadline`. One in the past still
        /// tries once.
        ///
        /// # Errors
        /// [`Stop::TimedOut`], if the deadline came first.
        #[cfg_attr(feature = "hooks", track_caller)]
        pub fn wait_idle_deadline(&self, deadline: Instant) -> Result<(), Stop> {
            self.wait_idle_async().deadline(deadline).wait()
        }

        /// [`wait_idle`](Self::wait_idle) as an operation.
        ///
        /// # Cancel safety
        /// Dropping it leaves nothing behind.
        #[cfg_attr(feature = "hooks", track_caller)]
        pub fn wait_idle_async(&self) -> WaitIdle<'_> {
            self.$gate.wait_idle()
        }

        /// Names it in what the hooks tell. The name belongs to its place: name it where it stays.
        /// Without the feature `hooks` this does nothing.
        #[inline(always)]
        pub fn named(&self, name: &'static str) {
            self.$gate.named(name);
            $(self.$stripes.iter().for_each(|stripe| stripe.named(name));)?
        }

        /// Those who wait at this instant to merge, to look, or until no share is out, in the order
        /// of their places (where there are stripes: of each).
        #[cfg(feature = "hooks")]
        pub fn waiters(&self) -> Vec<counterpoint_wait::hooks::Waiter> {
            let waiters = self.$gate.waiters();
            $(
                let of_stripes = self.$stripes.iter().flat_map(|stripe| stripe.waiters());
                let waiters = waiters.into_iter().chain(of_stripes).collect();
            )?
            waiters
        }

        /// True if a merge (or a `Clone` in `peek`) has panicked.
        pub fn is_poisoned(&self) -> bool {
            self.$gate.is_broken() $(|| self.$stripes.iter().any(|stripe| stripe.is_broken()))?
        }

        /// Clears the flag.
        pub fn clear_poison(&self) {
            self.$gate.clear_broken();
            $(self.$stripes.iter().for_each(|stripe| stripe.clear_broken());)?
        }
    };
}
use shared_forms;

/// A share that borrows its [`BufMutex`]; made by [`BufMutex::share`].
pub type SharedBufMutex<'a, G, L = G, F = fn(&mut G, &L), I = FromDefault> =
    Share<&'a BufMutex<G, L, F, I>, L>;

/// A share that owns its [`BufMutex`] together with others; made by [`BufMutex::share_owned`].
pub type OwnedSharedBufMutex<G, L = G, F = fn(&mut G, &L), I = FromDefault> =
    Share<Arc<BufMutex<G, L, F, I>>, L>;

/// The operation of [`BufMutex::wait_idle_async`] and its likes.
pub type WaitIdle<'b> = Op<WaitIdleVerb<'b>>;

/// A shared value that is updated through local copies.
///
/// Each [share](Self::share) holds a local value that its owner changes without any
/// synchronization; when the share is dropped the local is merged into the global value. So an
/// update costs what it costs on a plain variable, however many threads update.
///
/// Use it where only the sum of all updates matters: counters, histograms, collections that are
/// put together. Do not use it where an update must be visible at once (`Mutex`, or an atomic), or
/// where each update is the only one of its thread.
///
/// Other kinds: [`consuming`](Self::consuming) merges move the local instead of reading it;
/// [`with_identity`](Self::with_identity) makes fresh locals by a closure;
/// [`ordered`](Self::ordered) merges in the order of the shares, for floats;
/// [`striped`](Self::striped) lets costly merges run side by side; [`live`](Self::live) shows
/// locals that are not merged yet.
///
/// With borrowed shares, [`get`](Self::get) before they are gone does not compile:
/// ```compile_fail,E0505
/// use counterpoint_sync::BufMutex;
///
/// let total = BufMutex::<usize>::new(3, |global, local| *global += *local);
/// let share = total.share();
/// assert_eq!(total.get(), 3);
/// drop(share);
/// ```
/// The same in the right order:
/// ```
/// use counterpoint_sync::BufMutex;
///
/// let total = BufMutex::<usize>::new(3, |global, local| *global += *local);
/// let share = total.share();
/// drop(share);
/// assert_eq!(total.get(), 3);
/// ```
///
/// # Poison
/// A panic in a merge goes on in the thread that dropped the share, and sets a readable flag:
/// [`is_poisoned`](Self::is_poisoned). The value stays reachable, as the merge left it.
///
/// # Cost
/// Updates are plain writes. A share costs one atomic addition, and its end an exchange and a
/// subtraction around the merge. No allocation.
///
/// # Examples
/// ```
/// use counterpoint_sync::BufMutex;
///
/// let total = BufMutex::<usize>::new(5, |global, local| *global += *local);
/// std::thread::scope(|s| {
///     for _ in 0..3 {
///         let mut share = total.share();
///         s.spawn(move || *share.as_mut() += 10);
///     }
/// });
/// assert_eq!(total.get(), 35);
/// ```
pub struct BufMutex<G, L = G, F = fn(&mut G, &L), I = FromDefault> {
    gate: Gate<G>,
    merge: F,
    fresh: I,
    _local: PhantomData<fn(L)>,
}

impl<G: fmt::Debug, L, F, I> fmt::Debug for BufMutex<G, L, F, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufMutex")
            .field("global", &self.gate)
            .finish_non_exhaustive()
    }
}

impl<G, L, F: Fn(&mut G, &L)> BufMutex<G, L, F> {
    const_fn! {
        /// A value, and how to merge a local into it. Fresh locals are `L::default()`.
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new(init: G, merge: F) -> BufMutex<G, L, F> {
            BufMutex {
                gate: Gate::new(init),
                merge,
                fresh: FromDefault,
                _local: PhantomData,
            }
        }
    }
}

impl<G, L, F: Fn(&mut G, L)> BufMutex<G, L, Consuming<F>> {
    const_fn! {
        /// Like [`new`](BufMutex::new), but the merge takes the local by value: what the local
        /// owns moves into the global value instead of being copied.
        ///
        /// ```
        /// use counterpoint_sync::BufMutex;
        ///
        /// let words = BufMutex::<Vec<String>, Vec<String>, _>::consuming(Vec::new(), |all, mut some| {
        ///     all.append(&mut some)
        /// });
        /// words.share().as_mut().push("moved".to_string());
        /// assert_eq!(words.get(), ["moved"]);
        /// ```
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn consuming(init: G, merge: F) -> BufMutex<G, L, Consuming<F>> {
            BufMutex {
                gate: Gate::new(init),
                merge: Consuming(merge),
                fresh: FromDefault,
                _local: PhantomData,
            }
        }
    }
}

impl<G, L> BufMutex<G, L> {
    /// A value into which locals are merged in the order of their shares; see
    /// [`OrderedBufMutex`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn ordered<F: Fn(&mut G, &L)>(init: G, merge: F) -> OrderedBufMutex<G, L, F> {
        OrderedBufMutex::new(init, merge)
    }

    /// A value whose costly merges may run side by side, each thread's into a partial value of
    /// its own; see [`StripedBufMutex`].
    ///
    /// `partial` makes a value that changes nothing when it is combined; `combine` puts a partial
    /// value into another.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn striped<F, N, C>(
        init: G,
        merge: F,
        partial: N,
        combine: C,
    ) -> StripedBufMutex<G, L, F, N, C>
    where
        F: Fn(&mut G, &L),
        N: Fn() -> G,
        C: Fn(&mut G, G),
    {
        StripedBufMutex::new(init, merge, partial, combine)
    }

    /// A value whose shares publish their locals while they are out; see [`LiveBufMutex`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn live<F: Fn(&mut G, &L)>(init: G, merge: F) -> LiveBufMutex<G, L, F>
    where
        L: Copy,
    {
        LiveBufMutex::new(init, merge)
    }
}

impl<G, L, F> BufMutex<G, L, F> {
    /// The same with locals made by `fresh`, where `L::default()` is missing or is not what
    /// changes nothing when merged.
    ///
    /// ```
    /// use counterpoint_sync::BufMutex;
    ///
    /// let least = BufMutex::<u32>::new(u32::MAX, |global, local| *global = *local.min(global))
    ///     .with_identity(|| u32::MAX);
    /// *least.share().as_mut() = 7;
    /// drop(least.share());
    /// assert_eq!(least.get(), 7);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with_identity<I: Fn() -> L>(self, fresh: I) -> BufMutex<G, L, F, I> {
        BufMutex {
            gate: Gate::new(self.gate.into_inner()),
            merge: self.merge,
            fresh,
            _local: PhantomData,
        }
    }
}

impl<G, L, F, I> BufMutex<G, L, F, I> {
    fn name() -> &'static str {
        core::any::type_name::<BufMutex<G, L>>()
    }

    /// The global value. Borrowed shares are gone then; see the type for what the compiler says
    /// otherwise.
    ///
    /// ```
    /// let three = counterpoint_sync::BufMutex::<u8>::new(3, |global, local| *global += *local);
    /// assert_eq!(three.get(), 3);
    /// ```
    pub fn get(self) -> G {
        self.gate.into_inner()
    }

    /// The global value of a `BufMutex` with owned shares, if no other `Arc` of it is left.
    ///
    /// # Errors
    /// The `Arc` back, if there are others. A share holds its `Arc` for a moment longer than it
    /// counts as [outstanding](Self::outstanding); this waits for such moments, but not for
    /// shares or `Arc`s that stay. To have the value whoever holds an `Arc`, use
    /// [`wait_idle`](Self::wait_idle) and [`take`](Self::take).
    ///
    /// ```
    /// use counterpoint_sync::BufMutex;
    /// use std::sync::Arc;
    ///
    /// let total = Arc::new(BufMutex::<u32>::new(0, |global, local| *global += *local));
    /// let mut share = total.share_owned();
    /// let total = total.try_get().unwrap_err();
    /// *share.as_mut() = 2;
    /// drop(share);
    /// assert_eq!(total.try_get().unwrap(), 2);
    /// ```
    pub fn try_get(self: Arc<Self>) -> Result<G, Arc<Self>> {
        try_unwrap(self, Self::outstanding).map(Self::get)
    }

    /// The global value through exclusive access, which shows that no share is out (or only
    /// forgotten ones).
    pub fn get_mut(&mut self) -> &mut G {
        self.gate.get_mut()
    }

    shared_forms!(gate);

    /// Puts another global value in place and returns the one merged so far. Shares stay, and
    /// merge into the new one.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn replace(&self, value: G) -> G {
        self.gate
            .with(Site::here(), Self::name, Leaving::Stays, |global| {
                core::mem::replace(global, value)
            })
    }

    /// Takes the global value merged so far and leaves `G::default()`.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`].
    ///
    /// ```
    /// let total = counterpoint_sync::BufMutex::<u8>::new(0, |global, local| *global += *local);
    /// *total.share().as_mut() = 9;
    /// assert_eq!(total.take(), 9);
    /// assert_eq!(total.peek(), 0);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn take(&self) -> G
    where
        G: Default,
    {
        self.replace(G::default())
    }

    /// A copy of the global value: what was merged so far. Locals of shares that are out are not
    /// in it.
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        self.gate
            .with(Site::here(), Self::name, Leaving::Stays, |global| {
                global.clone()
            })
    }
}

impl<G, L, F: Merge<G, L>, I: Fresh<L>> BufMutex<G, L, F, I> {
    /// A share with a fresh local.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share(&self) -> SharedBufMutex<'_, G, L, F, I> {
        Share::new(self, Site::here())
    }

    /// A share that keeps the `BufMutex` alive, for threads and tasks that outlive this scope.
    ///
    /// ```
    /// use counterpoint_sync::BufMutex;
    /// use std::sync::Arc;
    ///
    /// let total = Arc::new(BufMutex::<u32>::new(0, |global, local| *global += *local));
    /// for _ in 0..2 {
    ///     let mut share = total.share_owned();
    ///     std::thread::spawn(move || *share.as_mut() += 1);
    /// }
    /// total.wait_idle();
    /// assert_eq!(total.take(), 2);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn share_owned(self: &Arc<Self>) -> OwnedSharedBufMutex<G, L, F, I> {
        Share::new(self.clone(), Site::here())
    }
}

impl<P, G, L, F, I> Share<P, L>
where
    P: core::ops::Deref<Target = BufMutex<G, L, F, I>>,
    F: Merge<G, L>,
{
    /// A copy of the global value; see [`BufMutex::peek`].
    ///
    /// # Panics
    /// Inside a merge of the same `BufMutex`: [`Reentered`].
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn peek(&self) -> G
    where
        G: Clone,
    {
        self.parent().peek()
    }
}

impl<G, L, F: Merge<G, L>, I> Sink<L> for BufMutex<G, L, F, I> {
    type Tag = ();

    const KIND: &'static str = "SharedBufMutex";

    #[inline(always)]
    fn tell_held(&self, site: Site) -> Hold {
        self.gate.tell_held(Self::KIND, site)
    }

    #[inline]
    fn open(&self, _local: &L, _site: Site) {
        self.gate.open();
    }

    fn abandon(&self, (): &(), _site: Site) {
        self.gate.abandon();
    }

    #[inline]
    unsafe fn close(&self, (): &(), site: Site, local: &mut ManuallyDrop<L>) {
        let merge = &self.merge;
        let close = move || {
            if F::CONSUMES {
                // SAFETY: the caller gives the local up; it is taken once.
                let local = unsafe { ManuallyDrop::take(local) };
                close_with(&self.gate, site, Self::name, |global| {
                    merge.merge(global, local)
                });
            } else {
                // Counted off last: the local may take long to drop, and `try_get` waits only for
                // shares that are out.
                let _abandon = needs_drop::<L>().then(|| Abandon(Cell::new(Some(&self.gate))));
                let local = DropLocal(local);
                if needs_drop::<L>() {
                    self.gate.with(site, Self::name, Leaving::Stays, |global| {
                        merge.merge_ref(global, local.0);
                    });
                } else {
                    close_with(&self.gate, site, Self::name, |global| {
                        merge.merge_ref(global, local.0);
                    });
                }
            }
        };
        caught_while_unwinding(close);
    }
}

impl<G, L, F: Merge<G, L>, I: Fresh<L>> Source<L> for BufMutex<G, L, F, I> {
    #[inline]
    fn fresh(&self) -> L {
        self.fresh.fresh()
    }
}

impl<G, L, F: Merge<G, L>, I: Fresh<L>> Flush<L> for BufMutex<G, L, F, I> {
    fn flush(&self, local: L, site: Site) {
        if F::CONSUMES {
            self.gate.with(site, Self::name, Leaving::Stays, |global| {
                self.merge.merge(global, local);
            });
        } else {
            // The local is dropped after the gate has opened.
            self.gate.with(site, Self::name, Leaving::Stays, |global| {
                self.merge.merge_ref(global, &local);
            });
        }
    }
}

/// Runs the merge of a share that ends, and counts it off in any case.
///
/// # Panics
/// Goes on with the panic of the merge, or with [`Reentered`].
#[inline]
fn close_with<P>(
    gate: &Gate<P>,
    site: Site,
    name: fn() -> &'static str,
    merge: impl FnOnce(&mut P),
) {
    let abandon = Abandon(Cell::new(Some(gate)));
    gate.with(site, name, Leaving::Ends, |value| {
        abandon.0.set(None);
        merge(value);
    });
}

/// Counts a share off that ends before it entered.
struct Abandon<'g, P>(Cell<Option<&'g Gate<P>>>);

impl<P> Drop for Abandon<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(gate) = self.0.get() {
            gate.abandon();
        }
    }
}

/// Runs `end`; if this thread unwinds already, a panic in it ends here.
#[inline]
fn caught_while_unwinding(end: impl FnOnce()) {
    if !panicking() {
        end();
    } else if let Err(payload) = catch_unwind(AssertUnwindSafe(end)) {
        discard(payload);
    }
}

/// How often `try_unwrap` looks again for shares that are just ending.
const LOOKS: u32 = 1_000;

/// Unwraps an `Arc`, waiting for shares that are counted off and about to drop theirs.
fn try_unwrap<T>(mut this: Arc<T>, outstanding: impl Fn(&T) -> usize) -> Result<T, Arc<T>> {
    for _ in 0..LOOKS {
        match Arc::try_unwrap(this) {
            Ok(value) => return Ok(value),
            Err(back) => this = back,
        }
        if outstanding(&this) > 0 {
            break;
        }
        counterpoint_base::prim::thread::yield_now();
    }
    Err(this)
}

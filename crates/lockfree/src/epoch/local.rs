//! The record of a thread: whether it is pinned, and what it deferred and did not hand on.
//!
//! The protocol, its invariants and edges stand in README.md beside this file.

use super::Guard;
use super::barrier::{light, panicking};
use super::collector::{Collector, Global};
use super::deferred::{Bag, Deferred};
use core::cell::Cell;
use core::fmt;
use core::panic::Location;
use core::ptr;
use counterpoint_base::prim::atomic::{
    AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, RELAXED, acquire, release,
};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::tune::{EPOCH_DRAIN, EPOCH_PINS};

/// The state of a record whose thread is not pinned; an epoch is even.
pub(super) const UNPINNED: u64 = 0;
/// Set beside the epoch while pinned.
pub(super) const PINNED: u64 = 1;

/// A record. Its thread alone touches the cells; see README.md for the rest.
#[repr(align(128))]
pub(super) struct Local {
    state: AtomicU64,
    /// Who asks for what the record holds: the claimant's record, or null.
    claim: AtomicPtr<Local>,
    /// Somebody was held up by this pin and leaves what is to be done to its thread.
    nudge: AtomicBool,
    taken: AtomicBool,
    bag: AtomicPtr<Bag>,
    /// What is in `bag`, for the account.
    held: AtomicUsize,
    held_bytes: AtomicUsize,
    site: AtomicPtr<Location<'static>>,
    thread: AtomicU64,
    guards: Cell<usize>,
    handles: Cell<usize>,
    pins: Cell<u32>,
    collecting: Cell<bool>,
    /// While taken: keeps the collector, and with it this record.
    collector: UnsafeCell<Option<Collector>>,
    global: *const Global,
    next: *const Local,
}

/// How a record is found, for the report.
pub(super) struct Seen {
    /// The epoch, if pinned.
    pub(super) epoch: Option<u64>,
    pub(super) site: Option<&'static Location<'static>>,
    pub(super) thread: u64,
    pub(super) held: usize,
    pub(super) held_bytes: usize,
}

impl Local {
    /// A record that nobody has yet.
    pub(super) fn new(global: *const Global) -> Local {
        Local {
            state: AtomicU64::new(UNPINNED),
            claim: AtomicPtr::new(ptr::null_mut()),
            nudge: AtomicBool::new(false),
            taken: AtomicBool::new(true),
            bag: AtomicPtr::new(ptr::null_mut()),
            held: AtomicUsize::new(0),
            held_bytes: AtomicUsize::new(0),
            site: AtomicPtr::new(ptr::null_mut()),
            thread: AtomicU64::new(0),
            guards: Cell::new(0),
            handles: Cell::new(0),
            pins: Cell::new(0),
            collecting: Cell::new(false),
            collector: UnsafeCell::new(None),
            global,
            next: ptr::null(),
        }
    }

    /// For the list of records, before this one is in it.
    pub(super) fn link(&mut self, next: *const Local) {
        self.next = next;
    }

    pub(super) fn next(&self) -> *const Local {
        self.next
    }

    // Taking and giving back.

    /// Takes the record if it is free.
    pub(super) fn try_take(&self) -> bool {
        // Relaxed: a look. Acquire [E7]: pairs with the release in `release`.
        !self.taken.load(RELAXED)
            && self
                .taken
                .compare_exchange(false, true, acquire("epoch.recycle"), RELAXED)
                .is_ok()
    }

    /// Makes the taken record that of the calling thread.
    pub(super) fn begin(&self, collector: Collector) {
        self.collector.with_mut(|slot| {
            // SAFETY: I1: the record is taken by this thread.
            unsafe { *slot = Some(collector) };
        });
        self.handles.set(1);
        // Relaxed: for the report alone.
        self.thread.store(thread_number(), RELAXED);
    }

    /// # Safety
    /// The record is taken by this thread, which has neither a handle nor a guard left. The record
    /// may be gone afterwards.
    #[cold]
    unsafe fn release(this: *const Local) {
        struct Last(*const Local);
        impl Drop for Last {
            fn drop(&mut self) {
                // SAFETY: by the caller's promise, and nothing of it has changed.
                unsafe { Local::give_back(self.0) };
            }
        }
        let last = Last(this);
        // SAFETY: the collector that the record keeps is still there, and so is the record.
        unsafe { &*last.0 }.leave_nothing();
    }

    /// # Safety
    /// As for `release`.
    unsafe fn give_back(this: *const Local) {
        let collector = {
            // SAFETY: by the caller's promise.
            let local = unsafe { &*this };
            // A closure that ran meanwhile may have taken a handle or a guard again.
            if local.handles.get() != 0 || local.guards.get() != 0 {
                return;
            }
            let collector = local.collector.with_mut(|slot| {
                // SAFETY: I1.
                unsafe { (*slot).take() }
            });
            // Release [E7]: hands the record to the acquire in `try_take`.
            local.taken.store(false, release("epoch.give_back"));
            collector
        };
        // May free the record, which is no longer touched here.
        drop(collector);
    }

    pub(super) fn add_handle(&self) {
        self.handles.set(self.handles.get() + 1);
    }

    /// # Safety
    /// The caller's handle is counted, and goes. The record may be gone afterwards.
    pub(super) unsafe fn drop_handle(this: *const Local) {
        // SAFETY: by the caller's promise.
        let local = unsafe { &*this };
        let handles = local.handles.get() - 1;
        local.handles.set(handles);
        if handles == 0 && local.guards.get() == 0 {
            // SAFETY: none is left.
            unsafe { Local::release(this) };
        }
    }

    /// The collector.
    pub(super) fn collector(&self) -> &Collector {
        let slot = self.collector.with(|slot| {
            // SAFETY: I1: the record is taken by this thread, so nobody writes.
            unsafe { &*slot }
        });
        match slot {
            Some(collector) => collector,
            None => unreachable!("counterpoint: a record in use has its collector"),
        }
    }

    #[inline]
    fn global(&self) -> &Global {
        // SAFETY: I1: a taken record keeps its collector.
        unsafe { &*self.global }
    }

    // Pinning.

    /// # Safety
    /// The record is taken by this thread.
    #[inline]
    pub(super) unsafe fn pin(this: *const Local, site: &'static Location<'static>) -> Guard {
        // SAFETY: by the caller's promise.
        let local = unsafe { &*this };
        let guards = local.guards.get();
        let Some(more) = guards.checked_add(1) else {
            too_many();
        };
        local.guards.set(more);
        let guard = Guard { local: this };
        if guards == 0 {
            local.enter(site);
            let pins = local.pins.get().wrapping_add(1);
            local.pins.set(pins);
            if pins % EPOCH_PINS == 0 {
                local.now_and_then();
            }
        }
        guard
    }

    /// Says that this thread is pinned, and in which epoch.
    #[inline]
    fn enter(&self, site: &'static Location<'static>) {
        // Acquire [E3]: pairs with the release in `advance`.
        let epoch = self.global().epoch(acquire("epoch.enter"));
        self.set_site(site);
        // Release [E2]: tells the scan that whatever was done in an earlier pin is done.
        self.state.store(epoch | PINNED, release("epoch.pin"));
        light("epoch.light"); // [E1]
    }

    #[inline]
    fn set_site(&self, site: &'static Location<'static>) {
        // To a checker it would be one more step to interleave.
        if !cfg!(any(counterpoint_loom, counterpoint_shuttle)) {
            // Relaxed: for the report alone.
            self.site.store(ptr::from_ref(site).cast_mut(), RELAXED);
        }
    }

    /// Says that this thread is no longer pinned.
    #[inline]
    fn leave(&self) {
        // Release [E2]: tells the scan that this thread is done with what it loaded.
        self.state.store(UNPINNED, release("epoch.unpin"));
    }

    /// # Safety
    /// The caller's guard is counted, and goes. The record may be gone afterwards.
    #[inline]
    pub(super) unsafe fn unpin(this: *const Local) {
        // SAFETY: by the caller's promise.
        let local = unsafe { &*this };
        let guards = local.guards.get() - 1;
        local.guards.set(guards);
        if guards == 0 {
            local.leave();
            // Relaxed: whoever set it handed over before what is to be done.
            if local.nudge.load(RELAXED) || local.handles.get() == 0 {
                // SAFETY: no guard is left.
                unsafe { Local::unpinned(this) };
            }
        }
    }

    /// What is to be done after the last guard.
    ///
    /// # Safety
    /// No guard is left. The record may be gone afterwards.
    #[cold]
    unsafe fn unpinned(this: *const Local) {
        // SAFETY: by the caller's promise; a handle or the one below keeps the record.
        let local = unsafe { &*this };
        if local.handles.get() == 0 {
            // SAFETY: none is left.
            unsafe { Local::release(this) };
        } else if !panicking() {
            // Relaxed: a hint.
            local.nudge.store(false, RELAXED);
            // A closure that runs meanwhile may drop the last handle.
            local.add_handle();
            let _handle = Counted(this);
            local.drain();
        }
    }

    /// Leaves the pin, but keeps the guard's place.
    ///
    /// # Safety
    /// The caller's guard is counted; it is counted again by `pin_again`.
    pub(super) unsafe fn unpin_for_now(this: *const Local) {
        // SAFETY: by the caller's promise.
        unsafe { &*this }.add_handle();
        // SAFETY: by the caller's promise; the handle keeps the record.
        unsafe { Local::unpin(this) };
    }

    /// # Safety
    /// After `unpin_for_now`.
    pub(super) unsafe fn pin_again(this: *const Local, site: &'static Location<'static>) {
        // SAFETY: the handle keeps the record.
        let local = unsafe { &*this };
        let guards = local.guards.get();
        local.guards.set(guards + 1);
        if guards == 0 {
            local.enter(site);
        }
        local.handles.set(local.handles.get() - 1);
    }

    /// Pins anew if the only guard is the caller's, and the epoch another one.
    pub(super) fn repin(&self, site: &'static Location<'static>) {
        if self.guards.get() != 1 {
            return;
        }
        // Relaxed: a look.
        let epoch = self.global().epoch(RELAXED);
        if self.state.load(RELAXED) != epoch | PINNED {
            self.enter(site);
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.guards.get() > 0
    }

    // Deferring.

    /// Whether the record's thread, pinned, may touch `bag`.
    #[inline]
    fn has_bag(&self) -> bool {
        // Acquire [E5]: pairs with the release in `give_up_claim`.
        self.claim.load(acquire("epoch.claimed")).is_null()
    }

    /// Keeps `deferred` until nobody who is pinned now is pinned any longer.
    pub(super) fn defer(&self, deferred: Deferred, bytes: usize) {
        debug_assert!(self.is_pinned());
        if !self.has_bag() {
            self.defer_beside(deferred, bytes);
            return;
        }
        // Relaxed, here and below: the bag is this thread's while it is pinned (I5).
        let mut bag = self.bag.load(RELAXED);
        if bag.is_null() {
            bag = Bag::allocate();
            self.global().add_bag();
            self.bag.store(bag, RELAXED);
        }
        // SAFETY: I5; a full bag is handed on at once, so there is room.
        let (label, full) = unsafe { Bag::push(bag, deferred, bytes) };
        self.held.store(label.len, RELAXED);
        self.held_bytes.store(label.bytes, RELAXED);
        if full {
            self.hand_on();
            self.collect(false);
        }
    }

    /// The same while somebody looks whether the record's bag can be taken.
    #[cold]
    fn defer_beside(&self, deferred: Deferred, bytes: usize) {
        let bag = Bag::allocate();
        self.global().add_bag();
        // SAFETY: new.
        let _ = unsafe { Bag::push(bag, deferred, bytes) };
        // SAFETY: as above, and this thread is pinned.
        unsafe { self.global().hand_on(bag) };
    }

    /// Hands the bag to the collector; the caller has looked that it may.
    fn hand_on(&self) {
        debug_assert!(self.is_pinned());
        let bag = self.take_bag();
        if !bag.is_null() {
            // SAFETY: I5, and this thread is pinned.
            unsafe { self.global().hand_on(bag) };
        }
    }

    /// Takes the bag out of the record.
    fn take_bag(&self) -> *mut Bag {
        // Relaxed: the bag's contents are handed over by the record's state [E2], or are the
        // thread's own.
        let bag = self.bag.swap(ptr::null_mut(), RELAXED);
        self.held.store(0, RELAXED);
        self.held_bytes.store(0, RELAXED);
        bag
    }

    // Collecting.

    /// See [`Guard::flush`].
    pub(super) fn flush(&self) {
        if self.has_bag() {
            self.hand_on();
        }
        self.collect(false);
    }

    /// Every so many pins: what others left behind is looked after.
    #[cold]
    fn now_and_then(&self) {
        self.collect(false);
    }

    /// Tries once to advance the epoch, and runs what may run; whether the epoch has moved. If not,
    /// those who hold it up are nudged when `nudge` says so.
    fn collect(&self, nudge: bool) -> bool {
        struct Done<'l>(&'l Cell<bool>);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        debug_assert!(self.is_pinned());
        // A closure that panics would end a program that unwinds.
        if !self.global().has_bags() || panicking() {
            return false;
        }
        // A closure that defers does not run others in the middle of itself.
        if self.collecting.replace(true) {
            return false;
        }
        let _done = Done(&self.collecting);
        let global = self.global();
        let (epoch, moved) = global.advance(self, nudge);
        global.run_due(epoch);
        moved
    }

    /// Hands on what is left, and runs as much of what the collector has as can be run; for a
    /// thread that has no guard and goes, or was asked to.
    fn leave_nothing(&self) {
        let _inside = Inside::new(self);
        for _ in 0..EPOCH_DRAIN {
            if self.has_bag() {
                self.hand_on();
            }
            if !self.collect(true) {
                return;
            }
            // The guard of `_inside` protects nothing.
            self.repin(Location::caller());
        }
    }

    /// For a thread that was asked to: as when it goes.
    fn drain(&self) {
        if self.guards.get() == 0 && self.global().has_bags() {
            self.leave_nothing();
        }
    }

    // What others do with the record of a thread.

    /// The state, as it was at some moment.
    pub(super) fn glance(&self) -> u64 {
        // Relaxed: a look that decides only whether the real one is worth while.
        self.state.load(RELAXED)
    }

    /// The state, after the heavy fence.
    pub(super) fn scan(&self) -> u64 {
        // Acquire [E2]: pairs with the releases in `leave` and `enter`.
        self.state.load(acquire("epoch.scan"))
    }

    pub(super) fn nudge(&self) {
        // Relaxed: a hint.
        self.nudge.store(true, RELAXED);
    }

    /// Asks for the bag, if there seems to be one.
    pub(super) fn ask(&self, who: *const Local) {
        // Relaxed: a hint.
        if self.bag.load(RELAXED).is_null() {
            return;
        }
        // Relaxed: ordered by the fences [E1]; if another one asks already, let it.
        let _ = self
            .claim
            .compare_exchange(ptr::null_mut(), who.cast_mut(), RELAXED, RELAXED);
    }

    /// Whether `who` has asked, and not yet given up.
    pub(super) fn is_asked_by(&self, who: *const Local) -> bool {
        // Relaxed: `who` is the caller's own.
        ptr::eq(self.claim.load(RELAXED), who)
    }

    /// Ends what `ask` began; with the bag if the thread was found unpinned after the heavy fence.
    ///
    /// The caller is the one who asked.
    pub(super) fn answer(&self, unpinned: bool) -> *mut Bag {
        let bag = if unpinned {
            self.take_bag()
        } else {
            ptr::null_mut()
        };
        // Release [E5]: tells the acquire in `has_bag` that the bag was taken.
        self.claim.store(ptr::null_mut(), release("epoch.unclaim"));
        bag
    }

    /// What the report says of it.
    pub(super) fn seen(&self) -> Seen {
        // Relaxed: a report.
        let state = self.state.load(RELAXED);
        let site = self.site.load(RELAXED);
        Seen {
            epoch: (state & PINNED != 0).then_some(state & !PINNED),
            // SAFETY: null, or a location, and those live for ever.
            site: unsafe { site.as_ref() },
            thread: self.thread.load(RELAXED),
            held: self.held.load(RELAXED),
            held_bytes: self.held_bytes.load(RELAXED),
        }
    }

    /// The bag of a record that nobody has, when the collector goes.
    pub(super) fn last_bag(&mut self) -> *mut Bag {
        self.take_bag()
    }
}

#[cold]
#[inline(never)]
fn too_many() -> ! {
    panic!("counterpoint: too many guards of one thread");
}

/// The number of this thread, for the report.
fn thread_number() -> u64 {
    #[cfg(feature = "std")]
    {
        counterpoint_base::record::thread_id()
    }
    #[cfg(not(feature = "std"))]
    {
        0
    }
}

/// Pinned, by nobody's guard.
struct Inside<'l>(&'l Local);

impl<'l> Inside<'l> {
    fn new(local: &'l Local) -> Inside<'l> {
        debug_assert!(local.guards.get() == 0);
        local.guards.set(1);
        local.enter(Location::caller());
        Inside(local)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let guards = self.0.guards.get() - 1;
        self.0.guards.set(guards);
        if guards == 0 {
            self.0.leave();
        }
    }
}

/// A handle that was counted for a while.
struct Counted(*const Local);

impl Drop for Counted {
    fn drop(&mut self) {
        // SAFETY: counted when this was made.
        unsafe { Local::drop_handle(self.0) };
    }
}

/// What pins its thread: one record of a [`Collector`].
///
/// It stays with the thread that made it. Dropping it hands on what that thread has deferred, and
/// runs what can be run; a [`Guard`] made by it may live longer.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::Collector;
///
/// let collector = Collector::new();
/// let handle = collector.register();
/// let guard = handle.pin();
/// guard.defer(|| println!("later"));
/// ```
pub struct LocalHandle {
    pub(super) local: *const Local,
}

// A panic leaves what is counted as it was.
impl core::panic::UnwindSafe for LocalHandle {}
impl core::panic::RefUnwindSafe for LocalHandle {}

impl LocalHandle {
    /// Pins the thread.
    ///
    /// # Cost
    /// One load, one store and a compiler's fence, where the system has `membarrier`; else a store
    /// and a fence. Less if the thread is pinned already.
    #[inline]
    #[track_caller]
    pub fn pin(&self) -> Guard {
        // SAFETY: this handle keeps the record, which belongs to this thread.
        unsafe { Local::pin(self.local, Location::caller()) }
    }

    /// Whether the thread is pinned in this record.
    pub fn is_pinned(&self) -> bool {
        // SAFETY: this handle keeps the record.
        unsafe { &*self.local }.is_pinned()
    }

    /// The collector.
    pub fn collector(&self) -> &Collector {
        // SAFETY: this handle keeps the record.
        unsafe { &*self.local }.collector()
    }

    /// The record, with its handle still counted.
    #[cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]
    pub(super) fn into_raw(self) -> *const Local {
        core::mem::ManuallyDrop::new(self).local
    }
}

impl Drop for LocalHandle {
    fn drop(&mut self) {
        // SAFETY: this handle is counted, and goes.
        unsafe { Local::drop_handle(self.local) };
    }
}

impl fmt::Debug for LocalHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalHandle").finish_non_exhaustive()
    }
}

//! The record of a thread: whether it is pinned, and what it deferred and did not hand on.
//!
//! The protocol, its invariants and edges stand in README.md beside this file.

use super::Guard;
mod duty;

use super::barrier::{light, panicking, restrain};
use super::collector::{Collector, Global};
use super::deferred::{Bag, Deferred};
use core::cell::Cell;
use core::panic::Location;
use core::ptr;
use counterpoint_base::prim::atomic::{
    AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, RELAXED, acquire, release,
};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::tune::EPOCH_PINS;

/// The state of a record whose thread is not pinned; an epoch is even.
pub(super) const UNPINNED: u64 = 0;
/// Set beside the epoch while pinned.
pub(super) const PINNED: u64 = 1;

/// A record. Its thread alone touches the cells; see README.md for the rest.
#[repr(align(128))]
pub(super) struct Local {
    state: AtomicU64,
    /// Who asks for what the record holds: the claimant's record, marked while it takes that, or
    /// null.
    claim: AtomicPtr<Local>,
    /// Somebody was held up by this pin and leaves what is to be done to its thread.
    nudge: AtomicBool,
    taken: AtomicBool,
    bag: AtomicPtr<Bag>,
    /// What is in `bag`, for the account.
    held: AtomicUsize,
    held_bytes: AtomicUsize,
    /// The same of `beside`.
    aside: AtomicUsize,
    aside_bytes: AtomicUsize,
    site: AtomicPtr<Location<'static>>,
    thread: AtomicU64,
    guards: Cell<usize>,
    handles: Cell<usize>,
    pins: Cell<u32>,
    /// Runs what is due; see [`Nested`](super::nested::Nested).
    #[cfg(not(feature = "std"))]
    pub(super) collecting: Cell<bool>,
    /// It has deferred something since it was taken, or went.
    defers: Cell<bool>,
    /// Its thread ends: a panic that came out of here would end the program.
    ending: Cell<bool>,
    /// What the thread deferred while somebody else took `bag`; null most of the time.
    beside: Cell<*mut Bag>,
    /// While taken: keeps the collector, and with it this record.
    collector: UnsafeCell<Option<Collector>>,
    global: *const Global,
    next: UnsafeCell<*const Local>,
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
            aside: AtomicUsize::new(0),
            aside_bytes: AtomicUsize::new(0),
            site: AtomicPtr::new(ptr::null_mut()),
            thread: AtomicU64::new(0),
            guards: Cell::new(0),
            handles: Cell::new(0),
            pins: Cell::new(0),
            #[cfg(not(feature = "std"))]
            collecting: Cell::new(false),
            defers: Cell::new(false),
            ending: Cell::new(false),
            beside: Cell::new(ptr::null_mut()),
            collector: UnsafeCell::new(None),
            global,
            next: UnsafeCell::new(ptr::null()),
        }
    }

    /// For the list of records, before this one is in it.
    pub(super) fn link(&mut self, next: *const Local) {
        self.next.with_mut(|slot| {
            // SAFETY: `&mut self`.
            unsafe { *slot = next };
        });
    }

    pub(super) fn next(&self) -> *const Local {
        self.next.with(|slot| {
            // SAFETY: nobody writes once the record is in the list, which hands it over [E6].
            unsafe { *slot }
        })
    }

    // Taking and giving back.

    /// Takes the record if it is free.
    pub(super) fn try_take(&self) -> bool {
        // Relaxed: a look. Acquire [E7]: pairs with the release in `give_back`.
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
        self.defers.set(false);
        self.ending.set(false);
        // Relaxed: for the report alone.
        self.thread.store(thread_number(), RELAXED);
    }

    /// From now on a panic of what is run here is swallowed: the thread ends.
    #[cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]
    pub(super) fn end(&self) {
        self.ending.set(true);
    }

    /// What can be done for a thread that ends while it still finds this record.
    #[cfg(all(feature = "std", not(any(counterpoint_loom, counterpoint_shuttle))))]
    pub(super) fn end_early(&self) {
        self.end();
        if !self.is_pinned() {
            self.leave_nothing();
        }
    }

    /// # Safety
    /// The record is taken by this thread, which has neither a handle nor a guard left. The record
    /// may be gone afterwards.
    #[cold]
    unsafe fn let_go(this: *const Local) {
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
    /// As for `let_go`.
    unsafe fn give_back(this: *const Local) {
        let collector = {
            // SAFETY: by the caller's promise.
            let local = unsafe { &*this };
            // A closure that ran meanwhile may have taken a handle or a guard again.
            if local.handles.get() != 0 || local.guards.get() != 0 {
                return;
            }
            local.leave_nothing_aside();
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
            unsafe { Local::let_go(this) };
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
            local.count_pin();
        }
        guard
    }

    /// Counts a pin that was made anew by the only guard.
    pub(super) fn count_pin_again(&self) {
        if self.guards.get() == 1 {
            self.count_pin();
        }
    }

    #[inline]
    fn count_pin(&self) {
        let pins = self.pins.get().wrapping_add(1);
        self.pins.set(pins);
        if pins % EPOCH_PINS == 0 {
            self.now_and_then();
        }
    }

    /// The next pin looks for what is due.
    fn look_soon(&self) {
        self.pins.set(u32::MAX);
    }

    /// Says that this thread is pinned, and in which epoch.
    #[inline]
    fn enter(&self, site: &'static Location<'static>) {
        let epoch = self.global().epoch();
        self.set_site(site);
        self.say(epoch | PINNED);
        light("epoch.light"); // [E1]
    }

    #[inline]
    fn say(&self, state: u64) {
        // Release [E2]: tells the scan that this thread is done with what it loaded in the pins
        // before.
        self.state.store(state, release("epoch.state"));
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
        self.say(UNPINNED);
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
            restrain(); // [E9]
            // Relaxed: what the nudge is about is acquired when it is taken.
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
            unsafe { Local::let_go(this) };
            return;
        }
        // A closure that runs meanwhile may drop the last handle.
        local.add_handle();
        let _handle = Counted(this);
        if panicking() {
            local.leave_nothing_aside();
        } else {
            local.take_nudge();
            local.told();
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
        self.renew(site);
        // Relaxed: as in `unpin`.
        if self.nudge.load(RELAXED) && !panicking() {
            self.asked();
            self.set_site(site);
        } else {
            self.count_pin();
        }
    }

    /// Pins anew in another epoch; the only guard protects nothing at this moment.
    fn renew(&self, site: &'static Location<'static>) {
        debug_assert!(self.guards.get() == 1);
        // Relaxed: a look.
        let epoch = self.global().glance();
        if self.state.load(RELAXED) != epoch | PINNED {
            self.enter(site);
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.guards.get() > 0
    }

    // Deferring.

    /// Whether the record's thread, pinned, may touch `bag`. Who asks for it is refused; who takes it
    /// already is not.
    #[inline]
    fn has_bag(&self) -> bool {
        loop {
            // Acquire [E5]: pairs with the release in `answer`.
            let asks = self.claim.load(acquire("epoch.claimed"));
            if asks.is_null() {
                return true;
            }
            if is_taking(asks) {
                return false;
            }
            // Relaxed: the next round acquires what came before.
            let _ = self
                .claim
                .compare_exchange(asks, ptr::null_mut(), RELAXED, RELAXED);
        }
    }

    /// Keeps `deferred` until nobody who is pinned now is pinned any longer.
    pub(super) fn defer(&self, deferred: Deferred, bytes: usize) {
        debug_assert!(self.is_pinned());
        self.defers.set(true);
        if !self.has_bag() {
            self.defer_beside(deferred, bytes);
            return;
        }
        // Relaxed, here and below: the bag is this thread's while it is pinned (I5).
        let mut bag = self.bag.load(RELAXED);
        if bag.is_null() {
            bag = self.begin_bag();
        }
        // SAFETY: I5; a full bag is handed on at once, so there is room.
        let (label, full) = unsafe { Bag::push(bag, deferred, bytes) };
        self.held.store(label.len, RELAXED);
        self.held_bytes.store(label.bytes, RELAXED);
        if full {
            self.hand_on_full();
        }
    }

    /// Begins a bag in the record, which is this thread's to touch.
    #[cold]
    fn begin_bag(&self) -> *mut Bag {
        let beside = self.take_beside();
        if !beside.is_null() {
            // Relaxed: as in `defer`.
            self.bag.store(beside, RELAXED);
            return beside;
        }
        loop {
            let fresh = Bag::allocate();
            // Relaxed: as in `defer`. An allocator that defers something itself has begun one.
            if self.bag.load(RELAXED).is_null() {
                self.global().add_bag();
                self.bag.store(fresh, RELAXED);
                return fresh;
            }
            // SAFETY: new and empty.
            unsafe { Bag::free(fresh) };
            // That allocator may have filled it meanwhile.
            let bag = self.bag.load(RELAXED);
            if !bag.is_null() {
                return bag;
            }
        }
    }

    /// The same while somebody takes the record's bag.
    #[cold]
    fn defer_beside(&self, deferred: Deferred, bytes: usize) {
        let mut bag = self.beside.get();
        while bag.is_null() {
            let fresh = Bag::allocate();
            // As in `begin_bag`.
            if self.beside.get().is_null() {
                self.global().add_bag();
                self.beside.set(fresh);
            } else {
                // SAFETY: new and empty.
                unsafe { Bag::free(fresh) };
            }
            bag = self.beside.get();
        }
        // SAFETY: it belongs to this thread; a full bag is handed on at once, so there is room.
        let (label, full) = unsafe { Bag::push(bag, deferred, bytes) };
        // Relaxed: for the account alone.
        self.aside.store(label.len, RELAXED);
        self.aside_bytes.store(label.bytes, RELAXED);
        if full {
            self.hand_on_full();
        }
        // Nobody else comes for it: its thread does when it unpins.
        self.nudge();
    }

    /// Takes what was deferred while somebody took the bag.
    fn take_beside(&self) -> *mut Bag {
        let bag = self.beside.replace(ptr::null_mut());
        if !bag.is_null() {
            // Relaxed: for the account alone.
            self.aside.store(0, RELAXED);
            self.aside_bytes.store(0, RELAXED);
        }
        bag
    }

    /// Takes the bag out of the record, if there is one.
    fn take_bag(&self) -> *mut Bag {
        // Relaxed: the caller alone may touch it (I5).
        if self.bag.load(RELAXED).is_null() {
            return ptr::null_mut();
        }
        // Relaxed: the bag's contents are handed over by the record's state [E2], or are the
        // thread's own.
        let bag = self.bag.swap(ptr::null_mut(), RELAXED);
        self.held.store(0, RELAXED);
        self.held_bytes.store(0, RELAXED);
        bag
    }

    // What others do with the record of a thread.

    /// The state, as it was at some moment.
    pub(super) fn glance(&self) -> u64 {
        // Relaxed: a look that decides only whether the real one is worth while.
        self.state.load(RELAXED)
    }

    /// The state, after the heavy fence.
    pub(super) fn scan(&self) -> u64 {
        // Acquire [E2]: pairs with the release in `say`.
        self.state.load(acquire("epoch.scan"))
    }

    /// Leaves what is to be done to the record's thread; whether it was told already.
    pub(super) fn nudge(&self) -> bool {
        // Relaxed: the heavy fence before it makes it a release [E8]; after one before that fence its
        // sender looks again.
        self.nudge.swap(true, RELAXED)
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

    /// Ends what `ask` began; with the bag if the thread was found unpinned after the heavy fence,
    /// and has not refused since.
    ///
    /// `who` is the caller's own.
    pub(super) fn answer(&self, who: *const Local, unpinned: bool) -> *mut Bag {
        let who = who.cast_mut();
        let to = if unpinned {
            taking(who)
        } else {
            ptr::null_mut()
        };
        // Relaxed: the scan acquired what the thread did before.
        let answered = self.claim.compare_exchange(who, to, RELAXED, RELAXED);
        if answered.is_err() || !unpinned {
            return ptr::null_mut();
        }
        let bag = self.take_bag();
        // Release [E5]: tells the acquire in `has_bag` that the bag was taken.
        self.claim.store(ptr::null_mut(), release("epoch.unclaim"));
        bag
    }

    /// What the report says of it.
    pub(super) fn seen(&self) -> Seen {
        // Relaxed: a report.
        let state = self.state.load(RELAXED);
        let site = self.site.load(RELAXED);
        let held_bytes = self.held_bytes.load(RELAXED);
        Seen {
            epoch: (state & PINNED != 0).then_some(state & !PINNED),
            // SAFETY: null, or a location, and those live for ever.
            site: unsafe { site.as_ref() },
            thread: self.thread.load(RELAXED),
            held: self.held.load(RELAXED) + self.aside.load(RELAXED),
            held_bytes: held_bytes.saturating_add(self.aside_bytes.load(RELAXED)),
        }
    }

    /// What is left in a record that nobody has, when the collector goes.
    pub(super) fn last_bags(&mut self) -> [*mut Bag; 2] {
        [self.take_bag(), self.take_beside()]
    }
}

/// The claim of `who` while it takes the bag.
fn taking(who: *mut Local) -> *mut Local {
    who.map_addr(|addr| addr | 1)
}

fn is_taking(claim: *mut Local) -> bool {
    claim.addr() & 1 != 0
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

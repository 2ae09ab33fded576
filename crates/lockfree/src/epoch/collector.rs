//! What all threads of a collector share: the epoch, the records, and the work that was put off.
//!
//! The protocol, its invariants and edges stand in README.md beside this file.

use super::barrier::{heavy, to_the_end};
use super::deferred::Bag;
use super::handle::LocalHandle;
use super::local::{Local, PINNED, UNPINNED};
#[cfg(feature = "std")]
use super::stall::{Stall, Stalls};
use super::stats::{OldestPin, Stats};
use alloc::boxed::Box;
use core::fmt;
use core::ptr;
use counterpoint_base::CachePadded;
use counterpoint_base::prim::atomic::{
    AtomicPtr, AtomicU64, AtomicUsize, RELAXED, acquire, release,
};
#[cfg(feature = "std")]
use counterpoint_base::prim::time::Duration;
use counterpoint_base::tune::EPOCH_RUN;

#[cfg(not(feature = "std"))]
use alloc::sync::Arc;
#[cfg(feature = "std")]
use counterpoint_base::prim::sync::Arc;

/// One advance of the epoch; the lowest bit says in a record that it is pinned.
pub(super) const STEP: u64 = 2;
/// So many advances after a bag was handed on, what is in it may run (I4).
const GRACE: u64 = 3 * STEP;
/// Lists of bags, by their stamps: one more than there are advances in a grace period.
const LISTS: u64 = 4;

/// The shared part of a collector.
pub(super) struct Global {
    epoch: CachePadded<AtomicU64>,
    /// Bags that are not empty, wherever they are.
    bags: CachePadded<AtomicUsize>,
    /// What was handed on, for the account.
    items: AtomicUsize,
    bytes: AtomicUsize,
    /// Bags that were handed on in each epoch, modulo [`LISTS`].
    lists: [AtomicPtr<Bag>; LISTS as usize],
    /// Bags that may run.
    ripe: AtomicPtr<Bag>,
    /// The epoch in which everything may run that was left behind by those who went.
    owed: AtomicU64,
    records: AtomicPtr<Local>,
    #[cfg(feature = "std")]
    stalls: Stalls,
}

// SAFETY: bags go from thread to thread as a whole, and whoever put work into one has promised that
// another thread may do it; of a record other threads use the atomics alone.
unsafe impl Send for Global {}
// SAFETY: as above.
unsafe impl Sync for Global {}

/// What the state of a record says about an advance from some epoch.
enum View {
    /// Not pinned, or in that epoch: it may advance.
    Clear,
    /// Pinned before it: this one holds it up.
    Earlier,
    /// Pinned after it: the epoch has advanced already.
    Later,
}

impl View {
    fn of(state: u64, epoch: u64) -> View {
        if state == UNPINNED || state == epoch | PINNED {
            View::Clear
        } else if state > epoch {
            View::Later
        } else {
            View::Earlier
        }
    }
}

impl Global {
    fn new() -> Global {
        Global {
            epoch: CachePadded::new(AtomicU64::new(0)),
            bags: CachePadded::new(AtomicUsize::new(0)),
            items: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            lists: [0; LISTS as usize].map(|_: u8| AtomicPtr::new(ptr::null_mut())),
            ripe: AtomicPtr::new(ptr::null_mut()),
            owed: AtomicU64::new(0),
            records: AtomicPtr::new(ptr::null_mut()),
            #[cfg(feature = "std")]
            stalls: Stalls::new(),
        }
    }

    /// The epoch, and what the scans before it have seen.
    #[inline]
    pub(super) fn epoch(&self) -> u64 {
        // Acquire [E3]: pairs with the release in `advance`.
        self.epoch.load(acquire("epoch.look"))
    }

    /// The epoch, as it was at some moment.
    #[inline]
    pub(super) fn glance(&self) -> u64 {
        // Relaxed: a look.
        self.epoch.load(RELAXED)
    }

    /// Whether there is anything to do, now or later.
    #[inline]
    pub(super) fn has_bags(&self) -> bool {
        // Relaxed: a hint; whoever puts work off sees their own bag.
        self.bags.load(RELAXED) != 0
    }

    /// A thread has begun a bag.
    pub(super) fn add_bag(&self) {
        // Relaxed: only a count.
        self.bags.fetch_add(1, RELAXED);
    }

    /// Whether some of what may run is left.
    pub(super) fn has_ripe(&self) -> bool {
        // Relaxed: a look.
        !self.ripe.load(RELAXED).is_null()
    }

    /// Somebody goes, pinned, and leaves behind what was handed on until now, or `later`: was taken
    /// over, and will be handed on in the next epoch at the latest.
    pub(super) fn owe(&self, later: bool) {
        let stamp = self.glance() + if later { STEP } else { 0 };
        // Relaxed: whoever is told acquires it with the nudge [E8].
        self.owed.fetch_max(stamp + GRACE, RELAXED);
    }

    /// Whether the epoch must advance for what was left behind.
    pub(super) fn is_owed(&self) -> bool {
        // Relaxed: as above.
        self.glance() < self.owed.load(RELAXED)
    }

    // Records.

    /// All records.
    fn records(&self) -> impl Iterator<Item = &Local> {
        // Acquire [E6]: pairs with the release in `take_record`.
        let mut next: *const Local = self.records.load(acquire("epoch.records"));
        core::iter::from_fn(move || {
            // SAFETY: I2: records live as long as the collector.
            let local = unsafe { next.as_ref() }?;
            next = local.next();
            Some(local)
        })
    }

    /// A record for the calling thread: one that was given back, or a new one.
    fn take_record(&self) -> *const Local {
        if let Some(local) = self.records().find(|local| local.try_take()) {
            return local;
        }
        let local = Box::into_raw(Box::new(Local::new(self)));
        // Relaxed: records stay in the list, so there is no ABA; [E6] covers what is read.
        let mut first = self.records.load(RELAXED);
        loop {
            // SAFETY: new, and known to nobody else before the exchange.
            unsafe { &mut *local }.link(first);
            // Release [E6]: hands the record to the acquire in `records`.
            let put = self.records.compare_exchange_weak(
                first,
                local,
                release("epoch.register"),
                RELAXED,
            );
            match put {
                Ok(_) => return local,
                Err(found) => first = found,
            }
        }
    }

    // The epoch.

    /// Tries to advance the epoch, and takes over the bags of threads that are not pinned. Returns an
    /// epoch that has come, and whether another try is worth while: not if somebody holds it up who,
    /// with `nudge`, was told to go on with it.
    pub(super) fn advance(&self, me: &Local, nudge: bool) -> (u64, bool) {
        let epoch = self.epoch();
        // First a look that costs no barrier, since it may already tell that there is no point.
        let (mut held, mut late) = (false, false);
        for local in self.records() {
            match View::of(local.glance(), epoch) {
                View::Clear => {}
                View::Later => {
                    // [E2]: the next look at the epoch finds that one.
                    let _ = local.scan();
                    late = true;
                }
                // Who goes pins anew.
                View::Earlier if ptr::eq(local, me) => return (epoch, true),
                View::Earlier => {
                    held = true;
                    if nudge {
                        local.nudge();
                    }
                }
            }
        }
        if held && !nudge {
            self.held_up(epoch);
            return (epoch, false);
        }
        if late && !held {
            return (epoch, true);
        }
        for local in self.records() {
            if local.glance() == UNPINNED && !ptr::eq(local, me) {
                local.ask(me);
            }
        }
        heavy("epoch.heavy"); // [E1, E9]
        let (mut held, mut late, mut unheard) = (false, false, false);
        for local in self.records() {
            // I3: after the fence, each record that was in the list before it.
            let state = local.scan();
            match View::of(state, epoch) {
                View::Clear => {}
                View::Later => late = true,
                View::Earlier => {
                    held = true;
                    // [E9]: a nudge that stood before the fence is seen, a new one perhaps not.
                    unheard |= nudge && !local.nudge();
                }
            }
            if local.is_asked_by(me) {
                // Before the bag is gone: its thread, if it goes, owes no less.
                let stamp = self.glance();
                let bag = local.answer(me, state == UNPINNED);
                if !bag.is_null() {
                    // SAFETY: I5, and this thread is pinned.
                    unsafe { self.hand_on(bag, stamp) };
                }
            }
        }
        if held {
            self.held_up(epoch);
            return (epoch, unheard);
        }
        if late {
            return (epoch, true);
        }
        // Release [E3]: hands on to `epoch` what the scan has seen. Relaxed: somebody else was faster, of
        // whom nothing is used.
        let advanced =
            self.epoch
                .compare_exchange(epoch, epoch + STEP, release("epoch.advance"), RELAXED);
        match advanced {
            Ok(_) => (epoch + STEP, true),
            Err(_) => (epoch, true),
        }
    }

    /// The epoch could not advance.
    fn held_up(&self, epoch: u64) {
        let _ = epoch;
        #[cfg(feature = "std")]
        self.stalls.held_up(epoch, || self.stats());
    }

    // Bags.

    /// Puts a bag on the list of the epoch `stamp`.
    ///
    /// # Safety
    /// `bag` belongs to the caller, who is pinned, and has read the epoch in this pin, when everything
    /// in the bag had been deferred (I4).
    pub(super) unsafe fn hand_on(&self, bag: *mut Bag, stamp: u64) {
        // SAFETY: by the caller's promise.
        let label = unsafe { Bag::label(bag) };
        // Relaxed: only counts.
        self.items.fetch_add(label.len, RELAXED);
        self.bytes.fetch_add(label.bytes, RELAXED);
        // SAFETY: by the caller's promise.
        unsafe { Bag::stamp(bag, stamp) };
        // SAFETY: as above.
        unsafe { self.put(bag, self.list(stamp)) };
    }

    /// # Safety
    /// `bag` belongs to the caller; it has the stamp of that list, or is ripe.
    unsafe fn put(&self, bag: *mut Bag, list: &AtomicPtr<Bag>) {
        // Relaxed: a guess; lists are taken as a whole, so there is no ABA.
        let mut first = list.load(RELAXED);
        loop {
            // SAFETY: by the caller's promise, until the exchange.
            unsafe { Bag::link(bag, first) };
            match Global::exchange(list, first, bag) {
                Ok(()) => return,
                Err(found) => first = found,
            }
        }
    }

    /// Puts `bag`, whose next one is `found`, in the place of that.
    fn exchange(list: &AtomicPtr<Bag>, found: *mut Bag, bag: *mut Bag) -> Result<(), *mut Bag> {
        // Release [E4]: hands the bag to the acquire in `take`.
        let put = list.compare_exchange_weak(found, bag, release("epoch.hand_on"), RELAXED);
        put.map(drop)
    }

    /// Takes a list as a whole: its bags belong to the caller.
    fn take(list: &AtomicPtr<Bag>) -> *mut Bag {
        // Relaxed: a look.
        if list.load(RELAXED).is_null() {
            return ptr::null_mut();
        }
        // Acquire [E4]: pairs with the release in `put`.
        list.swap(ptr::null_mut(), acquire("epoch.take"))
    }

    fn list(&self, stamp: u64) -> &AtomicPtr<Bag> {
        &self.lists[(stamp / STEP % LISTS) as usize]
    }

    /// Runs a portion of what was handed on a grace period before `epoch`, which has come, or
    /// earlier; whether there was anything.
    pub(super) fn run_due(&self, epoch: u64) -> bool {
        self.ripen(epoch);
        let first = self.portion();
        Running {
            global: self,
            first,
        }
        .run()
    }

    /// What was handed on a grace period before `epoch` may run.
    pub(super) fn ripen(&self, epoch: u64) {
        let Some(due) = epoch.checked_sub(GRACE) else {
            return;
        };
        let mut next = Global::take(self.list(due));
        while !next.is_null() {
            let bag = next;
            // SAFETY: taken.
            let label = unsafe { Bag::label(bag) };
            next = label.next;
            // Or else somebody handed it on since the epoch that was looked at.
            let is_due = label.stamp <= due;
            let list = if is_due {
                &self.ripe
            } else {
                self.list(label.stamp)
            };
            // SAFETY: taken.
            unsafe { self.put(bag, list) };
        }
    }

    /// Takes some bags that are ripe, and leaves the others within reach: a closure may take for
    /// ever.
    fn portion(&self) -> *mut Bag {
        let first = Global::take(&self.ripe);
        if first.is_null() {
            return first;
        }
        let mut last = first;
        for _ in 1..EPOCH_RUN {
            // SAFETY: taken.
            let next = unsafe { Bag::label(last) }.next;
            if next.is_null() {
                return first;
            }
            last = next;
        }
        // SAFETY: taken.
        let rest = unsafe { Bag::label(last) }.next;
        // SAFETY: taken.
        unsafe { Bag::link(last, ptr::null_mut()) };
        // SAFETY: taken, and ripe.
        unsafe { self.put_back(rest) };
        first
    }

    /// # Safety
    /// `first` and those behind it belong to the caller, and are ripe.
    unsafe fn put_back(&self, first: *mut Bag) {
        // Most of the time nobody has put any there since.
        if Global::exchange(&self.ripe, ptr::null_mut(), first).is_ok() {
            return;
        }
        let mut next = first;
        while !next.is_null() {
            let bag = next;
            // SAFETY: by the caller's promise.
            next = unsafe { Bag::label(bag) }.next;
            // SAFETY: as above.
            unsafe { self.put(bag, &self.ripe) };
        }
    }

    /// Shows how things are.
    fn stats(&self) -> Stats {
        // Relaxed, here and below: a report.
        let epoch = self.epoch.load(RELAXED);
        let mut stats = Stats {
            epoch: epoch / STEP,
            records: 0,
            pinned: 0,
            waiting: self.items.load(RELAXED),
            waiting_bytes: self.bytes.load(RELAXED),
            oldest_pin: None,
        };
        for seen in self.records().map(Local::seen) {
            stats.records += 1;
            stats.waiting += seen.held;
            stats.waiting_bytes = stats.waiting_bytes.saturating_add(seen.held_bytes);
            let Some(pinned_in) = seen.epoch else {
                continue;
            };
            stats.pinned += 1;
            let pin = OldestPin {
                thread: seen.thread,
                site: seen.site,
                behind: epoch.saturating_sub(pinned_in) / STEP,
            };
            let is_older = |oldest: &OldestPin| pin.behind > oldest.behind;
            if stats.oldest_pin.as_ref().is_none_or(is_older) {
                stats.oldest_pin = Some(pin);
            }
        }
        stats
    }
}

/// Ripe bags that were taken; what is left of them goes back when one panics.
struct Running<'g> {
    global: &'g Global,
    first: *mut Bag,
}

impl Running<'_> {
    /// Whether there are any.
    fn run(mut self) -> bool {
        let some = !self.first.is_null();
        while !self.first.is_null() {
            // SAFETY: it was taken out, so it belongs to this thread.
            while let Some(deferred) = unsafe { Bag::take(self.first) } {
                deferred.call();
            }
            self.drop_first();
        }
        some
    }

    /// Frees the first bag, which is empty.
    fn drop_first(&mut self) {
        let bag = self.first;
        // SAFETY: as in `run`.
        let label = unsafe { Bag::label(bag) };
        self.first = label.next;
        // SAFETY: as in `run`.
        unsafe { Bag::free(bag) };
        // Relaxed: only counts.
        self.global.bags.fetch_sub(1, RELAXED);
        self.global.items.fetch_sub(label.len, RELAXED);
        self.global.bytes.fetch_sub(label.bytes, RELAXED);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.first.is_null() {
            return;
        }
        // SAFETY: as in `run`.
        if unsafe { Bag::is_empty(self.first) } {
            // Its last closure has panicked.
            self.drop_first();
        }
        if !self.first.is_null() {
            // SAFETY: as in `run`.
            unsafe { self.global.put_back(self.first) };
        }
    }
}

impl Drop for Global {
    fn drop(&mut self) {
        let global = &*self;
        // Everything runs, also when some of it panics.
        to_the_end(|| global.clear(), || global.free_records());
    }
}

impl Global {
    /// Runs everything that was put off, when the collector goes: there is neither a guard nor a
    /// handle left, and nobody else looks.
    fn clear(&self) {
        // Relaxed, here and below: `drop` shows that every other thread is done.
        let mut record = self.records.load(RELAXED);
        while !record.is_null() {
            // SAFETY: I2, and nobody has it.
            let local = unsafe { &mut *record };
            for bag in local.last_bags() {
                if !bag.is_null() {
                    // SAFETY: nobody else has it.
                    unsafe { self.put(bag, &self.ripe) };
                }
            }
            record = local.next().cast_mut();
        }
        for list in self.lists.iter().chain([&self.ripe]) {
            let first = Global::take(list);
            Running {
                global: self,
                first,
            }
            .run();
        }
    }

    fn free_records(&self) {
        // Relaxed: as in `clear`.
        let mut record = self.records.swap(ptr::null_mut(), RELAXED);
        while !record.is_null() {
            // SAFETY: I2: made by `Box::into_raw`, and used by nobody any longer.
            let local = unsafe { Box::from_raw(record) };
            record = local.next().cast_mut();
        }
    }
}

/// Keeps what threads retire until no thread that might still look at it is pinned.
///
/// A clone is the same collector. Most programs need one, and [`pin`](super::pin) has it. Another one
/// is worth while where guards are held for long and must not hold up everybody else, where all that
/// was deferred must have run when something ends (it does when the last clone and the last handle
/// go), and without `std`.
///
/// # Panics
/// What runs when the last one goes may panic: all of it runs, then the first panic goes on, unless
/// the thread unwinds already.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::{Atomic, Collector, Owned};
/// use std::sync::atomic::Ordering::{AcqRel, Acquire};
///
/// let collector = Collector::new();
/// let handle = collector.register();
/// let name = Atomic::new("old".to_owned());
/// {
///     let guard = handle.pin();
///     let old = name.swap(Owned::new("new".to_owned()), AcqRel, &guard);
///     // SAFETY: just taken out, by this thread alone.
///     unsafe { guard.defer_destroy(old) };
/// }
/// # // SAFETY: nobody else uses it.
/// # drop(unsafe { name.into_owned() });
/// ```
#[derive(Clone)]
pub struct Collector {
    global: Arc<Global>,
}

impl Collector {
    /// A collector of its own.
    pub fn new() -> Collector {
        Collector {
            global: Arc::new(Global::new()),
        }
    }

    /// A handle of the calling thread, which pins it.
    ///
    /// # Cost
    /// The record of a handle that was dropped is used again; else one is allocated. It goes through
    /// as many records as threads had handles at once.
    pub fn register(&self) -> LocalHandle {
        let local = self.global.take_record();
        // SAFETY: I2: as long as this collector.
        unsafe { &*local }.begin(self.clone());
        LocalHandle { local }
    }

    /// How many threads are pinned and how much waits for them, as it is about now.
    ///
    /// # Cost
    /// Goes through the records of all threads.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Collector;
    ///
    /// let collector = Collector::new();
    /// let handle = collector.register();
    /// let guard = handle.pin();
    /// guard.defer(|| ());
    /// let stats = collector.stats();
    /// assert_eq!((stats.pinned, stats.waiting), (1, 1));
    /// println!("{stats}");
    /// ```
    pub fn stats(&self) -> Stats {
        self.global.stats()
    }

    /// Calls `tell` when the epoch could not advance for as long as `limit`, once for each time that
    /// it is stuck: some thread stays pinned, and what all the others retire is kept.
    ///
    /// It is noticed by a thread that looks for something to free, and called by it, while that is
    /// pinned. It may pin and defer; a panic comes out of whatever that thread did. Each call adds one
    /// more, for as long as the collector lives: one that holds a clone of the collector keeps it
    /// for ever. A stall of more than three weeks is told of only if `limit` is less than that.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch;
    /// use std::time::Duration;
    ///
    /// epoch::default_collector().on_stall(Duration::from_millis(50), |stall| {
    ///     eprintln!("no advance for {:?}: {}", stall.since, stall.stats);
    /// });
    /// ```
    #[cfg(feature = "std")]
    pub fn on_stall<F>(&self, limit: Duration, tell: F)
    where
        F: Fn(&Stall) + Send + Sync + 'static,
    {
        self.global.stalls.add(limit, Box::new(tell));
    }
}

impl Default for Collector {
    fn default() -> Collector {
        Collector::new()
    }
}

impl PartialEq for Collector {
    /// Whether they are clones of each other.
    fn eq(&self, other: &Collector) -> bool {
        Arc::ptr_eq(&self.global, &other.global)
    }
}

impl Eq for Collector {}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

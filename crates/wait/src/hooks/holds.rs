//! The book of holds: a page for each thread, and who is the party that holds.
//!
//! # State
//! | `thread` of a shelf | meaning | who leaves it |
//! |---|---|---|
//! | 0 | nobody opens lines in its page | a thread that takes it, under the lock |
//! | else | that thread alone opens lines | that thread, at its end |
//!
//! # Invariants
//! * I1: shelves are never freed; the list of them, and who has which, changes under its lock only.
//! * I2: a thread has at most one shelf in which it opens lines at a time; one that is full stays its
//!   own.
//!
//! # Checked by
//! crates/ledger/tests/ledger.rs; the protocol of a page is that of `page.rs`.

use core::cell::Cell;
use core::panic::RefUnwindSafe;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicBool, AtomicU64, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::RawLock;
use counterpoint_base::prim::time::coarse;
use counterpoint_base::record::thread_id;

use super::on::{Notice, numbers};
use super::page::{Line, Page};

/// A page and the thread that has it.
#[derive(Debug)]
pub(super) struct Shelf {
    page: Page,
    thread: AtomicU64,
    name: UnsafeCell<String>,
}

// SAFETY: the name is reached under the lock of the list only (I1); the rest is atomic.
unsafe impl Sync for Shelf {}
// No user's code runs while a shelf changes.
impl RefUnwindSafe for Shelf {}

struct Shelves {
    lock: RawLock,
    all: UnsafeCell<Vec<&'static Shelf>>,
}

// SAFETY: I1.
unsafe impl Sync for Shelves {}
// SAFETY: as above.
unsafe impl Send for Shelves {}

impl Shelves {
    const_fn! {
        const fn new() -> Shelves {
            Shelves { lock: RawLock::new(), all: UnsafeCell::new(Vec::new()) }
        }
    }

    /// Runs `f` on the list, with the lock held.
    fn with<R>(&self, f: impl FnOnce(&mut Vec<&'static Shelf>) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: I1: the lock is held.
        self.all.with_mut(|all| f(unsafe { &mut *all }))
    }
}

counterpoint_base::static_! {
    static SHELVES: Shelves = Shelves::new();
    /// The book is kept.
    static KEPT: AtomicBool = AtomicBool::new(false);
}

thread_local! {
    static MINE: Cell<Option<&'static Shelf>> = const { Cell::new(None) };
    static GIVE_BACK: GiveBack = const { GiveBack };
    /// The task that is being polled, or 0.
    static PARTY: Cell<u64> = const { Cell::new(0) };
}

struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        MINE.set(None);
        let me = thread_id();
        SHELVES.with(|all| {
            for shelf in all.iter().filter(|shelf| shelf.thread.load(RELAXED) == me) {
                shelf.thread.store(0, RELAXED); // Relaxed: under the lock (I1).
            }
        });
    }
}

/// Keeps the book from now on, for ever: each hold has a line in it. The sink is then told of a hold
/// only if its thread has others.
pub fn keep_book() {
    KEPT.store(true, RELAXED); // Relaxed: holds from before are not in it.
}

/// Whether the book is kept.
#[inline(always)]
pub(super) fn is_kept() -> bool {
    KEPT.load(RELAXED) // Relaxed: a switch.
}

/// Who holds and waits here: what [`as_party`] was given, or else this thread.
#[inline]
pub fn party() -> u64 {
    match PARTY.get() {
        0 => thread_id(),
        party => party,
    }
}

/// Whether a party was named.
pub(super) fn is_named() -> bool {
    PARTY.get() != 0
}

/// Runs `f` as the party `party`, which is not zero and not a thread's number: for whoever polls a
/// task.
pub fn as_party<R>(party: u64, f: impl FnOnce() -> R) -> R {
    struct Back(u64);
    impl Drop for Back {
        fn drop(&mut self) {
            PARTY.set(self.0);
        }
    }
    let _back = Back(PARTY.replace(party));
    f()
}

/// The holds of all threads, in no order. Each line is as it was at one instant.
///
/// # Cost
/// Holds up threads that begin and end, no others.
pub fn book() -> Vec<Line> {
    let mut lines = Vec::new();
    SHELVES.with(|all| {
        for shelf in all.iter() {
            lines.extend(shelf.page.lines());
        }
    });
    lines
}

/// The holds of which this thread wrote the lines and that are not closed.
pub fn my_holds() -> Vec<Line> {
    MINE.get()
        .map_or_else(Vec::new, |shelf| shelf.page.lines().collect())
}

/// The living threads that ever held anything while the book was kept: number and name.
pub fn threads() -> Vec<(u64, String)> {
    SHELVES.with(|all| {
        all.iter()
            .filter(|shelf| shelf.thread.load(RELAXED) != 0) // Relaxed: under the lock (I1).
            .map(|shelf| {
                // SAFETY: I1: the lock is held.
                let name = shelf.name.with(|name| unsafe { (*name).clone() });
                (shelf.thread.load(RELAXED), name)
            })
            .collect()
    })
}

/// Gives this thread a page, or another one.
#[cold]
fn attach() -> &'static Shelf {
    let me = thread_id();
    let name = counterpoint_base::prim::thread::current_name();
    let mut new = Some(Box::new(Shelf {
        page: Page::new(),
        thread: AtomicU64::new(0),
        name: UnsafeCell::new(String::new()),
    }));
    let shelf: &'static Shelf = SHELVES.with(|all| {
        let free = all.iter().copied().find(|shelf| {
            let thread = shelf.thread.load(RELAXED); // Relaxed: under the lock (I1).
            thread == 0 && shelf.page.is_empty()
        });
        let shelf = free.unwrap_or_else(|| {
            let shelf: &'static Shelf = Box::leak(new.take().expect("taken once"));
            all.push(shelf);
            shelf
        });
        shelf.thread.store(me, RELAXED); // Relaxed: under the lock (I1).
        // SAFETY: I1: the lock is held.
        shelf.name.with_mut(|place| unsafe { *place = name });
        shelf
    });
    MINE.set(Some(shelf));
    // A thread whose locals are being destroyed keeps its shelf for ever.
    let _ = GIVE_BACK.try_with(|_| ());
    shelf
}

/// A line of the book, of a guard that lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    shelf: &'static Shelf,
    line: u32,
}

impl Place {
    /// Opens a line for a hold of which `notice` tells. Also whether the thread has others.
    #[inline]
    pub(super) fn open(notice: &Notice) -> (Place, bool) {
        let line = Line {
            kind: notice.kind,
            object: notice.object,
            site: notice.site,
            made: notice.made,
            units: notice.units,
            id: notice.id,
            party: notice.party,
            since: coarse(),
            polled: notice.polled,
            confirmed: false,
            lent: false,
        };
        if let Some(shelf) = MINE.get() {
            // SAFETY: the shelf is this thread's (I2), and numbers are given once.
            if let Some(place) = unsafe { shelf.page.open(&line) } {
                return (Place { shelf, line: place }, place > 0);
            }
        }
        Place::turn_over(&line)
    }

    /// The thread has no page, or it is full.
    #[cold]
    fn turn_over(line: &Line) -> (Place, bool) {
        let full = MINE.get().is_some();
        let shelf = attach();
        // SAFETY: as in `open`.
        let place = unsafe { shelf.page.open(line) };
        let line = place.expect("an empty page has room");
        (Place { shelf, line }, full)
    }

    #[inline]
    pub(super) fn close(self) {
        self.shelf.page.close(self.line);
    }

    pub(super) fn set_units(self, units: usize) {
        self.shelf.page.set_units(self.line, units);
    }

    pub(super) fn lend(self, more: bool) {
        self.shelf.page.lend(self.line, more);
    }

    #[inline]
    pub(super) fn used(self) {
        let party = party();
        if self.shelf.page.party(self.line) != party {
            if MINE.get().is_none() {
                // So that it is known to live.
                attach();
            }
            self.shelf.page.set_party(self.line, party);
        }
    }
}

/// A number for a hold: in blocks, so that threads do not meet at one counter.
#[inline]
pub(super) fn next_id() -> u64 {
    thread_local! {
        static IDS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    const BLOCK: u64 = 1024;
    let (next, end) = IDS.get();
    if next < end {
        IDS.set((next + 1, end));
        return next;
    }
    let first = numbers(BLOCK);
    IDS.set((first + 1, first + BLOCK));
    first
}

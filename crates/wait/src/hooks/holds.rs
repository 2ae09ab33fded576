//! The book of holds: a page for each thread, and who is the party that holds.
//!
//! # State
//! | `thread` of a shelf | meaning | who leaves it |
//! |---|---|---|
//! | 0 | nobody opens lines in its page | a thread that takes it, under the lock |
//! | else | that thread alone opens lines | that thread, at its end |
//!
//! # Fields
//! `page`: see there. `name`: under the lock. `next` never changes once the shelf is in the list.
//!
//! # Invariants
//! * I1: shelves are never freed; the list of them grows at its head, and that, and who has which, changes
//!   under the lock only.
//! * I2: a thread opens lines in its own shelves only.
//! * I3: nothing is allocated, freed or called with the lock held: an allocator is foreign code, and may wait for
//!   something whose holder wants a shelf.
//!
//! # Edges, Waiting, Cancel
//! None of its own: the lock's. By it a thread that takes a shelf over has all that the last one knew of the page
//! (`page.rs` I3); lines that are closed meanwhile by others it meets as that one would have.
//!
//! # Panic
//! No foreign code runs here but the allocator.
//!
//! # Checked by
//! crates/ledger/tests/ledger.rs; the protocol of a page is that of `page.rs`.

use core::cell::Cell;
use core::panic::RefUnwindSafe;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, AtomicU64, RELAXED};
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::lock::RawLock;
use counterpoint_base::prim::thread::current_name;
use counterpoint_base::record::thread_id;

use super::on::{self, numbers};
use super::page::{Entry, Line, Page};

/// In the number of a party: a task that nobody named. The rest is the address that its waker points to, 0 if
/// it points nowhere.
pub const UNKNOWN: u64 = 1 << 62;

/// So much of a thread's name is kept.
const NAME: usize = 62;

/// The name of a thread.
#[derive(Clone, Copy, Debug)]
struct Name {
    length: u8,
    bytes: [u8; NAME],
}

impl Name {
    const fn empty() -> Name {
        Name {
            length: 0,
            bytes: [0; NAME],
        }
    }

    /// That of this thread, or its beginning.
    fn mine() -> Name {
        let (full, mut name) = (current_name(), Name::empty());
        let mut length = full.len().min(NAME);
        while !full.is_char_boundary(length) {
            length -= 1;
        }
        name.bytes[..length].copy_from_slice(&full.as_bytes()[..length]);
        name.length = length as u8;
        name
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..usize::from(self.length)]).into_owned()
    }
}

/// A page and the thread that has it.
#[derive(Debug)]
pub(super) struct Shelf {
    page: Page,
    thread: AtomicU64,
    name: UnsafeCell<Name>,
    next: Cell<Option<&'static Shelf>>,
}

// SAFETY: the name is reached under the lock of the list only, `next` is written before the shelf is in
// the list (I1); the rest is atomic.
unsafe impl Sync for Shelf {}
// No user's code runs while a shelf changes.
impl RefUnwindSafe for Shelf {}

struct Shelves {
    lock: RawLock,
    first: UnsafeCell<Option<&'static Shelf>>,
}

// SAFETY: I1.
unsafe impl Sync for Shelves {}
// SAFETY: as above.
unsafe impl Send for Shelves {}

impl Shelves {
    const_fn! {
        const fn new() -> Shelves {
            Shelves { lock: RawLock::new(), first: UnsafeCell::new(None) }
        }
    }

    /// Runs `f` with the lock held (I3).
    fn with<R>(&self, f: impl FnOnce(&mut Option<&'static Shelf>) -> R) -> R {
        let _guard = self.lock.lock();
        // SAFETY: I1: the lock is held.
        self.first.with_mut(|first| f(unsafe { &mut *first }))
    }
}

counterpoint_base::static_! {
    static SHELVES: Shelves = Shelves::new();
    static MODE: AtomicU32 = AtomicU32::new(OFF);
}

/// Holds leave no trace.
const OFF: u32 = 0;
/// Each hold has a line, and the sink is told of its beginning and its end.
const TOLD: u32 = 1;
/// Each hold has a line, and the sink is told of it only if its thread has others.
const KEPT: u32 = 2;

/// All shelves that are there now.
fn shelves() -> impl Iterator<Item = &'static Shelf> {
    // The lock shows what was written before they were put into the list.
    chain(SHELVES.with(|first| *first))
}

fn chain(first: Option<&'static Shelf>) -> impl Iterator<Item = &'static Shelf> {
    core::iter::successors(first, |shelf| shelf.next.get())
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
        SHELVES.with(|first| {
            for shelf in chain(*first) {
                // Relaxed: under the lock (I1).
                if shelf.thread.load(RELAXED) == me {
                    shelf.thread.store(0, RELAXED);
                }
            }
        });
    }
}

/// Keeps the book from now on, for ever: each hold has a line in it. The sink is then told of a hold
/// only if its thread has others.
pub fn keep_book() {
    MODE.fetch_max(KEPT, RELAXED); // Relaxed: holds from before may not be in it.
}

/// A sink is there, or comes.
pub(super) fn tell_of_holds() {
    MODE.fetch_max(TOLD, RELAXED); // Relaxed: a switch; who knows of the sink otherwise knows of this.
}

/// Whether the book is kept.
#[inline(always)]
pub(super) fn is_kept() -> bool {
    MODE.load(RELAXED) == KEPT // Relaxed: a switch.
}

/// Whether holds have lines.
#[inline(always)]
pub(super) fn is_on() -> bool {
    MODE.load(RELAXED) != OFF // Relaxed: a switch.
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
/// Reads a page for each thread; holds up nobody.
pub fn book() -> Vec<Line> {
    let mut lines = Vec::new();
    for shelf in shelves() {
        lines.extend(shelf.page.lines());
    }
    lines
}

/// Whether `party` holds anything.
pub fn holds_any(party: u64) -> bool {
    shelves().any(|shelf| shelf.page.has_line_of(party))
}

/// The holds of which this thread wrote the lines, in its latest page, and that are not closed.
pub fn my_holds() -> Vec<Line> {
    MINE.get()
        .map_or_else(Vec::new, |shelf| shelf.page.lines().collect())
}

/// The living threads that held something or waited while the book was kept: number and name.
pub fn threads() -> Vec<(u64, String)> {
    let mut all = Vec::new();
    for shelf in shelves() {
        let (thread, name) = SHELVES.with(|_| {
            // SAFETY: I1: the lock is held.
            let name = shelf.name.with(|name| unsafe { *name });
            (shelf.thread.load(RELAXED), name) // Relaxed: under the lock (I1).
        });
        if thread != 0 {
            all.push((thread, name.text()));
        }
    }
    all
}

/// Gives this thread a page, or another one. Not where a sink runs, and not where its thread-local values
/// are gone already: a shelf that it takes then is never given back.
#[cold]
fn attach() -> Option<&'static Shelf> {
    if on::is_telling() || GIVE_BACK.try_with(|_| ()).is_err() {
        return None;
    }
    // The allocator may be one that holds something itself: that is not told.
    let shelf = on::quietly(|| {
        let me = thread_id();
        let name = Name::mine();
        let new: &'static Shelf = match take_over(me, name) {
            Some(shelf) => return shelf,
            None => Box::leak(Box::new(Shelf {
                page: Page::new(),
                thread: AtomicU64::new(me),
                name: UnsafeCell::new(name),
                next: Cell::new(None),
            })),
        };
        SHELVES.with(|first| {
            new.next.set(*first);
            *first = Some(new);
        });
        new
    });
    MINE.set(Some(shelf));
    Some(shelf)
}

/// A shelf that is this thread's and has room, or one that is nobody's.
fn take_over(me: u64, name: Name) -> Option<&'static Shelf> {
    SHELVES.with(|first| {
        let mut free = None;
        for shelf in chain(*first) {
            // Relaxed, both: under the lock (I1).
            let thread = shelf.thread.load(RELAXED);
            if thread == me && !shelf.page.is_full() {
                return Some(shelf);
            }
            if thread == 0 && shelf.page.is_empty() {
                free = Some(shelf);
            }
        }
        let shelf = free?;
        shelf.thread.store(me, RELAXED);
        // SAFETY: I1: the lock is held.
        shelf.name.with_mut(|place| unsafe { *place = name });
        Some(shelf)
    })
}

/// This thread waits, or came to hold what others took: it is known to live, and by its name.
pub(super) fn make_known() {
    if MINE.get().is_none() && is_kept() {
        attach();
    }
}

/// A free line of this thread's, to be filled before the next one is asked for, and whether the thread has
/// other holds. None where there is no page to be had.
#[inline(always)]
pub(super) fn claim() -> Option<(&'static Entry, bool)> {
    if let Some(shelf) = MINE.get() {
        // SAFETY: the shelf is this thread's (I2); by what the caller does with the line.
        if let Some(claimed) = unsafe { shelf.page.claim() } {
            return Some(claimed);
        }
    }
    turn_over()
}

/// The thread has no page, or it is full.
#[cold]
#[inline(never)]
fn turn_over() -> Option<(&'static Entry, bool)> {
    let was_full = MINE.get().is_some();
    let shelf = attach()?;
    // SAFETY: as in `claim`.
    let (entry, has_others) = unsafe { shelf.page.claim() }?;
    Some((entry, has_others || was_full))
}

/// The caller uses what is held, or says that it holds it. A use in a task that nobody named shows no more
/// than a thread that happens to poll it.
#[inline(always)]
pub(super) fn used(entry: &Entry, said: bool) {
    let party = party();
    if entry.party() != party {
        used_elsewhere(entry, party, said);
    }
}

#[cold]
#[inline(never)]
fn used_elsewhere(entry: &Entry, party: u64, said: bool) {
    if said || is_named() || !entry.is_unknown() {
        make_known();
        entry.set_party(party);
    }
}

/// A number for a hold: in blocks, so that threads do not meet at one counter.
#[inline(always)]
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

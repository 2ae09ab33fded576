//! A page of the book of holds: lines that one thread opens, whoever holds what they tell of closes,
//! and anybody may read meanwhile.
//!
//! # From
//! The sequence lock, with the number of a hold in place of a sequence: numbers never come again.
//! Differs: the writer is alone by agreement, so it needs no exchange.
//!
//! # State
//! | `id` | meaning | who leaves it |
//! |---|---|---|
//! | 0 | the line is free | the thread of the page, by opening it |
//! | else | the number of a hold, whose words are in the line | who ends the hold, by closing it |
//!
//! # Fields
//! The words of a line belong to the thread of the page while it opens it. `units`, `party` and `lent`
//! are changed later by the holder. `hint`: where the thread looks for a free line first.
//!
//! # Invariants
//! * I1: a line is opened by one thread at a time, and only while it is free.
//! * I2: a number is that of one hold ever.
//!
//! # Edges
//! * E1: release of `id` in `open` → acquire in `read`: the words.
//! * E2: release fence in `open`, before the words → acquire fence in `read`, after them: who has read
//!   a word of a later hold finds another number than before.
//! * E3: release in `close` → acquire in `open`: what the holder changed in the line.
//!
//! # Waiting, Cancel, Panic
//! none: no step waits, and no foreign code runs here.
//!
//! # Rejected
//! * `SeqCell`: its writers exclude each other by an exchange, 7 ns each for opening and closing; this
//!   way both are plain stores on x86-64.
//! * A lock around a list of holds: two exchanges for each lock and two for each unlock.
//!
//! # Checked by
//! dev/model tests/hooks.rs.

use core::panic::Location;
use core::ptr;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{
    AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, RELAXED, acquire, fence_acquire, fence_release,
    release,
};
use counterpoint_base::tune::BOOK_LINES;

/// One hold, as the book knows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Line {
    /// The name of the guard's type, such as `"MutexGuard"`.
    pub kind: &'static str,
    /// The primitive, by its address.
    pub object: usize,
    /// Where the guard was asked for.
    pub site: &'static Location<'static>,
    /// Where the primitive was made.
    pub made: &'static Location<'static>,
    /// How many units it stands for.
    pub units: usize,
    /// Its number, that no other hold has or had.
    pub id: u64,
    /// Who holds it: a thread's number, or what [`as_party`](super::as_party) was given.
    pub party: u64,
    /// Since when, by the coarse clock.
    pub since: u64,
    /// It was taken by polling an operation in a future that is driven by an executor of somebody
    /// else's, and no party was named.
    pub polled: bool,
    /// Its holder said so itself, after it was made: by using it or by a transfer.
    pub confirmed: bool,
    /// It keeps nobody waiting now, since its owner waits.
    pub lent: bool,
}

const POLLED: u32 = 0b01;
const CONFIRMED: u32 = 0b10;

#[derive(Debug)]
struct Cell {
    id: AtomicU64,
    kind: AtomicPtr<u8>,
    kind_length: AtomicUsize,
    object: AtomicUsize,
    site: AtomicPtr<Location<'static>>,
    made: AtomicPtr<Location<'static>>,
    units: AtomicUsize,
    party: AtomicU64,
    since: AtomicU64,
    flags: AtomicU32,
    lent: AtomicU32,
}

impl Cell {
    const_fn! {
        const fn new() -> Cell {
            Cell {
                id: AtomicU64::new(0),
                kind: AtomicPtr::new(ptr::null_mut()),
                kind_length: AtomicUsize::new(0),
                object: AtomicUsize::new(0),
                site: AtomicPtr::new(ptr::null_mut()),
                made: AtomicPtr::new(ptr::null_mut()),
                units: AtomicUsize::new(0),
                party: AtomicU64::new(0),
                since: AtomicU64::new(0),
                flags: AtomicU32::new(0),
                lent: AtomicU32::new(0),
            }
        }
    }

    fn write(&self, line: &Line) {
        // Relaxed, all of them: ordered by E1 and E2.
        self.kind.store(line.kind.as_ptr().cast_mut(), RELAXED);
        self.kind_length.store(line.kind.len(), RELAXED);
        self.object.store(line.object, RELAXED);
        self.site
            .store(ptr::from_ref(line.site).cast_mut(), RELAXED);
        self.made
            .store(ptr::from_ref(line.made).cast_mut(), RELAXED);
        self.units.store(line.units, RELAXED);
        self.party.store(line.party, RELAXED);
        self.since.store(line.since, RELAXED);
        self.flags
            .store(if line.polled { POLLED } else { 0 }, RELAXED);
        self.lent.store(0, RELAXED);
    }

    /// The words of the hold `id`, unless they are another's by now.
    fn read(&self) -> Option<Line> {
        loop {
            // Acquire [E1]: shows the words.
            let id = self.id.load(acquire("book.look"));
            if id == 0 {
                return None;
            }
            // Relaxed, all of them: ordered by E1 and E2.
            let kind = self.kind.load(RELAXED).cast_const();
            let length = self.kind_length.load(RELAXED);
            let (site, made) = (self.site.load(RELAXED), self.made.load(RELAXED));
            let (object, units) = (self.object.load(RELAXED), self.units.load(RELAXED));
            let (party, since) = (self.party.load(RELAXED), self.since.load(RELAXED));
            let (flags, lent) = (self.flags.load(RELAXED), self.lent.load(RELAXED));
            // Acquire fence [E2]: pairs with the release fence in `open`.
            fence_acquire("book.read");
            // Relaxed: after the fence.
            if self.id.load(RELAXED) != id {
                continue;
            }
            // SAFETY: E1, E2, I2: all words are those of one hold, so these two are of one string.
            let kind = unsafe { core::slice::from_raw_parts(kind, length) };
            return Some(Line {
                // SAFETY: as above: the bytes of a `&'static str`.
                kind: unsafe { core::str::from_utf8_unchecked(kind) },
                object,
                // SAFETY: stored from a `&'static Location`.
                site: unsafe { &*site },
                // SAFETY: as above.
                made: unsafe { &*made },
                units,
                id,
                party,
                since,
                polled: flags & POLLED != 0,
                confirmed: flags & CONFIRMED != 0,
                lent: lent != 0,
            });
        }
    }
}

/// Lines of one thread's holds.
#[doc(hidden)]
#[derive(Debug)]
pub struct Page {
    cells: [Cell; BOOK_LINES],
    hint: AtomicU32,
}

impl Default for Page {
    fn default() -> Page {
        Page::new()
    }
}

impl Page {
    /// An empty page.
    pub fn new() -> Page {
        Page {
            cells: core::array::from_fn(|_| Cell::new()),
            hint: AtomicU32::new(0),
        }
    }

    /// Opens a line, and returns its place; none if the page is full.
    ///
    /// # Safety
    /// One thread at a time opens lines of a page; `line.id` is not zero and never used before.
    #[inline]
    pub unsafe fn open(&self, line: &Line) -> Option<u32> {
        // Relaxed: a hint.
        let mut place = self.hint.load(RELAXED);
        // Acquire [E3]: pairs with the release in `close`.
        if self.cells[place as usize].id.load(acquire("book.free")) != 0 {
            place = self.find()?;
        }
        let cell = &self.cells[place as usize];
        // Release fence [E2]: pairs with the acquire fence in `read`.
        fence_release("book.reuse");
        cell.write(line);
        // Release [E1]: shows the words.
        cell.id.store(line.id, release("book.open"));
        // Relaxed: a hint.
        self.hint
            .store((place + 1).min(BOOK_LINES as u32 - 1), RELAXED);
        Some(place)
    }

    #[cold]
    fn find(&self) -> Option<u32> {
        // Acquire [E3]: as in `open`.
        let free = |cell: &Cell| cell.id.load(acquire("book.find")) == 0;
        self.cells.iter().position(free).map(|place| place as u32)
    }

    /// Closes the line at `place`: the hold ends.
    #[inline]
    pub fn close(&self, place: u32) {
        // Release [E3]: shows what the holder changed.
        self.cells[place as usize]
            .id
            .store(0, release("book.close"));
        // Relaxed: a hint, whoever leaves it.
        self.hint.store(place, RELAXED);
    }

    /// The hold at `place` stands for another number of units.
    pub fn set_units(&self, place: u32, units: usize) {
        // Relaxed: one word of a hold that the caller has.
        self.cells[place as usize].units.store(units, RELAXED);
    }

    /// The hold at `place` is lent once more, or once less.
    pub fn lend(&self, place: u32, more: bool) {
        let lent = &self.cells[place as usize].lent;
        // Relaxed: as in `set_units`.
        match more {
            true => lent.fetch_add(1, RELAXED),
            false => lent.fetch_sub(1, RELAXED),
        };
    }

    /// Who holds what is told at `place`.
    #[inline]
    pub fn party(&self, place: u32) -> u64 {
        // Relaxed: one word.
        self.cells[place as usize].party.load(RELAXED)
    }

    /// The hold at `place` has this holder now, who says so itself.
    pub fn set_party(&self, place: u32, party: u64) {
        let cell = &self.cells[place as usize];
        // Relaxed: as in `set_units`.
        cell.party.store(party, RELAXED);
        cell.flags.fetch_or(CONFIRMED, RELAXED);
    }

    /// The holds of this page, each as it was at one instant.
    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.cells.iter().filter_map(Cell::read)
    }

    /// Whether the hold at `place` was taken by a task that nobody named, and nobody has said that it
    /// holds it since.
    pub fn is_unknown(&self, place: u32) -> bool {
        // Relaxed: one word.
        self.cells[place as usize].flags.load(RELAXED) == POLLED
    }

    /// True if a line is open of a hold of this party; a hint while it changes.
    pub fn has_line_of(&self, party: u64) -> bool {
        // Relaxed, both: a look.
        let its = |cell: &Cell| cell.id.load(RELAXED) != 0 && cell.party.load(RELAXED) == party;
        self.cells.iter().any(its)
    }

    /// True if no line is free.
    pub fn is_full(&self) -> bool {
        // Relaxed: a look.
        self.cells.iter().all(|cell| cell.id.load(RELAXED) != 0)
    }

    /// True if no line is open.
    pub fn is_empty(&self) -> bool {
        // Relaxed: a look.
        self.cells.iter().all(|cell| cell.id.load(RELAXED) == 0)
    }
}

impl Line {
    /// A line that tells of nothing in particular.
    #[doc(hidden)]
    #[track_caller]
    pub fn numbered(id: u64, kind: &'static str, object: usize, units: usize) -> Line {
        Line {
            kind,
            object,
            site: Location::caller(),
            made: Location::caller(),
            units,
            id,
            party: 0,
            since: 0,
            polled: false,
            confirmed: false,
            lent: false,
        }
    }
}

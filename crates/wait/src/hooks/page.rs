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
//! The words of a line belong to the thread of the page while it opens it. `units`, `party` and `state`
//! are changed later by the holder. `top` is the thread's of the page.
//!
//! # Invariants
//! * I1: a line is opened by one thread at a time, and only while it is free.
//! * I2: a number is that of one hold ever.
//! * I3: all lines from `top` on are free, and the thread of the page knows it: it has met the release in
//!   their `close`, or nobody opened them. So whoever closes a line leaves `top` alone, and the thread lowers it
//!   over what was closed when it opens the next one.
//!
//! # Edges
//! * E1: release of `id` in `fill` → acquire in `read`: the words.
//! * E2: release fence in `fill`, before the words → acquire fence in `read`, after them: who has read
//!   a word of a later hold finds another number than before: the 0 that ended the hold before comes before that
//!   fence by E3, so nobody reads its number after it.
//! * E3: release in `close` → acquire in `claim`, by which `top` is lowered or a line in between is found free:
//!   what the holder changed in the line.
//!
//! # Waiting, Cancel, Panic
//! none: no step waits, and no foreign code runs here.
//!
//! # Rejected
//! * A count of open lines, and one of those that others closed, to know whether the thread has another hold:
//!   two more words to change for each hold, and an exchange where a guard ends elsewhere. The line under `top`
//!   says the same.
//! * A place where to look first, left by whoever closes: a store more at each end, and one to a word that
//!   is the thread's if the guard was moved.
//! * `SeqCell`: its writers exclude each other by an exchange, 7 ns each for opening and closing; this
//!   way both are plain stores on x86-64.
//! * A lock around a list of holds: two exchanges for each lock and two for each unlock.
//!
//! # Checked by
//! dev/model tests/hooks.rs.

use core::panic::{Location, RefUnwindSafe};
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
    /// The number of the primitive, which no other one has or had.
    pub primitive: u64,
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
    /// It was taken by an attempt that does not wait.
    pub trying: bool,
    /// The sink is to be told of its end.
    pub(super) told: bool,
}

/// Bits of `state`; what is above them is how many times the hold is lent.
const POLLED: u32 = 0b0001;
const CONFIRMED: u32 = 0b0010;
const TRYING: u32 = 0b0100;
const TOLD: u32 = 0b1000;
const LENT: u32 = 0b1_0000;

/// A line, which is free or of one hold.
#[doc(hidden)]
#[derive(Debug)]
pub struct Entry {
    id: AtomicU64,
    kind: AtomicPtr<u8>,
    kind_length: AtomicUsize,
    object: AtomicUsize,
    primitive: AtomicU64,
    site: AtomicPtr<Location<'static>>,
    made: AtomicPtr<Location<'static>>,
    units: AtomicUsize,
    party: AtomicU64,
    since: AtomicU64,
    state: AtomicU32,
}

// No user's code runs while it changes.
impl RefUnwindSafe for Entry {}

impl Entry {
    const_fn! {
        const fn new() -> Entry {
            Entry {
                id: AtomicU64::new(0),
                kind: AtomicPtr::new(ptr::null_mut()),
                kind_length: AtomicUsize::new(0),
                object: AtomicUsize::new(0),
                primitive: AtomicU64::new(0),
                site: AtomicPtr::new(ptr::null_mut()),
                made: AtomicPtr::new(ptr::null_mut()),
                units: AtomicUsize::new(0),
                party: AtomicU64::new(0),
                since: AtomicU64::new(0),
                state: AtomicU32::new(0),
            }
        }
    }

    /// Opens the line: it is that of the hold `line.id` from now on.
    ///
    /// # Safety
    /// It was claimed by this thread, which has not filled it since; `line.id` is not zero and never used
    /// before.
    #[inline(always)]
    pub unsafe fn fill(&self, line: &Line) {
        // Release fence [E2]: pairs with the acquire fence in `read`.
        fence_release("book.reuse");
        // Relaxed, all of them: ordered by E1 and E2.
        self.kind.store(line.kind.as_ptr().cast_mut(), RELAXED);
        self.kind_length.store(line.kind.len(), RELAXED);
        self.object.store(line.object, RELAXED);
        self.primitive.store(line.primitive, RELAXED);
        self.site
            .store(ptr::from_ref(line.site).cast_mut(), RELAXED);
        self.made
            .store(ptr::from_ref(line.made).cast_mut(), RELAXED);
        self.units.store(line.units, RELAXED);
        self.party.store(line.party, RELAXED);
        self.since.store(line.since, RELAXED);
        self.state.store(line.state(), RELAXED);
        // Release [E1]: shows the words.
        self.id.store(line.id, release("book.open"));
    }

    /// Closes the line: the hold ends.
    #[inline(always)]
    pub fn close(&self) {
        // Release [E3]: shows what the holder changed.
        self.id.store(0, release("book.close"));
    }

    /// The hold that is in the line.
    pub fn read(&self) -> Option<Line> {
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
            let (primitive, state) = (self.primitive.load(RELAXED), self.state.load(RELAXED));
            // Acquire fence [E2]: pairs with the release fence in `fill`.
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
                primitive,
                // SAFETY: stored from a `&'static Location`.
                site: unsafe { &*site },
                // SAFETY: as above.
                made: unsafe { &*made },
                units,
                id,
                party,
                since,
                polled: state & POLLED != 0,
                confirmed: state & CONFIRMED != 0,
                lent: state >= LENT,
                trying: state & TRYING != 0,
                told: state & TOLD != 0,
            });
        }
    }

    /// The hold stands for another number of units.
    pub fn set_units(&self, units: usize) {
        // Relaxed: one word of a hold that the caller has.
        self.units.store(units, RELAXED);
    }

    /// The hold is lent once more, or once less.
    pub fn lend(&self, more: bool) {
        // Relaxed: as in `set_units`.
        match more {
            true => self.state.fetch_add(LENT, RELAXED),
            false => self.state.fetch_sub(LENT, RELAXED),
        };
    }

    /// Whose hold it is.
    #[inline(always)]
    pub fn party(&self) -> u64 {
        // Relaxed: one word.
        self.party.load(RELAXED)
    }

    /// The hold is this party's now, who says so itself.
    pub fn set_party(&self, party: u64) {
        // Relaxed, both: as in `set_units`.
        self.party.store(party, RELAXED);
        self.state.fetch_or(CONFIRMED, RELAXED);
    }

    /// Whether the hold was taken by a task that nobody named, and nobody has said that it holds it
    /// since.
    pub fn is_unknown(&self) -> bool {
        // Relaxed: one word.
        self.state.load(RELAXED) & (POLLED | CONFIRMED) == POLLED
    }

    /// Whether the sink is to be told of the end.
    #[inline(always)]
    pub fn is_told(&self) -> bool {
        // Relaxed: one word.
        self.state.load(RELAXED) & TOLD != 0
    }

    /// True if the line is of no hold; a hint while it changes.
    fn is_free(&self) -> bool {
        // Relaxed: a look.
        self.id.load(RELAXED) == 0
    }
}

/// Lines of one thread's holds.
#[doc(hidden)]
#[derive(Debug)]
pub struct Page {
    /// All lines from this one on are free (I3).
    top: AtomicU32,
    entries: [Entry; BOOK_LINES],
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
            top: AtomicU32::new(0),
            entries: core::array::from_fn(|_| Entry::new()),
        }
    }

    /// A free line, to be filled, and whether another one is open; none if the page is full.
    ///
    /// # Safety
    /// One thread at a time opens lines of a page, and it has filled or forgotten what it claimed before.
    #[inline(always)]
    pub unsafe fn claim(&self) -> Option<(&Entry, bool)> {
        // Relaxed: this thread's.
        let mut top = self.top.load(RELAXED);
        while let Some(last) = top.checked_sub(1) {
            // Acquire [E3]: pairs with the release in `close`.
            if self.entries[last as usize].id.load(acquire("book.free")) != 0 {
                break;
            }
            top = last;
        }
        let Some(entry) = self.entries.get(top as usize) else {
            return self.find();
        };
        // Relaxed: this thread's.
        self.top.store(top + 1, RELAXED);
        Some((entry, top > 0))
    }

    /// The last line is open: one in between may be free.
    #[cold]
    #[inline(never)]
    fn find(&self) -> Option<(&Entry, bool)> {
        // Acquire [E3]: as in `claim`.
        let free = |entry: &&Entry| entry.id.load(acquire("book.find")) == 0;
        self.entries.iter().find(free).map(|entry| (entry, true))
    }

    /// The line at `place`, counted from 0.
    ///
    /// # Panics
    /// If the page has fewer lines.
    pub fn entry(&self, place: usize) -> &Entry {
        &self.entries[place]
    }

    /// The holds of this page, each as it was at one instant.
    pub fn lines(&self) -> impl Iterator<Item = Line> + '_ {
        self.entries.iter().filter_map(Entry::read)
    }

    /// True if a line is open of a hold of this party; a hint while it changes.
    pub fn has_line_of(&self, party: u64) -> bool {
        let its = |entry: &Entry| !entry.is_free() && entry.party() == party;
        self.entries.iter().any(its)
    }

    /// True if no line is free.
    pub fn is_full(&self) -> bool {
        !self.entries.iter().any(Entry::is_free)
    }

    /// True if no line is open.
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(Entry::is_free)
    }
}

impl Line {
    /// A line that tells of nothing in particular.
    #[doc(hidden)]
    #[must_use]
    #[track_caller]
    pub fn numbered(id: u64, kind: &'static str, object: usize, units: usize) -> Line {
        Line {
            kind,
            object,
            primitive: id,
            site: Location::caller(),
            made: Location::caller(),
            units,
            id,
            party: 0,
            since: 0,
            polled: false,
            confirmed: false,
            lent: false,
            trying: false,
            told: false,
        }
    }

    #[inline(always)]
    fn state(&self) -> u32 {
        let bit = |is: bool, bit: u32| if is { bit } else { 0 };
        // Nobody has said that it holds it, and it is not lent.
        bit(self.polled, POLLED) | bit(self.trying, TRYING) | bit(self.told, TOLD)
    }
}

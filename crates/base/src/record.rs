//! One recycled record per thread, reached through one thread-local pointer.
//!
//! Whatever a thread needs once, in any primitive, lives here: the word it sleeps on and the
//! number that spreads it over stripes. A record is never freed, only handed to a later thread,
//! so a late wake-up meant for a thread that has ended is at worst a wake-up for no reason.
//!
//! # State
//! | record | meaning | who leaves it |
//! |---|---|---|
//! | held | reached by the thread-local pointer of one thread | that thread, at its end |
//! | free | on the free list | a thread that waits for the first time |
//!
//! # Fields
//! `next_free` belongs to the free list while free. `futex` is open to every thread at any time.
//!
//! # Invariants
//! * I1: a record is held by at most one thread.
//! * I2: records stay where they are, in segments that double in size and are never freed.
//! * I3: the head of the free list carries a count of changes, so a pop that was overtaken fails
//!   (no ABA).
//!
//! # Edges
//! * E1: release in `give_back` → acquire in `take`: what the last thread did to the record.
//! * E2: release of a new segment → acquire in `record_at`: its records.
//!
//! # Waiting
//! none: taking and giving back are lock-free, so a fork in the middle leaves the child's one
//! thread able to wait.
//!
//! # Cancel, Panic
//! none: no foreign code runs here. Running out of memory aborts.
//!
//! # Checked by
//! dev/model tests/base.rs: `records_are_held_once`.

use crate::prim::atomic::{AtomicPtr, AtomicU32, AtomicU64, RELAXED, acquire, release};
use crate::prim::futex::Futex;
use crate::tune::{FIRST_SEGMENT, SEGMENTS};
use core::ptr;

/// What every thread that ever waited has.
#[derive(Debug)]
#[repr(align(128))]
pub struct Record {
    futex: Futex,
    /// How many blocking waits of this thread are nested in each other.
    depth: AtomicU32,
    /// The state of a small random generator, changed by the record's thread only.
    random: AtomicU32,
    next_free: AtomicU32,
    index: u32,
}

impl Record {
    fn new(index: u32) -> Record {
        Record {
            futex: Futex::new(0),
            depth: AtomicU32::new(0),
            random: AtomicU32::new(index.wrapping_mul(0x9E37_79B9) | 1),
            next_free: AtomicU32::new(0),
            index,
        }
    }

    /// The word this thread sleeps on.
    #[inline]
    pub fn futex(&self) -> &Futex {
        &self.futex
    }

    /// A small number, different for each living thread: a stripe index.
    #[inline]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// How many blocking waits of this thread are nested; only its thread changes it.
    #[inline]
    pub fn depth(&self) -> &AtomicU32 {
        &self.depth
    }
}

/// All records: a table of segments and a list of the free ones.
#[derive(Debug)]
pub struct Registry {
    /// Changes << 32 | index + 1 of the first free record.
    free: AtomicU64,
    /// The first index never used.
    fresh: AtomicU32,
    segments: [AtomicPtr<Record>; SEGMENTS],
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl Registry {
    /// An empty registry.
    #[cfg(not(counterpoint_loom))]
    pub const fn new() -> Registry {
        Registry {
            free: AtomicU64::new(0),
            fresh: AtomicU32::new(0),
            segments: [const { AtomicPtr::new(ptr::null_mut()) }; SEGMENTS],
        }
    }

    /// An empty registry.
    #[cfg(counterpoint_loom)]
    pub fn new() -> Registry {
        Registry {
            free: AtomicU64::new(0),
            fresh: AtomicU32::new(0),
            segments: core::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
        }
    }

    /// Takes a free record, or a new one.
    ///
    /// # Panics
    /// If more threads live at once than the table has room for (two thousand million).
    pub fn take(&self) -> &Record {
        // Acquire [E1]: pairs with the release in `give_back`.
        let mut head = self.free.load(acquire("record.pop"));
        while let Some(index) = (head as u32).checked_sub(1) {
            let record = self.record_at(index);
            // Relaxed: if the record was popped by another thread meanwhile, the exchange fails.
            let next = u64::from(record.next_free.load(RELAXED));
            let new = bump(head) | next;
            // Relaxed: a success reads the very write that the load of `head` read (I3), and that
            // load has acquired it. Acquire [E1]: a failure is such a load itself.
            match self
                .free
                .compare_exchange_weak(head, new, RELAXED, acquire("record.pop_again"))
            {
                Ok(_) => return record,
                Err(found) => head = found,
            }
        }
        // Relaxed: a number alone.
        let index = self.fresh.fetch_add(1, RELAXED);
        self.record_at(index)
    }

    /// Puts a record on the free list.
    pub fn give_back(&self, record: &Record) {
        // Relaxed: `next_free` is ordered by the exchange that publishes it.
        let mut head = self.free.load(RELAXED);
        loop {
            record.next_free.store(head as u32, RELAXED);
            let new = bump(head) | u64::from(record.index + 1);
            // Release [E1]: hands over what this thread did to the record.
            match self
                .free
                .compare_exchange_weak(head, new, release("record.push"), RELAXED)
            {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    fn record_at(&self, index: u32) -> &Record {
        let (segment, offset) = locate(index as usize);
        let slot = self
            .segments
            .get(segment)
            .expect("counterpoint: too many threads at once");
        // Acquire [E2]: pairs with the release that published the segment.
        let mut records = slot.load(acquire("record.segment"));
        if records.is_null() {
            records = install(slot, segment);
        }
        // SAFETY: I2: the segment holds FIRST_SEGMENT << segment records, and `locate` returns an
        // offset below that.
        let record = unsafe { records.add(offset) };
        // SAFETY: I2: records are initialized before their segment is published and never freed.
        unsafe { &*record }
    }
}

/// The head with one more change counted, and no index.
fn bump(head: u64) -> u64 {
    ((head >> 32).wrapping_add(1)) << 32
}

/// The segment and the place in it of the record number `index`.
fn locate(index: usize) -> (usize, usize) {
    let position = index / FIRST_SEGMENT + 1;
    let segment = position.ilog2() as usize;
    (segment, index - FIRST_SEGMENT * ((1 << segment) - 1))
}

#[cold]
fn install(slot: &AtomicPtr<Record>, segment: usize) -> *mut Record {
    let first = FIRST_SEGMENT * ((1 << segment) - 1);
    let count = FIRST_SEGMENT << segment;
    let records: Box<[Record]> = (first..first + count)
        .map(|index| Record::new(index as u32))
        .collect();
    let records = Box::into_raw(records).cast::<Record>();
    // Release [E2]: publishes the records. Acquire [E2]: a failure finds those of another thread.
    match slot.compare_exchange(
        ptr::null_mut(),
        records,
        release("record.install"),
        acquire("record.installed"),
    ) {
        Ok(_) => records,
        Err(found) => {
            free_segment(records, count);
            found
        }
    }
}

fn free_segment(records: *mut Record, count: usize) {
    let records = ptr::slice_from_raw_parts_mut(records, count);
    // SAFETY: made by `Box::into_raw` of a slice of this length, and never published or, in
    // `Registry::drop`, no longer reachable.
    drop(unsafe { Box::from_raw(records) });
}

impl Drop for Registry {
    fn drop(&mut self) {
        for (segment, slot) in self.segments.iter().enumerate() {
            // Relaxed: `&mut self` shows that every other thread is done.
            let records = slot.load(RELAXED);
            if !records.is_null() {
                free_segment(records, FIRST_SEGMENT << segment);
            }
        }
    }
}

#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
mod local {
    use super::{Record, Registry};
    use crate::prim::atomic::{AtomicU64, RELAXED};
    use core::cell::Cell;
    use core::ptr;

    static REGISTRY: Registry = Registry::new();
    static THREADS: AtomicU64 = AtomicU64::new(0);

    thread_local! {
        // No destructor, so it can be read while the thread ends.
        static CURRENT: Cell<*const Record> = const { Cell::new(ptr::null()) };
        static GIVE_BACK: GiveBack = const { GiveBack };
        // Without a destructor, too: a thread keeps its number to its very end.
        static ID: Cell<u64> = const { Cell::new(0) };
    }

    /// The number of this thread: not zero, the same to the very end of the thread, and never given
    /// to another, unlike the index of its record, which a thread gives back while destructors of
    /// its thread-locals may still run.
    #[inline]
    pub fn thread_id() -> u64 {
        match ID.get() {
            0 => number_this_thread(),
            id => id,
        }
    }

    #[cold]
    fn number_this_thread() -> u64 {
        // Relaxed: only a number.
        let id = THREADS.fetch_add(1, RELAXED) + 1;
        ID.set(id);
        id
    }

    struct GiveBack;

    impl Drop for GiveBack {
        fn drop(&mut self) {
            release();
        }
    }

    fn release() {
        let record = CURRENT.replace(ptr::null());
        if !record.is_null() {
            // SAFETY: the pointer comes from `REGISTRY.take`, and records are never freed (I2).
            REGISTRY.give_back(unsafe { &*record });
        }
    }

    /// A thread's record, as long as the program lives.
    #[derive(Clone, Debug)]
    pub struct RecordRef(&'static Record);

    impl core::ops::Deref for RecordRef {
        type Target = Record;

        #[inline(always)]
        fn deref(&self) -> &Record {
            self.0
        }
    }

    impl RecordRef {
        /// The record as a pointer, for a `RawWaker`.
        #[inline]
        pub fn into_raw(self) -> *const () {
            ptr::from_ref(self.0).cast()
        }

        /// The record of a pointer made by [`into_raw`](Self::into_raw).
        ///
        /// # Safety
        /// `raw` must come from `into_raw`, and count for one reference not yet taken back.
        #[inline]
        pub unsafe fn from_raw(raw: *const ()) -> RecordRef {
            // SAFETY: by the caller's promise a pointer to a record, and records live for ever
            // (I2).
            RecordRef(unsafe { &*raw.cast::<Record>() })
        }
    }

    /// Runs `f` with the record of this thread.
    ///
    /// The first call of a thread takes a record (the only allocation, if none is free). In a
    /// thread-local destructor that runs after the record was given back, one is borrowed for the
    /// time of the call.
    #[inline]
    pub fn with<R>(f: impl FnOnce(&RecordRef) -> R) -> R {
        let record = CURRENT.get();
        if record.is_null() {
            return with_slow(f);
        }
        // SAFETY: not null, so it comes from `REGISTRY.take`; records are never freed (I2).
        f(&RecordRef(unsafe { &*record }))
    }

    /// True if `record` is the one that [`with`] would give now; it takes none.
    #[inline(always)]
    pub fn is_current(record: *const Record) -> bool {
        ptr::eq(CURRENT.get(), record)
    }

    /// Runs `f` with the record of this thread, if it has one; it takes none.
    #[inline(always)]
    pub fn with_current<R>(f: impl FnOnce(&Record) -> R) -> Option<R> {
        let record = CURRENT.get();
        if record.is_null() {
            return None;
        }
        // SAFETY: not null, so it comes from `REGISTRY.take`; records are never freed (I2).
        Some(f(unsafe { &*record }))
    }

    #[cold]
    fn with_slow<R>(f: impl FnOnce(&RecordRef) -> R) -> R {
        struct Borrowed(bool);
        impl Drop for Borrowed {
            fn drop(&mut self) {
                if self.0 {
                    release();
                }
            }
        }
        let ending = GIVE_BACK.try_with(|_| ()).is_err();
        let record = REGISTRY.take();
        CURRENT.set(record);
        let borrowed = Borrowed(ending);
        let result = f(&RecordRef(record));
        drop(borrowed);
        result
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod local {
    use super::Record;
    use std::cell::RefCell;
    use std::sync::Arc;

    #[cfg(counterpoint_loom)]
    use loom::thread_local;
    #[cfg(counterpoint_shuttle)]
    use shuttle::thread_local;

    thread_local! {
        static CURRENT: RefCell<Option<Arc<Record>>> = RefCell::new(None);
    }

    /// A thread's record; the engine's objects die with the execution, so it is counted here.
    #[derive(Clone, Debug)]
    pub struct RecordRef(Arc<Record>);

    impl core::ops::Deref for RecordRef {
        type Target = Record;

        fn deref(&self) -> &Record {
            &self.0
        }
    }

    impl RecordRef {
        /// The record as a pointer, for a `RawWaker`.
        pub fn into_raw(self) -> *const () {
            Arc::into_raw(self.0).cast()
        }

        /// The record of a pointer made by [`into_raw`](Self::into_raw).
        ///
        /// # Safety
        /// `raw` must come from `into_raw`, and count for one reference not yet taken back.
        pub unsafe fn from_raw(raw: *const ()) -> RecordRef {
            // SAFETY: by the caller's promise made by `Arc::into_raw`.
            RecordRef(unsafe { Arc::from_raw(raw.cast()) })
        }
    }

    /// The engine's number of this thread, the same in each execution.
    fn thread_number() -> u32 {
        #[cfg(counterpoint_loom)]
        use loom::thread::current;
        #[cfg(counterpoint_shuttle)]
        use shuttle::thread::current;
        let id = format!("{:?}", current().id());
        let digits: String = id.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    /// The number of this thread: not zero, and not that of another one.
    pub fn thread_id() -> u64 {
        u64::from(thread_number()) + 1
    }

    /// Runs `f` with the record of this thread, made at its first use.
    pub fn with<R>(f: impl FnOnce(&RecordRef) -> R) -> R {
        let known = CURRENT.with(|current| current.borrow().clone());
        let record = known.unwrap_or_else(|| {
            let record = Arc::new(Record::new(thread_number()));
            CURRENT.with(|current| *current.borrow_mut() = Some(record.clone()));
            record
        });
        f(&RecordRef(record))
    }

    /// Runs `f` with the record of this thread, if it has one; it takes none.
    pub fn with_current<R>(f: impl FnOnce(&Record) -> R) -> Option<R> {
        let known = CURRENT.with(|current| current.borrow().clone());
        known.map(|record| f(&record))
    }

    /// True if `record` is the one that [`with`] would give now; it takes none.
    pub fn is_current(record: *const Record) -> bool {
        CURRENT.with(|current| {
            let current = current.borrow();
            current
                .as_deref()
                .is_some_and(|it| std::ptr::eq(it, record))
        })
    }
}

/// A random number of this thread, good enough to spread load; always zero under a checker.
///
/// Marsaglia's xorshift, "Xorshift RNGs" (2003).
#[inline]
pub fn random() -> u32 {
    if cfg!(any(counterpoint_loom, counterpoint_shuttle)) {
        return 0;
    }
    with(|record| {
        // Relaxed: only the record's own thread reads and writes it.
        let mut state = record.random.load(RELAXED);
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        record.random.store(state, RELAXED);
        state
    })
}

pub use local::{RecordRef, is_current, thread_id, with, with_current};

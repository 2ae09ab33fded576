//! Work that is put off, and bags of it.
//!
//! # Fields
//! What a bag holds belongs to whoever holds the bag: the thread in whose record it lies, who took
//! it out of there, or who took it out of a list.

use alloc::boxed::Box;
use core::mem::MaybeUninit;
use core::ptr;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::tune::{EPOCH_BAG, EPOCH_BAG_BYTES};

/// What a closure of at most three words lies in; a larger one lies in a box.
type Words = MaybeUninit<[*mut (); 3]>;

/// A closure whose type is forgotten. It is leaked if it is not called.
pub(super) struct Deferred {
    call: unsafe fn(*mut Words),
    words: Words,
}

impl Deferred {
    /// # Safety
    /// Whatever `f` borrows must live until it is called, and it must be fit to be called on
    /// another thread.
    #[inline]
    pub(super) unsafe fn new<F: FnOnce()>(f: F) -> Deferred {
        unsafe fn inline<F: FnOnce()>(words: *mut Words) {
            // SAFETY: `new` wrote an `F` there, and the caller calls once.
            let f = unsafe { words.cast::<F>().read() };
            f();
        }
        unsafe fn boxed<F: FnOnce()>(words: *mut Words) {
            // SAFETY: `new` wrote a `Box<F>` there, and the caller calls once.
            let f = unsafe { words.cast::<Box<F>>().read() };
            f();
        }
        let mut words = Words::uninit();
        let fits = size_of::<F>() <= size_of::<Words>() && align_of::<F>() <= align_of::<Words>();
        if fits {
            // SAFETY: large and aligned enough.
            unsafe { words.as_mut_ptr().cast::<F>().write(f) };
            let call = inline::<F>;
            Deferred { call, words }
        } else {
            // SAFETY: a box is one word.
            unsafe { words.as_mut_ptr().cast::<Box<F>>().write(Box::new(f)) };
            let call = boxed::<F>;
            Deferred { call, words }
        }
    }

    #[inline]
    pub(super) fn call(mut self) {
        // SAFETY: `words` is as `new` wrote it, and `self` is used up.
        unsafe { (self.call)(&raw mut self.words) }
    }
}

/// Deferred work with the epoch in which it was handed on.
pub(super) struct Bag {
    inner: UnsafeCell<Inner>,
}

struct Inner {
    /// The next bag of a list.
    next: *mut Bag,
    stamp: u64,
    bytes: usize,
    /// How many were put in, and how many of those were taken out.
    len: usize,
    taken: usize,
    items: [MaybeUninit<Deferred>; EPOCH_BAG],
}

/// What a bag says of itself.
#[derive(Clone, Copy)]
pub(super) struct Label {
    pub(super) next: *mut Bag,
    pub(super) stamp: u64,
    pub(super) bytes: usize,
    pub(super) len: usize,
}

impl Bag {
    /// An empty bag, which belongs to the caller.
    pub(super) fn allocate() -> *mut Bag {
        Box::into_raw(Box::new(Bag {
            inner: UnsafeCell::new(Inner {
                next: ptr::null_mut(),
                stamp: 0,
                bytes: 0,
                len: 0,
                taken: 0,
                items: [const { MaybeUninit::uninit() }; EPOCH_BAG],
            }),
        }))
    }

    /// # Safety
    /// `bag` comes from `allocate` and belongs to the caller. What it holds is leaked.
    pub(super) unsafe fn free(bag: *mut Bag) {
        // SAFETY: by the caller's promise.
        drop(unsafe { Box::from_raw(bag) });
    }

    /// Runs `f` with what is in the bag.
    ///
    /// # Safety
    /// `bag` comes from `allocate` and belongs to the caller.
    #[inline]
    unsafe fn open<R>(bag: *mut Bag, f: impl FnOnce(&mut Inner) -> R) -> R {
        // SAFETY: by the caller's promise.
        let bag = unsafe { &*bag };
        bag.inner.with_mut(|inner| {
            // SAFETY: it belongs to the caller, and `f` does not reach it by another way.
            f(unsafe { &mut *inner })
        })
    }

    /// Puts `deferred` in; true if the bag must be handed on before the next one.
    ///
    /// # Safety
    /// As for `open`; and there is room.
    #[inline]
    pub(super) unsafe fn push(bag: *mut Bag, deferred: Deferred, bytes: usize) -> (Label, bool) {
        let put = |inner: &mut Inner| {
            inner.items[inner.len].write(deferred);
            inner.len += 1;
            inner.bytes = inner.bytes.saturating_add(bytes);
            let full = inner.len == EPOCH_BAG || inner.bytes >= EPOCH_BAG_BYTES;
            (inner.label(), full)
        };
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, put) }
    }

    /// Takes the next one out.
    ///
    /// # Safety
    /// As for `open`.
    #[inline]
    pub(super) unsafe fn take(bag: *mut Bag) -> Option<Deferred> {
        let take = |inner: &mut Inner| {
            if inner.taken == inner.len {
                return None;
            }
            let at = inner.taken;
            inner.taken += 1;
            // SAFETY: `push` wrote it, and it is taken once.
            Some(unsafe { inner.items[at].assume_init_read() })
        };
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, take) }
    }

    /// Whether everything was taken out.
    ///
    /// # Safety
    /// As for `open`.
    pub(super) unsafe fn is_empty(bag: *mut Bag) -> bool {
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, |inner| inner.taken == inner.len) }
    }

    /// # Safety
    /// As for `open`.
    pub(super) unsafe fn label(bag: *mut Bag) -> Label {
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, |inner| inner.label()) }
    }

    /// # Safety
    /// As for `open`.
    pub(super) unsafe fn stamp(bag: *mut Bag, stamp: u64) {
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, |inner| inner.stamp = stamp) };
    }

    /// # Safety
    /// As for `open`.
    pub(super) unsafe fn link(bag: *mut Bag, next: *mut Bag) {
        // SAFETY: by the caller's promise.
        unsafe { Bag::open(bag, |inner| inner.next = next) };
    }
}

impl Inner {
    fn label(&self) -> Label {
        Label {
            next: self.next,
            stamp: self.stamp,
            bytes: self.bytes,
            len: self.len,
        }
    }
}

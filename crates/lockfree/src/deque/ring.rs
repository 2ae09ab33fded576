//! The slots of a deque: a ring that is replaced by a larger one when it is full; the protocol is
//! told in README.md beside this file.

use alloc::boxed::Box;
use core::cell::Cell;
use core::mem::MaybeUninit;
use core::ptr;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};
use counterpoint_base::prim::cell::UnsafeCell;

/// The most slots of a ring: distances of positions fit an `i32`.
const MOST: usize = 1 << 30;

pub(super) struct Slot<T> {
    value: UnsafeCell<MaybeUninit<T>>,
    /// One more than the newest position of this slot of which the task is out.
    out: AtomicU32,
}

/// A ring, and the owner's notes about the one it replaced.
pub(super) struct Ring<T> {
    slots: Box<[Slot<T>]>,
    /// The ring that this one replaced, while thieves may be reading in it. The owner's.
    pub(super) earlier: Cell<*mut Ring<T>>,
    /// Of a ring that was replaced: the positions thieves had taken and that are not known to be
    /// out. The owner's.
    pub(super) unread: Cell<(u32, u32)>,
}

impl<T> Slot<T> {
    /// One more than the newest position of which the task is out.
    #[inline(always)]
    fn newest_out(&self) -> u32 {
        // Acquire [E4]: pairs with the release in `take`.
        self.out.load(acquire("deque.free"))
    }

    /// Whether this, in a ring of `mask` + 1 places, was left by the position before `position`.
    #[inline(always)]
    pub(super) fn is_free(&self, position: u32, mask: u32) -> bool {
        self.newest_out() == position.wrapping_sub(mask)
    }

    /// # Safety
    /// The slot is the caller's, and holds nothing.
    #[inline(always)]
    pub(super) unsafe fn write(&self, value: T) {
        self.value.with_mut(|to| {
            // SAFETY: by the caller's promise.
            unsafe { to.write(MaybeUninit::new(value)) };
        });
    }

    /// # Safety
    /// The slot is the caller's, and holds a task, which is not read again.
    #[inline(always)]
    pub(super) unsafe fn read(&self) -> T {
        self.value.with(|from| {
            // SAFETY: by the caller's promise.
            let value = unsafe { from.read() };
            // SAFETY: as above.
            unsafe { value.assume_init() }
        })
    }

    /// Says that the task of `position` is out, to the owner itself.
    #[inline(always)]
    pub(super) fn set_out(&self, position: u32) {
        // Relaxed: said by the owner, who alone reads it.
        self.out.store(position.wrapping_add(1), RELAXED);
    }
}

impl<T> Ring<T> {
    /// A ring with room for the `capacity` positions from `first` on; of the position `capacity`
    /// before each, the task is out.
    pub(super) fn allocate(capacity: usize, first: u32) -> *mut Ring<T> {
        assert!(capacity <= MOST, "too many tasks in a deque");
        debug_assert!(capacity.is_power_of_two());
        let mask = capacity as u32 - 1;
        let slot = |index: u32| {
            let position = first.wrapping_add(index.wrapping_sub(first) & mask);
            Slot {
                value: UnsafeCell::new(MaybeUninit::uninit()),
                out: AtomicU32::new(position.wrapping_sub(mask)),
            }
        };
        Box::into_raw(Box::new(Ring {
            slots: (0..capacity as u32).map(slot).collect(),
            earlier: Cell::new(ptr::null_mut()),
            unread: Cell::new((0, 0)),
        }))
    }

    /// The places, for the owner's fast path.
    pub(super) fn places(&self) -> *const Slot<T> {
        self.slots.as_ptr()
    }

    pub(super) fn capacity(&self) -> u32 {
        self.slots.len() as u32
    }

    #[inline(always)]
    fn slot(&self, position: u32) -> &Slot<T> {
        &self.slots[position as usize & (self.slots.len() - 1)]
    }

    /// Whether the slot of `position` was left by the one before.
    pub(super) fn is_free(&self, position: u32) -> bool {
        self.slot(position).is_free(position, self.capacity() - 1)
    }

    /// Whether the task of `position` is out.
    pub(super) fn is_out(&self, position: u32) -> bool {
        let out = self.slot(position).newest_out();
        out.wrapping_sub(position.wrapping_add(1)) as i32 >= 0
    }

    pub(super) fn set_out(&self, position: u32) {
        self.slot(position).set_out(position);
    }

    /// # Safety
    /// As for the slot's `write`.
    pub(super) unsafe fn write(&self, position: u32, value: T) {
        // SAFETY: by the caller's promise.
        unsafe { self.slot(position).write(value) };
    }

    /// # Safety
    /// As for the slot's `read`.
    pub(super) unsafe fn read(&self, position: u32) -> T {
        // SAFETY: by the caller's promise.
        unsafe { self.slot(position).read() }
    }

    /// Reads as a thief, and says that the task is out; the ring may be gone right after, so this
    /// holds no reference to it.
    ///
    /// # Safety
    /// As for `read`, and the ring is alive until then.
    #[inline(always)]
    pub(super) unsafe fn take(ring: *const Ring<T>, position: u32) -> T {
        // SAFETY: by the caller's promise it is alive.
        let slot: *const Slot<T> = unsafe { &*ring }.slot(position);
        // SAFETY: as above; a slot of the ring.
        let this = unsafe { &*slot };
        // SAFETY: by the caller's promise.
        let value = unsafe { this.read() };
        // SAFETY: as above.
        let out = unsafe { &(*slot).out };
        // Release [E4]: the owner may write here, or free the ring, after this.
        out.store(position.wrapping_add(1), release("deque.out"));
        value
    }

    /// Copies the bytes of a task that stays where it is.
    ///
    /// # Safety
    /// Nobody writes to the slot meanwhile; the one in `to` is the caller's.
    pub(super) unsafe fn copy(&self, position: u32, to: &Ring<T>) {
        let value = self.slot(position).value.with(|from| {
            // SAFETY: by the caller's promise.
            unsafe { from.read() }
        });
        to.slot(position).value.with_mut(|to| {
            // SAFETY: by the caller's promise.
            unsafe { to.write(value) };
        });
    }
}

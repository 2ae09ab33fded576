//! Pointers into memory that the epoch guards: what they may point to, who owns it, and the tag in
//! their low bits.

use super::Guard;
use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::borrow::{Borrow, BorrowMut};
use core::cmp::Ordering;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, MaybeUninit};
use core::ops::{Deref, DerefMut};
use core::ptr;

/// What a single word can point to.
///
/// Implemented for every sized type and for slices of [`MaybeUninit`], whose length lies in front
/// of the elements, so that a pointer to them is one word as well. To be implemented by hand only
/// for a type that keeps its own size in its memory.
///
/// # Safety
/// Code without `unsafe` relies on what an implementation says. [`ALIGNMENT`](Pointable::ALIGNMENT) is a
/// power of two. What [`make`](Pointable::make) returns is not null and aligned to it; until it is
/// given to [`destroy`](Pointable::destroy), [`as_ptr`](Pointable::as_ptr) and
/// [`as_mut_ptr`](Pointable::as_mut_ptr) make of it a pointer to one and the same value, which is
/// initialized and stays where it is, however often and by whatever thread they are called.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::Owned;
/// use std::mem::MaybeUninit;
///
/// let mut slots = Owned::<[MaybeUninit<u32>]>::init(3);
/// slots[2].write(7);
/// assert_eq!(slots.len(), 3);
/// ```
pub unsafe trait Pointable {
    /// The alignment of what is pointed to; below it the bits of a pointer are free for a tag.
    const ALIGNMENT: usize;

    /// What it is [made](Pointable::make) of.
    type Parts;

    /// Makes one and returns a pointer to it, aligned to [`ALIGNMENT`](Pointable::ALIGNMENT).
    ///
    /// # Safety
    /// The result must be given to [`destroy`](Pointable::destroy) once, or it is leaked.
    unsafe fn make(parts: Self::Parts) -> *mut ();

    /// The pointer with its type.
    ///
    /// # Safety
    /// `pointer` comes from `make`, and was not given to `destroy`.
    unsafe fn as_ptr(pointer: *mut ()) -> *const Self;

    /// The pointer with its type, for writing.
    ///
    /// # Safety
    /// As for [`as_ptr`](Pointable::as_ptr).
    unsafe fn as_mut_ptr(pointer: *mut ()) -> *mut Self;

    /// How many bytes it has, for the account of what waits to be freed.
    ///
    /// # Safety
    /// As for [`as_ptr`](Pointable::as_ptr).
    unsafe fn size(pointer: *mut ()) -> usize;

    /// Drops it and frees its memory.
    ///
    /// # Safety
    /// `pointer` comes from `make`, and is used no more, by anybody.
    unsafe fn destroy(pointer: *mut ());
}

// SAFETY: a box's pointer, which is not null, aligned as `T` is, and one to a `T`.
unsafe impl<T> Pointable for T {
    const ALIGNMENT: usize = align_of::<T>();

    type Parts = T;

    unsafe fn make(parts: T) -> *mut () {
        Box::into_raw(Box::new(parts)).cast()
    }

    unsafe fn as_ptr(pointer: *mut ()) -> *const T {
        pointer.cast()
    }

    unsafe fn as_mut_ptr(pointer: *mut ()) -> *mut T {
        pointer.cast()
    }

    unsafe fn size(_: *mut ()) -> usize {
        size_of::<T>()
    }

    unsafe fn destroy(pointer: *mut ()) {
        // SAFETY: by the caller's promise made by `make`, and used no more.
        drop(unsafe { Box::from_raw(pointer.cast::<T>()) });
    }
}

/// What lies in front of the elements of a slice.
#[repr(C)]
struct Head<T> {
    len: usize,
    elements: [MaybeUninit<T>; 0],
}

impl<T> Head<T> {
    fn layout(len: usize) -> Layout {
        let elements = Layout::array::<T>(len);
        let whole = elements.and_then(|elements| Layout::new::<Head<T>>().extend(elements));
        match whole {
            Ok((layout, _)) => layout.pad_to_align(),
            Err(_) => panic!("counterpoint: a slice of {len} elements is too large"),
        }
    }

    /// The elements behind the head.
    ///
    /// # Safety
    /// `pointer` is one to a living slice.
    unsafe fn elements(pointer: *mut ()) -> *mut [MaybeUninit<T>] {
        let head = pointer.cast::<Head<T>>();
        // SAFETY: by the caller's promise.
        let len = unsafe { (*head).len };
        // SAFETY: as above; no reference is made.
        let first = unsafe { &raw mut (*head).elements };
        ptr::slice_from_raw_parts_mut(first.cast(), len)
    }
}

// SAFETY: the pointer to a head of that alignment, behind which as many elements lie as it says;
// they need not be initialized.
unsafe impl<T> Pointable for [MaybeUninit<T>] {
    const ALIGNMENT: usize = align_of::<Head<T>>();

    type Parts = usize;

    unsafe fn make(len: usize) -> *mut () {
        let layout = Head::<T>::layout(len);
        // SAFETY: not of size zero: there is a length in it.
        let head = unsafe { alloc(layout) }.cast::<Head<T>>();
        if head.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: the memory was just allocated.
        let place = unsafe { &raw mut (*head).len };
        // SAFETY: as above.
        unsafe { place.write(len) };
        head.cast()
    }

    unsafe fn as_ptr(pointer: *mut ()) -> *const [MaybeUninit<T>] {
        // SAFETY: by the caller's promise.
        unsafe { Head::<T>::elements(pointer) }
    }

    unsafe fn as_mut_ptr(pointer: *mut ()) -> *mut [MaybeUninit<T>] {
        // SAFETY: by the caller's promise.
        unsafe { Head::<T>::elements(pointer) }
    }

    unsafe fn size(pointer: *mut ()) -> usize {
        // SAFETY: by the caller's promise.
        Head::<T>::layout(unsafe { (*pointer.cast::<Head<T>>()).len }).size()
    }

    unsafe fn destroy(pointer: *mut ()) {
        // SAFETY: by the caller's promise.
        let layout = Head::<T>::layout(unsafe { (*pointer.cast::<Head<T>>()).len });
        // SAFETY: allocated with this layout, and used no more.
        unsafe { dealloc(pointer.cast(), layout) };
    }
}

/// The bits of a pointer to a `T` that hold its tag.
pub(super) const fn tag_bits<T: ?Sized + Pointable>() -> usize {
    T::ALIGNMENT - 1
}

/// `data` with the tag `tag`, of which only the bits that fit are kept.
#[inline]
pub(super) fn with_tag<T: ?Sized + Pointable>(data: *mut (), tag: usize) -> *mut () {
    let bits = tag_bits::<T>();
    data.map_addr(|addr| addr & !bits | tag & bits)
}

/// The tag of `data`.
#[inline]
pub(super) fn tag_of<T: ?Sized + Pointable>(data: *mut ()) -> usize {
    data.addr() & tag_bits::<T>()
}

#[inline]
fn assert_aligned<T: ?Sized + Pointable>(data: *mut ()) {
    assert!(tag_of::<T>(data) == 0, "counterpoint: an unaligned pointer");
}

mod sealed {
    /// Only [`Owned`](super::Owned) and [`Shared`](super::Shared) are pointers.
    #[expect(unnameable_types, reason = "so that nobody else implements it")]
    pub trait Sealed<T: ?Sized> {}
}

/// A tagged pointer that can be put into an [`Atomic`](super::Atomic): [`Owned`] or [`Shared`].
pub trait Pointer<T: ?Sized + Pointable>: sealed::Sealed<T> {
    /// The pointer with its tag.
    fn into_ptr(self) -> *mut ();

    /// The pointer back.
    ///
    /// # Safety
    /// `data` comes from `into_ptr` of the same type. One made from an [`Owned`] is taken back at
    /// most once.
    unsafe fn from_ptr(data: *mut ()) -> Self;
}

/// A value on the heap that is reached by this pointer alone, as by a box, with a tag.
///
/// Not for a value that nobody else will reach: a `Box` says so.
///
/// # Examples
/// ```
/// use counterpoint_lockfree::epoch::{self, Atomic, Owned};
/// use std::sync::atomic::Ordering::Release;
///
/// let list: Atomic<u64> = Atomic::null();
/// list.store(Owned::new(7).with_tag(1), Release);
/// # // SAFETY: nobody else uses it.
/// # drop(unsafe { list.try_into_owned() });
/// ```
pub struct Owned<T: ?Sized + Pointable> {
    data: *mut (),
    marker: PhantomData<Box<T>>,
}

// SAFETY: as of a box.
unsafe impl<T: ?Sized + Pointable + Send> Send for Owned<T> {}
// SAFETY: as of a box.
unsafe impl<T: ?Sized + Pointable + Sync> Sync for Owned<T> {}

impl<T: ?Sized + Pointable> sealed::Sealed<T> for Owned<T> {}

impl<T: ?Sized + Pointable> Pointer<T> for Owned<T> {
    #[inline]
    fn into_ptr(self) -> *mut () {
        mem::ManuallyDrop::new(self).data
    }

    #[inline]
    unsafe fn from_ptr(data: *mut ()) -> Owned<T> {
        debug_assert!(!with_tag::<T>(data, 0).is_null());
        Owned {
            data,
            marker: PhantomData,
        }
    }
}

impl<T> Owned<T> {
    /// Allocates `value`.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Owned;
    ///
    /// assert_eq!(*Owned::new(7), 7);
    /// ```
    pub fn new(value: T) -> Owned<T> {
        Owned::init(value)
    }

    /// A box's value.
    ///
    /// # Safety
    /// `raw` comes from [`Box::into_raw`], and nobody else uses it.
    ///
    /// # Panics
    /// If it is not aligned.
    pub unsafe fn from_raw(raw: *mut T) -> Owned<T> {
        let data = raw.cast();
        assert_aligned::<T>(data);
        // SAFETY: as if made by `make`.
        unsafe { Owned::from_ptr(data) }
    }

    /// The value as a box; the tag is lost.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Owned;
    ///
    /// assert_eq!(*Owned::new(7).into_box(), 7);
    /// ```
    pub fn into_box(self) -> Box<T> {
        let data = with_tag::<T>(self.into_ptr(), 0);
        // SAFETY: made by `make`, which makes a box of a sized value.
        unsafe { Box::from_raw(data.cast()) }
    }
}

impl<T: ?Sized + Pointable> Owned<T> {
    /// Allocates what `parts` say: a value, or a slice of so many elements.
    pub fn init(parts: T::Parts) -> Owned<T> {
        // SAFETY: `drop` gives it back.
        let data = unsafe { T::make(parts) };
        // SAFETY: a new pointer without a tag.
        unsafe { Owned::from_ptr(data) }
    }

    /// Gives the value up to a pointer that lives as long as `guard`. It is leaked unless that is
    /// put into an [`Atomic`](super::Atomic), or [owned](Shared::into_owned) again.
    #[allow(
        clippy::needless_lifetimes,
        reason = "the name of the guard's lifetime is the point"
    )]
    pub fn into_shared<'g>(self, guard: &'g Guard) -> Shared<'g, T> {
        let _ = guard;
        Shared::of(self.into_ptr())
    }

    /// The tag.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Owned;
    ///
    /// // Three bits are free below something that is aligned to eight bytes.
    /// assert_eq!(Owned::new(0_u64).with_tag(5).tag(), 5);
    /// ```
    pub fn tag(&self) -> usize {
        tag_of::<T>(self.data)
    }

    /// The same with the tag `tag`, of which only the bits that fit are kept.
    #[must_use]
    pub fn with_tag(self, tag: usize) -> Owned<T> {
        let data = with_tag::<T>(self.into_ptr(), tag);
        // SAFETY: the pointer of `self`, which is used up.
        unsafe { Owned::from_ptr(data) }
    }
}

impl<T: ?Sized + Pointable> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: it comes from `make`, and nobody else uses it.
        unsafe { T::destroy(with_tag::<T>(self.data, 0)) };
    }
}

impl<T: ?Sized + Pointable> Deref for Owned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it comes from `make` and lives as long as `self`.
        let value = unsafe { T::as_ptr(with_tag::<T>(self.data, 0)) };
        // SAFETY: as above; writers need `&mut self`.
        unsafe { &*value }
    }
}

impl<T: ?Sized + Pointable> DerefMut for Owned<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: it comes from `make` and lives as long as `self`.
        let value = unsafe { T::as_mut_ptr(with_tag::<T>(self.data, 0)) };
        // SAFETY: as above; `&mut self` keeps others away.
        unsafe { &mut *value }
    }
}

impl<T: ?Sized + Pointable> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned")
            .field("raw", &with_tag::<T>(self.data, 0))
            .field("tag", &self.tag())
            .finish()
    }
}

impl<T: Clone> Clone for Owned<T> {
    fn clone(&self) -> Owned<T> {
        Owned::new(T::clone(self)).with_tag(self.tag())
    }
}

impl<T> From<T> for Owned<T> {
    fn from(value: T) -> Owned<T> {
        Owned::new(value)
    }
}

impl<T> From<Box<T>> for Owned<T> {
    fn from(value: Box<T>) -> Owned<T> {
        // SAFETY: just turned into a pointer.
        unsafe { Owned::from_raw(Box::into_raw(value)) }
    }
}

impl<T: ?Sized + Pointable> Borrow<T> for Owned<T> {
    fn borrow(&self) -> &T {
        self
    }
}

impl<T: ?Sized + Pointable> BorrowMut<T> for Owned<T> {
    fn borrow_mut(&mut self) -> &mut T {
        self
    }
}

impl<T: ?Sized + Pointable> AsRef<T> for Owned<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T: ?Sized + Pointable> AsMut<T> for Owned<T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

/// A pointer to something shared, valid while a [`Guard`] lives: a word to copy, with a tag.
///
/// Having it proves only that the memory is not freed yet. That it was initialized, and that nobody
/// writes meanwhile, is for the data structure to show; hence the unsafe methods.
pub struct Shared<'g, T: ?Sized + Pointable> {
    data: *mut (),
    marker: PhantomData<(&'g (), *const T)>,
}

impl<T: ?Sized + Pointable> sealed::Sealed<T> for Shared<'_, T> {}

impl<T: ?Sized + Pointable> Pointer<T> for Shared<'_, T> {
    #[inline]
    fn into_ptr(self) -> *mut () {
        self.data
    }

    #[inline]
    unsafe fn from_ptr(data: *mut ()) -> Self {
        Shared::of(data)
    }
}

impl<T: ?Sized + Pointable> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized + Pointable> Copy for Shared<'_, T> {}

impl<T> Shared<'_, T> {
    /// The pointer without its tag.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Shared;
    ///
    /// assert!(Shared::<u32>::null().as_raw().is_null());
    /// ```
    pub fn as_raw(&self) -> *const T {
        with_tag::<T>(self.data, 0).cast_const().cast()
    }
}

impl<'g, T: ?Sized + Pointable> Shared<'g, T> {
    #[inline]
    pub(super) const fn of(data: *mut ()) -> Shared<'g, T> {
        Shared {
            data,
            marker: PhantomData,
        }
    }

    #[inline]
    pub(super) fn data(&self) -> *mut () {
        self.data
    }

    /// The null pointer, without a tag.
    pub const fn null() -> Shared<'g, T> {
        Shared::of(ptr::null_mut())
    }

    /// Whether it is null; the tag does not count.
    ///
    /// ```
    /// use counterpoint_lockfree::epoch::Shared;
    ///
    /// assert!(Shared::<u64>::null().with_tag(1).is_null());
    /// ```
    pub fn is_null(&self) -> bool {
        with_tag::<T>(self.data, 0).is_null()
    }

    /// A reference to what it points to.
    ///
    /// # Safety
    /// It is not null and points to something initialized, which was read from the structure after
    /// the guard was made, was initialized before that read (by an acquire of the pointer), and is
    /// not written to meanwhile without an atomic.
    pub unsafe fn deref(&self) -> &'g T {
        // SAFETY: by the caller's promise it comes from `make`, and the guard keeps it alive.
        let value = unsafe { T::as_ptr(with_tag::<T>(self.data, 0)) };
        // SAFETY: by the caller's promise.
        unsafe { &*value }
    }

    /// A reference through which what it points to may be changed.
    ///
    /// # Safety
    /// As for [`deref`](Shared::deref), and nobody else has a reference to it.
    pub unsafe fn deref_mut(&mut self) -> &'g mut T {
        // SAFETY: by the caller's promise it comes from `make`, and the guard keeps it alive.
        let value = unsafe { T::as_mut_ptr(with_tag::<T>(self.data, 0)) };
        // SAFETY: by the caller's promise.
        unsafe { &mut *value }
    }

    /// A reference to what it points to; `None` if it is null.
    ///
    /// # Safety
    /// As for [`deref`](Shared::deref), but it may be null.
    pub unsafe fn as_ref(&self) -> Option<&'g T> {
        if self.is_null() {
            None
        } else {
            // SAFETY: by the caller's promise.
            Some(unsafe { self.deref() })
        }
    }

    /// Takes what it points to.
    ///
    /// # Safety
    /// Nobody else can reach it, now or later, and it is taken once.
    ///
    /// # Panics
    /// If it is null, where assertions are on.
    pub unsafe fn into_owned(self) -> Owned<T> {
        debug_assert!(!self.is_null(), "counterpoint: a null pointer owns nothing");
        // SAFETY: by the caller's promise.
        unsafe { Owned::from_ptr(self.data) }
    }

    /// Takes what it points to; `None` if it is null.
    ///
    /// # Safety
    /// As for [`into_owned`](Shared::into_owned).
    pub unsafe fn try_into_owned(self) -> Option<Owned<T>> {
        if self.is_null() {
            None
        } else {
            // SAFETY: by the caller's promise.
            Some(unsafe { self.into_owned() })
        }
    }

    /// The tag.
    pub fn tag(&self) -> usize {
        tag_of::<T>(self.data)
    }

    /// The same with the tag `tag`, of which only the bits that fit are kept.
    #[must_use]
    pub fn with_tag(&self, tag: usize) -> Shared<'g, T> {
        Shared::of(with_tag::<T>(self.data, tag))
    }
}

impl<T> From<*const T> for Shared<'_, T> {
    /// # Panics
    /// If it is not aligned.
    fn from(raw: *const T) -> Self {
        let data = raw.cast_mut().cast();
        assert_aligned::<T>(data);
        Shared::of(data)
    }
}

impl<T: ?Sized + Pointable> PartialEq for Shared<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl<T: ?Sized + Pointable> Eq for Shared<'_, T> {}

impl<T: ?Sized + Pointable> PartialOrd for Shared<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: ?Sized + Pointable> Ord for Shared<'_, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.data.cmp(&other.data)
    }
}

impl<T: ?Sized + Pointable> Default for Shared<'_, T> {
    fn default() -> Self {
        Shared::null()
    }
}

impl<T: ?Sized + Pointable> fmt::Debug for Shared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("raw", &with_tag::<T>(self.data, 0))
            .field("tag", &self.tag())
            .finish()
    }
}

impl<T: ?Sized + Pointable> fmt::Pointer for Shared<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&with_tag::<T>(self.data, 0), f)
    }
}

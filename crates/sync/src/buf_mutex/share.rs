//! Shares: handles that hold a local value and merge it when they end.

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::Deref;
use core::ptr;
use counterpoint_wait::hooks::{self, Hold, Site};

/// What shares belong to.
///
/// An interface between this module's types; users meet it only in bounds.
#[doc(hidden)]
pub trait Sink<L> {
    /// What a share knows besides its local.
    type Tag;

    /// What the hooks call a share.
    const KIND: &'static str;

    /// Tells the hooks of a share made at `site`.
    fn tell_held(&self, site: Site) -> Hold;

    /// Counts a share off, made at `site`, whose local is not merged.
    fn abandon(&self, tag: &Self::Tag, site: Site);

    /// Counts one more share, which starts with `local`.
    fn open(&self, local: &L, site: Site) -> Self::Tag;

    /// Merges the local of a share that ends, and counts the share off in any case.
    ///
    /// # Safety
    /// The local must be initialized, and must not be used after the call, however it ends.
    unsafe fn close(&self, tag: &Self::Tag, site: Site, local: &mut ManuallyDrop<L>);
}

/// A sink that can make locals.
#[doc(hidden)]
pub trait Source<L>: Sink<L> {
    /// A fresh local.
    fn fresh(&self) -> L;
}

/// A sink that merges before a share ends.
#[doc(hidden)]
pub trait Flush<L>: Source<L> {
    /// Merges a local of a share that stays.
    fn flush(&self, local: L, site: Site);
}

/// A handle of a [`BufMutex`](super::BufMutex) with a local value, which is merged into the
/// global value when the handle is dropped.
///
/// Named [`SharedBufMutex`](super::SharedBufMutex) where it borrows and
/// [`OwnedSharedBufMutex`](super::OwnedSharedBufMutex) where it owns.
///
/// The local is a plain field: `as_mut` costs nothing, and no other thread sees it. A clone starts
/// with a fresh local.
///
/// # Panics
/// Dropping it goes on with a panic of the merge; while the thread unwinds already, that panic is
/// caught, and its payload forgotten. Dropped inside a merge of the same `BufMutex` it panics with
/// [`Reentered`](super::Reentered) (while unwinding: its local is lost).
///
/// A share that is forgotten (`mem::forget`) loses its local and counts as outstanding for ever.
///
/// # Cost
/// One atomic addition to make it; to drop it, the lock and the merge, and a wait while others
/// merge.
pub struct Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    parent: P,
    tag: <P::Target as Sink<L>>::Tag,
    site: Site,
    hold: Hold,
    local: ManuallyDrop<L>,
}

impl<P, L> Share<P, L>
where
    P: Deref,
    P::Target: Source<L>,
{
    #[inline]
    pub(super) fn new(parent: P, site: Site) -> Share<P, L> {
        // User code first: if it panics nothing was counted.
        let local = parent.fresh();
        let tag = parent.open(&local, site);
        Share::opened(parent, tag, local, site)
    }
}

impl<P, L> Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    /// A share that is counted already.
    #[inline]
    pub(super) fn opened(
        parent: P,
        tag: <P::Target as Sink<L>>::Tag,
        local: L,
        site: Site,
    ) -> Share<P, L> {
        let hold = parent.tell_held(site);
        Share {
            parent,
            tag,
            site,
            hold,
            local: ManuallyDrop::new(local),
        }
    }

    /// Ends the share without merging its local, which is returned.
    ///
    /// ```
    /// use counterpoint_sync::BufMutex;
    ///
    /// let total = BufMutex::<usize>::new(0, |global, local| *global += *local);
    /// let mut share = total.share();
    /// *share.as_mut() = 3;
    /// assert_eq!(share.abandon(), 3);
    /// assert_eq!((total.outstanding(), total.get()), (0, 0));
    /// ```
    pub fn abandon(self) -> L {
        let this = ManuallyDrop::new(self);
        // SAFETY: the share is not dropped, so each field moves out or is dropped here once.
        let local = ManuallyDrop::into_inner(unsafe { ptr::read(&this.local) });
        // SAFETY: as above.
        let tag = unsafe { ptr::read(&this.tag) };
        // SAFETY: as above.
        let parent = unsafe { ptr::read(&this.parent) };
        hooks::released(this.hold);
        parent.abandon(&tag, this.site);
        local
    }

    pub(super) fn parent(&self) -> &P {
        &self.parent
    }

    pub(super) fn tag(&self) -> &<P::Target as Sink<L>>::Tag {
        &self.tag
    }
}

impl<P, L> Share<P, L>
where
    P: Deref,
    P::Target: Flush<L>,
{
    /// Merges the local now and goes on with a fresh one.
    ///
    /// # Panics
    /// Goes on with a panic of the merge; the local is a fresh one then, too. Inside a merge of
    /// the same `BufMutex`: [`Reentered`](super::Reentered).
    ///
    /// ```
    /// use counterpoint_sync::BufMutex;
    ///
    /// let total = BufMutex::<usize>::new(0, |global, local| *global += *local);
    /// let mut share = total.share();
    /// *share.as_mut() = 3;
    /// share.flush();
    /// assert_eq!((total.peek(), *share.as_ref()), (3, 0));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn flush(&mut self) {
        let fresh = self.parent.fresh();
        let local = core::mem::replace(&mut *self.local, fresh);
        self.parent.flush(local, Site::here());
    }

    /// Takes the local out, unmerged, and goes on with a fresh one.
    pub fn take_local(&mut self) -> L {
        let fresh = self.parent.fresh();
        core::mem::replace(&mut *self.local, fresh)
    }
}

impl<P, L> Clone for Share<P, L>
where
    P: Deref + Clone,
    P::Target: Source<L>,
{
    /// Another share of the same, with a fresh local.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    fn clone(&self) -> Self {
        Share::new(self.parent.clone(), Site::here())
    }
}

impl<P, L> Drop for Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    /// Merges the local into the global value.
    #[inline]
    fn drop(&mut self) {
        hooks::released(self.hold);
        // SAFETY: the local is initialized while the share lives, and this is its end.
        unsafe { self.parent.close(&self.tag, self.site, &mut self.local) }
    }
}

impl<P, L> AsRef<L> for Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    /// The local value.
    #[inline(always)]
    fn as_ref(&self) -> &L {
        &self.local
    }
}

impl<P, L> AsMut<L> for Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    /// The local value.
    #[inline(always)]
    fn as_mut(&mut self) -> &mut L {
        &mut self.local
    }
}

impl<P, L: fmt::Debug> fmt::Debug for Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedBufMutex")
            .field("local", &*self.local)
            .finish_non_exhaustive()
    }
}

impl<P, L> hooks::Obligation for Share<P, L>
where
    P: Deref,
    P::Target: Sink<L>,
{
    fn hold(&self) -> &Hold {
        &self.hold
    }
}

//! Permits: held until dropped.

use core::fmt;
use core::mem::replace;
use counterpoint_wait::hooks::{self, Hold, Site};
use std::sync::Arc;

use super::Semaphore;

macro_rules! permit_methods {
    ($permit:ident) => {
        /// How many permits it stands for.
        #[inline]
        pub fn num_permits(&self) -> usize {
            self.permits
        }

        /// Gives them up without giving them back: the semaphore has fewer from now on.
        pub fn forget(mut self) {
            hooks::forgotten(replace(&mut self.hold, Hold::NONE));
            self.permits = 0;
        }

        /// Tells of the permits, which were asked for at `site`.
        #[inline(always)]
        pub(super) fn tell_held(&mut self, site: Site) {
            let queue = self.semaphore.raw().queue();
            self.hold = hooks::held(stringify!($permit), queue, site, self.permits);
        }

        #[inline(always)]
        pub(super) fn held_at(mut self, site: Site) -> Self {
            self.tell_held(site);
            self
        }

        /// Takes over the permits of `other`.
        ///
        /// # Panics
        /// If `other` belongs to another semaphore; its permits are given back.
        #[track_caller]
        pub fn merge(&mut self, mut other: Self) {
            let (mine, its): (&Semaphore, &Semaphore) = (&self.semaphore, &other.semaphore);
            assert!(
                core::ptr::eq(mine, its),
                concat!(
                    "counterpoint: ",
                    stringify!($permit),
                    "::merge: permits of two semaphores"
                )
            );
            let sum = self.permits.checked_add(other.permits);
            self.permits = sum.expect(concat!(
                "counterpoint: ",
                stringify!($permit),
                "::merge: more permits than a number holds"
            ));
            other.permits = 0;
            hooks::released(replace(&mut other.hold, Hold::NONE));
            hooks::changed(&mut self.hold, self.permits);
        }
    };
}

/// Permits of a [`Semaphore`], given back when dropped.
///
/// ```
/// use counterpoint_sync::Semaphore;
///
/// let semaphore = Semaphore::new(3);
/// let mut all = semaphore.acquire_many(3)?;
/// let one = all.split(1).expect("it has three");
/// assert_eq!((all.num_permits(), one.num_permits()), (2, 1));
/// drop(one);
/// assert_eq!(semaphore.available_permits(), 1);
/// # Ok::<(), counterpoint_sync::AcquireError>(())
/// ```
#[must_use = "dropping the permit at once gives it back at once"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
    hold: Hold,
}

impl<'a> SemaphorePermit<'a> {
    #[inline(always)]
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> SemaphorePermit<'a> {
        SemaphorePermit {
            semaphore,
            permits,
            hold: Hold::NONE,
        }
    }

    /// The semaphore it belongs to.
    #[inline]
    pub fn semaphore(&self) -> &'a Semaphore {
        self.semaphore
    }

    /// Splits off `count` permits; `None` if it has fewer.
    #[must_use = "dropping the part at once gives it back at once"]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn split(&mut self, count: usize) -> Option<SemaphorePermit<'a>> {
        self.permits = self.permits.checked_sub(count)?;
        hooks::changed(&mut self.hold, self.permits);
        Some(SemaphorePermit::new(self.semaphore, count).held_at(Site::here()))
    }

    permit_methods!(SemaphorePermit);
}

impl Drop for SemaphorePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        hooks::released(self.hold);
        self.semaphore.give_back(self.permits);
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit")
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

/// Permits that keep their [`Semaphore`] alive, given back when dropped.
#[must_use = "dropping the permit at once gives it back at once"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
    hold: Hold,
}

impl OwnedSemaphorePermit {
    #[inline]
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> OwnedSemaphorePermit {
        OwnedSemaphorePermit {
            semaphore,
            permits,
            hold: Hold::NONE,
        }
    }

    /// The semaphore it belongs to.
    #[inline]
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// Splits off `count` permits; `None` if it has fewer.
    #[must_use = "dropping the part at once gives it back at once"]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn split(&mut self, count: usize) -> Option<OwnedSemaphorePermit> {
        self.permits = self.permits.checked_sub(count)?;
        hooks::changed(&mut self.hold, self.permits);
        Some(OwnedSemaphorePermit::new(self.semaphore.clone(), count).held_at(Site::here()))
    }

    permit_methods!(OwnedSemaphorePermit);
}

impl Drop for OwnedSemaphorePermit {
    #[inline]
    fn drop(&mut self) {
        hooks::released(self.hold);
        self.semaphore.give_back(self.permits);
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedSemaphorePermit")
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

crate::mutex::obligations! {
    [] SemaphorePermit<'_>: hold;
    [] OwnedSemaphorePermit: hold;
}

//! The one that heads a stage.

use core::borrow::Borrow;
use core::convert::Infallible;
use core::fmt;
use core::hash::Hash;
use core::marker::PhantomData;
use core::mem::replace;
use counterpoint_wait::hooks::{self, Hold, Site};

use super::raw::Access;
use super::{NotifyError, Stage, Ticket};

/// The headship of a [`Stage`]: the one who may use its resource. Dropping it passes the headship on
/// to the first who waits, whatever else happens: also if its owner panics.
///
/// [`Stage::enter`] lends it to a closure; [`Stage::enter_async`] yields it as a guard, which may be
/// held across an `.await` and moved to another thread. The ticket that entered ends with it, unless it
/// was borrowed. One that is leaked (`mem::forget`) heads for ever.
///
/// # Deadlocks
/// Whoever enters the same stage while it keeps the guard waits for itself, unless its token is
/// notified.
#[must_use = "dropping it at once passes the headship on at once"]
pub struct Director<'s, T, R, B, V = Infallible> {
    stage: &'s Stage<T, R, B, V>,
    hold: Hold,
    /// Declared after the headship was passed on, in `Drop`, it ends last.
    _ticket: Option<Ticket<'s, T, V>>,
    /// It lends the resource by reference, so it goes where `&mut R` goes.
    _resource: PhantomData<&'s mut R>,
}

impl<'s, T, R, B, V> Director<'s, T, R, B, V> {
    pub(super) fn new(
        stage: &'s Stage<T, R, B, V>,
        ticket: Option<Ticket<'s, T, V>>,
    ) -> Director<'s, T, R, B, V> {
        Director {
            stage,
            hold: Hold::NONE,
            _ticket: ticket,
            _resource: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn tell_held(&mut self, site: Site) {
        self.hold = hooks::held("Director", self.stage.raw().queue(), site, 1);
    }

    /// The stage it heads.
    pub fn stage(&self) -> &'s Stage<T, R, B, V> {
        self.stage
    }

    /// The resource.
    pub fn resource(&self) -> &R {
        // SAFETY: one heads (raw.rs I1), and this one is borrowed, so nobody has it exclusively.
        // If it is shared, `R` is `Sync`, or `backdoor`'s caller has promised.
        self.stage.resource.with(|resource| unsafe { &*resource })
    }

    /// The resource, exclusively.
    ///
    /// A stage lends its resource either so or by [`Stage::shared`] and [`Stage::backdoor`]; the first
    /// use decides for good.
    ///
    /// # Panics
    /// If the resource was shared before, by `shared` or `backdoor`.
    ///
    /// ```
    /// use counterpoint_sync::stage::{Exit, Stage};
    ///
    /// let stage = Stage::new(vec![1], ());
    /// let ticket = stage.ticket("me").unwrap();
    /// let pushed = stage.enter(ticket, None, |head| head.resource_mut().push(2));
    /// assert_eq!(pushed, Exit::Finished(()));
    /// assert_eq!(stage.into_inner().0, [1, 2]);
    /// ```
    #[track_caller]
    pub fn resource_mut(&mut self) -> &mut R {
        assert!(
            self.stage.raw().decide_access(Access::Exclusive),
            "counterpoint: Director::resource_mut: the resource was shared before"
        );
        let resource = self.stage.resource.with_mut(|resource| resource);
        // SAFETY: one heads (raw.rs I1), and this one is borrowed exclusively; the resource was not
        // shared before and never will be.
        unsafe { &mut *resource }
    }

    /// Runs `f` on the buffer, and returns what it returns. The buffer stays if the head panics: what
    /// was read and not yet told should lie in it.
    ///
    /// # Deadlocks
    /// [`Stage::buffer`] or `buffer` again inside of `f` waits for ever.
    pub fn buffer<O>(&self, f: impl FnOnce(&mut B) -> O) -> O {
        f(&mut self.stage.buffer.lock())
    }

    /// Tells the one who has a ticket for `token`; see [`Stage::notify`].
    pub fn notify<Q>(&self, token: &Q) -> bool
    where
        T: Borrow<Q> + Hash + Eq,
        Q: Hash + Eq + ?Sized,
    {
        self.stage.notify(token)
    }

    /// Delivers `value` to the one who has a ticket for `token`; see [`Stage::notify_with`].
    ///
    /// # Errors
    /// The value, if nobody has a ticket, or has not taken the value delivered before.
    pub fn notify_with<Q>(&self, token: &Q, value: V) -> Result<(), NotifyError<V>>
    where
        T: Borrow<Q> + Hash + Eq,
        Q: Hash + Eq + ?Sized,
    {
        self.stage.notify_with(token, value)
    }
}

impl<T, R, B, V> Drop for Director<'_, T, R, B, V> {
    fn drop(&mut self) {
        hooks::released(replace(&mut self.hold, Hold::NONE));
        self.stage.raw().leave();
    }
}

impl<T, R, B, V> fmt::Debug for Director<'_, T, R, B, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Director").finish_non_exhaustive()
    }
}

crate::mutex::obligations! {
    [T, R, B, V] Director<'_, T, R, B, V>: hold;
}

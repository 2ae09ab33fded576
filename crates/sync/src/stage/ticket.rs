//! The right to wait for a token.

use core::convert::Infallible;
use core::fmt;
use core::mem::{ManuallyDrop, replace};
use counterpoint_wait::hooks::{self, Hold, Site};
use std::sync::Arc;

use super::entry::Entry;
use super::raw::RawStage;

/// The right to wait for a token on a [`Stage`](super::Stage), made by
/// [`Stage::ticket`](super::Stage::ticket).
///
/// As long as it lives the token is taken, and what is notified is kept for it; entering takes it, or
/// borrows it to enter again. Dropping it frees the token and drops what was left for it.
///
/// # Cancel safety
/// An operation that entered with `&mut ticket` and is dropped leaves everything with the ticket: what
/// it was notified of is found by the next one.
#[must_use = "dropping the ticket at once frees its token at once"]
pub struct Ticket<'s, T, V = Infallible> {
    raw: &'s RawStage<T, V>,
    entry: Arc<Entry<T, V>>,
    hold: Hold,
}

/// A ticket without its stage.
#[expect(
    unnameable_types,
    reason = "in the signature of what the stage alone calls"
)]
#[derive(Debug)]
pub struct Kept<T, V> {
    entry: Arc<Entry<T, V>>,
    hold: Hold,
}

impl<'s, T, V> Ticket<'s, T, V> {
    #[inline]
    pub(super) fn new(raw: &'s RawStage<T, V>, entry: Arc<Entry<T, V>>, site: Site) -> Self {
        Ticket {
            raw,
            entry,
            hold: hooks::held("Ticket", raw.queue(), site, 1),
        }
    }

    /// What is left of it without its stage; whoever has it makes a ticket of the same stage again.
    pub(super) fn into_parts(self) -> Kept<T, V> {
        let mut ticket = ManuallyDrop::new(self);
        let hold = replace(&mut ticket.hold, Hold::NONE);
        // SAFETY: the ticket is not dropped, and its entry not used again.
        let entry = unsafe { core::ptr::read(&raw const ticket.entry) };
        Kept { entry, hold }
    }

    /// `kept` is what is left of a ticket of this stage.
    pub(super) fn from_parts(raw: &'s RawStage<T, V>, kept: Kept<T, V>) -> Self {
        let Kept { entry, hold } = kept;
        Ticket { raw, entry, hold }
    }

    pub(super) fn entry(&self) -> &Arc<Entry<T, V>> {
        &self.entry
    }

    pub(super) fn is_of(&self, raw: &RawStage<T, V>) -> bool {
        core::ptr::eq(self.raw, raw)
    }

    /// The token.
    pub fn token(&self) -> &T {
        &self.entry.token
    }
}

impl<T, V> Drop for Ticket<'_, T, V> {
    fn drop(&mut self) {
        hooks::released(replace(&mut self.hold, Hold::NONE));
        self.raw.remove(&self.entry);
    }
}

impl<T: fmt::Debug, V> fmt::Debug for Ticket<'_, T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(self.token()).finish()
    }
}

crate::mutex::obligations! {
    [T, V] Ticket<'_, T, V>: hold;
}

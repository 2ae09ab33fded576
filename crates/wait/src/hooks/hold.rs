//! Holds of guards: each is a line in the book, and tells the sink only where that is asked for.

use counterpoint_base::prim::time::coarse;

use super::holds;
use super::on::{Ends, Notice, Site, Tag, What, holder, tell_quietly};
use super::page::{Entry, Line};
use crate::queue::WaitQueue;

/// What a guard needs to tell that it lets go: its line in the book.
#[derive(Clone, Copy, Debug)]
pub struct Hold(Option<&'static Entry>);

impl Hold {
    /// Of a guard that was not told about.
    pub const NONE: Hold = Hold(None);

    fn lend(self, more: bool) {
        if let Some(entry) = self.0 {
            entry.lend(more);
            if entry.is_told() {
                tell_of(entry, if more { What::Lent } else { What::Back });
            }
        }
    }

    #[inline(always)]
    fn end(self, what: What) {
        if let Some(entry) = self.0 {
            if entry.is_told() {
                tell_of(entry, what);
            }
            entry.close();
        }
    }
}

/// Tells the sink of the hold in a line.
#[cold]
#[inline(never)]
fn tell_of(entry: &Entry, what: What) {
    if let Some(line) = entry.read() {
        tell_quietly(&Notice {
            what,
            kind: line.kind,
            object: line.object,
            primitive: line.primitive,
            site: line.site,
            units: line.units,
            id: line.id,
            made: line.made,
            party: line.party,
            ends: Ends::Never,
            polled: line.polled,
            trying: line.trying,
            round: 0,
        });
    }
}

/// A guard of kind `kind` came to be, which holds `units` of the primitive with `queue`. Keep what
/// it returns in the guard, for [`released`].
///
/// Call it with no internal lock held. A panic of the sink does not come through.
#[inline(always)]
pub fn held<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) -> Hold {
    if holds::is_on() {
        Hold(open(kind, queue.tag(), site, units))
    } else {
        Hold::NONE
    }
}

/// Writes a line for a hold. Everything goes straight from where it is known into the line: a record made
/// before and copied there costs more than all the rest.
#[inline(never)]
fn open(kind: &'static str, tag: &Tag, site: Site, units: usize) -> Option<&'static Entry> {
    let (entry, has_others) = holds::claim()?;
    let (party, polled) = holder();
    let told = !holds::is_kept();
    let line = Line {
        kind,
        object: tag.object(),
        primitive: tag.number(),
        site: site.location(),
        made: tag.made(),
        units,
        id: holds::next_id(),
        party,
        since: coarse(),
        polled,
        confirmed: false,
        lent: false,
        trying: site.is_trying(),
        told,
    };
    // SAFETY: claimed above; numbers are given once, and from 1 on.
    unsafe { entry.fill(&line) };
    if told || has_others {
        tell_of(entry, What::Held);
    }
    Some(entry)
}

/// A guard is used: who uses it holds it. Call it where the value is reached.
#[inline(always)]
pub fn used(hold: &Hold) {
    if let Some(entry) = hold.0 {
        holds::used(entry, false);
    }
}

/// A guard has a new holder, the caller, who says so.
pub fn moved(hold: &Hold) {
    if let Some(entry) = hold.0 {
        holds::used(entry, true);
    }
}

/// A guard is about to let go. Call it before it does, with no internal lock held. A panic of the
/// sink does not come through.
#[inline(always)]
pub fn released(hold: Hold) {
    hold.end(What::Released);
}

/// What `hold` belongs to stands for `units` units from now on. Call it before a part is told to be
/// held, and after what was merged was told to be released; with no internal lock held. A panic of
/// the sink does not come through.
pub fn changed(hold: &mut Hold, units: usize) {
    if let Some(entry) = hold.0 {
        entry.set_units(units);
        if entry.is_told() {
            tell_of(entry, What::Changed);
        }
    }
}

/// A guard gives up for good what it holds. Call it as [`released`].
pub fn forgotten(hold: Hold) {
    hold.end(What::Forgotten);
}

/// A hold that is lent while its owner waits: told to be back when the wait is, or when this is
/// dropped.
#[derive(Debug)]
pub struct Lending(Hold);

impl Default for Lending {
    fn default() -> Lending {
        Lending::new()
    }
}

impl Lending {
    /// Nothing is lent.
    #[must_use]
    pub const fn new() -> Lending {
        Lending(Hold::NONE)
    }

    /// The owner of `hold` waits, and the hold keeps nobody waiting meanwhile; does nothing if that
    /// was told already. Call it with no internal lock held. A panic of the sink does not come
    /// through.
    pub fn lend(&mut self, hold: Hold) {
        if self.0.0.is_none() {
            self.0 = hold;
            hold.lend(true);
        }
    }

    /// It waits no more. Call it as [`lend`](Self::lend).
    pub fn back(&mut self) {
        core::mem::replace(&mut self.0, Hold::NONE).lend(false);
    }

    /// The hold itself has ended, so it does not come back.
    pub fn ended(&mut self) {
        self.0 = Hold::NONE;
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        self.back();
    }
}

//! The hooks with the feature.

use core::cell::Cell;
use core::fmt;
use core::panic::Location;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use std::panic::{self, AssertUnwindSafe};

use super::names;
use super::slot::Slot;
use crate::queue::WaitQueue;

/// A place in the program.
#[derive(Clone, Copy, Debug)]
pub struct Site(&'static Location<'static>);

impl Site {
    /// The caller.
    #[inline]
    #[must_use]
    #[track_caller]
    pub const fn here() -> Site {
        Site(Location::caller())
    }

    /// File, line and column.
    pub const fn location(self) -> &'static Location<'static> {
        self.0
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum What {
    /// An operation has to wait. Told by the thread that polls it, after it queued.
    Waiting,
    /// It was granted something to claim or to collect. Told by the granter, before it wakes it;
    /// so it may come after the `Taken` of an operation that was polled anyway.
    Granted,
    /// It has what it waited for. Told by the thread that polls it.
    Taken,
    /// It does not wait any more and has nothing.
    Left,
    /// A guard, a permit or the like came to be.
    Held,
    /// It is about to let go: told before it does, so two holders of one lock are never told of.
    Released,
    /// It stands for another number of units from now on: permits were split off or merged.
    Changed,
    /// It gives up for good what it holds: the primitive has so much less.
    Forgotten,
    /// Its owner waits, and until [`Back`](What::Back) it keeps nobody waiting: a handle of a
    /// `WaitGroup`. Several waits may lend one hold; each tells its own `Back`, or the hold ends.
    Lent,
    /// The wait that had lent it is over, and it counts again.
    Back,
    /// Units came to be that nobody holds, told before they can be had: `Semaphore::add_permits`.
    Added,
    /// Units ended that nobody held: `Semaphore::forget_permits` and `Semaphore::reduce`.
    Removed,
}

/// One event, as told to a [`Sink`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Notice {
    /// What happened.
    pub what: What,
    /// Of which kind: the name of a waiting verb, such as `"Mutex::lock"`, or of a guard, such as
    /// `"MutexGuard"`.
    pub kind: &'static str,
    /// The primitive, by its address; see [`object_of`].
    pub object: usize,
    /// Where the operation or the guard was asked for.
    pub site: &'static Location<'static>,
    /// How many units are waited for or held.
    pub units: usize,
    /// The number of this wait or of this hold: the same from `Waiting` to `Taken` or `Left`, and
    /// from `Held` to `Released` or `Forgotten`. Larger numbers began later. 0 where there is
    /// neither: `Added`, `Removed`.
    pub id: u64,
}

/// Somebody who is told of every event: a ledger.
///
/// Called from any thread, with no lock of ours held, but possibly while the caller holds yours: it
/// must not wait for what it is told about. What it does itself is not told. It may be told of the
/// end of a wait that began before it was installed; guards from before are not told of.
///
/// # Panics
/// A panic out of `notice` is caught and forgotten, with one exception: out of `Waiting` of an
/// operation that is polled or waited for by itself (not as an arm of a select) it goes on, so that
/// a ledger can end a wait that would last for ever. The operation is then dropped as any other.
pub trait Sink: Sync {
    /// Takes note.
    fn notice(&self, notice: &Notice);
}

/// The error of [`install`]: there is a sink already, and it stays for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyInstalled;

impl fmt::Display for AlreadyInstalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sink of hooks is installed already")
    }
}

impl core::error::Error for AlreadyInstalled {}

counterpoint_base::static_! {
    static SINK: Slot<&'static dyn Sink> = Slot::new();
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
}

thread_local! {
    /// A sink runs on this thread (hooks.rs I3).
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Tells `sink` of every event from now on, for ever.
///
/// # Errors
/// If another one was installed before.
///
/// ```
/// use counterpoint_wait::hooks::{self, Notice, Sink};
///
/// struct Print;
/// impl Sink for Print {
///     fn notice(&self, notice: &Notice) {
///         println!("{:?} {} at {}", notice.what, notice.kind, notice.site);
///     }
/// }
/// hooks::install(&Print).unwrap();
/// assert_eq!(hooks::install(&Print), Err(hooks::AlreadyInstalled));
/// ```
pub fn install(sink: &'static dyn Sink) -> Result<(), AlreadyInstalled> {
    SINK.fill(sink).map_err(|_| AlreadyInstalled)
}

/// Tells the sink, unless it is the sink that caused it (hooks.rs I3).
fn tell(notice: &Notice) {
    struct Telling;
    impl Drop for Telling {
        fn drop(&mut self) {
            TELLING.set(false);
        }
    }
    if let Some(sink) = SINK.get() {
        if !TELLING.replace(true) {
            let _telling = Telling;
            sink.notice(notice);
        }
    }
}

/// Tells the sink; a panic ends here (hooks.rs I2).
fn tell_quietly(notice: &Notice) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| tell(notice))) {
        // Its destructor could panic as well.
        core::mem::forget(payload);
    }
}

pub(super) fn number() -> u64 {
    // Relaxed: only a number.
    NUMBERS.fetch_add(1, RELAXED)
}

/// What a guard needs to tell that it lets go.
#[derive(Clone, Copy, Debug)]
pub struct Hold(Option<Notice>);

impl Hold {
    /// Of a guard that was not told about.
    pub const NONE: Hold = Hold(None);

    fn tell(self, what: What) {
        if let Hold(Some(notice)) = self {
            tell_quietly(&Notice { what, ..notice });
        }
    }
}

/// A guard of kind `kind` came to be, which holds `units` of the primitive with `queue`. Keep what
/// it returns in the guard, for [`released`].
///
/// Call it with no internal lock held. A panic of the sink does not come through.
pub fn held<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) -> Hold {
    if SINK.get().is_none() {
        return Hold::NONE;
    }
    let notice = Notice {
        what: What::Held,
        kind,
        object: object_of(queue),
        site: site.0,
        units,
        id: number(),
    };
    tell_quietly(&notice);
    Hold(Some(notice))
}

/// A guard is about to let go. Call it before it does, with no internal lock held. A panic of the
/// sink does not come through.
pub fn released(hold: Hold) {
    hold.tell(What::Released);
}

/// What `hold` belongs to stands for `units` units from now on. Call it before a part is told to be
/// held, and after what was merged was told to be released; with no internal lock held. A panic of
/// the sink does not come through.
pub fn changed(hold: &mut Hold, units: usize) {
    if let Hold(Some(notice)) = hold {
        notice.units = units;
    }
    hold.tell(What::Changed);
}

/// A guard gives up for good what it holds. Call it as [`released`].
pub fn forgotten(hold: Hold) {
    hold.tell(What::Forgotten);
}

/// `kind` puts `units` units into the primitive with `queue`, which nobody held. Call it before they
/// can be had, with no internal lock held. A panic of the sink does not come through.
pub fn added<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) {
    tell_of_units(What::Added, kind, object_of(queue), site, units);
}

/// `kind` took `units` units out of the primitive with `queue`, and nobody holds them. Call it with
/// no internal lock held. A panic of the sink does not come through.
pub fn removed<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) {
    tell_of_units(What::Removed, kind, object_of(queue), site, units);
}

fn tell_of_units(what: What, kind: &'static str, object: usize, site: Site, units: usize) {
    if units > 0 && SINK.get().is_some() {
        tell_quietly(&Notice {
            what,
            kind,
            object,
            site: site.0,
            units,
            id: 0,
        });
    }
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
            hold.tell(What::Lent);
        }
    }

    /// It waits no more. Call it as [`lend`](Self::lend).
    pub fn back(&mut self) {
        core::mem::replace(&mut self.0, Hold::NONE).tell(What::Back);
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

/// What a primitive is called in notices: the address of its queue.
pub fn object_of<S, P>(queue: &WaitQueue<S, P>) -> usize {
    queue.tag().object()
}

/// Names the primitive with `queue`; a name given before is replaced.
///
/// The name belongs to the address: name a primitive where it stays. It is forgotten when the
/// primitive is dropped there; one that was moved away leaves its name behind.
///
/// # Cost
/// One allocation and a lock.
pub fn name<S, P>(queue: &WaitQueue<S, P>, name: &'static str) {
    names::edit(object_of(queue), |facts| facts.name = Some(name));
}

/// Gives the primitive with `queue` a rank: one of a higher rank is not to be taken while one of a
/// lower rank is held, says whoever keeps the book. A rank given before is replaced; it belongs to
/// the address, as a [`name`] does.
///
/// # Cost
/// One allocation and a lock.
pub fn rank<S, P>(queue: &WaitQueue<S, P>, rank: u32) {
    names::edit(object_of(queue), |facts| facts.rank = Some(rank));
}

/// The rank of the primitive that is called `object` in notices.
pub fn rank_of(object: usize) -> Option<u32> {
    names::get(object)?.rank
}

/// A number for the primitive that is called `object` in notices: given when it is first asked for,
/// the same as long as the primitive is there, and never that of another one, as an address may be.
///
/// Ask while the primitive is there, as from inside a notice: the number is forgotten when it is
/// dropped.
///
/// # Cost
/// One allocation and a lock.
pub fn id_of(object: usize) -> u64 {
    names::edit(object, |_| ()).id
}

/// The name of the primitive that is called `object` in notices.
pub fn name_of(object: usize) -> Option<&'static str> {
    names::get(object)?.name
}

/// The name of the primitive with `queue`.
pub fn label<S, P>(queue: &WaitQueue<S, P>) -> Option<&'static str> {
    name_of(object_of(queue))
}

/// Somebody who waits, copied out by [`visit`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Waiter {
    /// The name of the waiting verb.
    pub kind: &'static str,
    /// Where the operation was made.
    pub site: &'static Location<'static>,
    /// How many units it waits for.
    pub units: usize,
    /// The number of the wait, as in [`Notice::id`].
    pub id: u64,
}

/// Those who wait in `queue` at one instant, in the order of their places. Those who were granted
/// already are not among them.
///
/// # Cost
/// Holds the queue's lock while it copies. Allocates before, and looks again if more came.
pub fn visit<S, P>(queue: &WaitQueue<S, P>) -> Vec<Waiter> {
    let mut found = Vec::new();
    loop {
        let mut missing = 0;
        queue.lock().marks(|mark| {
            if found.len() < found.capacity() {
                found.push(Waiter {
                    kind: mark.0.kind,
                    site: mark.0.site,
                    units: mark.0.units,
                    id: mark.0.id,
                });
            } else {
                missing += 1;
            }
        });
        if missing == 0 {
            return found;
        }
        let all = found.len() + missing;
        found.clear();
        // A few more than there were, as more may come meanwhile.
        found.reserve(all + 4);
    }
}

/// What a node knows for the hooks; its `id` is 0 while nothing was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Notice);

impl Mark {
    /// Of a node or waker that nobody tells about.
    pub(crate) const NONE: Mark = Mark::here();

    #[track_caller]
    pub(crate) const fn here() -> Mark {
        Mark(Notice {
            what: What::Waiting,
            kind: "",
            object: 0,
            site: Location::caller(),
            units: 1,
            id: 0,
        })
    }

    pub(crate) fn site(self) -> Site {
        Site(self.0.site)
    }

    pub(crate) fn set_site(&mut self, site: Site) {
        self.0.site = site.0;
    }

    /// The node is about to be linked. Returns the mark to call [`waiting`](Self::waiting) on
    /// after the lock was released: an empty one if that was told before.
    pub(crate) fn enroll(&mut self, kind: &'static str, tag: &Tag, units: usize) -> Mark {
        if self.0.id != 0 {
            return Mark::NONE;
        }
        self.0.kind = kind;
        self.0.object = tag.object();
        self.0.units = units;
        self.0.id = number();
        *self
    }

    /// `alone`: a panic may go on, since the operation is no arm of a select (hooks.rs I2).
    pub(crate) fn waiting(self, alone: bool) {
        match (self.0.id, alone) {
            (0, _) => {}
            (_, true) => tell(&self.0),
            (_, false) => tell_quietly(&self.0),
        }
    }

    pub(crate) fn granted(self) {
        self.tell_if_known(What::Granted);
    }

    pub(crate) fn taken(&mut self) {
        self.tell_if_known(What::Taken);
        self.0.id = 0;
    }

    pub(crate) fn left(&mut self) {
        self.tell_if_known(What::Left);
        self.0.id = 0;
    }

    fn tell_if_known(&self, what: What) {
        if self.0.id != 0 {
            tell_quietly(&Notice { what, ..self.0 });
        }
    }
}

/// Where a queue is that is about to move.
pub(crate) struct Place(usize);

impl Place {
    pub(crate) fn of<S, P>(queue: &WaitQueue<S, P>) -> Place {
        Place(object_of(queue))
    }

    /// It has moved away: its name is forgotten.
    pub(crate) fn left(self) {
        names::forget(self.0);
    }
}

/// The part of a queue whose address is what the primitive is called, and that forgets its name.
#[derive(Debug)]
pub(crate) struct Tag;

impl Tag {
    pub(crate) const fn new() -> Tag {
        Tag
    }

    fn object(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        names::forget(self.object());
    }
}

//! The hooks with the feature.

use core::cell::Cell;
use core::fmt;
use core::panic::Location;
use core::task::Waker;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU64, RELAXED};
use std::panic::{self, AssertUnwindSafe};

pub use super::calm::Calm;
use super::calm::is_calm;
pub use super::hold::{Hold, Lending, changed, forgotten, held, moved, released, used};
use super::slot::Slot;
use super::{holds, names};
use crate::queue::WaitQueue;
use crate::waker::discard;

/// A place in the program.
#[derive(Clone, Copy, Debug)]
pub struct Site(&'static Location<'static>, bool);

impl Site {
    /// The caller.
    #[inline]
    #[must_use]
    #[track_caller]
    pub const fn here() -> Site {
        Site(Location::caller(), false)
    }

    /// The same, of an attempt that does not wait: it takes no part in the order of locks.
    #[inline]
    #[must_use]
    pub const fn trying(self) -> Site {
        Site(self.0, true)
    }

    /// File, line and column.
    #[inline(always)]
    pub const fn location(self) -> &'static Location<'static> {
        self.0
    }

    #[inline(always)]
    pub(super) fn is_trying(self) -> bool {
        self.1
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
    /// What it was granted was gone, or it left its place by itself: it waits again, under the same number.
    /// Told as `Waiting` is.
    Again,
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
    /// A thread that polls a future or several operations has told of all its waits, and is about to
    /// sleep. `kind` and `object` are empty.
    Asleep,
    /// It was woken, or has slept long enough.
    Awake,
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
    /// The number of the primitive, which no other one has or had, unlike an address. 0 where there is
    /// neither a wait nor a hold.
    pub primitive: u64,
    /// Where the operation or the guard was asked for.
    pub site: &'static Location<'static>,
    /// How many units are waited for or held.
    pub units: usize,
    /// The number of this wait or of this hold: the same from `Waiting` to `Taken` or `Left`, and
    /// from `Held` to `Released` or `Forgotten`. Larger numbers began later. 0 where there is
    /// neither: `Added`, `Removed`, `Asleep`, `Awake`.
    pub id: u64,
    /// Where the primitive was made.
    pub made: &'static Location<'static>,
    /// Who: a thread's number, what [`as_party`](super::as_party) was given, or of a task that nobody
    /// named [`UNKNOWN`](super::UNKNOWN) and what tells it from others.
    pub party: u64,
    /// What may end the wait.
    pub ends: Ends,
    /// Told while an executor of somebody else's polls a future, and no party was named.
    pub polled: bool,
    /// Of an attempt that did not wait.
    pub trying: bool,
    /// How often it was told to wait [`Again`](What::Again): a `Granted` of an earlier round comes too late.
    pub round: u32,
}

/// What may end a wait beside what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ends {
    /// Nothing: a thread is blocked and waits for this alone.
    Never,
    /// Something that is not known: it is an arm of a select, or polled by a task.
    Otherwise,
    /// A deadline, a token or another future.
    Bounded,
}

/// Somebody who is told of every event: a ledger.
///
/// Called from any thread, with no lock of ours held, but possibly while the caller holds yours: it
/// must not wait for what it is told about. What it does itself is not told. It may be told of the
/// end of a wait that began before it was installed; guards from before are not told of.
///
/// # Panics
/// A panic out of `notice` is caught and forgotten, with one exception: out of `Waiting` and `Again` of an
/// operation that is polled or waited for by itself (not as an arm of a select) it goes on, so that
/// a ledger can end a wait that would last for ever. The operation is then dropped as any other. Not so where a
/// lock is taken again for a guard that is still in its owner's hands, or for `lock_api`: such a wait ends with
/// the lock only.
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
    /// This thread drives what it polls itself, for no executor of somebody else's.
    static DRIVES: Cell<bool> = const { Cell::new(false) };
    /// Something else may end the wait that is told of.
    static BOUNDED: Cell<bool> = const { Cell::new(false) };
    /// An operation yields what is told of.
    static IN_POLL: Cell<bool> = const { Cell::new(false) };
    /// What the waker of the poll points to: the task, for most executors.
    static WAKER: Cell<usize> = const { Cell::new(0) };
}

/// A thread drives a future itself, until dropped.
pub(crate) struct Driving(bool);

impl Driving {
    #[inline]
    pub(crate) fn enter() -> Driving {
        Driving(DRIVES.replace(true))
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        DRIVES.set(self.0);
    }
}

/// Whether a thread is blocked for an operation.
#[derive(Clone, Copy)]
pub(crate) struct Firm(bool);

impl Firm {
    pub(crate) fn of(blocking: bool) -> Firm {
        Firm(blocking)
    }
}

/// Whether a thread polls a future of the user's, or several operations.
#[derive(Clone, Copy)]
pub(crate) struct Mixed(bool);

impl Mixed {
    pub(crate) const YES: Mixed = Mixed(true);
    pub(crate) const NO: Mixed = Mixed(false);

    /// The thread is about to sleep.
    pub(crate) fn sleeps(self) -> Option<Asleep> {
        self.0.then(|| {
            tell_of_sleep(What::Asleep);
            Asleep(())
        })
    }
}

/// A thread that drives a future sleeps, until dropped.
pub(crate) struct Asleep(());

impl Drop for Asleep {
    fn drop(&mut self) {
        tell_of_sleep(What::Awake);
    }
}

fn tell_of_sleep(what: What) {
    if SINK.get().is_some() {
        tell_quietly(&Notice {
            what,
            party: holds::party(),
            ..Mark::NONE.0
        });
    }
}

/// Something is polled with a waker, until dropped.
pub(crate) struct Polled(usize);

impl Polled {
    #[inline]
    pub(crate) fn by(waker: &Waker) -> Polled {
        Polled(WAKER.replace(waker.data().addr()))
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        WAKER.set(self.0);
    }
}

/// Runs `f`, and tells nobody what happens in it on this thread: for a ledger's own work.
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            TELLING.set(self.0);
        }
    }
    let _back = Back(TELLING.replace(true));
    f()
}

/// Whether a sink runs on this thread.
pub(super) fn is_telling() -> bool {
    TELLING.get()
}

/// Runs `f`, whose waits something else may end as well: a deadline, a token, another future.
pub fn bounded<R>(f: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            BOUNDED.set(self.0);
        }
    }
    let _back = Back(BOUNDED.replace(true));
    f()
}

/// Runs `f`, which tells of a guard that an operation yields.
pub(crate) fn in_poll<R>(f: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            IN_POLL.set(self.0);
        }
    }
    let _back = Back(IN_POLL.replace(true));
    f()
}

/// What an executor of somebody else's polls, for nobody that was named.
fn is_unknown() -> bool {
    !DRIVES.get() && !holds::is_named()
}

/// Who polls, and whether nobody named it.
fn poller() -> (u64, bool) {
    match is_unknown() {
        true => (
            holds::UNKNOWN | WAKER.get() as u64 & (holds::UNKNOWN - 1),
            true,
        ),
        false => (holds::party(), false),
    }
}

/// Who comes to hold something here, and whether nobody named it.
#[inline(always)]
pub(super) fn holder() -> (u64, bool) {
    match IN_POLL.get() {
        true => poller(),
        false => (holds::party(), false),
    }
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
    holds::tell_of_holds();
    SINK.fill(sink).map_err(|_| AlreadyInstalled)
}

/// Tells the sink, unless it is the sink that caused it (hooks.rs I3). A panic comes through, unless
/// somebody has to stay [`Calm`].
fn tell(notice: &Notice) {
    match is_calm() {
        true => tell_quietly(notice),
        false => tell_aloud(notice),
    }
}

fn tell_aloud(notice: &Notice) {
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
pub(super) fn tell_quietly(notice: &Notice) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| tell_aloud(notice))) {
        // Its destructor is the sink's, too (hooks.rs I3).
        quietly(|| discard(payload));
    }
}

pub(super) fn number() -> u64 {
    // Relaxed: only a number.
    NUMBERS.fetch_add(1, RELAXED)
}

pub(super) fn numbers(count: u64) -> u64 {
    // Relaxed: only numbers.
    NUMBERS.fetch_add(count, RELAXED)
}

/// `kind` puts `units` units into the primitive with `queue`, which nobody held. Call it before they
/// can be had, with no internal lock held. A panic of the sink does not come through.
pub fn added<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) {
    tell_of_units(What::Added, kind, queue.tag(), site, units);
}

/// `kind` took `units` units out of the primitive with `queue`, and nobody holds them. Call it with
/// no internal lock held. A panic of the sink does not come through.
pub fn removed<S, P>(kind: &'static str, queue: &WaitQueue<S, P>, site: Site, units: usize) {
    tell_of_units(What::Removed, kind, queue.tag(), site, units);
}

fn tell_of_units(what: What, kind: &'static str, tag: &Tag, site: Site, units: usize) {
    if units > 0 && SINK.get().is_some() {
        tell_quietly(&Notice {
            what,
            kind,
            object: tag.object(),
            primitive: tag.number(),
            site: site.0,
            units,
            id: 0,
            made: tag.made(),
            party: holds::party(),
            ends: Ends::Never,
            polled: false,
            trying: false,
            round: 0,
        });
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
            if mark.1 {
                return;
            }
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

/// What a node knows for the hooks; its `id` is 0 while nothing was told. And whether nothing ever is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(Notice, bool);

impl Mark {
    /// Of a node or waker that nobody tells about.
    pub(crate) const NONE: Mark = Mark::here();

    #[track_caller]
    pub(crate) const fn here() -> Mark {
        let site = Location::caller();
        let notice = Notice {
            what: What::Waiting,
            kind: "",
            object: 0,
            primitive: 0,
            site,
            units: 1,
            id: 0,
            made: site,
            party: 0,
            ends: Ends::Otherwise,
            polled: false,
            trying: false,
            round: 0,
        };
        Mark(notice, false)
    }

    pub(crate) fn site(self) -> Site {
        Site(self.0.site, false)
    }

    pub(crate) fn set_site(&mut self, site: Site) {
        self.0.site = site.0;
    }

    /// Nothing is told of the node.
    pub(crate) fn silence(&mut self) {
        self.1 = true;
    }

    /// The node is about to be linked; `firm`: a thread is blocked for it alone, but for bounds. Returns the
    /// mark to call [`waiting`](Self::waiting) on
    /// after the lock was released.
    pub(crate) fn enroll(
        &mut self,
        kind: &'static str,
        tag: &Tag,
        units: usize,
        alone: bool,
        firm: Firm,
    ) -> Mark {
        if self.1 {
            return Mark::NONE;
        }
        if self.0.id != 0 {
            self.0.round = self.0.round.wrapping_add(1);
            let what = What::Again;
            return Mark(Notice { what, ..self.0 }, false);
        }
        self.0.made = tag.made();
        (self.0.party, self.0.polled) = poller();
        self.0.ends = match (BOUNDED.get(), alone && firm.0) {
            (true, _) => Ends::Bounded,
            (false, true) => Ends::Never,
            (false, false) => Ends::Otherwise,
        };
        self.0.kind = kind;
        self.0.object = tag.object();
        self.0.primitive = tag.number();
        self.0.units = units;
        self.0.id = number();
        *self
    }

    /// `alone`: a panic may go on, since the operation is no arm of a select (hooks.rs I2).
    pub(crate) fn waiting(self, alone: bool) {
        if self.0.id != 0 {
            holds::make_known();
        }
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
        self.end();
    }

    pub(crate) fn left(&mut self) {
        self.tell_if_known(What::Left);
        self.end();
    }

    fn end(&mut self) {
        (self.0.id, self.0.round) = (0, 0);
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
pub(crate) struct Tag {
    made: &'static Location<'static>,
    /// 0 until it is asked for.
    number: AtomicU64,
}

impl Tag {
    const_fn! {
        #[track_caller]
        pub(crate) const fn new() -> Tag {
            Tag { made: Location::caller(), number: AtomicU64::new(0) }
        }
    }

    /// The number of the primitive, wherever it is moved; no other one has it or had it.
    #[inline(always)]
    pub(super) fn number(&self) -> u64 {
        match self.number.load(RELAXED) {
            0 => self.give_number(),
            number => number,
        }
    }

    #[cold]
    #[inline(never)]
    fn give_number(&self) -> u64 {
        let new = number();
        // Relaxed, both, and in `number`: only a number.
        match self.number.compare_exchange(0, new, RELAXED, RELAXED) {
            Ok(_) => new,
            Err(found) => found,
        }
    }

    /// Where the primitive was made.
    #[inline(always)]
    pub(super) fn made(&self) -> &'static Location<'static> {
        self.made
    }

    #[inline(always)]
    pub(super) fn object(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        names::forget(self.object());
    }
}

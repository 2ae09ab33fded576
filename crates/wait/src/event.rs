//! [`Event`]: tells those who listen that something they look at has changed.
//!
//! # From
//! event-listener's `Event`: plain and additional notifications, tags, listeners that are futures
//! and can be waited for. Differs: a listener is an operation whose node lies in the future (no
//! allocation), so it is enabled once it is pinned, not when it is made; two ways out of `notify`
//! without the lock, which the peer had and gave up after they lost wake-ups, are kept with a
//! proof and models; a clone of a tag never runs under the lock.
//!
//! # State
//! One word:
//! | bits | meaning | who changes them |
//! |---|---|---|
//! | `LISTENERS` | the queue is not empty, or was not | set under the lock before a node is linked; cleared under the lock when the queue is empty |
//! | upper 31 | how many were told and are not gone | a granter adds one under the lock before its verdict; the one that was told subtracts it |
//!
//! # Fields
//! `Told` in a node: written by the granter under the lock before the verdict, then the owner's.
//! `passed` and `spare` of the verb belong to the operation.
//!
//! # Invariants
//! * I1: `LISTENERS` is set while a node is linked that was told nothing.
//! * I2: whoever is told adds to the count before and subtracts from it once: in `collect`, or in
//!   `unclaimed`, which passes the notification on in the same hold of the lock.
//! * I3: a plain notification counts those who were told and are not gone. So a listener that was
//!   told and is dropped passes it on, also if it came from a broadcast: another `notify` may have
//!   counted it.
//! * I4: no tag is made, cloned or dropped under the lock; one that finds nobody stays with its
//!   owner, who drops it later.
//!
//! # Edges
//! No release and acquire but those of `queue.rs` E1 (what was done before a notification is
//! visible to the one it told). Three fences, each between a write and a later read:
//! * E1: fence in `tell` (after the caller's change, before the word is read) ↔ fence in `prepare`
//!   (after `LISTENERS` was set, before the listener's owner looks): model
//!   `listen_then_check_loses_nothing`.
//! * E2: fence in `tell` ↔ fence in `collect` (after the count went down, before the owner looks):
//!   model `who_is_counted_sees_the_change`.
//!
//! # Waiting
//! A change and `notify` against `enable` and a look. If the fence in `tell` is first, the look
//! sees the change (E1). If the fence in `prepare` is first, `tell` reads `LISTENERS`, or a later
//! value: then the listener was told, or left. It reads a count only of those whose fence in
//! `collect` comes later, and they see the change (E2). Who was told and is dropped passes on
//! under the lock; who is told instead, or listens later, has its own fence after that, and the
//! same follows, because `tell` did not see the count that the dropped one had lowered.
//!
//! # Cancel
//! A listener that was told nothing leaves. One that was told passes on what it was told: a plain
//! notification if nobody else is told and not gone, an additional one always.
//!
//! # Panic
//! Foreign code is wakers and tags, without the lock: if a waker panics, everyone is told first.
//! If a tag's clone panics, those told before it stay told.
//!
//! # Rejected
//! * A broadcast that is not passed on (W3, right for `Notify::notify_all`): breaks I3.
//! * Read-modify-writes of the word on both sides instead of fences: those who notify while nobody
//!   listens would fight for the cache line.
//! * Telling everyone in one hold of the lock with wakers in a `Vec`: allocates under it.
//!
//! # Checked by
//! dev/model tests/event.rs; tests/event.rs with the behaviour of the peer's own tests.

use core::cell::Cell;
use core::fmt;
use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, fence_seq_cst};
use counterpoint_base::tune::WAKE_BATCH;
use std::panic::{self, AssertUnwindSafe};

use crate::hooks;
use crate::op::{Enable, LockedQueue, Op, Stop, Turn, Verb};
use crate::queue::{Candidate, End, Grant, Locked, Pick, WaitQueue};
use crate::waker::{WakeBatch, keep_first};

const LISTENERS: u32 = 1;
const ONE_TOLD: u32 = 1 << 1;

/// How a notification counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Those who were told before and are not gone count.
    Plain,
    /// They do not.
    Additional,
}

/// What a listener was told.
#[derive(Debug)]
pub struct Told<T> {
    kind: Kind,
    tag: Option<T>,
}

impl<T> Told<T> {
    const NOTHING: Told<T> = Told {
        kind: Kind::Plain,
        tag: None,
    };
}

/// The queue of an event, locked.
type LockedEvent<'q, T> = Locked<'q, AtomicU32, Told<T>>;

/// Tells those who listen that something they look at has changed.
///
/// The event knows nothing of what changes: a flag, a list, a lock-free structure of your own. Who
/// changes it [`notify`](Self::notify)s; who waits for it listens, looks again, and waits:
///
/// ```
/// use counterpoint_base::prim::atomic::{AtomicBool, RELAXED};
/// use counterpoint_wait::event::Event;
/// use std::pin::pin;
///
/// static READY: AtomicBool = AtomicBool::new(false);
/// static CHANGED: Event = Event::new();
///
/// fn wait_until_ready() {
///     while !READY.load(RELAXED) {
///         let mut listener = pin!(CHANGED.listen());
///         listener.as_mut().enable();
///         // What changes from here on tells the listener; what changed before is seen here.
///         if READY.load(RELAXED) {
///             break;
///         }
///         listener.wait_pinned(); // in a task: `listener.await`
///     }
/// }
///
/// std::thread::scope(|scope| {
///     scope.spawn(wait_until_ready);
///     READY.store(true, RELAXED);
///     CHANGED.notify(usize::MAX);
/// });
/// ```
///
/// [`listener!`](crate::listener) is short for the two lines that pin and enable.
///
/// Do not use it to hand over values that must arrive (a channel), or where a notification must be
/// kept for a listener to come (`Notify`): an event without listeners forgets it.
///
/// # Broadcast
/// `notify(usize::MAX)` tells everyone who listens at that moment. Those who begin to listen while
/// the others are woken are not told, unless one of the others is dropped before it looked: its
/// notification goes to the first who listens then, since a later `notify` may have counted it.
///
/// # Ordering
/// Whoever is told, or was counted as told, sees what the notifier did before `notify`; and whoever
/// looks after `enable` sees what was done before a `notify` that did not find it. A relaxed access
/// to what changes is enough for that.
///
/// # Cost
/// 16 bytes. Notifying costs a fence and a load while nobody listens or enough were told already;
/// else the queue's lock, once for every 32 listeners. Listening takes the lock once, and allocates
/// nothing.
pub struct Event<T = ()> {
    queue: WaitQueue<AtomicU32, Told<T>>,
}

impl<T> Default for Event<T> {
    fn default() -> Event<T> {
        Event::new()
    }
}

impl<T> fmt::Debug for Event<T> {
    /// Takes no lock.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("listened_to", &(self.word() & LISTENERS != 0))
            .field("told", &self.told())
            .finish()
    }
}

/// Tags made outside the lock, to be given away under it.
struct Tags<T> {
    len: usize,
    slots: [Option<T>; WAKE_BATCH],
}

impl<T> Tags<T> {
    fn new() -> Tags<T> {
        Tags {
            len: 0,
            slots: [const { None }; WAKE_BATCH],
        }
    }

    /// Makes tags until there are `count`, or as many as fit.
    fn fill(&mut self, count: usize, make: &mut impl FnMut() -> T) {
        while self.len < count.min(WAKE_BATCH) {
            self.slots[self.len] = Some(make());
            self.len += 1;
        }
    }

    fn take(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        self.slots[self.len].take()
    }

    fn put_back(&mut self, tag: Option<T>) {
        self.slots[self.len] = tag;
        self.len += 1;
    }
}

impl<T> Event<T> {
    const_fn! {
        /// An event that nobody listens to.
        #[inline]
        #[cfg_attr(feature = "hooks", track_caller)]
        pub const fn new() -> Event<T> {
            Event { queue: WaitQueue::new(AtomicU32::new(0)) }
        }
    }

    /// The operation that completes when it is told, with the tag of the notification.
    ///
    /// It listens from [`enable`](Op::enable) on, or from its first poll: enable it and look at
    /// what you wait for once more, then wait. It is told once.
    ///
    /// # Cancel safety
    /// Dropping it leaves nothing behind; a notification that it was told and did not take is
    /// passed on.
    ///
    /// # Cost
    /// No allocation; the lock of the queue once to listen and once to leave untold.
    #[inline]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn listen(&self) -> Listen<'_, T> {
        Op::new(
            ListenVerb {
                event: self,
                passed: None,
                spare: None,
            },
            Told::NOTHING,
        )
    }

    /// Names the event in what the hooks tell. The name belongs to its place: name it where it
    /// stays. Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(&self.queue, name);
    }

    /// Those who listen and were not told at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(&self.queue)
    }

    /// True if somebody was told and is not gone; may be wrong at the next moment.
    pub fn is_notified(&self) -> bool {
        self.told() != 0
    }

    /// How many listen or were told and are not gone; may be wrong at the next moment.
    ///
    /// # Cost
    /// Takes the lock and counts: for tests and reports.
    pub fn total_listeners(&self) -> usize {
        let locked = self.queue.lock();
        let mut waiting = 0;
        locked.each(|_| {
            waiting += 1;
            true
        });
        waiting + self.told()
    }

    /// Tells listeners, in the order in which they came, until at least `n` are told, counting
    /// those who were told before and have not yet taken it. Each gets a clone of `tag`.
    /// Returns how many it told.
    ///
    /// # Panics
    /// If a clone panics: those told before stay told. If a waker panics: after all were told.
    ///
    /// # Cost
    /// As [`notify`](Event::notify), and a clone for each it tells, made outside the lock, if `n`
    /// is not 1.
    ///
    /// ```
    /// use counterpoint_wait::{event::Event, listener};
    ///
    /// let news = Event::new();
    /// listener!(news.listen() => reader);
    /// assert_eq!(news.notify_tagged(2, "rain"), 1);
    /// assert_eq!(reader.wait_pinned(), "rain");
    /// ```
    pub fn notify_tagged(&self, n: usize, tag: T) -> usize
    where
        T: Clone,
    {
        self.tell_clones(n, Kind::Plain, tag)
    }

    /// Tells `n` more listeners, in the order in which they came, whoever was told before. Each
    /// gets a clone of `tag`. Returns how many it told: fewer than `n` if fewer listen.
    ///
    /// # Panics
    /// As [`notify_tagged`](Self::notify_tagged).
    pub fn notify_additional_tagged(&self, n: usize, tag: T) -> usize
    where
        T: Clone,
    {
        self.tell_clones(n, Kind::Additional, tag)
    }

    fn tell_clones(&self, n: usize, kind: Kind, tag: T) -> usize
    where
        T: Clone,
    {
        if n == 1 {
            let mut tag = Some(tag);
            return self.tell(1, kind, 1, move || tag.take().expect("one is asked for"));
        }
        self.tell(n, kind, 0, move || tag.clone())
    }

    /// Tells up to `n`; `ready` tags may be made before it is known how many are needed.
    fn tell(&self, n: usize, kind: Kind, ready: usize, mut make: impl FnMut() -> T) -> usize {
        // E1, E2: what the caller changed is seen by those whom this does not tell.
        fence_seq_cst("event.notify");
        let word = self.word();
        if word & LISTENERS == 0 || (kind == Kind::Plain && count(word) >= n) {
            return 0;
        }
        let mut tags = Tags::new();
        tags.fill(ready, &mut make);
        let (mut told, mut todo) = (0, usize::MAX);
        let mut panicked = None;
        while todo > 0 {
            let mut wakes = WakeBatch::new();
            let mut locked = self.queue.lock();
            // Once some are told, others may take theirs: only the first look counts those told.
            if told == 0 {
                todo = todo.min(self.due(&locked, n, kind));
            }
            let batch = todo.min(WAKE_BATCH);
            if batch > tags.len {
                drop(locked);
                tags.fill(batch, &mut make);
                continue;
            }
            let granted = self.grant(&mut locked, &mut wakes, kind, batch, &mut tags);
            drop(locked);
            told += granted;
            todo = if granted < batch { 0 } else { todo - granted };
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| wakes.wake())) {
                keep_first(&mut panicked, payload);
            }
        }
        if let Some(payload) = panicked {
            panic::resume_unwind(payload);
        }
        told
    }

    /// How many of those who listen a notification of `n` must tell.
    fn due(&self, locked: &LockedEvent<'_, T>, n: usize, kind: Kind) -> usize {
        let need = match kind {
            Kind::Plain => n.saturating_sub(self.told()),
            Kind::Additional => n,
        };
        let mut found = 0;
        if need > 0 {
            locked.each(|_| {
                found += 1;
                found < need
            });
        }
        found
    }

    /// Tells up to `n`, which is no more than there are tags and places in `wakes`.
    fn grant(
        &self,
        locked: &mut LockedEvent<'_, T>,
        wakes: &mut WakeBatch,
        kind: Kind,
        n: usize,
        tags: &mut Tags<T>,
    ) -> usize {
        let word = self.queue.state();
        let mut granted = 0;
        while granted < n {
            let tag = Cell::new(tags.take());
            let take = |told: &mut Told<T>, _: Candidate| {
                // I4: replaces `None`.
                *told = Told {
                    kind,
                    tag: tag.take(),
                };
                // I2. Relaxed: ordered by the verdict and by the fences.
                word.fetch_add(ONE_TOLD, RELAXED);
                Pick::Take
            };
            let undo = |told: &mut Told<T>| {
                // Relaxed: as above.
                word.fetch_sub(ONE_TOLD, RELAXED);
                tag.set(told.tag.take());
            };
            if !locked.grant(End::First, Grant::Result, wakes, take, undo) {
                tags.put_back(tag.take());
                break;
            }
            granted += 1;
        }
        self.clear_if_empty(locked);
        granted
    }

    fn clear_if_empty(&self, locked: &LockedEvent<'_, T>) {
        if locked.is_empty() {
            // Relaxed: nobody is linked, and the lock is held (I1).
            self.queue.state().fetch_and(!LISTENERS, RELAXED);
        }
    }

    fn word(&self) -> u32 {
        // Relaxed: ordered by the fences.
        self.queue.state().load(RELAXED)
    }

    fn told(&self) -> usize {
        count(self.word())
    }
}

fn count(word: u32) -> usize {
    (word / ONE_TOLD) as usize
}

impl Event {
    /// Tells listeners, in the order in which they came, until at least `n` are told, counting
    /// those who were told before and have not yet taken it. Returns how many it told.
    ///
    /// So several notifiers that each need one listener to look wake no more than one. With
    /// `usize::MAX` it tells everyone. Where each notification stands for something that one
    /// listener takes, use [`notify_additional`](Self::notify_additional).
    ///
    /// # Panics
    /// Goes on with the panic of a waker that panics, after all were told.
    ///
    /// # Cost
    /// A fence and a load if nobody listens or enough were told; else the queue's lock once for
    /// every 32 listeners. The lock is held while up to `n` listeners are counted.
    ///
    /// ```
    /// use counterpoint_wait::{event::Event, listener};
    ///
    /// let event = Event::new();
    /// assert_eq!(event.notify(1), 0);
    /// listener!(event.listen() => first);
    /// listener!(event.listen() => second);
    /// assert_eq!(event.notify(1), 1);
    /// assert_eq!(event.notify(1), 0); // the first is told and has not taken it
    /// first.wait_pinned();
    /// assert_eq!(event.notify(1), 1);
    /// second.wait_pinned();
    /// ```
    pub fn notify(&self, n: usize) -> usize {
        self.tell(n, Kind::Plain, n, || ())
    }

    /// Tells `n` more listeners, in the order in which they came, whoever was told before. Returns
    /// how many it told: fewer than `n` if fewer listen.
    ///
    /// # Panics
    /// As [`notify`](Self::notify).
    ///
    /// ```
    /// use counterpoint_wait::{event::Event, listener};
    ///
    /// let event = Event::new();
    /// listener!(event.listen() => first);
    /// listener!(event.listen() => second);
    /// assert_eq!(event.notify_additional(1), 1);
    /// assert_eq!(event.notify_additional(1), 1);
    /// first.wait_pinned();
    /// second.wait_pinned();
    /// ```
    pub fn notify_additional(&self, n: usize) -> usize {
        self.tell(n, Kind::Additional, n, || ())
    }
}

/// Listens to an event; see [`Event::listen`].
pub type Listen<'e, T = ()> = Op<ListenVerb<'e, T>>;

/// The verb of [`Listen`].
pub struct ListenVerb<'e, T = ()> {
    event: &'e Event<T>,
    /// What it was told and did not take, for the next.
    passed: Option<Told<T>>,
    /// The tag of that, if nobody else listens.
    spare: Option<T>,
}

impl<T> ListenVerb<'_, T> {
    /// The event it listens to.
    pub fn event(&self) -> &Event<T> {
        self.event
    }
}

impl<T> fmt::Debug for ListenVerb<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenVerb").finish_non_exhaustive()
    }
}

// SAFETY: one queue, that of the event it borrows; no method moves the verb.
unsafe impl<T> Verb for ListenVerb<'_, T> {
    type State = AtomicU32;
    type Payload = Told<T>;
    type Output = T;
    type Stoppable = Result<T, Stop>;

    const NAME: &'static str = "Event::listen";
    const STAYS: bool = true;

    fn queue(&self) -> &WaitQueue<AtomicU32, Told<T>> {
        &self.event.queue
    }

    fn attempt(&mut self, _told: &mut Told<T>, _turn: Turn) -> Option<T> {
        // I4: left by an earlier use, and not to be dropped where the next is put.
        self.spare = None;
        None
    }

    fn prepare(&mut self, _: &mut Told<T>, _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        // I1. Relaxed: what follows the fence is not before it.
        self.event.queue.state().fetch_or(LISTENERS, RELAXED);
        // E1: whoever does not see the flag did its change before the owner's next look.
        fence_seq_cst("event.listen");
        false
    }

    fn collect(&mut self, told: &mut Told<T>) -> T {
        // I2. Relaxed: ordered by the fence.
        self.event.queue.state().fetch_sub(ONE_TOLD, RELAXED);
        // E2: whoever still counted it did its change before the owner's next look.
        fence_seq_cst("event.collect");
        told.tag.take().expect("a granter leaves a tag")
    }

    fn unclaimed(&mut self, told: &mut Told<T>, _queue: &mut LockedQueue<'_, Self>) {
        // I2. Relaxed: ordered by the lock.
        self.event.queue.state().fetch_sub(ONE_TOLD, RELAXED);
        self.passed = Some(core::mem::replace(told, Told::NOTHING));
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        if let Some(Told { kind, tag }) = self.passed.take() {
            let mut tags = Tags::new();
            tags.put_back(tag);
            // I3.
            let n = self.event.due(queue, 1, kind);
            self.event.grant(queue, wakes, kind, n, &mut tags);
            // I4.
            self.spare = tags.take();
        } else {
            self.event.clear_if_empty(queue);
        }
        false
    }

    fn finish(tag: T) -> Result<T, Stop> {
        Ok(tag)
    }

    fn stopped(&mut self, _told: &mut Told<T>, why: Stop) -> Result<T, Stop> {
        Err(why)
    }
}

impl<T> Enable for ListenVerb<'_, T> {
    fn keep(&mut self, _told: &mut Told<T>, _tag: T) {
        unreachable!("listening never completes at once")
    }
}

/// Pins a listener, or any operation that can be enabled, on the stack and enables it.
///
/// `listener!(operation => name)` declares `name`, a `Pin<&mut _>` of the operation, which may be
/// bounded. From here on nothing is lost: look at what you wait for, then `name.wait_pinned()` or
/// `name.await`.
///
/// ```
/// use counterpoint_wait::{event::Event, listener};
/// use std::time::Duration;
///
/// let event = Event::new();
/// listener!(event.listen().timeout(Duration::from_secs(5)) => changed);
/// event.notify(1);
/// assert_eq!(changed.wait_pinned(), Ok(()));
/// ```
#[macro_export]
macro_rules! listener {
    ($operation:expr => $name:ident) => {
        let mut $name = ::core::pin::pin!($operation);
        let _: bool = $name.as_mut().enable();
    };
}

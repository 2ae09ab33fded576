//! [`Stage`]: many wait on one resource that only one may poll; whoever heads tells the others.

mod director;
mod entry;
mod exit;
mod raw;
mod table;
mod ticket;
mod verb;

use core::borrow::Borrow;
use core::convert::Infallible;
use core::fmt;
use core::hash::Hash;
use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::hooks::{self, Site};
use counterpoint_wait::op::Stop;

pub use director::Director;
pub use entry::Entry;
pub use exit::{Entered, Exit, NotifyError};
pub use raw::State;
pub use ticket::Ticket;
pub use verb::{Admission, Enter, EnterVerb};

use crate::mutex::{Mutex, MutexGuard};
use entry::Mail;
use raw::{Access, RawStage, Refused};

/// Many wait, each for a token of its own, on one resource that only one at a time may poll: the one
/// that heads.
///
/// Think of one socket and many who each wait for the answer to their own question. Nobody reads for
/// all of them; instead whoever comes first heads: it reads from the socket, tells the others by their
/// tokens what has come for them, and leaves when its own answer is there. The headship then goes to
/// the one that waits longest.
///
/// `T` names the tokens, `R` is the resource, `B` a buffer beside it, kept if a head panics, and `V` what
/// [`notify_with`](Self::notify_with) delivers; a stage made by [`new`](Self::new) delivers nothing.
///
/// A token is taken by [`ticket`](Self::ticket) before the question is asked: what is notified before
/// its owner enters is kept for it. Threads ([`enter`](Self::enter)) and tasks
/// ([`enter_async`](Self::enter_async)) wait side by side.
///
/// Do not use it where a thread or task can be kept to read for all (a channel for each token is
/// simpler), or where the resource may be used by several at once.
///
/// # Order
/// At a deadline what was notified comes before the headship, and the headship before the timeout.
/// The headship goes to those who wait in their order; a newcomer may take it before the one that was
/// woken does, which then keeps its place. A future that was promised the headship and is not polled
/// does not hold it: the next who comes takes it, and after a few of those somebody else in line is
/// promised it. Until then, who sleeps already is not woken in its place, nor is an arm of a select
/// that has queued.
///
/// # Deadlocks
/// [`enter`](Self::enter) inside of a closure that heads the same stage panics. Entering in another way
/// while one heads waits for ever, unless its token is notified.
///
/// # Cost
/// A ticket is one allocation; `ticket`, `enter`, leaving and `notify` take one lock for a few
/// instructions, `notify` twice, whatever the number of tickets, if the hashes of their tokens differ:
/// each looks at all tickets with a hash like its own, and `ticket` and `notify` once for each of
/// them. So with a `Hash` that gives all the same, a ticket costs as much as there are tickets, and a
/// `notify` up to the square of that. Waiting allocates nothing. The table of tickets keeps 8 bytes
/// for each ticket of its busiest time; one of the tickets that make it twice as large allocates that
/// part of it.
///
/// # From
/// The behaviour of exit-left's `Stage`; the pattern is Leader/Followers (Schmidt et al., 2000).
///
/// ```
/// use counterpoint_sync::stage::{Exit, Stage};
/// use std::sync::Mutex;
/// use std::thread;
///
/// // The resource: answers that come in any order.
/// let answers = Mutex::new(vec![("b", 2), ("a", 1)]);
/// let stage = Stage::with_values(answers, ());
/// let tickets = ["a", "b"].map(|token| stage.ticket(token).expect("each token is used once"));
/// let wait = |mut ticket| loop {
///     let exit = stage.enter(&mut ticket, None, |head| {
///         let answer = head.resource().lock().unwrap().pop();
///         if let Some((token, answer)) = answer {
///             head.notify_with(token, answer).unwrap(); // it may be the head's own
///         }
///     });
///     if let Exit::Value(answer) = exit {
///         return answer;
///     }
/// };
/// thread::scope(|scope| {
///     let answers = tickets.map(|ticket| scope.spawn(|| wait(ticket)));
///     assert_eq!(answers.map(|answer| answer.join().unwrap()), [1, 2]);
/// });
/// ```
pub struct Stage<T, R, B, V = Infallible> {
    raw: RawStage<T, V>,
    buffer: Mutex<B>,
    resource: UnsafeCell<R>,
}

// SAFETY: as for `Sync`; nobody else is there when it moves.
unsafe impl<T: Send + Sync, R: Send, B: Send, V: Send> Send for Stage<T, R, B, V> {}
// SAFETY: the resource goes from head to head (raw.rs I1); whoever shares it otherwise needs `Sync`, or
// promises to. The rest is `Sync` by itself.
unsafe impl<T: Send + Sync, R: Send, B: Send, V: Send> Sync for Stage<T, R, B, V> {}

impl<T, R, B, V> core::panic::UnwindSafe for Stage<T, R, B, V> {}
impl<T, R, B, V> core::panic::RefUnwindSafe for Stage<T, R, B, V> {}

impl<T, R, B> Stage<T, R, B> {
    /// A stage around a resource, with a buffer beside it. It tells tokens, and delivers nothing.
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn new(resource: R, buffer: B) -> Stage<T, R, B> {
        Stage::with_values(resource, buffer)
    }
}

impl<T, R, B, V> Stage<T, R, B, V> {
    /// A stage that can deliver values: see [`notify_with`](Self::notify_with).
    ///
    /// ```
    /// use counterpoint_sync::stage::{Exit, Stage};
    ///
    /// let stage = Stage::with_values((), ());
    /// let mut ticket = stage.ticket(7).unwrap();
    /// stage.notify_with(&7, "for seven").unwrap();
    /// assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Value("for seven"));
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn with_values(resource: R, buffer: B) -> Stage<T, R, B, V> {
        Stage {
            raw: RawStage::new(),
            buffer: Mutex::new(buffer),
            resource: UnsafeCell::new(resource),
        }
    }

    fn raw(&self) -> &RawStage<T, V> {
        &self.raw
    }

    /// Blocks this thread until it heads, its token is notified, or `timeout` is over.
    ///
    /// If it heads, `act` runs and its result is [`Exit::Finished`]; then the headship is passed on,
    /// and `ticket` ends unless it was borrowed. `None` waits as long as it takes; zero tries once.
    ///
    /// # Panics
    /// If the ticket is of another stage, or if this thread is in such an `act` of the same stage: it
    /// would wait for itself; also if the stage is closed or the token notified. If `act` panics,
    /// after the headship was passed on.
    ///
    /// # Deadlocks
    /// Inside a task it blocks the executor's thread: use [`enter_async`](Self::enter_async) there.
    ///
    /// ```
    /// use counterpoint_sync::stage::{Exit, Stage};
    /// use std::time::Duration;
    ///
    /// let stage = Stage::new("resource", "buffer");
    /// let (mine, yours) = (stage.ticket(1).unwrap(), stage.ticket(2).unwrap());
    /// let exit = stage.enter(mine, Some(Duration::MAX), |head| {
    ///     assert_eq!(*head.resource(), "resource");
    ///     head.notify(&2)
    /// });
    /// assert_eq!(exit, Exit::Finished(true));
    /// assert_eq!(stage.enter(yours, None, |_| ()), Exit::Token);
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn enter<'s, A, O>(
        &'s self,
        ticket: A,
        timeout: Option<Duration>,
        act: impl FnOnce(&mut Director<'s, T, R, B, V>) -> O,
    ) -> Exit<O, V>
    where
        A: Admission<T, V>,
    {
        self.refuse_reentry();
        let entering = self.enter_async(ticket);
        // No closure: it would hide the caller.
        let entered = match timeout {
            None => Ok(entering.wait()),
            Some(timeout) => entering.timeout(timeout).wait(),
        };
        Self::finish(entered, act)
    }

    /// The same, until `deadline` at the latest; one in the past tries once.
    ///
    /// # Panics
    /// As [`enter`](Self::enter).
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn enter_deadline<'s, A, O>(
        &'s self,
        ticket: A,
        deadline: Instant,
        act: impl FnOnce(&mut Director<'s, T, R, B, V>) -> O,
    ) -> Exit<O, V>
    where
        A: Admission<T, V>,
    {
        self.refuse_reentry();
        let entered = self.enter_async(ticket).deadline(deadline).wait();
        Self::finish(entered, act)
    }

    fn refuse_reentry(&self) {
        assert!(
            !self.raw.is_headed_here(),
            "counterpoint: Stage::enter: this thread heads the stage already"
        );
    }

    fn finish<'s, O>(
        entered: Result<Entered<'s, T, R, B, V>, Stop>,
        act: impl FnOnce(&mut Director<'s, T, R, B, V>) -> O,
    ) -> Exit<O, V> {
        match entered {
            Ok(Entered::Head(mut director)) => {
                let stage = director.stage();
                Exit::Finished(stage.raw.headed_here(|| act(&mut director)))
            }
            Ok(Entered::Token) => Exit::Token,
            Ok(Entered::Value(value)) => Exit::Value(value),
            Ok(Entered::Closed) => Exit::Closed,
            // It has no other bound than a deadline.
            Err(Stop::TimedOut | Stop::Cancelled) => Exit::Timeout,
        }
    }

    /// The operation that enters; yields [`Entered`], where a headship is a guard.
    ///
    /// An owned ticket ends with the operation, or with the headship.
    ///
    /// # Cancel safety
    /// Dropping it gives up its place in line and passes a promised headship on. What its token was
    /// notified of stays with a borrowed ticket.
    ///
    /// # Panics
    /// If the ticket is of another stage.
    ///
    /// ```
    /// use counterpoint_sync::stage::{Entered, Stage};
    /// use counterpoint_wait::block_on;
    ///
    /// let stage = Stage::new("resource", ());
    /// block_on(async {
    ///     let mut ticket = stage.ticket(1).unwrap();
    ///     match stage.enter_async(&mut ticket).await {
    ///         Entered::Head(head) => assert!(head.notify(&1)),
    ///         other => unreachable!("nobody else is here: {other:?}"),
    ///     }
    ///     assert!(matches!(stage.enter_async(ticket).await, Entered::Token));
    /// });
    /// ```
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn enter_async<'s, A>(&'s self, ticket: A) -> Enter<'s, A, T, R, B, V>
    where
        A: Admission<T, V>,
    {
        verb::enter(self, ticket)
    }

    /// Locks the buffer: also for those who do not head.
    pub fn buffer(&self) -> MutexGuard<'_, B> {
        self.buffer.lock()
    }

    /// The resource, shared with whoever heads: to send on a socket on which the head receives.
    ///
    /// # Panics
    /// If a head has used [`Director::resource_mut`]: the first use decides for good.
    #[track_caller]
    pub fn shared(&self) -> &R
    where
        R: Sync,
    {
        self.share()
    }

    /// The same for a resource that is not `Sync`.
    ///
    /// # Safety
    /// As long as the reference is used, what it is used for must be sound beside what the head does
    /// with its own, on another thread.
    ///
    /// # Panics
    /// As [`shared`](Self::shared).
    #[track_caller]
    pub unsafe fn backdoor(&self) -> &R {
        self.share()
    }

    #[track_caller]
    fn share(&self) -> &R {
        assert!(
            self.raw.decide_access(Access::Shared),
            "counterpoint: Stage: a head uses the resource exclusively"
        );
        // SAFETY: nobody has it or will have it exclusively; `R` is `Sync`, or the caller of
        // `backdoor` has promised.
        self.resource.with(|resource| unsafe { &*resource })
    }

    /// The resource, through exclusive access to the stage.
    pub fn get_mut(&mut self) -> &mut R {
        self.resource.get_mut()
    }

    /// The resource and the buffer back.
    pub fn into_inner(self) -> (R, B) {
        (self.resource.into_inner(), self.buffer.into_inner())
    }

    /// Tells everybody who has a ticket, as [`notify`](Self::notify) would. Returns for how many
    /// tickets; those made meanwhile are not told, and those that another `notify_all` tells at the
    /// same time count for one of the two.
    ///
    /// # Cost
    /// Walks the table of tickets, and takes the lock once for every 64 buckets or 32 who wait; the
    /// square of their number where many tokens have hashes alike.
    pub fn notify_all(&self) -> usize {
        self.raw.notify_all()
    }

    /// Closes it for good: whoever waits and whoever enters gets `Closed`, after what its token was
    /// notified of. The one that heads is not disturbed.
    ///
    /// ```
    /// use counterpoint_sync::stage::{Exit, Stage};
    ///
    /// let stage = Stage::new((), ());
    /// let ticket = stage.ticket(1).unwrap();
    /// stage.close();
    /// assert_eq!(stage.enter(ticket, None, |_| ()), Exit::Closed);
    /// ```
    pub fn close(&self) {
        self.raw.close();
    }

    /// True once it was closed.
    pub fn is_closed(&self) -> bool {
        self.raw.is_closed()
    }

    /// True if somebody heads; may be wrong at the next moment.
    pub fn is_headed(&self) -> bool {
        self.raw.is_headed()
    }

    /// How many tickets there are; may be wrong at the next moment.
    pub fn tickets(&self) -> usize {
        self.raw.tickets()
    }

    /// Names the stage in what the hooks tell. The name belongs to its place: name it where it stays.
    /// Without the feature `hooks` this does nothing.
    #[inline(always)]
    pub fn named(&self, name: &'static str) {
        hooks::name(self.raw.queue(), name);
    }

    /// Those who wait for it at this instant, in the order of their places.
    #[cfg(feature = "hooks")]
    pub fn waiters(&self) -> Vec<hooks::Waiter> {
        hooks::visit(self.raw.queue())
    }
}

impl<T: Hash + Eq, R, B, V> Stage<T, R, B, V> {
    /// Takes a token; `None` if somebody has a ticket for it.
    ///
    /// From now on, until the ticket is dropped, what the token is notified of is kept for the ticket.
    /// So take it before asking for what will be notified.
    ///
    /// Tokens are hashed and compared without a lock: their `Hash` and `Eq` may use the stage.
    ///
    /// ```
    /// use counterpoint_sync::stage::Stage;
    ///
    /// let stage = Stage::new((), ());
    /// let ticket = stage.ticket(1).expect("nobody has it");
    /// assert!(stage.ticket(1).is_none());
    /// drop(ticket);
    /// assert!(stage.ticket(1).is_some());
    /// ```
    #[must_use = "dropping the ticket at once frees its token at once"]
    #[cfg_attr(feature = "hooks", track_caller)]
    pub fn ticket(&self, token: T) -> Option<Ticket<'_, T, V>> {
        let site = Site::here();
        let entry = self.raw.register(token)?;
        Some(Ticket::new(&self.raw, entry, site))
    }

    /// Tells the one who has a ticket for `token`: it gets [`Exit::Token`], now or when it enters.
    /// Anybody may, also the head itself, for itself. Returns false if nobody has a ticket.
    ///
    /// Several before its owner looks count as one; one after a value was delivered adds nothing.
    #[must_use = "nobody may have a ticket for the token"]
    pub fn notify<Q>(&self, token: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.raw.deliver(token, Mail::Token) {
            Ok(()) => true,
            Err((_, Refused::Unknown | Refused::Full)) => false,
        }
    }

    /// Delivers `value` to the one who has a ticket for `token`: it gets [`Exit::Value`], now or when it
    /// enters.
    ///
    /// # Errors
    /// The value, if nobody has a ticket, or its owner has not taken the value delivered before: a
    /// ticket holds one.
    pub fn notify_with<Q>(&self, token: &Q, value: V) -> Result<(), NotifyError<V>>
    where
        T: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let delivered = self.raw.deliver(token, Mail::Value(value));
        delivered.map_err(|(mail, why)| match (mail, why) {
            (Mail::Value(value), Refused::Unknown) => NotifyError::Unknown(value),
            (Mail::Value(value), Refused::Full) => NotifyError::Full(value),
            _ => unreachable!("what comes back is what was sent"),
        })
    }
}

impl<T, R, B, V> fmt::Debug for Stage<T, R, B, V> {
    /// Shows neither the resource nor the buffer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("headed", &self.is_headed())
            .field("closed", &self.is_closed())
            .field("tickets", &self.tickets())
            .finish_non_exhaustive()
    }
}

//! The waiting verb of the stage; the protocol is in `raw.rs`.

use core::convert::Infallible;
use core::fmt;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{Node, WaitQueue};
use counterpoint_wait::waker::WakeBatch;
use std::sync::Arc;

use super::entry::Entry;
use super::raw::{Found, RawStage, State};
use super::{Director, Entered, Stage, Ticket};
use sealed::Key;

/// What lets one enter a stage: a [`Ticket`], which ends when it has entered and left, or `&mut
/// Ticket`, which may enter again and keeps what comes in between. Not implemented elsewhere.
pub trait Admission<T, V>: sealed::Sealed<T, V> {}

impl<T, V> Admission<T, V> for Ticket<'_, T, V> {}
impl<T, V> Admission<T, V> for &mut Ticket<'_, T, V> {}

mod sealed {
    use super::super::ticket::{Kept, Ticket};

    /// Nobody else has one: what needs it is called by the stage alone.
    #[expect(unnameable_types, reason = "so that nobody else calls what needs it")]
    #[derive(Debug)]
    pub struct Key(pub(super) ());

    #[expect(
        unnameable_types,
        reason = "so that nobody else implements `Admission`"
    )]
    pub trait Sealed<T, V>: Sized {
        /// It ends with the operation.
        const ENDS: bool;

        fn ticket(&self, key: Key) -> &Ticket<'_, T, V>;

        /// What the one that heads keeps of the ticket.
        fn into_kept(self, key: Key) -> Option<Kept<T, V>>;
    }

    // Without any relation between the lifetimes of ticket and stage: futures could not be `Send`
    // otherwise, as the compiler forgets such relations when it looks into them.
    impl<T, V> Sealed<T, V> for Ticket<'_, T, V> {
        const ENDS: bool = true;

        fn ticket(&self, _: Key) -> &Ticket<'_, T, V> {
            self
        }

        fn into_kept(self, _: Key) -> Option<Kept<T, V>> {
            Some(self.into_parts())
        }
    }

    impl<T, V> Sealed<T, V> for &mut Ticket<'_, T, V> {
        const ENDS: bool = false;

        fn ticket(&self, _: Key) -> &Ticket<'_, T, V> {
            self
        }

        fn into_kept(self, _: Key) -> Option<Kept<T, V>> {
            None
        }
    }
}

/// Enters a stage; made by [`Stage::enter_async`].
pub type Enter<'s, A, T, R, B, V = Infallible> = Op<EnterVerb<'s, A, T, R, B, V>>;

/// The verb of [`Enter`].
pub struct EnterVerb<'s, A, T, R, B, V = Infallible> {
    stage: &'s Stage<T, R, B, V>,
    /// Gone once it heads.
    admission: Option<A>,
}

impl<A, T, R, B, V> fmt::Debug for EnterVerb<'_, A, T, R, B, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterVerb").finish_non_exhaustive()
    }
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn enter<'s, A, T, R, B, V>(
    stage: &'s Stage<T, R, B, V>,
    admission: A,
) -> Enter<'s, A, T, R, B, V>
where
    A: Admission<T, V>,
{
    let ticket = admission.ticket(Key(()));
    assert!(
        ticket.is_of(stage.raw()),
        "counterpoint: Stage::enter: the ticket is of another stage"
    );
    let entry = ticket.entry().clone();
    let verb = EnterVerb {
        stage,
        admission: Some(admission),
    };
    Op::new(verb, entry)
}

// SAFETY: one queue, that of the stage it borrows; no method moves the verb.
unsafe impl<'s, A, T, R, B, V> Verb for EnterVerb<'s, A, T, R, B, V>
where
    A: Admission<T, V>,
{
    type State = State<T, V>;
    type Payload = Arc<Entry<T, V>>;
    type Output = Entered<'s, T, R, B, V>;
    type Stoppable = Result<Entered<'s, T, R, B, V>, Stop>;

    const NAME: &'static str = "Stage::enter";

    fn queue(&self) -> &WaitQueue<State<T, V>, Arc<Entry<T, V>>> {
        self.stage.raw().queue()
    }

    fn attempt(
        &mut self,
        entry: &mut Arc<Entry<T, V>>,
        _turn: Turn,
    ) -> Option<Entered<'s, T, R, B, V>> {
        match self.stage.raw().try_enter(entry) {
            Found::Nothing => None,
            Found::Headship => {
                let admission = self.admission.take();
                let kept = admission.and_then(|admission| admission.into_kept(Key(())));
                // It is of this stage, as was looked at when the operation was made.
                let ticket = kept.map(|kept| Ticket::from_parts(self.stage.raw(), kept));
                Some(Entered::Head(Director::new(self.stage, ticket)))
            }
            Found::Token => Some(Entered::Token),
            Found::Value(value) => Some(Entered::Value(value)),
            Found::Closed => Some(Entered::Closed),
        }
    }

    fn prepare(
        &mut self,
        entry: &mut Arc<Entry<T, V>>,
        _turn: Turn,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool {
        RawStage::may_enter(queue, entry)
    }

    fn linked(
        &mut self,
        node: *const Node<Arc<Entry<T, V>>>,
        queue: &mut LockedQueue<'_, Self>,
    ) -> bool {
        self.sit(queue, node);
        false
    }

    fn collect(&mut self, _entry: &mut Arc<Entry<T, V>>) -> Entered<'s, T, R, B, V> {
        unreachable!("a stage leaves what it has in the ticket")
    }

    fn unclaimed(&mut self, entry: &mut Arc<Entry<T, V>>, queue: &mut LockedQueue<'_, Self>) {
        RawStage::give_back(queue, entry);
    }

    fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
        self.sit(queue, core::ptr::null());
        RawStage::promote(queue, wakes);
        false
    }

    #[inline(always)]
    fn taken(output: &mut Entered<'s, T, R, B, V>, site: Site) {
        if let Entered::Head(director) = output {
            director.tell_held(site);
        }
    }

    fn finish(output: Entered<'s, T, R, B, V>) -> Result<Entered<'s, T, R, B, V>, Stop> {
        Ok(output)
    }

    fn stopped(
        &mut self,
        entry: &mut Arc<Entry<T, V>>,
        why: Stop,
    ) -> Result<Entered<'s, T, R, B, V>, Stop> {
        if !A::ENDS {
            return Err(why);
        }
        match self.stage.raw().retire(entry) {
            Found::Token => Ok(Entered::Token),
            Found::Value(value) => Ok(Entered::Value(value)),
            Found::Nothing | Found::Headship | Found::Closed => Err(why),
        }
    }

    fn look_again(&mut self, queue: &mut LockedQueue<'_, Self>) -> bool {
        let free = RawStage::is_free(queue);
        if free {
            self.sit(queue, core::ptr::null());
        }
        free
    }
}

impl<'s, A, T, R, B, V> EnterVerb<'s, A, T, R, B, V>
where
    A: Admission<T, V>,
{
    /// The node of this operation, once it is linked, or null: raw.rs I5.
    fn sit(&self, queue: &mut LockedQueue<'_, Self>, node: *const Node<Arc<Entry<T, V>>>) {
        // One that heads has left the queue, and told so, before it was told that it does.
        if let Some(admission) = &self.admission {
            RawStage::sit(queue, admission.ticket(Key(())).entry(), node);
        }
    }
}

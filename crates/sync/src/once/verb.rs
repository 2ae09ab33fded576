//! The waiting verbs of a cell that is filled once; the protocol is in `raw.rs`.

use core::fmt;
use counterpoint_wait::Stop;
use counterpoint_wait::hooks::Site;
use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;

use super::raw::{Start, State, Wish};
use super::{Claim, OnceCell, OnceCellError, OnceInit};

/// Waits until the cell is full or may be filled by the caller; see [`OnceCell::claim_async`].
pub type ClaimOnce<'a, T> = Op<ClaimVerb<'a, T>>;

/// Waits until the cell is full; see [`OnceCell::wait_async`].
pub type WaitOnce<'a, T> = Op<WaitOnceVerb<'a, T>>;

/// The verb of [`ClaimOnce`].
pub struct ClaimVerb<'a, T> {
    cell: &'a OnceCell<T>,
}

/// The verb of [`WaitOnce`].
pub struct WaitOnceVerb<'a, T> {
    cell: &'a OnceCell<T>,
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn claim<T>(cell: &OnceCell<T>) -> ClaimOnce<'_, T> {
    Op::new(ClaimVerb { cell }, Wish::new(true))
}

#[cfg_attr(feature = "hooks", track_caller)]
pub(super) fn wait<T>(cell: &OnceCell<T>) -> WaitOnce<'_, T> {
    Op::new(WaitOnceVerb { cell }, Wish::new(false))
}

type Claimed<'a, T> = Result<Claim<'a, T>, OnceCellError>;

macro_rules! once_verb {
    (
        $verb:ident, $output:ty, $stoppable:ty, $name:literal,
        |$attempt:ident| $try_:expr, |$output_:ident| $finish:expr, |$why:ident| $stopped:expr
        $(, |$taken:ident, $site:ident| $tell:expr, |$again:ident| $look:expr)?
    ) => {
        impl<T> fmt::Debug for $verb<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($verb)).finish_non_exhaustive()
            }
        }

        // SAFETY: one queue, that of the cell it borrows; no method moves the verb.
        unsafe impl<'a, T> Verb for $verb<'a, T> {
            type State = State;
            type Payload = Wish;
            type Output = $output;
            type Stoppable = $stoppable;

            const NAME: &'static str = $name;

            fn queue(&self) -> &WaitQueue<State, Wish> {
                self.cell.raw.queue()
            }

            fn attempt(&mut self, _wish: &mut Wish, _turn: Turn) -> Option<Self::Output> {
                let $attempt: &'a OnceCell<T> = self.cell;
                $try_
            }

            fn prepare(
                &mut self,
                wish: &mut Wish,
                _turn: Turn,
                queue: &mut LockedQueue<'_, Self>,
            ) -> bool {
                self.cell.raw.prepare(wish, queue)
            }

            fn collect(&mut self, _wish: &mut Wish) -> Self::Output {
                unreachable!("a cell grants batons, not results")
            }

            fn unclaimed(&mut self, _wish: &mut Wish, _queue: &mut LockedQueue<'_, Self>) {}

            fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
                self.cell.raw.settle(queue, wakes)
            }

            fn finish($output_: Self::Output) -> Self::Stoppable {
                $finish
            }

            fn stopped(&mut self, _wish: &mut Wish, $why: Stop) -> Self::Stoppable {
                $stopped
            }

            $(
                #[inline(always)]
                fn taken($taken: &mut Self::Output, $site: Site) {
                    $tell
                }

                /// Queued before, and polled by the initializer that it would wait for.
                fn look_again(&mut self, _queue: &mut LockedQueue<'_, Self>) -> bool {
                    let $again = self.cell;
                    $look
                }
            )?
        }
    };
}

once_verb!(
    ClaimVerb,
    Claimed<'a, T>,
    Claimed<'a, T>,
    "OnceCell::claim",
    |cell| Some(Ok(match cell.raw.try_begin() {
        Start::Full => Claim::Full(cell.known()),
        Start::Begun => Claim::Init(OnceInit::new(cell)),
        Start::Running => return None,
        Start::Reentrant => return Some(Err(OnceCellError::Reentrant)),
    })),
    |output| output,
    |why| Err(why.into()),
    |output, site| if let Ok(Claim::Init(init)) = output {
        init.tell_held(site);
    },
    |cell| cell.raw.is_reentrant()
);

once_verb!(
    WaitOnceVerb,
    &'a T,
    Result<&'a T, Stop>,
    "OnceCell::wait",
    |cell| cell.get(),
    |output| Ok(output),
    |why| Err(why)
);

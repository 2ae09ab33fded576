//! The word that the arms of one select share; its states, invariants and edges are those of
//! `queue.rs`.

use counterpoint_base::const_fn;
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acquire, release};

const OPEN: u32 = 0;
const ABORTED: u32 = 1;
const FIRST_ARM: u32 = 2;

/// The decision shared by the arms of one select.
#[derive(Debug)]
pub struct Core {
    word: AtomicU32,
}

impl Default for Core {
    fn default() -> Core {
        Core::new()
    }
}

impl Core {
    const_fn! {
        /// An open decision.
        #[inline]
        pub const fn new() -> Core {
            Core { word: AtomicU32::new(OPEN) }
        }
    }

    /// Opens it again; only while no node refers to it.
    #[inline]
    pub fn reopen(&self) {
        // Relaxed: the queue locks under which nodes are linked publish it.
        self.word.store(OPEN, RELAXED);
    }

    /// Closes the decision for its winner, who is about to take what it was granted: from here on
    /// nobody may give that back.
    #[inline]
    pub fn close(&self) {
        // Relaxed: nothing is published, and no granter wins either way.
        self.word.store(ABORTED, RELAXED);
    }

    /// The arm that won, if any did.
    #[inline]
    pub fn winner(&self) -> Option<usize> {
        // Acquire [queue.rs E2]: pairs with the release in `decide`.
        self.word
            .load(acquire("select.winner"))
            .checked_sub(FIRST_ARM)
            .map(|arm| arm as usize)
    }

    /// Closes the decision, so that no arm can win any more.
    ///
    /// # Errors
    /// The arm that has won already.
    #[inline]
    pub fn abort(&self) -> Result<(), usize> {
        // Acquire [queue.rs E2] if an arm has won; nothing is published by closing.
        match self
            .word
            .compare_exchange(OPEN, ABORTED, RELAXED, acquire("select.lost_abort"))
        {
            Ok(_) => Ok(()),
            Err(word) => word
                .checked_sub(FIRST_ARM)
                .map_or(Ok(()), |arm| Err(arm as usize)),
        }
    }

    /// Decides for an arm. False if it is decided otherwise.
    pub(super) fn decide(&self, arm: u32) -> bool {
        // Release [queue.rs E2]. Failure (queue.rs I5): decided elsewhere, nothing is published
        // or read.
        self.word
            .compare_exchange(OPEN, FIRST_ARM + arm, release("select.grant"), RELAXED)
            .is_ok()
    }
}

/// One arm of a select, as its node knows it.
#[derive(Clone, Copy, Debug)]
pub struct ArmRef {
    pub(super) core: *const Core,
    pub(super) arm: u32,
}

impl ArmRef {
    /// Arm number `arm` of the select that owns `core`.
    ///
    /// # Safety
    /// `core` must stay where it is until the node that this is given to has been unregistered.
    #[inline]
    pub unsafe fn new(core: &Core, arm: usize) -> ArmRef {
        ArmRef {
            core,
            arm: arm as u32,
        }
    }
}

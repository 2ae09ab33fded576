//! For how long a party looks before it sleeps.
//!
//! Sleeping and being woken costs as much as [`RENDEZVOUS_SPINS`] pauses or more, so to look that
//! often first never costs much more than twice the best choice. A party whose partner keeps coming
//! later than that looks less and less often, and tries the full time again now and then: partners
//! change their pace.

use counterpoint_base::prim::{hint, thread};
use counterpoint_base::tune::{RENDEZVOUS_LEAST_SPINS, RENDEZVOUS_SPINS};

/// Of so many waits in vain, one looks for the full time.
const TRY_AGAIN: u32 = 32;

/// So many pauses stand alone, each before a look; after that they grow, so that the partner is not
/// held up who works on the cache line that is looked at. Looks without a pause do hold it up: with
/// them a meeting took a third longer.
const SINGLE: u32 = 32;

/// The longest pause between two looks.
const LONGEST: u32 = 16;

/// How often a party looked in vain.
#[derive(Debug)]
pub(super) struct Patience {
    limit: u32,
    vain: u32,
}

impl Patience {
    pub(super) const fn new() -> Patience {
        Patience {
            limit: RENDEZVOUS_SPINS,
            vain: 0,
        }
    }

    /// Looks again and again, for as long as that is likely to be worth it and time is not `over`.
    pub(super) fn spin<R>(
        &mut self,
        over: impl Fn() -> bool,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        if thread::parallelism() == 1 {
            return None;
        }
        let limit = match self.vain % TRY_AGAIN {
            0 => RENDEZVOUS_SPINS,
            _ => self.limit,
        };
        let (mut spun, mut pause) = (0, 1);
        while spun < limit {
            for _ in 0..pause {
                hint::spin_loop();
            }
            spun += pause;
            if let Some(seen) = look() {
                self.vain = 0;
                self.limit = RENDEZVOUS_SPINS;
                return Some(seen);
            }
            if spun > SINGLE && pause < LONGEST {
                pause *= 2;
            } else if pause == LONGEST && over() {
                return None;
            }
        }
        self.vain = self.vain.wrapping_add(1);
        self.limit = (self.limit / 2).max(RENDEZVOUS_LEAST_SPINS);
        None
    }
}

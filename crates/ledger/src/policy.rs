//! Where findings go.

use core::fmt;
use counterpoint_base::prim::atomic::{AtomicBool, RELAXED};
use counterpoint_base::prim::lock::Guarded;
use counterpoint_base::prim::thread::panicking;
use counterpoint_base::prim::time::Duration;
use std::sync::Arc;

use crate::finding::Finding;

/// Where a finding goes that is made as it happens.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Nowhere: [`deadlocks`](crate::deadlocks), [`inversions`](crate::inversions) and
    /// [`report`](crate::report) say the same when asked.
    #[default]
    Silent,
    /// To this function, on the thread or in the task that is about to wait, or that took the lock. It may
    /// run while you hold locks, so it must not take them. Findings that are only suspected go there, too.
    ///
    /// What it does is not recorded. Where it runs for a lock that was taken, a panic of it ends there; where
    /// it runs for who is about to wait, that is who panics.
    Call(Arc<dyn Fn(&Finding) + Send + Sync>),
    /// To `tracing`, as an error or a warning.
    #[cfg(feature = "tracing")]
    Tracing,
    /// A deadlock that is certain panics in the thread that closes it, instead of waiting: its guards
    /// are dropped, and the others go on. Everything else is silent, and so is a thread that is unwinding
    /// already: a second panic would abort the program.
    ///
    /// Certain is what rests on guards that cannot be sent, such as those of a `ReentrantMutex` or a
    /// `ShardedLock`; for others see [`PanicAfter`](Self::PanicAfter). Where a lock is taken again for a guard
    /// that is still in its owner's hands (`unlocked`, `bump`, `Condvar::wait`), and in the locks of `lock_api`,
    /// the message is printed and the thread waits on: without the lock that guard would be no guard.
    Panic,
    /// The same, and also a deadlock in which each member is a blocked thread that waits for one lock alone, each
    /// lock is held by a borrowed guard that was never seen elsewhere than where it was taken, and nothing has
    /// moved for so long ([`Deadlock::stood_still`](crate::Deadlock::stood_still)).
    ///
    /// By this you say that no guard of yours is sent to another thread and held there, unused, for longer than
    /// that, and that this process is not stopped for so long: by nothing that is in memory can such a guard be
    /// told from one that stayed. For tests a second will do. The thread that closes a deadlock looks every
    /// few milliseconds meanwhile.
    PanicAfter(Duration),
}

/// For how long a deadlock that is not certain has to stand still before it is sent.
pub(crate) fn patience() -> Option<Duration> {
    POLICY.with(|policy| match policy {
        Policy::PanicAfter(patience) => Some(*patience),
        _ => None,
    })
}

impl Policy {
    /// [`Policy::Call`] of `f`.
    pub fn call(f: impl Fn(&Finding) + Send + Sync + 'static) -> Policy {
        Policy::Call(Arc::new(f))
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Policy::Silent => "Silent",
            Policy::Call(_) => "Call",
            #[cfg(feature = "tracing")]
            Policy::Tracing => "Tracing",
            Policy::Panic => "Panic",
            Policy::PanicAfter(_) => "PanicAfter",
        })
    }
}

counterpoint_base::static_! {
    static POLICY: Guarded<Policy> = Guarded::new(Policy::Silent);
    static LOUD: AtomicBool = AtomicBool::new(false);
}

/// Sends findings elsewhere from now on.
pub fn set_policy(policy: Policy) {
    let loud = !matches!(policy, Policy::Silent);
    let before = POLICY.with(|place| core::mem::replace(place, policy));
    LOUD.store(loud, RELAXED); // Relaxed: a switch.
    // A closure of the user's, dropped with the lock released.
    drop(before);
}

/// Whether nobody wants findings as they happen.
pub(crate) fn is_silent() -> bool {
    !LOUD.load(RELAXED) // Relaxed: a switch.
}

/// Sends a finding where it goes.
///
/// # Panics
/// If the policy says so, and it is a deadlock that is certain; and where the user's function does.
pub(crate) fn send(finding: &Finding) {
    // To clone it allocates nothing.
    let policy = POLICY.with(|policy| policy.clone());
    match policy {
        Policy::Silent => {}
        Policy::Call(f) => f(finding),
        #[cfg(feature = "tracing")]
        Policy::Tracing => match finding {
            Finding::Deadlock(deadlock) => tracing::error!("counterpoint: {deadlock}"),
            Finding::Inversion(inversion) => tracing::warn!("counterpoint: {inversion}"),
        },
        Policy::Panic => panic_of(finding, None),
        Policy::PanicAfter(patience) => panic_of(finding, Some(patience)),
    }
}

fn panic_of(finding: &Finding, patience: Option<Duration>) {
    if let Finding::Deadlock(deadlock) = finding {
        let waits = deadlock.stood_still().zip(patience);
        let is_old = waits.is_some_and(|(still, patience)| still >= patience);
        let panics = deadlock.certain || is_old;
        assert!(!panics || panicking(), "counterpoint: {deadlock}");
    }
}

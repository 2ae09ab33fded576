//! Where findings go.

use core::fmt;
use counterpoint_base::prim::atomic::{AtomicBool, RELAXED};
use counterpoint_base::prim::lock::Guarded;
use counterpoint_base::prim::thread::panicking;
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
    /// already: a second panic would abort the program. Nor does it panic where a guard that you still
    /// have takes its lock again (`MutexGuard::unlocked` and its kin).
    ///
    /// For tests, and for who hunts a deadlock; not for a program that must go on. A guard that was sent
    /// to another thread, which keeps it for more than a second and never looks at the value, is still
    /// taken for its first thread's, and then this panics though nobody would wait for ever.
    Panic,
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
        Policy::Panic => {
            if let Finding::Deadlock(deadlock) = finding {
                assert!(!deadlock.certain || panicking(), "counterpoint: {deadlock}");
            }
        }
    }
}

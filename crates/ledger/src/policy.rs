//! Where findings go.

use core::fmt;
use counterpoint_base::prim::lock::Guarded;
use std::sync::Arc;

use crate::finding::Finding;

/// Where a finding goes that is made as it happens.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Nowhere: [`deadlocks`](crate::deadlocks) and [`report`](crate::report) say the same when asked.
    #[default]
    Silent,
    /// To this function, on the thread that is about to wait, or that took the lock. It may run while
    /// you hold locks, so it must not take them.
    Call(Arc<dyn Fn(&Finding) + Send + Sync>),
    /// To `tracing`, as an error or a warning.
    #[cfg(feature = "tracing")]
    Tracing,
    /// A deadlock that is certain panics in the thread that closes it, instead of waiting: its guards
    /// are dropped, and the others go on. Everything else is silent.
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
}

/// Sends findings elsewhere from now on.
pub fn set_policy(policy: Policy) {
    let before = POLICY.with(|place| core::mem::replace(place, policy));
    // A closure of the user's, dropped with the lock released.
    drop(before);
}

/// Whether anybody wants findings as they happen.
pub(crate) fn is_silent() -> bool {
    POLICY.with(|policy| matches!(policy, Policy::Silent))
}

/// Sends a finding where it goes.
///
/// # Panics
/// If the policy says so, and it is a deadlock that is certain.
pub(crate) fn send(finding: &Finding) {
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
                assert!(!deadlock.certain, "counterpoint: {deadlock}");
            }
        }
    }
}

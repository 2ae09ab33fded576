//! Events that stay set: [`ManualResetEvent`], a gate, and [`AutoResetEvent`], which lets one through.

mod auto;
mod manual;
mod raw_auto;
mod raw_manual;

pub use auto::AutoResetEvent;
pub use manual::ManualResetEvent;
pub use raw_auto::{AutoResetVerb, AutoResetWait, Pass};
pub use raw_manual::{ManualResetVerb, ManualResetWait, Round};

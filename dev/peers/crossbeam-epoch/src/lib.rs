//! A stand-in with the peer's name.
pub use counterpoint_compat::crossbeam_epoch::*;

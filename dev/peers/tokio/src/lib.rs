//! A stand-in with the peer's name: the locks and signals of `sync` are ours, the rest is the peer's.
pub use published::*;

pub mod sync {
    pub use counterpoint_compat::tokio::sync::*;
    pub use published::sync::{broadcast, mpsc, oneshot, watch};
}

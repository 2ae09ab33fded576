//! `tokio-util` 0.7: `sync::CancellationToken`.

pub mod sync;

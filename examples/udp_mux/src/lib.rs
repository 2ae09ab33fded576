//! Many threads and tasks each wait for the answers of their own peers, over one unconnected UDP
//! socket: a small client in the manner of DNS, with retries, and the peers that answer.
//!
//! Nobody reads the socket for all. The clients share a [`Stage`](counterpoint::sync::Stage): one of
//! those who wait heads it, reads, and hands each answer to the one it is for, until its own is there.

pub mod client;
pub mod histogram;
pub mod peer;
pub mod run;
pub mod wire;

//! Heat on a plate, as an animated picture: one thread computes, another one draws.
//!
//! The two swap buffers through a
//! [`RendezvousData`](counterpoint::sync::RendezvousData): while one frame is drawn the next one is
//! computed into the other buffer. Nothing is copied or allocated for a frame, and neither of the
//! two gets more than a frame ahead.

pub mod film;
pub mod plate;
pub mod run;

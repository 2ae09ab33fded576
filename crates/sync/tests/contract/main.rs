//! The wait contract, rule by rule, on every primitive.

mod bounds;
mod memory;
mod notify;
mod panics;
mod queue;
mod subjects;
mod wakers;

//! The wait contract, rule by rule, on every primitive.

mod bounds;
#[path = "../../../base/tests/leak/mod.rs"]
mod leak;
mod memory;
mod notify;
mod panics;
mod queue;
mod subjects;
mod wakers;

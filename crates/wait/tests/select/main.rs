//! The select macros and `Select`: grammar, choice, losers, and what a select leaves behind.

mod channel;
mod choice;
mod dynamic;
mod grammar;
mod rounds;

//! atlas maps a source tree: how much of it there is in which language, which
//! identifiers it uses most, which files are the same, which are the largest, and
//! what in it is odd.
//!
//! [`engine::map`] does the work and gives an [`report::Atlas`]; [`terminal`] and
//! [`html`] show it.

pub mod engine;
pub mod finding;
pub mod format;
pub mod html;
pub mod identifiers;
pub mod language;
pub mod lexer;
pub mod report;
pub mod scan;
pub mod terminal;
pub mod totals;

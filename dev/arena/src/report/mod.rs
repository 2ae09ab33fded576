//! How results are shown.

pub(crate) mod json;
pub(crate) mod progress;
pub(crate) mod terminal;

//! One file for each job.

pub(crate) mod arena;
pub(crate) mod cargo_test;
pub(crate) mod clippy;
pub(crate) mod disasm;
pub(crate) mod docs;
pub(crate) mod empty_tests;
pub(crate) mod examples;
pub(crate) mod features;
pub(crate) mod fmt;
pub(crate) mod fuzz;
pub(crate) mod headers;
pub(crate) mod histories;
pub(crate) mod jitter;
pub(crate) mod layers;
pub(crate) mod litmus;
pub(crate) mod models;
pub(crate) mod nostd;
pub(crate) mod peers;
pub(crate) mod peers_absent;
pub(crate) mod planted;
pub(crate) mod proof;
pub(crate) mod sanitize;
pub(crate) mod sites;
pub(crate) mod sizes;
pub(crate) mod weaken;
pub(crate) mod words;

//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// The first argument of a child; the second is its order.
pub(crate) const CHILD: &str = "--child";

/// The same for a child whose instructions are counted.
pub(crate) const COUNT: &str = "--count";

/// Measures counterpoint beside its peers.
#[derive(Debug, Parser)]
#[command(
    name = "arena",
    version,
    after_help = "\
What is measured
  Two subjects in turn, in pairs, in several fresh processes with pinned threads. A ratio is the \
peer's time by ours: above 1 ours is faster. Its interval holds it in 95 of 100 draws. A bound is \
met when the ratio is at least the bound less 0.03 and the interval reaches the bound.

How it ends
  0 with a result, whether bounds are met or not; 3 when the run is void, because the same code on \
both sides (base/aa, part of every run) shows a difference; 1 when something failed; 2 for wrong \
arguments."
)]
pub(crate) struct Cli {
    /// Print the scenarios with what they measure
    #[arg(long)]
    pub(crate) list: bool,

    /// Only scenarios whose id, or a folder of it, fits; may be repeated. `*` is anything, `?` a
    /// character, `{a,b}` either
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,

    /// A second or two for each scenario instead of half a minute
    #[arg(long)]
    pub(crate) quick: bool,

    /// Where the result goes as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Where the report goes as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Count instructions instead of time, with callgrind
    #[arg(long, conflicts_with_all = ["json", "html"])]
    pub(crate) counts: bool,

    /// Where the random draws of intervals begin
    #[arg(long, value_name = "NUMBER", default_value_t = 20_261_122)]
    pub(crate) seed: u64,
}

//! The command line.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use atlas::engine::Options;
use clap::Parser;

/// Maps a source tree: languages, lines, identifiers, duplicates and sizes.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
What counts
  A line is a newline byte, as `wc -l` counts it. The language goes by name and extension. Files \
with a zero byte near their beginning are binary: counted, but their text is not looked at.

  Symbolic links are followed where you name them and not below: a link that leads somewhere is \
counted, a broken link and a link into itself or a directory above it are named. Paths that \
overlap count once. A file with several names counts under each but is no duplicate of itself.

  Version control stores (.git, .hg, ...) and directories tagged with CACHEDIR.TAG, such as \
cargo's target, are skipped and named; --all walks them too.

How it ends
  0 with a result, also when the time limit made it partial; 130 after Ctrl-C, with the partial \
result; 2 when no path can be read; 1 when a report cannot be written."
)]
pub(crate) struct Cli {
    /// Files and directories to map
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,

    /// How many threads read [default: one per processor]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,

    /// Where the HTML report goes
    #[arg(long, value_name = "FILE", default_value = "target/atlas.html")]
    pub(crate) html: PathBuf,

    /// Where the result goes as JSON; `-` is the standard output, without the summary
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// How many entries lists have
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
    pub(crate) top: usize,

    /// How many files may be open at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = at_least_one)]
    pub(crate) open_files: usize,

    /// Stop after so many seconds and show what there is
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,

    /// Walk version control stores and tagged caches too
    #[arg(long)]
    pub(crate) all: bool,

    /// Show no progress bar
    #[arg(long)]
    pub(crate) no_progress: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("give a whole number of at least 1".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds >= 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "give a number of seconds, such as 30 or 0.5".to_owned())
}

impl Cli {
    /// What the engine needs to know. The time limit runs from now.
    pub(crate) fn options(&self) -> Options {
        let defaults = Options::default();
        Options {
            paths: self.paths.clone(),
            threads: self.threads.unwrap_or(defaults.threads),
            open_files: self.open_files,
            top: self.top,
            all: self.all,
            deadline: self
                .timeout
                .and_then(|limit| Instant::now().checked_add(limit)),
        }
    }
}

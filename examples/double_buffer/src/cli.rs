//! The command line.

use clap::Parser;
use double_buffer::plate::Size;
use double_buffer::run::Script;
use std::path::PathBuf;

/// Draws how heat spreads over a plate, as an animated GIF.
///
/// One thread computes the frames, another one draws them, and they swap buffers at a rendezvous.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
How it ends
  0 with the picture; 130 after Ctrl-C, with the frames up to then; 1 when the picture cannot be \
written, or when --check finds a frame that is not what one thread alone computes; 2 for wrong \
arguments."
)]
pub(crate) struct Cli {
    /// Where the picture goes
    #[arg(long, value_name = "FILE", default_value = "target/double_buffer.gif")]
    pub(crate) out: PathBuf,

    /// How many frames it has
    #[arg(long, value_name = "N", default_value_t = 150, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) frames: u32,

    /// The plate, in cells across and down: from 8x8 to 4096x4096
    #[arg(long, value_name = "WxH", default_value = "320x240", value_parser = size)]
    pub(crate) size: Size,

    /// Steps of the simulation for each frame
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) steps: u32,

    /// Frames a second, as the picture is shown
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=50))]
    pub(crate) rate: u16,

    /// Where the hot spots begin
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Compare each frame with one that the drawing thread computes again
    #[arg(long, conflicts_with = "one_thread")]
    pub(crate) check: bool,

    /// Compute and draw in turn on one thread, to compare the time
    #[arg(long)]
    pub(crate) one_thread: bool,

    /// Show no progress bar
    #[arg(long)]
    pub(crate) no_progress: bool,
}

impl Cli {
    pub(crate) fn script(&self) -> Script {
        Script {
            size: self.size,
            frames: self.frames,
            steps: self.steps,
            rate: self.rate,
            seed: self.seed,
        }
    }
}

fn size(text: &str) -> Result<Size, String> {
    let side = |text: &str| text.parse().ok().filter(|side| (8..=4096).contains(side));
    let sides = text.split_once('x');
    let sides = sides.and_then(|(width, height)| Some((side(width)?, side(height)?)));
    match sides {
        Some((width, height)) => Ok(Size { width, height }),
        None => Err("write it as 320x240, with 8 to 4096 cells on a side".to_owned()),
    }
}

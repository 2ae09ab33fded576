//! `double_buffer`: an animated picture of heat on a plate. See `double_buffer --help`.

mod cli;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use cli::Cli;
use counterpoint::cancel::CancelToken;
use double_buffer::run::{self, Made, Trouble};
use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{spinner:.cyan} {bar:32.cyan/dim} {pos} of {len} frames · {per_sec}";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let token = CancelToken::new();
    if let Err(error) = stop_on_ctrl_c(&token) {
        eprintln!("double_buffer: Ctrl-C will end the program without a picture: {error}");
    }
    match film(&cli, &token) {
        Ok(made) => {
            // A reader that has seen enough is no error.
            let _ = io::stdout().write_all(summary(&made, &cli).as_bytes());
            match made.frames < cli.frames {
                true => ExitCode::from(130),
                false => ExitCode::SUCCESS,
            }
        }
        Err(sentence) => {
            eprintln!("double_buffer: {sentence}");
            ExitCode::from(1)
        }
    }
}

/// The first Ctrl-C ends the film, the second one the program.
fn stop_on_ctrl_c(token: &CancelToken) -> Result<(), ctrlc::Error> {
    let token = token.clone();
    ctrlc::set_handler(move || {
        if token.is_cancelled() {
            std::process::exit(130);
        }
        token.cancel("Ctrl-C");
    })
}

fn film(cli: &Cli, token: &CancelToken) -> Result<Made, String> {
    let out = open(&cli.out).map_err(|error| unwritable(&cli.out, &error))?;
    let bar = bar(cli);
    let show = |frames: u32| bar.set_position(u64::from(frames));
    let script = cli.script();
    let made = match cli.one_thread {
        true => run::alone(&script, out, token, show),
        false => run::together(&script, out, cli.check, token, show),
    };
    bar.finish_and_clear();
    made.map_err(|trouble| match trouble {
        Trouble::Picture(error) => unwritable(&cli.out, &error),
        Trouble::Differs(_) => format!("{trouble}; this is a fault of the program."),
    })
}

fn unwritable(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    format!("cannot write {path}: {error}. Name another file with --out.")
}

fn open(path: &Path) -> io::Result<BufWriter<File>> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or(Ok(()), fs::create_dir_all)?;
    File::create(path).map(BufWriter::new)
}

/// Hidden by indicatif when standard error is no terminal.
fn bar(cli: &Cli) -> ProgressBar {
    if cli.no_progress {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::from(cli.frames));
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template is correct");
    bar.set_style(style.progress_chars("━╸─"));
    bar
}

fn summary(made: &Made, cli: &Cli) -> String {
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let bytes = fs::metadata(&cli.out).map_or(0, |data| data.len());
    let checked = match made.checked {
        0 => String::new(),
        same => format!(" {same} frames are the same as on one thread."),
    };
    format!(
        "{} frames of {}x{} in {}: computing took {}, drawing {}.{checked}\nPicture: {} ({} KiB)\n",
        made.frames,
        cli.size.width,
        cli.size.height,
        seconds(made.took),
        seconds(made.computing),
        seconds(made.drawing),
        cli.out.display(),
        bytes / 1024,
    )
}

//! `atlas`: maps a source tree. See `atlas --help`.

mod cli;
mod progress;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use atlas::engine::backend::{Backend, Counterpoint};
use atlas::engine::{self, Options};
use atlas::format::{number, size};
use atlas::report::Atlas;
use atlas::{html, terminal};
use clap::Parser;
use cli::Cli;

type Engine = Counterpoint;
type Stop = <Engine as Backend>::Token;

const INTERRUPTED: &str = "Ctrl-C";

fn main() -> ExitCode {
    let cli = Cli::parse();
    let token = Stop::new();
    if let Err(error) = stop_on_ctrl_c(&token) {
        eprintln!("atlas: Ctrl-C will end the program without a result: {error}");
    }
    let options = cli.options();
    let begun = Instant::now();
    let mut bar = progress::Bar::new(!cli.no_progress);
    let mapped = engine::map::<Engine>(&options, &token, &mut |progress| bar.show(progress));
    bar.finish();
    let atlas = match mapped {
        Ok(atlas) => atlas,
        Err(nothing) => {
            eprintln!("atlas: {nothing}.");
            return ExitCode::from(2);
        }
    };
    let written = show(&atlas, &cli, &options, begun.elapsed());
    if let Err(sentence) = written {
        eprintln!("atlas: {sentence}");
        return ExitCode::from(1);
    }
    let interrupted = atlas.stopped_by == Some(INTERRUPTED);
    if interrupted {
        ExitCode::from(130)
    } else {
        ExitCode::SUCCESS
    }
}

/// The first Ctrl-C ends the walk, the second one the program.
fn stop_on_ctrl_c(token: &Stop) -> Result<(), ctrlc::Error> {
    let token = token.clone();
    ctrlc::set_handler(move || {
        if token.is_cancelled() {
            std::process::exit(130);
        }
        token.cancel(INTERRUPTED);
    })
}

/// Writes the reports and the summary.
fn show(atlas: &Atlas, cli: &Cli, options: &Options, took: Duration) -> Result<(), String> {
    let to_stdout = cli.json.as_deref() == Some(Path::new("-"));
    let mut reports = Vec::new();
    if let Some(path) = cli.json.as_deref() {
        let write = |out: &mut dyn Write| {
            serde_json::to_writer_pretty(&mut *out, &atlas.to_json())?;
            out.write_all(b"\n")
        };
        if to_stdout {
            quiet_pipe(write(&mut io::stdout().lock()))?;
        } else {
            save(path, "--json", write)?;
            reports.push(path.display().to_string());
        }
    }
    save(&cli.html, "--html", |out| {
        out.write_all(html::page(atlas).as_bytes())
    })?;
    reports.push(cli.html.display().to_string());
    if to_stdout {
        return Ok(());
    }
    let color = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let mut text = terminal::summary(
        atlas,
        terminal::Style {
            color,
            top: cli.top,
        },
    );
    let seconds = took.as_secs_f64();
    text += &format!(
        "\n{:.2} s on {} threads: {} files/s, {}/s. Report: {}\n",
        seconds,
        options.threads,
        number((atlas.files as f64 / seconds) as u64),
        size((atlas.bytes as f64 / seconds) as u64),
        reports.join(", "),
    );
    quiet_pipe(io::stdout().lock().write_all(text.as_bytes()))
}

/// A reader that has seen enough is no error.
fn quiet_pipe(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write to the standard output: {error}."))
        }
        _ => Ok(()),
    }
}

/// Writes a file, making the directories it needs.
fn save(
    path: &Path,
    option: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), String> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let saved = parent.map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        let mut out = BufWriter::new(File::create(path)?);
        write(&mut out)?;
        out.flush()
    });
    saved.map_err(|error| {
        format!(
            "cannot write {}: {error}. Name another file with {option}.",
            path.display()
        )
    })
}

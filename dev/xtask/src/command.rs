//! Runs other programs: quietly, with a log, an echo of the lines that matter and a time limit.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

mod failed;

/// How many of the last lines of a failed command are shown.
const SHOWN_ON_FAILURE: usize = 60;

/// A program to run, with no standard input.
pub(crate) struct Command {
    process: Process,
    shown: String,
    limit: Option<Duration>,
    log: Option<PathBuf>,
    echo: Echo,
}

/// Which lines of a command appear on the terminal while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// None.
    Nothing,
    /// Errors, warnings and failed tests.
    Problems,
    /// All.
    Everything,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Output {
    /// Standard output; with standard error mixed in unless [`Command::capture`] was used.
    pub(crate) text: String,
    /// Standard error, only from [`Command::capture`].
    pub(crate) errors: String,
    pub(crate) ending: Ending,
    shown: String,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    /// With this exit code, or by a signal.
    Failure(Option<i32>),
    /// Stopped by us after its time limit.
    TimedOut,
}

impl Output {
    /// An error with what was said about failed tests and with the last lines of output, unless the command succeeded.
    pub(crate) fn checked(self) -> Result<Output, String> {
        if self.ending == Ending::Success {
            return Ok(self);
        }
        let mut lines = VecDeque::new();
        for line in self.errors.lines().chain(self.text.lines()) {
            if lines.len() == SHOWN_ON_FAILURE {
                lines.pop_front();
            }
            lines.push_back(line);
        }
        let tail: String = lines
            .into_iter()
            .map(|line| format!("    | {line}\n"))
            .collect();
        let failed = failed::passages(&self.text);
        Err(format!(
            "`{}` {}:\n{failed}    At last it said:\n{tail}",
            self.shown,
            self.ending.sentence()
        ))
    }
}

impl Ending {
    /// `failed with exit code 101`.
    pub(crate) fn sentence(self) -> String {
        match self {
            Ending::Success => "succeeded".to_owned(),
            Ending::Failure(Some(code)) => format!("failed with exit code {code}"),
            Ending::Failure(None) => "was ended by a signal".to_owned(),
            Ending::TimedOut => "did not end within its time limit and was stopped".to_owned(),
        }
    }

    fn of(status: ExitStatus) -> Ending {
        if status.success() {
            Ending::Success
        } else {
            Ending::Failure(status.code())
        }
    }
}

impl Command {
    /// `cargo` as the one that started this program.
    pub(crate) fn cargo(arguments: &[&str]) -> Command {
        let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::program(Path::new(&program));
        command.shown = "cargo".to_owned();
        command.arguments(arguments)
    }

    /// Any program.
    pub(crate) fn program(program: &Path) -> Command {
        let mut process = Process::new(program);
        process.stdin(Stdio::null());
        // Escape sequences would hide the lines that jobs look for.
        process.env("CARGO_TERM_COLOR", "never");
        // Set by `cargo run` for this program; children would take them for their own.
        for (key, _) in env::vars_os() {
            let name = key.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                process.env_remove(&key);
            }
        }
        let name = program.file_name().unwrap_or(program.as_os_str());
        let shown = name.to_string_lossy().into_owned();
        Command {
            process,
            shown,
            limit: None,
            log: None,
            echo: Echo::Nothing,
        }
    }

    /// Adds arguments.
    pub(crate) fn arguments<S: AsRef<str>>(mut self, arguments: &[S]) -> Command {
        for argument in arguments {
            self.process.arg(argument.as_ref());
            self.shown = format!("{} {}", self.shown, argument.as_ref());
        }
        self
    }

    /// Sets an environment variable.
    pub(crate) fn variable(mut self, key: &str, value: &str) -> Command {
        self.process.env(key, value);
        self.shown = format!("{key}={value:?} {}", self.shown);
        self
    }

    /// Adds to the caller's `RUSTFLAGS`.
    pub(crate) fn rustflags(self, flags: &str) -> Command {
        let own = env::var("RUSTFLAGS").unwrap_or_default();
        self.variable("RUSTFLAGS", format!("{own} {flags}").trim())
    }

    /// Runs in this folder.
    pub(crate) fn directory(mut self, folder: &Path) -> Command {
        self.process.current_dir(folder);
        self
    }

    /// Stops the program after this time. Only for programs without children of their own.
    pub(crate) fn limit(mut self, limit: Duration) -> Command {
        self.limit = Some(limit);
        self
    }

    /// Appends all output to this file and shows the lines that `echo` asks for.
    pub(crate) fn log(mut self, file: &Path, echo: Echo) -> Command {
        self.log = Some(file.to_owned());
        self.echo = echo;
        self
    }

    /// Runs to the end; both output streams come back as one text.
    pub(crate) fn run(mut self) -> Result<Output, String> {
        let started = Instant::now();
        let (reader, writer) = std::io::pipe().map_err(|error| self.refused(&error))?;
        let second = writer.try_clone().map_err(|error| self.refused(&error))?;
        self.process.stdout(writer).stderr(second);
        let mut child = self.process.spawn().map_err(|error| self.refused(&error))?;
        // Our copies of the writing end must go, or the reader never sees the end.
        self.process.stdout(Stdio::null()).stderr(Stdio::null());
        let mut log = self.open_log()?;
        let echo = self.echo;
        let collect = thread::spawn(move || read_lines(reader, echo, &mut log));
        let ending = wait(&mut child, self.limit).map_err(|error| self.refused(&error))?;
        let text = collect
            .join()
            .map_err(|_| "The thread that reads output panicked.")?;
        if self.log.is_some() {
            println!(
                "    {:>6.1} s  {}",
                started.elapsed().as_secs_f64(),
                self.shown
            );
        }
        Ok(Output {
            text,
            errors: String::new(),
            ending,
            shown: self.shown,
        })
    }

    /// Runs to the end with the two output streams apart, without echo.
    pub(crate) fn capture(mut self) -> Result<Output, String> {
        let started = Instant::now();
        let output = self
            .process
            .output()
            .map_err(|error| self.refused(&error))?;
        if let Some(mut log) = self.open_log()? {
            let _ = log.write_all(&output.stderr);
            println!(
                "    {:>6.1} s  {}",
                started.elapsed().as_secs_f64(),
                self.shown
            );
        }
        Ok(Output {
            text: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
            ending: Ending::of(output.status),
            shown: self.shown,
        })
    }

    fn refused(&self, error: &std::io::Error) -> String {
        format!(
            "`{}` could not be run: {error}. Is the program installed?",
            self.shown
        )
    }

    fn open_log(&self) -> Result<Option<fs::File>, String> {
        let Some(path) = &self.log else {
            return Ok(None);
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .map_err(|error| format!("The log folder cannot be made: {error}."))?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|error| format!("The log {} cannot be opened: {error}.", path.display()))?;
        let _ = writeln!(file, "$ {}", self.shown);
        Ok(Some(file))
    }
}

/// Waits for the child, at most for `limit`.
fn wait(child: &mut Child, limit: Option<Duration>) -> std::io::Result<Ending> {
    let Some(limit) = limit else {
        return child.wait().map(Ending::of);
    };
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ending::of(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(Ending::TimedOut);
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn read_lines(reader: impl Read, echo: Echo, log: &mut Option<fs::File>) -> String {
    let mut text = String::new();
    let mut reader = BufReader::new(reader);
    let mut bytes = Vec::new();
    while reader
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|count| count > 0)
    {
        let line = String::from_utf8_lossy(&bytes);
        let shown = match echo {
            Echo::Nothing => false,
            Echo::Problems => is_problem(&line),
            Echo::Everything => true,
        };
        if shown {
            print!("    | {line}");
        }
        if let Some(file) = log {
            let _ = file.write_all(&bytes);
        }
        text.push_str(&line);
        bytes.clear();
    }
    text
}

/// True for a line worth showing at once. A panic is none: many a test wants one.
fn is_problem(line: &str) -> bool {
    line.starts_with("error")
        || line.starts_with("warning:")
        || line.trim_end().ends_with("... FAILED")
}

#[cfg(test)]
mod tests;

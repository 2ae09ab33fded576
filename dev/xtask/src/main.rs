//! `cargo xtask`: the checks of the workspace, each a command of its own, and the gate that runs
//! them all with a budget of minutes.
//!
//! To add a job: write `jobs/<name>.rs` with a `run(&Context) -> Result<String, String>` that
//! returns a note or a report, and give it a line in [`job::JOBS`].

mod cli;
mod command;
mod gate;
mod job;
mod jobs;
mod lexer;
mod primitives;
mod repo;
mod report;
mod source;
mod test_build;

use std::process::ExitCode;

fn main() -> ExitCode {
    let request = match cli::parse(lexopt::Parser::from_env()) {
        Ok(request) => request,
        Err(problem) => {
            eprintln!("{problem}\n\n{}", cli::usage());
            return ExitCode::from(2);
        }
    };
    match gate::answer(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

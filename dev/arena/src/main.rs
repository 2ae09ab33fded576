//! `arena`: measures counterpoint beside its peers. See README.md and `arena --help`.

mod alloc;
mod book;
mod child;
mod cli;
mod counts;
mod drive;
mod glob;
mod peers;
mod report;
mod result;
mod rooms;
mod runner;
mod sample;
mod stats;
mod system;
mod verdict;

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, ExitCode};

use book::{Book, Scenario};
use clap::Parser;
use cli::{CHILD, COUNT, Cli};
use report::{progress::Bar, terminal};
use result::Run;
use runner::{Plan, Runner};

#[global_allocator]
static ALLOCATOR: alloc::Counting = alloc::Counting;

/// Seconds after which a child that does not end is ended.
const CHILD_LIMIT: u32 = 120;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [role, order] if role == CHILD => return ended(child(order), 1),
        [role, order] if role == COUNT => return ended(counted_child(order), 1),
        _ => {}
    }
    let cli = Cli::parse();
    let book = Book::whole();
    let chosen = match chosen(&book, &cli.only) {
        Ok(chosen) => chosen,
        Err(sentence) => return ended(Err(sentence), 2),
    };
    if cli.list {
        print!("{}", terminal::list(&chosen));
        return ExitCode::SUCCESS;
    }
    if cli.counts {
        return ended(counts::run(&chosen, |text| print!("{text}")), 1);
    }
    match measure(&book, &chosen, &cli) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(void)) => ended(Err(format!("void: {void}")), 3),
        Err(sentence) => ended(Err(sentence), 1),
    }
}

/// Success, or the sentence and this code.
fn ended(result: Result<(), String>, code: u8) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("arena: {sentence}");
            ExitCode::from(code)
        }
    }
}

/// Does what a parent ordered.
fn child(order: &str) -> Result<(), String> {
    // SAFETY: asks for a signal later; touches no memory.
    unsafe { libc::alarm(CHILD_LIMIT) };
    let order = serde_json::from_str(order).map_err(|error| format!("no order: {error}."))?;
    let answer = child::measure(&Book::whole(), &order)?;
    let text = serde_json::to_string(&answer).map_err(|error| format!("{error}."))?;
    println!("{text}");
    Ok(())
}

/// Runs what is to be counted.
fn counted_child(order: &str) -> Result<(), String> {
    let order = serde_json::from_str(order).map_err(|error| format!("no order: {error}."))?;
    counts::obey(&Book::whole(), &order)
}

/// The scenarios that one of the patterns names; all, if there is none.
fn chosen<'a>(book: &'a Book, patterns: &[String]) -> Result<Vec<&'a Scenario>, String> {
    for pattern in patterns {
        if !book
            .scenarios()
            .iter()
            .any(|scenario| glob::matches(pattern, &scenario.id))
        {
            return Err(format!(
                "no scenario fits --only {pattern}; `arena --list` prints all there are."
            ));
        }
    }
    let fits = |scenario: &&Scenario| {
        patterns.is_empty()
            || patterns
                .iter()
                .any(|pattern| glob::matches(pattern, &scenario.id))
    };
    Ok(book.scenarios().iter().filter(fits).collect())
}

/// Measures and reports; what is returned says why the run is void.
fn measure(book: &Book, chosen: &[&Scenario], cli: &Cli) -> Result<Option<String>, String> {
    let plan = Plan {
        quick: cli.quick,
        seed: cli.seed,
    };
    let mut scenarios: Vec<&Scenario> = chosen.to_vec();
    // Part of every run.
    if !scenarios
        .iter()
        .any(|scenario| scenario.id == rooms::base::SAME)
    {
        scenarios.extend(book.find(rooms::base::SAME));
        scenarios.rotate_right(1);
    }
    let mut run = Run {
        machine: system::machine(),
        rustc: env!("ARENA_RUSTC").to_owned(),
        commit: commit(),
        seed: cli.seed,
        quick: cli.quick,
        rows: Vec::new(),
    };
    let style = terminal::Style {
        color: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    };
    print!("{}", terminal::head(&run));
    let mut runner = Runner::new(plan);
    let bar = Bar::new(scenarios.iter().map(|scenario| plan.steps(scenario)).sum());
    for scenario in scenarios {
        bar.show(&scenario.id);
        let row = runner.run(scenario, &|| bar.step())?;
        bar.print(&terminal::row(&row, style));
        run.rows.push(row);
    }
    bar.finish();
    print!("{}", terminal::summary(&run, style));
    if let Some(path) = &cli.html {
        save(path, "--html", &report::html::page(&run))?;
    }
    if let Some(path) = &cli.json {
        save(path, "--json", &report::json::text(&run)?)?;
    }
    Ok(run.void())
}

/// The commit of the sources, as far as git knows.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(said)
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => {
            let changed = git(&["status", "--porcelain"]).is_some_and(|said| !said.is_empty());
            format!("{commit}{}", if changed { " with changes" } else { "" })
        }
        None => "unknown".to_owned(),
    }
}

/// Writes a file, making the directories it needs.
fn save(path: &Path, option: &str, text: &str) -> Result<(), String> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let saved = parent
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(path, text));
    saved.map_err(|error| {
        format!(
            "cannot write {}: {error}. Name another file with {option}.",
            path.display()
        )
    })
}

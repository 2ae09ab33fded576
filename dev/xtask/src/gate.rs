//! Runs jobs one after another, with minutes for each and a budget for all.

use crate::cli::{self, Request};
use crate::job::{self, Context, JOBS, Job, Options, Place};
use crate::report::table;
use std::io::Write;
use std::time::Instant;

/// The whole gate may take this long, in minutes.
const BUDGET: f64 = 40.0;

/// Does what the caller asked for.
pub(crate) fn answer(request: Request) -> Result<(), String> {
    match request {
        Request::Help => {
            print!("{}", cli::usage());
            Ok(())
        }
        Request::List => {
            print!("{}", list());
            Ok(())
        }
        Request::One(name, options) => {
            let context = Context::new(options)?;
            let row = run_job(&context, job::find(name)?, None);
            row.failure
                .map_or(Ok(()), |_| Err(format!("`{name}` failed.")))
        }
        Request::Gate(mut options) => {
            options.short = true;
            let jobs: Vec<&Job> = chosen(&options, |place| place.budget().is_some());
            run_all("gate", jobs, options, Some(BUDGET))
        }
        Request::Night(mut options) => {
            options.long = true;
            let jobs: Vec<&Job> = chosen(&options, Place::at_night);
            run_all("night", jobs, options, None)
        }
    }
}

/// The jobs a list runs under these options.
fn chosen(options: &Options, wanted: impl Fn(Place) -> bool) -> Vec<&'static Job> {
    JOBS.iter()
        .filter(|job| match options.only.is_empty() {
            true => wanted(job.place),
            false => options.only.iter().any(|name| name == job.name),
        })
        .filter(|job| !(options.skip_tests && job.tests))
        .filter(|job| !(options.after_cargo_test && job.name == "tests-debug"))
        .collect()
}

/// A finished job.
struct Row {
    name: &'static str,
    minutes: f64,
    budget: Option<f64>,
    note: String,
    failure: Option<String>,
}

fn run_all(
    name: &str,
    jobs: Vec<&Job>,
    options: Options,
    budget: Option<f64>,
) -> Result<(), String> {
    // Below a list, `--only` chose jobs; jobs must not take it for names of entries.
    let context = Context::new(Options {
        only: Vec::new(),
        ..options
    })?;
    let rows: Vec<Row> = jobs
        .into_iter()
        .map(|job| {
            run_job(
                &context,
                job,
                job.place.budget().filter(|_| budget.is_some()),
            )
        })
        .collect();
    let minutes: f64 = rows.iter().map(|row| row.minutes).sum();
    println!("\n{}", summary(&rows, minutes, budget));
    let failures = failures(&rows, minutes, budget);
    let failed = rows.iter().filter(|row| row.failure.is_some()).count();
    println!("{name}: {} passed, {failed} failed", rows.len() - failed);
    if failures.is_empty() {
        return Ok(());
    }
    Err(format!("{name} failed:\n{}", failures.join("\n")))
}

fn run_job(context: &Context, job: &Job, budget: Option<f64>) -> Row {
    println!("\n── {}: {}", job.name, job.about);
    let _ = std::io::stdout().flush();
    let started = Instant::now();
    let outcome = context.enter(job.name).and_then(|()| (job.run)(context));
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let (note, failure) = match outcome {
        Ok(note) => {
            println!("   ok: {note}");
            (note, None)
        }
        Err(report) => {
            println!("   FAILED\n{}", report.trim_end());
            (String::new(), Some(gist(&report)))
        }
    };
    let _ = std::io::stdout().flush();
    Row {
        name: job.name,
        minutes,
        budget,
        note,
        failure,
    }
}

/// The line of a report that says most: the first error of a command, or else the first line.
fn gist(report: &str) -> String {
    let lines = || {
        report
            .lines()
            .map(|line| line.trim_start_matches([' ', '|']))
    };
    let error = lines().find(|line| line.starts_with("error"));
    let line = error.or_else(|| lines().next()).unwrap_or_default();
    match report.lines().count() {
        0 | 1 => line.to_owned(),
        count => format!("{line} (in {count} lines)"),
    }
}

/// What is wrong with a run, a sentence each.
fn failures(rows: &[Row], minutes: f64, budget: Option<f64>) -> Vec<String> {
    let mut found = Vec::new();
    for row in rows {
        if let Some(failure) = &row.failure {
            found.push(format!("  {}: {failure}", row.name));
        }
        if let Some(limit) = row.budget.filter(|limit| row.minutes > *limit) {
            found.push(format!(
                "  {}: took {:.1} minutes of {limit:.0}. Make it faster, or raise its budget in \
                 job.rs with a reason.",
                row.name, row.minutes
            ));
        }
    }
    if let Some(limit) = budget.filter(|limit| minutes > *limit) {
        found.push(format!(
            "  all together: took {minutes:.1} minutes of {limit:.0}."
        ));
    }
    found
}

fn summary(rows: &[Row], minutes: f64, budget: Option<f64>) -> String {
    let limit = |budget: Option<f64>| budget.map_or(String::new(), |b| format!("{b:.0}"));
    let mut cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.name.to_owned(),
                format!("{:.2}", row.minutes),
                limit(row.budget),
                if row.failure.is_some() {
                    "FAILED"
                } else {
                    "ok"
                }
                .to_owned(),
                row.note.lines().next().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    cells.push(vec![
        "total".to_owned(),
        format!("{minutes:.2}"),
        limit(budget),
    ]);
    table(&["job", "minutes", "budget", "result", "note"], &cells)
}

fn list() -> String {
    let rows: Vec<Vec<String>> = JOBS
        .iter()
        .map(|job| {
            let gate = job
                .place
                .budget()
                .map_or("-".to_owned(), |minutes| format!("{minutes:.0}"));
            let night = if job.place.at_night() { "yes" } else { "-" };
            vec![
                job.name.to_owned(),
                gate,
                night.to_owned(),
                job.about.to_owned(),
            ]
        })
        .collect();
    format!(
        "{}The gate as a whole has {BUDGET:.0} minutes.\n",
        table(&["job", "gate, minutes", "night", "what"], &rows)
    )
}

#[cfg(test)]
mod tests;

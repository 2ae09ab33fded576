//! `udp_mux`: many clients over one UDP socket. See `udp_mux --help`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use udp_mux::run::{Options, Outcome, run};

/// Asks many peers over one UDP socket, from threads and tasks that wait side by side.
///
/// Whoever waits and finds nobody reading reads for all. Peers answer on loopback; they lose some
/// questions, which are asked again, and answer some twice.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
How it ends
  0 if each question got its own answer; 1 if one got none or another's; 2 if the system gave no \
socket."
)]
struct Cli {
    /// Who asks: threads and tasks together
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = at_least_one)]
    clients: usize,

    /// How many of the clients are threads; the others are tasks
    #[arg(long, value_name = "N", default_value_t = 16)]
    threads: usize,

    /// Questions, spread over all clients
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = at_least_one)]
    requests: usize,

    /// How many peers answer
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one)]
    peers: usize,

    /// The share of questions that the peers lose, from 0 to 0.9
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = share)]
    loss: f64,

    /// Milliseconds before a question is asked again
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = at_least_one)]
    patience: usize,

    /// How often a question is asked at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one)]
    attempts: usize,

    /// Where the random numbers of the peers begin
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Show no progress bar
    #[arg(long)]
    no_progress: bool,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("give a whole number of at least 1".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=0.9).contains(share));
    share.ok_or_else(|| "give a share from 0 to 0.9, such as 0.01".to_owned())
}

const TEMPLATE: &str = "{spinner:.cyan} {bar:32.cyan/dim} {human_pos} of {human_len}, {per_sec}";

fn bar(cli: &Cli) -> ProgressBar {
    if cli.no_progress {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(cli.requests as u64);
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template is correct");
    bar.set_style(style.progress_chars("━╸─"));
    bar
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let options = Options {
        clients: cli.clients,
        threads: cli.threads.min(cli.clients),
        requests: cli.requests,
        peers: cli.peers,
        loss: cli.loss,
        patience: Duration::from_millis(cli.patience as u64),
        attempts: u32::try_from(cli.attempts).unwrap_or(u32::MAX),
        seed: cli.seed,
    };
    let bar = bar(&cli);
    let begun = Instant::now();
    let outcome = run(&options, &|| bar.inc(1));
    bar.finish_and_clear();
    match outcome {
        Ok(outcome) => show(&options, &outcome, begun.elapsed()),
        Err(error) => {
            eprintln!("udp_mux: {error}. Fewer clients may help.");
            ExitCode::from(2)
        }
    }
}

fn show(options: &Options, outcome: &Outcome, took: Duration) -> ExitCode {
    let Outcome {
        latency,
        answered,
        repeated,
        strays,
        peers,
        failures,
        failed,
    } = outcome;
    println!(
        "{answered} of {} questions answered in {:.2} s ({:.0} a second), by {} threads and {} \
         tasks over one socket.",
        options.requests,
        took.as_secs_f64(),
        *answered as f64 / took.as_secs_f64(),
        options.threads,
        options.clients - options.threads,
    );
    println!(
        "{repeated} were asked again, {} were lost by the peers, {} answers sent twice, {strays} \
         packets were for nobody.",
        peers.lost, peers.copies,
    );
    println!(
        "Latency: half below {:?}, 90 % below {:?}, 99 % below {:?}, the longest {:?}.\n",
        latency.quantile(0.5),
        latency.quantile(0.9),
        latency.quantile(0.99),
        latency.longest(),
    );
    print!("{}", latency.draw());
    for failure in failures {
        eprintln!("udp_mux: {failure}.");
    }
    if *failed > 0 || *answered != options.requests as u64 {
        eprintln!("udp_mux: {failed} questions failed. More attempts or less loss may help.");
        return ExitCode::from(1);
    }
    ExitCode::SUCCESS
}

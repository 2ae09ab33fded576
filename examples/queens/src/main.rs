//! `queens [SIZE] [THREADS]`: in how many ways do queens stand on a board of that size?

use std::process::ExitCode;
use std::time::Instant;

use queens::queens::{LARGEST, count};

fn main() -> ExitCode {
    let arguments: Result<Vec<usize>, _> =
        std::env::args().skip(1).map(|word| word.parse()).collect();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let (size, threads) = match arguments.as_deref() {
        Ok([]) => (12, processors),
        Ok([size]) => (*size, processors),
        Ok([size, threads]) => (*size, *threads),
        _ => (usize::MAX, 0),
    };
    if size > LARGEST as usize || threads == 0 {
        eprintln!("usage: queens [SIZE] [THREADS], where the size is {LARGEST} at most");
        return ExitCode::from(2);
    }
    let begun = Instant::now();
    let ways = count(size as u32, threads);
    println!(
        "{size} queens: {ways} ways, {threads} threads, {:.1?}",
        begun.elapsed()
    );
    ExitCode::SUCCESS
}

//! Two threads keep two processors busy.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Numbers, beside, program, text, tree, write};

const FILES: usize = 20_000;
const WANTED: f64 = 1.6;
const ATTEMPTS: usize = 6;

/// Processor seconds that ended children of this process, or itself, have used.
fn processor_seconds(children: bool) -> f64 {
    // Fields 14 and 15 of stat are our own ticks, 16 and 17 those of children;
    // the third field is the first one after the name in parentheses. Linux
    // always shows 100 ticks a second here.
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    let first = if children { 13 } else { 11 };
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(first) + ticks(first + 1)) / 100.0
}

/// How many processors two threads that do nothing but count get at the moment.
fn available() -> f64 {
    let (begun, before) = (Instant::now(), processor_seconds(false));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| while begun.elapsed() < Duration::from_millis(200) {});
        }
    });
    (processor_seconds(false) - before) / begun.elapsed().as_secs_f64()
}

fn generate(tree: &Path) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || {
                let mut numbers = Numbers::new(half as u64);
                for number in (half..FILES).step_by(2) {
                    let name = format!("d{}/e{}/f{number}.rs", number % 17, number % 23);
                    let lines = 40 + numbers.below(120);
                    write(tree, &name, text(&mut numbers, lines));
                }
            });
        }
    });
}

/// One run of the program.
struct Run {
    /// Processor time by wall time.
    busy: f64,
    /// How many threads were running or ready to run on average. Where nobody
    /// else wants a processor that is the same; where somebody does, this still
    /// tells threads that must wait for a processor from threads that sleep.
    ready: f64,
}

/// How many threads of a process run or are ready to.
fn ready_threads(pid: u32) -> usize {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return 0;
    };
    let stats = tasks
        .flatten()
        .flat_map(|task| fs::read_to_string(task.path().join("stat")));
    stats
        .filter(|stat| stat[stat.rfind(')').unwrap() + 2..].starts_with('R'))
        .count()
}

fn measure(tree: &Path, threads: &str) -> Run {
    let mut command = program();
    command
        .args(["--threads", threads, "--html"])
        .arg(beside(tree, "report.html"));
    let (begun, before) = (Instant::now(), processor_seconds(true));
    let mut child = command.arg(tree).stdout(Stdio::piped()).spawn().unwrap();
    let (mut samples, mut ready) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        samples += 1;
        ready += ready_threads(child.id());
        std::thread::sleep(Duration::from_millis(2));
    }
    let wall = begun.elapsed().as_secs_f64();
    let busy = (processor_seconds(true) - before) / wall;
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("20,000 files"));
    Run {
        busy,
        ready: ready as f64 / f64::from(samples.max(1)),
    }
}

/// Others may use the machine, so the best of several runs counts. Where two
/// threads that only count, right before and after, do not get as much processor
/// time as is wanted either, it must at least have asked for it.
#[test]
fn two_threads_use_two_processors() {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        eprintln!("one processor: nothing to see here");
        return;
    }
    let (_temp, tree) = tree();
    generate(&tree);
    let mut seen = Vec::new();
    let mut good = false;
    for _ in 0..ATTEMPTS {
        let before = available();
        let Run { busy, ready } = measure(&tree, "2");
        let there = before.max(available());
        seen.push(format!("{busy:.2} of {there:.2} ({ready:.2} ready)"));
        good = busy >= WANTED || (there < WANTED && ready >= WANTED);
        if good {
            break;
        }
    }
    let seen = seen.join(", ");
    println!("processor time by wall time, of what there was: {seen}");
    assert!(good, "two threads are not busy: {seen}");
}

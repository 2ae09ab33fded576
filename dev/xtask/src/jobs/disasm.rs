//! `disasm`: the fast path of a meeting, and that of the owner of a deque, have no locked
//! instruction and no fence.
//!
//! The files of `dev/xtask/probes` named in [`PROBES`] are compiled to assembly against the release
//! build of their crates. In each of their functions, and in the loop that looks for the partner,
//! no instruction may be one of those that [`stops`] names, and no call may lead elsewhere than to
//! the slow halves named in [`SLOW`]. One function of a probe holds an exchange; it must be found.

use crate::command::Command;
use crate::job::Context;
use std::path::Path;

/// The probes, and the crate each one uses.
const PROBES: [(&str, &str); 2] = [("rendezvous", "sync"), ("deque", "lockfree")];

/// The functions of the probes that must pass.
const FAST: [&str; 6] = [
    "probe_push",
    "probe_pop",
    "probe_wait",
    "probe_wait_checked",
    "probe_swap",
    "probe_swap_large",
];

/// The one that must not.
const PLANTED: &str = "probe_planted";

/// Part of the symbol of the loop that looks for the partner.
const LOOP: &str = "4spin";

/// Parts of the symbols that a fast path may call: each is a slow half, taken when the partner has
/// not come, sleeps or is gone, when thieves came, the ring is full or was too large for long, or
/// once in a program.
const SLOW: [&str; 14] = [
    "push_into_full",
    "5offer",
    "pop_fenced",
    "pop_front_fenced",
    "pop_settled",
    "pop_front_settled",
    "pop_offered",
    "pop_run",
    "meet_later",
    "wake_partner",
    "light_slow",
    "4gone",
    "ask_system",
    "panic",
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    if !cfg!(target_arch = "x86_64") {
        return Ok("skipped: it reads x86-64".to_owned());
    }
    let mut text = String::new();
    for (probe, library) in PROBES {
        text.push_str(&assembly(context, probe, library)?);
    }
    judge(&functions(&text))
}

/// The assembly of a probe that uses one of our crates.
fn assembly(context: &Context, probe: &str, name: &str) -> Result<String, String> {
    context.run_cargo(&[
        "build",
        "--release",
        "--package",
        &format!("counterpoint-{name}"),
    ])?;
    let release = context.workspace()?.target.join("release");
    let library = release.join(format!("libcounterpoint_{name}.rlib"));
    let folder = context.workspace()?.target.join("disasm");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}.", folder.display()))?;
    let file = folder.join(format!("{probe}.s"));
    let command = Command::program(Path::new("rustc")).arguments(&[
        "--edition=2024",
        "-O",
        "--crate-type=lib",
        "--emit=asm",
        "-o",
        &file.display().to_string(),
        "-L",
        &format!("dependency={}", release.join("deps").display()),
        "--extern",
        &format!("counterpoint_{name}={}", library.display()),
        &format!("dev/xtask/probes/{probe}.rs"),
    ]);
    context.logged(command)?.run()?.checked()?;
    std::fs::read_to_string(&file)
        .map_err(|error| format!("{} cannot be read: {error}.", file.display()))
}

/// A function: its symbol and its instructions.
type Function<'a> = (&'a str, Vec<&'a str>);

/// Checks all functions that must pass, and the one that must not.
fn judge(functions: &[Function<'_>]) -> Result<String, String> {
    let mut problems = Vec::new();
    let mut count = 0;
    let mut instructions = 0;
    for name in FAST {
        if !functions.iter().any(|(symbol, _)| *symbol == name) {
            problems.push(format!("{name} is not in the assembly."));
        }
    }
    for (symbol, body) in functions {
        if FAST.contains(symbol) || symbol.contains(LOOP) {
            count += 1;
            instructions += body.len();
            let findings = body.iter().filter_map(|line| problem(line));
            problems.extend(findings.map(|finding| format!("{symbol}: {finding}")));
        }
    }
    if count <= FAST.len() {
        problems.push(format!(
            "No function with `{LOOP}` in its symbol: where is the loop?"
        ));
    }
    let planted = functions.iter().find(|(symbol, _)| *symbol == PLANTED);
    if !planted.is_some_and(|(_, body)| body.iter().any(|line| problem(line).is_some())) {
        problems.push(format!(
            "The exchange in {PLANTED} is not found, so nothing else would be."
        ));
    }
    if problems.is_empty() {
        return Ok(format!("{instructions} instructions of {count} functions"));
    }
    Err(problems.join("\n"))
}

/// Why an instruction may not stand on a fast path.
fn problem(line: &str) -> Option<String> {
    if stops(line) {
        return Some(format!("`{line}` orders more than a load or a store does."));
    }
    let mut words = line.split_whitespace();
    let (name, target) = (words.next()?, words.next().unwrap_or_default());
    let local = target.trim_start_matches('*').starts_with(".L");
    let leads_away = name.starts_with("call") || (name.starts_with("jmp") && !local);
    if leads_away && !SLOW.iter().any(|slow| target.contains(slow)) {
        return Some(format!("`{line}` hides a part of the fast path."));
    }
    None
}

/// True for a locked instruction or a fence. An `xchg` with memory is locked without the prefix.
fn stops(line: &str) -> bool {
    let name = line.split_whitespace().next().unwrap_or_default();
    let exchange = name.starts_with("xchg") && line.contains('(');
    name == "lock"
        || exchange
        || ["mfence", "cmpxchg", "xadd"]
            .iter()
            .any(|word| name.starts_with(word))
}

/// The functions of an assembly text, in the syntax that rustc writes.
fn functions(text: &str) -> Vec<Function<'_>> {
    let mut found: Vec<Function<'_>> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default();
        let trimmed = code.trim();
        let is_label = !code.starts_with(['.', '\t']);
        if let Some(label) = code.strip_suffix(':').filter(|_| is_label) {
            found.push((label, Vec::new()));
            open = true;
            continue;
        }
        open &= !trimmed.starts_with(".Lfunc_end");
        let instruction =
            open && code.starts_with('\t') && !trimmed.is_empty() && !trimmed.starts_with('.');
        let last = found.last_mut().filter(|_| instruction);
        if let Some((_, body)) = last {
            body.push(trimmed);
        }
    }
    found
}

#[cfg(test)]
mod tests;

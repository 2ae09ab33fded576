//! `peers-absent`: no library crate depends on a crate it stands beside.
//!
//! What is built on a peer inherits its wait queues, and an honest comparison is impossible.

use crate::job::Context;
use crate::report::{Finding, verdict};

/// Names of peers; a last `*` stands for any ending.
const PEERS: &[&str] = &[
    "arc-swap",
    "async-barrier",
    "async-broadcast",
    "async-channel",
    "async-condvar-fair",
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-lock",
    "async-rwlock",
    "async-std",
    "atomic-waker",
    "bb8*",
    "buf-mutex",
    "chili",
    "concurrent-queue",
    "crossbeam*",
    "crossfire",
    "dashmap*",
    "deadpool*",
    "event-listener*",
    "evmap",
    "flume",
    "flurry",
    "forte",
    "futures-channel",
    "futures-executor",
    "futures-intrusive",
    "futures-locks",
    "futures-util",
    "haphazard",
    "kanal",
    "left-right",
    "loole",
    "may",
    "mobc",
    "monoio",
    "openmp-reducer",
    "orx-parallel",
    "papaya",
    "parking",
    "parking_lot*",
    "paralight",
    "postage",
    "r2d2",
    "rayon*",
    "rendezvous_swap",
    "rtrb",
    "scc",
    "sdd",
    "seize",
    "sharded-slab",
    "smol*",
    "spin",
    "std-semaphore",
    "tachyonix",
    "thingbuf",
    "threadpool",
    "tokio*",
    "triple_buffer",
    "usync",
    "wg",
    "whirlwind",
];

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let mut findings = Vec::new();
    let mut count = 0;
    for package in context.workspace()?.rooms() {
        let name = package.name.as_str();
        let arguments = [
            "tree",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--all-features",
            "--package",
            name,
        ];
        let output = crate::command::Command::cargo(&arguments)
            .directory(context.repo.root())
            .capture()?;
        let tree = output.checked()?.text;
        let manifest = format!("{}/Cargo.toml", package.folder);
        for peer in peers_in(&tree) {
            let message = format!(
                "`{name}` depends on the peer `{peer}`. Find out through which \
                 crate with `cargo tree -e normal -p {name} -i {peer}` and drop it."
            );
            findings.push(Finding::new(&manifest, 0, message));
        }
        count += 1;
    }
    verdict(
        &findings,
        format!("{count} library crates depend on no peer"),
    )
}

/// The peers named in the output of `cargo tree --prefix none`.
fn peers_in(tree: &str) -> Vec<String> {
    let names = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let mut peers: Vec<String> = names
        .filter(|name| is_peer(name))
        .map(str::to_owned)
        .collect();
    peers.sort();
    peers.dedup();
    peers
}

fn is_peer(name: &str) -> bool {
    PEERS.iter().any(|peer| match peer.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *peer,
    })
}

#[cfg(test)]
mod tests;

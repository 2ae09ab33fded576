#!/bin/sh
# The hooks cost nothing while their feature is off: counts the instructions of three loops over a
# mutex with two commits, the second without the feature, and fails if a count differs.
#
#   dev/hooks-off.sh COMMIT_WITHOUT_HOOKS [COMMIT_WITH_HOOKS]
#
# Needs valgrind. Give the parent of the commit that adds hooks, or any two commits between which
# only hooks change.
set -eu
before=${1:?commit without hooks}
after=${2:-HEAD}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/program/src"
cat > "$work/program/src/main.rs" <<'RUST'
use counterpoint_sync::Mutex;
use counterpoint_wait::block_on;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const ROUNDS: u64 = 20_000;

#[inline(never)]
fn free_loop(mutex: &Mutex<u64>) {
    for round in 0..ROUNDS {
        *mutex.lock() += round;
    }
}

#[inline(never)]
fn async_loop(mutex: &Mutex<u64>) {
    block_on(async {
        for round in 0..ROUNDS {
            *mutex.lock_async().await += round;
        }
    })
}

#[inline(never)]
fn queued_loop(mutex: &Mutex<u64>) {
    let mut cx = Context::from_waker(Waker::noop());
    for round in 0..ROUNDS {
        let held = mutex.lock();
        let mut lock = pin!(mutex.lock_async());
        assert!(lock.as_mut().poll(&mut cx).is_pending());
        drop(held);
        match lock.poll(&mut cx) {
            Poll::Ready(mut guard) => *guard += round,
            Poll::Pending => unreachable!("it was unlocked"),
        }
    }
}

fn main() {
    let mutex = std::hint::black_box(Mutex::new(0u64));
    match std::env::args().nth(1).as_deref() {
        Some("free") => free_loop(&mutex),
        Some("async") => async_loop(&mutex),
        _ => queued_loop(&mutex),
    }
    assert!(*mutex.lock() > 0);
}
RUST

# Both builds happen at one path, so that not even a name differs, and from nothing: the files of
# an archive are as old as its commit.
count() {
    rm -rf "$work/tree" "$work/program/target" && mkdir "$work/tree"
    git archive "$1" | tar x -C "$work/tree"
    cat > "$work/program/Cargo.toml" <<TOML
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
counterpoint-sync = { path = "$work/tree/crates/sync" }
counterpoint-wait = { path = "$work/tree/crates/wait" }

[profile.release]
debug = "line-tables-only"
TOML
    (cd "$work/program" && cargo build --quiet --release)
    for loop in free async queued; do
        valgrind --tool=callgrind --callgrind-out-file=/dev/null \
            --toggle-collect="*${loop}_loop*" "$work/program/target/release/program" "$loop" 2>&1 |
            sed -n "s/.*Collected : /$loop /p"
    done
}

count "$before" > "$work/before"
count "$after" > "$work/after"
echo "instructions of 20000 rounds without hooks:" && cat "$work/before"
echo "with hooks, off:" && cat "$work/after"
test "$(wc -l < "$work/before")" -eq 3
cmp "$work/before" "$work/after"
echo "equal"

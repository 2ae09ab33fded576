#!/bin/sh
# What the ledger costs where nobody waits: nanoseconds of a lock and unlock without the feature, and with the
# ledger started, in processes that alternate. Fails if the difference is more than LIMIT.
#
#   dev/ledger-cost.sh [PAIRS]
#
# Run it on a machine that does nothing else. With 0 pairs it only builds, in target/ledger-cost.
set -eu
pairs=${1:-15}
limit=${LIMIT:-15}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/target/ledger-cost
rm -f "$work"/*.ns

for build in off on; do
    mkdir -p "$work/$build/src"
    features=$([ $build = on ] && echo ', features = ["ledger"]' || true)
    cat > "$work/$build/Cargo.toml" <<TOML
[package]
name = "cost-$build"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
counterpoint = { path = "$root/crates/counterpoint"$features }

[features]
on = []
TOML
    cat > "$work/$build/src/main.rs" <<'RUST'
use counterpoint::sync::Mutex;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 200_000;

fn main() {
    #[cfg(feature = "on")]
    counterpoint::ledger::start().unwrap();
    let mutex = black_box(Mutex::new(0u64));
    let mut best = f64::INFINITY;
    for _ in 0..40 {
        let begin = Instant::now();
        for round in 0..u64::from(ROUNDS) {
            *mutex.lock() += round;
        }
        best = best.min(begin.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
    }
    println!("{best:.2}");
}
RUST
    (cd "$work/$build" && cargo build --quiet --release --features "$([ $build = on ] && echo on || true)")
done

[ "$pairs" -gt 0 ] || exit 0
middle() { sort -n "$1" | sed -n "$(((pairs + 1) / 2))p"; }
for pair in $(seq "$pairs"); do
    "$work/off/target/release/cost-off" >> "$work/off.ns"
    "$work/on/target/release/cost-on" >> "$work/on.ns"
done
off=$(middle "$work/off.ns") on=$(middle "$work/on.ns")
awk -v off="$off" -v on="$on" -v limit="$limit" 'BEGIN {
    printf "lock, add, unlock: %.2f ns without the ledger, %.2f ns with it: %.2f ns more, at most %s\n", off, on, on - off, limit
    exit on - off > limit
}'

#!/bin/sh
# The hooks cost nothing while their feature is off: counts the instructions of loops over the
# primitives with two commits, the second without the feature, and fails if a count differs.
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
loops="mutex_free mutex_async mutex_queued
semaphore_free semaphore_owned semaphore_async semaphore_queued semaphore_split
notify_stored notify_queued group_handles group_queued share_merged share_peeked
reentrant_free rwlock_free sharded_free barrier_alone select_ready select_queued"

mkdir -p "$work/program/src"
cat > "$work/program/src/main.rs" <<'RUST'
use counterpoint_sync::{
    Barrier, BufMutex, Mutex, Notify, ReentrantMutex, RwLock, Semaphore, ShardedLock, WaitGroup,
};
use counterpoint_wait::{block_on, select, select_async};
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const ROUNDS: u64 = 20_000;

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[inline(never)]
fn mutex_free_loop() {
    let mutex = black_box(Mutex::new(0u64));
    for round in 0..ROUNDS {
        *mutex.lock() += round;
    }
}

#[inline(never)]
fn mutex_async_loop() {
    let mutex = black_box(Mutex::new(0u64));
    block_on(async {
        for round in 0..ROUNDS {
            *mutex.lock_async().await += round;
        }
    })
}

#[inline(never)]
fn mutex_queued_loop() {
    let mutex = black_box(Mutex::new(0u64));
    for round in 0..ROUNDS {
        let held = mutex.lock();
        let mut lock = pin!(mutex.lock_async());
        assert!(poll(lock.as_mut()).is_pending());
        drop(held);
        match poll(lock) {
            Poll::Ready(mut guard) => *guard += round,
            Poll::Pending => unreachable!("it was unlocked"),
        }
    }
}

#[inline(never)]
fn semaphore_free_loop() {
    let semaphore = black_box(Semaphore::new(2));
    for _ in 0..ROUNDS {
        let _held = black_box(semaphore.acquire().unwrap());
    }
}

#[inline(never)]
fn semaphore_owned_loop() {
    let semaphore = black_box(Arc::new(Semaphore::new(2)));
    for _ in 0..ROUNDS {
        let _held = black_box(semaphore.acquire_many_owned(2).unwrap());
    }
}

#[inline(never)]
fn semaphore_async_loop() {
    let semaphore = black_box(Semaphore::new(2));
    block_on(async {
        for _ in 0..ROUNDS {
            let _held = black_box(semaphore.acquire_many_async(2).await.unwrap());
        }
    })
}

#[inline(never)]
fn semaphore_queued_loop() {
    let semaphore = black_box(Semaphore::new(1));
    for _ in 0..ROUNDS {
        let held = semaphore.acquire();
        let mut acquire = pin!(semaphore.acquire_async());
        assert!(poll(acquire.as_mut()).is_pending());
        drop(held);
        assert!(poll(acquire).is_ready());
    }
}

#[inline(never)]
fn semaphore_split_loop() {
    let semaphore = black_box(Semaphore::new(3));
    for _ in 0..ROUNDS {
        let mut all = semaphore.acquire_many(3).unwrap();
        let part = black_box(all.split(1).unwrap());
        all.merge(part);
        all.forget();
        semaphore.add_permits(3);
    }
}

#[inline(never)]
fn notify_stored_loop() {
    let notify = black_box(Notify::new());
    for _ in 0..ROUNDS {
        notify.notify_one();
        notify.wait();
    }
}

#[inline(never)]
fn notify_queued_loop() {
    let notify = black_box(Notify::new());
    for _ in 0..ROUNDS {
        let mut notified = pin!(notify.notified());
        assert!(poll(notified.as_mut()).is_pending());
        notify.notify_one();
        assert!(poll(notified).is_ready());
    }
}

#[inline(never)]
fn group_handles_loop() {
    let group = black_box(WaitGroup::new());
    for _ in 0..ROUNDS {
        drop(black_box(group.clone()));
        group.wait_ref();
    }
}

#[inline(never)]
fn group_queued_loop() {
    let group = black_box(WaitGroup::new());
    for _ in 0..ROUNDS {
        let other = group.clone();
        let mut by_ref = pin!(group.wait_ref_async());
        assert!(poll(by_ref.as_mut()).is_pending());
        drop(other);
        assert!(poll(by_ref).is_ready());
        let mut by_value = pin!(group.clone().wait_async());
        assert!(poll(by_value.as_mut()).is_pending());
    }
}

#[inline(never)]
fn share_merged_loop() {
    let total = black_box(BufMutex::<u64>::new(0, |global, local| *global += *local));
    for round in 0..ROUNDS {
        *total.share().as_mut() += round;
    }
}

#[inline(never)]
fn share_peeked_loop() {
    let total = black_box(BufMutex::<u64>::new(0, |global, local| *global += *local));
    let mut share = total.share();
    for _ in 0..ROUNDS {
        *share.as_mut() += 1;
        share.flush();
        black_box(total.peek());
    }
}

#[inline(never)]
fn reentrant_free_loop() {
    let mutex = black_box(ReentrantMutex::new(0u64));
    for _ in 0..ROUNDS {
        drop(black_box((mutex.lock(), mutex.lock())));
    }
}

#[inline(never)]
fn rwlock_free_loop() {
    let lock = black_box(RwLock::new(0u64));
    for round in 0..ROUNDS {
        *lock.write() += round;
        black_box(*lock.read());
    }
}

#[inline(never)]
fn sharded_free_loop() {
    let lock = black_box(ShardedLock::new(0u64));
    for _ in 0..ROUNDS {
        drop(black_box(lock.read()));
    }
}

#[inline(never)]
fn barrier_alone_loop() {
    let barrier = black_box(Barrier::new(1));
    for _ in 0..ROUNDS {
        black_box(barrier.wait());
    }
}

#[inline(never)]
fn select_ready_loop() {
    let (one, other) = black_box((Notify::new(), Notify::new()));
    for _ in 0..ROUNDS {
        one.notify_one();
        select! {
            _ = one.notified() => (),
            _ = other.notified() => unreachable!("nobody notifies it"),
        }
    }
}

#[inline(never)]
fn select_queued_loop() {
    let (one, other) = black_box((Notify::new(), Notify::new()));
    for _ in 0..ROUNDS {
        let mut either = pin!(async {
            select_async! {
                _ = one.notified() => (),
                _ = other.notified() => (),
            }
        });
        assert!(poll(either.as_mut()).is_pending());
        other.notify_one();
        assert!(poll(either).is_ready());
    }
}

fn main() {
    let name = std::env::args().nth(1).unwrap();
    match name.as_str() {
        "mutex_free" => mutex_free_loop(),
        "mutex_async" => mutex_async_loop(),
        "mutex_queued" => mutex_queued_loop(),
        "semaphore_free" => semaphore_free_loop(),
        "semaphore_owned" => semaphore_owned_loop(),
        "semaphore_async" => semaphore_async_loop(),
        "semaphore_queued" => semaphore_queued_loop(),
        "semaphore_split" => semaphore_split_loop(),
        "notify_stored" => notify_stored_loop(),
        "notify_queued" => notify_queued_loop(),
        "group_handles" => group_handles_loop(),
        "group_queued" => group_queued_loop(),
        "share_merged" => share_merged_loop(),
        "share_peeked" => share_peeked_loop(),
        "reentrant_free" => reentrant_free_loop(),
        "rwlock_free" => rwlock_free_loop(),
        "sharded_free" => sharded_free_loop(),
        "barrier_alone" => barrier_alone_loop(),
        "select_ready" => select_ready_loop(),
        "select_queued" => select_queued_loop(),
        _ => unreachable!("no loop {name}"),
    }
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
    # The least of three: who is queued looks at the clock now and then.
    for loop in $loops; do
        for _ in 1 2 3; do
            valgrind --tool=callgrind --callgrind-out-file=/dev/null \
                --toggle-collect="*${loop}_loop*" "$work/program/target/release/program" "$loop" 2>&1 |
                sed -n "s/.*Collected : //p"
        done | sort -n | sed -n "1s/^/$loop /p"
    done
}

count "$before" > "$work/before"
count "$after" > "$work/after"
echo "instructions of 20000 rounds without hooks:" && cat "$work/before"
echo "with hooks, off:" && cat "$work/after"
test "$(wc -l < "$work/before")" -eq "$(echo $loops | wc -w)"
# An instruction of a round would be 20000; what the dynamic linker does once, some hundred, is none.
paste "$work/before" "$work/after" | awk '
    { more = $4 - $2; if (more < -10000 || more > 10000) { print $1 ": " more / 20000 " per round"; bad = 1 } }
    END { exit bad }'
echo "equal, round by round"

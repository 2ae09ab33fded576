//! `transfers`: money goes to and fro between two accounts, each behind a lock of its own.
//!
//! ```text
//! cargo run -p transfers -- ordered                        locks in one order: it ends
//! cargo run -p transfers --features ledger -- inversion    both orders, one after the other: found before it hangs
//! cargo run -p transfers --features ledger -- deadlock     both orders at once: the last to wait panics, the other goes on
//! cargo run -p transfers --features ledger -- report       the same left alone: who holds what, who waits, and why for ever
//! cargo run -p transfers --features ledger -- tasks        two tasks that wait for each other, by name
//! cargo run -p transfers --features ledger -- leak         a guard that was forgotten, and where it was taken
//! ```

use counterpoint::sync::Mutex;
use std::process::ExitCode;
use std::thread;

/// What is at the bank.
struct Bank {
    savings: Mutex<i64>,
    checking: Mutex<i64>,
}

impl Bank {
    fn open() -> Bank {
        Bank {
            savings: Mutex::new(1000),
            checking: Mutex::new(1000),
        }
    }

    fn sum(&mut self) -> i64 {
        *self.savings.get_mut() + *self.checking.get_mut()
    }
}

/// Moves money, and locks the account that gives first: in both orders, if it goes to and fro.
fn transfer(from: &Mutex<i64>, to: &Mutex<i64>, amount: i64, meanwhile: impl FnOnce()) {
    let mut from = from.lock();
    meanwhile();
    let mut to = to.lock();
    *from -= amount;
    *to += amount;
}

/// Many transfers both ways that lock in one order, whoever gives.
fn ordered() {
    let mut bank = Bank::open();
    thread::scope(|scope| {
        for way in [1, -1] {
            let bank = &bank;
            scope.spawn(move || {
                for _ in 0..10_000 {
                    transfer(&bank.savings, &bank.checking, way, || ());
                }
            });
        }
    });
    println!("{} on both accounts, as before", bank.sum());
}

fn main() -> ExitCode {
    let what = std::env::args().nth(1).unwrap_or_default();
    if what == "ordered" {
        ordered();
        return ExitCode::SUCCESS;
    }
    #[cfg(feature = "ledger")]
    if let Some(run) = with_ledger::named(&what) {
        return run();
    }
    eprintln!(
        "transfers: say what to run: ordered; and if built with `--features ledger`: inversion, deadlock, \
         report, tasks or leak"
    );
    ExitCode::FAILURE
}

#[cfg(feature = "ledger")]
mod with_ledger {
    use super::{Bank, transfer};
    use counterpoint::ledger::{self, Deadlock, Policy};
    use counterpoint::sync::Mutex;
    use counterpoint::time::sleep;
    use counterpoint::wait::block_on;
    use std::future::Future;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::pin::pin;
    use std::process::ExitCode;
    use std::sync::{Arc, Barrier};
    use std::task::{Context, Waker};
    use std::thread;
    use std::time::Duration;

    /// How long a deadlock stands still before it is believed.
    const PATIENCE: Duration = Duration::from_secs(1);

    pub(super) fn named(what: &str) -> Option<fn() -> ExitCode> {
        let run: fn() -> ExitCode = match what {
            "inversion" => inversion,
            "deadlock" => deadlock,
            "report" => report,
            "tasks" => tasks,
            "leak" => leak,
            _ => return None,
        };
        ledger::start().expect("nobody else listens to the hooks");
        Some(run)
    }

    /// Where it stays: a name belongs to a place.
    fn named_bank() -> Arc<Bank> {
        let bank = Arc::new(Bank::open());
        bank.savings.named("savings");
        bank.checking.named("checking");
        bank
    }

    fn found(what: bool) -> ExitCode {
        match what {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    /// One thread, so nothing can hang; but both orders were seen.
    fn inversion() -> ExitCode {
        let bank = named_bank();
        transfer(&bank.savings, &bank.checking, 10, || ());
        transfer(&bank.checking, &bank.savings, 10, || ());
        let inversions = ledger::inversions();
        for inversion in &inversions {
            println!("{inversion}");
        }
        found(inversions.len() == 1)
    }

    /// Two threads that have one lock each and want the other's. Each returns whether it panicked.
    fn both_at_once(bank: &Arc<Bank>) -> Vec<thread::JoinHandle<bool>> {
        let both_have_one = Arc::new(Barrier::new(2));
        let start = |name: &str, back: bool| {
            let (bank, both_have_one) = (bank.clone(), both_have_one.clone());
            let run = move || {
                let (from, to) = match back {
                    false => (&bank.savings, &bank.checking),
                    true => (&bank.checking, &bank.savings),
                };
                let meanwhile = || {
                    both_have_one.wait();
                };
                let transfer = || transfer(from, to, 10, meanwhile);
                catch_unwind(AssertUnwindSafe(transfer)).is_err()
            };
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(run).expect("there is room for a thread")
        };
        vec![start("there", false), start("back", true)]
    }

    /// The last to wait panics, with the whole story as its message; its guard is dropped, and the other
    /// transfer goes on.
    fn deadlock() -> ExitCode {
        ledger::set_policy(Policy::PanicAfter(PATIENCE));
        let bank = named_bank();
        let threads = both_at_once(&bank);
        let panicked = threads.into_iter().map(|thread| thread.join());
        let count = panicked
            .filter(|panicked| matches!(panicked, Ok(true)))
            .count();
        println!("{count} of 2 transfers gave up, the other one went on");
        found(count == 1)
    }

    /// Nobody ends it; somebody asks.
    fn report() -> ExitCode {
        let threads = both_at_once(&named_bank());
        for _ in 0..200 {
            thread::sleep(Duration::from_millis(100));
            let stood = |deadlock: &Deadlock| deadlock.stood_still() >= Some(PATIENCE);
            if ledger::deadlocks().iter().any(stood) {
                println!("{}", ledger::report());
                drop(threads); // They wait for ever; the program ends all the same.
                return ExitCode::SUCCESS;
            }
        }
        ExitCode::FAILURE
    }

    async fn transfer_later(from: &Mutex<i64>, to: &Mutex<i64>) {
        let mut from = from.lock_async().await;
        sleep(Duration::from_millis(5)).await;
        let mut to = to.lock_async().await;
        *from -= 10;
        *to += 10;
    }

    /// Tasks on one thread. It is only suspected: a task may wait for something else as well.
    fn tasks() -> ExitCode {
        let bank = named_bank();
        let there = transfer_later(&bank.savings, &bank.checking);
        let back = transfer_later(&bank.checking, &bank.savings);
        let mut there = pin!(ledger::task("there", there));
        let mut back = pin!(ledger::task("back", back));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..2 {
            assert!(there.as_mut().poll(&mut context).is_pending());
            assert!(back.as_mut().poll(&mut context).is_pending());
            block_on(sleep(Duration::from_millis(50)));
        }
        let deadlocks = ledger::deadlocks();
        for deadlock in &deadlocks {
            println!("{deadlock}");
        }
        found(deadlocks.len() == 1)
    }

    fn leak() -> ExitCode {
        let bank = named_bank();
        let leaks = ledger::scope(|| {
            transfer(&bank.savings, &bank.checking, 10, || ());
            std::mem::forget(bank.savings.lock());
        });
        println!("{leaks}");
        found(leaks.leaks.len() == 1)
    }
}

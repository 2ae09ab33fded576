//! A model that fails says how to run the same execution again, and that fails in the same way.
//!
//! The faults are planted by a variable, in a child process: loom may abort when a model fails.

use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, model};
use counterpoint_sync::{Mutex, Notify};
use std::time::Duration;

const PLANTED: &str = "COUNTERPOINT_TEST_PLANTED";

fn planted() -> bool {
    std::env::var_os(PLANTED).is_some()
}

model! {
    /// Two threads count; with the fault they read and write in two steps.
    fn counts() {
        let faulty = planted();
        let count = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..2).map(|_| {
            let count = count.clone();
            thread::spawn(move || for _ in 0..2 {
                match faulty {
                    true => count.store(count.load(RELAXED) + 1, RELAXED),
                    false => { count.fetch_add(1, RELAXED); }
                }
            })
        }).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(count.load(RELAXED), 4, "an update was lost");
    }

    /// Two threads take two locks, with the fault in two orders.
    fn takes_two_locks() {
        let faulty = planted();
        let locks = Arc::new((Mutex::new(()), Mutex::new(())));
        let threads = [false, true].map(|second| {
            let locks = locks.clone();
            thread::spawn(move || {
                let (one, two) = match second && faulty {
                    true => (&locks.1, &locks.0),
                    false => (&locks.0, &locks.1),
                };
                let _one = one.lock();
                let _two = two.lock();
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// A notification comes before a deadline or after it; with the fault that is thought to be
    /// impossible. Only a choice makes it fail.
    fn is_notified_in_time(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let faulty = planted();
        let notify = Arc::new(Notify::new());
        let notifiers = [0, 1].map(|_| {
            let notify = notify.clone();
            thread::spawn(move || { notify.notify_one(); })
        });
        let in_time = notify.wait_timeout(Duration::from_secs(1)).is_ok();
        assert!(in_time || !faulty, "the deadline came first");
        for notifier in notifiers {
            notifier.join().unwrap();
        }
    }
}

#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
mod of_failures {
    use super::PLANTED;
    use std::process::Command;

    const SCHEDULE: &str = "COUNTERPOINT_SCHEDULE";

    /// Runs one model of this file in a child; whether it passed, and what it said.
    fn run(model: &str, variables: &[(&str, &str)]) -> (bool, String) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", model, "--nocapture"]);
        command.env("RUST_BACKTRACE", "0").env_remove(PLANTED);
        command.env_remove(SCHEDULE).envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.success(), text.concat())
    }

    fn replays(model: &str, message: &str) {
        let (passed, text) = run(model, &[(PLANTED, "1")]);
        assert!(!passed && text.contains(message), "not found:\n{text}");
        let schedule = |text: &str| -> Option<String> {
            let found = text.split_once("COUNTERPOINT_SCHEDULE=")?.1;
            found.lines().next().map(str::to_owned)
        };
        let found = schedule(&text).expect("a schedule to replay");

        let (passed, text) = run(model, &[(PLANTED, "1"), (SCHEDULE, &found)]);
        assert!(!passed && text.contains(message), "not the same:\n{text}");
        assert_eq!(schedule(&text).as_ref(), Some(&found), "another schedule");

        let (passed, text) = run(model, &[(SCHEDULE, &found)]);
        assert!(
            !passed && text.contains("did not fail"),
            "mended, yet it fails:\n{text}"
        );
    }

    #[test]
    fn lost_update() {
        replays("counts", "an update was lost");
    }

    #[test]
    fn deadlock() {
        replays("takes_two_locks", "deadlock");
    }

    #[test]
    fn a_choice() {
        replays("is_notified_in_time", "the deadline came first");
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in ["", "loom", "shuttle:5eed:?", "loom:1:x"] {
            let (passed, text) = run("counts", &[(SCHEDULE, nonsense)]);
            assert!(
                !passed && text.contains("no schedule of"),
                "{nonsense}:\n{text}"
            );
        }
    }
}

//! `lockfree/deque`: the tasks of a thread, and thieves. `lockfree/injector`: tasks for everybody. The
//! bytes beside `owner_64` are those of an empty deque, beside `fill_1000` of one with 1,000 tasks,
//! beside `injector/pair` of an empty injector.

use std::hint::black_box;
use std::time::Duration;

use crate::alloc::held;
use crate::book::{Book, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;
use crate::rooms::lockfree_queue::{FILL, some};
use crate::sample::Sample;

pub(crate) const OWNER_LIFO: &str = "lockfree/deque/owner_64/lifo";
pub(crate) const OWNER_FIFO: &str = "lockfree/deque/owner_64/fifo";
const STEAL_ONE: &str = "lockfree/deque/steal_one";
const STEAL_BATCH: &str = "lockfree/deque/steal_batch";
const ROBBED: &str = "lockfree/deque/robbed";
const FILLED: &str = "lockfree/deque/fill_1000";
const FIB: &str = "lockfree/deque/fib";
const INJECTOR: &str = "lockfree/injector/pair";
const INJECTOR_BATCH: &str = "lockfree/injector/batch";
const INJECTOR_TWO: &str = "lockfree/injector/1p1c";

/// An owner and its thieves.
const GANGS: [(usize, u64); 3] = [(2, 5), (4, 8), (16, 20)];

/// Owners beside each other, each alone with its deque.
const OWNERS: [(usize, u64); 4] = [(1, 5), (2, 5), (4, 8), (16, 20)];

/// The number that is computed by tasks for its two predecessors: 177 tasks.
const NUMBER: u64 = 10;

/// Tasks that are pushed before any is taken.
const TASKS: u64 = 64;

pub(crate) fn enter(book: &mut Book) {
    for (id, about) in [
        (OWNER_LIFO, "the owner pushes 64 tasks and pops them, newest first"),
        (OWNER_FIFO, "the owner pushes 64 tasks and pops them, oldest first"),
    ] {
        book.scenario(
            Scenario::new(id, about)
                .unit("ns/64 tasks")
                .beats(2.0, &["crossbeam-deque", "st3"]),
        );
    }
    let alone = [
        (STEAL_ONE, "64 tasks are pushed and stolen one by one, on one thread"),
        (STEAL_BATCH, "64 tasks are pushed and stolen in batches, on one thread"),
        (INJECTOR_BATCH, "64 tasks are injected and taken in batches, on one thread"),
    ];
    for (id, about) in alone {
        book.scenario(
            Scenario::new(id, about)
                .unit("ns/64 tasks")
                .beats(1.1, &["crossbeam-deque"]),
        );
    }
    for (threads, window) in GANGS {
        book.scenario(
            Scenario::new(
                format!("{ROBBED}/{threads}"),
                "an owner pushes and pops while the other threads steal",
            )
            .window(window)
            .beats(1.1, &["crossbeam-deque"]),
        );
    }
    book.scenario(
        Scenario::new(FILLED, "the owner pushes 1,000 tasks and pops them, newest first")
            .unit("ns/1,000 tasks")
            .beats(1.0, &["crossbeam-deque"]),
    );
    for (threads, window) in OWNERS {
        book.scenario(
            Scenario::new(
                format!("{FIB}/{threads}"),
                "each thread computes the tenth number of Fibonacci by 177 tasks in its own deque",
            )
            .unit("ns/number")
            .window(window)
            .beats(1.0, &["crossbeam-deque", "st3"]),
        );
    }
    book.scenario(
        Scenario::new(INJECTOR, "one task is injected and taken, on one thread")
            .beats(1.1, &["crossbeam-deque"]),
    );
    book.scenario(
        Scenario::new(INJECTOR_TWO, "one thread injects, another one takes")
            .window(5)
            .beats(1.1, &["crossbeam-deque"]),
    );
}

/// The owner's end of a deque.
pub(crate) trait Owner: 'static {
    type Worker;
    fn new() -> Self::Worker;
    fn push(worker: &Self::Worker, task: u64);
    fn pop(worker: &Self::Worker) -> Option<u64>;
}

/// A deque with thieves.
pub(crate) trait Robbed: Owner {
    type Stealer: Send + Sync;
    fn stealer(worker: &Self::Worker) -> Self::Stealer;
    /// Until it is clear whether there is anything.
    fn steal(stealer: &Self::Stealer) -> Option<u64>;
    fn steal_batch(stealer: &Self::Stealer, dest: &Self::Worker) -> Option<u64>;
}

/// A queue for everybody.
pub(crate) trait Entrance: Owner {
    type Injector: Send + Sync;
    fn entrance() -> Self::Injector;
    fn inject(injector: &Self::Injector, task: u64);
    fn take(injector: &Self::Injector) -> Option<u64>;
    fn take_batch(injector: &Self::Injector, dest: &Self::Worker) -> Option<u64>;
}

/// A number and its two predecessors: one of them waits in the deque, and nobody steals it.
fn fib<O: Owner>(worker: &O::Worker, number: u64) -> u64 {
    if number < 2 {
        return number;
    }
    O::push(worker, number - 2);
    let first = fib::<O>(worker, number - 1);
    let second = O::pop(worker).expect("nobody steals");
    first + fib::<O>(worker, second)
}

/// Enters an owner that computes.
pub(crate) fn forks<O: Owner>(book: &mut Book, name: &'static str) {
    for (threads, _) in OWNERS {
        let subject = Subject::new(name, move || {
            move |time| {
                contend(threads, Duration::from_nanos(time), |_, shift| {
                    let worker = O::new();
                    shift.unwatched(|| {
                        assert_eq!(black_box(fib::<O>(&worker, black_box(NUMBER))), 55);
                    });
                })
            }
        });
        book.subject(&format!("{FIB}/{threads}"), subject);
    }
}

/// Enters an owner into a scenario.
pub(crate) fn owner<O: Owner>(book: &mut Book, id: &str, name: &'static str) {
    book.subject(
        id,
        Subject::new(name, || {
            let worker = O::new();
            move |ops| {
                repeat(ops, || {
                    (0..TASKS).for_each(|task| O::push(&worker, task));
                    while let Some(task) = O::pop(&worker) {
                        black_box(task);
                    }
                })
            }
        })
        .bytes(held(O::new)),
    );
}

/// Enters a deque with thieves.
pub(crate) fn thieves<R: Robbed>(book: &mut Book, name: &'static str) {
    book.subject(
        STEAL_ONE,
        Subject::new(name, || {
            let worker = R::new();
            let thief = R::stealer(&worker);
            move |ops| {
                repeat(ops, || {
                    (0..TASKS).for_each(|task| R::push(&worker, task));
                    while let Some(task) = R::steal(&thief) {
                        black_box(task);
                    }
                })
            }
        }),
    );
    book.subject(
        STEAL_BATCH,
        Subject::new(name, || {
            let (worker, own) = (R::new(), R::new());
            let thief = R::stealer(&worker);
            move |ops| {
                repeat(ops, || {
                    (0..TASKS).for_each(|task| R::push(&worker, task));
                    while let Some(task) = R::steal_batch(&thief, &own) {
                        black_box(task);
                        while let Some(task) = R::pop(&own) {
                            black_box(task);
                        }
                    }
                })
            }
        }),
    );
    let fill = |worker: &R::Worker| (0..FILL).for_each(|task| R::push(worker, task));
    book.subject(
        FILLED,
        Subject::new(name, move || {
            let worker = R::new();
            move |ops| {
                repeat(ops, || {
                    fill(&worker);
                    while let Some(task) = R::pop(&worker) {
                        black_box(task);
                    }
                })
            }
        })
        .bytes(held(|| {
            let worker = R::new();
            fill(&worker);
            worker
        })),
    );
    for (threads, _) in GANGS {
        let subject = Subject::new(name, move || {
            move |time| robbed::<R>(threads, Duration::from_nanos(time))
        });
        book.subject(&format!("{ROBBED}/{threads}"), subject);
    }
}

fn robbed<R: Robbed>(threads: usize, time: Duration) -> Sample {
    let (send, receive) = std::sync::mpsc::channel();
    let receive = std::sync::Mutex::new(receive);
    contend(threads, time, |thread, shift| {
        if thread == 0 {
            let worker = R::new();
            for _ in 1..threads {
                send.send(R::stealer(&worker)).expect("the thieves wait");
            }
            shift.unwatched(|| {
                (0..4).for_each(|task| R::push(&worker, task));
                (0..4).for_each(|_| _ = black_box(R::pop(&worker)));
            });
        } else {
            let thief = receive.lock().expect("no thief panics").recv().expect("it is sent");
            shift.unwatched(|| _ = black_box(R::steal(&thief)));
        }
    })
}

/// Enters a queue for everybody.
pub(crate) fn entrance<E: Entrance>(book: &mut Book, name: &'static str) {
    book.subject(
        INJECTOR,
        Subject::new(name, || {
            let injector = E::entrance();
            move |ops| {
                repeat(ops, || {
                    E::inject(&injector, 1);
                    black_box(E::take(&injector));
                })
            }
        })
        .bytes(held(E::entrance)),
    );
    book.subject(
        INJECTOR_BATCH,
        Subject::new(name, || {
            let (injector, own) = (E::entrance(), E::new());
            move |ops| {
                repeat(ops, || {
                    (0..TASKS).for_each(|task| E::inject(&injector, task));
                    while let Some(task) = E::take_batch(&injector, &own) {
                        black_box(task);
                        while let Some(task) = E::pop(&own) {
                            black_box(task);
                        }
                    }
                })
            }
        }),
    );
    book.subject(
        INJECTOR_TWO,
        Subject::new(name, || {
            |time| {
                let injector = E::entrance();
                contend(2, Duration::from_nanos(time), |thread, shift| {
                    if thread == 0 {
                        shift.unwatched(|| E::inject(&injector, 1));
                    } else {
                        shift.unwatched(|| some(|| E::take(&injector)));
                    }
                })
            }
        }),
    );
}

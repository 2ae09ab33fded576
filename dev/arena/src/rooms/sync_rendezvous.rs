//! `sync/rendezvous` and `sync/exchanger`: two threads that wait for each other, again and again.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::book::{Book, Bound, OURS, Scenario, Subject};
use crate::sample::Sample;
use crate::system::{self, Usage};

const WAIT: &str = "sync/rendezvous/wait";
const SWAP: &str = "sync/rendezvous/swap";
const SIZE: &str = "sync/rendezvous/size";
const EXCHANGE: &str = "sync/exchanger/pair";

/// Where the two run: on a processor each, or on one.
const PLACES: [(&str, [usize; 2]); 2] = [("2_cores", [0, 1]), ("1_core", [0, 0])];

/// What the processor takes to hand a cache line over: see [`floor`].
const FLOOR: &str = "a hand-over";
const SMALL: &str = "8 bytes";
const PEER: &str = "rendezvous_swap";

/// A swap that takes longer with a large value copies it.
const ALIKE: f64 = 1.0 / 1.1;

pub(crate) fn enter(book: &mut Book) {
    for (scenario, about) in [
        (WAIT, "two threads wait for each other"),
        (SWAP, "two threads swap a number and add to it"),
    ] {
        book.scenario(
            meetings(format!("{scenario}/2_cores"), about)
                .beats(1.0, &[PEER])
                .beats(1.0 / 1.3, &[FLOOR]),
        );
        book.scenario(
            meetings(format!("{scenario}/1_core"), about)
                .beats(100.0, &[PEER])
                .beats(0.8, &["std"]),
        );
    }
    let about = "two threads swap a value of this size and add to its first number";
    book.scenario(meetings(format!("{SIZE}/8"), about).beats(1.0, &[PEER]));
    book.scenario(
        meetings(format!("{SIZE}/4096"), about)
            .beats(1.0, &[PEER])
            .beats(ALIKE, &[SMALL]),
    );
    book.scenario(
        meetings(EXCHANGE.to_owned(), "two threads swap values at a place")
            .beats(2.0, &["crossbeam, two channels", "flume, two channels"]),
    );
}

fn meetings(id: String, about: &'static str) -> Scenario {
    Scenario::new(id, about)
        .unit("ns/meeting")
        .waits()
        .bound(Bound::NoAllocations)
}

/// Two that wait for each other.
pub(crate) trait Meets: 'static {
    type Party: Send;
    fn pair() -> [Self::Party; 2];
    fn wait(party: &mut Self::Party);
}

/// Two that swap values.
pub(crate) trait Swaps<T>: 'static {
    type Party: Send;
    fn pair(a: T, b: T) -> [Self::Party; 2];
    fn swap(party: &mut Self::Party) -> &mut T;
}

/// A place where two swap values that they own.
pub(crate) trait Exchanges: 'static {
    type Place: Send + Sync;
    fn new() -> Self::Place;
    /// What one of the two does. Each gives its number first.
    fn exchange(place: &Self::Place, first: bool, mine: u64) -> u64;
}

/// Enters waits into the scenarios of these places.
pub(crate) fn waits<M: Meets>(book: &mut Book, name: &'static str) {
    for (place, cores) in PLACES {
        book.subject(
            &format!("{WAIT}/{place}"),
            Subject::new(name, move || move |ops| together::<M>(cores, ops)),
        );
    }
}

/// Enters a barrier, where two share a processor.
pub(crate) fn barrier<M: Meets>(book: &mut Book, name: &'static str) {
    let (place, cores) = PLACES[1];
    for scenario in [WAIT, SWAP] {
        book.subject(
            &format!("{scenario}/{place}"),
            Subject::new(name, move || move |ops| together::<M>(cores, ops)),
        );
    }
}

/// Enters swaps.
pub(crate) fn swaps<S: Swaps<u64> + Swaps<[u64; 512]>>(book: &mut Book, name: &'static str) {
    for (place, cores) in PLACES {
        book.subject(
            &format!("{SWAP}/{place}"),
            Subject::new(name, move || move |ops| small::<S>(cores, ops)),
        );
    }
    let cores = PLACES[0].1;
    book.subject(
        &format!("{SIZE}/8"),
        Subject::new(name, move || move |ops| small::<S>(cores, ops)),
    );
    book.subject(
        &format!("{SIZE}/4096"),
        Subject::new(name, move || move |ops| large::<S>(cores, ops)),
    );
    if name == OURS {
        // As if it were a peer: so a small and a large swap are measured side by side.
        book.subject(
            &format!("{SIZE}/4096"),
            Subject::new(SMALL, move || move |ops| small::<S>(cores, ops)),
        );
    }
}

/// Enters an exchanger.
pub(crate) fn exchanges<E: Exchanges>(book: &mut Book, name: &'static str) {
    let start = || {
        |ops| {
            let place = E::new();
            let swap = |first: bool| {
                let place = &place;
                move || {
                    for round in 0..ops {
                        assert_eq!(E::exchange(place, first, 2 * round + u64::from(first)) / 2, round);
                    }
                }
            };
            both(PLACES[0].1, ops, swap(true), swap(false))
        }
    };
    book.subject(EXCHANGE, Subject::new(name, start));
}

/// Enters what the processor does without any library: two threads hand a cache line to each other
/// in turn, and an operation is one time that it is handed over. A meeting tells each of two threads
/// of the other, so it takes at least that.
pub(crate) fn floor(book: &mut Book) {
    let (place, cores) = PLACES[0];
    for scenario in [WAIT, SWAP] {
        book.subject(
            &format!("{scenario}/{place}"),
            Subject::new(FLOOR, move || move |ops| hand_overs(cores, ops)),
        );
    }
}

/// A line of its own.
#[repr(align(128))]
struct Line(AtomicU64);

fn hand_overs(cores: [usize; 2], ops: u64) -> Sample {
    let line = Line(AtomicU64::new(0));
    let take = |first: u64| {
        let line = &line.0;
        move || {
            for turn in (first..ops).step_by(2) {
                while line.load(Ordering::Acquire) != turn {
                    std::hint::spin_loop();
                }
                line.store(turn + 1, Ordering::Release);
            }
        }
    };
    both(cores, ops, take(0), take(1))
}

fn together<M: Meets>(cores: [usize; 2], ops: u64) -> Sample {
    let [a, b] = M::pair();
    let wait = |mut party: M::Party| (0..ops).for_each(|_| M::wait(&mut party));
    both(cores, ops, move || wait(a), move || wait(b))
}

fn small<S: Swaps<u64>>(cores: [usize; 2], ops: u64) -> Sample {
    swapped::<S, u64>(cores, ops, [0, 0], |value| value)
}

fn large<S: Swaps<[u64; 512]>>(cores: [usize; 2], ops: u64) -> Sample {
    swapped::<S, [u64; 512]>(cores, ops, [[0; 512]; 2], |value| &mut value[0])
}

fn swapped<S: Swaps<T>, T: Send>(
    cores: [usize; 2],
    ops: u64,
    [a, b]: [T; 2],
    number: fn(&mut T) -> &mut u64,
) -> Sample {
    let [a, b] = S::pair(a, b);
    // Each thread owns its party: two parties beside each other would share a cache line.
    let walk = |mut party: S::Party| {
        for round in 0..ops {
            let number = number(S::swap(&mut party));
            // The partner has added to it in every round before.
            assert_eq!(*number, round);
            *number += 1;
        }
    };
    both(cores, ops, move || walk(a), move || walk(b))
}

/// Runs both on their processors and measures from the start to the end of the later one.
pub(crate) fn both(
    cores: [usize; 2],
    ops: u64,
    a: impl FnOnce() + Send,
    b: impl FnOnce() + Send,
) -> Sample {
    if cores[0] == cores[1] {
        // The process, so that subjects that ask see one processor.
        system::pin(cores[0]);
    }
    let ready = Barrier::new(2);
    let run = |core: usize, work: &mut dyn FnMut()| {
        system::pin(core);
        ready.wait();
        let (begun, before) = (Instant::now(), Usage::of_thread());
        work();
        (begun, Instant::now(), Usage::of_thread().since(before))
    };
    let (mut a, mut b) = (Some(a), Some(b));
    let (first, second) = std::thread::scope(|scope| {
        let run = &run;
        let first = scope.spawn(move || run(cores[0], &mut || a.take().expect("once")()));
        let second = scope.spawn(move || run(cores[1], &mut || b.take().expect("once")()));
        (
            first.join().expect("it does not panic"),
            second.join().expect("it does not panic"),
        )
    });
    Sample {
        ops,
        wall: (first.1.max(second.1) - first.0.min(second.0)).as_nanos() as u64,
        cpu: first.2.cpu + second.2.cpu,
        switches: first.2.switches + second.2.switches,
        longest: 0,
    }
}

//! Memory that runs out: in a child process the n-th allocation fails, for each n up to 50 and each
//! primitive. The child ends as a program ends that has no memory, or does without; it never hangs,
//! and never goes on with something half-made.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_base::atomic::AtomicCell;
use counterpoint_base::{SeqCell, ShardedCounter};
use counterpoint_lockfree::queue::{ArrayQueue, SegQueue, spsc};
use counterpoint_sync::rendezvous::RendezvousGroup;
use counterpoint_sync::stage::Exit;
use counterpoint_sync::{
    Barrier, BufMutex, Exchanger, LazyCell, Mutex, Notify, OnceCell, Rendezvous, RendezvousData,
    RwLock, Semaphore, Stage, WaitGroup,
};
use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::event::Event;
use counterpoint_wait::parker::Parker;
use counterpoint_wait::timer::sleep;
use counterpoint_wait::{block_on, select};
use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::future::Future;
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Allocations until one fails; none does at 0.
static LEFT: AtomicUsize = AtomicUsize::new(0);

struct Failing;

fn fails() -> bool {
    let one_less = |left: usize| left.checked_sub(1);
    LEFT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) == Ok(1)
}

// SAFETY: the system's allocator, which may fail.
unsafe impl GlobalAlloc for Failing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fails() {
            return std::ptr::null_mut();
        }
        // SAFETY: by the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static FAILING: Failing = Failing;

/// So many allocations of each body are tried.
const TRIED: usize = 50;

const SHORT: Duration = Duration::from_millis(1);

/// Polls once.
fn begin<F: Future>(future: F) {
    let mut future = pin!(future);
    drop(
        future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop())),
    );
}

type Body = (&'static str, fn());

/// What each primitive does that may need memory, waiting included.
const BODIES: &[Body] = &[
    ("mutex", || {
        let mutex = Arc::new(Mutex::new(1));
        let held = mutex.lock_owned();
        begin(mutex.lock_async());
        assert!(mutex.lock_timeout(SHORT).is_err());
        drop(held);
        assert_eq!(*mutex.lock(), 1);
    }),
    ("rwlock", || {
        let lock = Arc::new(RwLock::new(1));
        let held = lock.read_owned();
        begin(lock.write_async());
        assert!(lock.write_timeout(SHORT).is_err());
        drop(held);
        assert_eq!(*lock.write(), 1);
    }),
    ("semaphore", || {
        let semaphore = Arc::new(Semaphore::new(0));
        begin(semaphore.acquire_owned_async());
        assert!(semaphore.acquire_timeout(SHORT).is_err());
        semaphore.add_permits(1);
        assert!(semaphore.try_acquire().is_ok());
    }),
    ("notify", || {
        let notify = Notify::new();
        begin(notify.notified());
        assert!(notify.wait_timeout(SHORT).is_err());
        notify.notify_one();
        notify.wait();
    }),
    ("event", || {
        let event = Event::<()>::new();
        begin(event.listen());
        assert!(event.listen().timeout(SHORT).wait().is_err());
        event.notify_additional(1);
    }),
    ("wait_group", || {
        let group = WaitGroup::new();
        let worker = group.clone();
        assert!(group.wait_ref_timeout(SHORT).is_err());
        drop(worker);
        group.wait();
    }),
    ("rendezvous", || {
        let (mut one, mut other) = Rendezvous::new();
        assert!(one.wait_timeout(SHORT).is_err());
        other.wait();
        one.wait();
        let (mut one, mut other) = RendezvousData::new(1, 2);
        assert!(one.swap_timeout(SHORT).is_err());
        assert_eq!((*other.swap(), *one.swap()), (1, 2));
        let mut parties = RendezvousGroup::new(3);
        assert!(parties[0].wait_timeout(SHORT).is_err());
    }),
    ("exchanger", || {
        let exchanger = Arc::new(Exchanger::new());
        begin(exchanger.exchange_owned_async(1));
        assert!(exchanger.exchange_timeout(1, SHORT).is_err());
    }),
    ("buf_mutex", || {
        let sum = BufMutex::new(0, |sum: &mut u32, part: &u32| *sum += part);
        let mut share = sum.share();
        *share.as_mut() = 1;
        assert!(sum.wait_idle_timeout(SHORT).is_err());
        drop(share);
        let striped = BufMutex::striped(0, |_: &mut u32, _: &u32| (), || 0, |_, _| ());
        drop(striped.share());
        let live = BufMutex::live(0, |_: &mut u32, _: &u32| ());
        drop(live.share());
        let ordered = BufMutex::ordered(0, |_: &mut u32, _: &u32| ());
        // Out of order, so that it is kept.
        let (first, second) = (ordered.share(), ordered.share());
        drop(second);
        drop(first);
        assert_eq!(
            (sum.get(), striped.get(), live.get(), ordered.get()),
            (1, 0, 0, 0)
        );
    }),
    ("cancel", || {
        let token = CancelToken::new();
        let children: Vec<_> = (0..4).map(|_| token.child()).collect();
        begin(children[0].cancelled());
        assert!(children[1].cancelled().timeout(SHORT).wait().is_err());
        token.cancel("now");
        assert!(children.iter().all(CancelToken::is_cancelled));
    }),
    ("parker", || {
        let parker = Parker::new();
        parker.park_timeout(SHORT);
        parker.unparker().clone().unpark();
        parker.park();
    }),
    ("timers", || {
        block_on(sleep(SHORT));
        let mutex = Mutex::new(1);
        let _held = mutex.lock();
        assert!(block_on(mutex.lock_async().timeout(SHORT)).is_err());
    }),
    ("select", || {
        let (mutex, token) = (Mutex::new(1), CancelToken::new());
        let _held = mutex.lock();
        select! {
            _guard = mutex.lock_async() => unreachable!("it is held"),
            () = token.cancelled() => unreachable!("nobody cancels it"),
            timeout(SHORT) => {}
        }
    }),
    ("ring", || {
        let (mut producer, mut consumer) = spsc::ring(4);
        assert_eq!(producer.push(Box::new(1)), Ok(()));
        assert_eq!(consumer.pop(), Some(Box::new(1)));
    }),
    ("queue", || {
        let queue = ArrayQueue::new(4);
        assert_eq!(queue.push(Box::new(1)), Ok(()));
        assert_eq!(queue.pop(), Some(Box::new(1)));
    }),
    ("unbounded queue", || {
        // Over the edge of a block and back, so that one is used again.
        let queue = SegQueue::new();
        for number in 0..100 {
            queue.push(Box::new(number));
        }
        for number in 0..100 {
            assert_eq!(queue.pop(), Some(Box::new(number)));
        }
        queue.push(Box::new(100));
        assert_eq!(queue.into_iter().count(), 1);
    }),
    ("once", || {
        let cell = OnceCell::new();
        let claim = cell.try_claim();
        begin(cell.get_or_init_async(async || 1));
        assert!(cell.wait_timeout(SHORT).is_err());
        assert!(cell.get_or_init_timeout(SHORT, || 1).is_err());
        drop(claim);
        assert_eq!(cell.get_or_init(|| 2), &2);
        let lazy = LazyCell::new(async || Box::new(3));
        assert_eq!(**lazy.force(), 3);
    }),
    ("barrier", || {
        let barrier = Barrier::new(2);
        begin(barrier.wait_async());
        assert!(barrier.wait_timeout(SHORT).is_err());
        drop(barrier.arrive());
        assert!(barrier.wait().is_leader());
    }),
    ("stage", || {
        let stage = Stage::with_values((), ());
        // So many that the table grows.
        let tickets: Vec<_> = (0..40).map(|token| stage.ticket(token)).collect();
        let mine = stage.ticket(100).unwrap();
        let heads = block_on(stage.enter_async(mine));
        let mut ticket = stage.ticket(101).unwrap();
        begin(stage.enter_async(&mut ticket));
        assert_eq!(stage.enter(&mut ticket, Some(SHORT), |_| ()), Exit::Timeout);
        assert_eq!(stage.notify_all(), 42);
        assert_eq!(stage.notify_with(&101, Box::new(1)), Ok(()));
        assert_eq!(
            stage.enter(&mut ticket, None, |_| ()),
            Exit::Value(Box::new(1))
        );
        drop(heads);
        assert_eq!(stage.enter(&mut ticket, None, |_| ()), Exit::Finished(()));
        drop(tickets);
    }),
    ("cells", || {
        let counter = ShardedCounter::new();
        counter.add(1);
        assert_eq!(counter.sum(), 1);
        let cell = SeqCell::new((1, 2));
        cell.store((3, 4));
        assert_eq!(cell.load(), (3, 4));
        let cell = AtomicCell::new([1; 9]);
        cell.store([2; 9]);
        assert_eq!(cell.load(), [2; 9]);
    }),
    ("scope", || {
        let mutex = Mutex::new(0);
        let ended = counterpoint_base::thread::scope(|scope| {
            scope.spawn(|_| *mutex.lock() += 1);
        });
        assert!(ended.is_ok());
        assert_eq!(*mutex.lock(), 1);
    }),
];

/// In the child: the body, with an allocation that fails.
#[test]
fn child() {
    let Ok(name) = env::var("COUNTERPOINT_STARVE") else {
        return;
    };
    let number = env::var("COUNTERPOINT_STARVE_AT").unwrap().parse().unwrap();
    let (_, body) = BODIES.iter().find(|(other, _)| *other == name).unwrap();
    LEFT.store(number, Ordering::Relaxed);
    body();
    let unused = LEFT.swap(0, Ordering::Relaxed);
    println!("{}", if unused > 0 { "enough" } else { "without" });
}

fn starve(name: &str, number: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env("COUNTERPOINT_STARVE", name)
        .env("COUNTERPOINT_STARVE_AT", number.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// How a child ended.
#[derive(PartialEq, Eq)]
enum End {
    /// It never came to that allocation.
    Enough,
    /// It was told, and did without.
    Without,
    /// As every program without memory.
    Aborted,
}

fn end(name: &str, number: usize) -> End {
    let mut child = starve(name, number);
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("{name} hangs without its allocation {number}");
        }
        thread::sleep(Duration::from_micros(200));
    }
    let output = child.wait_with_output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if output.status.success() {
        return match out.contains("enough") {
            true => End::Enough,
            false => {
                assert!(out.contains("without"), "{name}, {number}: {out}");
                End::Without
            }
        };
    }
    let clean = err.contains("memory allocation of") && !err.contains("panicked at");
    // A thread that could not be made is told as a panic of who wanted it.
    let refused = err.contains("failed to spawn thread") || err.contains("OutOfMemory");
    assert!(
        clean || refused,
        "{name} without its allocation {number}:\n{out}\n{err}"
    );
    End::Aborted
}

#[test]
fn each_allocation_may_fail() {
    let mut aborted = 0;
    for (name, _) in BODIES {
        let mut ends = 0;
        for number in 1..=TRIED {
            match end(name, number) {
                End::Enough => break,
                End::Without => {}
                End::Aborted => ends += 1,
            }
        }
        println!("{name}: {ends} allocations");
        aborted += ends;
    }
    // Some of them do need memory, or none of this was shown.
    assert!(aborted > 10, "{aborted}");
}

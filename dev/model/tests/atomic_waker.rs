//! Models of the slot for one task's waker.

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::{self, JoinHandle};
use counterpoint_model::{Branch, model};
use counterpoint_wait::atomic_waker::AtomicWaker;
use counterpoint_wait::parker::Parker;
use std::task::Waker;

/// What is waited for, one word for each thread that brings something, and the slot beside it.
struct Shared {
    brought: [AtomicU32; 2],
    task: AtomicWaker,
}

impl Shared {
    fn new() -> Arc<Shared> {
        Arc::new(Shared {
            brought: [AtomicU32::new(0), AtomicU32::new(0)],
            task: AtomicWaker::new(),
        })
    }

    /// Relaxed on both sides: only the edges of the slot make it visible.
    fn has(&self, which: usize) -> bool {
        self.brought[which].load(RELAXED) == 1
    }
}

fn bring(shared: &Arc<Shared>, which: usize) -> JoinHandle<()> {
    let shared = shared.clone();
    thread::spawn(move || {
        shared.brought[which].store(1, RELAXED);
        shared.task.wake();
    })
}

fn waker_of(parker: &Parker) -> Waker {
    Waker::from(parker.unparker().clone())
}

/// Counts wake-ups; no part of the model.
#[derive(Default)]
struct Count(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Count {
    fn wake(self: std::sync::Arc<Count>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

model! {
    /// A task that registers and looks is woken by whoever changes and wakes, and then sees it.
    fn register_meets_wake() {
        let shared = Shared::new();
        let thread = bring(&shared, 0);
        let parker = Parker::new();
        shared.task.register(&waker_of(&parker));
        if !shared.has(0) {
            parker.park();
        }
        assert!(shared.has(0), "woken, but it is not there");
        thread.join().unwrap();
    }

    /// The waker registered last is woken, also if the wake-up comes while it takes the place of
    /// another one.
    fn replacing_a_waker_meets_wake() {
        let shared = Shared::new();
        let thread = bring(&shared, 0);
        let (first, last) = (Parker::new(), Parker::new());
        shared.task.register(&waker_of(&first));
        shared.task.register(&waker_of(&last));
        if !shared.has(0) {
            last.park();
        }
        assert!(shared.has(0), "woken, but it is not there");
        thread.join().unwrap();
    }

    /// The same waker registered again is woken.
    fn registering_again_meets_wake() {
        let shared = Shared::new();
        let thread = bring(&shared, 0);
        let parker = Parker::new();
        let waker = waker_of(&parker);
        shared.task.register(&waker);
        shared.task.register(&waker);
        if !shared.has(0) {
            parker.park();
        }
        assert!(shared.has(0), "woken, but it is not there");
        thread.join().unwrap();
    }

    /// Two threads wake: neither wake-up is lost, and no waker is taken twice.
    fn two_wakes_meet_register(preemptions: Some(3), branches: [Branch::SpuriousWake], per_thread: 1) {
        let shared = Shared::new();
        let threads = [bring(&shared, 0), bring(&shared, 1)];
        let parker = Parker::new();
        let waker = waker_of(&parker);
        loop {
            shared.task.register(&waker);
            if shared.has(0) && shared.has(1) {
                break;
            }
            parker.park();
            // It may have been woken since a wake-up was under way: let that one finish.
            thread::yield_now();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// Of those that take the waker one gets it, also while it is registered.
    fn one_of_two_takes_it() {
        let shared = Shared::new();
        let others: Vec<_> = (0..2)
            .map(|_| {
                let shared = shared.clone();
                thread::spawn(move || shared.task.take().is_some())
            })
            .collect();
        let count = std::sync::Arc::new(Count::default());
        shared.task.register(&Waker::from(count.clone()));
        let mut found: usize = others.into_iter().map(|one| usize::from(one.join().unwrap())).sum();
        found += count.0.load(std::sync::atomic::Ordering::Relaxed);
        found += usize::from(shared.task.take().is_some());
        assert_eq!(found, 1);
    }

    /// What a leaving task does beside a wake-up: takes its waker out, then another one comes.
    fn take_meets_wake_and_the_next_task() {
        let shared = Shared::new();
        let thread = bring(&shared, 0);
        let (first, next) = (Parker::new(), Parker::new());
        shared.task.register(&waker_of(&first));
        drop(shared.task.take());
        shared.task.register(&waker_of(&next));
        if !shared.has(0) {
            next.park();
        }
        assert!(shared.has(0), "woken, but it is not there");
        thread.join().unwrap();
    }
}

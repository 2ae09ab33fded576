//! Who is granted, who passes on, and who may run meanwhile: W2, W3, W12, W15.

use super::leak::leak;
use super::subjects::{Subject, Wait, Won, all, batons, broadcasts, quiet_batons};
use super::wakers::{Moment, Probe};
use counterpoint_sync::{Mutex, Semaphore};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Cell};
use std::task::Poll;
use std::thread;

/// A wait that was polled once and is queued.
struct Queued {
    probe: Arc<Probe>,
    wait: Wait<Won>,
}

impl Queued {
    fn new(subject: &Subject) -> Queued {
        let (probe, mut wait) = (Probe::new(), (subject.wait)());
        assert!(probe.poll(wait.as_mut()).is_pending(), "{}", subject.verb);
        Queued { probe, wait }
    }

    fn poll(&mut self) -> Poll<Won> {
        self.probe.poll(self.wait.as_mut())
    }

    fn won(&mut self) -> Won {
        match self.poll() {
            Poll::Ready(won) => won,
            Poll::Pending => panic!("it was granted"),
        }
    }
}

#[test]
fn w2_a_stopped_waiter_is_unlinked_and_the_others_keep_their_order() {
    for subject in quiet_batons() {
        let [mut first, second, mut third, fourth] = [(); 4].map(|()| Queued::new(&subject));
        drop(second);
        (subject.open)();
        assert_eq!((first.probe.wakes(), third.probe.wakes()), (1, 0));
        drop(first.won());
        assert_eq!((third.probe.wakes(), fourth.probe.wakes()), (1, 0));
        drop(fourth);
        drop(third.won());
        // Nobody is left, so nobody is in the way.
        assert!(Probe::new().poll((subject.wait)().as_mut()).is_ready());
    }
}

#[test]
fn w2_a_stopped_batch_lets_a_smaller_one_behind_it_in() {
    for semaphore in [Semaphore::new(0), Semaphore::fair(0)] {
        let (probe, other) = (Probe::new(), Probe::new());
        let mut batch = Box::pin(semaphore.acquire_many_async(3));
        let mut single = pin!(semaphore.acquire_async());
        assert!(other.poll(batch.as_mut()).is_pending());
        assert!(probe.poll(single.as_mut()).is_pending());
        semaphore.add_permits(1);
        assert_eq!(probe.wakes(), 0, "the batch is first in line");
        drop(batch);
        assert_eq!(probe.wakes(), 1);
        assert!(probe.poll(single.as_mut()).is_ready());
    }
}

#[test]
fn w3_dropped_baton_passes_on_once_fifo() {
    for subject in quiet_batons() {
        let mut line: Vec<Queued> = (0..5).map(|_| Queued::new(&subject)).collect();
        (subject.open)();
        for passed in 0..3 {
            let wakes: Vec<usize> = line.iter().map(|queued| queued.probe.wakes()).collect();
            let expected: Vec<usize> = (0..line.len()).map(|n| usize::from(n == 0)).collect();
            assert_eq!(wakes, expected, "{} after {passed}", subject.verb);
            drop(line.remove(0));
        }
        assert_eq!(line[0].probe.wakes(), 1);
        assert_eq!(line[1].probe.wakes(), 0);
        let won = line[0].won();
        assert!(
            line[1].poll().is_pending(),
            "{} has one holder",
            subject.verb
        );
        drop(won);
        drop(line[1].won());
    }
}

#[test]
fn w3_the_last_dropped_baton_goes_back() {
    for subject in batons() {
        let queued = Queued::new(&subject);
        (subject.open)();
        assert_eq!(queued.probe.wakes(), 1);
        drop(queued);
        assert!(Probe::new().poll((subject.wait)().as_mut()).is_ready());
    }
}

#[test]
fn w3_broadcasts_are_not_passed_on() {
    for subject in broadcasts() {
        let [first, mut second, third] = [(); 3].map(|()| Queued::new(&subject));
        (subject.open)();
        drop(first);
        drop(third);
        assert_eq!(second.probe.wakes(), 1);
        drop(second.won());
    }
}

#[test]
fn w12_a_wake_up_does_not_transfer_the_lock() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    let probe = Probe::new();
    let mut queued = pin!(mutex.lock_async());
    assert!(probe.poll(queued.as_mut()).is_pending());
    drop(held);
    assert_eq!(probe.wakes(), 1);
    let newcomer = mutex.try_lock().expect("granted is not held");
    assert!(probe.poll(queued.as_mut()).is_pending());
    drop(newcomer);
    assert_eq!(probe.wakes(), 2, "whoever lost is woken again");
    assert!(probe.poll(queued.as_mut()).is_ready());
}

#[test]
fn w12_a_permit_stays_until_it_is_claimed() {
    let semaphore = Semaphore::new(0);
    let probe = Probe::new();
    let mut queued = pin!(semaphore.acquire_async());
    assert!(probe.poll(queued.as_mut()).is_pending());
    semaphore.add_permits(1);
    assert_eq!((probe.wakes(), semaphore.available_permits()), (1, 1));
    let newcomer = semaphore.try_acquire().expect("granted is not taken");
    assert!(probe.poll(queued.as_mut()).is_pending());
    drop(newcomer);
    assert!(probe.poll(queued.as_mut()).is_ready());
}

/// Locks on a thread, and says `name` once it is queued and then once it has the lock.
fn thread_in_line(
    mutex: &'static Mutex<()>,
    order: &'static Cell<Vec<usize>>,
    name: usize,
) -> thread::JoinHandle<()> {
    let queued = Arc::new(AtomicBool::new(false));
    let is_queued = queued.clone();
    let thread = thread::spawn(move || {
        // The other future is looked at when the operation was found waiting.
        let tell = poll_fn(move |_| {
            queued.store(true, Ordering::SeqCst);
            Poll::<()>::Pending
        });
        let guard = mutex
            .lock_async()
            .until(tell)
            .wait()
            .expect("never stopped");
        order.lock().unwrap().push(name);
        drop(guard);
    });
    while !is_queued.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    thread
}

/// Six in one line, every other one a thread; in which order they had the lock.
fn serve_six() -> Vec<usize> {
    let mutex: &'static Mutex<()> = leak(Mutex::fair(()));
    let order: &'static Cell<Vec<usize>> = leak(Cell::default());
    let held = mutex.lock();
    let mut tasks: Vec<(Arc<Probe>, Wait<()>)> = Vec::new();
    let mut threads = Vec::new();
    for name in 0..6 {
        if name % 2 == 0 {
            let probe = Probe::new();
            let mut task: Wait<()> = Box::pin(async move {
                let guard = mutex.lock_async().await;
                order.lock().unwrap().push(name);
                drop(guard);
            });
            assert!(probe.poll(task.as_mut()).is_pending());
            tasks.push((probe, task));
        } else {
            threads.push(thread_in_line(mutex, order, name));
        }
    }
    drop(held);
    while !tasks.is_empty() {
        // Polled when woken only: one that looks by itself may end another's reservation.
        tasks.retain_mut(|(probe, task)| {
            probe.wakes() == 0 || probe.poll(task.as_mut()).is_pending()
        });
        thread::yield_now();
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    order.lock().unwrap().clone()
}

#[test]
fn w15_threads_and_tasks_stand_in_one_line() {
    // Whoever is not scheduled for a millisecond may be passed over, so a slow machine tries again.
    let in_order = (0..50).any(|_| {
        let mut order = serve_six();
        let in_order = order.is_sorted();
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 4, 5], "everybody is served once");
        in_order
    });
    assert!(in_order);
}

#[test]
fn every_primitive_waits_and_opens() {
    for subject in all() {
        let mut queued = Queued::new(&subject);
        assert!(queued.poll().is_pending());
        assert_eq!(queued.probe.wakes(), 0);
        (subject.open)();
        assert_eq!(queued.probe.wakes(), 1, "{}", subject.verb);
        drop(queued.won());
        assert_eq!(queued.probe.live(), 0);
    }
}

/// Whether one was let in that stands before a batch which has claimed in vain what is enough for
/// one. `None`: on a slow machine it did not come to that.
fn comes_before_a_vain_batch() -> Option<bool> {
    let semaphore: &'static Semaphore = leak(Semaphore::new(0));
    let barge = |permits| semaphore.try_acquire_many(permits).map(|it| it.forget());
    let armed = Arc::new(AtomicBool::new(false));
    let hook = armed.clone();
    let (first, second) = (
        // Between its own claim in vain and its return to the line.
        Probe::with(move |now| {
            if now == Moment::Clone && hook.swap(false, Ordering::SeqCst) {
                semaphore.add_permits(2);
                let _ = barge(2);
            }
        }),
        Probe::new(),
    );
    let mut one = pin!(semaphore.acquire_async());
    let mut batch = pin!(semaphore.acquire_many_async(2));
    assert!(first.poll(one.as_mut()).is_pending());
    assert!(second.poll(batch.as_mut()).is_pending());
    semaphore.add_permits(1);
    barge(1).ok()?;
    armed.store(true, Ordering::SeqCst);
    if first.poll(one.as_mut()).is_ready() {
        return None;
    }
    semaphore.add_permits(1);
    if second.wakes() == 0 || first.wakes() > 1 || second.poll(batch.as_mut()).is_ready() {
        return None;
    }
    Some(first.wakes() == 2 && first.poll(one.as_mut()).is_ready())
}

#[test]
fn w3_a_batch_that_claims_in_vain_lets_the_first_in() {
    let came = (0..100).find_map(|_| comes_before_a_vain_batch());
    assert_eq!(came, Some(true));
}

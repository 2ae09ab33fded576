//! Models of the deque: a ring of two places, and positions that wrap around.

use counterpoint_base::prim::atomic::{AtomicBool, RELAXED, fence_seq_cst};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_lockfree::deque::{Injector, Steal, Stealer, Worker};
use counterpoint_model::model;

type Tasks = Worker<u32>;

/// What one attempt takes, or 0.
fn steal(thief: &Stealer<u32>) -> u32 {
    thief.steal().success().unwrap_or(0)
}

fn pop(worker: &Tasks) -> u32 {
    worker.pop().unwrap_or(0)
}

/// Two attempts.
fn steal_two(thief: &Stealer<u32>) -> u32 {
    steal(thief) + steal(thief)
}

/// Half, into a deque of its own.
fn steal_half(thief: &Stealer<u32>) -> u32 {
    let own = Worker::new_fifo();
    let first = thief.steal_batch_and_pop(&own).success().unwrap_or(0);
    first + drain(&own)
}

/// All that is left, added up.
fn drain(worker: &Tasks) -> u32 {
    core::iter::from_fn(|| worker.pop()).sum()
}

/// Pushes `1 << 0`, `1 << 1`, … up to `count`.
fn filled(worker: Tasks, count: u32) -> Tasks {
    (0..count).for_each(|bit| worker.push(1 << bit));
    worker
}

/// Runs two thieves beside the owner, and returns what all of them took, and what was left: each
/// task once, so the sum is that of all.
fn among(
    worker: Tasks,
    thieves: [fn(&Stealer<u32>) -> u32; 2],
    owner: impl FnOnce(&Tasks) -> u32,
) -> u32 {
    let thieves = thieves.map(|body| {
        let thief = worker.stealer();
        thread::spawn(move || body(&thief))
    });
    let own = owner(&worker);
    let stolen: u32 = thieves.into_iter().map(|thief| thief.join().unwrap()).sum();
    own + stolen + drain(&worker)
}

/// The same with one thief, and the owner in a thread as well; what was left is popped there.
fn against_one(worker: Tasks, thief: fn(&Stealer<u32>) -> u32, owner: fn(&Tasks) -> u32) -> u32 {
    let stealer = worker.stealer();
    let thief = thread::spawn(move || thief(&stealer));
    let owner = thread::spawn(move || {
        let own = owner(&worker);
        (worker, own)
    });
    let stolen = thief.join().unwrap();
    let (worker, own) = owner.join().unwrap();
    own + stolen + drain(&worker)
}

fn pop_push_pop(worker: &Tasks) -> u32 {
    let first = pop(worker);
    worker.push(4);
    first + pop(worker)
}

fn push_pop(worker: &Tasks) -> u32 {
    worker.push(4);
    pop(worker)
}

fn pop_pop(worker: &Tasks) -> u32 {
    pop(worker) + pop(worker)
}

/// Two attempts beside an owner that pushes nothing: where nothing was, nothing is found.
fn steal_after_nothing(thief: &Stealer<u32>) -> u32 {
    let (first, second) = (thief.steal(), thief.steal());
    assert!(
        !(first.is_empty() && second.is_success()),
        "nothing was there, and then a task that nobody pushed"
    );
    first.success().unwrap_or(0) + second.success().unwrap_or(0)
}

/// An attempt while there is something.
fn steal_of_plenty(thief: &Stealer<u32>) -> u32 {
    match thief.steal() {
        Steal::Success(task) => task,
        Steal::Retry => 0,
        Steal::Empty => panic!("there is always something"),
    }
}

/// Takes all, and whether it sleeps then: it says so, and looks once more.
fn take_and_sleep(thief: &Stealer<u32>, asleep: &AtomicBool) -> (u32, bool) {
    let mut taken = 0;
    loop {
        match thief.steal() {
            Steal::Success(task) => taken += task,
            Steal::Retry => return (taken, false),
            Steal::Empty => {
                asleep.store(true, RELAXED);
                fence_seq_cst("model.sleeper");
                return (taken, thief.is_empty());
            }
        }
    }
}

model! {
    /// One task for three, last in, first out.
    fn newest_and_last_task(preemptions: Some(3)) {
        let worker = filled(Worker::new_lifo(), 1);
        assert_eq!(among(worker, [steal, steal], pop), 1);
    }

    /// One task for three, first in, first out.
    fn oldest_and_last_task(preemptions: Some(3)) {
        let worker = filled(Worker::new_fifo(), 1);
        assert_eq!(among(worker, [steal, steal], pop), 1);
    }

    /// The owner takes back what it has offered: a thief that comes meanwhile does not take it for
    /// nothing.
    fn taken_back_is_not_nothing(preemptions: Some(3)) {
        let worker = filled(Worker::new_lifo(), 2);
        assert_eq!(against_one(worker, steal_after_nothing, pop_pop), 3);
    }

    /// A task is pushed before another is popped: there is always something, and a thief finds it.
    fn pushed_before_popped_is_not_nothing(preemptions: Some(3)) {
        let worker = filled(Worker::new_fifo(), 1);
        let owner = |worker: &Tasks| {
            let first = push_pop(worker);
            worker.push(8);
            first + pop(worker)
        };
        assert_eq!(against_one(worker, steal_of_plenty, owner), 13);
    }

    /// The same in a run of which the owner knows.
    fn a_run_of_plenty_is_not_nothing(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 4);
        let thief = worker.stealer();
        assert_eq!([steal(&thief), pop(&worker), steal(&thief)], [1, 2, 4]);
        let owner = |worker: &Tasks| {
            worker.push(16);
            pop(worker)
        };
        assert_eq!(against_one(worker, steal_of_plenty, owner), 24);
    }

    /// Who begins a run behind a pop sees what was pushed before that pop.
    fn a_run_begins_with_all_that_was_pushed(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 2);
        let thief = |thief: &Stealer<u32>| {
            let task = steal(thief);
            assert!(!thief.is_empty(), "there is always something");
            task
        };
        assert_eq!(against_one(worker, thief, push_pop), 7);
    }

    /// The end of a run: what the owner is about to take, and has not, is not nothing.
    fn the_end_of_a_run_is_not_nothing(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 3);
        let thief = |thief: &Stealer<u32>| {
            let is_empty = thief.is_empty();
            let task = steal(thief);
            assert!(
                !is_empty || task == 0,
                "nothing was there, and then a task that nobody pushed"
            );
            task
        };
        let owner = |worker: &Tasks| steal(&worker.stealer()) + pop_pop(worker);
        assert_eq!(against_one(worker, thief, owner), 7);
    }

    /// The owner pops, pushes and pops, last in, first out: what a thief finds was written.
    fn newest_among_thieves(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 2);
        assert_eq!(among(worker, [steal, steal], pop_push_pop), 7);
    }

    /// The owner pops and pushes, first in, first out: a run begins.
    fn oldest_among_thieves(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 2);
        let owner = |worker: &Tasks| {
            let first = pop(worker);
            worker.push(4);
            first
        };
        assert_eq!(among(worker, [steal, steal], owner), 7);
    }

    /// The same with one thief, which comes again.
    fn newest_against_one(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 2);
        assert_eq!(against_one(worker, steal_two, pop_push_pop), 7);
    }

    /// The same, first in, first out.
    fn oldest_against_one(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 2);
        assert_eq!(against_one(worker, steal_two, pop_push_pop), 7);
    }

    /// Places are used again, or the ring grows, while a thief reads, last in, first out.
    fn newest_over_the_edge(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 2);
        assert_eq!(against_one(worker, steal_two, push_pop), 7);
    }

    /// The same, first in, first out.
    fn oldest_over_the_edge(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 2);
        assert_eq!(against_one(worker, steal_two, push_pop), 7);
    }

    /// A thief that was offered tasks by another one.
    fn offered_tasks_were_written(preemptions: Some(3)) {
        let worker = filled(Worker::new_lifo(), 2);
        assert_eq!(among(worker, [steal_two, steal], |_| 0), 3);
    }

    /// A thief learns of a task by the pop of the next one.
    fn left_by_a_pop(preemptions: Some(3)) {
        let owner = |worker: &Tasks| {
            worker.push(1);
            worker.push(2);
            pop(worker)
        };
        assert_eq!(against_one(Worker::new_lifo(), steal_two, owner), 3);
    }

    /// A push offers tasks to a thief that had all.
    fn a_push_offers(preemptions: Some(3)) {
        let worker = filled(Worker::new_lifo(), 1);
        let owner = |worker: &Tasks| {
            worker.push(2);
            0
        };
        assert_eq!(against_one(worker, steal_two, owner), 3);
    }

    /// The owner of an offer fences in its pops, and the thief that asks it again as well.
    fn a_strong_owner(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 1);
        assert_eq!(steal(&worker.stealer()), 1);
        worker.push(2);
        assert_eq!(against_one(worker, steal_two, push_pop), 6);
    }

    /// Half of the tasks, while the owner pops and another one steals.
    fn half_is_taken_once(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 3);
        assert_eq!(among(worker, [steal_half, steal], pop), 7);
    }

    /// The same, first in, first out.
    fn half_of_a_run(preemptions: Some(2)) {
        let worker = filled(Worker::new_fifo(), 3);
        assert_eq!(among(worker, [steal_half, steal], pop), 7);
    }

    /// A ring that grew is halved while a thief looks.
    fn halved_while_a_thief_looks(preemptions: Some(3)) {
        let worker = filled(Worker::new_fifo(), 3);
        assert_eq!(drain(&worker), 7);
        let owner = |worker: &Tasks| {
            let nothing = pop(worker);
            worker.push(8);
            nothing
        };
        assert_eq!(against_one(worker, steal_two, owner), 8);
    }

    /// Two that each push to their own and look into the other's: one of them finds something.
    fn no_two_deques_find_nothing(preemptions: Some(3)) {
        let (a, b) = (Worker::new_lifo(), Worker::new_fifo());
        let thieves = [b.stealer(), a.stealer()];
        let found = [a, b].into_iter().zip(thieves).map(|(own, thief)| {
            thread::spawn(move || {
                own.push(());
                let is_empty = thief.steal().is_empty();
                (own, is_empty)
            })
        });
        let found: Vec<_> = found.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(!found[0].1 || !found[1].1, "both were found empty");
    }

    /// Thieves take what there is and fall asleep, and the owner pushes one more: it is told to wake
    /// one, or one of them finds the task.
    fn a_push_tells_who_sleeps(preemptions: Some(2)) {
        let worker = filled(Worker::new_lifo(), 1);
        let asleep = Arc::new(AtomicBool::new(false));
        let thieves = [(); 2].map(|()| {
            let (thief, asleep) = (worker.stealer(), asleep.clone());
            thread::spawn(move || take_and_sleep(&thief, &asleep))
        });
        let wakes = worker.push_was_empty(2) && asleep.load(RELAXED);
        let [one, two] = thieves.map(|thief| thief.join().unwrap());
        let left = drain(&worker);
        assert_eq!(one.0 + two.0 + left, 3);
        assert!(wakes || !one.1 || !two.1 || left & 2 == 0, "they sleep beside a task");
    }

    /// Tasks come in while two take batches over the end of a block.
    fn the_entrance_gives_each_once(preemptions: Some(2)) {
        let entrance = Arc::new(Injector::new());
        (0..3).for_each(|bit| entrance.push(1 << bit));
        let takers = [0, 1].map(|_| {
            let entrance = entrance.clone();
            thread::spawn(move || {
                let own = Worker::new_lifo();
                let first = entrance.steal_batch_and_pop(&own).success().unwrap_or(0);
                first + drain(&own)
            })
        });
        entrance.push(8);
        let taken: u32 = takers.into_iter().map(|taker| taker.join().unwrap()).sum();
        let left = core::iter::from_fn(|| {
            loop {
                match entrance.steal() {
                    Steal::Success(task) => return Some(task),
                    Steal::Empty => return None,
                    // A weak exchange may fail for no reason.
                    Steal::Retry => {}
                }
            }
        });
        assert_eq!(taken + left.sum::<u32>(), 15);
    }
}

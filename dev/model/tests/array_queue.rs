//! Models of the bounded queue. Positions begin two laps before they wrap around.

use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_lockfree::queue::ArrayQueue;
use counterpoint_model::model;

/// Pushes when there is room.
fn push(queue: &ArrayQueue<Box<u32>>, value: u32) {
    let mut value = Box::new(value);
    while let Err(back) = queue.push(value) {
        value = back;
        thread::yield_now();
    }
}

/// Pops when there is something.
fn pop(queue: &ArrayQueue<Box<u32>>) -> u32 {
    loop {
        if let Some(value) = queue.pop() {
            return *value;
        }
        thread::yield_now();
    }
}

model! {
    /// Two pushers and a popper at one slot: what went in comes out once.
    fn one_slot_serves_all(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(1));
        let pushers = [1, 2].map(|value| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(Box::new(value)).map_or(0, |()| value))
        });
        let mut out = queue.pop().map_or(0, |value| *value);
        let pushed: u32 = pushers.into_iter().map(|pusher| pusher.join().unwrap()).sum();
        out += queue.pop().map_or(0, |value| *value);
        assert!(pushed > 0 && out == pushed, "{out} of {pushed}");
        assert!(queue.pop().is_none() && queue.is_empty());
    }

    /// One pushes in order over the end of the numbers, one pops in order.
    fn positions_wrap_around(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(2));
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || (0..6).for_each(|value| push(&queue, value)))
        };
        let popper = {
            let queue = queue.clone();
            thread::spawn(move || (0..6).for_each(|value| assert_eq!(pop(&queue), value)))
        };
        pusher.join().unwrap();
        popper.join().unwrap();
        assert_eq!(queue.len(), 0);
    }

    /// Two poppers race for two values, and find nothing after that.
    fn poppers_share_no_value(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(2));
        push(&queue, 1);
        push(&queue, 2);
        let poppers: Vec<_> = (0..2)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || *queue.pop().expect("as many values as poppers"))
            })
            .collect();
        let sum: u32 = poppers.into_iter().map(|popper| popper.join().unwrap()).sum();
        assert_eq!(sum, 3);
        assert!(queue.pop().is_none());
    }

    /// One that forces its way in meets one that pops: each value comes out once.
    fn forced_values_replace_each_other(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(1));
        push(&queue, 1);
        let forcer = {
            let queue = queue.clone();
            thread::spawn(move || {
                let old = queue.force_push(Box::new(2)).map_or(0, |old| *old);
                old + queue.force_push(Box::new(4)).map_or(0, |old| *old)
            })
        };
        let popper = {
            let queue = queue.clone();
            thread::spawn(move || queue.pop().map_or(0, |value| *value))
        };
        let mut sum = forcer.join().unwrap() + popper.join().unwrap();
        sum += queue.pop().map_or(0, |value| *value);
        assert_eq!(sum, 7);
        assert!(queue.pop().is_none());
    }

    /// Two that force their way in at once.
    fn two_force_their_way_in(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(1));
        push(&queue, 1);
        let forcers = [2, 4].map(|value| {
            let queue = queue.clone();
            thread::spawn(move || queue.force_push(Box::new(value)).map_or(0, |old| *old))
        });
        let mut sum: u32 = forcers.into_iter().map(|forcer| forcer.join().unwrap()).sum();
        sum += queue.pop().map_or(0, |value| *value);
        assert_eq!(sum, 7);
    }

    /// Two that each push to one queue and look into the other: one of them finds something.
    fn not_both_find_nothing(preemptions: Some(3)) {
        let queues = Arc::new([ArrayQueue::new(1), ArrayQueue::new(1)]);
        let found = [0, 1].map(|mine| {
            let queues = queues.clone();
            thread::spawn(move || {
                queues[mine].push(()).unwrap();
                queues[1 - mine].pop().is_some()
            })
        });
        let found = found.map(|thread| thread.join().unwrap());
        assert!(found[0] || found[1], "both queues were found empty");
    }

    /// Two that each pop from one full queue and push to the other: one of them finds room.
    fn not_both_find_no_room(preemptions: Some(3)) {
        let queues = Arc::new([ArrayQueue::new(1), ArrayQueue::new(1)]);
        queues[0].push(()).unwrap();
        queues[1].push(()).unwrap();
        let found = [0, 1].map(|mine| {
            let queues = queues.clone();
            thread::spawn(move || {
                queues[mine].pop().unwrap();
                queues[1 - mine].push(()).is_ok()
            })
        });
        let found = found.map(|thread| thread.join().unwrap());
        assert!(found[0] || found[1], "both queues were found full");
    }

    /// Never more than one value in a queue for two: nobody sees it full.
    fn never_full_is_never_seen_full(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(2));
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                for value in 0..2 {
                    queue.push(value).unwrap();
                    queue.pop().unwrap();
                }
            })
        };
        let looker = {
            let queue = queue.clone();
            thread::spawn(move || queue.len())
        };
        assert!(looker.join().unwrap() <= 1);
        worker.join().unwrap();
    }

    /// Two or three values in a queue for three: nobody sees less.
    fn nearly_full_is_never_seen_nearly_empty(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(3));
        (0..2).for_each(|value| queue.push(value).unwrap());
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || {
                for value in 0..2 {
                    queue.push(value).unwrap();
                    assert!(queue.pop().is_some());
                }
            })
        };
        let looker = {
            let queue = queue.clone();
            thread::spawn(move || queue.len())
        };
        assert!(looker.join().unwrap() >= 2);
        worker.join().unwrap();
    }

    /// The same where each value takes the place of the oldest.
    fn a_forced_queue_is_never_seen_nearly_empty(preemptions: Some(3)) {
        let queue = Arc::new(ArrayQueue::new(3));
        (0..3).for_each(|value| queue.push(value).unwrap());
        let worker = {
            let queue = queue.clone();
            thread::spawn(move || (0..2).for_each(|value| assert!(queue.force_push(value).is_some())))
        };
        let looker = {
            let queue = queue.clone();
            thread::spawn(move || queue.len())
        };
        assert!(looker.join().unwrap() >= 2);
        worker.join().unwrap();
    }
}

//! Models of the unbounded queue: blocks of two, and indices that wrap around.

use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_lockfree::queue::SegQueue;
use counterpoint_model::model;

fn pop(queue: &SegQueue<u32>) -> u32 {
    queue.pop().unwrap_or(0)
}

/// Runs `body` in two threads that share a queue, and returns what it returned and the queue.
fn two<R: Send + 'static>(
    queue: SegQueue<u32>,
    bodies: [fn(&SegQueue<u32>) -> R; 2],
) -> ([R; 2], Arc<SegQueue<u32>>) {
    let queue = Arc::new(queue);
    let threads = bodies.map(|body| {
        let queue = queue.clone();
        thread::spawn(move || body(&queue))
    });
    (threads.map(|thread| thread.join().unwrap()), queue)
}

/// What is left, added up.
fn rest(queue: &SegQueue<u32>) -> u32 {
    core::iter::from_fn(|| queue.pop()).sum()
}

model! {
    /// One pushes the last value of a block while one pops: in order, nothing lost or doubled.
    fn one_pushes_over_an_edge(preemptions: Some(3)) {
        let queue = SegQueue::new();
        queue.push(1);
        let (out, queue) = two(queue, [
            |queue| { queue.push(2); Vec::new() },
            |queue| (0..2).map(|_| pop(queue)).filter(|value| *value != 0).collect::<Vec<_>>(),
        ]);
        queue.push(3);
        let left = core::iter::from_fn(|| queue.pop());
        let all: Vec<u32> = out[1].iter().copied().chain(left).collect();
        assert_eq!(all, [1, 2, 3]);
        assert!(queue.is_empty());
    }

    /// Two poppers and one value: the one that comes second does not see the head beyond the tail,
    /// and so does not wait for a value that nobody pushes.
    fn the_head_is_never_beyond_the_tail(preemptions: Some(3)) {
        let queue = Arc::new(SegQueue::new());
        let poppers = [0, 1].map(|_| {
            let queue = queue.clone();
            thread::spawn(move || pop(&queue))
        });
        queue.push(1);
        let out: u32 = poppers.into_iter().map(|popper| popper.join().unwrap()).sum();
        assert_eq!(out + rest(&queue), 1);
    }

    /// Two push the first values, and the last ones of a block, at once.
    fn two_push_over_an_edge(preemptions: Some(3)) {
        let (_, queue) = two(SegQueue::new(), [
            |queue| [1, 2].map(|value| queue.push(value)),
            |queue| [4, 8].map(|value| queue.push(value)),
        ]);
        assert_eq!(queue.len(), 4);
        assert_eq!(rest(&queue), 15);
    }

    /// Two pop over the edge of a block: whoever is done last leaves it to be used again.
    fn two_pop_over_an_edge(preemptions: Some(3)) {
        let queue = SegQueue::new();
        (0..5).for_each(|bit| queue.push(1 << bit));
        let (out, queue) = two(queue, [
            |queue| pop(queue) + pop(queue),
            |queue| pop(queue) + pop(queue),
        ]);
        assert_eq!(out[0] + out[1], 15);
        assert_eq!(rest(&queue), 16);
    }

    /// Who takes the last value of a block, while the other one may still be at the first, goes on
    /// to use the block again.
    fn an_emptied_block_is_used_again(preemptions: Some(3)) {
        let queue = SegQueue::new();
        (0..2).for_each(|bit| queue.push(1 << bit));
        let (out, queue) = two(queue, [
            pop,
            |queue| {
                let out = pop(queue);
                (2..5).for_each(|bit| queue.push(1 << bit));
                out
            },
        ]);
        assert_eq!(out[0] + out[1] + rest(&queue), 31);
    }

    /// The same where the late one is still at its slot when the block is put aside, and looked at
    /// again when the next one is emptied.
    fn a_block_put_aside_is_looked_at_again(preemptions: Some(3)) {
        let queue = SegQueue::new();
        (0..4).for_each(|bit| queue.push(1 << bit));
        let (out, queue) = two(queue, [pop, |queue| {
            let out = pop(queue) + pop(queue) + pop(queue);
            // Over two edges, so that both blocks are used again.
            (4..9).for_each(|bit| queue.push(1 << bit));
            out
        }]);
        assert_eq!(out[0] + out[1] + rest(&queue), 511);
    }

    /// Never more than one value: nobody counts more, over the edge of a block either.
    fn the_length_is_one_it_had(preemptions: Some(3)) {
        let (out, _) = two(SegQueue::new(), [
            |queue| {
                for value in 1..4 {
                    queue.push(value);
                    pop(queue);
                }
                0
            },
            |queue| queue.len(),
        ]);
        assert!(out[1] <= 1, "{}", out[1]);
    }

    /// Never less than one value: nobody sees it empty.
    fn never_empty_is_never_seen_empty(preemptions: Some(3)) {
        let queue = SegQueue::new();
        queue.push(1);
        let (out, _) = two(queue, [
            |queue| {
                for value in 2..5 {
                    queue.push(value);
                    pop(queue);
                }
                false
            },
            SegQueue::is_empty,
        ]);
        assert!(!out[1]);
    }

    /// Nobody pushes: who has counted nothing finds it empty, in the middle of an edge as well.
    fn counted_nothing_is_empty(preemptions: Some(3)) {
        let queue = SegQueue::new();
        (1..3).for_each(|value| queue.push(value));
        let (out, _) = two(queue, [
            |queue| pop(queue) + pop(queue) == 3,
            |queue| {
                let length = queue.len();
                length > 0 || queue.is_empty()
            },
        ]);
        assert_eq!(out, [true; 2]);
    }

    /// Pairs of push and pop: blocks go round.
    fn blocks_are_used_again(preemptions: Some(3)) {
        let queue = SegQueue::new();
        (0..3).for_each(|bit| queue.push(1 << bit));
        let (out, queue) = two(queue, [
            |queue| {
                let pair = |bit: u32| {
                    queue.push(8_u32 << bit);
                    pop(queue)
                };
                pair(0) + pair(1)
            },
            |queue| {
                queue.push(32);
                pop(queue)
            },
        ]);
        assert_eq!(out[0] + out[1] + rest(&queue), 63);
    }

    /// Two that each push to one queue and look into the other: one of them finds something.
    fn no_two_find_nothing(preemptions: Some(3)) {
        let queues = Arc::new([SegQueue::new(), SegQueue::new()]);
        let found = [0, 1].map(|mine| {
            let queues = queues.clone();
            thread::spawn(move || {
                queues[mine].push(());
                queues[1 - mine].pop().is_some()
            })
        });
        let found = found.map(|thread| thread.join().unwrap());
        assert!(found[0] || found[1], "both queues were found empty");
    }
}

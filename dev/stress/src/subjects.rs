//! The structures under test, a file for each.

pub mod array_queue;
pub mod atomic_cell;
pub mod atomic_waker;
pub mod barrier;
pub mod buf_mutex;
pub mod cancel;
pub mod condvar;
pub mod deque;
pub mod event;
pub mod exchanger;
pub mod latch;
pub mod mutex;
pub mod notify;
pub mod once;
pub mod parker;
pub mod reentrant;
pub mod rendezvous;
pub mod reset_event;
pub mod rwlock;
pub mod seg_queue;
pub mod select;
pub mod semaphore;
pub mod seq_cell;
pub mod sharded_counter;
pub mod sharded_lock;
pub mod spsc;
pub mod stage;
pub mod wait_group;

/// Calls a macro with `name: subject;` for each structure, so that none is left out where each is
/// to be tested.
#[macro_export]
macro_rules! for_each_subject {
    ($then:ident) => {
        $then! {
            mutex: $crate::subjects::mutex::Fairness::<false>;
            fair_mutex: $crate::subjects::mutex::Fairness::<true>;
            rwlock: $crate::subjects::rwlock::Fairness::<false>;
            fair_rwlock: $crate::subjects::rwlock::Fairness::<true>;
            sharded_lock: $crate::subjects::sharded_lock::Shards;
            reentrant_mutex: $crate::subjects::reentrant::Nested;
            condvar: $crate::subjects::condvar::Rooms;
            semaphore: $crate::subjects::semaphore::Order::<false>;
            fair_semaphore: $crate::subjects::semaphore::Order::<true>;
            notify: $crate::subjects::notify::Signals;
            event: $crate::subjects::event::Listeners;
            manual_reset_event: $crate::subjects::reset_event::Gate;
            auto_reset_event: $crate::subjects::reset_event::Turnstile;
            latch: $crate::subjects::latch::Openings;
            select_of_two: $crate::subjects::select::Pair;
            wait_group: $crate::subjects::wait_group::Handles;
            rendezvous: $crate::subjects::rendezvous::Parties::<true>;
            rendezvous_group: $crate::subjects::rendezvous::Parties::<false>;
            exchanger: $crate::subjects::exchanger::Pairs;
            array_queue: $crate::subjects::array_queue::Queue::<3>;
            array_queue_of_one: $crate::subjects::array_queue::Queue::<1>;
            deque_newest: $crate::subjects::deque::Deque::<true>;
            deque_oldest: $crate::subjects::deque::Deque::<false>;
            seg_queue: $crate::subjects::seg_queue::Queue::<0>;
            seg_queue_at_an_edge: $crate::subjects::seg_queue::AT_EDGE;
            spsc: $crate::subjects::spsc::Ring::<false>;
            spsc_in_chunks: $crate::subjects::spsc::Ring::<true>;
            once_cell: $crate::subjects::once::Filled;
            barrier: $crate::subjects::barrier::Rounds::<false>;
            breaking_barrier: $crate::subjects::barrier::Rounds::<true>;
            stage: $crate::subjects::stage::Heads;
            buf_mutex: $crate::subjects::buf_mutex::Shares;
            cancel_token: $crate::subjects::cancel::Tree;
            parker: $crate::subjects::parker::Token;
            atomic_waker: $crate::subjects::atomic_waker::Flag;
            atomic_cell_of_a_word: $crate::subjects::atomic_cell::Cell::<u64>::NEW;
            atomic_cell_of_two_words: $crate::subjects::atomic_cell::Cell::<u128>::NEW;
            atomic_cell_wide: $crate::subjects::atomic_cell::Cell::<[u64; 5]>::NEW;
            seq_cell: $crate::subjects::seq_cell::Cell;
            sharded_counter: $crate::subjects::sharded_counter::Counter;
        }
    };
}

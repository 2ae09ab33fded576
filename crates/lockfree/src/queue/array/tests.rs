//! Positions at the end of their numbers.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use super::*;

#[test]
fn positions_wrap_around() {
    for capacity in [1_usize, 2, 3, 4, 7] {
        let lap = (capacity as u64 + 1).next_power_of_two();
        let mut queue = ArrayQueue::starting(capacity, lap, u64::MAX - 1);
        for round in 0..10 {
            for value in 0..capacity {
                assert_eq!(queue.len(), value);
                assert_eq!(queue.push(round * 100 + value), Ok(()));
            }
            assert!(queue.is_full());
            assert_eq!(queue.push(0), Err(0));
            assert_eq!(queue.push_mut(0), Err(0));
            assert_eq!(queue.force_push(round * 100 + capacity), Some(round * 100));
            for value in 1..=capacity {
                assert_eq!(queue.pop(), Some(round * 100 + value));
            }
            assert!(queue.is_empty() && queue.pop().is_none() && queue.pop_mut().is_none());
            assert_eq!(queue.push_mut(1), Ok(()));
            assert_eq!(queue.pop_mut(), Some(1));
        }
    }
}

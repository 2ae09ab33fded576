//! A queue with room for so many; who finds it full or empty waits.

use counterpoint::sync::{Mutex, Notify, Semaphore};
use std::collections::VecDeque;

/// What both buffers can do.
pub trait Buffer: Send + Sync + 'static {
    /// One with room for so many.
    fn with_capacity(capacity: usize) -> Self;
    /// Adds a number, waiting for room.
    fn put(&self, number: u32);
    /// Takes the oldest number, waiting for one.
    fn take(&self) -> u32;
}

/// **Has a bug**: those who wait for room and those who wait for a number wait for one signal.
#[derive(Debug)]
pub struct OneSignal {
    numbers: Mutex<VecDeque<u32>>,
    capacity: usize,
    changed: Notify,
}

impl Buffer for OneSignal {
    fn with_capacity(capacity: usize) -> OneSignal {
        OneSignal {
            numbers: Mutex::new(VecDeque::new()),
            capacity,
            changed: Notify::new(),
        }
    }

    fn put(&self, number: u32) {
        loop {
            let mut numbers = self.numbers.lock();
            if numbers.len() < self.capacity {
                numbers.push_back(number);
                drop(numbers);
                // Meant for somebody who takes, but another `put` may get it.
                self.changed.notify_one();
                return;
            }
            drop(numbers);
            self.changed.wait();
        }
    }

    fn take(&self) -> u32 {
        loop {
            let taken = self.numbers.lock().pop_front();
            if let Some(number) = taken {
                self.changed.notify_one();
                return number;
            }
            self.changed.wait();
        }
    }
}

/// Two counts, of room and of numbers: nobody gets a wake-up that is of no use to it.
#[derive(Debug)]
pub struct TwoCounts {
    numbers: Mutex<VecDeque<u32>>,
    room: Semaphore,
    filled: Semaphore,
}

impl Buffer for TwoCounts {
    fn with_capacity(capacity: usize) -> TwoCounts {
        TwoCounts {
            numbers: Mutex::new(VecDeque::new()),
            room: Semaphore::new(capacity),
            filled: Semaphore::new(0),
        }
    }

    fn put(&self, number: u32) {
        self.room.acquire().expect("never closed").forget();
        self.numbers.lock().push_back(number);
        self.filled.add_permits(1);
    }

    fn take(&self) -> u32 {
        self.filled.acquire().expect("never closed").forget();
        let number = self.numbers.lock().pop_front();
        self.room.add_permits(1);
        number.expect("counted before it was taken")
    }
}

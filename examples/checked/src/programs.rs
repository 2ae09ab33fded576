//! Small programs that use a buffer or a cache: what is run on threads, and what is checked.

use crate::buffer::Buffer;
use crate::cache::Cache;
use counterpoint::sync::Mutex;
use counterpoint::thread;
use counterpoint::wait::block_on;
use std::sync::Arc;

/// Two threads put `count` numbers each, two take them; the sum of what was taken.
pub fn hands_over<B: Buffer>(count: u32) -> u32 {
    let buffer = Arc::new(B::with_capacity(1));
    let givers = [0, 1].map(|_| {
        let buffer = buffer.clone();
        thread::spawn(move || (1..=count).for_each(|number| buffer.put(number)))
    });
    let taker = {
        let buffer = buffer.clone();
        thread::spawn(move || (0..count).map(|_| buffer.take()).sum::<u32>())
    };
    let mut sum: u32 = (0..count).map(|_| buffer.take()).sum();
    sum += taker.join().expect("the taker does not panic");
    for giver in givers {
        giver.join().expect("no giver panics");
    }
    sum
}

/// What a task does that asks the cache for `key`: its loading waits for the source.
pub async fn asks<C: Cache>(cache: Arc<C>, source: Arc<Mutex<u32>>, key: u32) -> u32 {
    let load = async {
        let mut loads = source.lock_async().await;
        *loads += 1;
        key * key
    };
    cache.get(key, load).await
}

/// Some threads ask one cache for some keys; how often something was loaded.
pub fn shares<C: Cache>(keys: u32) -> u32 {
    let (cache, source) = (Arc::new(C::default()), Arc::new(Mutex::new(0)));
    let threads = [0, 1, 2].map(|_| {
        let (cache, source) = (cache.clone(), source.clone());
        thread::spawn(move || {
            for key in 0..keys {
                let value = block_on(asks(cache.clone(), source.clone(), key));
                assert_eq!(value, key * key);
            }
        })
    });
    for thread in threads {
        thread.join().expect("no thread panics");
    }
    *source.lock()
}

/// The programs under the checker.
#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
pub mod checks {
    use super::{Arc, Buffer, Cache, Mutex, asks, hands_over};
    use counterpoint::model::{Branch, Checker, task};

    /// What is put is taken, whatever the schedule.
    pub fn buffer<B: Buffer>() {
        Checker::new()
            .name("buffer")
            .preemptions(Some(1))
            .check(|| {
                assert_eq!(hands_over::<B>(1), 2);
            });
    }

    /// Two tasks ask for the same key, and each may be dropped at any of its polls: whoever is
    /// not dropped gets the value.
    pub fn cache<C: Cache>() {
        let checker = Checker::new()
            .name("cache")
            .branches(&[Branch::DropBeforePoll]);
        checker.preemptions(Some(1)).check(|| {
            let (cache, source) = (Arc::new(C::default()), Arc::new(Mutex::new(0)));
            let busy = source.lock();
            let tasks = [0, 1].map(|_| task(asks(cache.clone(), source.clone(), 3)));
            drop(busy);
            for task in tasks {
                let value = task.join();
                assert!(value.is_none_or(|value| value == 9));
            }
        });
    }
}

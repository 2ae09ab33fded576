//! Models of select: on a test-only place without capacity, on locks, and with bounds.

use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::exchanger::Exchanger;
use counterpoint_model::{Branch, model};
use counterpoint_sync::Mutex;
use counterpoint_wait::select_biased;
use std::time::Duration;

type Pair = Arc<(Exchanger<u32>, Exchanger<u32>)>;

fn pair() -> Pair {
    Arc::new((Exchanger::new(), Exchanger::new()))
}

model! {
    /// One select, a partner at each arm: it meets one, then the other, and no value is lost.
    fn select_meets_two_partners(preemptions: Some(3)) {
        let places = pair();
        let first = { let p = places.clone(); thread::spawn(move || p.0.swap(10).wait()) };
        let second = { let p = places.clone(); thread::spawn(move || p.1.swap(20).wait()) };
        let mut got = 0;
        for mine in [1, 2] {
            got += select_biased! {
                theirs = places.0.swap(mine) => theirs,
                theirs = places.1.swap(mine) => theirs,
            };
        }
        assert_eq!(got, 30);
        assert_eq!(first.join().unwrap() + second.join().unwrap(), 3);
    }

    /// Two selects over the same two places, named in opposite orders: they meet exactly once.
    fn select_meets_select(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let places = pair();
        let other = {
            let places = places.clone();
            thread::spawn(move || select_biased! {
                theirs = places.1.swap(1) => theirs,
                theirs = places.0.swap(1) => theirs,
            })
        };
        let theirs = select_biased! {
            theirs = places.0.swap(2) => theirs,
            theirs = places.1.swap(2) => theirs,
        };
        assert_eq!(theirs, 1);
        assert_eq!(other.join().unwrap(), 2);
    }

    /// A select gives up at its deadline while a partner arrives: both agree whether they met.
    fn deadline_races_meeting(branches: [Branch::DeadlineFirst], per_thread: 2, preemptions: Some(3)) {
        let places = pair();
        let partner = |second: bool, mine: u32| {
            let places = places.clone();
            thread::spawn(move || {
                let place = if second { &places.1 } else { &places.0 };
                place.swap(mine).wait()
            })
        };
        let (a, b) = (partner(false, 10), partner(true, 20));
        let here = select_biased! {
            theirs = places.0.swap(1) => Some(theirs),
            theirs = places.1.swap(1) => Some(theirs),
            timeout(Duration::from_secs(1)) => None,
        };
        // Whoever was not met waits for a partner.
        for (place, mine) in [(&places.0, 10), (&places.1, 20)] {
            if here != Some(mine) {
                assert_eq!(place.swap(2).wait(), mine);
            }
        }
        let with = [a.join().unwrap(), b.join().unwrap()];
        assert_eq!(with.contains(&1), here.is_some());
        assert!(with.contains(&2));
    }

    /// A select over two locks that others hold: it gets one, and leaves no trace at the other.
    fn select_of_two_locks(preemptions: Some(3)) {
        let locks = Arc::new((Mutex::new(0), Mutex::new(0)));
        let holder = |second: bool| {
            let locks = locks.clone();
            thread::spawn(move || {
                let lock = if second { &locks.1 } else { &locks.0 };
                *lock.lock() += 1;
            })
        };
        let (a, b) = (holder(false), holder(true));
        select_biased! {
            mut guard = locks.0.lock_async() => *guard += 1,
            mut guard = locks.1.lock_async() => *guard += 1,
        }
        a.join().unwrap();
        b.join().unwrap();
        let sum = *locks.0.try_lock().expect("unlocked") + *locks.1.try_lock().expect("unlocked");
        assert_eq!(sum, 3);
    }
}

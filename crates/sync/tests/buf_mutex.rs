//! What a buffered mutex promises.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use counterpoint_sync::buf_mutex::{FromDefault, Reentered, Share};
use counterpoint_sync::{BufMutex, OwnedSharedBufMutex, SharedBufMutex};
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{Stop, block_on};
use rayon::prelude::*;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: forwards to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn add(global: &mut usize, local: &usize) {
    *global += *local;
}

fn reentered(result: thread::Result<()>) -> Reentered {
    *result
        .expect_err("re-entry must panic")
        .downcast::<Reentered>()
        .expect("with its own type")
}

#[test]
fn shares_merge_when_they_end() {
    let sum = BufMutex::new(3, |global, local| *global += *local);
    {
        let mut first = sum.share();
        let mut second = first.clone();
        *first.as_mut() = 5;
        *second.as_mut() = 10;
        assert_eq!((*first.as_ref(), sum.peek(), second.peek()), (5, 3, 3));
    }
    assert_eq!(sum.get(), 18);
}

#[test]
fn global_and_local_may_differ() {
    let sum = BufMutex::<i64, i32>::new(3, |global, local| *global += i64::from(*local));
    *sum.share().as_mut() = -5;
    assert_eq!(sum.get(), -2);
}

#[test]
fn types_can_be_named() {
    fn one(share: &mut SharedBufMutex<'_, u32>) {
        *share.as_mut() += 1;
    }
    fn two<F: Fn(&mut u32, &u8)>(mut share: OwnedSharedBufMutex<u32, u8, F, FromDefault>) {
        *share.as_mut() += 2;
    }
    static COUNT: BufMutex<u32> = BufMutex::new(0, |global, local| *global += *local);
    one(&mut COUNT.share());
    assert_eq!(COUNT.peek(), 1);
    let sum = Arc::new(BufMutex::new(0, |global, local| {
        *global += u32::from(*local)
    }));
    two(sum.share_owned());
    assert_eq!(sum.peek(), 2);
}

#[test]
fn rayon_passes_shares_along() {
    let sum = BufMutex::<usize>::new(5, |global, local| *global += *local);
    (0..100_000)
        .into_par_iter()
        .with_min_len(1_000)
        .for_each_with(sum.share(), |share, _| *share.as_mut() += 1);
    assert_eq!(sum.peek(), 100_005);
    let doubled: Vec<usize> = (0..1_000)
        .into_par_iter()
        .map_with(sum.share(), |share, i| {
            *share.as_mut() += 1;
            2 * i
        })
        .collect();
    assert_eq!((doubled[10], sum.get()), (20, 101_005));
}

#[test]
fn consuming_merges_move_and_identities_are_used() {
    let most = BufMutex::<_, Vec<u32>, _>::consuming(Vec::new(), |all: &mut Vec<u32>, mut some| {
        all.append(&mut some);
    })
    .with_identity(|| Vec::with_capacity(8));
    let mut share = most.share();
    assert_eq!(share.as_ref().capacity(), 8);
    share.as_mut().push(1);
    share.flush();
    assert_eq!(share.as_ref().capacity(), 8);
    share.as_mut().push(2);
    drop(share);
    assert_eq!(most.get(), [1, 2]);
}

#[test]
fn locals_are_dropped_once() {
    #[derive(Default)]
    struct Noisy(Option<Arc<AtomicUsize>>);
    impl Drop for Noisy {
        fn drop(&mut self) {
            if let Some(count) = &self.0 {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    let drops = Arc::new(AtomicUsize::new(0));
    let noisy = || Noisy(Some(drops.clone()));
    let by_ref =
        BufMutex::<u32, Noisy>::new(0, |global, local| *global += u32::from(local.0.is_some()));
    *by_ref.share().as_mut() = noisy();
    assert_eq!((drops.swap(0, Ordering::Relaxed), by_ref.peek()), (1, 1));
    let mut share = by_ref.share();
    *share.as_mut() = noisy();
    share.flush();
    assert_eq!((drops.swap(0, Ordering::Relaxed), by_ref.peek()), (1, 2));
    *share.as_mut() = noisy();
    drop(share.abandon());
    assert_eq!((drops.swap(0, Ordering::Relaxed), by_ref.get()), (1, 2));
    let kept =
        BufMutex::<_, Noisy, _>::consuming(Vec::new(), |all: &mut Vec<Noisy>, one| all.push(one));
    *kept.share().as_mut() = noisy();
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(kept);
    assert_eq!(drops.swap(0, Ordering::Relaxed), 1);
    for consumes in [false, true] {
        let by_ref = BufMutex::<u32, Noisy>::new(0, |_, _| panic!("on purpose"));
        let by_value = BufMutex::<u32, Noisy, _>::consuming(0, |_, _| panic!("on purpose"));
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            if consumes {
                *by_value.share().as_mut() = noisy();
            } else {
                *by_ref.share().as_mut() = noisy();
            }
        }));
        assert!(panicked.is_err());
        assert_eq!(drops.swap(0, Ordering::Relaxed), 1);
    }
}

#[test]
fn a_panicking_merge_goes_on_and_the_value_stays_reachable() {
    let sum = BufMutex::<usize>::new(3, |global, local| {
        assert!(*local != 999, "on purpose");
        *global += *local;
    });
    let panicked = catch_unwind(AssertUnwindSafe(|| *sum.share().as_mut() = 999));
    assert!(panicked.is_err());
    assert!(sum.is_poisoned());
    assert_eq!(sum.outstanding(), 0);
    *sum.share().as_mut() = 5;
    sum.clear_poison();
    assert!(!sum.is_poisoned());
    let mut share = sum.share();
    *share.as_mut() = 999;
    assert!(catch_unwind(AssertUnwindSafe(|| share.flush())).is_err());
    assert_eq!(*share.as_ref(), 0);
    drop(share);
    sum.wait_idle();
    assert_eq!(sum.peek(), 8);
    assert_eq!(sum.get(), 8);
}

#[test]
fn while_unwinding_a_panicking_merge_is_caught() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload, on purpose");
        }
    }
    let sum = BufMutex::<usize>::new(0, |_, _| std::panic::panic_any(Bomb));
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _share = sum.share();
        panic!("first");
    }));
    assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "first");
    assert_eq!((sum.outstanding(), sum.is_poisoned()), (0, true));
}

#[test]
fn while_unwinding_what_a_merge_panics_with_is_dropped() {
    struct Last(#[expect(dead_code, reason = "dropped, not read")] Arc<()>);
    struct Bomb(Arc<()>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Last(self.0.clone()));
        }
    }
    let known = Arc::new(());
    let mine = known.clone();
    let sum = BufMutex::<usize, usize, _>::new(0, move |_: &mut usize, _: &usize| {
        std::panic::panic_any(Bomb(mine.clone()))
    });
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _share = sum.share();
        panic!("first");
    }));
    assert_eq!(*result.unwrap_err().downcast::<&str>().unwrap(), "first");
    drop(sum);
    let Some(()) = Arc::into_inner(known) else {
        panic!("what the merge or a destructor panicked with is still there");
    };
}

#[test]
fn while_unwinding_a_share_merges() {
    let sum = BufMutex::<usize>::new(0, |global, local| *global += *local);
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut share = sum.share();
        *share.as_mut() = 4;
        panic!("first");
    }));
    assert!(result.is_err());
    assert_eq!(sum.get(), 4);
}

#[test]
fn a_panicking_identity_counts_nothing() {
    let sum = BufMutex::<usize, usize, _>::new(0, add).with_identity(|| panic!("on purpose"));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(sum.share()))).is_err());
    assert_eq!(sum.outstanding(), 0);
}

type Hook = Box<dyn Fn() + Send + Sync>;

/// A sum whose merge calls a hook.
fn hooked() -> Arc<BufMutex<usize, Option<Hook>>> {
    Arc::new(BufMutex::new(0, |global, local: &Option<Hook>| {
        if let Some(hook) = local {
            hook();
        }
        *global += 1;
    }))
}

#[test]
fn reentry_is_a_typed_panic() {
    let sum = hooked();
    type Reach = fn(&Arc<BufMutex<usize, Option<Hook>>>);
    let ways: [Reach; 4] = [
        |sum| assert_eq!(sum.peek(), usize::MAX),
        |sum| assert_eq!(sum.take(), usize::MAX),
        |sum| drop(sum.share()),
        |sum| sum.share().flush(),
    ];
    for way in ways {
        let inner = sum.clone();
        let result = catch_unwind(AssertUnwindSafe(|| {
            *sum.share().as_mut() = Some(Box::new(move || way(&inner)));
        }));
        let reentered = reentered(result);
        assert!(reentered.name.contains("BufMutex"), "{reentered}");
        assert_eq!(sum.outstanding(), 0);
        assert_eq!(sum.peek(), 0);
    }
    let inner = sum.clone();
    *sum.share().as_mut() = Some(Box::new(move || {
        assert_eq!(inner.outstanding(), 1);
        assert!(format!("{inner:?}").contains("<locked>"));
    }));
    assert_eq!(sum.peek(), 1);
}

#[test]
fn another_buf_mutex_may_be_reached_in_a_merge() {
    let (outer, inner) = (hooked(), hooked());
    let reached = inner.clone();
    *outer.share().as_mut() = Some(Box::new(move || drop(reached.share())));
    assert_eq!((outer.peek(), inner.peek()), (1, 1));
}

#[test]
fn a_merge_waits_for_another_threads() {
    let sum = hooked();
    let (entered, inside) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel();
    let (entered, gone) = (std::sync::Mutex::new(entered), std::sync::Mutex::new(gone));
    let mut slow = sum.share_owned();
    *slow.as_mut() = Some(Box::new(move || {
        entered.lock().unwrap().send(()).unwrap();
        gone.lock().unwrap().recv().unwrap();
    }));
    let slow = thread::spawn(move || drop(slow));
    inside.recv().unwrap();
    assert!(format!("{sum:?}").contains("<locked>"));
    let others: Vec<_> = (0..3)
        .map(|_| {
            let share = sum.share_owned();
            thread::spawn(move || drop(share))
        })
        .collect();
    assert_eq!(
        sum.wait_idle_timeout(Duration::from_millis(20)),
        Err(Stop::TimedOut)
    );
    go.send(()).unwrap();
    sum.wait_idle();
    assert_eq!(sum.peek(), 4);
    slow.join().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());
}

#[test]
fn a_forgotten_share_stays_outstanding() {
    let sum = BufMutex::<usize>::new(1, add);
    let mut share = sum.share();
    *share.as_mut() = 5;
    std::mem::forget(share);
    assert_eq!(sum.outstanding(), 1);
    assert!(sum.wait_idle_timeout(Duration::ZERO).is_err());
    assert_eq!(sum.get(), 1);
}

#[test]
fn idleness_is_awaited_in_every_form() {
    let sum = Arc::new(BufMutex::<usize>::new(0, add));
    sum.wait_idle();
    let share = sum.share_owned();
    assert_eq!(sum.wait_idle_deadline(Instant::now()), Err(Stop::TimedOut));
    let token = CancelToken::new();
    token.cancel("enough");
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(
        sum.wait_idle_async().with(&ctl).wait(),
        Err(Stop::Cancelled)
    );
    let task = sum.clone();
    let task = thread::spawn(move || block_on(async { task.wait_idle_async().await }));
    drop(share);
    task.join().unwrap();
}

#[test]
fn owned_shares_give_the_value_to_the_last_holder() {
    for _ in 0..if cfg!(miri) { 5 } else { 500 } {
        let mut sum = Arc::new(BufMutex::<usize>::new(0, add));
        for _ in 0..2 {
            let mut share = sum.share_owned();
            thread::spawn(move || *share.as_mut() += 1);
        }
        sum.wait_idle();
        // A share lets go of its `Arc` a moment after it was counted off.
        let value = loop {
            match sum.try_get() {
                Ok(value) => break value,
                Err(back) => sum = back,
            }
        };
        assert_eq!(value, 2);
    }
}

#[test]
fn updates_and_shares_allocate_nothing() {
    let sum = BufMutex::<usize>::new(0, |global, local| *global += *local);
    drop(sum.share());
    let before = ALLOCATIONS.get();
    for _ in 0..10 {
        let mut share = sum.share();
        *share.as_mut() += 1;
        share.flush();
    }
    assert!(sum.wait_idle_timeout(Duration::ZERO).is_ok());
    assert_eq!((ALLOCATIONS.get() - before, sum.get()), (0, 10));
}

#[test]
fn ordered_sums_are_the_same_to_the_last_bit() {
    let parts: Vec<f32> = (1..2_000).map(|n| 1.0 / n as f32).collect();
    let sequential = {
        let locals = parts
            .chunks(10)
            .map(|part| part.iter().fold(0.0, |a, x| a + x));
        locals.fold(0.0f32, |a, x| a + x)
    };
    for _ in 0..20 {
        let sum = BufMutex::ordered(0.0f32, |global, local: &f32| *global += *local);
        let chunks: Vec<_> = parts.chunks(10).enumerate().collect();
        chunks.into_par_iter().for_each(|(i, part)| {
            let mut share = sum.share_at(i as u64);
            part.iter().for_each(|x| *share.as_mut() += x);
        });
        assert_eq!(sum.peek().to_bits(), sequential.to_bits());
        assert_eq!(sum.get().to_bits(), sequential.to_bits());
    }
}

#[test]
fn ordered_keeps_later_locals_until_their_turn() {
    let digits = BufMutex::ordered(0u32, |global, local: &u32| *global = *global * 10 + *local);
    let mut shares: Vec<_> = (0..4).map(|_| digits.share()).collect();
    for (i, share) in shares.iter_mut().enumerate() {
        *share.as_mut() = i as u32 + 1;
        assert_eq!(share.index(), i as u64);
    }
    let mut shares = shares.into_iter();
    let [first, second, third, fourth] = std::array::from_fn(|_| shares.next().unwrap());
    drop(third);
    assert_eq!(digits.peek(), 0);
    drop(first);
    assert_eq!(digits.peek(), 1);
    assert_eq!(second.abandon(), 2);
    assert_eq!(digits.peek(), 13);
    std::mem::forget(fourth);
    let mut late = digits.share_at(9);
    *late.as_mut() = 9;
    drop((late, shares));
    assert_eq!(digits.peek(), 13);
    assert_eq!(digits.get(), 139);
}

#[test]
fn striped_merges_spread_only_if_they_take_long() {
    type Map = HashMap<u32, u32>;
    let merge = |all: &mut Map, some: &Map| {
        for (key, n) in some {
            *all.entry(*key).or_default() += n;
        }
    };
    let words = BufMutex::striped(Map::new(), merge, Map::new, |all, part| merge(all, &part));
    (0..400u32).into_par_iter().for_each(|i| {
        let mut share = words.share();
        share.as_mut().extend((i..i + 50).map(|key| (key, 1)));
        if i % 7 == 0 {
            share.flush();
        }
    });
    words.wait_idle();
    assert_eq!(words.peek().values().sum::<u32>(), 400 * 50);
    assert_eq!(words.stripes_used(), 0);
    assert_eq!(words.get()[&0], 1);
    // A merge that others find going on for long.
    let held = BufMutex::striped(
        0,
        |all: &mut u32, local: &u32| {
            if *local == 1 {
                thread::sleep(Duration::from_millis(200));
            }
            *all += local;
        },
        || 0,
        |all, part| *all += part,
    );
    thread::scope(|s| {
        let mut slow = held.share();
        *slow.as_mut() = 1;
        s.spawn(move || drop(slow));
        let end = Instant::now() + Duration::from_secs(20);
        while held.stripes_used() == 0 && held.outstanding() > 0 && Instant::now() < end {
            *held.share().as_mut() = 10;
        }
    });
    assert_eq!(held.peek() % 10, 1);
}

#[test]
fn striped_reentry_is_a_typed_panic() {
    let sum = Arc::new(BufMutex::striped(
        0,
        |_: &mut usize, local: &Option<Hook>| {
            if let Some(hook) = local {
                hook();
            }
        },
        || 0,
        |all, part| *all += part,
    ));
    let inner = sum.clone();
    let result = catch_unwind(AssertUnwindSafe(|| {
        *sum.share().as_mut() = Some(Box::new(move || assert_eq!(inner.peek(), 0)));
    }));
    reentered(result);
    assert_eq!((sum.outstanding(), sum.peek()), (0, 0));
}

#[test]
fn live_locals_are_seen_while_they_are_out() {
    #[derive(Clone, Copy, Default)]
    struct Seen {
        files: u64,
        bytes: u64,
    }
    let seen = BufMutex::live(Seen::default(), |all: &mut Seen, some: &Seen| {
        all.files += some.files;
        all.bytes += some.bytes;
    });
    let stop = std::sync::atomic::AtomicBool::new(false);
    thread::scope(|s| {
        for _ in 0..2 {
            let mut share = seen.share();
            s.spawn(move || {
                for _ in 0..20_000 {
                    share.update(|seen| {
                        seen.files += 1;
                        seen.bytes += 3;
                    });
                }
            });
        }
        s.spawn(|| {
            let mut last = 0;
            while !stop.load(Ordering::Relaxed) {
                let all = seen.peek_all();
                assert_eq!(all.bytes, 3 * all.files, "a torn local");
                assert!(all.files >= last, "a local was lost or counted twice");
                last = all.files;
            }
        });
        seen.wait_idle();
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(
        (seen.peek().files, seen.peek_all().bytes),
        (40_000, 120_000)
    );
}

#[test]
fn send_and_sync_are_as_they_should_be() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    // Locals stay in their threads unless shares move.
    sync::<BufMutex<usize, std::rc::Rc<usize>>>();
    send::<BufMutex<Cell<usize>>>();
    sync::<BufMutex<Cell<usize>, u8>>();
    send::<SharedBufMutex<'_, usize>>();
    sync::<SharedBufMutex<'_, usize>>();
    send::<Share<Arc<BufMutex<usize>>, usize>>();
}

/// Threads share, flush, drop, panic and look; the sum is right in the end.
#[test]
fn stress() {
    let seed = std::env::var("COUNTERPOINT_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    println!("buf_mutex stress: COUNTERPOINT_SEED={seed}");
    let rounds: u64 = if cfg!(miri) { 20 } else { 20_000 };
    let sum = Arc::new(BufMutex::<usize>::new(0, |global, local| *global += *local));
    let expected = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4u64)
        .map(|i| {
            let (sum, expected) = (sum.clone(), expected.clone());
            let mut random = (seed ^ i << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            thread::spawn(move || {
                let mut share = sum.share_owned();
                for _ in 0..rounds {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    *share.as_mut() += 1;
                    expected.fetch_add(1, Ordering::Relaxed);
                    match random % 8 {
                        0 => share = sum.share_owned(),
                        1 => share.flush(),
                        2 => assert!(sum.peek() < usize::MAX),
                        3 => drop(share.clone()),
                        4 => sum.wait_idle_timeout(Duration::ZERO).unwrap_or_default(),
                        _ => {}
                    }
                }
            })
        })
        .collect();
    sum.wait_idle_timeout(Duration::from_micros(10)).ok();
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_eq!(sum.outstanding(), 0);
    assert_eq!(sum.peek(), expected.load(Ordering::Relaxed));
}

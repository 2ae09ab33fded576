//! `AtomicCell`: values of any size and layout, read and replaced as a whole.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_base::atomic::{AtomicCell, AtomicConsume};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering};

const ROUNDS: u64 = if cfg!(miri) { 50 } else { 100_000 };

/// Padding in the middle and at the end, in 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
struct Padded {
    a: u8,
    b: u16,
    c: u8,
}

/// The same in 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(16))]
struct PaddedPair {
    a: u8,
    b: u64,
}

/// Every operation on two values.
fn round_trip<T: Copy + Eq + Debug>(a: T, b: T) {
    let cell = AtomicCell::new(a);
    assert_eq!(cell.load(), a);
    cell.store(b);
    assert_eq!(cell.load(), b);
    assert_eq!(cell.swap(a), b);
    assert_eq!(cell.compare_exchange(b, b), Err(a));
    assert_eq!(cell.compare_exchange(a, b), Ok(a));
    assert_eq!(cell.fetch_update(|_| None), Err(b));
    assert_eq!(cell.fetch_update(|found| (found == b).then_some(a)), Ok(b));
    assert_eq!(
        format!("{cell:?}"),
        format!("AtomicCell {{ value: {a:?} }}")
    );
    assert_eq!(cell.into_inner(), a);
}

#[test]
fn values_of_no_size() {
    let cell = AtomicCell::new(());
    cell.store(());
    assert_eq!((cell.load(), cell.swap(())), ((), ()));
    assert_eq!(cell.fetch_update(|()| None), Err(()));
    assert_eq!(cell.compare_exchange((), ()), Ok(()));
}

#[test]
fn values_of_each_size() {
    round_trip(1_u8, 0xfe);
    round_trip(1_u16, 0xfedc);
    round_trip(1_u32, 0xfedc_ba98);
    round_trip(1_u64, 0xfedc_ba98_7654_3210);
    round_trip(1_u128, u128::MAX - 1);
    round_trip([1_u8; 3], [2; 3]);
    round_trip((1_u32, 2_u32), (3, 4));
    round_trip([1_u8; 31], [2; 31]);
    round_trip([1_u64; 4], [2; 4]);
    round_trip([1_u16; 51], [2; 51]);
    round_trip(Some('a'), None);
    round_trip(Some(&1), None);
    round_trip((1_u8, 2_u64), (3, 4));
    round_trip("one", "another");
    let padded = |a| Padded { a, b: 2, c: 3 };
    round_trip(padded(1), padded(2));
    let pair = |a| PaddedPair { a, b: 2 };
    round_trip(pair(1), pair(2));
}

/// Writes a byte of padding.
fn write_padding<T>(cell: &mut AtomicCell<T>, offset: usize, byte: u8) {
    // SAFETY: inside the value.
    let at = unsafe { cell.as_ptr().cast::<u8>().add(offset) };
    // SAFETY: nobody else uses the cell, and the byte is padding.
    unsafe { at.write(byte) };
}

/// Issues 315 and 748 of crossbeam: what stands in the padding is not part of the value.
#[test]
fn padding_is_no_part_of_the_value() {
    let mut cell = AtomicCell::new(Padded { a: 1, b: 2, c: 3 });
    write_padding(&mut cell, 1, 0xaa);
    write_padding(&mut cell, 7, 0xbb);
    let next = Padded { a: 4, b: 5, c: 6 };
    assert!(cell.compare_exchange(cell.load(), next).is_ok());
    assert_eq!(cell.load(), next);
    let mut cell = AtomicCell::new(PaddedPair { a: 1, b: 2 });
    write_padding(&mut cell, 5, 0xcc);
    let next = PaddedPair { a: 2, b: 3 };
    assert!(cell.compare_exchange(cell.load(), next).is_ok());
    assert_eq!(cell.load(), next);
}

/// Equal by `Eq`, and not by bytes.
#[test]
fn equality_is_that_of_the_type() {
    #[derive(Clone, Copy, Debug)]
    struct Parity(u32);
    impl PartialEq for Parity {
        fn eq(&self, other: &Parity) -> bool {
            self.0 % 2 == other.0 % 2
        }
    }
    impl Eq for Parity {}
    let cell = AtomicCell::new(Parity(7));
    assert_eq!(
        cell.compare_exchange(Parity(1), Parity(2)).map(|was| was.0),
        Ok(7)
    );
    assert_eq!(cell.load().0, 2);
}

#[test]
fn what_is_lock_free() {
    #[repr(align(4))]
    struct Aligned(#[expect(dead_code, reason = "for its size")] [u8; 4]);
    let here = cfg!(all(
        any(target_arch = "x86_64", target_arch = "aarch64"),
        not(miri)
    ));
    assert!(AtomicCell::<()>::is_lock_free());
    assert_eq!(AtomicCell::<Option<bool>>::is_lock_free(), here);
    assert_eq!(AtomicCell::<u64>::is_lock_free(), here);
    assert_eq!(AtomicCell::<Aligned>::is_lock_free(), here);
    assert!(
        !AtomicCell::<[u8; 4]>::is_lock_free(),
        "not aligned to its size"
    );
    assert!(!AtomicCell::<[u8; 3]>::is_lock_free());
    assert!(!AtomicCell::<[u64; 4]>::is_lock_free());
    let built_for_pairs = cfg!(all(target_feature = "cmpxchg16b", not(miri)));
    assert_eq!(AtomicCell::<u128>::is_lock_free(), built_for_pairs);
    assert_eq!(size_of::<AtomicCell<[u8; 3]>>(), 3);
    // No niche: another thread may write any value meanwhile (issue 833 of crossbeam).
    assert_eq!(size_of::<Option<AtomicCell<bool>>>(), 2);
}

#[test]
fn statics() {
    static CELL: AtomicCell<Option<&str>> = AtomicCell::new(None);
    const SEVEN: u8 = AtomicCell::new(7).into_inner();
    CELL.store(Some("there"));
    assert_eq!((CELL.take(), CELL.take(), SEVEN), (Some("there"), None, 7));
}

#[test]
fn arithmetic_wraps_around() {
    macro_rules! check {
        ($($type:ty),*) => {$({
            let cell = AtomicCell::new(<$type>::MAX);
            assert_eq!(cell.fetch_add(1), <$type>::MAX);
            assert_eq!(cell.fetch_sub(1), <$type>::MIN);
            assert_eq!(cell.fetch_and(6), <$type>::MAX);
            assert_eq!(cell.fetch_or(1), 6);
            assert_eq!(cell.fetch_xor(3), 7);
            assert_eq!(cell.fetch_nand(5), 4);
            assert_eq!(cell.swap(9), !4);
            assert_eq!(cell.fetch_min(8), 9);
            assert_eq!(cell.fetch_max(12), 8);
            assert_eq!(cell.load(), 12);
        })*};
    }
    check!(
        i8, u8, i16, u16, i32, u32, i64, u64, i128, u128, isize, usize
    );
    let flag = AtomicCell::new(true);
    assert!(flag.fetch_xor(true) && !flag.fetch_or(true) && flag.fetch_nand(true));
    assert!(!flag.fetch_and(true) && !flag.load());
}

/// Two write, two read: no value is torn, and none goes back.
fn whole<T: Copy + Send + Eq + Debug>(of: fn(u64) -> T, number: fn(T) -> u64) {
    let cell = AtomicCell::new(of(0));
    let done = AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let value = cell.load();
                    let found = number(value);
                    assert_eq!(value, of(found), "torn");
                    assert!(found >= last, "went back");
                    last = found;
                }
            });
        }
        let writers = [0, 1].map(|_| {
            s.spawn(|| {
                for _ in 0..ROUNDS / 2 {
                    assert!(
                        cell.fetch_update(|value| Some(of(number(value) + 1)))
                            .is_ok()
                    );
                }
            })
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(cell.load(), of(ROUNDS));
}

#[test]
fn values_are_whole() {
    whole(|n| n, |n| n);
    whole(|n| u128::from(n) << 64 | u128::from(n), |n| n as u64);
    whole(|n| PaddedPair { a: n as u8, b: n }, |pair| pair.b);
    whole(|n| [n; 4], |all| all[0]);
    whole(|n| [n as u32; 7], |all| u64::from(all[6]));
    whole(
        |n| Padded {
            a: n as u8,
            b: n as u16,
            c: (n >> 16) as u8,
        },
        |padded| u64::from(padded.b) | u64::from(padded.c) << 16,
    );
}

/// A load sees what came before the store, with every kind of value.
#[test]
fn a_store_publishes() {
    fn check<T: Copy + Send>(of: fn(u64) -> T, number: fn(T) -> u64) {
        let (before, cell) = (AtomicUsize::new(0), AtomicCell::new(of(0)));
        std::thread::scope(|s| {
            s.spawn(|| {
                for round in 1..=ROUNDS {
                    before.store(round as usize, Ordering::Relaxed);
                    cell.store(of(round));
                }
            });
            loop {
                let seen = number(cell.load());
                assert!(before.load(Ordering::Relaxed) as u64 >= seen);
                if seen == ROUNDS {
                    break;
                }
            }
        });
    }
    check(|n| n, |n| n);
    check(u128::from, |n| n as u64);
    check(|n| [n; 5], |all| all[4]);
}

#[test]
fn each_value_is_dropped_once() {
    static LIVE: AtomicUsize = AtomicUsize::new(0);

    struct Counted(#[expect(dead_code, reason = "for its size")] [usize; 2]);
    impl Counted {
        fn new() -> Counted {
            LIVE.fetch_add(1, Ordering::Relaxed);
            Counted([0; 2])
        }
    }
    impl Drop for Counted {
        fn drop(&mut self) {
            LIVE.fetch_sub(1, Ordering::Relaxed);
        }
    }

    let live = || LIVE.load(Ordering::Relaxed);
    let cell = AtomicCell::new(Counted::new());
    let boxed = AtomicCell::new(Some(Box::new(Counted::new())));
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| {
                for _ in 0..ROUNDS / 100 {
                    cell.store(Counted::new());
                    drop(cell.swap(Counted::new()));
                    boxed.store(Some(Box::new(Counted::new())));
                    drop(boxed.take());
                }
            });
        }
    });
    assert!(live() <= 2);
    drop(boxed);
    drop(cell.into_inner());
    assert_eq!(live(), 0);
    drop(AtomicCell::new(Counted::new()));
    assert_eq!(live(), 0);
}

/// Code of the user's that panics leaves the value, and no lock behind.
#[test]
fn panics_leave_the_value() {
    #[derive(Debug)]
    struct Loud([u64; 3]);
    impl Default for Loud {
        fn default() -> Loud {
            panic!("no default")
        }
    }
    #[derive(Clone, Copy, Debug)]
    struct NeverCompared([u64; 5]);
    impl PartialEq for NeverCompared {
        fn eq(&self, _: &NeverCompared) -> bool {
            panic!("no comparison")
        }
    }
    impl Eq for NeverCompared {}

    let fails = |call: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    let cell = AtomicCell::new(Loud([1; 3]));
    fails(&|| _ = cell.take());
    fails(&|| _ = AtomicCell::<Loud>::default());
    assert_eq!(cell.into_inner().0, [1; 3]);

    let wide = AtomicCell::new(NeverCompared([2; 5]));
    fails(&|| _ = wide.compare_exchange(wide.load(), wide.load()));
    fails(&|| _ = wide.fetch_update(|_| panic!("no update")));
    let word = AtomicCell::new(3_u64);
    fails(&|| _ = word.fetch_update(|_| panic!("no update")));
    assert_eq!((wide.load().0, word.load()), ([2; 5], 3));
}

/// A destructor that panics has its value replaced before.
#[test]
fn a_panicking_destructor_comes_after_the_store() {
    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "dropped");
        }
    }
    let cell = AtomicCell::new(Bomb(true));
    assert!(catch_unwind(AssertUnwindSafe(|| cell.store(Bomb(false)))).is_err());
    assert!(!cell.swap(Bomb(false)).0);
    let cell = AtomicCell::new(Bomb(true));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(cell))).is_err());
}

/// Some of the cells share a lock with the one that is updated. Not under Miri, as documented.
#[cfg(not(miri))]
#[test]
fn an_update_may_write_other_cells() {
    let cells: [AtomicCell<[u64; 4]>; 200] = core::array::from_fn(|_| AtomicCell::new([0; 4]));
    for (at, cell) in cells.iter().enumerate() {
        let updated = cell.fetch_update(|[n, ..]| {
            for (other, neighbour) in cells.iter().enumerate() {
                if other != at {
                    neighbour.store([other as u64; 4]);
                }
            }
            Some([n + 1; 4])
        });
        assert!(updated.is_ok());
    }
    assert_eq!(cells[199].load(), [200; 4]);
}

#[test]
fn consume_loads_the_value() {
    let mut seven = 7;
    let pointer = AtomicPtr::new(&raw mut seven);
    // SAFETY: the variable is alive.
    assert_eq!(unsafe { pointer.load_consume().read() }, 7);
    assert_eq!(AtomicU32::new(8).load_consume(), 8);
    assert!(AtomicBool::new(true).load_consume());
}

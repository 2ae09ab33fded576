use super::*;
use crate::epoch::local::Local;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
use counterpoint_base::prim::sync::Arc;

#[test]
fn a_record_is_small_and_alone_on_its_lines() {
    assert_eq!(align_of::<Local>(), 128);
    assert!(size_of::<Local>() <= 256, "{}", size_of::<Local>());
    assert_eq!(size_of::<Guard>(), size_of::<usize>());
    assert_eq!(size_of::<Atomic<u8>>(), size_of::<usize>());
}

#[test]
fn closures_of_every_size_and_alignment_run_once() {
    #[repr(align(64))]
    #[derive(Clone, Copy)]
    struct Aligned(usize);

    let sum = Arc::new(AtomicUsize::new(0));
    let collector = Collector::new();
    let handle = collector.register();
    let guard = handle.pin();
    let small = sum.clone();
    guard.defer(move || small.fetch_add(1, RELAXED));
    let (large, words) = (sum.clone(), [1_usize; 9]);
    guard.defer(move || large.fetch_add(words.iter().sum(), RELAXED));
    let (aligned, value) = (sum.clone(), Aligned(90));
    guard.defer(move || {
        let value = value;
        assert!((&raw const value).is_aligned());
        aligned.fetch_add(value.0, RELAXED)
    });
    guard.defer(|| ());
    drop((guard, handle, collector));
    assert_eq!(sum.load(RELAXED), 100);
}

#[test]
fn tags_fit_below_the_alignment() {
    assert_eq!(Shared::<i8>::null().with_tag(1).tag(), 0);
    assert_eq!(Shared::<u64>::null().with_tag(7).tag(), 7);
    assert_eq!(Shared::<u64>::null().with_tag(9).tag(), 1);
    assert!(Shared::<u64>::null().with_tag(7).as_raw().is_null());
}

#[test]
fn slices_know_their_length() {
    let mut slice = Owned::<[MaybeUninit<u16>]>::init(5);
    slice[4].write(7);
    assert_eq!(slice.len(), 5);
    let none = Owned::<[MaybeUninit<u64>]>::init(0).with_tag(1);
    assert_eq!((none.len(), none.tag()), (0, 1));
}

#[test]
fn null_is_shown_as_zero() {
    assert_eq!(format!("{:p}", Atomic::<usize>::null()), "0x0");
    assert_eq!(
        format!("{:p}", Atomic::<[MaybeUninit<usize>]>::null()),
        "0x0"
    );
    assert_eq!(format!("{:p}", Shared::<usize>::null()), "0x0");
}

#[test]
fn records_are_used_again() {
    let collector = Collector::new();
    for _ in 0..10 {
        let handle = collector.register();
        drop(handle.pin());
    }
    assert_eq!(collector.stats().records, 1);
    let all: Vec<LocalHandle> = (0..3).map(|_| collector.register()).collect();
    assert_eq!(collector.stats().records, 3);
    drop(all);
    let guard = collector.register().pin();
    assert_eq!(collector.stats().records, 3);
    assert_eq!(guard.collector(), Some(&collector));
}

#[test]
fn an_owned_value_comes_and_goes_as_a_box() {
    let owned: Owned<u64> = Box::new(7).into();
    let owned = owned.with_tag(3);

    let again = owned.clone();
    assert_eq!((*again, again.tag()), (7, 3));
    assert_eq!(*owned.into_box(), 7);
    let shown = format!("{again:?}");
    assert!(shown.starts_with("Owned { raw: 0x") && shown.ends_with("tag: 3 }"));
}

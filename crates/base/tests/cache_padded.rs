//! `CachePadded`: layout and forwarding.

use counterpoint_base::CachePadded;
use std::cell::Cell;
use std::collections::HashSet;
use std::mem::{align_of, size_of};

#[test]
fn neighbours_share_no_line() {
    let pair = [CachePadded::new(1_u8), CachePadded::new(2_u8)];
    let distance = (&raw const *pair[1]).addr() - (&raw const *pair[0]).addr();
    assert_eq!(distance, align_of::<CachePadded<u8>>());
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    assert_eq!(distance, 128);
}

#[test]
fn value_lies_at_the_start() {
    let padded = CachePadded::new(1_u8);
    assert_eq!((&raw const padded).addr(), (&raw const *padded).addr());
}

#[test]
fn size_is_whole_lines() {
    let line = align_of::<CachePadded<u8>>();
    assert_eq!(size_of::<CachePadded<[u8; 0]>>(), 0);
    assert_eq!(size_of::<CachePadded<u8>>(), line);
    assert_eq!(size_of::<CachePadded<[u8; 256]>>(), 256);
    assert_eq!(size_of::<CachePadded<[u8; 257]>>(), 256 + line);
}

#[test]
fn forwards() {
    let mut padded = CachePadded::from(String::from("a"));
    padded.push('b');
    assert_eq!(padded.len(), 2);
    assert_eq!(
        format!("{padded}, {padded:?}"),
        "ab, CachePadded { value: \"ab\" }"
    );
    assert_eq!(padded.clone(), padded);
    assert!(CachePadded::new(1) < CachePadded::new(2));
    assert_eq!(CachePadded::<u32>::default().into_inner(), 0);
    assert!(HashSet::from([CachePadded::new(1)]).contains(&CachePadded::new(1)));
}

#[test]
fn drops_once() {
    struct Counts<'a>(&'a Cell<u32>);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let count = Cell::new(0);
    let inner = CachePadded::new(Counts(&count)).into_inner();
    assert_eq!(count.get(), 0);
    drop(CachePadded::new(inner));
    assert_eq!(count.get(), 1);
}

//! The table against a plain list.

use super::*;

type Entries = Vec<Arc<Entry<u64, u8>>>;

/// Gives the table the segment that it wants now.
fn feed(table: &mut Table<u64, u8>) {
    if let Some(len) = table.begin_to_grow() {
        table.give(segment(len));
    }
}

/// A fixed sequence of numbers that looks random.
fn scatter(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn insert(table: &mut Table<u64, u8>, token: u64, hash: u64) -> Arc<Entry<u64, u8>> {
    let entry = Arc::new(Entry::new(token, hash));
    // SAFETY: nobody else knows the table.
    unsafe { table.insert(entry.clone()) };
    entry
}

fn tokens_with(table: &mut Table<u64, u8>, hash: u64) -> Vec<u64> {
    let (mut after, mut found) = (0, Vec::new());
    // SAFETY: nobody else knows the table.
    while let Some((entry, id)) = unsafe { table.candidate(hash, after) } {
        assert!(id > after);
        after = id;
        found.push(entry.token);
    }
    found
}

#[test]
fn buckets_follow_each_other_through_the_segments() {
    let mut expected = (0, 0);
    for index in 0..10_000 {
        assert_eq!(locate(index), expected, "bucket {index}");
        expected.1 += 1;
        if expected.1 == length(expected.0) {
            expected = (expected.0 + 1, 0);
        }
    }
}

#[test]
fn entries_are_found_by_their_hash_while_it_grows_and_shrinks() {
    let mut table = Table::new();
    let mut entries: Entries = Vec::new();
    for token in 0..3_000 {
        feed(&mut table);
        entries.push(insert(&mut table, token, scatter(token)));
        if token % 3 == 0 {
            let gone = entries.swap_remove(scatter(token) as usize % entries.len());
            // SAFETY: nobody else knows the table.
            assert!(unsafe { table.remove(&gone) }.is_some());
            // SAFETY: as above.
            assert!(unsafe { table.remove(&gone) }.is_none());
            assert!(tokens_with(&mut table, gone.hash).is_empty());
        }
        if token % 97 == 0 {
            for entry in &entries {
                assert_eq!(tokens_with(&mut table, entry.hash), [entry.token]);
            }
        }
    }
    assert_eq!(table.len(), entries.len());
    assert!(table.buckets() >= entries.len(), "it has grown");
    let mut walked = 0;
    for bucket in 0..table.buckets() {
        // SAFETY: nobody else knows the table.
        unsafe {
            table.find(bucket, |_| {
                walked += 1;
                false
            })
        };
    }
    assert_eq!(walked, entries.len());
    drop(table);
    assert!(entries.iter().all(|entry| Arc::strong_count(entry) == 1));
}

#[test]
fn equal_hashes_are_told_apart_by_their_numbers() {
    let mut table = Table::new();
    let entries: Entries = (0..50).map(|token| insert(&mut table, token, 7)).collect();
    assert_eq!(tokens_with(&mut table, 7), Vec::from_iter(0..50));
    for entry in entries.iter().skip(1).step_by(2) {
        // SAFETY: nobody else knows the table.
        assert!(unsafe { table.remove(entry) }.is_some());
    }
    assert_eq!(
        tokens_with(&mut table, 7),
        Vec::from_iter((0..50).step_by(2))
    );
}

#[test]
fn it_makes_up_for_the_time_without_a_segment() {
    let mut table = Table::new();
    assert_eq!(table.begin_to_grow(), None, "too early");
    let _some: Entries = (0..8)
        .map(|token| insert(&mut table, token, scatter(token)))
        .collect();
    let wanted = table.begin_to_grow().expect("the next one lets it grow");
    let _entries: Entries = (8..100)
        .map(|token| insert(&mut table, token, scatter(token)))
        .collect();
    assert_eq!(table.buckets(), 8, "nobody gave it a segment");
    assert_eq!(table.begin_to_grow(), None, "one makes it for all");
    table.give(segment(wanted));
    let mut more = Vec::new();
    for token in 100..300 {
        feed(&mut table);
        more.push(insert(&mut table, token, scatter(token)));
    }
    assert!(table.buckets() >= 256, "{}", table.buckets());
}

//! A page of the book of holds: which lines are free, and what is in the others.

use counterpoint_wait::hooks::{Line, Page};

/// Opens a line, and tells which one, and whether another was open.
fn open(page: &Page, id: u64) -> Option<(usize, bool)> {
    // SAFETY: one thread, and what was claimed before was filled.
    let (entry, has_others) = unsafe { page.claim() }?;
    // SAFETY: claimed just now; the test gives each number once.
    unsafe { entry.fill(&Line::numbered(id, "Guard", 8, 1)) };
    let place = (0..).find(|&place| core::ptr::eq(page.entry(place), entry));
    Some((place.unwrap(), has_others))
}

fn ids(page: &Page) -> Vec<u64> {
    let mut ids: Vec<u64> = page.lines().map(|line| line.id).collect();
    ids.sort_unstable();
    ids
}

/// Whatever is opened and closed in whatever order: each hold has a line of its own until it ends.
#[test]
fn each_hold_has_a_line_of_its_own() {
    let page = Page::new();
    let (mut held, mut random, mut full) = (Vec::<(u64, usize)>::new(), 1u64, 0);
    for id in 1..100_000u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // Now more are opened than closed, now less.
        let closes = if id / 500 % 2 == 0 { 30 } else { 70 };
        if (random >> 33) % 100 < closes && !held.is_empty() {
            let (_, place) = held.swap_remove((random >> 40) as usize % held.len());
            page.entry(place).close();
        } else if let Some((place, has_others)) = open(&page, id) {
            assert_eq!(has_others, !held.is_empty());
            assert!(held.iter().all(|&(_, other)| other != place));
            held.push((id, place));
        } else {
            assert!(page.is_full());
            full += 1;
        }
        assert_eq!(page.is_empty(), held.is_empty());
        if id % 64 == 0 {
            let mut expected: Vec<u64> = held.iter().map(|&(id, _)| id).collect();
            expected.sort_unstable();
            assert_eq!(ids(&page), expected);
        }
    }
    assert!(full > 100, "it was full {full} times");
}

#[test]
fn what_a_holder_changes_is_in_its_line_only() {
    let page = Page::new();
    assert_eq!(open(&page, 1), Some((0, false)));
    assert_eq!(open(&page, 2), Some((1, true)));
    let first = page.entry(0);
    first.set_units(7);
    first.set_party(9);
    first.lend(true);
    first.lend(true);
    first.lend(false);
    let line = first.read().unwrap();
    assert_eq!((line.id, line.units, line.party), (1, 7, 9));
    assert!(line.lent && line.confirmed && !line.polled && !line.trying);
    first.lend(false);
    assert!(!first.read().unwrap().lent);
    let other = page.entry(1).read().unwrap();
    assert_eq!(
        (other.id, other.units, other.party, other.confirmed),
        (2, 1, 0, false)
    );
    assert!(page.has_line_of(9) && !page.has_line_of(8));
    first.lend(true);
    first.close();
    assert!(first.read().is_none() && !page.has_line_of(9));
    // The last line is open, so the next hold comes behind it; what was said of the first is forgotten.
    assert_eq!(open(&page, 3), Some((2, true)));
    page.entry(1).close();
    page.entry(2).close();
    assert_eq!(open(&page, 4), Some((0, false)));
    let line = first.read().unwrap();
    assert_eq!((line.id, line.units, line.party), (4, 1, 0));
    assert!(!line.lent && !line.confirmed);
}

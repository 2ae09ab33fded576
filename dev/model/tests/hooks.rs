//! Models of the place that keeps the sink of the hooks, and of a page of the book of holds.

use counterpoint_base::prim::atomic::{AtomicU32, RELAXED};
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::model;
use counterpoint_wait::hooks::{Line, Page, Slot};

/// Opens a line; true if there was a free one.
///
/// # Safety
/// One thread at a time opens lines of the page; no other hold ever has this number.
unsafe fn open(page: &Page, line: &Line) -> bool {
    // SAFETY: by the caller's promise, and what was claimed before was filled.
    let Some((entry, _)) = (unsafe { page.claim() }) else {
        return false;
    };
    // SAFETY: claimed just now; by the caller's promise.
    unsafe { entry.fill(line) };
    true
}

model! {
    /// Two threads fill the place: one does, and whoever reads it sees what that one prepared.
    fn slot_is_filled_once(preemptions: None) {
        let shared = Arc::new((Slot::new(), [AtomicU32::new(0), AtomicU32::new(0)]));
        let fill = |number: usize| {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1[number].store(1, RELAXED);
                shared.0.fill(number).is_ok()
            })
        };
        let (a, b) = (fill(0), fill(1));
        for _ in 0..2 {
            if let Some(number) = shared.0.get() {
                assert_eq!(shared.1[number].load(RELAXED), 1);
            }
        }
        let filled = [a.join().unwrap(), b.join().unwrap()];
        assert_ne!(filled[0], filled[1]);
        assert_eq!(shared.0.get(), filled.iter().position(|&first| first));
    }

    /// A thread opens and closes one line again and again; whoever reads it finds one hold or none, never
    /// a mixture of two.
    fn lines_are_of_one_hold(preemptions: Some(2)) {
        let page = Arc::new(Page::new());
        let reader = { let page = page.clone(); thread::spawn(move || {
            for line in page.lines() {
                let number = line.id as usize;
                assert_eq!(line.kind, ["", "a", "bb"][number]);
                assert_eq!((line.object, line.units), (10 * number, 100 * number));
            }
        }) };
        let writer = { let page = page.clone(); thread::spawn(move || {
            for (id, kind) in [(1, "a"), (2, "bb")] {
                let number = id as usize;
                let line = Line::numbered(id, kind, 10 * number, 100 * number);
                // SAFETY: this thread alone opens lines, and numbers are used once.
                assert!(unsafe { open(&page, &line) }, "it is closed");
                if id == 1 {
                    page.entry(0).close();
                }
            }
        }) };
        reader.join().unwrap();
        writer.join().unwrap();
    }

    /// A hold ends in another thread than it began in, while its own thread looks for a free line.
    fn a_line_is_closed_elsewhere(preemptions: Some(3)) {
        let page = Arc::new(Page::new());
        // SAFETY: one thread at a time opens lines, and numbers are used once.
        assert!(unsafe { open(&page, &Line::numbered(1, "a", 10, 100)) });
        let closer = { let page = page.clone(); thread::spawn(move || {
            let entry = page.entry(0);
            entry.set_units(5);
            entry.set_party(7);
            entry.close();
        }) };
        let opener = { let page = page.clone(); thread::spawn(move || {
            // SAFETY: as above.
            unsafe { open(&page, &Line::numbered(2, "bb", 20, 200)) }
        }) };
        closer.join().unwrap();
        let seen: Vec<_> = match opener.join().unwrap() {
            true => vec![(2, 200, 0, false)],
            false => vec![],
        };
        let told = |line: Line| (line.id, line.units, line.party, line.confirmed);
        assert_eq!(page.lines().map(told).collect::<Vec<_>>(), seen);
    }
}

//! What the primitives tell the hooks.

mod barrier;
mod groups;
mod mutex;
mod once;
mod semaphore;
mod shares;
mod signals;
mod stage;
#[path = "../task/mod.rs"]
mod task;

use counterpoint_wait::hooks::{self, Notice, Sink, What};
use std::cell::{Cell, RefCell};
use std::sync::Once;

thread_local! {
    static TOLD: RefCell<Vec<Notice>> = const { RefCell::new(Vec::new()) };
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

struct Book;

impl Sink for Book {
    fn notice(&self, notice: &Notice) {
        // Of sleep tests/hooks.rs of the wait room tells.
        if matches!(notice.what, What::Asleep | What::Awake) {
            return;
        }
        TOLD.with_borrow_mut(|told| told.push(*notice));
        assert!(!PANICS.get(), "the sink panics");
    }
}

fn begin() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| hooks::install(&Book).unwrap());
    TOLD.take();
}

/// What this thread was told since it asked last.
fn told() -> Vec<What> {
    TOLD.take().iter().map(|notice| notice.what).collect()
}

/// The same with the units.
fn told_units() -> Vec<(What, usize)> {
    TOLD.take()
        .iter()
        .map(|notice| (notice.what, notice.units))
        .collect()
}

/// A pair of one hold, told for each line that follows `line`.
fn pairs_of_lines(line: u32, file: &str, kinds: &[&str]) {
    let all = TOLD.take();
    assert_eq!(all.len(), 2 * kinds.len(), "{all:?}");
    for (index, pair) in all.chunks(2).enumerate() {
        assert_eq!((pair[0].what, pair[1].what), (What::Held, What::Released));
        assert_eq!(pair[0].id, pair[1].id);
        for notice in pair {
            let site = (notice.site.file(), notice.site.line());
            assert_eq!(site, (file, line + 1 + index as u32));
            assert_eq!(notice.kind, kinds[index]);
            assert_eq!(notice.object, all[0].object);
        }
    }
}

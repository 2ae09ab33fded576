//! What buffered mutexes tell the hooks.

use super::{TOLD, begin, pairs_of_lines, told};
use counterpoint_sync::BufMutex;
use counterpoint_wait::hooks::{self, What};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

type Total = BufMutex<u32>;

fn total() -> Arc<Total> {
    Arc::new(Total::new(0, |global, local| *global += *local))
}

/// Leaves out what entries tell.
fn without_entries() {
    TOLD.with_borrow_mut(|told| told.retain(|notice| notice.kind != "BufMutexEntry"));
}

#[test]
fn every_way_to_share_tells_its_own_place() {
    begin();
    let total = total();
    let line = line!();
    drop(total.share());
    drop(total.share_owned());
    assert_eq!(total.share().abandon(), 0);
    without_entries();
    pairs_of_lines(line, file!(), &["SharedBufMutex"; 3]);

    let add = |global: &mut u32, local: &u32| *global += *local;
    let ordered = Arc::new(BufMutex::ordered(0, add));
    let line = line!();
    drop(ordered.share());
    drop(ordered.share_at(5));
    drop(ordered.share_owned());
    drop(ordered.share_owned_at(9));
    without_entries();
    pairs_of_lines(line, file!(), &["OrderedShare"; 4]);

    let striped = Arc::new(BufMutex::striped(0, add, || 0, |all, part| *all += part));
    let line = line!();
    drop(striped.share());
    drop(striped.share_owned());
    without_entries();
    pairs_of_lines(line, file!(), &["StripedShare"; 2]);

    let live = Arc::new(BufMutex::live(0, add));
    let line = line!();
    drop(live.share());
    drop(live.share_owned());
    without_entries();
    pairs_of_lines(line, file!(), &["LiveShare"; 2]);
}

#[test]
fn a_share_is_held_until_it_ends_whatever_it_merges_before() {
    begin();
    let total = total();
    let line = line!();
    let mut share = total.share();
    *share.as_mut() += 1;
    share.flush();
    let other = share.clone();
    total.peek();
    drop((share, other));
    let all = TOLD.take();
    let what: Vec<_> = all
        .iter()
        .map(|notice| (notice.what, notice.kind, notice.site.line() - line))
        .collect();
    let (held, released) = (What::Held, What::Released);
    let (share, entry) = ("SharedBufMutex", "BufMutexEntry");
    assert_eq!(
        what,
        [
            (held, share, 1),
            (held, entry, 3),
            (released, entry, 3),
            (held, share, 4),
            (held, entry, 5),
            (released, entry, 5),
            (released, share, 1),
            (held, entry, 1),
            (released, entry, 1),
            (released, share, 4),
            (held, entry, 4),
            (released, entry, 4),
        ]
    );
}

#[test]
fn a_merge_that_panics_tells_that_it_let_go() {
    begin();
    let bad = Total::new(0, |_, _| panic!("a bad merge"));
    let share = bad.share();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(share))).is_err());
    let (held, released) = (What::Held, What::Released);
    assert_eq!(told(), [held, released, held, released]);
}

#[test]
fn what_is_locked_inside_a_merge_is_told_inside_the_entry() {
    thread_local! {
        static BETWEEN: RefCell<Vec<What>> = const { RefCell::new(Vec::new()) };
    }
    begin();
    let total = Total::new(0, |_, _| BETWEEN.set(told()));
    let share = total.share();
    told();
    drop(share);
    assert_eq!(BETWEEN.take(), [What::Released, What::Held]);
    assert_eq!(told(), [What::Released]);
}

#[test]
fn who_waits_for_idleness_or_entry_is_told_and_named() {
    begin();
    let total = total();
    total.named("bytes");
    let share = total.share();
    let object = TOLD.take()[0].object;
    assert_eq!(hooks::name_of(object), Some("bytes"));
    assert!(total.wait_idle_timeout(Duration::from_millis(1)).is_err());
    let all = TOLD.take();
    let what: Vec<_> = all.iter().map(|notice| notice.what).collect();
    assert_eq!(what, [What::Waiting, What::Left]);
    assert_eq!(
        (all[0].kind, all[0].object, all[0].site.file()),
        ("BufMutex::wait_idle", object, file!())
    );
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| total.wait_idle());
        let seen = loop {
            if let [waiter] = total.waiters()[..] {
                break waiter;
            }
            std::thread::yield_now();
        };
        assert_eq!(seen.kind, "BufMutex::wait_idle");
        drop(share);
        waiter.join().unwrap();
    });
}

#[test]
fn who_waits_to_merge_is_told_with_the_place_of_its_share() {
    use std::sync::mpsc;

    begin();
    let (entered, has_entered) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let may_go = std::sync::Mutex::new(may_go);
    let slow = BufMutex::<u32, u32, _>::new(0, |global: &mut u32, local: &u32| {
        if *local == 1 {
            entered.send(()).unwrap();
            may_go.lock().unwrap().recv().unwrap();
        }
        *global += *local;
    });
    let slow = &slow;
    slow.named("slow");
    std::thread::scope(|scope| {
        let mut first = slow.share();
        *first.as_mut() = 1;
        scope.spawn(move || drop(first));
        has_entered.recv().unwrap();
        let line = line!() + 1;
        let mut second = slow.share();
        *second.as_mut() = 2;
        scope.spawn(move || drop(second));
        let seen = loop {
            if let [waiter] = slow.waiters()[..] {
                break waiter;
            }
            std::thread::yield_now();
        };
        assert_eq!((seen.kind, seen.site.line()), ("BufMutex::enter", line));
        go.send(()).unwrap();
    });
    assert_eq!(slow.peek(), 3);
}

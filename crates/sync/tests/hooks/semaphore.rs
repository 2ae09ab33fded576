//! What a semaphore tells the hooks.

use super::{PANICS, TOLD, begin, pairs_of_lines, told, told_units};
use counterpoint_sync::{AcquireError, Semaphore};
use counterpoint_wait::hooks::{self, What};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn every_way_to_acquire_tells_its_own_place() {
    begin();
    let semaphore = Arc::new(Semaphore::new(3));
    let late = Instant::now() + LONG;
    let line = line!();
    drop(semaphore.acquire());
    drop(semaphore.try_acquire());
    drop(semaphore.acquire_timeout(LONG));
    drop(semaphore.acquire_deadline(late));
    drop(semaphore.acquire_async().wait());
    drop(semaphore.acquire_async().timeout(LONG).wait());
    drop(semaphore.acquire_many(2));
    drop(semaphore.try_acquire_up_to(1, 3));
    drop(semaphore.acquire_up_to_async(1, 3).wait());
    drop(semaphore.acquire_owned());
    drop(semaphore.try_acquire_owned());
    drop(semaphore.acquire_owned_timeout(LONG));
    drop(semaphore.acquire_many_owned_deadline(2, late));
    drop(semaphore.acquire_up_to_owned_async(1, 2).wait());
    let kinds = ["SemaphorePermit"; 9]
        .iter()
        .chain(&["OwnedSemaphorePermit"; 5])
        .copied()
        .collect::<Vec<_>>();
    pairs_of_lines(line, file!(), &kinds);
}

#[test]
fn units_are_told_and_never_more_than_there_are() {
    begin();
    let semaphore = Arc::new(Semaphore::new(3));
    let mut all = semaphore.acquire_many(3).unwrap();
    let line = line!() + 1;
    let part = all.split(2).unwrap();
    let split = TOLD.take();
    let of = |index: usize| (split[index].what, split[index].units);
    assert_eq!(
        [of(0), of(1), of(2)],
        [(What::Held, 3), (What::Changed, 1), (What::Held, 2)]
    );
    assert_eq!(split[0].id, split[1].id);
    assert!(split[2].id > split[0].id);
    assert_eq!(split[2].site.line(), line);
    all.merge(part);
    assert_eq!(told_units(), [(What::Released, 2), (What::Changed, 3)]);
    drop(all);
    assert_eq!(told_units(), [(What::Released, 3)]);

    let mut owned = semaphore.acquire_many_owned(3).unwrap();
    owned.split(1).unwrap().forget();
    drop(owned);
    let what = [
        (What::Held, 3),
        (What::Changed, 2),
        (What::Held, 1),
        (What::Forgotten, 1),
        (What::Released, 2),
    ];
    assert_eq!(told_units(), what);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn permits_of_two_semaphores_do_not_merge_and_are_told_once() {
    begin();
    let (one, other) = (Semaphore::new(1), Semaphore::new(1));
    let mut permit = one.acquire().unwrap();
    let foreign = other.acquire().unwrap();
    let merge = std::panic::AssertUnwindSafe(|| permit.merge(foreign));
    assert!(std::panic::catch_unwind(merge).is_err());
    drop(permit);
    let (held, released) = (What::Held, What::Released);
    assert_eq!(told(), [held, held, released, released]);
}

#[test]
fn units_without_a_holder_are_told() {
    begin();
    let semaphore = Semaphore::new(1);
    let line = line!();
    semaphore.add_permits(2);
    assert_eq!(semaphore.forget_permits(9), 3);
    semaphore.reduce(4);
    semaphore.add_permits(0);
    let all = TOLD.take();
    let told: Vec<_> = all
        .iter()
        .map(|notice| (notice.what, notice.units, notice.site.line() - line))
        .collect();
    assert_eq!(
        told,
        [
            (What::Added, 2, 1),
            (What::Removed, 3, 2),
            (What::Removed, 4, 3)
        ]
    );
    assert!(all.iter().all(|notice| notice.id == 0));
    let many = std::panic::catch_unwind(|| semaphore.add_permits(usize::MAX));
    assert!(many.is_err());
    let max = usize::MAX;
    assert_eq!(told_units(), [(What::Added, max), (What::Removed, max)]);
}

#[test]
fn who_waits_is_told_with_its_units_and_named() {
    begin();
    let semaphore = Semaphore::new(1);
    semaphore.named("files");
    let late = semaphore.acquire_many_timeout(2, Duration::from_millis(1));
    assert_eq!(late.err(), Some(AcquireError::TimedOut));
    let all = TOLD.take();
    let what: Vec<_> = all
        .iter()
        .map(|notice| (notice.what, notice.units))
        .collect();
    assert_eq!(what, [(What::Waiting, 2), (What::Left, 2)]);
    assert_eq!(
        (all[0].kind, all[0].site.file()),
        ("Semaphore::acquire", file!())
    );
    assert_eq!(hooks::name_of(all[0].object), Some("files"));
    assert!(semaphore.waiters().is_empty());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| semaphore.acquire_many(3).map(drop));
        let seen = loop {
            if let [waiter] = semaphore.waiters()[..] {
                break waiter;
            }
            std::thread::yield_now();
        };
        assert_eq!((seen.kind, seen.units), ("Semaphore::acquire", 3));
        assert_eq!(seen.site.file(), file!());
        semaphore.add_permits(2);
        waiter.join().unwrap().unwrap();
    });
}

#[test]
fn a_panic_of_the_sink_keeps_no_permit() {
    begin();
    let semaphore = Semaphore::new(3);
    PANICS.set(true);
    let mut all = semaphore.acquire_many(3).unwrap();
    let part = all.split(1).unwrap();
    all.merge(part);
    drop(all);
    drop(semaphore.acquire_async().wait());
    PANICS.set(false);
    assert_eq!(semaphore.available_permits(), 3);
}

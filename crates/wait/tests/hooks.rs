//! What the hooks tell, in which order, and what a sink may do.

use counterpoint_wait::cancel::CancelToken;
use counterpoint_wait::event::Event;
use counterpoint_wait::hooks::{self, AlreadyInstalled, Notice, Sink, Site, What};
use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::WaitQueue;
use counterpoint_wait::waker::WakeBatch;
use counterpoint_wait::{listener, select_async};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

thread_local! {
    /// What this thread was told.
    static TOLD: RefCell<Vec<Notice>> = const { RefCell::new(Vec::new()) };
    /// That it sleeps and wakes, and what had been told before.
    static SLEPT: RefCell<Vec<(What, usize)>> = const { RefCell::new(Vec::new()) };
    /// The sink panics when it is told this.
    static PANIC_AT: Cell<Option<What>> = const { Cell::new(None) };
    /// The sink waits for something itself.
    static NOSY: Cell<bool> = const { Cell::new(false) };
    /// Payloads of this thread's panics that are no more.
    static DROPPED: Cell<usize> = const { Cell::new(0) };
}

struct Book;

impl Sink for Book {
    fn notice(&self, notice: &Notice) {
        if matches!(notice.what, What::Asleep | What::Awake) {
            let waits = TOLD.with_borrow(Vec::len);
            return SLEPT.with_borrow_mut(|slept| slept.push((notice.what, waits)));
        }
        TOLD.with_borrow_mut(|told| told.push(*notice));
        if NOSY.get() {
            let event: Event = Event::new();
            assert_eq!(
                event.listen().timeout(Duration::ZERO).wait(),
                Err(Stop::TimedOut)
            );
        }
        if PANIC_AT.get() == Some(notice.what) {
            if NOSY.get() {
                std::panic::panic_any(Payload);
            }
            panic!("the sink panics at {:?}", notice.what);
        }
    }
}

/// Waits for something when it is dropped, and panics then.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
        let event: Event = Event::new();
        let _ = event.listen().timeout(Duration::ZERO).wait();
        panic!("so does its payload");
    }
}

fn begin() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| hooks::install(&Book).unwrap());
    TOLD.with_borrow_mut(Vec::clear);
}

fn told() -> Vec<What> {
    TOLD.with_borrow(|told| told.iter().map(|notice| notice.what).collect())
}

fn notices() -> Vec<Notice> {
    TOLD.take()
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_second_sink_is_refused() {
    begin();
    assert_eq!(hooks::install(&Book), Err(AlreadyInstalled));
}

#[test]
fn a_wait_is_told_from_its_beginning_to_its_end() {
    begin();
    let event: Event = Event::new();
    let line = line!() + 1;
    let mut listener = pin!(event.listen());
    assert!(told().is_empty());
    assert!(poll(listener.as_mut()).is_pending());
    assert!(poll(listener.as_mut()).is_pending());
    assert_eq!(told(), [What::Waiting]);
    event.notify(1);
    assert_eq!(told(), [What::Waiting, What::Granted]);
    assert!(poll(listener.as_mut()).is_ready());
    let all = notices();
    assert_eq!(all.len(), 3);
    assert_eq!(all[2].what, What::Taken);
    for notice in &all {
        assert_eq!(notice.kind, "Event::listen");
        assert_eq!((notice.id, notice.object), (all[0].id, all[0].object));
        assert_eq!((notice.site.file(), notice.site.line()), (file!(), line));
        assert_eq!(notice.units, 1);
    }
}

#[test]
fn who_gives_up_is_told_to_have_left() {
    begin();
    let event: Event = Event::new();
    {
        let mut listener = pin!(event.listen());
        assert!(poll(listener.as_mut()).is_pending());
    }
    assert_eq!(told(), [What::Waiting, What::Left]);
    begin();
    assert!(event.listen().timeout(Duration::ZERO).wait().is_err());
    assert_eq!(told(), [What::Waiting, What::Left]);
    begin();
    // Granted and dropped: the next is granted.
    let mut next = pin!(event.listen());
    {
        let mut first = pin!(event.listen());
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(next.as_mut()).is_pending());
        event.notify(1);
    }
    let (waiting, granted, left) = (What::Waiting, What::Granted, What::Left);
    assert_eq!(told(), [waiting, waiting, granted, granted, left]);
    assert!(poll(next).is_ready());
    begin();
    drop(event.listen());
    assert!(told().is_empty());
}

#[test]
fn a_thread_sleeps_once_all_its_waits_are_told() {
    begin();
    let (a, b) = (CancelToken::new(), CancelToken::new());
    let later = b.clone();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        later.cancel("test");
    });
    counterpoint_wait::block_on(async {
        select_async! {
            () = a.cancelled() => panic!("nobody cancels it"),
            () = b.cancelled() => (),
        }
    });
    other.join().unwrap();
    let slept = SLEPT.take();
    assert_eq!(slept[0], (What::Asleep, 2));
    assert!(
        slept
            .iter()
            .filter(|(what, _)| *what == What::Awake)
            .count()
            * 2
            == slept.len()
    );
    // One operation alone says so by itself.
    begin();
    assert!(
        a.cancelled()
            .timeout(Duration::from_millis(1))
            .wait()
            .is_err()
    );
    assert_eq!(SLEPT.take(), []);
}

#[test]
fn arms_that_lose_have_left() {
    begin();
    let (a, b) = (CancelToken::new(), CancelToken::new());
    let mut select = pin!(async {
        select_async! {
            () = a.cancelled() => 1,
            () = b.cancelled() => 2,
        }
    });
    assert!(poll(select.as_mut()).is_pending());
    b.cancel("test");
    assert_eq!(poll(select), Poll::Ready(2));
    let all = notices();
    let mut open = Vec::new();
    for notice in &all {
        match notice.what {
            What::Waiting => open.push(notice.id),
            What::Taken | What::Left => open.retain(|&id| id != notice.id),
            _ => {}
        }
    }
    assert!(open.is_empty());
    let count = |what| all.iter().filter(|notice| notice.what == what).count();
    assert_eq!((count(What::Taken), count(What::Left)), (1, 1));
}

#[test]
fn what_a_sink_does_is_not_told() {
    begin();
    NOSY.set(true);
    let event: Event = Event::new();
    listener!(event.listen() => listener);
    event.notify(1);
    listener.wait_pinned();
    NOSY.set(false);
    assert_eq!(told(), [What::Waiting, What::Granted, What::Taken]);
}

#[test]
fn a_panic_of_the_sink_wrecks_nothing() {
    begin();
    let event: Event = Event::new();
    for what in [What::Granted, What::Taken, What::Left] {
        PANIC_AT.set(Some(what));
        listener!(event.listen() => _dropped);
        listener!(event.listen() => taken);
        event.notify(2);
        taken.wait_pinned();
    }
    // Out of `Waiting` it goes on: the operation is dropped, and nobody waits.
    PANIC_AT.set(Some(What::Waiting));
    let wait = || event.listen().wait();
    assert!(catch_unwind(AssertUnwindSafe(wait)).is_err());
    PANIC_AT.set(None);
    assert_eq!(event.total_listeners(), 0);
    // As an arm that joins the decision it does not.
    let token = counterpoint_wait::cancel::CancelToken::new();
    PANIC_AT.set(Some(What::Waiting));
    let late = counterpoint_wait::select! {
        () = token.cancelled() => false,
        timeout(Duration::from_millis(1)) => true,
    };
    PANIC_AT.set(None);
    assert!(late);
    // Nor as one that stays in its queue.
    PANIC_AT.set(Some(What::Waiting));
    let late = counterpoint_wait::select! {
        () = event.listen() => false,
        timeout(Duration::from_millis(1)) => true,
    };
    PANIC_AT.set(None);
    assert!(late && event.total_listeners() == 0);
}

#[test]
fn what_the_sink_panics_with_is_dropped() {
    begin();
    let event: Event = Event::new();
    NOSY.set(true);
    PANIC_AT.set(Some(What::Granted));
    listener!(event.listen() => taken);
    event.notify(1);
    PANIC_AT.set(None);
    taken.wait_pinned();
    NOSY.set(false);
    assert_eq!(DROPPED.get(), 1);
    assert_eq!(told(), [What::Waiting, What::Granted, What::Taken]);
}

/// Waits for ever in a queue of its own.
struct Never<'q>(&'q WaitQueue<(), ()>);

// SAFETY: one queue, that of the test; no method moves the verb.
unsafe impl Verb for Never<'_> {
    type State = ();
    type Payload = ();
    type Output = ();
    type Stoppable = Result<(), Stop>;
    const NAME: &'static str = "Never::comes";

    fn queue(&self) -> &WaitQueue<(), ()> {
        self.0
    }
    fn attempt(&mut self, (): &mut (), _turn: Turn) -> Option<()> {
        None
    }
    fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
        false
    }
    fn collect(&mut self, (): &mut ()) {}
    fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {}
    fn settle(&mut self, _: &mut LockedQueue<'_, Self>, _: &mut WakeBatch) -> bool {
        false
    }
    fn finish((): ()) -> Result<(), Stop> {
        Ok(())
    }
    fn stopped(&mut self, (): &mut (), why: Stop) -> Result<(), Stop> {
        Err(why)
    }
    fn units(&self, (): &()) -> usize {
        3
    }
}

#[test]
fn visit_copies_those_who_wait_in_order() {
    begin();
    let queue = WaitQueue::new(());
    assert!(hooks::visit(&queue).is_empty());
    let mut first = Box::pin(Op::new(Never(&queue), ()));
    let line = line!() - 1;
    let mut others: Vec<_> = (0..50)
        .map(|_| Box::pin(Op::new(Never(&queue), ())))
        .collect();
    assert!(poll(first.as_mut()).is_pending());
    for other in &mut others {
        assert!(poll(other.as_mut()).is_pending());
    }
    let waiters = hooks::visit(&queue);
    assert_eq!(waiters.len(), 51);
    assert!(waiters.is_sorted_by_key(|waiter| waiter.id));
    let ids: Vec<_> = notices().iter().map(|notice| notice.id).collect();
    assert!(waiters.iter().map(|waiter| waiter.id).eq(ids));
    assert_eq!((waiters[0].kind, waiters[0].units), ("Never::comes", 3));
    assert_eq!(
        (waiters[0].site.file(), waiters[0].site.line()),
        (file!(), line)
    );
    drop(first);
    assert_eq!(hooks::visit(&queue).len(), 50);
}

#[test]
fn a_guard_is_told_to_be_held_and_released() {
    begin();
    let queue = WaitQueue::<(), ()>::new(());
    let hold = hooks::held("Guard", &queue, Site::here(), 2);
    hooks::released(hold);
    hooks::released(hooks::Hold::NONE);
    let all = notices();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].what, all[1].what), (What::Held, What::Released));
    for notice in all {
        assert_eq!((notice.kind, notice.units), ("Guard", 2));
        assert_eq!(notice.object, hooks::object_of(&queue));
        assert_eq!(notice.site.file(), file!());
    }
}

#[test]
fn a_name_lives_as_long_as_its_object() {
    let queue = Box::new(WaitQueue::<(), ()>::new(()));
    let object = hooks::object_of(&queue);
    assert_eq!(hooks::name_of(object), None);
    hooks::name(&queue, "first");
    hooks::name(&queue, "orders");
    assert_eq!(hooks::name_of(object), Some("orders"));
    // Many names in each bucket, forgotten in another order than they came.
    let mut many: Vec<_> = (0..500)
        .map(|_| Box::new(WaitQueue::<(), ()>::new(())))
        .collect();
    for queue in &many {
        hooks::name(queue, "one of many");
    }
    let middle = many.split_off(250);
    let objects: Vec<_> = middle.iter().map(|queue| hooks::object_of(queue)).collect();
    drop(many);
    assert!(
        objects
            .iter()
            .all(|&object| hooks::name_of(object).is_some())
    );
    drop(middle);
    assert!(
        objects
            .iter()
            .all(|&object| hooks::name_of(object).is_none())
    );
    drop(queue);
    assert_eq!(hooks::name_of(object), None);
}

#[test]
fn ranks_and_numbers_live_as_long_as_their_object() {
    let queue = Box::new(WaitQueue::<(), ()>::new(()));
    let other = WaitQueue::<(), ()>::new(());
    let object = hooks::object_of(&queue);
    let known = || (hooks::rank_of(object), hooks::name_of(object));
    assert_eq!(known(), (None, None));
    hooks::rank(&queue, 3);
    hooks::rank(&queue, 4);
    assert_eq!(known(), (Some(4), None));
    hooks::name(&queue, "both");
    let id = hooks::id_of(object);
    assert_eq!(id, hooks::id_of(object));
    assert_ne!(id, hooks::id_of(hooks::object_of(&other)));
    assert_eq!(known(), (Some(4), Some("both")));
    drop(queue);
    assert_eq!(known(), (None, None));
    // One that comes to be, at the same place or elsewhere, is another one.
    let next = Box::new(WaitQueue::<(), ()>::new(()));
    assert_ne!(hooks::id_of(hooks::object_of(&next)), id);
}

#[test]
fn units_of_a_hold_change_and_it_ends_once() {
    begin();
    let queue = WaitQueue::<(), ()>::new(());
    let mut hold = hooks::held("Permit", &queue, Site::here(), 3);
    hooks::changed(&mut hold, 2);
    hooks::forgotten(hold);
    hooks::added("Pool::add", &queue, Site::here(), 4);
    hooks::removed("Pool::shrink", &queue, Site::here(), 0);
    let all: Vec<_> = notices()
        .iter()
        .map(|notice| (notice.what, notice.units))
        .collect();
    assert_eq!(
        all,
        [
            (What::Held, 3),
            (What::Changed, 2),
            (What::Forgotten, 2),
            (What::Added, 4)
        ]
    );
}

#[test]
fn what_is_lent_comes_back_unless_it_ended() {
    begin();
    let queue = WaitQueue::<(), ()>::new(());
    let hold = hooks::held("Handle", &queue, Site::here(), 1);
    {
        let mut lending = hooks::Lending::new();
        lending.lend(hold);
        lending.lend(hold);
        lending.back();
        lending.back();
        lending.lend(hold);
    }
    let mut lending = hooks::Lending::new();
    lending.lend(hold);
    lending.ended();
    drop(lending);
    hooks::released(hold);
    let (lent, back) = (What::Lent, What::Back);
    assert_eq!(
        told(),
        [What::Held, lent, back, lent, back, lent, What::Released]
    );
}

#[test]
fn an_operation_made_for_another_tells_of_that_ones_place() {
    begin();
    let event: Event = Event::new();
    let site = Site::here();
    let line = line!() - 1;
    let mut listener = pin!(event.listen().made_at(site));
    assert!(poll(listener.as_mut()).is_pending());
    assert_eq!(notices()[0].site.line(), line);
}

#[test]
fn events_and_tokens_are_named_and_show_who_waits() {
    begin();
    let event: Event = Event::new();
    event.named("news");
    listener!(event.listen() => _first);
    listener!(event.listen() => _second);
    assert_eq!(event.waiters().len(), 2);
    assert_eq!(hooks::name_of(notices()[0].object), Some("news"));
    event.notify(1);
    assert_eq!(event.waiters().len(), 1);

    let token = CancelToken::new();
    token.named("shutdown");
    begin();
    let ctl = counterpoint_wait::cancel::Ctl::new().cancel(&token);
    let line = line!() + 1;
    let mut bounded = pin!(event.listen().with(&ctl));
    assert!(poll(bounded.as_mut()).is_pending());
    let all = notices();
    assert_eq!(token.waiters()[0].kind, "CancelToken::cancelled");
    assert_eq!(hooks::name_of(all[1].object), Some("shutdown"));
    assert_eq!(
        [0, 1].map(|index| (all[index].site.file(), all[index].site.line())),
        [(file!(), line); 2]
    );
}

#[test]
fn a_named_token_that_dies_after_its_children_leaves_no_name() {
    begin();
    let top = CancelToken::new();
    let middle = top.child();
    middle.named("middle");
    let objects = {
        let mut wait = pin!(middle.cancelled());
        assert!(poll(wait.as_mut()).is_pending());
        notices()[0].object
    };
    let lowest = middle.child();
    drop(middle);
    assert_eq!(hooks::name_of(objects), Some("middle"));
    // The last handle of the middle token goes with its child, which unwraps it from its place.
    drop(lowest);
    assert_eq!(hooks::name_of(objects), None);
    drop(top);
}

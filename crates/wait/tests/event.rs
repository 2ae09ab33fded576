//! What an event promises; the first part is the behaviour that event-listener's own tests
//! (tests/notify.rs, Apache-2.0 OR MIT) describe, written anew.

use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::event::{Event, Listen};
use counterpoint_wait::{Stop, block_on, listener, select, select_async};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A listener on the heap that is enabled.
fn listen<T>(event: &Event<T>) -> Pin<Box<Listen<'_, T>>> {
    let mut listener = Box::pin(event.listen());
    assert!(!listener.as_mut().enable());
    listener
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn is_told(listener: &mut Pin<Box<Listen<'_>>>) -> bool {
    poll(listener.as_mut()).is_ready()
}

#[test]
fn notify_counts_those_who_were_told() {
    let event = Event::new();
    let (mut a, mut b, mut c) = (listen(&event), listen(&event), listen(&event));
    assert!(![&mut a, &mut b, &mut c].into_iter().any(is_told));
    assert_eq!(event.notify(2), 2);
    assert_eq!(event.notify(1), 0);
    assert!(event.is_notified());
    assert!(is_told(&mut a) && is_told(&mut b));
    assert!(!event.is_notified());
    assert!(!is_told(&mut c));
    assert_eq!(event.notify(1), 1);
    assert!(is_told(&mut c));
}

#[test]
fn notify_additional_does_not() {
    let event = Event::new();
    let (mut a, mut b, mut c) = (listen(&event), listen(&event), listen(&event));
    assert_eq!(event.notify_additional(1), 1);
    assert_eq!(event.notify(1), 0);
    assert_eq!(event.notify_additional(1), 1);
    assert!(is_told(&mut a) && is_told(&mut b));
    assert!(!is_told(&mut c));
    assert_eq!(event.notify_additional(5), 1);
    assert_eq!(event.notify_additional(0), 0);
}

#[test]
fn notify_max_tells_everyone_in_order() {
    let event = Event::new();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    struct Push(Arc<std::sync::Mutex<Vec<usize>>>, usize);
    impl Wake for Push {
        fn wake(self: Arc<Self>) {
            self.0.lock().unwrap().push(self.1);
        }
    }
    // More than one batch of wakers.
    let mut listeners: Vec<_> = (0..100).map(|_| listen(&event)).collect();
    for (number, listener) in listeners.iter_mut().enumerate() {
        let waker = Waker::from(Arc::new(Push(order.clone(), number)));
        let mut cx = Context::from_waker(&waker);
        assert!(listener.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(event.total_listeners(), 100);
    assert_eq!(event.notify(usize::MAX), 100);
    assert_eq!(*order.lock().unwrap(), (0..100).collect::<Vec<_>>());
    assert!(listeners.iter_mut().all(is_told));
    assert_eq!(event.notify(usize::MAX), 0);
    assert_eq!(event.total_listeners(), 0);
}

#[test]
fn who_listens_again_while_the_others_are_told_is_not_told() {
    type Again = Option<Pin<Box<Listen<'static>>>>;
    static EVENT: Event = Event::new();
    // The first waker of the first batch listens anew, before the second batch is told.
    static AGAIN: std::sync::Mutex<Again> = std::sync::Mutex::new(None);
    struct Listens;
    impl Wake for Listens {
        fn wake(self: Arc<Self>) {
            *AGAIN.lock().unwrap() = Some(listen(&EVENT));
        }
    }
    let mut listeners: Vec<_> = (0..40).map(|_| listen(&EVENT)).collect();
    let waker = Waker::from(Arc::new(Listens));
    let mut cx = Context::from_waker(&waker);
    assert!(listeners[0].as_mut().poll(&mut cx).is_pending());
    assert_eq!(EVENT.notify(usize::MAX), 40);
    assert!(!is_told(AGAIN.lock().unwrap().as_mut().unwrap()));
}

#[test]
fn a_dropped_listener_passes_on_what_it_was_told() {
    let event = Event::new();
    let (a, mut b, mut c) = (listen(&event), listen(&event), listen(&event));
    assert_eq!(event.notify(1), 1);
    drop(a);
    assert!(is_told(&mut b));
    assert!(!is_told(&mut c));
}

#[test]
fn a_plain_notification_is_not_passed_on_while_another_is_told() {
    let event = Event::new();
    let (a, mut b, mut c) = (listen(&event), listen(&event), listen(&event));
    assert_eq!(event.notify(2), 2);
    drop(a);
    assert!(is_told(&mut b));
    assert!(!is_told(&mut c));
}

#[test]
fn an_additional_notification_is_passed_on_always() {
    let event = Event::new();
    let (a, mut b) = (listen(&event), listen(&event));
    let (mut c, mut d) = (listen(&event), listen(&event));
    assert_eq!(event.notify_additional(1), 1);
    assert_eq!(event.notify(2), 1);
    drop(a);
    assert!(is_told(&mut b) && is_told(&mut c));
    assert!(!is_told(&mut d));
}

#[test]
fn a_dropped_listener_that_was_told_nothing_leaves_no_trace() {
    let event = Event::new();
    let (mut a, mut b, c) = (listen(&event), listen(&event), listen(&event));
    assert_eq!(event.notify(1), 1);
    drop(c);
    assert!(is_told(&mut a));
    assert!(!is_told(&mut b));
    drop(b);
    assert_eq!(event.total_listeners(), 0);
    assert_eq!(event.notify(1), 0);
}

#[test]
fn a_broadcast_to_a_dropped_listener_reaches_who_was_relied_on() {
    let event = Event::new();
    let told = listen(&event);
    assert_eq!(event.notify(usize::MAX), 1);
    // Listens after the broadcast; this notify relies on the one that was told.
    let mut late = listen(&event);
    assert_eq!(event.notify(1), 0);
    drop(told);
    assert!(is_told(&mut late));
}

#[test]
fn a_listener_that_is_not_enabled_is_not_told() {
    let event: Event = Event::new();
    let mut listener = pin!(event.listen());
    assert_eq!(event.notify(1), 0);
    assert!(!listener.as_mut().enable());
    assert!(!listener.as_mut().enable());
    assert_eq!(event.notify(1), 1);
    assert!(listener.as_mut().enable());
    listener.as_mut().wait_pinned();
    assert!(listener.is_terminated());
}

#[test]
#[should_panic = "Event::listen polled after completion"]
fn polling_after_completion_panics() {
    let event = Event::new();
    let mut listener = listen(&event);
    event.notify(1);
    assert!(is_told(&mut listener));
    is_told(&mut listener);
}

/// A tag that counts its clones, and asks the event something while it is cloned or dropped: that
/// would deadlock under the lock.
#[derive(Debug)]
struct Tag(&'static Event<Tag>, &'static AtomicUsize);

impl Clone for Tag {
    fn clone(&self) -> Tag {
        self.0.total_listeners();
        self.1.fetch_add(1, Ordering::Relaxed);
        Tag(self.0, self.1)
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        self.0.total_listeners();
    }
}

#[test]
fn tags_are_cloned_and_dropped_outside_the_lock() {
    static EVENT: Event<Tag> = Event::new();
    static CLONES: AtomicUsize = AtomicUsize::new(0);
    let tag = || Tag(&EVENT, &CLONES);
    let mut listeners: Vec<_> = (0..70).map(|_| listen(&EVENT)).collect();
    assert_eq!(EVENT.notify_tagged(1, tag()), 1);
    assert_eq!(CLONES.load(Ordering::Relaxed), 0);
    assert_eq!(EVENT.notify_tagged(40, tag()), 39);
    assert_eq!(CLONES.load(Ordering::Relaxed), 39);
    assert_eq!(EVENT.notify_additional_tagged(usize::MAX, tag()), 30);
    assert_eq!(CLONES.load(Ordering::Relaxed), 69);
    assert_eq!(EVENT.notify_tagged(usize::MAX, tag()), 0);
    for listener in listeners.drain(..60) {
        drop(block_on(listener));
    }
    // Passed on along the others, and dropped by the last.
    drop(listeners);
    assert_eq!(EVENT.total_listeners(), 0);
}

#[test]
fn a_tag_is_passed_on() {
    let event = Event::new();
    let (a, b) = (listen(&event), listen(&event));
    assert_eq!(event.notify_tagged(1, String::from("news")), 1);
    drop(a);
    assert_eq!(block_on(b), "news");
}

#[test]
fn a_clone_that_panics_tells_nobody_more() {
    #[derive(Debug)]
    struct Bomb;
    impl Clone for Bomb {
        fn clone(&self) -> Bomb {
            panic!("boom")
        }
    }
    let event = Event::new();
    let mut a = listen(&event);
    let notify = || event.notify_tagged(2, Bomb);
    assert!(catch_unwind(AssertUnwindSafe(notify)).is_err());
    assert!(poll(a.as_mut()).is_pending());
    assert_eq!(event.notify_tagged(1, Bomb), 1);
    assert!(poll(a.as_mut()).is_ready());
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_asleep() {
    struct Boom;
    impl Wake for Boom {
        fn wake(self: Arc<Self>) {
            panic!("boom")
        }
    }
    let event = Event::new();
    let mut listeners: Vec<_> = (0..80).map(|_| listen(&event)).collect();
    let waker = Waker::from(Arc::new(Boom));
    let mut cx = Context::from_waker(&waker);
    assert!(listeners[0].as_mut().poll(&mut cx).is_pending());
    let notify = || event.notify(usize::MAX);
    assert!(catch_unwind(AssertUnwindSafe(notify)).is_err());
    assert!(listeners.iter_mut().all(is_told));
}

#[test]
fn a_listener_is_bounded_and_selected_as_every_operation() {
    let event: Event = Event::new();
    let soon = Duration::from_millis(5);
    assert_eq!(event.listen().timeout(soon).wait(), Err(Stop::TimedOut));
    let token = CancelToken::new();
    token.cancel("test");
    let ctl = Ctl::new().cancel(&token);
    assert_eq!(event.listen().with(&ctl).wait(), Err(Stop::Cancelled));
    let until = event.listen().until(std::future::ready(()));
    assert_eq!(block_on(until), Err(Stop::Cancelled));
    let late = select! {
        () = event.listen() => false,
        timeout(soon) => true,
    };
    assert!(late);
    assert_eq!(event.total_listeners(), 0);
    // One that was told before its bound is looked at keeps what it was told (W1).
    listener!(event.listen().with(&ctl) => listener);
    event.notify(1);
    assert_eq!(listener.wait_pinned(), Ok(()));
    listener!(event.listen().timeout(Duration::ZERO) => listener);
    event.notify(1);
    assert_eq!(listener.wait_pinned(), Ok(()));
}

#[test]
fn an_enabled_listener_keeps_its_place_in_a_select() {
    let event: Event = Event::new();
    listener!(event.listen() => first);
    listener!(event.listen() => second);
    event.notify(1);
    block_on(async {
        let won = select_async! {
            () = second.as_mut() => 2,
            () = first.as_mut() => 1,
        };
        assert_eq!(won, 1);
    });
    event.notify(1);
    second.wait_pinned();
}

#[test]
fn a_thread_and_a_task_wait_for_one_flag() {
    static READY: AtomicBool = AtomicBool::new(false);
    static EVENT: Event = Event::new();
    let ready = || READY.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ready() {
                listener!(EVENT.listen() => listener);
                if !ready() {
                    listener.wait_pinned();
                }
            }
        });
        scope.spawn(|| {
            block_on(async {
                while !ready() {
                    listener!(EVENT.listen() => listener);
                    if !ready() {
                        listener.await;
                    }
                }
            })
        });
        std::thread::sleep(Duration::from_millis(10));
        READY.store(true, Ordering::Relaxed);
        EVENT.notify(usize::MAX);
    });
    assert_eq!(EVENT.total_listeners(), 0);
}

#[test]
fn sizes_and_auto_traits() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Event>();
    shared::<Event<std::cell::Cell<u8>>>();
    sent::<Listen<'static>>();
    // With the hooks it knows where it was made.
    if !cfg!(feature = "hooks") {
        assert_eq!(size_of::<Event>(), 16);
    }
    let event: Event = Event::default();
    let shown = format!("{event:?} {:?}", event.listen());
    assert!(
        shown.contains("told: 0") && shown.contains("Event::listen"),
        "{shown}"
    );
}

//! event-listener. Its documentation names no executor, so it runs on the usual one.

use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::Event;

use crate::book::Book;
use crate::rooms::sync_notify::{self, Signal};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_notify::for_tasks::<Peer>(book, "event-listener");
}

/// The flag and the event of its README.
struct Flag {
    set: AtomicBool,
    changed: Event,
}

impl Signal for Peer {
    type Signal = Flag;
    fn new() -> Flag {
        Flag { set: AtomicBool::new(false), changed: Event::new() }
    }
    fn send(flag: &Flag) {
        flag.set.store(true, Ordering::SeqCst);
        flag.changed.notify(1);
    }
    async fn wait(flag: &Flag) {
        while !flag.set.swap(false, Ordering::SeqCst) {
            let listener = flag.changed.listen();
            if flag.set.swap(false, Ordering::SeqCst) {
                break;
            }
            listener.await;
        }
    }
}

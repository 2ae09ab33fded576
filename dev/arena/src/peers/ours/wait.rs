//! Parkers and selects.

use counterpoint::sync::Notify;
use counterpoint::wait::{Parker, Unparker};
use counterpoint::{select, select_async};

use super::Ours;
use crate::book::{Book, OURS};
use crate::rooms::wait_parker::{self, Parking};
use crate::rooms::wait_select::{self, OURS_IN_A_TASK, TaskSelect, ThreadSelect};

pub(super) fn enter(book: &mut Book) {
    wait_parker::for_threads::<Ours>(book, OURS);
    wait_select::for_threads::<Ours>(book, OURS);
    wait_select::for_tasks::<Ours>(book, OURS_IN_A_TASK);
}

impl Parking for Ours {
    type Parker = Parker;
    type Unparker = Unparker;
    fn new() -> (Parker, Unparker) {
        let parker = Parker::new();
        let unparker = parker.unparker().clone();
        (parker, unparker)
    }
    fn park(parker: &Parker) {
        parker.park();
    }
    fn unpark(unparker: &Unparker) {
        unparker.unpark();
    }
}

impl ThreadSelect for Ours {
    type Two = (Notify, Notify);
    fn new() -> Self::Two {
        (Notify::new(), Notify::new())
    }
    fn send(two: &Self::Two, first: bool) {
        if first { &two.0 } else { &two.1 }.notify_one();
    }
    fn take(two: &Self::Two) -> bool {
        select! {
            () = two.0.notified() => true,
            () = two.1.notified() => false,
        }
    }
}

impl TaskSelect for Ours {
    type Two = (Notify, Notify);
    fn new() -> Self::Two {
        (Notify::new(), Notify::new())
    }
    fn send(two: &Self::Two, first: bool) {
        if first { &two.0 } else { &two.1 }.notify_one();
    }
    async fn take(two: &Self::Two) -> bool {
        select_async! {
            () = two.0.notified() => true,
            () = two.1.notified() => false,
        }
    }
}

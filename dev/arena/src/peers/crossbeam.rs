//! crossbeam: its utilities and its channels.

use crossbeam_channel::{Receiver, Sender, bounded, select};
use crossbeam_utils::sync::{Parker, Unparker};

use crate::book::Book;
use crate::rooms::wait_parker::{self, Parking};
use crate::rooms::wait_select::{self, ThreadSelect};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    wait_parker::for_threads::<Peer>(book, "crossbeam");
    wait_select::for_threads::<Peer>(book, "crossbeam");
}

impl Parking for Peer {
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

impl ThreadSelect for Peer {
    type Two = [(Sender<()>, Receiver<()>); 2];
    fn new() -> Self::Two {
        [bounded(1), bounded(1)]
    }
    fn send(two: &Self::Two, first: bool) {
        two[usize::from(!first)].0.send(()).expect("both ends live");
    }
    fn take([(_, first), (_, second)]: &Self::Two) -> bool {
        select! {
            recv(first) -> _ => true,
            recv(second) -> _ => false,
        }
    }
}

//! crossbeam: its utilities and its channels.

use crossbeam_channel::{Receiver, Sender, bounded, select};
use crossbeam_utils::sync::{Parker, ShardedLock, Unparker};

use crate::book::Book;
use crate::rooms::sync_rendezvous::{self, Exchanges};
use crate::rooms::sync_sharded_lock::{self, Sharded};
use crate::rooms::wait_parker::{self, Parking};
use crate::rooms::wait_select::{self, ThreadSelect};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    wait_parker::for_threads::<Peer>(book, "crossbeam");
    wait_select::for_threads::<Peer>(book, "crossbeam");
    sync_rendezvous::exchanges::<Peer>(book, "crossbeam, two channels");
    sync_sharded_lock::locks::<Peer>(book, "crossbeam");
}

impl Sharded for Peer {
    type Lock = ShardedLock<u64>;
    fn new() -> ShardedLock<u64> {
        ShardedLock::new(0)
    }
    fn read(lock: &ShardedLock<u64>) -> u64 {
        *lock.read().unwrap()
    }
    fn write(lock: &ShardedLock<u64>) {
        *lock.write().unwrap() += 1;
    }
}

impl Exchanges for Peer {
    type Place = [(Sender<u64>, Receiver<u64>); 2];
    fn new() -> Self::Place {
        [bounded(0), bounded(0)]
    }
    fn exchange([there, back]: &Self::Place, first: bool, mine: u64) -> u64 {
        if first {
            there.0.send(mine).expect("both ends live");
            back.1.recv().expect("both ends live")
        } else {
            let theirs = there.1.recv().expect("both ends live");
            back.0.send(mine).expect("both ends live");
            theirs
        }
    }
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

//! The standard library.

use std::sync::{Arc, Barrier, Condvar, Mutex, OnceLock, RwLock};
use std::thread::{self, Thread};

use crate::book::Book;
use crate::rooms::sync_barrier::{self, Meeting};
use crate::rooms::sync_buf_mutex::{self, Counter};
use crate::rooms::sync_condvar::{self, Turns};
use crate::rooms::sync_mutex::{self, Lock};
use crate::rooms::sync_once::{self, Place};
use crate::rooms::sync_rendezvous::{self, Meets};
use crate::rooms::sync_rwlock::{self, ReadWrite};
use crate::rooms::wait_parker::{self, Parking};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_threads::<Peer>(book, "std");
    sync_rwlock::for_threads::<Peer>(book, "std");
    sync_barrier::for_threads::<Peer>(book, "std");
    sync_once::places::<Peer>(book, "std");
    sync_buf_mutex::counter::<Peer>(book, "std");
    wait_parker::for_threads::<Peer>(book, "std");
    sync_condvar::ping_pong::<Peer>(book, "std");
    sync_rendezvous::barrier::<Peer>(book, "std");
}

impl Lock for Peer {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock().unwrap());
    }
}

impl ReadWrite for Peer {
    type Lock = RwLock<u64>;
    const BYTES: usize = size_of::<RwLock<()>>();
    fn new() -> RwLock<u64> {
        RwLock::new(0)
    }
    fn read(lock: &RwLock<u64>, look: impl FnOnce(&u64)) {
        look(&lock.read().unwrap());
    }
    fn write(lock: &RwLock<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut lock.write().unwrap());
    }
}

impl Meeting for Peer {
    type Barrier = Barrier;
    fn new(parties: usize) -> Barrier {
        Barrier::new(parties)
    }
    fn wait(barrier: &Barrier) -> bool {
        barrier.wait().is_leader()
    }
}

impl Place for Peer {
    type Cell = OnceLock<u64>;
    fn filled(value: u64) -> OnceLock<u64> {
        OnceLock::from(value)
    }
    fn get(cell: &OnceLock<u64>) -> Option<&u64> {
        cell.get()
    }
}

impl Counter for Peer {
    type Total = Mutex<u64>;
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn sum(total: &Mutex<u64>) -> u64 {
        *total.lock().unwrap()
    }
    fn add_one(total: &Mutex<u64>) {
        *total.lock().unwrap() += 1;
    }
}

impl Turns for Peer {
    type Place = (Mutex<bool>, Condvar);
    fn new() -> Self::Place {
        (Mutex::new(false), Condvar::new())
    }
    fn turn((turn, changed): &Self::Place, mine: bool) {
        let turn = turn.lock().unwrap();
        let mut turn = changed.wait_while(turn, |turn| *turn != mine).unwrap();
        *turn = !mine;
        changed.notify_one();
    }
}

impl Meets for Peer {
    type Party = Arc<Barrier>;
    fn pair() -> [Arc<Barrier>; 2] {
        let barrier = Arc::new(Barrier::new(2));
        [barrier.clone(), barrier]
    }
    fn wait(party: &mut Arc<Barrier>) {
        party.wait();
    }
}

impl Parking for Peer {
    /// Every thread has one.
    type Parker = ();
    type Unparker = Thread;
    fn new() -> ((), Thread) {
        ((), thread::current())
    }
    fn park((): &()) {
        thread::park();
    }
    fn unpark(unparker: &Thread) {
        unparker.unpark();
    }
}

//! parking_lot 0.12, which most programs have.

use parking_lot_12::{Condvar, Mutex, RwLock};

use crate::book::Book;
use crate::rooms::sync_buf_mutex::{self, Counter};
use crate::rooms::sync_condvar::{self, Turns};
use crate::rooms::sync_mutex::{self, Lock};
use crate::rooms::sync_rwlock::{self, ReadWrite};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_mutex::for_threads::<Peer>(book, "parking_lot 0.12");
    sync_rwlock::for_threads::<Peer>(book, "parking_lot 0.12");
    sync_condvar::ping_pong::<Peer>(book, "parking_lot 0.12");
    sync_buf_mutex::counter::<Peer>(book, "parking_lot 0.12");
}

impl Lock for Peer {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock());
    }
}

impl ReadWrite for Peer {
    type Lock = RwLock<u64>;
    const BYTES: usize = size_of::<RwLock<()>>();
    fn new() -> RwLock<u64> {
        RwLock::new(0)
    }
    fn read(lock: &RwLock<u64>, look: impl FnOnce(&u64)) {
        look(&lock.read());
    }
    fn write(lock: &RwLock<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut lock.write());
    }
}

impl Turns for Peer {
    type Place = (Mutex<bool>, Condvar);
    fn new() -> Self::Place {
        (Mutex::new(false), Condvar::new())
    }
    fn turn((turn, changed): &Self::Place, mine: bool) {
        let mut turn = turn.lock();
        changed.wait_while(&mut turn, |turn| *turn != mine);
        *turn = !mine;
        changed.notify_one();
    }
}

impl Counter for Peer {
    type Total = Mutex<u64>;
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn sum(total: &Mutex<u64>) -> u64 {
        *total.lock()
    }
    fn add_one(total: &Mutex<u64>) {
        *total.lock() += 1;
    }
}

//! Locks, permits, signals, sums.

use counterpoint::sync::{BufMutex, Exchanger, Rendezvous, RendezvousData};
use counterpoint::sync::{Condvar, Mutex, Notify, Semaphore, ShardedLock};

use super::Ours;
use crate::book::{Book, OURS};
use crate::rooms::sync_buf_mutex::{self, Reducer};
use crate::rooms::sync_condvar::{self, Turns};
use crate::rooms::sync_mutex::{self, AsyncLock, Lock};
use crate::rooms::sync_notify::{self, Signal};
use crate::rooms::sync_rendezvous::{self, Exchanges, Meets, Swaps};
use crate::rooms::sync_semaphore::{self, Permits};
use crate::rooms::sync_sharded_lock::{self, Sharded};

pub(super) fn enter(book: &mut Book) {
    sync_mutex::for_threads::<Ours>(book, OURS);
    sync_mutex::for_tasks::<Ours>(book, OURS);
    sync_mutex::for_tasks_contended::<Ours>(book, OURS);
    sync_mutex::for_hand_off(book, OURS, || Mutex::new(0u64), Mutex::lock_async);
    sync_semaphore::for_tasks::<Ours>(book, OURS);
    sync_notify::for_tasks::<Ours>(book, OURS);
    sync_condvar::ping_pong::<Ours>(book, OURS);
    sync_sharded_lock::locks::<Ours>(book, OURS);
    sync_buf_mutex::shares::<Ours>(book, OURS);
    sync_buf_mutex::reducer::<Ours>(book, OURS);
    sync_rendezvous::waits::<Ours>(book, OURS);
    sync_rendezvous::swaps::<Ours>(book, OURS);
    sync_rendezvous::exchanges::<Ours>(book, OURS);
}

impl Lock for Ours {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64)) {
        change(&mut mutex.lock());
    }
}

impl Turns for Ours {
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

impl Sharded for Ours {
    type Lock = ShardedLock<u64>;
    fn new() -> ShardedLock<u64> {
        ShardedLock::new(0)
    }
    fn read(lock: &ShardedLock<u64>) -> u64 {
        *lock.read()
    }
    fn write(lock: &ShardedLock<u64>) {
        *lock.write() += 1;
    }
}

impl AsyncLock for Ours {
    type Mutex = Mutex<u64>;
    const BYTES: usize = size_of::<Mutex<()>>();
    fn new() -> Mutex<u64> {
        Mutex::new(0)
    }
    async fn with(mutex: &Mutex<u64>, change: impl FnOnce(&mut u64) + Send) {
        change(&mut *mutex.lock_async().await);
    }
}

impl Permits for Ours {
    type Semaphore = Semaphore;
    fn new(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }
    async fn with(semaphore: &Semaphore, work: impl FnOnce() + Send) {
        let permit = semaphore.acquire_async().await;
        work();
        drop(permit.expect("nobody closes it"));
    }
}

impl Signal for Ours {
    type Signal = Notify;
    fn new() -> Notify {
        Notify::new()
    }
    fn send(signal: &Notify) {
        signal.notify_one();
    }
    async fn wait(signal: &Notify) {
        signal.notified().await;
    }
}

impl Reducer for Ours {
    type Total = BufMutex<u64, u64, fn(&mut u64, &u64)>;
    fn new() -> Self::Total {
        BufMutex::new(0, |global, local| *global += *local)
    }
    fn sum(total: &Self::Total) -> u64 {
        total.peek()
    }
    fn share(total: &Self::Total, work: impl FnOnce(&mut u64)) {
        let mut share = total.share();
        work(share.as_mut());
    }
}

impl Meets for Ours {
    type Party = Rendezvous;
    fn pair() -> [Rendezvous; 2] {
        Rendezvous::new().into()
    }
    fn wait(party: &mut Rendezvous) {
        party.wait();
    }
}

impl<T: Send + 'static> Swaps<T> for Ours {
    type Party = RendezvousData<T>;
    fn pair(a: T, b: T) -> [RendezvousData<T>; 2] {
        RendezvousData::new(a, b).into()
    }
    fn swap(party: &mut RendezvousData<T>) -> &mut T {
        party.swap()
    }
}

impl Exchanges for Ours {
    type Place = Exchanger<u64>;
    fn new() -> Exchanger<u64> {
        Exchanger::new()
    }
    fn exchange(place: &Exchanger<u64>, _first: bool, mine: u64) -> u64 {
        place.exchange(mine)
    }
}

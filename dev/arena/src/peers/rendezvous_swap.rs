//! rendezvous_swap.

use rendezvous_swap::{Rendezvous, RendezvousData};

use crate::book::Book;
use crate::rooms::sync_rendezvous::{self, Meets, Swaps};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_rendezvous::waits::<Peer>(book, "rendezvous_swap");
    sync_rendezvous::swaps::<Peer>(book, "rendezvous_swap");
}

impl Meets for Peer {
    type Party = Rendezvous;
    fn pair() -> [Rendezvous; 2] {
        Rendezvous::new().into()
    }
    fn wait(party: &mut Rendezvous) {
        party.wait();
    }
}

impl<T: Send + Sync + 'static> Swaps<T> for Peer {
    type Party = RendezvousData<T>;
    fn pair(a: T, b: T) -> [RendezvousData<T>; 2] {
        RendezvousData::new(a, b).into()
    }
    fn swap(party: &mut RendezvousData<T>) -> &mut T {
        party.swap()
    }
}

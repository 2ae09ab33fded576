//! flume.

use flume::{Receiver, Sender, bounded};

use crate::book::Book;
use crate::rooms::sync_rendezvous::{self, Exchanges};

struct Peer;

pub(crate) fn enter(book: &mut Book) {
    sync_rendezvous::exchanges::<Peer>(book, "flume, two channels");
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

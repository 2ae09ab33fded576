//! What people write without a stage: a thread that reads for all, and a map of channels under a
//! mutex.

use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::book::Book;
use crate::rooms::sync_stage::{self, Mux};

pub(crate) fn enter(book: &mut Book) {
    sync_stage::mux::<ReaderThread>(book, "reader thread");
}

struct ReaderThread {
    socket: UdpSocket,
    waiting: Mutex<HashMap<u64, SyncSender<()>>>,
}

type Channel = (SyncSender<()>, Receiver<()>);

const STOP: u64 = u64::MAX;

impl Mux for ReaderThread {
    type Client<'m> = Channel;
    fn new(socket: UdpSocket) -> ReaderThread {
        let waiting = Mutex::default();
        ReaderThread { socket, waiting }
    }
    fn client(&self, _token: u64) -> Channel {
        sync_channel(1)
    }
    fn ask(&self, (sender, receiver): &mut Channel, token: u64) {
        self.waiting.lock().unwrap().insert(token, sender.clone());
        self.socket.send(&token.to_ne_bytes()).unwrap();
        receiver.recv().unwrap();
    }
    fn read(&self) {
        let mut bytes = [0; 8];
        loop {
            self.socket.recv(&mut bytes).unwrap();
            let came = u64::from_ne_bytes(bytes);
            if came == STOP {
                return;
            }
            let sender = self.waiting.lock().unwrap().remove(&came);
            sender.expect("somebody waits").send(()).unwrap();
        }
    }
    fn stop(&self) {
        self.socket.send(&STOP.to_ne_bytes()).unwrap();
    }
}

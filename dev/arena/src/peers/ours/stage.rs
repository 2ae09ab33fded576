//! The stage.

use std::net::UdpSocket;

use counterpoint::sync::{Exit, Stage, Ticket};

use super::Ours;
use crate::book::{Book, OURS};
use crate::rooms::sync_stage::{self, Entrance, Mux};

pub(super) fn enter(book: &mut Book) {
    sync_stage::entrance::<Ours>(book);
    sync_stage::mux::<OneHeads>(book, OURS);
}

impl Entrance for Ours {
    type Stage = Stage<u64, (), ()>;
    fn new(tickets: u64) -> Self::Stage {
        let stage = Stage::new((), ());
        for token in 0..tickets {
            std::mem::forget(stage.ticket(token));
        }
        stage
    }
    fn pass(stage: &Self::Stage, token: u64) {
        let ticket = stage.ticket(token).expect("nobody else has it");
        let exit = stage.enter(ticket, None, |_| ());
        assert_eq!(exit, Exit::Finished(()));
    }
}

struct OneHeads(Stage<u64, UdpSocket, ()>);

impl Mux for OneHeads {
    type Client<'m> = Ticket<'m, u64>;
    fn new(socket: UdpSocket) -> OneHeads {
        OneHeads(Stage::new(socket, ()))
    }
    fn client(&self, token: u64) -> Ticket<'_, u64> {
        self.0.ticket(token).expect("each has its own")
    }
    fn ask(&self, ticket: &mut Ticket<'_, u64>, token: u64) {
        let socket = self.0.shared();
        socket.send(&token.to_ne_bytes()).expect("loopback works");
        let exit = self.0.enter(ticket, None, |head| {
            let mut bytes = [0; 8];
            loop {
                head.resource().recv(&mut bytes).expect("loopback works");
                let came = u64::from_ne_bytes(bytes);
                if came == token {
                    return;
                }
                assert!(head.notify(&came));
            }
        });
        assert!(matches!(exit, Exit::Finished(()) | Exit::Token));
    }
}

//! The peers that answer: each has a socket and a thread, loses some questions, and answers some
//! twice, as a network would.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use counterpoint::cancel::CancelToken;

use crate::wire::{Answer, LONGEST, Packet, lookup};

/// Of so many answers one is sent twice: the second one is for nobody.
const TWICE: u64 = 50;
/// How often a peer looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(20);

/// Somebody who answers.
#[derive(Debug)]
pub struct Peer {
    socket: UdpSocket,
    loss: f64,
    seed: u64,
}

/// What a peer did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Did {
    /// Questions that it lost on purpose.
    pub lost: u64,
    /// Packets that it sent, copies included.
    pub sent: u64,
    /// Of these, copies.
    pub copies: u64,
}

impl Peer {
    /// A peer on loopback that loses this share of all questions.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(loss: f64, seed: u64) -> io::Result<Peer> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(LOOK))?;
        Ok(Peer { socket, loss, seed })
    }

    /// Where to ask it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Answers until `stop` is cancelled.
    ///
    /// # Errors
    /// Those of the system.
    pub fn answer(mut self, stop: &CancelToken) -> io::Result<Did> {
        let mut did = Did::default();
        let mut bytes = [0; LONGEST];
        while !stop.is_cancelled() {
            let (len, from) = match self.socket.recv_from(&mut bytes) {
                Ok(received) => received,
                Err(error) if is_nothing(error.kind()) => continue,
                Err(error) => return Err(error),
            };
            let Some(Packet::Question { number, name }) = Packet::decode(&bytes[..len]) else {
                continue;
            };
            if self.chance() < self.loss {
                did.lost += 1;
                continue;
            }
            let result = lookup(&name);
            let answer = Answer {
                number,
                name,
                result,
            };
            let answer = Packet::Answer(answer).encode();
            let copies = u64::from(self.random().is_multiple_of(TWICE));
            for _ in 0..=copies {
                self.socket.send_to(&answer, from)?;
            }
            did.sent += 1 + copies;
            did.copies += copies;
        }
        Ok(did)
    }

    /// The next number of a fixed sequence.
    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 31)
    }

    fn chance(&mut self) -> f64 {
        (self.random() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// True if this is no failure: nothing came, or somebody who had asked is gone.
pub(crate) fn is_nothing(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}

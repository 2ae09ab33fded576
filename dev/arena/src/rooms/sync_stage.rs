//! `sync/stage`: many wait for answers on one resource.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use crate::book::{Book, Bound, OURS, Scenario, Subject};
use crate::drive::alone::repeat;
use crate::drive::threads::contend;
use crate::sample::Sample;
use crate::system::Usage;

/// Tickets that others have, in the three scenarios.
const TICKETS: [u64; 3] = [0, 1_000, 100_000];
/// Threads that wait for answers.
const CLIENTS: [usize; 2] = [4, 64];

/// The name under which ours stands beside itself, with no ticket of others.
const ALONE: &str = "no other tickets";

fn with_tickets(tickets: u64) -> String {
    format!("sync/stage/enter_with_tickets/{tickets}")
}

fn udp(clients: usize) -> String {
    format!("sync/stage/udp/{clients}")
}

pub(crate) fn enter(book: &mut Book) {
    for tickets in TICKETS {
        let about = "takes a ticket, heads, leaves; so many other tickets are out";
        book.scenario(
            Scenario::new(with_tickets(tickets), about)
                .bound(Bound::Time(300.0))
                // Flat: no more than twice of what it takes alone.
                .beats(0.5, &[ALONE]),
        );
    }
    for clients in CLIENTS {
        let about = "threads share a UDP socket: each sends a packet and waits for it to come back";
        book.scenario(
            Scenario::new(udp(clients), about)
                .unit("ns/answer")
                .window(40)
                .waits()
                .beats(1.0, &["reader thread"])
                .spares(&["reader thread"]),
        );
    }
}

/// A place where only one at a time works, with others outside of it.
pub(crate) trait Entrance: 'static {
    type Stage: 'static;
    /// With so many tickets of others, which last for ever.
    fn new(tickets: u64) -> Self::Stage;
    /// In and out, with a ticket of its own.
    fn pass(stage: &Self::Stage, token: u64);
}

/// Enters an entrance, and the same beside it without tickets of others.
pub(crate) fn entrance<E: Entrance>(book: &mut Book) {
    for tickets in TICKETS {
        for (name, tickets_of_others) in [(OURS, tickets), (ALONE, 0)] {
            let subject = Subject::new(name, move || {
                let stage = E::new(tickets_of_others);
                move |ops| repeat(ops, || E::pass(&stage, u64::MAX))
            });
            book.subject(&with_tickets(tickets), subject);
        }
    }
}

/// Several who wait for packets on one socket.
pub(crate) trait Mux: Sync + Sized + 'static {
    /// What one of them needs.
    type Client<'m>
    where
        Self: 'm;
    fn new(socket: UdpSocket) -> Self;
    fn client(&self, token: u64) -> Self::Client<'_>;
    /// Sends a packet with the token to the socket itself, and waits until it comes.
    fn ask(&self, client: &mut Self::Client<'_>, token: u64);
    /// What another thread has to do meanwhile, until it is stopped.
    fn read(&self) {}
    /// Ends that.
    fn stop(&self) {}
}

/// Enters one.
pub(crate) fn mux<M: Mux>(book: &mut Book, name: &'static str) {
    for clients in CLIENTS {
        let subject =
            Subject::new(name, move || move |time| run::<M>(clients, Duration::from_nanos(time)));
        book.subject(&udp(clients), subject);
    }
}

fn run<M: Mux>(clients: usize, time: Duration) -> Sample {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback works");
    let address = socket.local_addr().expect("it is bound");
    socket.connect(address).expect("to itself");
    let mux = M::new(socket);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let before = Usage::of_thread();
            mux.read();
            Usage::of_thread().since(before)
        });
        let mut sample = contend(clients, time, |thread, shift| {
            let token = thread as u64;
            let mut client = mux.client(token);
            shift.watched(|| mux.ask(&mut client, token));
        });
        mux.stop();
        let used = reader.join().expect("the reader does not panic");
        sample.cpu += used.cpu;
        sample.switches += used.switches;
        sample
    })
}

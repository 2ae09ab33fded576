//! The clients: threads and tasks that share one socket and a stage.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use counterpoint::sync::stage::{Director, Entered, Exit, Stage, Ticket};
use smol::Async;

use crate::peer::is_nothing;
use crate::wire::{Answer, LONGEST, Packet, lookup};

/// Whom a question was sent to, and its number: an answer has both.
type Token = (SocketAddr, u16);

type Head<'s> = Director<'s, Token, Async<UdpSocket>, Inbox, Answer>;
type Seat<'s> = Ticket<'s, Token, Answer>;

/// Where heads put what they read, and what they count.
#[derive(Debug)]
struct Inbox {
    bytes: [u8; LONGEST],
    /// Packets that were for nobody: copies, late answers, or no packets at all.
    strays: u64,
}

/// The socket that all clients share.
#[derive(Debug)]
pub struct Mux {
    stage: Stage<Token, Async<UdpSocket>, Inbox, Answer>,
    /// How long an answer may take before the question is repeated.
    patience: Duration,
    /// How often a question is asked at most.
    attempts: u32,
}

/// How a question went.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// From the first time it was sent to the answer.
    pub took: Duration,
    /// How often it was asked.
    pub attempts: u32,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failed {
    /// Somebody else asks this peer by this number.
    InUse,
    /// No answer came, however often it was asked.
    GaveUp,
    /// The answer was not to this question.
    Crossed {
        /// The name that was asked for.
        asked: String,
        /// The answer.
        got: Answer,
    },
    /// The socket failed.
    Socket(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Socket(error)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failed::InUse => write!(f, "its number is in use"),
            Failed::GaveUp => write!(f, "no answer came, however often it was asked"),
            Failed::Crossed { asked, got } => write!(
                f,
                "{asked} was asked for, and {} answered with {:#x}",
                got.name, got.result
            ),
            Failed::Socket(error) => write!(f, "the socket failed: {error}"),
        }
    }
}

impl std::error::Error for Failed {}

/// Who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A thread, blocked until its answer comes or it heads.
    Thread,
    /// A task.
    Task,
}

/// How a time as head ended.
enum Left {
    /// It has read its own answer.
    Answered,
    /// It did not come in time.
    Late,
}

impl Mux {
    /// A socket on loopback.
    ///
    /// # Errors
    /// Those of the system.
    pub fn new(patience: Duration, attempts: u32) -> io::Result<Mux> {
        let socket = Async::<UdpSocket>::bind((Ipv4Addr::LOCALHOST, 0))?;
        let inbox = Inbox {
            bytes: [0; LONGEST],
            strays: 0,
        };
        Ok(Mux {
            stage: Stage::with_values(socket, inbox),
            patience,
            attempts,
        })
    }

    /// How many packets came for nobody.
    pub fn strays(&self) -> u64 {
        self.stage.buffer().strays
    }

    /// Asks `peer` what belongs to `name`, and asks again if no answer comes.
    ///
    /// # Errors
    /// If there is no answer, or not the right one.
    pub async fn ask(
        &self,
        kind: Kind,
        peer: SocketAddr,
        number: u16,
        name: String,
    ) -> Result<Asked, Failed> {
        let token = (peer, number);
        // Taken before it asks: an answer that comes at once is kept.
        let mut ticket = self.stage.ticket(token).ok_or(Failed::InUse)?;
        let question = Packet::Question { number, name };
        let bytes = question.encode();
        let begun = Instant::now();
        for attempts in 1..=self.attempts {
            self.send(&bytes, peer)?;
            let until = Instant::now() + self.patience;
            let answer = match kind {
                Kind::Thread => self.wait(&mut ticket, until)?,
                Kind::Task => self.wait_async(&mut ticket, until).await?,
            };
            if let Some(got) = answer {
                let Packet::Question { name: asked, .. } = question else {
                    unreachable!("made above");
                };
                if got.name != asked || got.result != lookup(&asked) {
                    return Err(Failed::Crossed { asked, got });
                }
                return Ok(Asked {
                    took: begun.elapsed(),
                    attempts,
                });
            }
        }
        Err(Failed::GaveUp)
    }

    /// Sends, while others receive. What does not fit into the system's queue is lost, as anything
    /// may be on the way, and asked again.
    fn send(&self, bytes: &[u8], peer: SocketAddr) -> io::Result<()> {
        match self.stage.shared().get_ref().send_to(bytes, peer) {
            Err(error) if !is_nothing(error.kind()) => Err(error),
            _ => Ok(()),
        }
    }

    /// Blocks until the answer is there: reads for all if nobody else does.
    fn wait(&self, ticket: &mut Seat<'_>, until: Instant) -> io::Result<Option<Answer>> {
        let own = *ticket.token();
        loop {
            let exit = self.stage.enter_deadline(&mut *ticket, until, |head| {
                smol::block_on(read_for_all(head, own, until))
            });
            match exit {
                Exit::Value(answer) => return Ok(Some(answer)),
                Exit::Finished(left) => match left? {
                    Left::Answered => {}
                    Left::Late => return Ok(None),
                },
                Exit::Timeout => return Ok(None),
                Exit::Token | Exit::Closed => unreachable!("nobody does that here"),
            }
        }
    }

    /// The same for a task.
    async fn wait_async(
        &self,
        ticket: &mut Seat<'_>,
        until: Instant,
    ) -> io::Result<Option<Answer>> {
        let own = *ticket.token();
        loop {
            match self.stage.enter_async(&mut *ticket).deadline(until).await {
                Ok(Entered::Value(answer)) => return Ok(Some(answer)),
                Ok(Entered::Head(head)) => match read_for_all(&head, own, until).await? {
                    Left::Answered => {}
                    Left::Late => return Ok(None),
                },
                Err(_late) => return Ok(None),
                Ok(Entered::Token | Entered::Closed) => unreachable!("nobody does that here"),
            }
        }
    }
}

/// Heads: reads what comes and hands it out, until its own answer was among it.
async fn read_for_all(head: &Head<'_>, own: Token, until: Instant) -> io::Result<Left> {
    let socket = head.resource();
    loop {
        while let Read::For(token) = read_one(head)? {
            if token == Some(own) {
                return Ok(Left::Answered);
            }
        }
        let readable = async { socket.readable().await.map(|()| true) };
        let late = async {
            smol::Timer::at(until).await;
            Ok(false)
        };
        if !smol::future::or(readable, late).await? {
            return Ok(Left::Late);
        }
    }
}

/// What became of a packet.
enum Read {
    /// There is none.
    Nothing,
    /// It was for this one, or for nobody.
    For(Option<Token>),
}

/// Reads a packet and hands it to the one it is for.
fn read_one(head: &Head<'_>) -> io::Result<Read> {
    let received = head.buffer(|inbox| {
        let received = head.resource().get_ref().recv_from(&mut inbox.bytes);
        received.map(|(len, from)| (Packet::decode(&inbox.bytes[..len]), from))
    });
    let (packet, from) = match received {
        Ok(received) => received,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Read::Nothing),
        Err(error) if is_nothing(error.kind()) => return Ok(Read::For(None)),
        Err(error) => return Err(error),
    };
    if let Some(Packet::Answer(answer)) = packet {
        let token = (from, answer.number);
        if head.notify_with(&token, answer).is_ok() {
            return Ok(Read::For(Some(token)));
        }
    }
    head.buffer(|inbox| inbox.strays += 1);
    Ok(Read::For(None))
}

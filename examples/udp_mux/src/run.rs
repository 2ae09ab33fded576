//! A whole run: peers, clients, and what came of it.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::time::Duration;

use counterpoint::cancel::CancelToken;
use counterpoint::sync::Mutex;
use counterpoint::thread;
use smol::Executor;

use crate::client::{Failed, Kind, Mux};
use crate::histogram::Histogram;
use crate::peer::{Did, Peer};

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who asks: threads and tasks together.
    pub clients: usize,
    /// How many of them are threads.
    pub threads: usize,
    /// Questions, spread over all clients.
    pub requests: usize,
    /// How many peers answer.
    pub peers: usize,
    /// The share of questions that peers lose.
    pub loss: f64,
    /// How long an answer may take before the question is repeated.
    pub patience: Duration,
    /// How often a question is asked at most.
    pub attempts: u32,
    /// Where the random numbers of the peers begin.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How long answers took.
    pub latency: Histogram,
    /// Questions that were answered.
    pub answered: u64,
    /// How often a question was asked again.
    pub repeated: u64,
    /// Packets that came for nobody.
    pub strays: u64,
    /// What the peers did.
    pub peers: Did,
    /// The first few failures, in words.
    pub failures: Vec<String>,
    /// How many failures there were.
    pub failed: u64,
}

/// Failures that are told in words.
const TOLD: usize = 5;

/// The numbers of a client's questions: clients that share a peer have different ones, and one that
/// was used comes again after all others, so that a late answer is not taken for that of another
/// question.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    first: usize,
    count: usize,
}

/// Each client needs so many numbers.
const NUMBERS: usize = 64;
const ALL_NUMBERS: usize = 1 << u16::BITS;

impl Numbers {
    fn of(client: usize, options: &Options) -> Numbers {
        let count = ALL_NUMBERS / options.clients.div_ceil(options.peers);
        let first = client / options.peers * count;
        Numbers { first, count }
    }

    fn number(self, question: usize) -> u16 {
        (self.first + question % self.count) as u16
    }
}

/// One client's part.
struct Part {
    kind: Kind,
    client: usize,
    numbers: Numbers,
    questions: usize,
}

struct Shared<'a> {
    mux: &'a Mux,
    peers: &'a [SocketAddr],
    outcome: &'a Mutex<Outcome>,
    progress: &'a (dyn Fn() + Sync),
}

impl Shared<'_> {
    /// Asks its questions, one after the other.
    async fn ask_all(&self, part: Part) {
        let mut latency = Histogram::default();
        let (mut repeated, mut answered) = (0, 0);
        for question in 0..part.questions {
            let peer = self.peers[part.client % self.peers.len()];
            let number = part.numbers.number(question);
            let name = format!("host-{question}.client-{}.example", part.client);
            match self.mux.ask(part.kind, peer, number, name).await {
                Ok(asked) => {
                    latency.add(asked.took);
                    answered += 1;
                    repeated += u64::from(asked.attempts - 1);
                }
                Err(failed) => self.fail(part.client, question, &failed),
            }
            (self.progress)();
        }
        let mut outcome = self.outcome.lock();
        outcome.latency.merge(&latency);
        outcome.answered += answered;
        outcome.repeated += repeated;
    }

    fn fail(&self, client: usize, question: usize, failed: &Failed) {
        let mut outcome = self.outcome.lock();
        outcome.failed += 1;
        if outcome.failures.len() < TOLD {
            let failure = format!("client {client}, question {question}: {failed}");
            outcome.failures.push(failure);
        }
    }
}

/// Runs it; `progress` is called after each question.
///
/// # Errors
/// If there are too many clients for the peers, a socket cannot be had, or a peer's fails.
pub fn run(options: &Options, progress: &(dyn Fn() + Sync)) -> io::Result<Outcome> {
    let most = options.peers * (ALL_NUMBERS / NUMBERS);
    if options.clients > most {
        let clients = format!(
            "{} peers can tell {most} clients apart at most",
            options.peers
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, clients));
    }
    let mut peers = Vec::new();
    for index in 0..options.peers {
        let seed = options.seed.wrapping_add(index as u64);
        peers.push(Peer::new(options.loss, seed)?);
    }
    let addresses: Vec<SocketAddr> = peers.iter().map(Peer::address).collect::<io::Result<_>>()?;
    let mux = Mux::new(options.patience, options.attempts)?;
    let outcome = Mutex::new(Outcome::default());
    let shared = Shared {
        mux: &mux,
        peers: &addresses,
        outcome: &outcome,
        progress,
    };
    let stop = CancelToken::new();
    let did = thread::scope(|scope| {
        let peers: Vec<_> = peers
            .into_iter()
            .map(|peer| {
                let stop = stop.clone();
                scope.spawn(move |_| peer.answer(&stop))
            })
            .collect();
        let asked = ask(options, &shared);
        stop.cancel("all questions were asked");
        let mut did = Did::default();
        for peer in peers {
            let one = peer.join().expect("a peer does not panic")?;
            did.lost += one.lost;
            did.sent += one.sent;
            did.copies += one.copies;
        }
        asked.map(|()| did)
    });
    let did = did.expect("all threads were joined")?;
    let mut outcome = outcome.into_inner();
    outcome.strays = mux.strays();
    outcome.peers = did;
    Ok(outcome)
}

/// Starts all clients and waits for them.
fn ask(options: &Options, shared: &Shared<'_>) -> io::Result<()> {
    let executor = Executor::new();
    let part = |client: usize| Part {
        kind: match client < options.threads {
            true => Kind::Thread,
            false => Kind::Task,
        },
        client,
        numbers: Numbers::of(client, options),
        questions: options.requests / options.clients
            + usize::from(client < options.requests % options.clients),
    };
    let tasks: Vec<_> = (options.threads..options.clients)
        .map(|client| executor.spawn(shared.ask_all(part(client))))
        .collect();
    let all_done = CancelToken::new();
    let workers = std::thread::available_parallelism().map_or(1, NonZero::get);
    let scoped = thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads.min(options.clients))
            .map(|client| scope.spawn(move |_| smol::block_on(shared.ask_all(part(client)))))
            .collect();
        for _ in 0..workers.min(tasks.len()) {
            let (executor, all_done) = (&executor, all_done.clone());
            scope.spawn(move |_| smol::block_on(executor.run(all_done.cancelled())));
        }
        smol::block_on(async {
            for task in tasks {
                task.await;
            }
        });
        all_done.cancel("all tasks are done");
        for thread in threads {
            thread.join().expect("a client does not panic");
        }
    });
    scoped.map_err(|_| io::Error::other("a thread of the clients has panicked"))
}

//! One run: the parties do their steps, and somebody sees when nothing moves any more.
//!
//! # Invariants
//! * I1: a party is `Busy` whenever it will go on by itself. One that is `Waiting` may have been
//!   woken already: so a standstill is believed only if the model allows it. If not, either
//!   somebody moves soon or a wake-up was lost.

use crate::history::{Call, History, Outcome, Standstill, Why};
use crate::plan::{Form, Step};
use crate::subject::{Awaited, Bound, End, Started, Subject, Wait};
use counterpoint_base::prim::atomic::{AtomicU32, RELAXED, acq_rel};
use counterpoint_base::prim::futex::Futex;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread::yield_now;
use counterpoint_base::prim::time::{Duration, Instant};
use counterpoint_wait::Stop;
use counterpoint_wait::cancel::CancelToken;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// A deadline that is near.
const SOON: Duration = Duration::from_micros(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Busy,
    Waiting,
    Over,
}

#[derive(Debug)]
struct Seat {
    status: Status,
    waker: Option<Waker>,
}

#[derive(Debug)]
struct State {
    seats: Vec<Seat>,
    stopped: bool,
    /// Changes of any seat.
    moves: u64,
}

/// The calls of a party, and the one that it is in.
#[derive(Debug)]
struct Log<O, R> {
    calls: Vec<Call<O, R>>,
    open: Option<(O, u64)>,
}

/// What the parties of a run and whoever watches them share, besides the structure itself.
#[derive(Debug)]
pub struct Desk<O, R> {
    clock: AtomicU64,
    state: Mutex<State>,
    logs: Vec<Mutex<Log<O, R>>>,
    stop: Vec<CancelToken>,
    /// Rung when the watcher may have something to see.
    bell: Futex,
}

/// How a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// All are over.
    Over,
    /// Some wait, and nobody is known to move; so many moves were seen.
    Still(u64),
    /// Somebody moves.
    Moving,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<O: Clone, R: Clone> Desk<O, R> {
    /// A desk for so many parties.
    pub fn new(parties: usize) -> Desk<O, R> {
        let seat = || Seat {
            status: Status::Busy,
            waker: None,
        };
        let log = || {
            Mutex::new(Log {
                calls: Vec::new(),
                open: None,
            })
        };
        Desk {
            clock: AtomicU64::new(0),
            state: Mutex::new(State {
                seats: (0..parties).map(|_| seat()).collect(),
                stopped: false,
                moves: 0,
            }),
            logs: (0..parties).map(|_| log()).collect(),
            stop: (0..parties).map(|_| CancelToken::new()).collect(),
            bell: Futex::new(0),
        }
    }

    fn tick(&self) -> u64 {
        // Relaxed: the one order of changes of this word is the clock.
        self.clock.fetch_add(1, Ordering::Relaxed)
    }

    fn sit(&self, party: usize, status: Status) {
        let mut state = lock(&self.state);
        state.moves += 1;
        let seat = Seat {
            status,
            waker: None,
        };
        let before = core::mem::replace(&mut state.seats[party], seat);
        self.ring_if_due(state);
        // Foreign code, so not under the lock.
        drop(before);
    }

    /// Rings if the watcher should look. On plain threads it looks by itself now and then: nearly
    /// every standstill there is one for a moment only.
    fn ring_if_due(&self, state: MutexGuard<'_, State>) {
        let due = state.seats.iter().all(|seat| match seat.status {
            Status::Over => true,
            Status::Waiting => cfg!(counterpoint_shuttle),
            Status::Busy => false,
        });
        drop(state);
        if due {
            self.bell.word().fetch_add(1, acq_rel("stress.ring"));
            self.bell.wake_one();
        }
    }

    /// How the parties stand.
    pub fn rest(&self) -> Rest {
        let state = lock(&self.state);
        let is = |status: Status| move |seat: &Seat| seat.status == status;
        if state.seats.iter().all(is(Status::Over)) {
            Rest::Over
        } else if state.seats.iter().any(is(Status::Busy)) {
            Rest::Moving
        } else {
            Rest::Still(state.moves)
        }
    }

    /// Sleeps until the parties may stand in another way than when `seen` was returned, or until
    /// `deadline`. Returns what to give to the next call.
    pub fn watch(&self, seen: u32, deadline: Option<Instant>) -> u32 {
        let word = self.bell.word();
        if word.load(RELAXED) == seen {
            self.bell.wait(seen, deadline);
        }
        // Acquires what the parties did.
        word.fetch_add(0, acq_rel("stress.watch"))
    }

    /// The calls so far, and who waits.
    pub fn history(&self) -> History<O, R> {
        let mut history = History::default();
        let mut waiting = Vec::new();
        for (party, log) in self.logs.iter().enumerate() {
            let log = lock(log);
            history.calls.extend(log.calls.iter().cloned());
            waiting.extend(log.open.iter().cloned().map(|(op, from)| Call {
                party,
                op,
                outcome: Outcome::GaveUp(Why::Stopped),
                from,
                to: 0,
            }));
        }
        if !waiting.is_empty() {
            let at = self.tick();
            waiting.iter_mut().for_each(|call| call.to = at);
            history.standstill = Some(Standstill { at, waiting });
        }
        history
    }

    /// Ends every wait.
    pub fn stop(&self) {
        let wakers: Vec<Waker> = {
            let mut state = lock(&self.state);
            state.stopped = true;
            state.moves += 1;
            let seats = state.seats.iter_mut();
            seats.filter_map(|seat| seat.waker.take()).collect()
        };
        for token in &self.stop {
            token.cancel("the run has come to rest");
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// A party ended by a panic.
    #[cfg(not(counterpoint_shuttle))]
    pub(crate) fn leave(&self, party: usize) {
        self.sit(party, Status::Over);
    }

    fn is_stopped(&self) -> bool {
        lock(&self.state).stopped
    }

    /// The steps of one party.
    pub(crate) fn take_part<S: Subject<Op = O, Ret = R>>(
        &self,
        subject: &S,
        real: &S::Real,
        party: usize,
        steps: &[Step<O>],
    ) {
        let mut local = subject.local(real, party);
        for step in steps {
            if self.is_stopped() {
                break;
            }
            self.do_step(subject, real, &mut local, party, step);
        }
        // Recorded as any other: what a party holds is given back where others see it.
        if let Some(op) = subject.closing(party) {
            let form = Form::Await;
            self.do_step(subject, real, &mut local, party, &Step { op, form });
        }
        drop(local);
        self.sit(party, Status::Over);
    }

    fn do_step<'r, S: Subject<Op = O, Ret = R>>(
        &self,
        subject: &S,
        real: &'r S::Real,
        local: &mut S::Local<'r>,
        party: usize,
        step: &Step<O>,
    ) {
        let from = self.tick();
        lock(&self.logs[party]).open = Some((step.op.clone(), from));
        pause();
        let outcome = match subject.start(real, local, &step.op) {
            Started::Done(ret) => Outcome::Done(ret),
            Started::Refused => Outcome::Refused,
            Started::Waits(wait) => self.finish(party, wait, step.form),
        };
        pause();
        let to = self.tick();
        let mut log = lock(&self.logs[party]);
        log.open = None;
        log.calls.push(Call {
            party,
            op: step.op.clone(),
            outcome,
            from,
            to,
        });
    }

    fn finish(&self, party: usize, wait: Box<dyn Wait<R> + '_>, form: Form) -> Outcome<R> {
        let signal = Signal {
            seats: &self.state,
            ring: &|state| self.ring_if_due(state),
            party,
        };
        let result = match form {
            Form::Block | Form::Until | Form::BlockNow | Form::BlockSoon => {
                // Without a clock a deadline comes at once or never: then the run ends it.
                let endless = matches!(form, Form::Block | Form::Until);
                let bound = Bound {
                    end: match form {
                        Form::Until => End::Signal(signal),
                        Form::Block => End::Token(&self.stop[party]),
                        _ if cfg!(counterpoint_shuttle) => End::Token(&self.stop[party]),
                        _ => End::Unknown,
                    },
                    timeout: match form {
                        Form::BlockNow => Some(Duration::ZERO),
                        Form::BlockSoon => Some(SOON),
                        _ => None,
                    },
                };
                // It does not tell when it sleeps: from here on it may.
                if endless || cfg!(counterpoint_shuttle) {
                    self.sit(party, Status::Waiting);
                }
                let result = wait.block(&bound);
                self.sit(party, Status::Busy);
                result
            }
            Form::Await | Form::AwaitNow => {
                let timeout = (form == Form::AwaitNow).then_some(Duration::ZERO);
                let result = await_here(wait.awaited(timeout), signal);
                self.sit(party, Status::Busy);
                match result {
                    Some(result) => result,
                    None => return Outcome::GaveUp(Why::Dropped),
                }
            }
            Form::Drop(polls) => {
                let mut future = wait.awaited(None);
                let mut cx = Context::from_waker(Waker::noop());
                for _ in 0..polls {
                    if let Poll::Ready(result) = future.as_mut().poll(&mut cx) {
                        return outcome(result);
                    }
                    yield_now();
                }
                drop(future);
                return Outcome::GaveUp(Why::Dropped);
            }
        };
        outcome(result)
    }
}

/// Now and then lets others go first, so that calls overlap also where one processor runs all
/// threads, or operations are too short for anything to come in between.
fn pause() {
    static PAUSES: AtomicU64 = AtomicU64::new(0);
    if cfg!(counterpoint_shuttle) {
        return;
    }
    // Relaxed: a number alone.
    let number = PAUSES.fetch_add(1, Ordering::Relaxed);
    match number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58 {
        // A thread that yields may go on at once; one that sleeps does not.
        0 => std::thread::sleep(Duration::from_nanos(1)),
        1..8 if !cfg!(counterpoint_jitter) => yield_now(),
        _ => {}
    }
}

pub(crate) fn outcome<R>(result: Result<R, Stop>) -> Outcome<R> {
    match result {
        Ok(ret) => Outcome::Done(ret),
        Err(Stop::TimedOut) => Outcome::GaveUp(Why::TimedOut),
        Err(Stop::Cancelled) => Outcome::GaveUp(Why::Stopped),
    }
}

/// Ready when the run is stopped. Polling it tells the watcher that its party waits.
#[derive(Clone)]
pub struct Signal<'d> {
    seats: &'d Mutex<State>,
    ring: &'d dyn Fn(MutexGuard<'_, State>),
    party: usize,
}

impl std::fmt::Debug for Signal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}

impl Future for Signal<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let seat = Seat {
            status: Status::Waiting,
            waker: Some(cx.waker().clone()),
        };
        let mut state = lock(self.seats);
        if state.stopped {
            drop(state);
            return Poll::Ready(());
        }
        state.moves += 1;
        let before = core::mem::replace(&mut state.seats[self.party], seat);
        (self.ring)(state);
        // Foreign code, so not under the lock.
        drop(before);
        Poll::Pending
    }
}

/// A thread as a task: awakened by a waker, asleep on a word.
struct Sleeper {
    futex: Futex,
}

const AWAKE: u32 = 1;

static TABLE: RawWakerVTable = RawWakerVTable::new(duplicate, wake, wake_by_ref, release);

impl Sleeper {
    fn waker(self: &Arc<Sleeper>) -> Waker {
        let data = Arc::into_raw(self.clone()).cast();
        // SAFETY: the functions of the table treat the data as an `Arc` that counts for one, and a
        // sleeper may be used by any thread.
        unsafe { Waker::from_raw(RawWaker::new(data, &TABLE)) }
    }

    fn wake(&self) {
        let word: &AtomicU32 = self.futex.word();
        word.swap(AWAKE, acq_rel("stress.wake"));
        self.futex.wake_one();
    }

    fn sleep(&self) {
        while self.futex.word().swap(0, acq_rel("stress.sleep")) != AWAKE {
            self.futex.wait(0, None);
        }
    }
}

fn sleeper(data: *const ()) -> Arc<Sleeper> {
    // SAFETY: the data comes from `Arc::into_raw`, and each caller drops or forgets what it got.
    unsafe { Arc::from_raw(data.cast()) }
}

fn duplicate(data: *const ()) -> RawWaker {
    let this = std::mem::ManuallyDrop::new(sleeper(data));
    RawWaker::new(Arc::into_raw(Arc::clone(&this)).cast(), &TABLE)
}

fn wake(data: *const ()) {
    sleeper(data).wake();
}

fn wake_by_ref(data: *const ()) {
    std::mem::ManuallyDrop::new(sleeper(data)).wake();
}

fn release(data: *const ()) {
    drop(sleeper(data));
}

/// Polls the future here, woken by its waker, until it is ready; drops it if the run is stopped.
fn await_here<R>(mut future: Awaited<'_, R>, mut signal: Signal<'_>) -> Option<Result<R, Stop>> {
    let this = Arc::new(Sleeper {
        futex: Futex::new(0),
    });
    let waker = this.waker();
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut cx) {
            return Some(result);
        }
        if Pin::new(&mut signal).poll(&mut cx).is_ready() {
            return None;
        }
        this.sleep();
    }
}

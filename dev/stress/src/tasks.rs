//! Histories of tasks of one thread, in an order that bytes decide: a fuzzer's, or those that a
//! property test shrinks. A task that waits is polled again, polled without being woken, or told to
//! drop its operation, at any moment.

use crate::desk::outcome;
use crate::failure::{Failure, Fault, Wrong};
use crate::history::{Call, History, Outcome, Standstill, Why};
use crate::linear::{Verdict, check};
use crate::plan::{Form, Pick, Step};
use crate::subject::{Awaited, Started, Subject};
use counterpoint_base::prim::time::Duration;
use counterpoint_wait::Stop;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

/// Tasks of a history.
const TASKS: usize = 4;

/// Moves of a history at most: calls are judged in no time up to some dozens of them.
const MOVES: usize = 60;

/// For how long timers may still wake somebody before a standstill that the model forbids is one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a task was woken since it was last polled.
#[derive(Debug)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Woken>) {
        self.0.store(true, Ordering::Release);
    }
}

/// What a task is told.
enum Order<O> {
    /// To begin an operation.
    Begin(Step<O>),
    /// To drop the operation it is in.
    Drop,
    /// To end.
    End,
}

/// What a task and its driver share.
struct Slot<O> {
    order: Cell<Option<Order<O>>>,
    /// The call that the task is in.
    open: RefCell<Option<(O, u64)>>,
}

struct Shared<O, R> {
    clock: Cell<u64>,
    calls: RefCell<Vec<Call<O, R>>>,
    slots: Vec<Slot<O>>,
}

impl<O: Clone, R: Clone> Shared<O, R> {
    fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    fn history(&self) -> History<O, R> {
        let at = self.tick();
        let waiting = self.slots.iter().enumerate().filter_map(|(party, slot)| {
            let (op, from) = slot.open.borrow().clone()?;
            Some(Call {
                party,
                op,
                outcome: Outcome::GaveUp(Why::Stopped),
                from,
                to: at,
            })
        });
        let waiting: Vec<Call<O, R>> = waiting.collect();
        History {
            calls: self.calls.borrow().clone(),
            standstill: (!waiting.is_empty()).then_some(Standstill { at, waiting }),
        }
    }
}

/// A source of choices that ends: then it yields 0 for ever.
fn bytes(source: &[u8]) -> impl FnMut(u32) -> u32 {
    let mut source = source.iter().copied();
    move |end| u32::from(source.next().unwrap_or(0)) % end
}

/// Runs the history that these bytes decide, and judges it.
///
/// # Errors
/// The history, if it is wrong.
pub fn run<S: Subject>(subject: &S, source: &[u8]) -> Result<(), Fault<S>> {
    let real = subject.real(TASKS);
    let shared = Rc::new(Shared::<S::Op, S::Ret> {
        clock: Cell::new(0),
        calls: RefCell::new(Vec::new()),
        slots: (0..TASKS)
            .map(|_| Slot {
                order: Cell::new(None),
                open: RefCell::new(None),
            })
            .collect(),
    });
    let tasks = (0..TASKS).map(|party| Task {
        future: Box::pin(task(subject, &real, party, shared.clone())),
        woken: Arc::new(Woken(AtomicBool::new(false))),
        over: false,
    });
    let mut driver = Driver {
        subject,
        real: &real,
        tasks: tasks.collect(),
        shared,
    };
    driver.drive(&mut bytes(source))
}

/// Does the orders of one party.
async fn task<S: Subject>(
    subject: &S,
    real: &S::Real,
    party: usize,
    shared: Rc<Shared<S::Op, S::Ret>>,
) {
    let slot = &shared.slots[party];
    let mut local = subject.local(real, party);
    loop {
        let order = poll_fn(|_| slot.order.take().map_or(Poll::Pending, Poll::Ready)).await;
        let (step, ends) = match order {
            Order::Begin(step) => (step, false),
            Order::Drop => continue,
            Order::End => match subject.closing(party) {
                None => return,
                Some(op) => (
                    Step {
                        op,
                        form: Form::Await,
                    },
                    true,
                ),
            },
        };
        let from = shared.tick();
        *slot.open.borrow_mut() = Some((step.op.clone(), from));
        let outcome = match subject.start(real, &mut local, &step.op) {
            Started::Done(ret) => Outcome::Done(ret),
            Started::Refused => Outcome::Refused,
            Started::Waits(wait) => {
                let timeout = (step.form == Form::AwaitNow).then_some(Duration::ZERO);
                let mut future = wait.awaited(timeout);
                match poll_fn(|cx| poll_or_drop(slot, &mut future, cx)).await {
                    Some(result) => outcome(result),
                    None => {
                        drop(future);
                        Outcome::GaveUp(Why::Dropped)
                    }
                }
            }
        };
        *slot.open.borrow_mut() = None;
        shared.calls.borrow_mut().push(Call {
            party,
            op: step.op,
            outcome,
            from,
            to: shared.tick(),
        });
        if ends {
            return;
        }
    }
}

/// Polls, unless it is told to drop: then yields nothing.
fn poll_or_drop<O, R>(
    slot: &Slot<O>,
    future: &mut Awaited<'_, R>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<R, Stop>>> {
    match slot.order.take() {
        Some(_) => Poll::Ready(None),
        None => future.as_mut().poll(cx).map(Some),
    }
}

struct Task<'s> {
    future: Pin<Box<dyn Future<Output = ()> + 's>>,
    woken: Arc<Woken>,
    over: bool,
}

struct Driver<'s, S: Subject> {
    subject: &'s S,
    real: &'s S::Real,
    tasks: Vec<Task<'s>>,
    shared: Rc<Shared<S::Op, S::Ret>>,
}

impl<S: Subject> Driver<'_, S> {
    fn drive(&mut self, below: &mut dyn FnMut(u32) -> u32) -> Result<(), Fault<S>> {
        for _ in 0..MOVES {
            let party = below(TASKS as u32) as usize;
            let busy = self.shared.slots[party].open.borrow().is_some();
            match (busy, below(8)) {
                (true, 0 | 1) => self.tell(party, Order::Drop),
                (true, _) => {}
                (false, choice) => {
                    let op = self.subject.choose(party, &mut Pick::new(below));
                    let form = match choice {
                        0 => Form::AwaitNow,
                        _ => Form::Await,
                    };
                    self.tell(party, Order::Begin(Step { op, form }));
                    // Dropped before it was ever polled.
                    if choice == 1 {
                        continue;
                    }
                }
            }
            self.poll(party);
            if below(2) == 0 {
                self.poll_woken();
            }
        }
        self.rest()?;
        self.end();
        let history = self.shared.history();
        match check(self.subject, TASKS, &history) {
            Verdict::Yes => Ok(()),
            verdict => Err(self.failure(history, Wrong::Order(verdict))),
        }
    }

    fn tell(&self, party: usize, order: Order<S::Op>) {
        self.shared.slots[party].order.set(Some(order));
    }

    fn poll(&mut self, party: usize) {
        let task = &mut self.tasks[party];
        if task.over {
            return;
        }
        task.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(task.woken.clone());
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        task.over = polled.is_ready();
    }

    /// Polls those that were woken, until nobody is.
    fn poll_woken(&mut self) {
        let woken = |task: &Task<'_>| !task.over && task.woken.0.load(Ordering::Acquire);
        while let Some(party) = self.tasks.iter().position(woken) {
            self.poll(party);
        }
    }

    /// Polls until nobody is woken any more; who waits then must have to.
    fn rest(&mut self) -> Result<(), Fault<S>> {
        let began = Instant::now();
        // An operation that was begun and not polled is polled now.
        (0..TASKS).for_each(|party| self.poll(party));
        loop {
            self.poll_woken();
            let history = self.shared.history();
            if check(self.subject, TASKS, &history) == Verdict::Yes {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(self.failure(history, Wrong::Stuck));
            }
            // A reservation may have to end first.
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Drops what waits, and gives back what is held.
    fn end(&mut self) {
        for party in 0..TASKS {
            if self.shared.slots[party].open.borrow().is_some() {
                self.tell(party, Order::Drop);
                self.poll(party);
            }
            self.tell(party, Order::End);
            self.poll(party);
        }
        self.subject.stop(self.real);
    }

    fn failure(&self, history: History<S::Op, S::Ret>, wrong: Wrong) -> Fault<S> {
        Box::new(Failure {
            name: S::NAME,
            wrong,
            plan: Vec::new(),
            history,
            again: "The bytes decide everything: the same ones show it again.".to_owned(),
        })
    }
}

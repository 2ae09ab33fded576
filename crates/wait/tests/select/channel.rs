//! A small bounded channel, to have something to receive from and send to. For tests only.

use counterpoint_wait::op::{LockedQueue, Op, Stop, Turn, Verb};
use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
use counterpoint_wait::waker::WakeBatch;
use std::collections::VecDeque;
use std::sync::Mutex;

/// What is inside, and how many places are promised to senders.
struct Inside<T> {
    items: VecDeque<T>,
    promised: usize,
}

/// A channel with room for `room` values.
pub(crate) struct Channel<T> {
    inside: Mutex<Inside<T>>,
    room: usize,
    receivers: WaitQueue<()>,
    senders: WaitQueue<()>,
}

impl<T> Channel<T> {
    pub(crate) const fn new(room: usize) -> Channel<T> {
        Channel {
            inside: Mutex::new(Inside {
                items: VecDeque::new(),
                promised: 0,
            }),
            room,
            receivers: WaitQueue::new(()),
            senders: WaitQueue::new(()),
        }
    }

    /// Puts a value in, whether there is room or not.
    pub(crate) fn push(&self, value: T) {
        self.inside.lock().unwrap().items.push_back(value);
        let queue = self.receivers.lock();
        wake(queue, |queue, wakes| self.let_receiver(queue, wakes));
    }

    pub(crate) fn len(&self) -> usize {
        self.inside.lock().unwrap().items.len()
    }

    /// True if nobody waits for it: no trace of a select is left.
    pub(crate) fn is_quiet(&self) -> bool {
        self.receivers.lock().is_empty() && self.senders.lock().is_empty()
    }

    pub(crate) fn select_recv(&self) -> Recv<'_, T> {
        Op::new(RecvVerb(self), ())
    }

    pub(crate) fn select_send(&self) -> Send<'_, T> {
        Op::new(SendVerb(self), ())
    }

    fn has_item(&self) -> bool {
        !self.inside.lock().unwrap().items.is_empty()
    }

    fn has_room(&self) -> bool {
        let inside = self.inside.lock().unwrap();
        inside.items.len() + inside.promised < self.room
    }

    fn room_is_free(&self) {
        let queue = self.senders.lock();
        wake(queue, |queue, wakes| self.let_sender(queue, wakes));
    }

    fn let_receiver(&self, queue: &mut Queue<'_>, wakes: &mut WakeBatch) {
        if self.has_item() {
            grant(queue, wakes);
        }
    }

    fn let_sender(&self, queue: &mut Queue<'_>, wakes: &mut WakeBatch) {
        if self.has_room() {
            grant(queue, wakes);
        }
    }
}

type Queue<'q> = counterpoint_wait::queue::Locked<'q, (), ()>;

fn grant(queue: &mut Queue<'_>, wakes: &mut WakeBatch) {
    queue.grant(End::First, Grant::Baton, wakes, |(), _| Pick::Take, |()| ());
}

fn wake(mut queue: Queue<'_>, one: impl Fn(&mut Queue<'_>, &mut WakeBatch)) {
    let mut wakes = WakeBatch::new();
    one(&mut queue, &mut wakes);
    drop(queue);
    wakes.wake();
}

pub(crate) type Recv<'c, T> = Op<RecvVerb<'c, T>>;
pub(crate) type Send<'c, T> = Op<SendVerb<'c, T>>;

pub(crate) struct RecvVerb<'c, T>(&'c Channel<T>);
pub(crate) struct SendVerb<'c, T>(&'c Channel<T>);

/// A promised place in a channel.
pub(crate) struct Slot<'c, T> {
    channel: &'c Channel<T>,
    complete: bool,
}

impl<T> Slot<'_, T> {
    pub(crate) fn complete(mut self, value: T) {
        self.complete = true;
        self.channel.inside.lock().unwrap().promised -= 1;
        self.channel.push(value);
    }
}

impl<T> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        if !self.complete {
            self.channel.inside.lock().unwrap().promised -= 1;
            self.channel.room_is_free();
        }
    }
}

macro_rules! verb {
    ($verb:ident, $name:literal, $output:ty, $queue:ident, $ready:ident, $let:ident, |$channel:ident| $attempt:expr) => {
        // SAFETY: one queue, that of the channel it borrows; no method moves the verb.
        unsafe impl<'c, T> Verb for $verb<'c, T> {
            type State = ();
            type Payload = ();
            type Output = $output;
            type Stoppable = Result<$output, Stop>;

            const NAME: &'static str = $name;

            fn queue(&self) -> &WaitQueue<()> {
                &self.0.$queue
            }

            fn attempt(&mut self, (): &mut (), _: Turn) -> Option<$output> {
                let $channel = self.0;
                $attempt
            }

            fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
                self.0.$ready()
            }

            fn collect(&mut self, (): &mut ()) -> $output {
                unreachable!("batons only")
            }

            fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {}

            fn settle(&mut self, queue: &mut LockedQueue<'_, Self>, wakes: &mut WakeBatch) -> bool {
                self.0.$let(queue, wakes);
                false
            }

            fn finish(output: $output) -> Result<$output, Stop> {
                Ok(output)
            }

            fn stopped(&mut self, (): &mut (), why: Stop) -> Result<$output, Stop> {
                Err(why)
            }
        }
    };
}

verb!(
    RecvVerb,
    "Channel::recv",
    T,
    receivers,
    has_item,
    let_receiver,
    |channel| {
        let item = channel.inside.lock().unwrap().items.pop_front()?;
        channel.room_is_free();
        Some(item)
    }
);

verb!(
    SendVerb,
    "Channel::send",
    Slot<'c, T>,
    senders,
    has_room,
    let_sender,
    |channel| {
        let mut inside = channel.inside.lock().unwrap();
        if inside.items.len() + inside.promised >= channel.room {
            return None;
        }
        inside.promised += 1;
        Some(Slot {
            channel,
            complete: false,
        })
    }
);

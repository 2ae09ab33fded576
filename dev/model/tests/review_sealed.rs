//! Safe code that frees a linked node: for AddressSanitizer.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
#![forbid(unsafe_code)]

use counterpoint_sync::Mutex;
use counterpoint_wait::Operation;
use std::future::Future;
use std::task::{Context, Waker};

#[test]
fn forfeit_of_a_queued_operation() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    let mut lock = Box::pin(mutex.lock_async());
    assert!(
        lock.as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    lock.as_mut().arm_forfeit();
    drop(lock);
    drop(held);
}

#[test]
fn a_verb_that_changes_its_queue() {
    use counterpoint_base::prim::atomic::AtomicU32;
    use counterpoint_wait::Stop;
    use counterpoint_wait::op::{LockedQueue, Op, Turn, Verb};
    use counterpoint_wait::queue::{End, Grant, Pick, WaitQueue};
    use counterpoint_wait::waker::WakeBatch;
    use std::cell::Cell;
    type Queue = WaitQueue<AtomicU32, ()>;
    struct Two<'a>(&'a Queue, &'a Queue, Cell<bool>);
    impl Verb for Two<'_> {
        type State = AtomicU32;
        type Payload = ();
        type Output = ();
        type Stoppable = Result<(), Stop>;
        const NAME: &'static str = "Two";
        fn queue(&self) -> &Queue {
            if self.2.replace(true) { self.1 } else { self.0 }
        }
        fn attempt(&mut self, (): &mut (), _: Turn) -> Option<()> {
            None
        }
        fn prepare(&mut self, (): &mut (), _: Turn, _: &mut LockedQueue<'_, Self>) -> bool {
            false
        }
        fn collect(&mut self, (): &mut ()) {}
        fn unclaimed(&mut self, (): &mut (), _: &mut LockedQueue<'_, Self>) {}
        fn settle(&mut self, _: &mut LockedQueue<'_, Self>, _: &mut WakeBatch) -> bool {
            false
        }
        fn finish((): ()) -> Result<(), Stop> {
            Ok(())
        }
        fn stopped(&mut self, (): &mut (), why: Stop) -> Result<(), Stop> {
            Err(why)
        }
    }
    let (a, b) = (Queue::new(AtomicU32::new(0)), Queue::new(AtomicU32::new(0)));
    let mut cx = Context::from_waker(Waker::noop());
    let mut op = Box::pin(Op::new(Two(&a, &b, Cell::new(false)), ()));
    assert!(op.as_mut().poll(&mut cx).is_pending());
    drop(op);
    let mut wakes = WakeBatch::new();
    while a.lock().grant(
        End::First,
        Grant::Result,
        &mut wakes,
        |(), _| Pick::Take,
        |()| (),
    ) {}
}

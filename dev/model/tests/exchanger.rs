//! Models of the exchanger: pairs, stops, and selects that meet each other.

use counterpoint_base::prim::cell::UnsafeCell;
use counterpoint_base::prim::sync::Arc;
use counterpoint_base::prim::thread;
use counterpoint_model::{Branch, choose, model};
use counterpoint_sync::Exchanger;
use counterpoint_sync::exchanger::ExchangeError;
use counterpoint_wait::cancel::{CancelToken, Ctl};
use counterpoint_wait::{block_on, select_biased};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(1);

/// A number that the checker sees being read.
struct Seen(UnsafeCell<u32>);

// SAFETY: owned by one thread at a time.
unsafe impl Send for Seen {}

impl Seen {
    fn new(number: u32) -> Seen {
        let seen = Seen(UnsafeCell::new(0));
        // SAFETY: nobody else has it.
        seen.0.with_mut(|value| unsafe { *value = number });
        seen
    }

    fn get(&self) -> u32 {
        // SAFETY: owned.
        self.0.with(|value| unsafe { *value })
    }
}

fn pair() -> Arc<(Exchanger<u32>, Exchanger<u32>)> {
    Arc::new((Exchanger::new(), Exchanger::new()))
}

/// The partner's value, or none and its own back.
fn met(result: Result<u32, ExchangeError<u32>>, mine: u32) -> Option<u32> {
    match result {
        Ok(theirs) => Some(theirs),
        Err(error) => {
            assert_eq!(error.into_inner(), mine);
            None
        }
    }
}

model! {
    /// Two threads swap, by the slot or by the queue, and see what the other one wrote.
    fn offer_races_claim(preemptions: Some(3)) {
        let place = Arc::new(Exchanger::new());
        let other = { let place = place.clone(); thread::spawn(move || place.exchange(Seen::new(1)).get()) };
        assert_eq!(place.exchange(Seen::new(2)).get(), 1);
        assert_eq!(other.join().unwrap(), 2);
    }

    /// The same in the queue alone.
    fn pair_meets_in_the_queue(branches: [Branch::SpuriousWake], per_thread: 1, preemptions: Some(3)) {
        let place = Arc::new(Exchanger::new());
        let other = {
            let place = place.clone();
            thread::spawn(move || place.exchange_async(Seen::new(1)).wait().get())
        };
        assert_eq!(place.exchange_async(Seen::new(2)).wait().get(), 1);
        assert_eq!(other.join().unwrap(), 2);
    }

    /// One offers in the slot while the other one queues: they meet.
    fn offer_meets_queue(preemptions: Some(3)) {
        let place = Arc::new(Exchanger::new());
        let other = { let place = place.clone(); thread::spawn(move || place.exchange_async(1).wait()) };
        assert_eq!(place.exchange(2), 1);
        assert_eq!(other.join().unwrap(), 2);
    }

    /// Four come, in two pairs: nobody is left, and nobody meets two.
    fn four_make_two_pairs(preemptions: Some(2)) {
        let place = Arc::new(Exchanger::new());
        let mut first = pin!(place.exchange_async(8));
        assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let threads = [1, 2, 4].map(|mine| {
            let place = place.clone();
            thread::spawn(move || place.exchange_async(mine).wait())
        });
        let mut sum = block_on(first);
        for thread in threads {
            sum += thread.join().unwrap();
        }
        assert_eq!(sum, 15);
    }

    /// A deadline races the partner: both sides agree whether they met.
    fn timeout_races_partner(branches: [Branch::DeadlineFirst], per_thread: 1, preemptions: Some(3)) {
        let place = Arc::new(Exchanger::new());
        let bounded = {
            let place = place.clone();
            thread::spawn(move || met(place.exchange_timeout(1, SOON), 1))
        };
        let patient = { let place = place.clone(); thread::spawn(move || place.exchange_async(2).wait()) };
        let theirs = bounded.join().unwrap();
        if theirs.is_none() {
            assert_eq!(place.exchange(3), 2);
        }
        assert_eq!(patient.join().unwrap(), if theirs.is_some() { 1 } else { 3 });
    }

    /// A token races the partner: the same.
    fn cancel_races_partner(preemptions: Some(3)) {
        let (place, token) = (Arc::new(Exchanger::new()), CancelToken::new());
        let partner = {
            let (place, token) = (place.clone(), token.clone());
            thread::spawn(move || {
                let ctl = Ctl::new().cancel(&token);
                met(place.exchange_async(2).with(&ctl).wait(), 2)
            })
        };
        let canceller = { let token = token.clone(); thread::spawn(move || { token.cancel("enough"); }) };
        let ctl = Ctl::new().cancel(&token);
        let here = met(place.exchange_async(1).with(&ctl).wait(), 1);
        let there = partner.join().unwrap();
        canceller.join().unwrap();
        assert!((here, there) == (None, None) || (here, there) == (Some(2), Some(1)));
    }

    /// A queued future is dropped while a partner comes: the partner has met it, or meets the next
    /// one, who leaves when told that nobody is left.
    fn drop_races_partner(branches: [Branch::DropBeforePoll], per_thread: 1, preemptions: Some(3)) {
        let (place, token) = (Arc::new(Exchanger::new()), CancelToken::new());
        let partner = {
            let (place, token) = (place.clone(), token.clone());
            thread::spawn(move || {
                let theirs = place.exchange_async(2).wait();
                token.cancel("met");
                theirs
            })
        };
        let dropped = {
            let mut wait = pin!(place.exchange_async(1));
            match wait.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending if choose(Branch::DropBeforePoll) => true,
                Poll::Pending => { assert_eq!(block_on(wait), 2); false }
                Poll::Ready(theirs) => { assert_eq!(theirs, 2); false }
            }
        };
        let next = match dropped {
            true => met(place.exchange_async(3).with(&Ctl::new().cancel(&token)).wait(), 3),
            false => None,
        };
        assert_eq!(partner.join().unwrap(), if next.is_some() { 3 } else { 1 });
    }

    /// Two selects over the same two places, named in opposite orders: they meet exactly once.
    fn select_meets_select_at_exchangers(preemptions: Some(3)) {
        let places = pair();
        let other = {
            let places = places.clone();
            thread::spawn(move || select_biased! {
                theirs = places.1.exchange_async(1) => theirs,
                theirs = places.0.exchange_async(1) => theirs,
            })
        };
        let theirs = select_biased! {
            theirs = places.0.exchange_async(2) => theirs,
            theirs = places.1.exchange_async(2) => theirs,
        };
        assert_eq!(theirs, 1);
        assert_eq!(other.join().unwrap(), 2);
    }

    /// A select meets a partner at either arm, then the other one.
    fn select_meets_offers(preemptions: Some(2)) {
        let places = pair();
        let first = { let p = places.clone(); thread::spawn(move || p.0.exchange(10)) };
        let second = { let p = places.clone(); thread::spawn(move || p.1.exchange_async(20).wait()) };
        let mut got = 0;
        for mine in [1, 2] {
            got += select_biased! {
                theirs = places.0.exchange_async(mine) => theirs,
                theirs = places.1.exchange_async(mine) => theirs,
            };
        }
        assert_eq!(got, 30);
        assert_eq!(first.join().unwrap() + second.join().unwrap(), 3);
    }
}

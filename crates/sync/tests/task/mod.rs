//! A future that a test polls by hand.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Count>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future and how often it was woken.
pub(crate) struct Task<F> {
    /// To be polled with another waker.
    pub(crate) future: Pin<Box<F>>,
    count: Arc<Count>,
}

impl<F: Future> Task<F> {
    /// Polled once, and waiting.
    pub(crate) fn queued(future: F) -> Task<F> {
        let mut task = Task {
            future: Box::pin(future),
            count: Arc::default(),
        };
        assert!(task.poll().is_pending());
        task
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(self.count.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn woken(&self) -> usize {
        self.count.0.load(Ordering::SeqCst)
    }

    pub(crate) fn ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }
}

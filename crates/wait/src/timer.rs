//! stub
use core::pin::Pin;
use core::task::{Context, Poll};
use counterpoint_base::prim::time::Instant;
/// stub
#[derive(Debug)]
pub struct TimerNode(core::marker::PhantomPinned);
impl TimerNode {
    /// stub
    pub const fn new() -> Self {
        TimerNode(core::marker::PhantomPinned)
    }
    /// stub
    pub fn poll(self: Pin<&mut Self>, deadline: Instant, _cx: &mut Context<'_>) -> Poll<()> {
        if counterpoint_base::prim::time::reached(deadline) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

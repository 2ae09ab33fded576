//! A panic never leaves a node or a queue half-changed: no foreign code runs while one is changed.

use core::panic::{RefUnwindSafe, UnwindSafe};

use super::{Node, WaitQueue};

impl<P> UnwindSafe for Node<P> {}
impl<P> RefUnwindSafe for Node<P> {}
impl<S: UnwindSafe, P> UnwindSafe for WaitQueue<S, P> {}
impl<S: RefUnwindSafe, P> RefUnwindSafe for WaitQueue<S, P> {}

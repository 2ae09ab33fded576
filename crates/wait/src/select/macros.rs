//! The select macros: one grammar, expanded to pinned slots, one `Selecting`, and a `match`.

/// Blocks the thread until one of several operations wins, and runs its handler.
///
/// # Grammar
/// One or more arms, separated by commas (not needed after a block):
///
/// * `pattern = operation => handler`, where the operation is any waiting verb's `…_async()`
///   value, bounded or not, or a `Pin<&mut _>` of one, which keeps its place in line for the next
///   select;
/// * `recv(receiver) -> pattern => handler` and `send(sender, value) -> pattern => handler`: short
///   for `receiver.select_recv()` and `sender.select_send()`; the value is evaluated after the arm
///   has won, and given to the `complete` of what it won;
/// * at most one of `default => handler` (nothing can win at once), `default(duration)`,
///   `timeout(duration)` and `deadline(instant)`.
///
/// Patterns must match always. Exactly one arm wins; the others leave no trace, and are dropped
/// before the handler runs. (Only an arm that waits at a barrier may have been counted in a round
/// that is over by then: keep such a wait outside, and hand in a `Pin<&mut _>` of it.) Of several
/// that could win any may; [`select_biased!`] takes the first. Handlers may `break`, `return` and use
/// `?`.
///
/// # Cost
/// No allocation. An arm that can win at once is taken without registering the others; a wait
/// links one node per arm and wakes once.
///
/// # Deadlocks
/// Inside a task it blocks the executor's thread: use [`select_async!`] there.
///
/// ```
/// use counterpoint_wait::cancel::CancelToken;
/// use std::time::Duration;
///
/// let (stop, done) = (CancelToken::new(), CancelToken::new());
/// done.cancel("finished");
/// let what = counterpoint_wait::select! {
///     () = stop.cancelled() => "stopped",
///     () = done.cancelled() => "done",
///     timeout(Duration::from_secs(5)) => "too late",
/// };
/// assert_eq!(what, "done");
/// ```
///
/// [`select_biased!`]: crate::select_biased
/// [`select_async!`]: crate::select_async
#[macro_export]
macro_rules! select {
    ($($arms:tt)+) => {
        $crate::__select!(@parse (wait false) [] [] $($arms)+)
    };
}

/// Like [`select!`](macro@crate::select), but of several arms that could win the first does.
///
/// ```
/// use counterpoint_wait::cancel::CancelToken;
///
/// let token = CancelToken::new();
/// token.cancel("now");
/// let first = counterpoint_wait::select_biased! {
///     () = token.cancelled() => 1,
///     () = token.cancelled() => 2,
/// };
/// assert_eq!(first, 1);
/// ```
#[macro_export]
macro_rules! select_biased {
    ($($arms:tt)+) => {
        $crate::__select!(@parse (wait true) [] [] $($arms)+)
    };
}

/// Like [`select!`](macro@crate::select), but awaits in a task instead of blocking its thread; any
/// future is an arm. A future of its own kind is polled when the task wakes; operations join the
/// one decision.
///
/// # Cancel safety
/// Dropping the future leaves no arm registered; an arm that had won gives its grant to the next
/// waiter.
///
/// ```
/// use counterpoint_wait::cancel::CancelToken;
///
/// let token = CancelToken::new();
/// counterpoint_wait::block_on(async {
///     let what = counterpoint_wait::select_async! {
///         () = token.cancelled() => "cancelled",
///         two = async { 1 + 1 } => {
///             assert_eq!(two, 2);
///             "ready"
///         }
///     };
///     assert_eq!(what, "ready");
/// });
/// ```
#[macro_export]
macro_rules! select_async {
    ($($arms:tt)+) => {
        $crate::__select!(@parse (await false) [] [] $($arms)+)
    };
}

// @parse (how biased) [arms] [end] rest…
//   arm = (slot, operation, { pattern => handler }) or (slot, operation, { send value pattern => … })
//   end = empty, or (patience, handler)
#[doc(hidden)]
#[macro_export]
macro_rules! __select {
    // Everything is parsed.
    (@parse $how:tt $arms:tt $end:tt) => {
        $crate::__select!(@expand $how $arms $end)
    };
    (@parse $how:tt $arms:tt $end:tt , $($rest:tt)*) => {
        $crate::__select!(@parse $how $arms $end $($rest)*)
    };

    // The end of patience.
    (@parse $how:tt $arms:tt [] default => $($rest:tt)+) => {
        $crate::__select!(@end $how $arms ($crate::select::Patience::Now) $($rest)+)
    };
    (@parse $how:tt $arms:tt [] default($time:expr) => $($rest:tt)+) => {
        $crate::__select!(@end $how $arms ($crate::select::__after($time)) $($rest)+)
    };
    (@parse $how:tt $arms:tt [] timeout($time:expr) => $($rest:tt)+) => {
        $crate::__select!(@end $how $arms ($crate::select::__after($time)) $($rest)+)
    };
    (@parse $how:tt $arms:tt [] deadline($time:expr) => $($rest:tt)+) => {
        $crate::__select!(@end $how $arms ($crate::select::__at($time)) $($rest)+)
    };
    (@parse $how:tt $arms:tt [$($end:tt)+] default $($rest:tt)+) => {
        ::core::compile_error!("select: `default`, `timeout` and `deadline` exclude each other")
    };
    (@parse $how:tt $arms:tt [$($end:tt)+] timeout($time:expr) => $($rest:tt)+) => {
        ::core::compile_error!("select: `default`, `timeout` and `deadline` exclude each other")
    };
    (@parse $how:tt $arms:tt [$($end:tt)+] deadline($time:expr) => $($rest:tt)+) => {
        ::core::compile_error!("select: `default`, `timeout` and `deadline` exclude each other")
    };
    (@end $how:tt $arms:tt $patience:tt $body:block $($rest:tt)*) => {
        $crate::__select!(@parse $how $arms [($patience, $body)] $($rest)*)
    };
    (@end $how:tt $arms:tt $patience:tt $body:expr) => {
        $crate::__select!(@parse $how $arms [($patience, $body)])
    };
    (@end $how:tt $arms:tt $patience:tt $body:expr, $($rest:tt)*) => {
        $crate::__select!(@parse $how $arms [($patience, $body)] $($rest)*)
    };

    // Arms.
    (@parse $how:tt $arms:tt $end:tt recv($from:expr) -> $pattern:pat => $($rest:tt)+) => {
        $crate::__select!(
            @arm $how $arms $end ($from.select_recv()) ($pattern = __output) $($rest)+
        )
    };
    (@parse $how:tt $arms:tt $end:tt send($to:expr, $value:expr) -> $pattern:pat => $($rest:tt)+) => {
        $crate::__select!(
            @arm $how $arms $end ($to.select_send()) ($pattern = __output.complete($value)) $($rest)+
        )
    };
    (@parse $how:tt $arms:tt $end:tt $pattern:pat = $operation:expr => $($rest:tt)+) => {
        $crate::__select!(@arm $how $arms $end ($operation) ($pattern = __output) $($rest)+)
    };
    (@arm $how:tt $arms:tt $end:tt $operation:tt $bind:tt $body:block $($rest:tt)*) => {
        $crate::__select!(@push $how $arms $end (slot $operation $bind $body) $($rest)*)
    };
    (@arm $how:tt $arms:tt $end:tt $operation:tt $bind:tt $body:expr) => {
        $crate::__select!(@push $how $arms $end (slot $operation $bind $body))
    };
    (@arm $how:tt $arms:tt $end:tt $operation:tt $bind:tt $body:expr, $($rest:tt)*) => {
        $crate::__select!(@push $how $arms $end (slot $operation $bind $body) $($rest)*)
    };
    // `slot` comes from another expansion each time, so the names differ.
    (@push $how:tt [$($arms:tt)*] $end:tt $arm:tt $($rest:tt)*) => {
        $crate::__select!(@parse $how [$($arms)* $arm] $end $($rest)*)
    };

    (@expand ($how:ident $biased:ident) [$(($slot:ident $operation:tt $bind:tt $body:expr))*] [$(($patience:tt, $over:expr))?]) => {{
        #[allow(unused_imports, reason = "one of them for each arm")]
        use $crate::select::{FutureKind as _, OpKind as _};
        let output = {
            $(
                let $slot = $operation;
                let $slot = (&$slot).arm_kind().slot($slot);
                let mut $slot = ::core::pin::pin!($slot);
            )*
            let winner = $crate::__select!(
                @run $how $biased ($crate::__select!(@patience $($patience)?))
                ($crate::__select!(@list $($slot)*))
            );
            $crate::__select!(@output winner $($slot)*)
        };
        $crate::__select!(@match output [$(($bind $body))*] [$($over)?])
    }};

    (@patience) => { $crate::select::Patience::Forever };
    (@patience $patience:tt) => { $patience };

    (@run wait $biased:ident $patience:tt $list:tt) => {{
        let (mut arms, patience) = ($list, $patience);
        match $crate::select::attempt(&mut arms, $biased) {
            ::core::result::Result::Ok(won) => ::core::option::Option::Some(won),
            ::core::result::Result::Err(attempted) => {
                $crate::select::Selecting::after(arms, attempted, patience).wait()
            }
        }
    }};
    (@run await $biased:ident $patience:tt $list:tt) => {{
        let (mut arms, patience) = ($list, $patience);
        match $crate::select::attempt(&mut arms, $biased) {
            ::core::result::Result::Ok(won) => ::core::option::Option::Some(won),
            ::core::result::Result::Err(attempted) => {
                $crate::select::Selecting::after(arms, attempted, patience).await
            }
        }
    }};

    (@list) => { () };
    (@list $slot:ident $($rest:ident)*) => {
        ($slot.as_mut(), $crate::__select!(@list $($rest)*))
    };

    // `winner` counts down as the arms pass by.
    (@output $winner:ident) => {{
        let _: ::core::option::Option<usize> = $winner;
    }};
    (@output $winner:ident $slot:ident $($rest:ident)*) => {
        if $winner == ::core::option::Option::Some(0) {
            $crate::select::Either::Left($slot.as_mut().take().expect("the winner has its output"))
        } else {
            let winner = $winner.map(|winner: usize| winner - 1);
            $crate::select::Either::Right($crate::__select!(@output winner $($rest)*))
        }
    };

    (@match $output:ident [] [$over:expr]) => {{
        let () = $output;
        $over
    }};
    (@match $output:ident [] []) => {{
        let () = $output;
        ::core::unreachable!("a select without an end of patience has a winner")
    }};
    (@match $output:ident [(($pattern:pat = __output $(.complete($value:expr))?) $body:expr) $($rest:tt)*] $over:tt) => {
        match $output {
            $crate::select::Either::Left(won) => {
                let $pattern = won $(.complete($value))?;
                $body
            }
            $crate::select::Either::Right(output) => {
                $crate::__select!(@match output [$($rest)*] $over)
            }
        }
    };
}

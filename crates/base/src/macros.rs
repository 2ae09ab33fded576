//! Macros that hide what a model checker cannot do.

/// Declares functions that are `const`, except under loom, whose objects cannot be built in a
/// constant.
#[doc(hidden)]
#[macro_export]
macro_rules! const_fn {
    ($($(#[$meta:meta])* $vis:vis const fn $name:ident $args:tt $(-> $ret:ty)? $body:block)*) => {$(
        #[cfg(not(counterpoint_loom))]
        $(#[$meta])*
        $vis const fn $name $args $(-> $ret)? $body

        #[cfg(counterpoint_loom)]
        $(#[$meta])*
        $vis fn $name $args $(-> $ret)? $body
    )*};
}

/// Declares a static that also works under a model checker, where it is made anew for each
/// execution.
///
/// On plain threads this is an ordinary `static`: the initializer must be a constant expression
/// and access costs nothing. Under loom and shuttle it is made at its first use in an execution
/// and dropped at the end of it.
///
/// ```
/// use counterpoint_base::prim::atomic::{AtomicUsize, RELAXED};
///
/// counterpoint_base::static_! {
///     /// How many requests were seen.
///     static SEEN: AtomicUsize = AtomicUsize::new(0);
/// }
///
/// SEEN.fetch_add(1, RELAXED);
/// assert_eq!(SEEN.load(RELAXED), 1);
/// ```
#[cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]
#[macro_export]
macro_rules! static_ {
    ($($(#[$meta:meta])* $vis:vis static $name:ident : $ty:ty = $init:expr;)*) => {$(
        $(#[$meta])*
        $vis static $name: $ty = $init;
    )*};
}

/// Declares a static that is made anew for each execution of a model.
#[cfg(any(counterpoint_loom, counterpoint_shuttle))]
#[macro_export]
macro_rules! static_ {
    () => {};
    ($(#[$meta:meta])* static $name:ident : $ty:ty = $init:expr; $($rest:tt)*) => {
        $crate::prim::__engine_lazy_static! { $(#[$meta])* static ref $name: $ty = $init; }
        $crate::static_! { $($rest)* }
    };
    ($(#[$meta:meta])* pub static $name:ident : $ty:ty = $init:expr; $($rest:tt)*) => {
        $crate::prim::__engine_lazy_static! { $(#[$meta])* pub static ref $name: $ty = $init; }
        $crate::static_! { $($rest)* }
    };
    ($(#[$meta:meta])* pub($($vis:tt)+) static $name:ident : $ty:ty = $init:expr; $($rest:tt)*) => {
        $crate::prim::__engine_lazy_static! {
            $(#[$meta])* pub($($vis)+) static ref $name: $ty = $init;
        }
        $crate::static_! { $($rest)* }
    };
}

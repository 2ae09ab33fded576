//! One body, every engine: a [`model!`] runs under loom (`--cfg counterpoint_loom`), under shuttle
//! (`--cfg counterpoint_shuttle`) and on plain threads.
//!
//! ```text
//! RUSTFLAGS="--cfg counterpoint_loom" cargo test -p counterpoint-model --release --target-dir target/loom
//! ```

pub mod exchanger;

pub use counterpoint_base::prim::{Branch, Check, check, choose};

/// Fewer executions than this explore nothing.
const LEAST: u64 = 50;

/// Runs a model; called by [`model!`].
///
/// # Panics
/// If the model fails, or explores fewer than 50 executions.
pub fn run(how: &Check, body: impl Fn() + Send + Sync + 'static) {
    let executions = check(how, body);
    assert!(
        executions >= LEAST,
        "{}: only {executions} executions explore nothing",
        how.name
    );
}

/// Declares a test that runs its body in every schedule.
///
/// ```
/// use counterpoint_model::{Branch, model};
/// model! {
///     /// Two threads count to two.
///     fn both_count(preemptions: None, branches: [Branch::SpuriousWake]) {
///         // threads, atomics and cells from `counterpoint_base::prim`
///     }
/// }
/// ```
#[macro_export]
macro_rules! model {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($option:ident: $value:tt $(($($inner:tt)*))?),* $(,)?) $body:block
    )*) => {$(
        $(#[$meta])*
        #[test]
        fn $name() {
            #[allow(unused_mut, reason = "not every model sets an option")]
            let mut how = $crate::Check::new(stringify!($name));
            $($crate::__set!(how, $option, $value $(($($inner)*))?);)*
            $crate::run(&how, || $body);
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __set {
    ($how:ident, branches, [$($branch:expr),*]) => { $how.branches = &[$($branch),*] };
    ($how:ident, $option:ident, $($value:tt)*) => { $how.$option = $($value)* };
}

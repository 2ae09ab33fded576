//! What one thread is bound to says nothing about the others. A process of its own, since the
//! number is read once.
#![cfg(all(
    target_os = "linux",
    not(any(counterpoint_loom, counterpoint_shuttle, miri))
))]

use counterpoint_base::prim::thread::parallelism;

#[test]
fn a_bound_thread_that_asks_first_does_not_decide() {
    let allowed = std::thread::available_parallelism().unwrap().get();
    let bound = std::thread::spawn(|| {
        // SAFETY: a set of bits, for which zero is a value.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: reads this thread's set into a set of that size.
        unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
        // SAFETY: reads the set.
        let first = (0..1024).find(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) });
        // SAFETY: as above.
        let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: sets a bit that exists.
        unsafe { libc::CPU_SET(first.expect("it runs somewhere"), &mut one) };
        // SAFETY: binds this thread to a processor it may use.
        unsafe { libc::sched_setaffinity(0, size_of_val(&one), &raw const one) };
        (
            std::thread::available_parallelism().unwrap().get(),
            parallelism(),
        )
    });
    let (this, process) = bound.join().unwrap();
    assert_eq!(this, 1, "the thread is bound");
    assert_eq!(process, allowed);
    assert_eq!(parallelism(), allowed);
}

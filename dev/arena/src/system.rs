//! What only the system knows: processors, processor time, who else uses them.
//!
//! Written for Linux. Elsewhere nothing is pinned and nothing is known of others.

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

/// Processor time and context switches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Nanoseconds.
    pub(crate) cpu: u64,
    pub(crate) switches: u64,
}

impl Usage {
    /// Of this process, with threads that have ended.
    pub(crate) fn of_process() -> Usage {
        Usage::read(libc::CLOCK_PROCESS_CPUTIME_ID, libc::RUSAGE_SELF)
    }

    /// Of the calling thread.
    pub(crate) fn of_thread() -> Usage {
        #[cfg(target_os = "linux")]
        let who = libc::RUSAGE_THREAD;
        #[cfg(not(target_os = "linux"))]
        let who = libc::RUSAGE_SELF;
        Usage::read(libc::CLOCK_THREAD_CPUTIME_ID, who)
    }

    /// What came on top of `before`.
    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage {
            cpu: self.cpu.saturating_sub(before.cpu),
            switches: self.switches.saturating_sub(before.switches),
        }
    }

    fn read(clock: libc::clockid_t, who: libc::c_int) -> Usage {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `time` outlives the call.
        unsafe { libc::clock_gettime(clock, &mut time) };
        let usage = resources(who);
        Usage {
            cpu: time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64,
            switches: (usage.ru_nvcsw + usage.ru_nivcsw) as u64,
        }
    }
}

fn resources(who: libc::c_int) -> libc::rusage {
    // SAFETY: all zeros is a value of this plain C structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` outlives the call.
    unsafe { libc::getrusage(who, &mut usage) };
    usage
}

/// Seconds of processor time that this process and its ended children have used.
fn own_seconds() -> f64 {
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let of = |who| {
        let usage = resources(who);
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    };
    of(libc::RUSAGE_SELF) + of(libc::RUSAGE_CHILDREN)
}

/// The processors this process may use.
pub(crate) static CORES: LazyLock<Vec<usize>> = LazyLock::new(|| {
    let found = allowed();
    if found.is_empty() { vec![0] } else { found }
});

#[cfg(target_os = "linux")]
fn allowed() -> Vec<usize> {
    // SAFETY: all zeros is the empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set outlives the call and has the size that is given.
    let failed = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
    if failed != 0 {
        return Vec::new();
    }
    // SAFETY: the number is below the size of the set.
    let has = |core: &usize| unsafe { libc::CPU_ISSET(*core, &set) };
    (0..libc::CPU_SETSIZE as usize).filter(has).collect()
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Vec<usize> {
    (0..std::thread::available_parallelism().map_or(1, usize::from)).collect()
}

/// Keeps the calling thread, and threads it will start, on one processor: the `index`-th of
/// [`CORES`], counted round. Where that is refused, the thread stays free.
pub(crate) fn pin(index: usize) {
    let core = CORES[index % CORES.len()];
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all zeros is the empty set.
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the number came from a set of this size.
        unsafe { libc::CPU_SET(core, &mut set) };
        // SAFETY: the set outlives the call and has the size that is given.
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

/// Keeps the calling thread, which runs alone, on the processor that interrupts use least: the
/// last one.
pub(crate) fn pin_alone() {
    pin(CORES.len() - 1);
}

/// How fast this processor is just now: steps of a fixed piece of work in a nanosecond.
///
/// On rented machines a processor is often half of a real one, and slows down by a third and more
/// while a stranger uses the other half. No counter of the system shows that; work that keeps all
/// units of a processor busy does.
pub(crate) fn speed() -> f64 {
    const STEPS: u64 = 12_000;
    let once = || {
        let mut lanes = std::hint::black_box([1u64, 3, 5, 7, 9, 11]);
        let begun = Instant::now();
        for step in 0..STEPS {
            for lane in &mut lanes {
                *lane = (*lane ^ step).rotate_left(7).wrapping_add(*lane);
            }
        }
        let took = begun.elapsed().as_nanos().max(1) as f64;
        std::hint::black_box(lanes);
        STEPS as f64 / took
    };
    // The better of two: an interrupt is no neighbour.
    (0..2).map(|_| once()).fold(0.0, f64::max)
}

/// How the processors spent their time since boot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Ticks of all kinds, of all processors.
    total: f64,
    busy: f64,
    /// Ticks in which the host ran someone else.
    stolen: f64,
    /// Seconds used by us.
    own: f64,
    at: Instant,
}

/// A row in which others took more than this part of the processors is measured again.
const FOREIGN: f64 = 0.05;

/// The same for what the host gave to someone else.
const STOLEN: f64 = 0.02;

/// The same for how much slower the processors were than at their best.
pub(crate) const SLOWER: f64 = 0.12;

/// What others took while a row was measured, as parts of all processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    pub(crate) foreign: f64,
    pub(crate) stolen: f64,
    /// How much slower than at its best in this run a processor was; not known to the system.
    pub(crate) slower: f64,
}

impl Others {
    /// True if nobody disturbed.
    pub(crate) fn are_quiet(self) -> bool {
        self.foreign <= FOREIGN && self.stolen <= STOLEN && self.slower <= SLOWER
    }

    /// All of it in one number, to tell the best of several attempts.
    pub(crate) fn sum(self) -> f64 {
        self.foreign + self.stolen + self.slower
    }
}

impl std::fmt::Display for Others {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "others took {:.0} % of the processors, the host {:.0} %, and they were {:.0} % slower \
             than at their best",
            self.foreign * 100.0,
            self.stolen * 100.0,
            self.slower * 100.0
        )
    }
}

impl Times {
    /// As they are now; none where the system does not tell.
    pub(crate) fn now() -> Option<Times> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let (total, busy, stolen) = ticks(text.lines().next()?)?;
        Some(Times {
            total,
            busy,
            stolen,
            own: own_seconds(),
            at: Instant::now(),
        })
    }

    /// What others took since then.
    pub(crate) fn others_since(self, before: Times) -> Others {
        let total = (self.total - before.total).max(1.0);
        let seconds = (self.at - before.at).as_secs_f64() * CORES_ONLINE.max(1.0);
        // The length of a tick, from the clock: no constant to get wrong.
        let tick = seconds / total;
        let own = (self.own - before.own) / tick;
        Others {
            foreign: ((self.busy - before.busy - own) / total).max(0.0),
            stolen: (self.stolen - before.stolen) / total,
            slower: 0.0,
        }
    }
}

static CORES_ONLINE: LazyLock<f64> = LazyLock::new(|| {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let each = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("cpu"));
    each.count() as f64
});

/// Total, busy and stolen ticks in the first line of `/proc/stat`.
fn ticks(line: &str) -> Option<(f64, f64, f64)> {
    // user nice system idle iowait irq softirq steal; guests are part of user already.
    let fields = line.strip_prefix("cpu ")?.split_whitespace().take(8);
    let values: Vec<f64> = fields.map(|field| field.parse().unwrap_or(0.0)).collect();
    let [user, nice, system, idle, waiting, hard, soft, stolen] = values.as_slice() else {
        return None;
    };
    let busy = user + nice + system + hard + soft;
    Some((busy + idle + waiting + stolen, busy, *stolen))
}

/// The machine in a line.
pub(crate) fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name"));
    let model = model
        .and_then(|line| line.split(": ").nth(1))
        .unwrap_or(std::env::consts::ARCH);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = CORES.len();
    format!(
        "{model}, {cores} cores, {} {}",
        std::env::consts::OS,
        kernel.trim()
    )
}

/// A counter that is cheap to read.
#[inline(always)]
pub(crate) fn counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has the instruction.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn the_first_line_of_stat_is_understood() {
        let (total, busy, stolen) = ticks("cpu  10 1 20 100 5 2 3 4 9 9").unwrap();
        assert_eq!((total, busy, stolen), (145.0, 36.0, 4.0));
        assert!(ticks("intr 1 2 3").is_none());
    }
}

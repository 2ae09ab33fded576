//! The page: what is fixed in it, and its tables.

/// In place of a figure.
pub(super) const NOT_COUNTED: &str = "–";

/// In place of a result.
pub(super) const NOT_RUN: &str = "not run";

/// The page's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// Class, fault, tool, tests, verdict.
    pub(super) planted: Vec<Vec<String>>,
    /// Peer, what, passed, result.
    pub(super) peers: Vec<Vec<String>>,
    /// Sanitizer, what, count, result.
    pub(super) sanitizers: Vec<Vec<String>>,
    /// Shape, engine, runs, result.
    pub(super) litmus: Vec<Vec<String>>,
}

/// A primitive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) models: String,
    pub(super) executions: String,
    pub(super) schedules: String,
    pub(super) sites: String,
    pub(super) planted: String,
    pub(super) histories: String,
    pub(super) faults: String,
    pub(super) result: String,
}

const HEAD: &str = "\
# How this is proved

Written by `cargo xtask proof` from what the jobs of the gate and of the night counted when they last ran;
the gate looks whether it has this form and a row for every primitive. Do not edit it.

- **Models.** The same bodies run under loom (every schedule, or all with a bound on preemptions, with weak
  memory and with a branch for each deadline, spurious wake-up, failed exchange and dropped future), under
  shuttle (random schedules and PCT) and on plain threads.
- **Orderings.** Each one stronger than relaxed has a name. `killed` says for how many of them a model
  fails when that one is relaxed at run time; the list is `dev/model/sites.toml`, and the night goes
  through it.
- **Planted faults.** Mistakes put into a copy of the source, each to be found by the tool that should
  find it.
- **Histories.** What threads saw, judged by a sequential model: linearizable or not.
- **Faults.** A panic, a cancellation, a deadline, a failed allocation at each place where one can come.
  `callbacks` says how many pieces of the user's code panic in a test, of those that rustdoc lists; all
  have their row in `dev/stress/faults.toml`. Every waiting verb is dropped before each of its first
  eight polls, in every form, and is given times of nothing, past and without end; each of the first
  fifty allocations fails once, in a process of its own.

What is not proved:

- **Miri was not run.** It needs a nightly toolchain, and everything here runs on stable. In its place:
  loom's checked cells, AddressSanitizer and LeakSanitizer with random pauses, ThreadSanitizer, pointers
  in place of `&mut` for whatever another thread may see, one operation in each `unsafe` block. The
  tests scale down under `cfg(miri)` for those who have it. Mistakes against the aliasing rules that no
  compiler exploits today would go unnoticed.
- **ThreadSanitizer does not know fences.** Under `cfg(tsan)` a fence is a read-modify-write of a shared
  word, which orders more than the fence does. So what rests on fences alone is shown by loom, by the
  litmus tests and by AddressSanitizer, and not by ThreadSanitizer.
- **Light and heavy fences** rest on what the kernel promises of `membarrier`, and on litmus tests. The
  models take both for full fences.
- loom does not try everything: it never lets a load see a store that comes later in every order, and
  models are small. Shuttle knows no weak memory.
";

const PRIMITIVES: (&str, &[&str]) = (
    "Primitives",
    &[
        "primitive",
        "models",
        "loom executions",
        "shuttle schedules",
        "orderings killed",
        "planted faults",
        "histories",
        "callbacks",
        "last result",
    ],
);
const PLANTED: (&str, &[&str]) = (
    "Planted faults",
    &["class", "fault", "tool", "test", "last verdict"],
);
const PEERS: (&str, &[&str]) = (
    "Peers' published tests and examples, run against counterpoint",
    &["peer", "what", "passed", "last result"],
);
const SANITIZERS: (&str, &[&str]) = ("Sanitizers", &["sanitizer", "what", "count", "last result"]);
const LITMUS: (&str, &[&str]) = ("Litmus shapes", &["shape", "where", "runs", "last result"]);

impl Page {
    /// Takes what was not counted anew from an earlier page.
    pub(super) fn keep(&mut self, before: &Page) {
        for row in &mut self.rows {
            let Some(old) = before.rows.iter().find(|old| old.name == row.name) else {
                continue;
            };
            let pairs = [
                (&mut row.executions, &old.executions),
                (&mut row.schedules, &old.schedules),
                (&mut row.histories, &old.histories),
                (&mut row.faults, &old.faults),
            ];
            for (new, old) in pairs {
                if new == NOT_COUNTED {
                    new.clone_from(old);
                }
            }
            if row.result == NOT_RUN {
                let half = row.executions == NOT_COUNTED || row.schedules == NOT_COUNTED;
                row.result = if half { NOT_RUN } else { &old.result }.to_owned();
                if row.result == NOT_RUN && !half {
                    // One half ran today, the other before.
                    row.result = "ok".to_owned();
                }
            }
        }
        for row in &mut self.planted {
            let same = |old: &&Vec<String>| old.get(1) == row.get(1);
            let old = before.planted.iter().find(same).and_then(|old| old.last());
            match (row.last_mut(), old) {
                (Some(verdict), Some(old)) if verdict == NOT_RUN => verdict.clone_from(old),
                _ => {}
            }
        }
        let tables = [
            (&mut self.peers, &before.peers),
            (&mut self.sanitizers, &before.sanitizers),
            (&mut self.litmus, &before.litmus),
        ];
        for (new, old) in tables {
            let missing = |row: &&Vec<String>| !new.iter().any(|known| known[..2] == row[..2]);
            let kept: Vec<Vec<String>> = old.iter().filter(missing).cloned().collect();
            new.extend(kept);
            new.sort();
        }
    }

    /// The text.
    pub(super) fn render(&self) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(Row::cells).collect();
        let mut text = HEAD.to_owned();
        section(&mut text, PRIMITIVES, &rows);
        section(&mut text, PLANTED, &self.planted);
        section(&mut text, PEERS, &self.peers);
        section(&mut text, SANITIZERS, &self.sanitizers);
        section(&mut text, LITMUS, &self.litmus);
        text
    }

    /// Reads the figures of a text that [`render`](Self::render) may have made.
    pub(super) fn parse(text: &str) -> Page {
        let table = |(title, head): (&str, &[&str])| -> Vec<Vec<String>> {
            let mut lines = text
                .lines()
                .skip_while(|line| *line != format!("## {title}"));
            lines.next();
            let lines = lines.take_while(|line| !line.starts_with("## "));
            let cells = |line: &str| -> Option<Vec<String>> {
                let inner = line.strip_prefix("| ")?.strip_suffix(" |")?;
                let cells: Vec<String> = inner.split(" | ").map(str::to_owned).collect();
                (cells.len() == head.len()).then_some(cells)
            };
            lines.filter_map(cells).skip(1).collect()
        };
        Page {
            rows: table(PRIMITIVES)
                .iter()
                .map(|cells| Row::of(cells))
                .collect(),
            planted: table(PLANTED),
            peers: table(PEERS),
            sanitizers: table(SANITIZERS),
            litmus: table(LITMUS),
        }
    }
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let cells = [
            &self.name,
            &self.models,
            &self.executions,
            &self.schedules,
            &self.sites,
            &self.planted,
            &self.histories,
            &self.faults,
            &self.result,
        ];
        cells.map(String::clone).to_vec()
    }

    fn of(cells: &[String]) -> Row {
        let cell = |index: usize| cells.get(index).cloned().unwrap_or_default();
        Row {
            name: cell(0),
            models: cell(1),
            executions: cell(2),
            schedules: cell(3),
            sites: cell(4),
            planted: cell(5),
            histories: cell(6),
            faults: cell(7),
            result: cell(8),
        }
    }
}

/// A heading and its table, or that there are no figures yet.
fn section(text: &mut String, (title, head): (&str, &[&str]), rows: &[Vec<String>]) {
    text.push_str(&format!("\n## {title}\n\n"));
    if rows.is_empty() {
        text.push_str("Not run yet.\n");
        return;
    }
    text.push_str(&format!("| {} |\n", head.join(" | ")));
    text.push_str(&format!("|{}\n", "---|".repeat(head.len())));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
}

//! The progress bar.

use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{spinner:.cyan} {bar:32.cyan/dim} {pos}/{len} {msg} {eta:>4}";

/// A bar on the terminal, hidden where standard error is none. It is drawn between measurements
/// only: a thread of its own would disturb them.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(steps: u64) -> Bar {
        let bar = ProgressBar::new(steps);
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is correct");
        bar.set_style(style.progress_chars("━╸─"));
        Bar(bar)
    }

    pub(crate) fn show(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    pub(crate) fn step(&self) {
        // A row that is measured again needs more steps than were planned.
        if self.0.position() + 1 >= self.0.length().unwrap_or(0) {
            self.0.inc_length(1);
        }
        self.0.inc(1);
    }

    /// Prints to the standard output, above the bar.
    pub(crate) fn print(&self, text: &str) {
        self.0.suspend(|| print!("{text}"));
    }

    pub(crate) fn finish(self) {
        self.0.finish_and_clear();
    }
}

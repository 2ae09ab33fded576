//! The progress bar.

use atlas::engine::Progress;
use atlas::format::{number, size};
use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{spinner:.cyan} {bar:32.cyan/dim} {msg}";

/// A bar on the terminal, if there is one to draw on.
#[derive(Debug)]
pub(crate) struct Bar(Option<(ProgressBar, std::time::Instant)>);

impl Bar {
    /// Shows nothing when not `wanted`; indicatif hides it when standard error
    /// is no terminal.
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template(TEMPLATE).expect("the template is correct");
            bar.set_style(style.progress_chars("━╸─"));
            (bar, std::time::Instant::now())
        }))
    }

    /// Draws how far the engine is.
    pub(crate) fn show(&mut self, progress: Progress) {
        let Some((bar, begun)) = &self.0 else { return };
        bar.set_length(progress.found_bytes);
        bar.set_position(progress.done_bytes);
        let speed = progress.done_bytes as f64 / begun.elapsed().as_secs_f64() / 1048576.0;
        bar.set_message(format!(
            "{} of {} files · {} · {speed:.0} MiB/s",
            number(progress.done_files),
            number(progress.found_files),
            size(progress.done_bytes),
        ));
        bar.tick();
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some((bar, _)) = self.0 {
            bar.finish_and_clear();
        }
    }
}

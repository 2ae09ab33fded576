//! A rustc that has the sources of its std, so that cargo can build that std with a sanitizer.
//!
//! The toolchains of rustup come without. Debian's packages `rustc-web`, `rust-web-src` and
//! `libstd-rust-web-dev` have them; the runtime of the sanitizer and the linker come from rustup's.
//! The GNU linker fails on the runtime's versioned symbols.

use super::MACHINE;
use crate::command::Command;
use std::env;
use std::path::{Path, PathBuf};

/// What to say if there is none.
const MISSING: &str = "needs a rustc with the sources of its std (on Debian: `apt-get install \
                       rustc-web rust-web-src libstd-rust-web-dev`, 1.85 or later).";

/// The toolchain.
pub(super) struct Instrumented {
    rustc: PathBuf,
    runtime: PathBuf,
    linkers: PathBuf,
}

impl Instrumented {
    /// Looks through the search path; an error says in a sentence what is missing.
    pub(super) fn find() -> Result<Instrumented, String> {
        let usual = sysroot(Path::new("rustc")).ok_or("needs rustc.")?;
        let machine = usual.join("lib/rustlib").join(MACHINE);
        let runtime = std::fs::read_dir(machine.join("lib"))
            .map_err(|error| format!("{} cannot be read: {error}.", machine.display()))?
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with("_rt.tsan.a"))
            .ok_or("needs the sanitizers' runtimes that rustup's toolchains bring.")?;
        let search = env::var_os("PATH").unwrap_or_default();
        let rustc = env::split_paths(&search)
            .map(|folder| folder.join("rustc"))
            .filter(|rustc| rustc.is_file())
            .find(|rustc| {
                let library = "lib/rustlib/src/rust/library/std/Cargo.toml";
                sysroot(rustc).is_some_and(|root| root.join(library).is_file())
            })
            .ok_or(MISSING)?;
        Ok(Instrumented {
            rustc,
            runtime,
            linkers: machine.join("bin/gcc-ld"),
        })
    }

    /// Has `cargo` build everything, std included, with this compiler and these flags.
    pub(super) fn apply(&self, command: Command, flags: &str) -> Command {
        let flags = format!(
            "{flags} -Zexternal-clangrt -Clink-arg=-B{} -Clink-arg=-fuse-ld=lld \
             -Clink-arg=-Wl,--whole-archive -Clink-arg={} -Clink-arg=-Wl,--no-whole-archive \
             -Clink-arg=-Wl,--export-dynamic -Clink-arg=-lstdc++ -Clink-arg=-lm",
            self.linkers.display(),
            self.runtime.display()
        );
        command
            .arguments(&["-Zbuild-std"])
            .variable("RUSTC", &self.rustc.display().to_string())
            .variable("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback")
            .rustflags(&flags)
    }
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::program(rustc).arguments(&["--print", "sysroot"]);
    let output = output.capture().ok()?.checked().ok()?;
    Some(PathBuf::from(output.text.trim()))
}

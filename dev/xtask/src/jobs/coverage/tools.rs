//! LLVM's `llvm-profdata` and `llvm-cov`, of the version that this rustc writes for.
//!
//! rustup has them as the component `llvm-tools`, beside rustc; systems in packages whose programs
//! may end in a version. An older version does not read what a newer one writes.

use crate::command::Command;
use crate::job::Context;
use std::env;
use std::path::{Path, PathBuf};

/// The tools.
#[derive(Debug)]
pub(super) struct Tools {
    profdata: PathBuf,
    cov: PathBuf,
    /// The machine that rustc runs on, by its name among the targets.
    pub(super) machine: String,
}

impl Tools {
    /// Looks beside rustc and through the search path.
    pub(super) fn find() -> Result<Tools, String> {
        let rustc = |argument: &str| -> Result<String, String> {
            let command = Command::program(Path::new("rustc")).arguments(&[argument]);
            Ok(command.capture()?.checked()?.text)
        };
        let version = rustc("-vV")?;
        let (machine, llvm) = about(&version)?;
        let sysroot = PathBuf::from(rustc("--print=sysroot")?.trim());
        let beside = sysroot.join("lib/rustlib").join(&machine).join("bin");
        let search = env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = env::split_paths(&search).collect();
        let tool = |name: &str| {
            let plain = beside.join(name);
            let numbered = || {
                path.iter()
                    .map(|folder| folder.join(format!("{name}-{llvm}")))
            };
            std::iter::once(plain)
                .chain(numbered())
                .find(|tool| tool.is_file())
                .ok_or_else(|| {
                    format!(
                        "{name} of LLVM {llvm} is not there, and no other reads what this rustc \
                         writes. Either `rustup component add llvm-tools`, or on Debian `apt-get \
                         install llvm-{llvm}`."
                    )
                })
        };
        Ok(Tools {
            profdata: tool("llvm-profdata")?,
            cov: tool("llvm-cov")?,
            machine,
        })
    }

    /// Merges what the tests have left in `folder/raw`.
    pub(super) fn merge(&self, context: &Context, folder: &Path) -> Result<PathBuf, String> {
        let merged = folder.join("merged.profdata");
        // A test may have killed a process while it wrote.
        let merge = Command::program(&self.profdata).arguments(&[
            "merge",
            "--sparse",
            "--failure-mode=all",
            "--output",
            &merged.display().to_string(),
            &folder.join("raw").display().to_string(),
        ]);
        context.logged(merge)?.run()?.checked()?;
        Ok(merged)
    }

    /// What was counted in a program, as JSON, for the files of `crates/` only.
    pub(super) fn export(
        &self,
        context: &Context,
        merged: &Path,
        program: &Path,
    ) -> Result<String, String> {
        let export = Command::program(&self.cov).arguments(&[
            "export",
            "--skip-functions",
            "--skip-expansions",
            &format!("--instr-profile={}", merged.display()),
            &program.display().to_string(),
            "--sources",
            &context.repo.path("crates").display().to_string(),
        ]);
        Ok(export.capture()?.checked()?.text)
    }
}

/// The machine and the number of LLVM, from what `rustc -vV` prints.
pub(super) fn about(version: &str) -> Result<(String, u32), String> {
    let line = |key: &str| {
        let mut lines = version.lines();
        lines.find_map(|line| line.strip_prefix(key))
    };
    let machine = line("host: ").ok_or("rustc does not say for which machine it is.")?;
    let llvm = line("LLVM version: ").and_then(|version| version.split('.').next()?.parse().ok());
    let llvm = llvm.ok_or("rustc does not say which LLVM it has.")?;
    Ok((machine.to_owned(), llvm))
}

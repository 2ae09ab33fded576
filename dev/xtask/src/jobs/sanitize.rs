//! `asan` and `tsan`: the tests of the lower rooms under a sanitizer, on the stable toolchain.
//!
//! The standard library comes prebuilt and not instrumented, so ThreadSanitizer needs a few
//! suppressions; `dev/xtask/tsan.supp` says which and why no more.

use crate::job::Context;
use crate::jobs::jitter::PACKAGES;
use crate::test_build::{TestBuild, parse_runs};

/// The only machines that the prebuilt runtimes serve here.
const MACHINE: &str = "x86_64-unknown-linux-gnu";

/// Memory errors and leaks.
pub(crate) fn address(context: &Context) -> Result<String, String> {
    sanitize(context, "asan", "-Zsanitizer=address", None)
}

/// Data races.
pub(crate) fn thread(context: &Context) -> Result<String, String> {
    let suppressions = context.repo.path("dev/xtask/tsan.supp");
    let options = format!("suppressions={}", suppressions.display());
    sanitize(
        context,
        "tsan",
        "-Zsanitizer=thread --cfg tsan",
        Some(("TSAN_OPTIONS", &options)),
    )
}

fn sanitize(
    context: &Context,
    folder: &str,
    flags: &str,
    options: Option<(&str, &str)>,
) -> Result<String, String> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(format!("skipped: it needs {MACHINE}"));
    }
    let build = TestBuild {
        root: context.repo.root().to_owned(),
        packages: PACKAGES.iter().map(|name| (*name).to_owned()).collect(),
        release: false,
        flags: format!("{flags} -Cunsafe-allow-abi-mismatch=sanitizer"),
        target: Some(context.workspace()?.target.join(folder)),
    };
    let arguments = ["--tests", "--no-fail-fast", "--target", MACHINE];
    let mut command = build
        .command(context, &arguments)?
        .variable("RUSTC_BOOTSTRAP", "1");
    if let Some((key, value)) = options {
        command = command.variable(key, value);
    }
    let output = command.run()?.checked()?;
    let tests: usize = parse_runs(&output.text).iter().map(|ran| ran.tests).sum();
    Ok(format!("{tests} tests"))
}

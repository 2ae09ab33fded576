//! `peers`: the published tests and documentation examples of peers, run against counterpoint.
//!
//! `dev/peers/record.toml` lists the peers and how many of their tests are known to run; README.md
//! beside it says what its keys mean. A peer's package is fetched at run time and its tests are
//! copied below the target folder, where they meet a stand-in with the peer's name.

mod record;

use crate::command::{Command, Ending};
use crate::job::Context;
use crate::jobs::proof::Proof;
use crate::report::table;
use crate::test_build::TestBuild;
use record::Peer;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the peers are listed.
const LIST: &str = "dev/peers/record.toml";

/// A suite that takes longer does not belong into the gate.
const GATE_SECONDS: u64 = 60;

/// A test binary of a peer that runs for so long hangs.
const LIMIT: Duration = Duration::from_secs(600);

/// At most so many of a hundred tests may be excepted.
const EXCEPTED_PERCENT: usize = 3;

/// How the tests of a suite ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: Vec<String>,
    failed: Vec<String>,
}

/// Runs the job.
pub(crate) fn run(context: &Context) -> Result<String, String> {
    let text = context
        .repo
        .text(LIST)
        .ok_or_else(|| format!("{LIST} cannot be read."))?;
    let mut peers = record::parse(&text).map_err(|why| format!("{LIST}: {why}"))?;
    let only = &context.options.only;
    if let Some(name) = only
        .iter()
        .find(|name| !peers.iter().any(|peer| peer.name == **name))
    {
        return Err(format!("There is no peer `{name}` in {LIST}."));
    }
    peers.retain(|peer| peer.gate || !context.options.short);
    peers.retain(|peer| only.is_empty() || only.contains(&peer.name));
    let proof = Proof::more(context, "peers")?;
    let (mut rows, mut problems, mut total) = (Vec::new(), Vec::new(), 0);
    for peer in &peers {
        problems.extend(unfounded(context, peer));
        let started = Instant::now();
        match suite(context, peer) {
            Err(why) => problems.push(format!("{} {}: {why}", peer.name, peer.version)),
            Ok((tests, examples)) => {
                let judged = judge(peer, context.options.short, &tests, &examples);
                let seconds = started.elapsed().as_secs();
                if peer.gate && context.options.short && seconds > 3 * GATE_SECONDS {
                    problems.push(format!(
                        "{}: took {seconds} seconds. Give it `place = \"night\"`.",
                        peer.name
                    ));
                }
                total += judged.passed;
                rows.push(row(peer, &judged, tests.passed.len(), seconds));
                let result = if judged.problems.is_empty() {
                    "ok"
                } else {
                    "FAILED"
                };
                let words = format!("{} {}", peer.name, peer.version);
                proof.tell(&words, "published tests", judged.passed as u64, result)?;
                problems.extend(judged.problems);
            }
        }
        for (piece, reason) in &peer.without {
            println!("    {}: not stood in for: {piece} ({reason})", peer.name);
        }
        for known in &peer.exceptions {
            let (test, reason, ours) = (&known.test, &known.reason, &known.ours);
            println!("    {}: excepted: {test}: {reason}; see {ours}", peer.name);
        }
    }
    let head = [
        "peer", "version", "passed", "failed", "excepted", "tests", "examples", "seconds",
    ];
    println!("{}", table(&head, &rows));
    match problems.is_empty() {
        true => Ok(format!(
            "{total} tests and examples of {} peers",
            peers.len()
        )),
        false => Err(problems.join("\n")),
    }
}

/// What is to be said about a suite.
#[derive(Debug, Default, PartialEq, Eq)]
struct Judged {
    passed: usize,
    failed: usize,
    excepted: usize,
    problems: Vec<String>,
}

/// Compares what ran with the record.
fn judge(peer: &Peer, short: bool, tests: &Tally, examples: &Tally) -> Judged {
    let name = &peer.name;
    let mut judged = Judged::default();
    let hanging = peer.exceptions.iter().filter(|known| known.hangs).count();
    judged.excepted = hanging;
    let failed: Vec<&String> = tests.failed.iter().chain(&examples.failed).collect();
    judged.passed = tests.passed.len() + examples.passed.len();
    for test in &failed {
        if peer.exceptions.iter().any(|known| known.test == **test) {
            judged.excepted += 1;
        } else {
            judged.failed += 1;
            judged.problems.push(format!("{name}: `{test}` fails."));
        }
    }
    for known in &peer.exceptions {
        if !known.hangs && !failed.contains(&&known.test) {
            let test = &known.test;
            judged.problems.push(format!(
                "{name}: `{test}` is excepted but does not fail. Take it out of {LIST}."
            ));
        }
    }
    let all = judged.passed + failed.len() + hanging;
    if peer.exceptions.len() * 100 > all * EXCEPTED_PERCENT {
        judged.problems.push(format!(
            "{name}: {} of {all} are excepted; {EXCEPTED_PERCENT} of 100 are allowed.",
            peer.exceptions.len()
        ));
    }
    let left_out: usize = peer.dear.iter().map(|(_, tests)| tests).sum();
    let left_out = hanging + if short { left_out } else { 0 };
    let counts = [
        ("tests", tests, peer.tests.saturating_sub(left_out)),
        ("examples", examples, peer.examples),
    ];
    for (what, tally, wanted) in counts {
        let ran = tally.passed.len() + tally.failed.len();
        if ran != wanted {
            judged.problems.push(format!(
                "{name}: {ran} {what} ran, {wanted} are on record in {LIST}. If more do now, record \
                 that; if fewer do, find out why."
            ));
        }
    }
    judged
}

/// Exceptions without a test of ours that exists.
fn unfounded(context: &Context, peer: &Peer) -> Vec<String> {
    let missing = |ours: &str| match ours.split_once("::") {
        Some((file, test)) => !context
            .repo
            .text(file)
            .is_some_and(|text| text.contains(&format!("fn {test}("))),
        None => true,
    };
    let wrong = peer.exceptions.iter().filter(|known| missing(&known.ours));
    wrong
        .map(|known| {
            format!(
                "{}: `{}` is excepted, but there is no test {} of ours. Write `file::test`.",
                peer.name, known.test, known.ours
            )
        })
        .collect()
}

fn row(peer: &Peer, judged: &Judged, tests: usize, seconds: u64) -> Vec<String> {
    vec![
        peer.name.clone(),
        peer.version.clone(),
        judged.passed.to_string(),
        judged.failed.to_string(),
        judged.excepted.to_string(),
        tests.to_string(),
        judged.passed.saturating_sub(tests).to_string(),
        seconds.to_string(),
    ]
}

/// Fetches a peer and runs its tests and its examples.
fn suite(context: &Context, peer: &Peer) -> Result<(Tally, Tally), String> {
    let work = context.workspace()?.target.join("peers");
    let package = fetch(context, &work, peer)?;
    let root = work.join(&peer.name);
    lay_out(context, peer, &package, &root)?;
    let build = TestBuild {
        root: root.clone(),
        packages: Vec::new(),
        release: false,
        flags: String::new(),
        target: Some(work.join("build")),
    };
    let mut tests = Tally::default();
    let hanging = peer.exceptions.iter().filter(|known| known.hangs);
    let mut skip = vec!["--exact"];
    skip.extend(hanging.flat_map(|known| ["--skip", known.test.as_str()]));
    for binary in build.build(context)? {
        let output = binary.run(&root, &skip, &[], LIMIT)?;
        if output.ending == Ending::TimedOut {
            return Err(format!("{} hangs.", binary.source.display()));
        }
        tests.read(&output.text);
        if output.ending != Ending::Success && tests.failed.is_empty() {
            return Err(output.checked().map_or_else(|why| why, |_| String::new()));
        }
    }
    let mut examples = Tally::default();
    if peer.sources.is_empty() {
        return Ok((tests, examples));
    }
    let output = build
        .command(context, &["--doc", "--no-fail-fast"])?
        .run()?;
    examples.read(&output.text);
    if output.ending != Ending::Success && examples.failed.is_empty() {
        output.checked()?;
    }
    Ok((tests, examples))
}

/// Has cargo fetch the published package; returns its folder.
fn fetch(context: &Context, work: &Path, peer: &Peer) -> Result<PathBuf, String> {
    let folder = work.join("fetch").join(&peer.name);
    let manifest = format!(
        "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[lib]\npath = \
         \"lib.rs\"\n[dependencies]\n{} = \"={}\"\n[workspace]\n",
        peer.name, peer.version
    );
    write(&folder.join("lib.rs"), "")?;
    write(&folder.join("Cargo.toml"), &manifest)?;
    let output = context
        .logged(Command::cargo(&["metadata", "--format-version", "1"]))?
        .directory(&folder)
        .capture()?
        .checked()?;
    let metadata: Value = serde_json::from_str(&output.text)
        .map_err(|error| format!("`cargo metadata` printed no JSON: {error}."))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == *peer.name && package["version"] == *peer.version)
        .find_map(|package| package["manifest_path"].as_str());
    let manifest = manifest.ok_or("cargo did not fetch it.")?;
    Ok(Path::new(manifest).parent().unwrap_or(work).to_owned())
}

/// Writes the package that holds the peer's tests, and its examples as pages of documentation.
fn lay_out(context: &Context, peer: &Peer, package: &Path, root: &Path) -> Result<(), String> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .map_err(|error| format!("{} cannot be read: {error}.", path.display()))
    };
    let _ = fs::remove_dir_all(root);
    let mut manifest = format!(
        "[package]\nname = \"peer-tests\"\nversion = \"0.0.0\"\nedition = \"{}\"\n\
         [dependencies]\n{} = {{ path = \"{}\" }}\n[dev-dependencies]\n",
        record::edition(&read(&package.join("Cargo.toml"))?),
        peer.name,
        context.repo.path("dev/peers").join(&peer.name).display()
    );
    for name in &peer.beside {
        let path = context.repo.path("dev/peers").join(name);
        manifest.push_str(&format!("{name} = {{ path = \"{}\" }}\n", path.display()));
    }
    for line in &peer.dev {
        manifest.push_str(&format!("{line}\n"));
    }
    manifest.push_str("[features]\n");
    manifest.push_str(&format!("default = {:?}\n", peer.features));
    for feature in &peer.features {
        manifest.push_str(&format!("{feature} = []\n"));
    }
    manifest.push_str("[workspace]\n");
    write(&root.join("Cargo.toml"), &manifest)?;
    for file in &peer.files {
        write(&root.join(file), &read(&package.join(file))?)?;
    }
    for source in &peer.units {
        let units = units(peer, context.options.short, &read(&package.join(source))?);
        let name = source.trim_start_matches("src/").replace('/', "_");
        write(&root.join("tests").join(name), &units)?;
    }
    let mut library = String::from("//! The examples in the peer's documentation.\n");
    for source in &peer.sources {
        let page = page(&read(&package.join(source))?);
        let name = source.trim_end_matches(".rs").replace(['/', '-'], "_");
        write(&root.join(format!("src/{name}.rs")), &page)?;
        library.push_str(&format!("pub mod {name};\n"));
    }
    write(&root.join("src/lib.rs"), &library)
}

/// The modules of tests of a source file, which reach the peer from outside.
fn units(peer: &Peer, short: bool, source: &str) -> String {
    let krate = format!("{}::", peer.name.replace('-', "_"));
    let dear = |name: &str| short && peer.dear.iter().any(|(module, _)| module == name);
    let mut units = String::new();
    let (mut marked, mut inside) = (false, false);
    for line in source.lines() {
        let name = line
            .strip_prefix("mod ")
            .and_then(|line| line.strip_suffix(" {"));
        if let Some(name) = name.filter(|name| marked && !dear(name)) {
            inside = true;
            units.push_str(&format!("mod {name} {{\n{}\n", peer.uses));
        } else if inside {
            let mut line = line.replace("crate::", &krate);
            for (theirs, ours) in &peer.swap {
                line = line.replace(theirs, ours);
            }
            units.push_str(&format!("{line}\n"));
            inside = line != "}";
        }
        marked = line == "#[cfg(test)]" || line.starts_with("#[cfg(all(test,");
    }
    units
}

/// The doc comments of a source file as one page, each on the line where it was.
fn page(source: &str) -> String {
    let line = |line: &str| {
        let text = line.trim_start();
        let doc = text.strip_prefix("//!").or_else(|| {
            text.strip_prefix("///")
                .filter(|rest| !rest.starts_with('/'))
        });
        match doc
            .or_else(|| attribute(text))
            .or_else(|| filled(source, text))
        {
            Some(doc) => format!("//!{doc}\n"),
            None => "//!\n".to_owned(),
        }
    };
    source.lines().map(line).collect()
}

/// The text of `#[cfg_attr(feature = "std", doc = "…")]`: features of peers are on.
fn attribute(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('#')?.trim_start_matches('!');
    let rest = rest.strip_prefix("[cfg_attr(feature = ")?;
    rest.split_once("doc = \"")?.1.strip_suffix("\")]")
}

/// The text of `#[doc = $example]` in a macro: what its first call puts there, which is the last
/// argument of `name!(…, "…");`.
fn filled<'s>(source: &'s str, line: &str) -> Option<&'s str> {
    line.strip_prefix("#[doc = $")?;
    let call = |line: &'s str| {
        let (name, rest) = line.split_once("!(")?;
        let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let rest = rest.strip_suffix("\");").filter(|_| is_name)?;
        Some(rest.split_once('"')?.1)
    };
    source.lines().find_map(call)
}

impl Tally {
    /// Reads the lines `test … ... ok` of a test binary.
    fn read(&mut self, text: &str) {
        for line in text.lines() {
            let Some(line) = line.strip_prefix("test ") else {
                continue;
            };
            if let Some((name, ending)) = line.rsplit_once(" ... ") {
                match ending {
                    "ok" => self.passed.push(name.to_owned()),
                    "FAILED" => self.failed.push(name.to_owned()),
                    _ => {}
                }
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{} cannot be written: {error}.", path.display()))
}

#[cfg(test)]
mod tests;

//! The workspace on disk: its root, its tracked files, its packages.

use crate::command::Command;
use crate::source::Source;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The workspace this program was built from.
pub(crate) struct Repo {
    root: PathBuf,
}

impl Repo {
    /// Finds the root: two folders above this package, or above the current folder if the
    /// program was moved.
    pub(crate) fn find() -> Result<Repo, String> {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let here =
            std::env::current_dir().map_err(|error| format!("No current folder: {error}."))?;
        let candidates = here.ancestors().chain([built.as_path()]);
        for folder in candidates {
            if folder.join("dev/xtask/Cargo.toml").is_file() {
                let root = folder
                    .canonicalize()
                    .map_err(|error| format!("The workspace root cannot be opened: {error}."))?;
                return Ok(Repo { root });
            }
        }
        Err("No workspace here: run `cargo xtask` inside a clone of the repository.".to_owned())
    }

    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the workspace.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The files git knows or would add, without ignored ones; sorted, with `/`.
    pub(crate) fn files(&self) -> Result<Vec<String>, String> {
        let output = Command::program(Path::new("git"))
            .arguments(&[
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .directory(&self.root)
            .capture()?
            .checked()?;
        let mut files: Vec<String> = output
            .text
            .split('\0')
            .filter(|path| !path.is_empty() && self.path(path).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The text of a file, or none if it is not there or not UTF-8.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path(path)).ok()
    }

    /// The tracked Rust files.
    pub(crate) fn sources(&self) -> Result<Vec<Source>, String> {
        let mut sources = Vec::new();
        for path in self.files()? {
            if !path.ends_with(".rs") {
                continue;
            }
            match self.text(&path) {
                Some(text) => sources.push(Source::new(&path, &text)),
                None => return Err(format!("{path} is not UTF-8: save it as UTF-8.")),
            }
        }
        Ok(sources)
    }

    /// What `cargo metadata` says about the members.
    pub(crate) fn workspace(&self) -> Result<Workspace, String> {
        let output = Command::cargo(&["metadata", "--format-version", "1", "--no-deps"])
            .directory(&self.root)
            .capture()?
            .checked()?;
        Workspace::parse(&output.text, &self.root)
    }
}

/// The members of the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) target: PathBuf,
}

/// A member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Folder from the workspace root, with `/`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// Feature → what it turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) has_library: bool,
    pub(crate) binaries: Vec<String>,
}

impl Package {
    /// True for a library crate of the product: it lives under `crates/`.
    pub(crate) fn is_room(&self) -> bool {
        self.folder.starts_with("crates/") && self.has_library
    }
}

/// An entry of a dependency table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only for tests and benchmarks.
    pub(crate) development: bool,
}

impl Workspace {
    /// The library crates of the product.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_room())
    }

    fn parse(json: &str, root: &Path) -> Result<Workspace, String> {
        let value: Value = serde_json::from_str(json)
            .map_err(|error| format!("`cargo metadata` printed no JSON: {error}."))?;
        let target = value["target_directory"].as_str().unwrap_or("target");
        let packages = list(&value["packages"]).map(|package| parse_package(package, root));
        Ok(Workspace {
            packages: packages.collect(),
            target: PathBuf::from(target),
        })
    }
}

fn parse_package(value: &Value, root: &Path) -> Package {
    let manifest = Path::new(value["manifest_path"].as_str().unwrap_or_default());
    let folder = manifest.parent().unwrap_or(manifest);
    let folder = folder.strip_prefix(root).unwrap_or(folder);
    let dependency = |entry: &Value| Dependency {
        name: text(&entry["name"]),
        development: entry["kind"].as_str() == Some("dev"),
    };
    let kinds = |target: &Value| -> Vec<String> { list(&target["kind"]).map(text).collect() };
    let is = |target: &Value, kind: &str| kinds(target).iter().any(|found| found == kind);
    let features = value["features"].as_object();
    Package {
        name: text(&value["name"]),
        folder: folder.to_string_lossy().replace('\\', "/"),
        dependencies: list(&value["dependencies"]).map(dependency).collect(),
        features: features
            .into_iter()
            .flatten()
            .map(|(name, parts)| (name.clone(), list(parts).map(text).collect()))
            .collect(),
        has_library: list(&value["targets"]).any(|target| is(target, "lib")),
        binaries: list(&value["targets"])
            .filter(|target| is(target, "bin"))
            .map(|target| text(&target["name"]))
            .collect(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

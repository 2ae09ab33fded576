//! Adapters stay what a README shows.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of an adapter.
const LIMIT: usize = 30;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn adapters_are_short() {
    let files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers"));
    let mut count = 0;
    for file in files {
        let text = fs::read_to_string(&file).expect("it can be read");
        let mut begun = None;
        for (number, line) in text.lines().enumerate() {
            if line.starts_with("impl") {
                begun = Some(number);
            }
            if let Some(first) = begun.filter(|_| line == "}") {
                let length = number + 1 - first;
                assert!(
                    length <= LIMIT,
                    "{}:{}: an adapter of {length} lines",
                    file.display(),
                    first + 1
                );
                begun = None;
                count += 1;
            }
        }
    }
    assert!(count > 20, "only {count} adapters found");
}

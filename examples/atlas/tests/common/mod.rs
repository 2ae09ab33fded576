//! What several tests share: generated trees and runs of the program.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod plain;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.arg("--no-progress");
    command
}

/// Runs the program on `tree` with `args`, its report beside the tree.
pub(crate) fn run(tree: &Path, args: &[&str]) -> Output {
    let html = beside(tree, "report.html");
    program()
        .arg(tree)
        .args(args)
        .arg("--html")
        .arg(html)
        .output()
        .expect("the program starts")
}

/// The program's JSON text for `tree`.
pub(crate) fn json_text(tree: &Path, args: &[&str]) -> String {
    let output = run(tree, &[&["--json", "-"], args].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}

/// The program's result for `tree`.
pub(crate) fn json(tree: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&json_text(tree, args)).expect("the program writes JSON")
}

/// A file next to the tree, not in it.
pub(crate) fn beside(tree: &Path, name: &str) -> PathBuf {
    tree.parent()
        .expect("trees stand in a directory")
        .join(name)
}

/// An empty tree in a temporary directory.
pub(crate) fn tree() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let tree = temp.path().join("tree");
    fs::create_dir(&tree).expect("a directory");
    (temp, tree)
}

/// Writes a file, making its directories.
pub(crate) fn write(tree: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = tree.join(name);
    fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
    fs::write(path, content).expect("a file");
}

/// Numbers that look random and are always the same.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX generator; its high bits are the good ones.
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const PIECES: [&str; 16] = [
    "let value_7 = compute(alpha, Beta, gamma);",
    "    return self.table[index]; // a comment with words",
    "/* a comment",
    "   that ends here */ after_it(1, 0x2f, x2)",
    "\"a string with words \\\" and a quote\" outside",
    "'\"' spoils_this_line only",
    "",
    "  \t ",
    "fn main() { println!(\"{}\", caf\u{e9}_name); }",
    "# hash comment or heading",
    "-- dashes",
    "\"\"\" docs \"\"\" beyond",
    "\u{65e5}\u{672c}\u{8a9e} text \u{20ac}",
    "{ pascal } (* ml *) {- haskell -} --[[ lua ]] shared_name",
    "a_very_long_identifier_that_is_nearly_as_long_as_a_line = another_long_one;",
    "back\\slash at the end \"of a string \\",
];

/// A text of `lines` lines with every kind of line ending.
pub(crate) fn text(numbers: &mut Numbers, lines: usize) -> String {
    let mut text = String::new();
    for _ in 0..lines {
        text += numbers.pick(&PIECES);
        text += if numbers.below(9) == 0 { "\r\n" } else { "\n" };
    }
    if numbers.below(3) == 0 {
        text += "no newline at the end";
    }
    text
}

const EXTENSIONS: [&str; 19] = [
    "rs", "c", "cpp", "py", "js", "lua", "hs", "pas", "ml", "sql", "vim", "sh", "md", "json",
    "toml", "txt", "html", "zzz", "RS",
];

/// Writes `count` mixed files: nested, some equal, some empty, some binary, some
/// in another encoding, some larger than a piece the program reads.
pub(crate) fn mixed(tree: &Path, count: usize, seed: u64) {
    let mut numbers = Numbers::new(seed);
    let mut before = String::from("the first content\n");
    for number in 0..count {
        let mut name = String::new();
        for _ in 0..numbers.below(4) {
            name += &format!("dir{}/", numbers.below(4));
        }
        name += &format!("file{number}.{}", numbers.pick(&EXTENSIONS));
        match numbers.below(12) {
            0 => write(tree, &name, &before),
            1 => write(tree, &name, ""),
            2 => write(tree, &name, [before.as_bytes(), b"\0\n\n"].concat()),
            3 => write(tree, &name, [b"caf\xe9 \n", before.as_bytes()].concat()),
            4 if number % 7 == 0 => write(tree, &name, text(&mut numbers, 30_000)),
            _ => {
                let lines = numbers.below(60);
                before = text(&mut numbers, lines);
                write(tree, &name, &before);
            }
        }
    }
}

//! `atlas`: a whole program, the example of that name, on any toolkit.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use atlas::engine::backend::{Backend, Token};
use atlas::engine::{self, Options};

use crate::book::{Book, Scenario, Subject};
use crate::sample::measure;
use crate::stats::Random;
use crate::system;

const TREE: &str = "atlas/tree";

const FILES: usize = 20_000;

pub(crate) fn enter(book: &mut Book) {
    book.scenario(
        Scenario::new(
            TREE,
            "maps 20,000 files; the twin differs in its toolkit alone: rayon, parking_lot, crossbeam",
        )
        .unit("ns/file")
        .at_least(FILES as u64)
        .waits()
        .beats(1.0, &[]),
    );
}

/// Enters a toolkit.
pub(crate) fn toolkit<B: Backend>(book: &mut Book, name: &'static str) {
    let start = || {
        let options = Options {
            paths: vec![tree().expect("the tree of files cannot be written")],
            threads: system::CORES.len(),
            ..Options::default()
        };
        // Both subjects of a pair run in one process; their first results have to be the same.
        same(&map::<B>(&options).to_json().to_string());
        move |ops: u64| {
            let count = ops.div_ceil(FILES as u64);
            measure(count * FILES as u64, || {
                for _ in 0..count {
                    let atlas = map::<B>(&options);
                    assert_eq!(atlas.files, FILES as u64, "files are missing");
                }
            })
        }
    };
    book.subject(TREE, Subject::new(name, start));
}

fn map<B: Backend>(options: &Options) -> atlas::report::Atlas {
    let mapped = engine::map::<B>(options, &B::Token::new(), &mut |_| ());
    mapped.unwrap_or_else(|nothing| panic!("{nothing}"))
}

fn same(result: &str) {
    static FIRST: OnceLock<String> = OnceLock::new();
    let first = FIRST.get_or_init(|| result.to_owned());
    assert_eq!(first, result, "the toolkits map the same tree differently");
}

/// The tree of files; written beside the program when it is not there yet.
fn tree() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().unwrap_or(Path::new("."));
    let (tree, done) = (folder.join("arena-tree"), folder.join("arena-tree.done"));
    // What is written depends on this file.
    let version = format!("{FILES} {}", PIECES.len());
    if fs::read_to_string(&done).is_ok_and(|written| written == version) {
        return Ok(tree);
    }
    let _ = fs::remove_dir_all(&tree);
    let mut random = Random::new(FILES as u64);
    for number in 0..FILES {
        let directory = tree.join(format!("d{}/e{}", number % 17, number % 23));
        fs::create_dir_all(&directory)?;
        let ending = ENDINGS[random.below(ENDINGS.len())];
        let mut file = fs::File::create(directory.join(format!("f{number}.{ending}")))?;
        let mut text = String::new();
        for _ in 0..10 + random.below(50) {
            let piece = PIECES[random.below(PIECES.len())];
            text += &piece.replace('@', &random.below(3_000).to_string());
            text.push('\n');
        }
        file.write_all(text.as_bytes())?;
    }
    fs::write(done, version)?;
    Ok(tree)
}

const ENDINGS: [&str; 6] = ["rs", "c", "py", "js", "md", "toml"];

/// Lines of the files; `@` becomes a number.
const PIECES: [&str; 10] = [
    "let value_@ = compute(alpha_@, beta, gamma);",
    "    return self.table_@[index]; // a comment with words",
    "/* a comment that ends here */ after_it(1, 0x2f, item_@)",
    "\"a string with words and a number @\" outside",
    "",
    "fn name_@() { println!(\"{}\", other); }",
    "# a heading, or a comment, number @",
    "    if (first_@ < second) { third += fourth; }",
    "}",
    "    // nothing but a comment",
];

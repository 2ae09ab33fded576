//! In which order things are done.

use super::*;

fn directory() -> Directory {
    Directory {
        path: Path::new("d").into(),
        canonical: None,
        is_root: false,
    }
}

fn batch() -> Batch {
    let file = |name: &str| FileEntry {
        name: name.into(),
        bytes: 1,
        inode: None,
    };
    Batch {
        directory: Path::new("d").into(),
        files: vec![file("a"), file("b")],
    }
}

/// What comes next, as letters: `d` a directory, `f` files.
fn order(queue: &mut Queue) -> String {
    let letter = |item| match item {
        Item::List(_) => 'd',
        Item::Read(_) => 'f',
    };
    std::iter::from_fn(|| queue.pop()).map(letter).collect()
}

#[test]
fn files_are_read_while_directories_are_listed() {
    let mut queue = Queue::default();
    queue.directories.extend((0..10).map(|_| directory()));
    queue.batches.extend((0..4).map(|_| batch()));
    queue.queued_files = 8;
    assert_eq!(order(&mut queue), "ddddfddddfddff");
    queue.directories.extend((0..10).map(|_| directory()));
    assert_eq!(order(&mut queue), "d".repeat(10), "with nothing to read");
}

#[test]
fn files_go_first_when_too_many_wait() {
    let mut queue = Queue::default();
    queue.directories.push(directory());
    queue.batches.extend((0..2).map(|_| batch()));
    queue.queued_files = QUEUED_FILES + 1;
    assert_eq!(order(&mut queue), "fdf");
}

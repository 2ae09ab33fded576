//! Files with the same content: the same size and the same 128-bit hash.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;

use crate::finding::FileRecord;
use crate::totals::bytes_of;

/// Files of one content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The size of each.
    pub bytes: u64,
    /// How many copies use space; names of one file count once.
    pub copies: u64,
    /// Where they are, in order.
    pub paths: Vec<PathBuf>,
}

impl Group {
    /// The space all copies but one use.
    pub fn wasted(&self) -> u64 {
        self.bytes * (self.copies - 1)
    }
}

/// All groups, most wasted space first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duplicates {
    /// The groups.
    pub groups: Vec<Group>,
    /// Copies beyond the first of each group.
    pub copies: u64,
    /// The space they use.
    pub wasted: u64,
}

/// Groups files by content. Empty files are not duplicates, and neither are
/// several names of one file.
pub(super) fn find(records: &[FileRecord]) -> Duplicates {
    let mut order: Vec<_> = records.iter().filter(|file| file.bytes > 0).collect();
    order.sort_unstable_by_key(|file| (file.bytes, file.hash));
    let same = |a: &&FileRecord, b: &&FileRecord| (a.bytes, a.hash) == (b.bytes, b.hash);
    let mut groups: Vec<_> = order.chunk_by(same).filter_map(group).collect();
    groups.sort_by(|a, b| {
        let key = |group: &Group| Reverse((group.wasted(), group.copies));
        key(a)
            .cmp(&key(b))
            .then_with(|| bytes_of(&a.paths[0]).cmp(bytes_of(&b.paths[0])))
    });
    Duplicates {
        copies: groups.iter().map(|group| group.copies - 1).sum(),
        wasted: groups.iter().map(Group::wasted).sum(),
        groups,
    }
}

fn group(files: &[&FileRecord]) -> Option<Group> {
    if files.len() < 2 {
        return None;
    }
    let linked: HashSet<_> = files.iter().filter_map(|file| file.inode).collect();
    let single = files.iter().filter(|file| file.inode.is_none()).count();
    let copies = (linked.len() + single) as u64;
    if copies < 2 {
        return None;
    }
    let mut paths: Vec<_> = files.iter().map(|file| file.path()).collect();
    paths.sort_unstable_by(|a, b| bytes_of(a).cmp(bytes_of(b)));
    Some(Group {
        bytes: files[0].bytes,
        copies,
        paths,
    })
}

//! The word of the read-write lock, bit by bit: who may come in, and what it is then. What the bits
//! mean to those who wait is in `raw.rs`.

pub(super) const WRITER: u32 = 1;
pub(super) const UPGRADABLE: u32 = 1 << 1;
pub(super) const WAITERS: u32 = 1 << 2;
pub(super) const BARRED: u32 = 1 << 3;
pub(super) const FAIR: u32 = 1 << 4;
pub(super) const STARVING: u32 = 1 << 5;
pub(super) const AWAKE: u32 = 1 << 6;
pub(super) const UPGRADING: u32 = 1 << 7;
pub(super) const STRICT: u32 = 1 << 8;
pub(super) const POISONED: u32 = 1 << 9;
pub(super) const READER: u32 = 1 << 10;
pub(super) const READERS: u32 = !(READER - 1);
pub(super) const FULL: u32 = 1 << 31;
/// A newcomer that reads looks closer if one of these is set.
pub(super) const SHUT: u32 = WRITER | BARRED | FAIR | FULL;

/// How many may read at once.
pub(super) const MAX_READERS: usize = (FULL / READER) as usize;

/// What one asks of the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To read.
    Read,
    /// To read, also where others who read are about to be followed by a writer.
    Recursive,
    /// To read, and perhaps to write later.
    Upgradable,
    /// To write.
    Write,
    /// To write, as the one upgradable reader.
    Upgrade,
}

impl Kind {
    /// Whether it wants the lock alone.
    pub(super) const fn is_alone(self) -> bool {
        matches!(self, Kind::Write | Kind::Upgrade)
    }

    /// Whether those who hold the lock let it in.
    #[inline(always)]
    pub(super) const fn fits(self, word: u32) -> bool {
        match self {
            Kind::Read | Kind::Recursive => word & (WRITER | FULL) == 0,
            Kind::Upgradable => word & (WRITER | FULL | UPGRADABLE) == 0,
            Kind::Write => word & (WRITER | READERS) == 0,
            Kind::Upgrade => word & READERS == READER,
        }
    }

    /// Whether it may come in without having waited.
    #[inline(always)]
    pub(super) const fn is_open(self, word: u32) -> bool {
        let readers = word & READERS != 0;
        // Beside the upgradable reader, with no writer in line: only those wait who want to be what
        // that one is, and one who reads is not in their way.
        let joins = word & (UPGRADABLE | BARRED) == UPGRADABLE;
        self.fits(word)
            && match self {
                Kind::Upgrade => true,
                Kind::Recursive if readers => true,
                Kind::Read if joins => true,
                _ if word & FAIR != 0 => false,
                Kind::Write => true,
                Kind::Read | Kind::Recursive | Kind::Upgradable => word & BARRED == 0 || !readers,
            }
    }

    /// The word once it is in.
    #[inline(always)]
    pub(super) const fn let_in(self, word: u32) -> u32 {
        match self {
            Kind::Read | Kind::Recursive => word + READER,
            Kind::Upgradable => (word + READER) | UPGRADABLE,
            Kind::Write => word | WRITER,
            Kind::Upgrade => ((word - READER) & !UPGRADABLE) | WRITER,
        }
    }
}

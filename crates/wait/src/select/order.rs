//! The order in which a select looks at its arms: any order is as likely as any other, or the one
//! in which they were written.

use counterpoint_base::record;

/// How many arms a shuffled order has room for: four bits each.
const SHUFFLED: usize = 16;

/// An order of arms.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// The arms, in the order of the nibbles.
    Shuffled(u64),
    /// Round from `start`, so that each of two arms is as often the first of both.
    Round { start: usize, backwards: bool },
}

impl Order {
    /// As written.
    pub(super) const BIASED: Order = Order::Round {
        start: 0,
        backwards: false,
    };

    /// The order of `count` arms for a select: as written, or any.
    #[inline]
    pub(super) fn new(biased: bool, count: usize) -> Order {
        match count {
            _ if biased => Order::BIASED,
            0 | 1 => Order::BIASED,
            2 => Order::Round {
                start: random(2),
                backwards: false,
            },
            _ => Order::fair(count),
        }
    }

    /// Any order of `count` arms.
    fn fair(count: usize) -> Order {
        if count > SHUFFLED {
            return Order::Round {
                start: random(count),
                backwards: random(2) == 1,
            };
        }
        let mut nibbles = 0xFEDC_BA98_7654_3210_u64;
        for last in (1..count).rev() {
            let other = random(last + 1);
            let differ = nibble(nibbles, last) ^ nibble(nibbles, other);
            nibbles ^= differ << (4 * last);
            nibbles ^= differ << (4 * other);
        }
        Order::Shuffled(nibbles)
    }

    /// Which of `count` arms stands at `position`.
    #[inline]
    pub(super) fn nth(self, position: usize, count: usize) -> usize {
        match self {
            Order::Shuffled(nibbles) => nibble(nibbles, position) as usize,
            Order::Round { start, backwards } if backwards => (start + count - position) % count,
            Order::Round { start, .. } => (start + position) % count,
        }
    }
}

#[inline]
fn nibble(nibbles: u64, position: usize) -> u64 {
    (nibbles >> (4 * position)) & 0xF
}

/// A number below `bound`, any as likely as any other.
#[inline]
fn random(bound: usize) -> usize {
    ((u64::from(record::random()) * bound as u64) >> 32) as usize
}

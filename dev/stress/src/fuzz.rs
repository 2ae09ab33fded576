//! What a fuzzer calls: bytes decide what tasks do on a structure, and whoever is wrong panics.

use crate::tasks;

/// Runs what the bytes decide.
///
/// # Panics
/// If the structure did what its model does not allow.
pub type Body = fn(&[u8]);

macro_rules! bodies {
    ($($name:ident: $subject:expr;)*) => {
        /// Each structure.
        pub const BODIES: &[(&str, Body)] = &[$((stringify!($name), |bytes| {
            if let Err(failure) = tasks::run(&$subject, bytes) {
                panic!("{failure}");
            }
        })),*];
    };
}

crate::for_each_subject!(bodies);

/// The name of the body that a fuzzer must find wrong: one that finds nothing there finds nothing.
pub const PLANTED: &str = "planted";

/// The body of a structure.
pub fn named(name: &str) -> Option<Body> {
    if name == PLANTED {
        return Some(planted);
    }
    let found = BODIES.iter().find(|(other, _)| *other == name);
    found.map(|(_, body)| *body)
}

/// Wrong for one beginning in some billions: chance does not find it, a look at the branches does.
fn planted(bytes: &[u8]) {
    let mut right = 0;
    for (byte, wanted) in bytes.iter().zip(b"voice") {
        if byte != wanted {
            return;
        }
        right += 1;
    }
    assert!(right < 5, "the planted fault");
}

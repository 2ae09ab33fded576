//! The buffer and the cache that are right, on threads.

use checked::buffer::TwoCounts;
use checked::cache::Careful;
use checked::programs::{hands_over, shares};

#[test]
fn nothing_is_lost_on_the_way() {
    assert_eq!(hands_over::<TwoCounts>(500), 500 * 501);
}

#[test]
fn each_key_is_loaded_once() {
    assert_eq!(shares::<Careful>(50), 50);
}

use super::peers_in;

#[test]
fn peers_are_found_at_any_depth() {
    let tree = "counterpoint-sync v0.1.0 (crates/sync)\nlibc v0.2.1\ncrossbeam-utils v0.8.0\n\
                tokio v1.0.0 (*)\nparking_lot_core v0.9.0\ncrossbeam-utils v0.8.0 (*)\n";
    assert_eq!(
        peers_in(tree),
        ["crossbeam-utils", "parking_lot_core", "tokio"]
    );
}

#[test]
fn other_crates_are_no_peers() {
    let tree = "counterpoint v0.1.0\nlibc v0.2.1\nfutures-core v0.3.31\n\nspinning_top v0.3.0\n";
    assert_eq!(peers_in(tree), [""; 0]);
}

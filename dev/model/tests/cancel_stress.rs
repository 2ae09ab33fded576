//! A middle token that dies while its parent is cancelled and a sibling ends, on plain threads:
//! meant for AddressSanitizer.
#![cfg(not(any(counterpoint_loom, counterpoint_shuttle)))]

use counterpoint_wait::cancel::CancelToken;
use std::sync::Barrier;

#[test]
fn a_middle_token_dies_beside_a_cancel() {
    let rounds = 60_000;
    let barrier = &Barrier::new(2);
    let (send, receive) = std::sync::mpsc::sync_channel::<CancelToken>(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..rounds {
                let leaf = receive.recv().unwrap();
                barrier.wait();
                drop(leaf);
            }
        });
        for _ in 0..rounds {
            let root = CancelToken::new();
            let siblings: Vec<_> = (0..3).map(|_| root.child()).collect();
            let leaf = {
                let middle = root.child();
                middle.child()
            };
            send.send(leaf).unwrap();
            barrier.wait();
            root.cancel("stop");
            drop(siblings);
        }
    });
}

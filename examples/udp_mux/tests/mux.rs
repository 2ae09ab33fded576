//! Whole runs, small ones.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use udp_mux::client::{Failed, Kind, Mux};
use udp_mux::run::{Options, Outcome, run};
use udp_mux::wire::{Answer, Packet};

fn options(clients: usize, threads: usize, loss: f64) -> Options {
    Options {
        clients,
        threads,
        requests: 600,
        peers: 3,
        loss,
        patience: Duration::from_millis(50),
        attempts: 200,
        seed: 7,
    }
}

fn checked(options: &Options) -> Outcome {
    let asked = AtomicUsize::new(0);
    let outcome = run(options, &|| {
        asked.fetch_add(1, Ordering::Relaxed);
    })
    .expect("loopback works");
    assert_eq!(outcome.failures, Vec::<String>::new());
    assert_eq!((outcome.failed, outcome.answered), (0, 600));
    assert_eq!(outcome.latency.count(), 600);
    assert_eq!(asked.into_inner(), 600);
    outcome
}

#[test]
fn threads_alone() {
    checked(&options(8, 8, 0.0));
}

#[test]
fn tasks_alone() {
    checked(&options(100, 0, 0.0));
}

#[test]
fn threads_and_tasks_with_loss() {
    let outcome = checked(&options(40, 10, 0.2));
    assert!(outcome.peers.lost > 0);
    assert!(outcome.repeated >= outcome.peers.lost);
}

#[test]
fn copies_are_counted_as_strays() {
    let outcome = checked(&options(20, 4, 0.0));
    assert!(outcome.peers.copies > 0);
    // The last copies may come after the last client has gone.
    assert!(outcome.strays > 0);
}

/// One question, asked by a thread, of a peer that answers with these packets.
fn ask(answers: &[Vec<u8>]) -> Result<(), Failed> {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = peer.local_addr().unwrap();
    let mux = Mux::new(Duration::from_millis(200), 2).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut bytes = [0; 200];
            let (_, from) = peer.recv_from(&mut bytes).unwrap();
            for answer in answers {
                peer.send_to(answer, from).unwrap();
            }
        });
        let asked = smol::block_on(mux.ask(Kind::Thread, address, 3, "right".to_owned()));
        asked.map(|_| ())
    })
}

fn answer(number: u16, name: &str) -> Vec<u8> {
    Packet::Answer(Answer {
        number,
        name: name.to_owned(),
        result: udp_mux::wire::lookup(name),
    })
    .encode()
}

#[test]
fn rubbish_and_answers_to_others_are_passed_over() {
    let rubbish = b"rubbish".to_vec();
    assert!(ask(&[rubbish, answer(4, "right"), answer(3, "right")]).is_ok());
}

#[test]
fn a_wrong_answer_is_told() {
    let failed = ask(&[answer(3, "wrong")]).unwrap_err();
    assert!(matches!(failed, Failed::Crossed { .. }), "{failed}");
    assert!(failed.to_string().contains("right"), "{failed}");
}

#[test]
fn who_gets_no_answer_gives_up() {
    let failed = ask(&[]).unwrap_err();
    assert!(matches!(failed, Failed::GaveUp), "{failed}");
}

#[test]
fn too_many_clients_are_refused() {
    let many = Options {
        peers: 1,
        ..options(1025, 0, 0.0)
    };
    let refused = run(&many, &|| ()).unwrap_err().to_string();
    assert!(refused.contains("1024 clients"), "{refused}");
}

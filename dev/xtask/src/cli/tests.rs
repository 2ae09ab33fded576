use super::{Request, parse, usage};
use crate::job::JOBS;

fn asked(arguments: &[&str]) -> Result<Request, String> {
    parse(lexopt::Parser::from_args(arguments))
}

#[test]
fn a_job_is_a_command() {
    for job in JOBS {
        let request = asked(&[job.name]).unwrap();
        assert!(matches!(request, Request::One(name, _) if name == job.name));
        assert!(usage().contains(job.name));
    }
}

#[test]
fn the_gate_takes_its_options() {
    let request = asked(&["gate", "--skip-tests", "--only", "fmt", "--only=words"]).unwrap();
    let Request::Gate(options) = request else {
        panic!("{request:?}")
    };
    assert!(options.skip_tests && !options.after_cargo_test);
    assert_eq!(options.only, ["fmt", "words"]);
}

#[test]
fn unknown_words_are_refused() {
    assert!(asked(&["gates"]).unwrap_err().contains("gates"));
    assert!(
        asked(&["gate", "--only", "nothing"])
            .unwrap_err()
            .contains("nothing")
    );
    assert!(asked(&["gate", "--fast"]).unwrap_err().contains("--fast"));
    assert!(asked(&["gate", "again"]).unwrap_err().contains("again"));
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    assert!(asked(&["fmt", "--long"]).unwrap_err().contains("--long"));
    assert!(asked(&["models", "--long"]).is_ok());
    assert!(asked(&["litmus", "--long"]).is_ok());
    assert!(asked(&["fuzz", "--only", "mutex", "--seconds=5"]).is_ok());
    assert!(asked(&["fuzz", "--seconds", "0"]).is_err());
    assert!(asked(&["fuzz", "--seconds", "soon"]).is_err());
    assert!(asked(&["coverage", "--only", "base"]).is_ok());
}

#[test]
fn nothing_asks_for_help() {
    assert_eq!(asked(&[]), Ok(Request::Help));
    assert_eq!(asked(&["gate", "--help"]), Ok(Request::Help));
}

#[test]
fn a_part_of_the_mutants_is_one_of_so_many() {
    let request = asked(&["mutants", "--shard", "1/8", "--only=crates/sync/src/latch"]).unwrap();
    assert!(matches!(request, Request::One("mutants", options) if options.shard == Some((1, 8))));
    for bad in ["8/8", "1", "1/", "/8", "0/0", "-1/8"] {
        assert!(asked(&["mutants", "--shard", bad]).is_err(), "{bad}");
    }
    assert!(asked(&["fuzz", "--shard", "1/8"]).is_err());
}

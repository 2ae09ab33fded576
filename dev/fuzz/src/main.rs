//! Operation sequences that libFuzzer writes, on the structure that `COUNTERPOINT_FUZZ` names. The
//! bodies are those of `counterpoint_stress::fuzz`, so that a test of the workspace runs them, too.
#![no_main]

use counterpoint_stress::fuzz::{Body, named};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

fuzz_target!(|bytes: &[u8]| {
    static BODY: OnceLock<Body> = OnceLock::new();
    let body = BODY.get_or_init(|| {
        let name = std::env::var("COUNTERPOINT_FUZZ").unwrap_or_default();
        named(&name).unwrap_or_else(|| panic!("COUNTERPOINT_FUZZ={name} names no structure"))
    });
    body(bytes);
});

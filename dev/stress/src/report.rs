//! What was counted, for people and for the proof that is put together from it.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

/// Prints a count, and writes it as JSON into the folder named by `COUNTERPOINT_PROOF`, if it is
/// set: one object a file, `{"primitive", "kind", "engine", "count", "result"}`.
///
/// # Panics
/// If the file cannot be written.
pub fn tell(primitive: &str, kind: &str, engine: &str, count: u64) {
    println!("{kind} {primitive}: {count} ({engine})");
    let Some(folder) = env::var_os("COUNTERPOINT_PROOF").map(PathBuf::from) else {
        return;
    };
    let text = format!(
        "{{\"primitive\": {}, \"kind\": {}, \"engine\": {}, \"count\": {count}, \"result\": \
         \"ok\"}}\n",
        quoted(primitive),
        quoted(kind),
        quoted(engine)
    );
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let file: String = format!("{kind}-{primitive}-{engine}")
        .chars()
        .map(plain)
        .collect();
    fs::create_dir_all(&folder).expect("the folder of the proof can be made");
    fs::write(folder.join(file).with_extension("json"), text).expect("the proof can be written");
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A number that a night may raise.
///
/// # Panics
/// If the variable holds no number.
pub fn number(variable: &str, usual: u64) -> u64 {
    env::var(variable).map_or(usual, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {text}"))
    })
}

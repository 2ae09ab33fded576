use super::scan;

fn lines(text: &str) -> Vec<usize> {
    let mut findings = Vec::new();
    scan("README.md", text, &mut findings);
    findings.iter().map(|finding| finding.line).collect()
}

#[test]
fn registry_hosts_are_found() {
    let text = concat!("fine\nsee https://static.crates", ".io/x\nand pypi", ".org");
    assert_eq!(lines(text), [2, 3]);
}

#[test]
fn machine_paths_are_found() {
    let text = concat!("cd /ro", "ot/x\n\"/wo", "rk/main\"\nfine\n`/ho", "me/me`");
    assert_eq!(lines(text), [1, 2, 4]);
}

#[test]
fn relative_paths_are_fine() {
    let text = concat!(
        "src/wo",
        "rk/a.rs\n../ro",
        "ot/x\ncrates/io\nthe network/home"
    );
    assert_eq!(lines(text), [0usize; 0]);
}

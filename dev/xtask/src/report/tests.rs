use super::{Finding, table, verdict};

#[test]
fn findings_make_an_error() {
    let findings = [
        Finding::new("a.rs", 3, "Bad."),
        Finding::new("b.rs", 0, "Worse."),
    ];
    assert_eq!(
        verdict(&findings, "fine".into()),
        Err("a.rs:3: Bad.\nb.rs: Worse.".into())
    );
    assert_eq!(verdict(&[], "fine".into()), Ok("fine".into()));
}

#[test]
fn columns_line_up() {
    let rows = vec![
        vec!["fmt".into(), "1.5".into()],
        vec!["clippy".into(), "10.0".into()],
    ];
    let expected = "job      min\n──────  ────\nfmt      1.5\nclippy  10.0\n";
    let found = table(&["job", "min"], &rows);

    assert_eq!(found, expected);
}

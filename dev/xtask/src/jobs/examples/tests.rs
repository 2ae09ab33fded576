use super::command_lines;

#[test]
fn lines_are_split_like_a_shell_does() {
    let text = "# runs\n\ncrates --no-progress\n  --json \"a b\" \"\"  x\"y\"\n";
    assert_eq!(
        command_lines(text),
        [
            vec!["crates", "--no-progress"],
            vec!["--json", "a b", "", "xy"]
        ]
    );
}

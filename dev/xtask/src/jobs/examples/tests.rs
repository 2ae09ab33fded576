use super::{chosen_cfg, command_lines};

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

#[test]
fn a_line_may_choose_a_cfg() {
    let lines = command_lines("[a_cfg] find all\nfind [it]\n");
    assert_eq!(chosen_cfg(&lines[0]), (Some("a_cfg"), &lines[0][1..]));
    assert_eq!(chosen_cfg(&lines[1]), (None, &lines[1][..]));
}

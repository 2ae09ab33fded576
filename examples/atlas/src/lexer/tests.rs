use super::*;

const RUST: Syntax = Syntax {
    line: &["//"],
    block: &[("/*", "*/")],
    quotes: b"\"",
};
const LUA: Syntax = Syntax {
    line: &["--"],
    block: &[("--[[", "]]")],
    quotes: b"\"'",
};

fn words(syntax: &Syntax, pieces: &[&str]) -> Vec<String> {
    let mut lexer = Lexer::new(syntax);
    let mut words = Vec::new();
    for piece in pieces {
        lexer.feed(piece.as_bytes(), |word| {
            words.push(String::from_utf8_lossy(word).into())
        });
    }
    words
}

#[test]
fn words_are_found_between_punctuation() {
    assert_eq!(
        words(&RUST, &["foo.bar(baz_1, x, 12u8, _ab)"]),
        ["foo", "bar", "baz_1", "_ab"]
    );
}

#[test]
fn comments_and_strings_are_passed_over() {
    let text = "one // two\nthree /* four\nfive */ six \"seven \\\" eight\" nine / ten";
    assert_eq!(
        words(&RUST, &[text]),
        ["one", "three", "six", "nine", "ten"]
    );
}

#[test]
fn a_lone_quote_spoils_one_line_only() {
    assert_eq!(words(&RUST, &["aa '\"' bb\ncc"]), ["aa", "cc"]);
}

#[test]
fn the_longer_delimiter_wins() {
    assert_eq!(
        words(&LUA, &["aa --[[ bb\ncc ]] dd -- ee\nff"]),
        ["aa", "dd", "ff"]
    );
}

#[test]
fn words_beyond_ascii_are_passed_over_whole() {
    assert_eq!(
        words(&RUST, &["na\u{ef}ve caf\u{e9} \u{e9}t\u{e9} plain"]),
        ["plain"]
    );
}

#[test]
fn state_is_kept_from_piece_to_piece() {
    assert_eq!(
        words(&RUST, &["aa /* bb ", "cc */ dd \"ee ", "ff\" gg"]),
        ["aa", "dd", "gg"]
    );
}

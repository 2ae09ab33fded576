use super::{Kind, Token, lex};

fn kinds(text: &str) -> Vec<(Kind, &str)> {
    lex(text)
        .iter()
        .map(|token| (token.kind, token.text))
        .collect()
}

fn words(text: &str) -> Vec<&str> {
    lex(text)
        .iter()
        .filter(|token| token.kind == Kind::Ident)
        .map(|token| token.text)
        .collect()
}

#[test]
fn comments_and_strings_are_no_code() {
    let text = r##"a // std::sync
        /* b /* c */ d */ e "f \" g" r#"h " i"# b"j" c"k" '\'' 'l' b'm' n"##;
    assert_eq!(words(text), ["a", "e", "n"]);
}

#[test]
fn lifetimes_are_no_characters() {
    assert_eq!(
        kinds("&'a str 'b' '\\n' 'static"),
        [
            (Kind::Punct, "&"),
            (Kind::Lifetime, "'a"),
            (Kind::Ident, "str"),
            (Kind::Char, "'b'"),
            (Kind::Char, "'\\n'"),
            (Kind::Lifetime, "'static"),
        ]
    );
}

#[test]
fn a_quote_character_does_not_open_a_string() {
    assert_eq!(words("x('\"'); y('\\u{1F600}') z"), ["x", "y", "z"]);
}

#[test]
fn raw_names_lose_their_prefix() {
    assert_eq!(words("r#type r br rx"), ["type", "r", "br", "rx"]);
}

#[test]
fn numbers_keep_ranges_and_methods_apart() {
    assert_eq!(
        kinds("1.5 0..9 2.max"),
        [
            (Kind::Number, "1.5"),
            (Kind::Number, "0"),
            (Kind::Punct, "."),
            (Kind::Punct, "."),
            (Kind::Number, "9"),
            (Kind::Number, "2"),
            (Kind::Punct, "."),
            (Kind::Ident, "max"),
        ]
    );
}

#[test]
fn lines_are_counted_through_everything() {
    let tokens = lex("a\n/* x\n */ b \"c\nd\" e\n// f\ng");
    let line = |word: &str| {
        tokens
            .iter()
            .find(|token| token.text == word)
            .map(|t| t.line)
    };
    assert_eq!(
        [line("a"), line("b"), line("e"), line("g")],
        [1, 3, 4, 6].map(Some)
    );
    let string: Vec<&Token<'_>> = tokens.iter().filter(|t| t.kind == Kind::Str).collect();
    assert_eq!((string[0].line, string[0].end_line), (3, 4));
}

#[test]
fn string_values_are_between_the_quotes() {
    let values: Vec<_> = lex("\"a.b\" r#\"c\"# 7")
        .iter()
        .map(|token| token.string_value())
        .collect();
    assert_eq!(values, [Some("a.b"), Some("c"), None]);
}

#[test]
fn unfinished_text_ends() {
    for text in ["\"abc", "r#\"abc", "/* abc", "'", "'\\", "b'", "r#"] {
        let _ = lex(text);
    }
}

//! What the scanners ask of a Rust file: which lines are tests, which functions it has, which
//! paths it names.

use crate::lexer::{Kind, Token, lex};

/// A tracked Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Path from the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Makes one.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// All tokens, comments included.
    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        lex(&self.text)
    }

    /// The tokens without comments.
    pub(crate) fn code(&self) -> Vec<Token<'_>> {
        self.tokens()
            .into_iter()
            .filter(|token| !token.is_comment())
            .collect()
    }

    /// The tokens without comments and without items that exist in test builds only.
    pub(crate) fn product_code(&self) -> Vec<Token<'_>> {
        let code = self.code();
        let spans = test_spans(&code);
        let kept = |index: &usize| !spans.iter().any(|span| (span.0..=span.1).contains(index));
        (0..code.len())
            .filter(kept)
            .map(|index| code[index])
            .collect()
    }

    /// True for a file that holds tests, models or benchmarks and nothing else.
    ///
    /// Told by name: a folder `tests`, `benches`, `model` or `models`, or a file `tests.rs`,
    /// `…_tests.rs`, `model.rs`, `…_model.rs`.
    pub(crate) fn is_test_file(&self) -> bool {
        is_test_path(&self.path)
    }
}

/// See [`Source::is_test_file`].
pub(crate) fn is_test_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let file = parts.pop().unwrap_or_default();
    // `dev/model` is a crate of its own, not a folder of models inside one.
    let inner = if path.starts_with("dev/") { 2 } else { 0 };
    let in_folder = parts
        .iter()
        .skip(inner)
        .any(|part| ["tests", "benches", "model", "models"].contains(part));
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let by_name = ["tests", "model"].contains(&stem)
        || ["_tests", "_model"].iter().any(|end| stem.ends_with(end));
    in_folder || by_name
}

/// True if `file::name` is a test: a function of that file after `#[test]`, or in a macro of a file
/// of tests that makes tests of what it is given, such as `model!`.
pub(crate) fn test_exists(test: &str, sources: &[Source]) -> bool {
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let source = sources.iter().find(|source| source.path == file);
    source.is_some_and(|source| {
        let code = source.code();
        let named = |at: &usize| code[*at].is_word("fn") && code[at + 1].is_word(name);
        let found = (0..code.len().saturating_sub(1)).find(named);
        found.is_some_and(|at| {
            // `#[test]`, and perhaps other attributes, stand since the last brace or semicolon.
            let before = code[..at].iter().rev();
            let mut attributes = before.take_while(|token| !token.is('}') && !token.is(';'));
            attributes.any(|token| token.is_word("test"))
                || source.is_test_file() && in_macro(&code[..at])
        })
    })
}

/// True if what follows `code` stands in the braces of a macro's call.
fn in_macro(code: &[Token<'_>]) -> bool {
    let mut depth = 0usize;
    for (at, token) in code.iter().enumerate().rev() {
        if token.is('}') {
            depth += 1;
        } else if token.is('{') && depth == 0 {
            return at > 0 && code[at - 1].is('!');
        } else if token.is('{') {
            depth -= 1;
        }
    }
    false
}

/// A function: its name and the lines from `fn` to its closing brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

/// The functions with a body in `code` (tokens without comments), nested ones too.
pub(crate) fn functions(code: &[Token<'_>]) -> Vec<Function> {
    let mut found = Vec::new();
    for (index, token) in code.iter().enumerate() {
        let Some(next) = code.get(index + 1) else {
            break;
        };
        // `fn(` is a type; `fn $name` stands in a macro.
        if !token.is_word("fn") || !(next.kind == Kind::Ident || next.is('$')) {
            continue;
        }
        if let Some(open) = body_start(code, index) {
            let close = matching(code, open);
            let name = if next.is('$') { "$…" } else { next.text };
            let last = code[close].end_line;
            found.push(Function {
                name: name.to_owned(),
                first: token.line,
                last,
            });
        }
    }
    found
}

/// The `{` that opens the body of the function at `start`; none if it is only declared.
fn body_start(code: &[Token<'_>], start: usize) -> Option<usize> {
    let mut index = start;
    while let Some(token) = code.get(index) {
        if token.is('(') || token.is('[') {
            index = matching(code, index);
        } else if token.is('{') {
            // A brace after `<` or `,` is a constant argument such as `Array<{ N + 1 }>`.
            if !(code[index - 1].is('<') || code[index - 1].is(',')) || after_where(code, index) {
                return Some(index);
            }
            index = matching(code, index);
        } else if token.is(';') {
            return None;
        }
        index += 1;
    }
    None
}

/// True if a `where` clause ends with a comma right before `index`.
fn after_where(code: &[Token<'_>], index: usize) -> bool {
    code[..index]
        .iter()
        .rev()
        .take_while(|token| !token.is_word("fn"))
        .any(|token| token.is_word("where"))
}

/// The index of the bracket that closes the one at `open`, or the last token.
pub(crate) fn matching(code: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in code.iter().enumerate().skip(open) {
        if token.is('(') || token.is('[') || token.is('{') {
            depth += 1;
        } else if token.is(')') || token.is(']') || token.is('}') {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    code.len() - 1
}

/// The items under `#[cfg(test)]`, as first and last index into `code`.
pub(crate) fn test_spans(code: &[Token<'_>]) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut index = 0;
    while index + 1 < code.len() {
        if code[index].is('#') && code[index + 1].is('[') {
            let close = matching(code, index + 1);
            if is_test_attribute(&code[index + 2..close]) {
                let end = item_end(code, close + 1);
                spans.push((index, end));
                index = end;
            } else {
                index = close;
            }
        }
        index += 1;
    }
    spans
}

fn is_test_attribute(inside: &[Token<'_>]) -> bool {
    match inside {
        [name, open, rest @ .., _close] => {
            name.is_word("cfg") && open.is('(') && requires_test(rest)
        }
        _ => false,
    }
}

/// True if the cfg predicate can hold in test builds only.
fn requires_test(predicate: &[Token<'_>]) -> bool {
    match predicate {
        [word] => word.is_word("test"),
        [name, open, rest @ .., _close] if open.is('(') => {
            let mut parts = split_commas(rest)
                .into_iter()
                .filter(|part| !part.is_empty());
            match name.text {
                "all" => parts.any(requires_test),
                "any" => parts.all(requires_test),
                _ => false,
            }
        }
        _ => false,
    }
}

fn split_commas<'a, 'b>(tokens: &'b [Token<'a>]) -> Vec<&'b [Token<'a>]> {
    let (mut parts, mut start, mut index) = (Vec::new(), 0, 0);
    while index < tokens.len() {
        if tokens[index].is('(') {
            index = matching(tokens, index);
        } else if tokens[index].is(',') {
            parts.push(&tokens[start..index]);
            start = index + 1;
        }
        index += 1;
    }
    parts.push(&tokens[start.min(tokens.len())..]);
    parts
}

/// The last token of the item, field, arm or statement that begins at `start`.
fn item_end(code: &[Token<'_>], start: usize) -> usize {
    let mut index = start;
    while code.get(index).is_some_and(|token| token.is('#')) {
        index = matching(code, index) + 1;
    }
    let mut head = index;
    while code
        .get(head)
        .is_some_and(|token| token.is_word("pub") || token.is_word("unsafe"))
    {
        head += 1;
        if code.get(head).is_some_and(|token| token.is('(')) {
            head = matching(code, head) + 1;
        }
    }
    let word = code.get(head).map_or("", |token| token.text);
    let constant = word == "const" && !code.get(head + 1).is_some_and(|t| t.is_word("fn"));
    let to_semicolon = constant || ["use", "static", "let", "type"].contains(&word);
    let items = [
        "fn",
        "mod",
        "struct",
        "enum",
        "impl",
        "trait",
        "extern",
        "async",
        "macro_rules",
        "const",
    ];
    let to_comma = !to_semicolon && !items.contains(&word);
    while index < code.len() {
        let token = &code[index];
        if token.is('(') || token.is('[') || token.is('{') {
            let block = token.is('{');
            index = matching(code, index);
            if block && !to_semicolon {
                return index;
            }
        } else if token.is(';') || (to_comma && token.is(',')) {
            return index;
        } else if token.is(')') || token.is(']') || token.is('}') {
            return index.saturating_sub(1);
        }
        index += 1;
    }
    code.len() - 1
}

/// A path such as `std::sync::Arc`, from code or spelled out from a `use`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) parts: Vec<String>,
    pub(crate) line: usize,
    /// From a `use` item: then a last part `*` stands for a glob.
    pub(crate) imported: bool,
}

/// Every path named in `code`, with the trees of `use` items spelled out.
pub(crate) fn paths(code: &[Token<'_>]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < code.len() {
        let token = &code[index];
        if token.is_word("use") && !continues_expression(code, index) {
            index = use_tree(code, index + 1, &[], &mut found);
        } else if token.kind == Kind::Ident && !continues_expression(code, index) {
            let (parts, next) = plain_path(code, index);
            found.push(NamedPath {
                parts,
                line: token.line,
                imported: false,
            });
            index = next;
        } else {
            index += 1;
        }
    }
    found
}

/// True if the name at `index` is a field, a method, or a later part of a path.
fn continues_expression(code: &[Token<'_>], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).map(|at| code[at]);
    let dot = before(1).is_some_and(|token| token.is('.'));
    // `..std::x` is a range or an update, not a field.
    let range = dot && before(2).is_some_and(|token| token.is('.'));
    let colons = before(1).is_some_and(|t| t.is(':')) && before(2).is_some_and(|t| t.is(':'));
    let rooted = colons
        && before(3).is_none_or(|t| !(t.kind == Kind::Ident || t.is('>')) || is_keyword(t.text));
    (dot && !range) || (colons && !rooted)
}

fn is_keyword(word: &str) -> bool {
    [
        "use", "return", "in", "else", "match", "if", "as", "dyn", "impl", "mut", "where", "for",
    ]
    .contains(&word)
}

fn plain_path(code: &[Token<'_>], start: usize) -> (Vec<String>, usize) {
    let mut parts = vec![code[start].text.to_owned()];
    let mut index = start + 1;
    while let [a, b, name, ..] = &code[index.min(code.len())..] {
        if !(a.is(':') && b.is(':') && name.kind == Kind::Ident) {
            break;
        }
        parts.push(name.text.to_owned());
        index += 3;
    }
    (parts, index)
}

/// Spells out the tree at `index` behind `prefix`; returns the index after it.
fn use_tree(
    code: &[Token<'_>],
    mut index: usize,
    prefix: &[String],
    found: &mut Vec<NamedPath>,
) -> usize {
    let mut parts = prefix.to_vec();
    let mut line = code.get(index).map_or(0, |token| token.line);
    while let Some(token) = code.get(index) {
        if token.is(':') {
            index += 1;
        } else if token.is_word("as") {
            index += 2;
        } else if token.kind == Kind::Ident || token.is('*') {
            line = token.line;
            // `std::sync::{self}` names `std::sync`.
            if token.text != "self" || parts.is_empty() {
                parts.push(token.text.to_owned());
            }
            index += 1;
        } else if token.is('{') {
            let close = matching(code, index);
            index += 1;
            while index < close {
                index = use_tree(code, index, &parts, found);
                index += usize::from(code[index].is(','));
            }
            return close + 1;
        } else {
            break;
        }
    }
    found.push(NamedPath {
        parts,
        line,
        imported: true,
    });
    index
}

#[cfg(test)]
mod tests;

//! Finds identifiers in the bytes of a program.
//!
//! An identifier is a run of ASCII letters, digits and `_` of at least two bytes
//! that does not begin with a digit and stands outside comments and strings. A
//! string ends at its quote or at the end of its line, whichever comes first, so
//! a lone quote spoils one line only (a backslash carries it past either). Runs with bytes above 127 are passed over.

use memchr::{memchr, memchr3};

/// How comments and strings of a language look.
#[derive(Clone, Copy, Debug)]
pub struct Syntax {
    /// What begins a comment that ends with its line.
    pub line: &'static [&'static str],
    /// What begins and ends other comments.
    pub block: &'static [(&'static str, &'static str)],
    /// The bytes that begin and end strings.
    pub quotes: &'static [u8],
}

const OTHER: u8 = 0;
const START: u8 = 1;
const DIGIT: u8 = 2;
const HIGH: u8 = 3;
const SPECIAL: u8 = 4;

const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => START,
            b'0'..=b'9' => DIGIT,
            128.. => HIGH,
            _ => OTHER,
        };
        byte += 1;
    }
    table
};

#[derive(Clone, Copy, Debug)]
enum State {
    Code,
    LineComment,
    BlockComment(&'static [u8]),
    Text(u8),
}

/// Reads one file's bytes piece by piece.
#[derive(Debug)]
pub struct Lexer {
    syntax: Syntax,
    class: [u8; 256],
    state: State,
}

impl Lexer {
    /// A lexer at the beginning of a file.
    pub fn new(syntax: &Syntax) -> Self {
        let mut class = CLASS;
        let lines = syntax.line.iter().map(|text| text.as_bytes()[0]);
        let blocks = syntax.block.iter().map(|(open, _)| open.as_bytes()[0]);
        for byte in lines.chain(blocks).chain(syntax.quotes.iter().copied()) {
            class[usize::from(byte)] = SPECIAL;
        }
        Self {
            syntax: *syntax,
            class,
            state: State::Code,
        }
    }

    /// Calls `found` for every identifier in `data`, which must not end within a
    /// word or a comment's delimiter unless the file ends there.
    pub fn feed(&mut self, data: &[u8], mut found: impl FnMut(&[u8])) {
        let mut at = 0;
        while at < data.len() {
            at = match self.state {
                State::Code => self.code(data, at, &mut found),
                State::LineComment => self.leave(data, memchr(b'\n', &data[at..]), at, 1),
                State::BlockComment(close) => {
                    self.leave(data, find(&data[at..], close), at, close.len())
                }
                State::Text(quote) => self.text(data, at, quote),
            };
        }
    }

    fn code(&mut self, data: &[u8], mut at: usize, found: &mut impl FnMut(&[u8])) -> usize {
        while let Some(&byte) = data.get(at) {
            match self.class[usize::from(byte)] {
                OTHER => at += 1,
                SPECIAL => {
                    at += self.special(&data[at..]);
                    if !matches!(self.state, State::Code) {
                        return at;
                    }
                }
                first => {
                    let rest = &data[at..];
                    let mut high = first == HIGH;
                    let word = rest.iter().position(|&byte| {
                        let class = CLASS[usize::from(byte)];
                        high |= class == HIGH;
                        class == OTHER
                    });
                    let word = &rest[..word.unwrap_or(rest.len())];
                    if first == START && !high && word.len() >= 2 {
                        found(word);
                    }
                    at += word.len();
                }
            }
        }
        at
    }

    /// What begins at a byte that may begin a comment or a string; returns how
    /// many bytes to go on.
    fn special(&mut self, rest: &[u8]) -> usize {
        // Longer delimiters first: `--[[` is not the comment `--`.
        for (open, close) in self.syntax.block {
            if rest.starts_with(open.as_bytes()) {
                self.state = State::BlockComment(close.as_bytes());
                return open.len();
            }
        }
        if let Some(open) = self
            .syntax
            .line
            .iter()
            .find(|open| rest.starts_with(open.as_bytes()))
        {
            self.state = State::LineComment;
            return open.len();
        }
        if self.syntax.quotes.contains(&rest[0]) {
            self.state = State::Text(rest[0]);
        }
        1
    }

    fn leave(&mut self, data: &[u8], end: Option<usize>, at: usize, length: usize) -> usize {
        let Some(end) = end else { return data.len() };
        self.state = State::Code;
        at + end + length
    }

    fn text(&mut self, data: &[u8], at: usize, quote: u8) -> usize {
        match memchr3(quote, b'\\', b'\n', &data[at..]) {
            None => data.len(),
            Some(found) if data[at + found] == b'\\' => data.len().min(at + found + 2),
            Some(found) => {
                self.state = State::Code;
                at + found + 1
            }
        }
    }
}

fn find(data: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr(needle[0], &data[from..]) {
        if data[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests;

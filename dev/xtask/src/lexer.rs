//! Splits Rust source into tokens and comments, each with its lines.
//!
//! The scanners need both halves of a file: code without the words in comments and strings
//! (`layers`, `sizes`, `weaken`), and comments without code (`headers`). Parsers drop the
//! comments, so this small lexer keeps everything. It never fails: text that is not Rust comes
//! out as punctuation, and the compiler reports it better.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword; raw names lose their `r#`.
    Ident,
    /// `'a`, without a closing quote.
    Lifetime,
    /// A number with its suffix.
    Number,
    /// A string literal of any sort, with quotes and prefix.
    Str,
    /// A character or byte literal.
    Char,
    /// One character of punctuation.
    Punct,
    /// `// …`, to the end of its line.
    LineComment,
    /// `/* … */`.
    BlockComment,
}

/// A piece of source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    /// Line of its first character, counted from 1.
    pub(crate) line: usize,
    /// Line of its last character.
    pub(crate) end_line: usize,
}

impl<'a> Token<'a> {
    /// True for the punctuation `mark`.
    pub(crate) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Punct && self.text.starts_with(mark)
    }

    /// True for the name or keyword `word`.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Ident && self.text == word
    }

    /// True for a comment of either sort.
    pub(crate) fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }

    /// The text between the quotes of a string literal without escapes.
    pub(crate) fn string_value(&self) -> Option<&'a str> {
        if self.kind != Kind::Str {
            return None;
        }
        let open = self.text.find('"')?;
        let close = self.text.rfind('"')?;
        self.text.get(open + 1..close)
    }
}

/// Splits `text` into tokens, comments included.
pub(crate) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next_token(&mut self) -> Option<Token<'a>> {
        self.skip(|c| c.is_whitespace());
        let first = self.peek(0)?;
        let (start, line) = (self.at, self.line);
        let kind = match first {
            '/' if self.peek(1) == Some('/') => {
                self.skip(|c| c != '\n');
                Kind::LineComment
            }
            '/' if self.peek(1) == Some('*') => {
                self.block_comment();
                Kind::BlockComment
            }
            '"' => self.string(),
            '\'' => self.quote(),
            c if c.is_ascii_digit() => self.number(),
            c if starts_name(c) => self.name(),
            _ => {
                self.bump();
                Kind::Punct
            }
        };
        let mut text = &self.text[start..self.at];
        if kind == Kind::Ident {
            text = text.strip_prefix("r#").unwrap_or(text);
        }
        Some(Token {
            kind,
            text,
            line,
            end_line: self.line,
        })
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text[self.at..].chars().nth(ahead)
    }

    fn bump(&mut self) {
        if let Some(c) = self.peek(0) {
            self.at += c.len_utf8();
            if c == '\n' {
                self.line += 1;
            }
        }
    }

    fn skip(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.bump();
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0usize;
        while let Some(c) = self.peek(0) {
            let pair = (c, self.peek(1));
            if pair == ('/', Some('*')) {
                depth += 1;
                self.bump();
            } else if pair == ('*', Some('/')) {
                depth -= 1;
                self.bump();
            }
            self.bump();
            if depth == 0 {
                return;
            }
        }
    }

    /// A string with escapes; the opening quote is next.
    fn string(&mut self) -> Kind {
        self.bump();
        while let Some(c) = self.peek(0) {
            self.bump();
            match c {
                '\\' => self.bump(),
                '"' => break,
                _ => {}
            }
        }
        Kind::Str
    }

    /// A raw string: `#` marks, a quote, text, a quote and as many marks.
    fn raw_string(&mut self) -> Kind {
        let start = self.at;
        self.skip(|c| c == '#');
        let close = format!("\"{}", &self.text[start..self.at]);
        self.bump();
        let length = self.text[self.at..]
            .find(&close)
            .map(|found| found + close.len());
        let end = length.map_or(self.text.len(), |length| self.at + length);
        while self.at < end {
            self.bump();
        }
        Kind::Str
    }

    /// A character literal or a lifetime; the quote is next.
    fn quote(&mut self) -> Kind {
        let escaped = self.peek(1) == Some('\\');
        if !escaped && self.peek(2) != Some('\'') {
            self.bump();
            self.skip(continues_name);
            return Kind::Lifetime;
        }
        self.bump();
        if escaped {
            self.bump();
        }
        self.bump();
        self.skip(|c| c != '\'' && c != '\n');
        self.bump();
        Kind::Char
    }

    fn number(&mut self) -> Kind {
        self.skip(continues_name);
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|c| c.is_ascii_digit()) {
            self.bump();
            self.skip(continues_name);
        }
        Kind::Number
    }

    /// A name, or a literal or raw name whose prefix looks like one.
    fn name(&mut self) -> Kind {
        let start = self.at;
        self.skip(continues_name);
        let raw = matches!(&self.text[start..self.at], "r" | "br" | "cr");
        let prefix = raw || matches!(&self.text[start..self.at], "b" | "c");
        match self.peek(0) {
            Some('"') if raw => self.raw_string(),
            Some('"') if prefix => self.string(),
            Some('\'') if &self.text[start..self.at] == "b" => self.quote(),
            Some('#') if raw => {
                let marks = self.text[self.at..]
                    .chars()
                    .take_while(|&c| c == '#')
                    .count();
                match self.peek(marks) {
                    Some('"') => self.raw_string(),
                    Some(c) if marks == 1 && starts_name(c) => {
                        self.bump();
                        self.skip(continues_name);
                        Kind::Ident
                    }
                    _ => Kind::Ident,
                }
            }
            _ => Kind::Ident,
        }
    }
}

fn starts_name(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn continues_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

#[cfg(test)]
mod tests;

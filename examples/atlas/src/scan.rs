//! Reads one file once and finds out all that atlas tells about it.

use std::io::{self, ErrorKind, Read};

use memchr::memchr_iter;
use twox_hash::XxHash3_128;

use crate::lexer::{Lexer, Syntax};

/// How much is read at a time.
const BUFFER: usize = 256 * 1024;

/// A zero byte among this many first ones makes a file binary.
const BINARY_PROBE: usize = 8000;

/// What reading a file told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes read.
    pub bytes: u64,
    /// Newline bytes, as `wc -l` counts them, in binary files too.
    pub lines: u64,
    /// Lines of white space only. Zero in binary files, as are the next two.
    pub blank: u64,
    /// Bytes of the longest line without its ending.
    pub longest: u64,
    /// The number of the first line of that length, counted from one.
    pub longest_at: u64,
    /// A zero byte stands near the beginning.
    pub binary: bool,
    /// A text, but not UTF-8.
    pub invalid_utf8: bool,
    /// 128 bits that differ where contents differ.
    pub hash: u128,
}

/// How reading a file ended.
#[derive(Debug)]
pub enum Outcome {
    /// At the end of the file.
    Read(Facts),
    /// Told to stop before the end.
    Stopped,
    /// By an error.
    Failed(io::Error),
}

/// A buffer that is used for file after file.
#[derive(Debug)]
pub struct Scanner {
    buffer: Box<[u8]>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            buffer: vec![0; BUFFER].into_boxed_slice(),
        }
    }
}

impl Scanner {
    /// Reads `source` to its end, calling `found` for each identifier where a
    /// syntax is given. `keep_going` is asked between pieces.
    pub fn scan(
        &mut self,
        source: &mut impl Read,
        syntax: Option<&Syntax>,
        mut found: impl FnMut(&[u8]),
        mut keep_going: impl FnMut() -> bool,
    ) -> Outcome {
        let mut facts = Facts::default();
        let mut text = Text::new(syntax);
        let mut hasher: Option<XxHash3_128> = None;
        let mut carried = 0;
        loop {
            let (filled, end) = match fill(source, &mut self.buffer, carried) {
                Ok(read) => read,
                Err(error) => return Outcome::Failed(error),
            };
            let fresh = &self.buffer[carried..filled];
            if facts.bytes == 0 {
                facts.binary = fresh[..fresh.len().min(BINARY_PROBE)].contains(&0);
            }
            facts.bytes += fresh.len() as u64;
            if end && hasher.is_none() {
                facts.hash = XxHash3_128::oneshot(fresh);
            } else {
                hasher.get_or_insert_with(XxHash3_128::new).write(fresh);
            }
            if facts.binary {
                facts.lines += memchr_iter(b'\n', fresh).count() as u64;
                carried = 0;
            } else {
                let data = &self.buffer[..filled];
                let cut = if end { filled } else { safe_cut(data) };
                text.feed(&data[..cut], &mut found);
                self.buffer.copy_within(cut..filled, 0);
                carried = filled - cut;
            }
            if end {
                break;
            }
            if !keep_going() {
                return Outcome::Stopped;
            }
        }
        if let Some(hasher) = hasher {
            facts.hash = hasher.finish_128();
        }
        if !facts.binary {
            text.finish(&mut facts);
        }
        Outcome::Read(facts)
    }
}

/// Reads until the buffer is full or the source ends; the first `from` bytes
/// stay. Returns how much is filled, and whether the source has ended.
fn fill(source: &mut impl Read, buffer: &mut [u8], from: usize) -> io::Result<(usize, bool)> {
    let mut filled = from;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => return Ok((filled, true)),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok((filled, false))
}

/// Where a piece may end without cutting a word, a delimiter or a character:
/// after its last white space. A piece without any, being as long as the
/// buffer, is cut before its last character instead.
fn safe_cut(data: &[u8]) -> usize {
    if let Some(at) = data.iter().rposition(u8::is_ascii_whitespace) {
        return at + 1;
    }
    let tail = data.iter().rev().take(4);
    let begins = tail
        .enumerate()
        .find(|(_, byte)| !matches!(byte, 0x80..=0xbf));
    begins.map_or(data.len(), |(back, _)| data.len() - 1 - back)
}

/// The counts that need to know about text, carried from piece to piece.
struct Text {
    lexer: Option<Lexer>,
    valid: bool,
    lines: u64,
    blank: u64,
    longest: u64,
    longest_at: u64,
    /// The line that has begun: its bytes, whether it is all white space, and
    /// whether its last byte is a carriage return.
    begun: u64,
    begun_blank: bool,
    begun_return: bool,
}

impl Text {
    fn new(syntax: Option<&Syntax>) -> Self {
        Self {
            lexer: syntax.map(Lexer::new),
            valid: true,
            lines: 0,
            blank: 0,
            longest: 0,
            longest_at: 0,
            begun: 0,
            begun_blank: true,
            begun_return: false,
        }
    }

    fn feed(&mut self, data: &[u8], found: &mut impl FnMut(&[u8])) {
        self.valid = self.valid && std::str::from_utf8(data).is_ok();
        let mut start = 0;
        for newline in memchr_iter(b'\n', data) {
            self.extend(&data[start..newline]);
            start = newline + 1;
            self.lines += 1;
            self.blank += u64::from(self.begun_blank);
            self.end_line(self.lines);
        }
        self.extend(&data[start..]);
        if let Some(lexer) = &mut self.lexer {
            lexer.feed(data, found);
        }
    }

    fn extend(&mut self, part: &[u8]) {
        self.begun += part.len() as u64;
        self.begun_blank = self.begun_blank && part.iter().all(|&byte| is_space(byte));
        if let Some(&last) = part.last() {
            self.begun_return = last == b'\r';
        }
    }

    fn end_line(&mut self, number: u64) {
        let length = self.begun - u64::from(self.begun_return);
        if length > self.longest {
            (self.longest, self.longest_at) = (length, number);
        }
        (self.begun, self.begun_blank, self.begun_return) = (0, true, false);
    }

    fn finish(mut self, facts: &mut Facts) {
        self.end_line(self.lines + 1);
        facts.lines = self.lines;
        facts.blank = self.blank;
        facts.longest = self.longest;
        facts.longest_at = self.longest_at;
        facts.invalid_utf8 = !self.valid;
    }
}

/// White space within a line, the vertical tab included.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests;

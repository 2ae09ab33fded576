use super::*;

/// Gives at most `step` bytes a read, as a slow disk or a pipe may.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len()).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn facts(data: &[u8]) -> Facts {
    let outcome = Scanner::default().scan(&mut Slow(data, 1000), None, |_| {}, || true);
    let Outcome::Read(facts) = outcome else {
        panic!("{outcome:?}")
    };
    facts
}

#[test]
fn lines_blank_lines_and_the_longest_line() {
    let facts = facts(b"one\n\n \t\r\nthree three\r\nlast");
    assert_eq!((facts.lines, facts.blank), (4, 2));
    assert_eq!((facts.longest, facts.longest_at), (11, 4));
}

#[test]
fn an_unfinished_last_line_may_be_the_longest() {
    let facts = facts(b"a\nbbb");
    assert_eq!((facts.lines, facts.longest, facts.longest_at), (1, 3, 2));
}

#[test]
fn a_zero_byte_near_the_beginning_makes_a_file_binary() {
    assert!(facts(b"a\0\nb\n").binary);
    assert_eq!(facts(b"a\0\nb\n").lines, 2);
    let mut late = vec![b'x'; BINARY_PROBE];
    late.push(0);
    assert!(!facts(&late).binary);
}

#[test]
fn text_that_is_not_utf8_is_noticed() {
    assert!(facts(b"caf\xe9\n").invalid_utf8);
    assert!(facts(b"cut short \xe2\x82").invalid_utf8);
    assert!(!facts("caf\u{e9} \u{20ac}\n".as_bytes()).invalid_utf8);
}

#[test]
fn long_files_read_in_pieces_tell_the_same() {
    // No white space anywhere, so that pieces end before a character.
    let euros = "\u{20ac}".repeat(BUFFER);
    let told = facts(euros.as_bytes());
    assert!(!told.invalid_utf8);
    assert_eq!(told.longest, euros.len() as u64);
    assert_eq!(told.hash, XxHash3_128::oneshot(euros.as_bytes()));

    let words = "alpha beta\r\n".repeat(BUFFER / 5);
    let told = facts(words.as_bytes());
    assert_eq!(
        (told.lines, told.longest, told.longest_at),
        (BUFFER as u64 / 5, 10, 1)
    );
}

#[test]
fn words_are_never_cut_between_pieces() {
    let text = "identifier ".repeat(BUFFER / 4);
    let syntax = Syntax {
        line: &[],
        block: &[],
        quotes: b"",
    };
    let mut count = 0;
    let mut only = true;
    let found = |word: &[u8]| {
        count += 1;
        only &= word == b"identifier";
    };
    Scanner::default().scan(&mut text.as_bytes(), Some(&syntax), found, || true);
    assert_eq!((count, only), (BUFFER / 4, true));
}

#[test]
fn a_scan_stops_between_pieces_when_told() {
    let data = vec![b'a'; BUFFER * 3];
    let outcome = Scanner::default().scan(&mut data.as_slice(), None, |_| {}, || false);
    assert!(matches!(outcome, Outcome::Stopped));
}

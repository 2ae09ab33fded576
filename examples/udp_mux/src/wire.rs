//! Questions and answers as bytes: a kind, the number of the question, and its name; an answer adds
//! what belongs to the name.

/// The longest packet.
pub const LONGEST: usize = 128;

const QUESTION: u8 = b'?';
const ANSWER: u8 = b'!';
const HEADER: usize = 4;
const RESULT: usize = 8;

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Asks for what belongs to a name.
    Question {
        /// Chosen by the one who asks; comes back with the answer.
        number: u16,
        /// What it asks for.
        name: String,
    },
    /// Answers.
    Answer(Answer),
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The number of the question.
    pub number: u16,
    /// The name that was asked for.
    pub name: String,
    /// What belongs to it.
    pub result: u64,
}

impl Packet {
    /// The packet as bytes. Names are cut so that it fits.
    pub fn encode(&self) -> Vec<u8> {
        let (kind, number, name, result) = match self {
            Packet::Question { number, name } => (QUESTION, *number, name, None),
            Packet::Answer(answer) => (ANSWER, answer.number, &answer.name, Some(answer.result)),
        };
        let name = &name.as_bytes()[..name.len().min(LONGEST - HEADER - RESULT)];
        let mut bytes = vec![kind];
        bytes.extend(number.to_be_bytes());
        bytes.push(name.len() as u8);
        bytes.extend(name);
        bytes.extend(result.iter().flat_map(|result| result.to_be_bytes()));
        bytes
    }

    /// The packet of these bytes, if they are one.
    pub fn decode(bytes: &[u8]) -> Option<Packet> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let number = u16::from_be_bytes([header[1], header[2]]);
        let (name, rest) = rest.split_at_checked(usize::from(header[3]))?;
        let name = String::from_utf8(name.to_vec()).ok()?;
        match header[0] {
            QUESTION if rest.is_empty() => Some(Packet::Question { number, name }),
            ANSWER => {
                let result = u64::from_be_bytes(rest.try_into().ok()?);
                Some(Packet::Answer(Answer {
                    number,
                    name,
                    result,
                }))
            }
            _ => None,
        }
    }
}

/// What belongs to a name, the same for each peer and each run.
pub fn lookup(name: &str) -> u64 {
    // FNV-1a.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_back_as_they_were() {
        let question = Packet::Question {
            number: 0xabcd,
            name: "a.name".to_owned(),
        };
        let answer = Packet::Answer(Answer {
            number: 7,
            name: String::new(),
            result: u64::MAX - 1,
        });
        for packet in [question, answer] {
            assert_eq!(Packet::decode(&packet.encode()), Some(packet));
        }
    }

    #[test]
    fn what_is_no_packet_is_none() {
        let whole = Packet::Answer(Answer {
            number: 7,
            name: "name".to_owned(),
            result: 1,
        })
        .encode();
        for len in 0..whole.len() {
            assert_eq!(Packet::decode(&whole[..len]), None, "{len} bytes");
        }
        let mut longer = whole.clone();
        longer.push(0);
        assert_eq!(Packet::decode(&longer), None);
        let mut other = whole;
        other[0] = b'#';
        assert_eq!(Packet::decode(&other), None);
    }

    #[test]
    fn the_longest_name_fits() {
        let packet = Packet::Question {
            number: 1,
            name: "n".repeat(1_000),
        };
        let bytes = packet.encode();
        assert!(bytes.len() <= LONGEST);
        assert!(Packet::decode(&bytes).is_some());
    }
}

//! Cutting a text into what each `submit_sm` carries, and joining what phones send.

use thiserror::Error;

use super::gsm7;
use super::text::{Alphabet, Encoding, Header, choose};

/// Most parts that a header can number.
pub const MAX_SEGMENTS: usize = 255;
/// `esm_class` of a part that starts with a user data header.
const UDH_INDICATOR: u8 = 0x40;

/// How to split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `None`: the best for the text. One that cannot write the text is an error.
    pub encoding: Option<Encoding>,
    /// How parts say that they belong together.
    pub header: Header,
    /// The same for all parts of a text; its low octet is used by [`Header::Udh8`].
    pub reference: u16,
    /// Most parts, 1 to [`MAX_SEGMENTS`].
    pub max_segments: usize,
    /// `data_coding` of the GSM alphabet: 0, "the centre's default", is what nearly all centres expect.
    pub gsm7_coding: u8,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            encoding: None,
            header: Header::Udh8,
            reference: 0,
            max_segments: MAX_SEGMENTS,
            gsm7_coding: 0,
        }
    }
}

/// A text ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// How it is written.
    pub encoding: Encoding,
    /// Value of `data_coding`.
    pub data_coding: u8,
    /// Value of `esm_class`.
    pub esm_class: u8,
    /// At least one.
    pub parts: Vec<Part>,
}

/// What one `submit_sm` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `short_message`, with the header if there is one; empty where the payload is used.
    pub short_message: Vec<u8>,
    /// `message_payload`.
    pub payload: Option<Vec<u8>>,
    /// `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    pub sar: Option<(u16, u8, u8)>,
}

/// Why a text cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// There is nothing to send.
    #[error("the text is empty")]
    Empty,
    /// The asked encoding lacks a character.
    #[error("the text has characters that {} cannot write", .0.name())]
    Unwritable(Encoding),
    /// It takes more parts than are allowed.
    #[error("the text takes {segments} parts, and at most {max} are allowed")]
    TooLong {
        /// Parts that it takes.
        segments: usize,
        /// Parts that are allowed.
        max: usize,
    },
}

/// Cuts a text. No character is cut: neither an escape pair nor a surrogate pair.
pub fn split(text: &str, options: Options) -> Result<Split, TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    let encoding = options.encoding.unwrap_or_else(|| choose(text));
    if !encoding.fits(text) {
        return Err(TextError::Unwritable(encoding));
    }
    let data_coding = match encoding {
        Encoding::Gsm7 => options.gsm7_coding,
        Encoding::Ascii => 0,
        Encoding::Latin1 => 3,
        Encoding::Ucs2 => 8,
    };
    let units: usize = text
        .chars()
        .filter_map(|character| encoding.units(character))
        .sum();
    let header = if units <= encoding.single() {
        0
    } else {
        options.header.octets()
    };
    let per_part = if header == 0 {
        encoding.single()
    } else {
        encoding.part(header)
    };
    let bodies = cut(text, encoding, per_part);
    let max = options.max_segments.clamp(1, MAX_SEGMENTS);
    let total = match u8::try_from(bodies.len()) {
        Ok(total) if usize::from(total) <= max => total,
        _ => {
            return Err(TextError::TooLong {
                segments: bodies.len(),
                max,
            });
        }
    };
    let whole = |body| Part {
        short_message: body,
        payload: None,
        sar: None,
    };
    if header == 0 {
        let parts = bodies.into_iter().map(whole).collect();
        return Ok(Split {
            encoding,
            data_coding,
            esm_class: 0,
            parts,
        });
    }
    let [high, low] = options.reference.to_be_bytes();
    let numbered = (1u8..=u8::MAX).zip(bodies);
    let (esm_class, parts) = match options.header {
        Header::Udh8 => (
            UDH_INDICATOR,
            numbered
                .map(|(number, body)| whole([vec![5, 0, 3, low, total, number], body].concat()))
                .collect(),
        ),
        Header::Udh16 => (
            UDH_INDICATOR,
            numbered
                .map(|(number, body)| {
                    whole([vec![6, 8, 4, high, low, total, number], body].concat())
                })
                .collect(),
        ),
        Header::Sar => (
            0,
            numbered
                .map(|(number, body)| Part {
                    short_message: body,
                    payload: None,
                    sar: Some((options.reference, total, number)),
                })
                .collect(),
        ),
        Header::Payload => {
            let payload = Some(numbered.flat_map(|(_, body)| body).collect());
            (
                0,
                vec![Part {
                    short_message: Vec::new(),
                    payload,
                    sar: None,
                }],
            )
        }
    };
    Ok(Split {
        encoding,
        data_coding,
        esm_class,
        parts,
    })
}

/// The octets of each part.
fn cut(text: &str, encoding: Encoding, per_part: usize) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    let mut body = Vec::new();
    let mut filled = 0;
    for character in text.chars() {
        let units = encoding.units(character).unwrap_or(0);
        if filled + units > per_part {
            parts.push(std::mem::take(&mut body));
            filled = 0;
        }
        filled += units;
        match encoding {
            Encoding::Gsm7 => {
                if let Some(septets) = gsm7::encode(character) {
                    septets.write(&mut body);
                }
            }
            Encoding::Latin1 | Encoding::Ascii => {
                body.extend(u8::try_from(u32::from(character)));
            }
            Encoding::Ucs2 => {
                let mut pair = [0; 2];
                body.extend(
                    character
                        .encode_utf16(&mut pair)
                        .iter()
                        .flat_map(|unit| unit.to_be_bytes()),
                );
            }
        }
    }
    parts.push(body);
    parts
}

/// The text of octets that a centre delivers. What cannot be read becomes U+FFFD; a surrogate alone too.
#[must_use]
pub fn decode(data_coding: u8, octets: &[u8], default: Alphabet) -> String {
    match data_coding {
        // 0x08 is UCS-2; 0x18 to 0x1B the same with a message class.
        8 | 0x18..=0x1B => {
            let units = octets.chunks(2).map(|pair| match *pair {
                [high, low] => u16::from_be_bytes([high, low]),
                _ => 0xFFFD,
            });
            char::decode_utf16(units)
                .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        3 => octets.iter().copied().map(char::from).collect(),
        0 | 1 if data_coding == 1 || default == Alphabet::Ascii => octets
            .iter()
            .map(|octet| {
                if octet.is_ascii() {
                    char::from(*octet)
                } else {
                    char::REPLACEMENT_CHARACTER
                }
            })
            .collect(),
        0 if default == Alphabet::Latin1 => octets.iter().copied().map(char::from).collect(),
        _ => gsm7::decode(octets),
    }
}

/// The place of a part in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// The same for all parts of a message.
    pub reference: u16,
    /// How many there are.
    pub total: u8,
    /// Which this is, from 1.
    pub number: u8,
}

/// Takes the user data header off a `short_message` whose `esm_class` announces one: the place of the part, if the header says one that makes
/// sense, and the rest. A header that is cut short is no header: everything is text.
#[must_use]
pub fn parse_udh(octets: &[u8]) -> (Option<Concat>, &[u8]) {
    let Some((length, after)) = octets.split_first() else {
        return (None, octets);
    };
    let Some((mut header, rest)) = after.split_at_checked(usize::from(*length)) else {
        return (None, octets);
    };
    let mut place = None;
    while let [element, size, tail @ ..] = header {
        let Some((value, next)) = tail.split_at_checked(usize::from(*size)) else {
            break;
        };
        place = match (*element, value) {
            (0, [reference, total, number]) => Some((u16::from(*reference), *total, *number)),
            (8, [high, low, total, number]) => {
                Some((u16::from_be_bytes([*high, *low]), *total, *number))
            }
            _ => place,
        };
        header = next;
    }
    let concat = place
        .filter(|&(_, total, number)| number >= 1 && number <= total)
        .map(|(reference, total, number)| Concat {
            reference,
            total,
            number,
        });
    (concat, rest)
}

#[cfg(test)]
mod tests;

//! Which alphabet a text needs, and how many parts it takes.

use serde::{Deserialize, Serialize};

use super::gsm7;

/// Octets of a user data header with an 8-bit reference, its length octet counted.
const UDH_8: usize = 6;
/// The same with a 16-bit reference.
const UDH_16: usize = 7;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Encoding {
    /// GSM 7-bit default alphabet: up to 160 septets a message, 153 a part.
    Gsm7,
    /// ISO 8859-1: 140 octets a message, 134 a part. Only where a link asks for it: phones differ.
    Latin1,
    /// ASCII, one octet a character, for a centre that makes the GSM alphabet of it: counted as that. Only where a link asks for it.
    Ascii,
    /// UTF-16: 70 units a message, 67 a part.
    Ucs2,
}

impl Encoding {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM7",
            Self::Latin1 => "LATIN1",
            Self::Ascii => "ASCII",
            Self::Ucs2 => "UCS2",
        }
    }

    /// Units that a message of one part holds.
    #[must_use]
    pub const fn single(self) -> usize {
        match self {
            Self::Gsm7 | Self::Ascii => 160,
            Self::Latin1 => 140,
            Self::Ucs2 => 70,
        }
    }

    /// Units that each of several parts holds beside a header of `header` octets.
    #[must_use]
    pub const fn part(self, header: usize) -> usize {
        let octets = 140usize.saturating_sub(header);
        match self {
            Self::Gsm7 | Self::Ascii => octets * 8 / 7,
            Self::Latin1 => octets,
            Self::Ucs2 => octets / 2,
        }
    }

    /// The units of a character; `None` where this encoding cannot write it.
    #[must_use]
    pub fn units(self, character: char) -> Option<usize> {
        match self {
            Self::Latin1 => (u32::from(character) < 0x100).then_some(1),
            Self::Ascii if !character.is_ascii() => None,
            Self::Gsm7 | Self::Ascii => gsm7::encode(character).map(gsm7::Septets::len),
            Self::Ucs2 => Some(character.len_utf16()),
        }
    }

    /// Whether it can write the whole text.
    #[must_use]
    pub fn fits(self, text: &str) -> bool {
        text.chars()
            .all(|character| self.units(character).is_some())
    }
}

/// The encoding that writes a text in the fewest parts on every phone: the GSM alphabet where it can, UCS-2 otherwise.
#[must_use]
pub fn choose(text: &str) -> Encoding {
    if Encoding::Gsm7.fits(text) {
        Encoding::Gsm7
    } else {
        Encoding::Ucs2
    }
}

/// What `data_coding` 0, "the centre's default alphabet", means on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// GSM 7-bit, one character an octet.
    #[default]
    Gsm7,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
}

impl Alphabet {
    /// How a text is written for a link with this alphabet: in it where it can, in UCS-2 otherwise.
    #[must_use]
    pub fn encoding(self, text: &str) -> Encoding {
        let own = match self {
            Self::Gsm7 => Encoding::Gsm7,
            Self::Latin1 => Encoding::Latin1,
            Self::Ascii => Encoding::Ascii,
        };
        if own.fits(text) { own } else { Encoding::Ucs2 }
    }
}

/// How the parts of a long text say that they belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// User data header with an 8-bit reference, which every phone and centre knows.
    #[default]
    Udh8,
    /// User data header with a 16-bit reference: fewer wrong joins.
    Udh16,
    /// The centre makes the header, from `sar_*` parameters.
    Sar,
    /// The centre cuts the text: one `message_payload`.
    Payload,
}

impl Header {
    /// Octets of each part that it takes.
    #[must_use]
    pub const fn octets(self) -> usize {
        match self {
            Self::Udh16 => UDH_16,
            // A centre that makes the header itself makes the usual one.
            Self::Udh8 | Self::Sar | Self::Payload => UDH_8,
        }
    }

    /// Whether it needs optional parameters, which centres below 3.4 do not know.
    #[must_use]
    pub const fn needs_parameters(self) -> bool {
        matches!(self, Self::Sar | Self::Payload)
    }
}

/// How long a text is: the same counts by which it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextLength {
    /// How it is written.
    pub encoding: Encoding,
    /// Units of that encoding: septets, octets or UTF-16 units.
    pub length: usize,
    /// Parts that it is handed to the centre in, each with an id; an empty text takes one.
    pub segments: usize,
    /// Units that each of them holds.
    pub per_segment: usize,
    /// Parts that phones get, which limits and quotas count: more than `segments` where the centre does the cutting.
    pub on_air: usize,
}

/// Counts a text as it is sent with an 8-bit reference, the usual header.
#[must_use]
pub fn measure(text: &str) -> TextLength {
    measure_for(text, Alphabet::Gsm7, Header::Udh8)
}

/// Counts a text as it is sent by a link with this alphabet and header.
#[must_use]
pub fn measure_for(text: &str, alphabet: Alphabet, header: Header) -> TextLength {
    let encoding = alphabet.encoding(text);
    let lengths = || {
        text.chars()
            .filter_map(|character| encoding.units(character))
    };
    let length = lengths().sum();
    if length <= encoding.single() {
        return TextLength {
            encoding,
            length,
            segments: 1,
            per_segment: encoding.single(),
            on_air: 1,
        };
    }
    let per_part = encoding.part(header.octets());
    let mut on_air = 1;
    let mut filled = 0;
    for units in lengths() {
        // A character of two units is never cut.
        if filled + units > per_part {
            on_air += 1;
            filled = 0;
        }
        filled += units;
    }
    let (segments, per_segment) = match header {
        Header::Payload => (1, length),
        Header::Udh8 | Header::Udh16 | Header::Sar => (on_air, per_part),
    };
    TextLength {
        encoding,
        length,
        segments,
        per_segment,
        on_air,
    }
}

/// Typographic characters that cost a text the GSM alphabet, and what stands for them there.
const SIMILAR: [(char, &str); 34] = [
    ('‘', "'"),
    ('’', "'"),
    ('‚', "'"),
    ('‛', "'"),
    ('′', "'"),
    ('`', "'"),
    ('´', "'"),
    ('“', "\""),
    ('”', "\""),
    ('„', "\""),
    ('‟', "\""),
    ('″', "\""),
    ('«', "\""),
    ('»', "\""),
    ('‐', "-"),
    ('‑', "-"),
    ('‒', "-"),
    ('–', "-"),
    ('—', "-"),
    ('―', "-"),
    ('−', "-"),
    ('…', "..."),
    ('•', "*"),
    ('·', "."),
    ('\u{A0}', " "),
    ('\u{2007}', " "),
    ('\u{2009}', " "),
    ('\u{202F}', " "),
    ('\t', " "),
    ('\u{200B}', ""),
    ('\u{FEFF}', ""),
    ('\u{AD}', ""),
    ('ç', "Ç"),
    ('™', "(TM)"),
];

/// Latin letters with marks that the GSM alphabet lacks, and the plain ones.
const LETTERS: [(&str, &str); 38] = [
    ("áâãāăą", "a"),
    ("ÁÂÃÀĀĂĄ", "A"),
    ("ćčĉċ", "c"),
    ("ĆČĈĊ", "C"),
    ("ďđ", "d"),
    ("ĎĐ", "D"),
    ("êëēĕėęě", "e"),
    ("ÊËÈĒĔĖĘĚ", "E"),
    ("ğĝġģ", "g"),
    ("ĞĜĠĢ", "G"),
    ("ĥħ", "h"),
    ("ĤĦ", "H"),
    ("íîïĩīĭįı", "i"),
    ("ÍÎÏÌĨĪĬĮİ", "I"),
    ("ĵ", "j"),
    ("Ĵ", "J"),
    ("ķ", "k"),
    ("Ķ", "K"),
    ("ĺļľł", "l"),
    ("ĹĻĽŁ", "L"),
    ("ńņň", "n"),
    ("ŃŅŇ", "N"),
    ("óôõōŏő", "o"),
    ("ÓÔÕÒŌŎŐ", "O"),
    ("ŕŗř", "r"),
    ("ŔŖŘ", "R"),
    ("śŝşšș", "s"),
    ("ŚŜŞŠȘ", "S"),
    ("ţťŧț", "t"),
    ("ŢŤŦȚ", "T"),
    ("úûũūŭůűų", "u"),
    ("ÚÛÙŨŪŬŮŰŲ", "U"),
    ("ŵ", "w"),
    ("Ŵ", "W"),
    ("ýÿŷ", "y"),
    ("ÝŸŶ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
];

/// Replaces characters that the GSM alphabet lacks by similar ones, if the whole text can then be written in it; otherwise gives the text
/// back as it is, because half of it in plain letters saves nothing.
#[must_use]
pub fn transliterate(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if gsm7::encode(character).is_some() {
            plain.push(character);
            continue;
        }
        let similar = SIMILAR
            .iter()
            .find(|(from, _)| *from == character)
            .map(|(_, to)| *to);
        let letter = || {
            LETTERS
                .iter()
                .find(|(from, _)| from.contains(character))
                .map(|(_, to)| *to)
        };
        match similar.or_else(letter) {
            Some(to) => plain.push_str(to),
            None => return text.to_owned(),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_at_every_boundary() {
        for (text, encoding, length, segments, per_segment) in [
            (String::new(), Encoding::Gsm7, 0, 1, 160),
            ("a".repeat(160), Encoding::Gsm7, 160, 1, 160),
            ("a".repeat(161), Encoding::Gsm7, 161, 2, 153),
            ("a".repeat(306), Encoding::Gsm7, 306, 2, 153),
            ("a".repeat(307), Encoding::Gsm7, 307, 3, 153),
            ("€".repeat(80), Encoding::Gsm7, 160, 1, 160),
            ("€".repeat(81), Encoding::Gsm7, 162, 2, 153),
            // 76 pairs fill 152 septets: the 77th does not go into the last one of the part.
            ("€".repeat(153), Encoding::Gsm7, 306, 3, 153),
            (
                format!("{}€{}", "a".repeat(152), "a".repeat(152)),
                Encoding::Gsm7,
                306,
                3,
                153,
            ),
            ("ж".repeat(70), Encoding::Ucs2, 70, 1, 70),
            ("ж".repeat(71), Encoding::Ucs2, 71, 2, 67),
            ("ж".repeat(134), Encoding::Ucs2, 134, 2, 67),
            ("ж".repeat(135), Encoding::Ucs2, 135, 3, 67),
            ("😀".repeat(35), Encoding::Ucs2, 70, 1, 70),
            ("😀".repeat(36), Encoding::Ucs2, 72, 2, 67),
            // 33 pairs fill 66 units of the first part.
            (
                format!("{}{}", "😀".repeat(33), "😀".repeat(34)),
                Encoding::Ucs2,
                134,
                3,
                67,
            ),
            ("@".into(), Encoding::Gsm7, 1, 1, 160),
            ("ç".into(), Encoding::Ucs2, 1, 1, 70),
            ("`".into(), Encoding::Ucs2, 1, 1, 70),
            ("\u{0C}".into(), Encoding::Gsm7, 2, 1, 160),
            ("a\0b".into(), Encoding::Ucs2, 3, 1, 70),
            ("e\u{301}".into(), Encoding::Ucs2, 2, 1, 70),
            ("مرحبا".into(), Encoding::Ucs2, 5, 1, 70),
            ("line\r\nline".into(), Encoding::Gsm7, 10, 1, 160),
        ] {
            let expected = TextLength {
                encoding,
                length,
                segments,
                per_segment,
                on_air: segments,
            };
            assert_eq!(measure(&text), expected, "{text:?}");
        }
    }

    #[test]
    fn another_alphabet_or_header_is_counted_as_it_is_sent() {
        for (text, alphabet, header, expected) in [
            (
                "a".repeat(160),
                Alphabet::Latin1,
                Header::Udh8,
                (Encoding::Latin1, 2, 134, 2),
            ),
            (
                "ç".repeat(140),
                Alphabet::Latin1,
                Header::Udh8,
                (Encoding::Latin1, 1, 140, 1),
            ),
            (
                "a".repeat(305),
                Alphabet::Gsm7,
                Header::Udh16,
                (Encoding::Gsm7, 3, 152, 3),
            ),
            (
                "a".repeat(305),
                Alphabet::Gsm7,
                Header::Sar,
                (Encoding::Gsm7, 2, 153, 2),
            ),
            (
                "a".repeat(305),
                Alphabet::Gsm7,
                Header::Payload,
                (Encoding::Gsm7, 1, 305, 2),
            ),
            (
                "ж".repeat(70),
                Alphabet::Gsm7,
                Header::Payload,
                (Encoding::Ucs2, 1, 70, 1),
            ),
            (
                "ж".repeat(135),
                Alphabet::Gsm7,
                Header::Payload,
                (Encoding::Ucs2, 1, 135, 3),
            ),
            (
                "é".repeat(71),
                Alphabet::Ascii,
                Header::Udh16,
                (Encoding::Ucs2, 2, 66, 2),
            ),
        ] {
            let found = measure_for(&text, alphabet, header);
            let found = (
                found.encoding,
                found.segments,
                found.per_segment,
                found.on_air,
            );
            assert_eq!(found, expected, "{alphabet:?} {header:?}");
        }
    }

    #[test]
    fn typographic_characters_are_replaced_when_that_saves_the_alphabet() {
        assert_eq!(
            transliterate("It’s “fine” – really…"),
            "It's \"fine\" - really..."
        );
        assert_eq!(transliterate("Žofie Dvořák"), "Zofie Dvorak");
        assert_eq!(transliterate("’ж"), "’ж", "half of it saves nothing");
        assert_eq!(transliterate("€[]"), "€[]");
    }

    proptest! {
        #[test]
        fn replacing_never_makes_a_text_longer_to_send(text in "\\PC{0,400}") {
            let plain = transliterate(&text);
            prop_assert!(plain == text || choose(&plain) == Encoding::Gsm7);
            prop_assert_eq!(transliterate(&plain), plain.clone(), "twice is once");
            prop_assert!(measure(&plain).segments <= measure(&text).segments.max(measure(&plain).length.div_ceil(153)));
        }
    }
}

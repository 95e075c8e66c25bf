//! The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1), one character an octet as SMPP carries it.

/// What stands before a character of the extension table.
const ESCAPE: u8 = 0x1B;

/// The default alphabet in the order of its codes. 0x1B is the escape, which is no character.
const ALPHABET: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', //
    'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1B}', 'Æ', 'æ', 'ß', 'É', //
    ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/', //
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', //
    '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', //
    'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', //
    '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', //
    'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à', //
];

/// The extension table: two septets each.
const EXTENSION: [(u8, char); 10] = [
    (0x0A, '\u{0C}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2F, '\\'),
    (0x3C, '['),
    (0x3D, '~'),
    (0x3E, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// A character in this alphabet: one septet, or the escape and one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Septets {
    /// Of the default alphabet.
    One(u8),
    /// Of the extension table: the code after the escape.
    Escaped(u8),
}

impl Septets {
    /// How many septets it takes.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Escaped(_) => 2,
        }
    }

    /// Never: a character takes at least one.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }

    pub(super) fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::One(code) => out.push(code),
            Self::Escaped(code) => out.extend([ESCAPE, code]),
        }
    }
}

/// How a character is written; `None` where the alphabet lacks it.
#[must_use]
pub fn encode(character: char) -> Option<Septets> {
    // Most text is letters and digits, whose codes are those of ASCII.
    if character.is_ascii_alphanumeric() || character == ' ' {
        return u8::try_from(character).ok().map(Septets::One);
    }
    let position = ALPHABET
        .iter()
        .position(|&known| known == character && known != '\u{1B}');
    if let Some(code) = position.and_then(|code| u8::try_from(code).ok()) {
        return Some(Septets::One(code));
    }
    EXTENSION
        .iter()
        .find(|(_, known)| *known == character)
        .map(|(code, _)| Septets::Escaped(*code))
}

/// Reads octets of this alphabet. An escape before an unknown code reads as that code's character of the default alphabet, as the standard
/// says; the eighth bit is ignored; an escape at the end is dropped.
#[must_use]
pub fn decode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    let mut escaped = false;
    for octet in octets {
        let code = octet & 0x7F;
        if code == ESCAPE && !escaped {
            escaped = true;
            continue;
        }
        let extended = escaped
            .then(|| EXTENSION.iter().find(|(known, _)| *known == code))
            .flatten()
            .map(|(_, character)| *character);
        escaped = false;
        let plain = ALPHABET.get(usize::from(code)).copied();
        text.extend(extended.or(plain).map(|character| {
            if character == '\u{1B}' {
                ' '
            } else {
                character
            }
        }));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_code_reads_back_as_itself() {
        for code in 0..128u8 {
            if code == ESCAPE {
                continue;
            }
            let text = decode(&[code]);
            assert_eq!(
                encode(text.chars().next().unwrap()),
                Some(Septets::One(code)),
                "{code:#04x}"
            );
        }
        for (code, character) in EXTENSION {
            assert_eq!(encode(character), Some(Septets::Escaped(code)));
            assert_eq!(decode(&[ESCAPE, code]), character.to_string());
        }
    }

    #[test]
    fn the_traps_of_the_alphabet() {
        assert_eq!(encode('@'), Some(Septets::One(0)), "at is zero");
        assert_eq!(encode('_'), Some(Septets::One(0x11)));
        for missing in ['`', 'ç', 'ê', '“', '’', '\u{1B}', '\0', '\t', '😀', 'Ё'] {
            assert_eq!(encode(missing), None, "{missing:?} is not in the alphabet");
        }
        assert_eq!(
            decode(&[ESCAPE, 0x41]),
            "A",
            "an unknown extension reads as the plain code"
        );
        assert_eq!(
            decode(&[0x41, ESCAPE]),
            "A",
            "an escape at the end says nothing"
        );
        assert_eq!(
            decode(&[ESCAPE, ESCAPE]),
            " ",
            "a reserved escape reads as a space"
        );
        assert_eq!(decode(&[0xC1]), "A", "the eighth bit says nothing");
    }

    proptest! {
        #[test]
        fn no_octets_stop_it(octets: Vec<u8>) {
            prop_assert!(decode(&octets).chars().count() <= octets.len());
        }
    }
}

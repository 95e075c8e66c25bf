//! How links cut texts.

use serde::{Deserialize, Serialize};

use super::segments::TextError;
use super::text::{Alphabet, Header, TextLength, measure_for, transliterate};

/// Parts of one message, as the bridge takes them out of the box.
pub const MAX_SEGMENTS: usize = 10;

/// What a person is told of a text that is empty once similar characters stand in it.
pub const NOTHING_LEFT: &str =
    "Nothing of the message is left once it is written in the GSM alphabet.";

/// How a link cuts texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cut {
    /// What its centre takes `data_coding` 0 for.
    pub alphabet: Alphabet,
    /// How parts belong together.
    pub header: Header,
    /// Most parts of one message.
    pub max_segments: usize,
}

impl Default for Cut {
    fn default() -> Self {
        Self {
            alphabet: Alphabet::default(),
            header: Header::default(),
            max_segments: MAX_SEGMENTS,
        }
    }
}

impl Cut {
    /// Counts a text as it is sent where similar characters may stand for those that the GSM alphabet lacks, or may not.
    #[must_use]
    pub fn count(&self, text: &str, transliterated: bool) -> TextLength {
        if transliterated {
            measure_for(&transliterate(text), self.alphabet, self.header)
        } else {
            measure_for(text, self.alphabet, self.header)
        }
    }
}

/// How the links behind a number cut texts: one, or those of a pool. As links usually do, where nothing is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cuts(Vec<Cut>);

impl Cuts {
    /// Counts a text as the link does of which phones get most parts: any of them may send it.
    #[must_use]
    pub fn count(&self, text: &str, transliterated: bool) -> TextLength {
        let counts = self.0.iter().map(|cut| cut.count(text, transliterated));
        counts
            .max_by_key(|length| length.on_air)
            .unwrap_or_else(|| Cut::default().count(text, transliterated))
    }

    /// Counts a text that each of them sends, or says why one does not. With similar characters in it nothing may be left of it.
    pub fn admit(&self, text: &str, transliterated: bool) -> Result<TextLength, TextError> {
        let length = self.count(text, transliterated);
        let (segments, max) = (length.on_air, self.max_segments());
        match length.length {
            0 => Err(TextError::Empty),
            _ if segments > max => Err(TextError::TooLong { segments, max }),
            _ => Ok(length),
        }
    }

    /// Most parts that each of them sends of one message, and the platform lets it.
    #[must_use]
    pub fn max_segments(&self) -> usize {
        let limits = self.0.iter().map(|cut| cut.max_segments);
        limits.min().unwrap_or(MAX_SEGMENTS).min(MAX_SEGMENTS)
    }
}

impl FromIterator<Cut> for Cuts {
    fn from_iter<T: IntoIterator<Item = Cut>>(cuts: T) -> Self {
        Self(cuts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::segments::{Options, split};
    use crate::sms::text::Encoding;
    use proptest::prelude::*;

    fn latin() -> Cut {
        Cut {
            alphabet: Alphabet::Latin1,
            max_segments: 5,
            ..Cut::default()
        }
    }

    #[test]
    fn a_text_that_may_be_replaced_is_counted_as_it_is_then_sent() {
        let text = format!("It’s {}", "a".repeat(100));
        for (transliterated, expected) in [
            (false, (Encoding::Ucs2, 105, 2, 67)),
            (true, (Encoding::Gsm7, 105, 1, 160)),
        ] {
            let found = Cut::default().count(&text, transliterated);
            let found = (
                found.encoding,
                found.length,
                found.segments,
                found.per_segment,
            );
            assert_eq!(found, expected, "{transliterated}");
        }
    }

    #[test]
    fn of_several_links_the_one_counts_that_needs_most_parts() {
        let both: Cuts = [Cut::default(), latin()].into_iter().collect();
        let plain = both.count(&"a".repeat(150), false);
        assert_eq!((plain.encoding, plain.segments), (Encoding::Latin1, 2));
        // Letters of Latin-1 that the GSM alphabet lacks.
        let marked = both.count(&"ç".repeat(71), false);
        assert_eq!((marked.encoding, marked.segments), (Encoding::Ucs2, 2));
        assert_eq!(both.max_segments(), 5);
    }

    #[test]
    fn a_link_of_which_nothing_is_known_cuts_as_links_usually_do() {
        let unknown = Cuts::default();
        assert_eq!(unknown.count(&"a".repeat(161), false).per_segment, 153);
        assert_eq!(unknown.max_segments(), MAX_SEGMENTS);
        let told: Cut = serde_json::from_str(r#"{"header": "udh16"}"#).unwrap();
        let header = Header::Udh16;
        assert_eq!(
            told,
            Cut {
                header,
                ..Cut::default()
            }
        );
        assert_eq!(told.count(&"a".repeat(161), false).per_segment, 152);
    }

    #[test]
    fn a_link_that_allows_more_parts_than_the_platform_gets_no_more() {
        let many = Cut {
            max_segments: 255,
            ..Cut::default()
        };
        assert_eq!(Cuts::from_iter([many]).max_segments(), MAX_SEGMENTS);
    }

    #[test]
    fn what_a_centre_cuts_itself_is_counted_as_phones_get_it() {
        let payload = Cut {
            header: Header::Payload,
            ..Cut::default()
        };
        let cuts: Cuts = [payload].into_iter().collect();
        for (letters, on_air) in [(160, 1), (300, 2), (1_530, 10), (3_000, 20)] {
            let length = cuts.count(&"a".repeat(letters), false);
            assert_eq!((length.segments, length.on_air), (1, on_air), "{letters}");
        }
    }

    #[test]
    fn a_text_of_which_nothing_is_left_is_not_sent() {
        let unseen = "\u{200B}\u{FEFF}\u{AD}";
        let cuts = Cuts::default();
        assert_eq!(cuts.admit(unseen, true), Err(TextError::Empty));
        assert_eq!(cuts.admit("", false), Err(TextError::Empty));
        assert_eq!(cuts.admit(unseen, false).map(|length| length.length), Ok(3));
        let one = cuts.admit(&format!("{unseen}."), true);
        assert_eq!(one.map(|length| length.length), Ok(1));
    }

    proptest! {
        #[test]
        fn a_text_is_let_through_if_and_only_if_its_link_sends_it(
            text in prop_oneof![
                "[a€ç\\[]{1,1700}", "[a-z{}€ж😀ü]{1,750}", "[жa😀]{1,750}", "\\PC{0,200}", "[\u{200B}\u{FEFF}\u{AD}]{0,3}",
                "[\u{200B}\u{FEFF}\u{AD}a…]{1,1700}",
            ],
            transliterated: bool,
            header in prop_oneof![Just(Header::Udh8), Just(Header::Udh16), Just(Header::Sar), Just(Header::Payload)],
            alphabet in prop_oneof![Just(Alphabet::Gsm7), Just(Alphabet::Latin1), Just(Alphabet::Ascii)],
            max_segments in 1..=MAX_SEGMENTS,
        ) {
            let cuts: Cuts = [Cut { alphabet, header, max_segments }].into_iter().collect();
            // As the bridge does it.
            let sent = if transliterated { transliterate(&text) } else { text.clone() };
            let encoding = Some(alphabet.encoding(&sent));
            let sent = split(&sent, Options { encoding, header, max_segments, ..Options::default() });
            let admitted = cuts.admit(&text, transliterated);
            prop_assert_eq!(admitted.map(|length| length.segments), sent.map(|sent| sent.parts.len()));
        }
    }
}

//! From what is asked for to what is stored: checked, split, and given its limits. No I/O.

use homeroom_domain::sms::cut::Cut;
use homeroom_domain::sms::number::Address as Number;
use homeroom_domain::sms::segments::{self, Options, TextError};
use homeroom_domain::sms::text::{TextLength, transliterate};
use homeroom_sms_contract::submit::{MAX_DELAY_SECONDS, Outcome, Submission};
use sha2::{Digest, Sha256};

use crate::message::{Address, Addresses, NewMessage, PartBody};

/// Longest id in characters.
const MAX_ID: usize = 64;
/// A message may wait this long for its time, in milliseconds.
const MAX_DELAY: i64 = MAX_DELAY_SECONDS * 1_000;

/// How the texts of a link or pool are cut.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cutting {
    /// How the link does it.
    pub cut: Cut,
    /// How long a message is tried where it does not say itself, in milliseconds.
    pub validity: i64,
}

/// Why a message is not taken, as the contract's code and a sentence.
type Refusal = (&'static str, String);

/// Checks and splits a message. `reference` is the number that its parts share.
pub fn prepare(
    asked: Submission,
    cutting: Cutting,
    reference: u16,
    now: i64,
) -> Result<NewMessage, Box<Outcome>> {
    let message_id = asked.message_id.clone();
    check(asked, cutting, reference, now)
        .map_err(|(code, error)| Box::new(refused(message_id, code, error)))
}

/// What [`prepare`] would make of a text.
pub(crate) fn measure(text: &str, replaced: bool, cutting: Cutting) -> TextLength {
    cutting.cut.count(text, replaced)
}

/// The outcome of a message that is not taken.
pub(crate) fn refused(message_id: String, code: &str, error: String) -> Outcome {
    Outcome::Refused {
        message_id,
        code: code.to_owned(),
        error,
    }
}

fn check(
    asked: Submission,
    cutting: Cutting,
    reference: u16,
    now: i64,
) -> Result<NewMessage, Refusal> {
    for (name, id) in [
        ("message_id", &asked.message_id),
        ("transaction_id", &asked.transaction_id),
    ] {
        if id.is_empty() || id.chars().count() > MAX_ID || id.contains(char::is_control) {
            return Err((
                "invalid_id",
                format!("{name} must have 1 to {MAX_ID} characters"),
            ));
        }
    }
    let fingerprint = fingerprint(&asked);
    let source =
        Number::sender(&asked.source).map_err(|error| ("invalid_source", error.to_string()))?;
    let destination = Number::receiver(&asked.destination)
        .map_err(|error| ("invalid_destination", error.to_string()))?;
    let text = if asked.transliterate {
        transliterate(&asked.text)
    } else {
        asked.text
    };
    let options = Options {
        encoding: Some(cutting.cut.alphabet.encoding(&text)),
        header: cutting.cut.header,
        reference,
        max_segments: cutting.cut.max_segments,
        ..Options::default()
    };
    let split = segments::split(&text, options).map_err(|error| match error {
        TextError::TooLong { .. } => ("too_long", error.to_string()),
        TextError::Empty | TextError::Unwritable(_) => ("invalid_text", error.to_string()),
    })?;
    let send_at = asked.send_at.unwrap_or(now).max(now);
    if send_at - now > MAX_DELAY {
        return Err((
            "invalid_time",
            "a message can wait for at most 30 days".to_owned(),
        ));
    }
    let valid_until = asked
        .valid_until
        .unwrap_or(send_at.saturating_add(cutting.validity));
    if valid_until <= send_at {
        return Err((
            "expired",
            "the message's time is over before it can be sent".to_owned(),
        ));
    }
    Ok(NewMessage {
        message_id: asked.message_id,
        app_id: asked.app_id,
        tenant: asked.tenant,
        transaction_id: asked.transaction_id,
        task_id: asked.task_id,
        esme: asked.esme,
        fingerprint,
        addresses: Addresses {
            source: address(source.with(asked.ston, asked.snpi)),
            destination: address(destination.with(asked.dton, asked.dnpi)),
        },
        data_coding: split.data_coding,
        esm_class: split.esm_class,
        priority: asked.priority.min(3),
        send_at,
        valid_until,
        parts: split
            .parts
            .into_iter()
            .map(|part| PartBody {
                short_message: part.short_message,
                payload: part.payload,
                sar: part.sar,
            })
            .collect(),
    })
}

fn address(number: Number) -> Address {
    Address {
        ton: number.ton,
        npi: number.npi,
        address: number.as_str().to_owned(),
    }
}

/// What a repetition must have in common with the first: all but the id that this side chose.
fn fingerprint(asked: &Submission) -> [u8; 32] {
    let numbers = (
        asked.ston,
        asked.snpi,
        asked.dton,
        asked.dnpi,
        asked.priority,
        asked.transliterate,
    );
    let times = (asked.send_at, asked.valid_until, asked.task_id, asked.esme);
    let mut hash = Sha256::new();
    hash.update(format!("{numbers:?}{times:?}"));
    for text in [&asked.source, &asked.destination, &asked.text] {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use homeroom_domain::sms::text::{Alphabet, Header};

    use super::*;

    const NOW: i64 = 1_768_473_000_000;
    const CUTTING: Cutting = Cutting {
        cut: Cut {
            alphabet: Alphabet::Gsm7,
            header: Header::Udh8,
            max_segments: 5,
        },
        validity: 86_400_000,
    };

    fn asked(text: &str) -> Submission {
        Submission {
            message_id: "m-1".into(),
            app_id: 1,
            tenant: None,
            transaction_id: "t-1".into(),
            task_id: None,
            esme: 100,
            source: "Greenwood".into(),
            destination: "+263 77 123 4567".into(),
            text: text.into(),
            ston: None,
            snpi: None,
            dton: None,
            dnpi: None,
            priority: 7,
            send_at: None,
            valid_until: None,
            transliterate: false,
        }
    }

    fn code(asked: Submission) -> String {
        match prepare(asked, CUTTING, 1, NOW).map_err(|outcome| *outcome) {
            Err(Outcome::Refused { code, .. }) => code,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_good_message_is_split_and_has_its_limits() {
        let message = prepare(asked(&"a".repeat(161)), CUTTING, 0x1234, NOW).unwrap();
        assert_eq!(message.parts.len(), 2);
        assert_eq!(message.parts[0].short_message[..6], [5, 0, 3, 0x34, 2, 1]);
        assert_eq!(
            (message.data_coding, message.esm_class, message.priority),
            (0, 0x40, 3)
        );
        assert_eq!(
            (message.send_at, message.valid_until),
            (NOW, NOW + 86_400_000)
        );
        let ends = &message.addresses;
        assert_eq!(
            (ends.source.ton, ends.source.address.as_str()),
            (5, "Greenwood")
        );
        assert_eq!(
            (ends.destination.ton, ends.destination.address.as_str()),
            (1, "263771234567")
        );
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_reason() {
        assert_eq!(code(asked("")), "invalid_text");
        assert_eq!(code(asked(&"a".repeat(5 * 153 + 1))), "too_long");
        assert_eq!(
            code(Submission {
                destination: "077123".into(),
                source: "x".repeat(12),
                ..asked("a")
            }),
            "invalid_source"
        );
        assert_eq!(
            code(Submission {
                destination: "someone".into(),
                ..asked("a")
            }),
            "invalid_destination"
        );
        assert_eq!(
            code(Submission {
                transaction_id: String::new(),
                ..asked("a")
            }),
            "invalid_id"
        );
        assert_eq!(
            code(Submission {
                message_id: "m\n".into(),
                ..asked("a")
            }),
            "invalid_id"
        );
        assert_eq!(
            code(Submission {
                valid_until: Some(NOW),
                ..asked("a")
            }),
            "expired"
        );
        assert_eq!(
            code(Submission {
                send_at: Some(NOW + MAX_DELAY + 1),
                ..asked("a")
            }),
            "invalid_time"
        );
        assert_eq!(
            code(Submission {
                send_at: Some(i64::MAX),
                ..asked("a")
            }),
            "invalid_time"
        );
        assert_eq!(
            code(Submission {
                send_at: Some(i64::MIN),
                valid_until: Some(i64::MIN),
                ..asked("a")
            }),
            "expired"
        );
    }

    #[test]
    fn ids_are_counted_in_characters() {
        let with = |transaction_id: String| Submission {
            transaction_id,
            ..asked("a")
        };
        assert!(prepare(with("Ш".repeat(MAX_ID)), CUTTING, 1, NOW).is_ok());
        assert_eq!(code(with("Ш".repeat(MAX_ID + 1))), "invalid_id");
    }

    #[test]
    fn a_repetition_is_known_by_its_content_and_not_by_our_id() {
        let print = |asked: Submission| prepare(asked, CUTTING, 1, NOW).unwrap().fingerprint;
        let first = print(asked("a"));
        assert_eq!(
            print(Submission {
                message_id: "m-2".into(),
                ..asked("a")
            }),
            first
        );
        for other in [
            asked("b"),
            Submission {
                esme: 101,
                ..asked("a")
            },
            Submission {
                source: "Other".into(),
                ..asked("a")
            },
            Submission {
                task_id: Some(1),
                ..asked("a")
            },
            Submission {
                send_at: Some(NOW + 1),
                ..asked("a")
            },
        ] {
            assert_ne!(print(other), first);
        }
    }

    #[test]
    fn a_centre_of_latin_letters_gets_them() {
        let latin = Cutting {
            cut: Cut {
                alphabet: Alphabet::Latin1,
                ..CUTTING.cut
            },
            ..CUTTING
        };
        let message = prepare(asked("garçon @"), latin, 1, NOW).unwrap();
        assert_eq!(
            (
                message.data_coding,
                message.parts[0].short_message.as_slice()
            ),
            (3, &b"gar\xE7on @"[..])
        );
        assert_eq!(prepare(asked("ж"), latin, 1, NOW).unwrap().data_coding, 8);
    }
}

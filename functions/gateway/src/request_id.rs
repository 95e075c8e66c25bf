//! Request ids: taken from the client where they are fit to be logged, made otherwise.

use uuid::Builder;

/// The header that carries a request id, in and out.
pub const HEADER: &str = "x-request-id";

const MAX_LENGTH: usize = 64;

/// Whether an id of a client can be passed on and logged as it is.
#[must_use]
pub fn is_fit(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// A `UUIDv7` from the time in milliseconds since the Unix epoch and fresh entropy.
#[must_use]
pub fn make(now: u64, entropy: [u8; 10]) -> String {
    Builder::from_unix_timestamp_millis(now, &entropy)
        .into_uuid()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_passed_on_when_it_is_a_short_plain_token() {
        for (id, fit) in [
            ("a", true),
            ("0198f0c0-1c00-7abc-8def-0123456789ab", true),
            ("Trace_1.2-3", true),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
            ("", false),
            ("a b", false),
            ("a,b", false),
            ("a\"b", false),
            ("a\nb", false),
            ("é", false),
        ] {
            assert_eq!(is_fit(id), fit, "{id}");
        }
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_seven() {
        assert_eq!(make(0, [0; 10]), "00000000-0000-7000-8000-000000000000");
        assert_eq!(
            make(0x0123_4567_89ab, [0xff; 10]),
            "01234567-89ab-7fff-bfff-ffffffffffff"
        );
        let id = make(1_800_000_000_000, *b"0123456789");
        assert_eq!(id, "01a3185c-5000-7031-b233-343536373839");
        assert!(is_fit(&id));
    }
}

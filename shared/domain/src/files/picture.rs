//! Pictures in base64, as they are kept. Whether a picture can be drawn is found out by who prints it.

use base64ct::{Base64, Encoding};

/// Bytes in standard base64.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The bytes again; `None` for what is no base64.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(text).ok()
}

/// What a picture that was accepted is: there are JPEG and PNG.
#[must_use]
pub fn content_type(text: &str) -> &'static str {
    // The three bytes with which every JPEG begins.
    if text.starts_with("/9j/") {
        "image/jpeg"
    } else {
        "image/png"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_told_by_its_first_bytes() {
        for (bytes, kind) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg"),
            (b"\xff\xd8\xff\xdb", "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        ] {
            let text = encode(bytes);
            assert_eq!(content_type(&text), kind, "{text}");
            assert_eq!(decode(&text).as_deref(), Some(bytes));
        }
        assert_eq!(decode("no base64"), None);
    }
}

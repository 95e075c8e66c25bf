//! Tokens in the addresses of calendar feeds: opaque, 256 bits, stored as SHA-256, good until the feed is deleted.

use secrecy::{ExposeSecret, SecretString};

use super::encoding::{base64url, from_base64url};

/// A feed's token in the clear. Its `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct FeedToken(SecretString);

impl FeedToken {
    /// A new token.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(base64url(&secret).into())
    }

    /// Reads what a client presents; `None` when it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = from_base64url(text)?;
        (bytes.len() == 32).then(|| Self(text.to_owned().into()))
    }

    /// SHA-256 in hexadecimal: the form at rest.
    #[must_use]
    pub fn digest(&self) -> String {
        super::digest(self.0.expose_secret())
    }

    /// The text for the address.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_shown_to_nobody_else() {
        let token = FeedToken::new([7; 32]);
        let read = FeedToken::parse(token.expose()).unwrap();
        assert_eq!(read.digest(), token.digest());
        assert_ne!(token.digest(), FeedToken::new([8; 32]).digest());
        assert!(!token.digest().contains(token.expose()));
        assert!(!format!("{token:?}").contains(token.expose()));
        for text in ["", "abc", &"A".repeat(44), &"A".repeat(5_000)] {
            assert!(FeedToken::parse(text).is_none(), "{text}");
        }
    }
}

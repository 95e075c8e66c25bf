//! The signatures of Standard Webhooks, worked out without the code that makes them.

use data_encoding::BASE64;
use homeroom_api_tests::Post;
use sha2::{Digest, Sha256};

/// HMAC-SHA256 as RFC 2104 writes it down.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        block
    };
    let inner = Sha256::digest([&pad(0x36)[..], text].concat());
    Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()).to_vec()
}

fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = BASE64
        .decode(secret.strip_prefix("whsec_").unwrap().as_bytes())
        .unwrap();
    let text = format!("{id}.{timestamp}.{body}");
    format!("v1,{}", BASE64.encode(&hmac(&key, text.as_bytes())))
}

/// The signature that a request must have.
pub(crate) fn signed(secret: &str, post: &Post) -> String {
    let header = |name: &str| post.headers[name].as_str();
    sign(
        secret,
        header("webhook-id"),
        header("webhook-timestamp"),
        &post.body,
    )
}

/// The example of the specification.
#[test]
fn the_signature_is_that_of_the_specification() {
    assert_eq!(
        sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        ),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

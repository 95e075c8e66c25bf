//! Telling servers of others, as webhooks of the platform and callbacks of the SMS gateway do: which addresses are good, what is signed
//! with, and how often it is tried.

use base64ct::{Base64, Encoding};
use homeroom_kernel::Timestamp;

/// Longest address, in characters.
pub const MAX_URL: usize = 500;
/// How long telling goes on.
pub const GIVE_UP_SECONDS: i64 = 24 * 3_600;
/// How long the secret before is good beside a new one.
pub const BOTH_SECONDS: i64 = 24 * 3_600;
const PAUSE_SECONDS: i64 = 30;
/// Pauses that are as long as the first.
const EVEN_PAUSES: u32 = 3;
/// What happens in schools and webhooks can be told.
pub const EVENTS: &[&str] = &[
    RESULTS_PUBLISHED,
    RESULTS_UNPUBLISHED,
    ATTENDANCE_RECORDED,
    PROMOTION_EXECUTED,
    PROMOTION_UNDONE,
];
/// Report cards were published.
pub const RESULTS_PUBLISHED: &str = "results.published";
/// Published report cards were withdrawn.
pub const RESULTS_UNPUBLISHED: &str = "results.unpublished";
/// Attendance was entered.
pub const ATTENDANCE_RECORDED: &str = "attendance.recorded";
/// The decisions of a set-up were carried out.
pub const PROMOTION_EXECUTED: &str = "promotion.executed";
/// That was taken back.
pub const PROMOTION_UNDONE: &str = "promotion.undone";
/// Nothing happened: somebody asked whether the webhook works.
pub const PING: &str = "ping";
const PREFIX: &str = "whsec_";
/// Ends of names that no public server has.
const NOWHERE: &[&str] = &[
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "test",
    "invalid",
];

/// When to try again what was tried so often, for the first time at `since`; never where its day is over.
#[must_use]
pub fn again(attempts: u32, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let end = since.plus_seconds(GIVE_UP_SECONDS);
    let doublings = attempts.saturating_sub(EVEN_PAUSES).min(16);
    let next = now.plus_seconds(PAUSE_SECONDS << doublings);
    (now < end).then_some(next.min(end))
}

/// Checks an address. `anywhere` is for development: any host, and without encryption.
pub fn check_url(url: &str, anywhere: bool) -> Result<(), &'static str> {
    if url.len() > MAX_URL {
        return Err("Ensure this field has no more than 500 characters.");
    }
    let scheme = |name: &str| {
        url.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
            .then(|| url.get(name.len()..))
            .flatten()
    };
    let rest = scheme("https://").or_else(|| scheme("http://").filter(|_| anywhere));
    let rest = rest.ok_or("Use an address that begins with https://.")?;
    // What a browser would leave out or turn into another character is in no address that is meant.
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
    if !rest.bytes().all(plain) {
        return Err("Use the characters of an address only, without a fragment.");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or_default();
    if authority.contains('@') {
        return Err("An address has no name or password in it.");
    }
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let port: Option<u16> = Some(port)
        .filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|port| port.parse().ok())
        .filter(|port| *port > 0);
    if port.is_none() || host.is_empty() {
        return Err("Use an address with a host.");
    }
    if anywhere || is_public(&host.to_ascii_lowercase()) {
        return Ok(());
    }
    Err("Use the name of a server that everybody can reach.")
}

/// Whether this is a name of the public Internet. Numbers are none: 127.1, 0x7f.1 and 2130706433 are one and the same.
fn is_public(host: &str) -> bool {
    let good = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let mut labels = host.split('.').rev();
    let top = labels.next().unwrap_or_default();
    host.len() <= 253
        && host.contains('.')
        && host.split('.').all(good)
        && top.starts_with(|first: char| first.is_ascii_alphabetic())
        && !NOWHERE.contains(&top)
}

/// A secret in the form that libraries for Standard Webhooks take, from fresh random bytes.
#[must_use]
pub fn new_secret(random: [u8; 32]) -> String {
    format!("{PREFIX}{}", Base64::encode_string(&random))
}

/// The key that a secret stands for.
#[must_use]
pub fn key(secret: &str) -> Option<Vec<u8>> {
    Base64::decode_vec(secret.strip_prefix(PREFIX)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_even_at_first_then_double_and_end_after_a_day() {
        let start = Timestamp::from_millis(1_768_464_000_000);
        let (mut now, mut attempts) = (start, 1);
        let mut pauses = Vec::new();
        while let Some(next) = again(attempts, start, now) {
            pauses.push(next.seconds() - now.seconds());
            now = next;
            attempts += 1;
        }
        assert_eq!(
            pauses,
            [
                30, 30, 30, 60, 120, 240, 480, 960, 1_920, 3_840, 7_680, 15_360, 30_720, 24_930
            ]
        );
        assert_eq!(now.seconds() - start.seconds(), GIVE_UP_SECONDS);
        assert_eq!(again(u32::MAX, start, start), Some(now));
        assert_eq!(again(0, start, start.plus_seconds(100_000)), None);
    }

    #[test]
    fn an_address_is_of_a_public_server_and_has_nothing_in_it_that_could_mean_another() {
        for good in [
            "https://hooks.example.org",
            "https://hooks.example.org/sms?app=1&x=%20",
            "HTTPS://Hooks.Example.ORG:8443/",
            "https://xn--bcher-kva.example",
            "https://1.2.3.example.com/",
        ] {
            assert_eq!(check_url(good, false), Ok(()), "{good}");
        }
        for bad in [
            "http://hooks.example.org/",
            "ftp://hooks.example.org/",
            "hooks.example.org",
            "https:hooks.example.org",
            "https:///x",
            "https://",
            "https://:443/",
            "https://ada:secret@hooks.example.org/",
            "https://hooks.example.org@127.0.0.1/",
            "https://hooks.example.org\\@127.0.0.1/",
            "https://hooks.example.org/#there",
            "https://hooks.example.org/a b",
            "https://hooks.example.org/\n",
            "https://hooks.exämple.org/",
            "https://①②⑦.0.0.1/",
            "https://127.0.0.1/",
            "https://10.0.0.1:8443/",
            "https://169.254.169.254/latest",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:10.0.0.1]:443/",
            "https://localhost/",
            "https://a.localhost/",
            "https://localhost./",
            "https://printer/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://hooks.example.org:0/",
            "https://hooks.example.org:99999/",
            "https://hooks.example.org:+443/",
            "https://hooks..example.org/",
            "https://-hooks.example.org/",
            "https://hooks%2eexample.org/",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        let long = format!("https://hooks.example.org/{}", "a".repeat(MAX_URL));
        assert!(check_url(&long, true).is_err());
        assert_eq!(check_url("http://127.0.0.1:8080/x", true), Ok(()));
        assert!(check_url("http://a:b@127.0.0.1:8080/x", true).is_err());
    }

    #[test]
    fn a_secret_stands_for_its_bytes() {
        let secret = new_secret([7; 32]);
        assert!(secret.starts_with("whsec_"), "{secret}");
        assert_eq!(key(&secret), Some(vec![7; 32]));
        assert_eq!(key("BwcHBw=="), None);
        assert_eq!(key("whsec_?"), None);
    }
}

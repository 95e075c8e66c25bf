//! Schools: slugs, hosts, and how a host name leads to one.

use homeroom_kernel::rules;
use serde_json::Value;

/// Slugs that would look like the platform's own hosts.
const RESERVED: &[&str] = &[
    "account",
    "admin",
    "api",
    "app",
    "assets",
    "auth",
    "billing",
    "blog",
    "cdn",
    "chat",
    "console",
    "dashboard",
    "dev",
    "docs",
    "email",
    "ftp",
    "git",
    "help",
    "imap",
    "internal",
    "localhost",
    "login",
    "mail",
    "metrics",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "pop",
    "public",
    "root",
    "security",
    "sms",
    "smtp",
    "ssl",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "webhook",
    "webhooks",
    "webmail",
    "www",
];

/// A school's slug, `schema_name` on the wire: `^[a-z][a-z0-9-]{1,62}$` and not reserved.
pub fn slug(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 63)(value)?;
    let mut letters = text.chars();
    let well_formed = letters.next().is_some_and(|c| c.is_ascii_lowercase())
        && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && text.len() >= 2;
    if !well_formed {
        return Err("Use 2 to 63 lower-case letters, digits and hyphens, a letter first.".into());
    }
    if RESERVED.contains(&text.as_str()) || text.starts_with("xn--") {
        return Err("This name is reserved.".into());
    }
    Ok(text)
}

/// A host name of a school's own: at least two labels of letters, digits and hyphens, no port, lower case.
pub fn host(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 253)(value)?;
    let is_address = |host: &str| host.parse::<std::net::Ipv4Addr>().is_ok();
    let host = normalise_host(&text)
        .filter(|host| !text.contains(':') && host.contains('.') && !is_address(host));
    host.ok_or_else(|| "Enter a host name such as portal.example.org.".into())
}

/// The name of a time zone: the form of the IANA database, `Africa/Harare`; which names exist is the runtime's to know.
pub fn timezone(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 64)(value)?;
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    if text.split('/').all(part) {
        Ok(text)
    } else {
        Err("Enter a time zone such as Africa/Harare.".into())
    }
}

/// A language tag of the form of BCP 47, `en` or `fr-CI`.
pub fn locale(value: &Value) -> Result<String, String> {
    let text = rules::text(2, 35)(value)?;
    let mut parts = text.split('-');
    let language_ok = parts
        .next()
        .is_some_and(|p| (2..=3).contains(&p.len()) && p.chars().all(|c| c.is_ascii_alphabetic()));
    let rest_ok =
        parts.all(|p| (1..=8).contains(&p.len()) && p.chars().all(|c| c.is_ascii_alphanumeric()));
    if language_ok && rest_ok {
        Ok(text)
    } else {
        Err("Enter a language such as en or fr-CI.".into())
    }
}

/// A web origin for CORS: `https://host[:port]`, or `http` for localhost.
pub fn origin(value: &Value) -> Result<String, String> {
    let text = rules::text(1, 255)(value)?;
    let message = "Enter an origin such as https://portal.example.org, without a path.";
    let (scheme, rest) = text.split_once("://").ok_or(message)?;
    let name = normalise_host(rest).ok_or(message)?;
    let port_ok = match rest.rsplit_once(':') {
        Some((_, port)) => port.parse::<u16>().is_ok(),
        None => true,
    };
    let local = name == "localhost" || name.ends_with(".localhost");
    if port_ok && (scheme == "https" || (scheme == "http" && local)) {
        Ok(text.to_lowercase())
    } else {
        Err(message.into())
    }
}

/// Lower case, no port, no trailing dot; `None` when it is not a DNS name (odd characters included). A label may end with a
/// hyphen, because a slug may.
#[must_use]
pub fn normalise_host(host: &str) -> Option<String> {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels_ok = name.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    });
    (labels_ok && !name.is_empty() && name.len() <= 253).then(|| name.to_ascii_lowercase())
}

/// Where a request's host leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The platform's own host: no school.
    Public,
    /// Possibly a school's host, normalised; the registry knows.
    Host(String),
    /// Not a host name at all.
    Nowhere,
}

/// Reads a `Host` header against the public domain.
#[must_use]
pub fn place(host: &str, public_domain: &str) -> Place {
    match normalise_host(host) {
        Some(name) if name == public_domain => Place::Public,
        Some(name) => Place::Host(name),
        None => Place::Nowhere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn slugs_are_short_lower_case_and_not_reserved() {
        for good in ["greenwood", "st-mary-2", "a1"] {
            assert_eq!(slug(&json!(good)), Ok(good.to_owned()));
        }
        for bad in [
            "a",
            "1a",
            "Greenwood",
            "green_wood",
            "www",
            "api",
            "xn--abc",
            "a b",
            "ä-school",
            &"a".repeat(64),
        ] {
            assert!(slug(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_is_compared_without_case_port_and_final_dot() {
        let table = [
            ("localhost", Place::Public),
            ("LOCALHOST:8787", Place::Public),
            ("localhost.", Place::Public),
            (
                "Greenwood.localhost:8787",
                Place::Host("greenwood.localhost".into()),
            ),
            (
                "greenwood.localhost.",
                Place::Host("greenwood.localhost".into()),
            ),
            ("evil.com", Place::Host("evil.com".into())),
            ("[::1]:80", Place::Nowhere),
            ("", Place::Nowhere),
            ("a..b", Place::Nowhere),
            ("gre en.localhost", Place::Nowhere),
            ("a@b.localhost", Place::Nowhere),
        ];
        for (host, expected) in table {
            assert_eq!(place(host, "localhost"), expected, "{host}");
        }
    }

    #[test]
    fn origins_have_a_scheme_and_no_path() {
        for good in [
            "https://portal.example.org",
            "https://portal.example.org:8443",
            "http://localhost:3000",
        ] {
            assert!(origin(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "null",
            "http://portal.example.org",
            "https://a.example/x",
            "https://a.example:99999",
            "a.example",
        ] {
            assert!(origin(&json!(bad)).is_err(), "{bad}");
        }
    }
}

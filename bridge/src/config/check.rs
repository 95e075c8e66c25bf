//! What can only be seen with the whole file at hand: one thing against another, and the files that it names.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use homeroom_domain::credentials::sms_token::SmsKeys;
use homeroom_sms_contract::signature::MIN_SECRET;
use http::Uri;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_postgres::config::{Host, SslMode};
use toml::de::{DeTable, DeValue};

use super::error::Mistake;
use super::values::Secret;
use super::{Config, Link, StoreTls};
use crate::control;
use crate::smpp::pdu::BindMode;
use crate::smpp::provider_id::IdForm;

struct Check<'a> {
    text: &'a str,
    base: &'a Path,
    mistakes: Vec<Mistake>,
}

/// Makes names of files absolute, reads secrets from theirs, and returns every mistake.
pub(super) fn complete(config: &mut Config, text: &str, base: &Path) -> Vec<Mistake> {
    let mut check = Check {
        text,
        base,
        mistakes: Vec::new(),
    };
    check.platform(config);
    check.keys(config);
    check.store(config);
    if let Some(tls) = &mut config.tls {
        check.certificates(&mut tls.cert, &["tls", "cert"]);
        check.private_key(&mut tls.key, &["tls", "key"]);
    }
    if config.listen.rest == config.listen.grpc && config.listen.rest.port() != 0 {
        check.mistake(
            &["listen", "grpc"],
            "the same address as `rest`: write another port",
        );
    }
    for (number, link) in &mut config.links {
        check.link(&number.to_string(), link);
    }
    check.senders(config);
    check.pools(config);
    check
        .mistakes
        .sort_by_key(|mistake| (mistake.line, mistake.column));
    check.mistakes
}

impl Check<'_> {
    fn mistake(&mut self, path: &[&str], text: impl Into<String>) {
        let span = place(self.text, path);
        self.mistakes
            .push(Mistake::at(self.text, span, text.into()));
    }

    fn platform(&mut self, config: &mut Config) {
        let platform = &mut config.platform;
        let plain = |host: &str| {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost"
                || bare
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        };
        match platform.url.trim_end_matches('/').parse::<Uri>() {
            Ok(uri) if uri.host().is_some() && matches!(uri.path(), "" | "/") => {
                match uri.scheme_str() {
                    Some("https") => {}
                    Some("http")
                        if platform.allow_http || uri.host().is_some_and(plain) => {}
                    Some("http") => self.mistake(
                        &["platform", "url"],
                        "plain HTTP to another machine: write https://…, or `allow_http = true` if the way there is safe",
                    ),
                    _ => self.mistake(&["platform", "url"], "write https://<host>"),
                }
            }
            _ => self.mistake(
                &["platform", "url"],
                "write only scheme and host, such as \"https://sms.example.org\"",
            ),
        }
        platform.url = platform.url.trim_end_matches('/').to_owned();
        let file = platform.secret_file.take();
        self.secret(&mut platform.secret, file, &["platform"], "secret");
        for (name, secret) in [
            ("secret", &platform.secret),
            ("old_secret", &platform.old_secret),
        ] {
            if secret
                .as_ref()
                .is_some_and(|one| one.expose().len() < MIN_SECRET)
            {
                let text = format!(
                    "too short: write at least {MIN_SECRET} characters, as `openssl rand -base64 32` makes them"
                );
                self.mistake(&["platform", name], text);
            }
        }
        if let Some(ca) = &mut platform.ca {
            self.certificates(ca, &["platform", "ca"]);
        }
    }

    fn keys(&mut self, config: &mut Config) {
        let file = config.keys.sms_file.take();
        self.secret(&mut config.keys.sms, file, &["keys"], "sms");
        let Some(text) = &config.keys.sms else { return };
        match SmsKeys::parse(text.expose()) {
            Ok(keys) => config.keys.read = Some(Arc::new(keys)),
            Err(error) => self.mistake(&["keys", "sms"], error.to_string()),
        }
    }

    fn store(&mut self, config: &mut Config) {
        let store = &mut config.store;
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if store.name.is_empty() || store.name.len() > 40 || !store.name.bytes().all(letter) {
            self.mistake(
                &["store", "name"],
                "write at most 40 letters, digits, - and _",
            );
        }
        store.socket = self.base.join(format!("{}.sock", store.name));
        if store.sqlite.is_some() && (store.postgres.is_some() || store.postgres_file.is_some()) {
            self.mistake(
                &["store"],
                "two stores: write `sqlite` or `postgres`, not both",
            );
            return;
        }
        if store.postgres.is_some() || store.postgres_file.is_some() {
            let file = store.postgres_file.take();
            self.secret(&mut store.postgres, file, &["store"], "postgres");
            let url = store.postgres.as_ref().map(Secret::expose);
            match url.map(str::parse::<tokio_postgres::Config>) {
                Some(Ok(server)) => self.database(&server, &mut store.tls),
                Some(Err(_)) => self.mistake(
                    &["store", "postgres"],
                    "write postgres://<user>:<password>@<host>/<database>",
                ),
                None => {}
            }
            return;
        }
        if store.tls.is_some() {
            self.mistake(
                &["store", "tls"],
                "only `postgres` is reached through a network: remove this",
            );
        }
        let file = store.sqlite.take().unwrap_or("bridge.db".into());
        let file = self.base.join(file);
        if !file.parent().is_some_and(Path::is_dir) {
            self.mistake(
                &["store", "sqlite"],
                "its folder does not exist: create it, or write another",
            );
        }
        store.socket = control::socket(&file);
        store.sqlite = Some(file);
    }

    fn database(&mut self, server: &tokio_postgres::Config, tls: &mut Option<StoreTls>) {
        let Some(tls) = tls else {
            if server.get_ssl_mode() == SslMode::Require {
                self.mistake(
                    &["store", "postgres"],
                    "`sslmode=require` does not say whom to believe: write `tls = {}` below, or `tls = { ca = \"…\" }`",
                );
            }
            return;
        };
        if server.get_ssl_mode() == SslMode::Disable {
            self.mistake(
                &["store", "postgres"],
                "`sslmode=disable`, but there is `tls`: keep one",
            );
        }
        let names = |host: &Host| matches!(host, Host::Tcp(_));
        if server.get_hosts().is_empty() || !server.get_hosts().iter().all(names) {
            self.mistake(
                &["store", "tls"],
                "a certificate is for a name: write `host` in `postgres`, or remove this for a socket",
            );
        }
        let StoreTls {
            ca,
            client_cert,
            client_key,
        } = tls;
        self.client_tls(&["store", "tls"], ca, client_cert, client_key);
    }

    /// Whom to believe, and who the bridge is.
    fn client_tls(
        &mut self,
        table: &[&str],
        ca: &mut Option<PathBuf>,
        cert: &mut Option<PathBuf>,
        key: &mut Option<PathBuf>,
    ) {
        let at = |name| [table, &[name]].concat();
        if let Some(ca) = ca {
            self.certificates(ca, &at("ca"));
        }
        match (cert, key) {
            (Some(cert), Some(key)) => {
                self.certificates(cert, &at("client_cert"));
                self.private_key(key, &at("client_key"));
            }
            (Some(_), None) => self.mistake(&at("client_cert"), "write `client_key` too"),
            (None, Some(_)) => self.mistake(&at("client_key"), "write `client_cert` too"),
            (None, None) => {}
        }
    }

    fn link(&mut self, number: &str, link: &mut Link) {
        let at = |name| ["links", number, name];
        if link.host.is_empty()
            || link.host.contains(['/', ' ', ':']) && link.host.parse::<std::net::IpAddr>().is_err()
        {
            self.mistake(
                &at("host"),
                "write a name or an address alone; the port goes to `port`",
            );
        }
        for (name, text, most) in [
            ("system_id", &link.system_id, 15),
            ("system_type", &link.system_type, 12),
        ] {
            if text.len() > most || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                self.mistake(
                    &at(name),
                    format!("write at most {most} letters, digits and signs"),
                );
            }
        }
        if link.query_after.is_some() && link.id_form.response != IdForm::Exact {
            self.mistake(
                &at("query_after"),
                "the centre must be asked with its own id: write it only where `id_form.response` is \"exact\"",
            );
        }
        if link.system_id.is_empty() {
            self.mistake(
                &at("system_id"),
                "write the account's name, which the centre gave you",
            );
        }
        let file = link.password_file.take();
        self.secret(&mut link.password, file, &["links", number], "password");
        if link
            .password
            .as_ref()
            .is_some_and(|one| one.expose().contains('\0'))
        {
            self.mistake(&at("password"), "no password can have a NUL character");
        }
        if link.country.as_ref().is_some_and(|code| {
            !(1..=3).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_digit())
        }) {
            self.mistake(&at("country"), "write its calling code, such as \"263\"");
        }
        if link.sends_by.is_some() && link.bind != BindMode::Receiver {
            self.mistake(
                &at("sends_by"),
                "this link sends itself: remove it, or write bind = \"receiver\"",
            );
        }
        if link.provider.as_ref().is_some_and(String::is_empty) {
            self.mistake(&at("provider"), "write a name, or remove the line");
        }
        if let Some(tls) = &mut link.tls {
            let table = ["links", number, "tls"];
            self.client_tls(
                &table,
                &mut tls.ca,
                &mut tls.client_cert,
                &mut tls.client_key,
            );
        }
    }

    /// What answers for a link that only receives must be a link that sends, and cut texts as that one says it does.
    fn senders(&mut self, config: &Config) {
        for (number, link) in &config.links {
            let Some(sender) = link.sends_by else {
                continue;
            };
            let place = ["links", &number.to_string(), "sends_by"];
            match config.links.get(&sender) {
                None => self.mistake(&place, format!("no link {sender}")),
                Some(found) if found.bind == BindMode::Receiver => {
                    self.mistake(&place, format!("link {sender} only receives"));
                }
                Some(found) if (found.alphabet, found.header) != (link.alphabet, link.header) => {
                    self.mistake(
                        &place,
                        format!(
                            "link {sender} has another `alphabet` or `header`: make them the same"
                        ),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn pools(&mut self, config: &Config) {
        for (number, pool) in &config.pools {
            let name = number.to_string();
            if config.links.contains_key(number) {
                self.mistake(
                    &["pools", &name],
                    format!("{number} is a link already: write another number"),
                );
            }
            if pool.burst.is_some() && pool.rate.is_none() {
                self.mistake(
                    &["pools", &name, "burst"],
                    "a burst of no rate: write `rate` too, or remove it",
                );
            }
            if pool.links.is_empty() {
                self.mistake(
                    &["pools", &name, "links"],
                    "write at least one link, such as { 100 = 1 }",
                );
            }
            let written = |link: &Link| (link.alphabet, link.header);
            let mut members = pool.links.keys().filter_map(|link| config.links.get(link));
            let first = members.next().map(written);
            for link in pool.links.keys() {
                let place = ["pools", &name, "links", &link.to_string()];
                match config.links.get(link) {
                    None => {
                        let known: Vec<String> =
                            config.links.keys().map(ToString::to_string).collect();
                        let text = format!("no link {link}: write one of {}", known.join(", "));
                        self.mistake(&place, text);
                    }
                    Some(found) if found.bind == BindMode::Receiver => {
                        self.mistake(&place, format!("link {link} only receives: remove it here"));
                    }
                    // Of a pool, a text is cut before it is known which link sends it.
                    Some(found) if first != Some(written(found)) => self.mistake(
                        &place,
                        format!("link {link} has another `alphabet` or `header` than the first: make them the same, or remove it here"),
                    ),
                    Some(_) => {}
                }
            }
        }
    }

    /// Exactly one of `name` and `<name>_file` must be there; the file's content takes the place of the value.
    fn secret(
        &mut self,
        value: &mut Option<Secret>,
        file: Option<PathBuf>,
        at: &[&str],
        name: &str,
    ) {
        let from_file = format!("{name}_file");
        let place: Vec<&str> = at.iter().copied().chain([from_file.as_str()]).collect();
        match (value.is_some(), file) {
            (true, Some(_)) => {
                self.mistake(&place, format!("both `{name}` and `{from_file}`: keep one"));
            }
            (false, None) => {
                self.mistake(at, format!("missing here: write `{name}`, or `{from_file}` with the name of a file that holds it"));
            }
            (true, None) => {}
            (false, Some(file)) => match std::fs::read_to_string(self.base.join(file)) {
                Ok(text) if !text.trim().is_empty() => *value = Some(text.trim().to_owned().into()),
                Ok(_) => self.mistake(&place, "the file is empty"),
                Err(error) => self.mistake(&place, format!("cannot be read: {error}")),
            },
        }
    }

    fn certificates(&mut self, file: &mut PathBuf, at: &[&str]) {
        *file = self.base.join(&*file);
        let read =
            CertificateDer::pem_file_iter(&*file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        match read {
            Ok(found) if !found.is_empty() => {}
            Ok(_) => self.mistake(at, "no certificate in it: write the name of a PEM file"),
            Err(error) => self.mistake(at, format!("cannot be read as PEM: {error}")),
        }
    }

    fn private_key(&mut self, file: &mut PathBuf, at: &[&str]) {
        *file = self.base.join(&*file);
        if let Err(error) = PrivateKeyDer::from_pem_file(&*file) {
            self.mistake(
                at,
                format!("cannot be read as the PEM of a private key: {error}"),
            );
        }
    }
}

/// Where a value is written; where it is not, the table that it would be in.
fn place(text: &str, path: &[&str]) -> Option<Range<usize>> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut span = None;
    for name in path {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == name) else {
            break;
        };
        span = Some(match value.get_ref() {
            DeValue::Table(_) => key.span(),
            _ => value.span(),
        });
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    span
}

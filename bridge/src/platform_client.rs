//! Requests to the platform: signed webhooks, and calls about accounts, which are the platform's.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thiserror::Error;

/// How long a connection may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 65_536;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Unreachable {
    /// It took too long.
    #[error("no answer within {} s", ANSWER.as_secs())]
    Slow,
    /// No connection, or one that broke.
    #[error("no connection: {0}")]
    Broken(String),
    /// More than any of the platform's answers.
    #[error("the answer is too large or broke off")]
    Answer,
}

/// Why there can be no client.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The authority's certificate.
    #[error("the platform's authority cannot be used: {0}")]
    Authority(String),
    /// The system's certificates.
    #[error("the system's certificate authorities cannot be read: {0}")]
    System(std::io::Error),
}

/// An answer, whatever its status. Redirects are not followed: a signed body goes to the configured host or nowhere.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Seconds of its `Retry-After`.
    pub retry_after: Option<u32>,
    /// Its body.
    pub body: Bytes,
}

/// A client of the platform. Clones share their connections.
#[derive(Clone, Debug)]
pub struct PlatformClient {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    answer: Duration,
}

impl PlatformClient {
    /// A client of the platform at `url`, which has no path; `ca` vouches for it in place of the system's authorities.
    pub fn new(url: &str, ca: Option<&Path>) -> Result<Self, SetupError> {
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        plain.set_connect_timeout(Some(CONNECT));
        plain.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new();
        let builder = match ca {
            Some(file) => builder.with_tls_config(trusting(file)?),
            None => builder.with_native_roots().map_err(SetupError::System)?,
        };
        let connector = builder
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .build(connector);
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
            answer: ANSWER,
        })
    }

    /// The same client with another patience.
    #[must_use]
    pub fn within(mut self, answer: Duration) -> Self {
        self.answer = answer;
        self
    }

    /// Posts JSON to a path.
    pub async fn post(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Unreachable> {
        // `@elsewhere` behind the host would be another host.
        if !path.starts_with('/') {
            return Err(Unreachable::Broken("the path is malformed".to_owned()));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}{path}", self.url)
            .parse()
            .map_err(|_| Unreachable::Broken("the address is malformed".to_owned()))?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        tokio::time::timeout(self.answer, self.exchange(request))
            .await
            .unwrap_or(Err(Unreachable::Slow))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Answer, Unreachable> {
        let answer = self.client.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Unreachable::Broken(cause.unwrap_or_else(|| error.to_string()))
        })?;
        let (head, body) = answer.into_parts();
        let retry_after = head
            .headers
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        Ok(Answer {
            status: head.status,
            retry_after,
            body: body.map_err(|_| Unreachable::Answer)?.to_bytes(),
        })
    }
}

fn trusting(file: &Path) -> Result<rustls::ClientConfig, SetupError> {
    let wrong = |error: &dyn std::fmt::Display| SetupError::Authority(error.to_string());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}

//! The client's side of TLS, towards message centres and the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// Whom to believe. Files are read at every connect, so that a renewed certificate needs no restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM of the authorities that vouch for the server; the system's where absent.
    pub ca: Option<PathBuf>,
    /// PEM of our certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// The name in the server's certificate, where it is not the host.
    pub server_name: Option<String>,
}

/// Why TLS cannot be set up.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file is missing or is no PEM of what it should be.
    #[error("{file}: {reason}")]
    File {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit, or the like.
    #[error("{0}")]
    Rustls(#[from] rustls::Error),
    /// The name is neither a host nor an address.
    #[error("{0} is no server name")]
    Name(String),
}

impl Tls {
    /// Reads the files. Also tells beforehand whether they are good.
    pub fn load(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let private =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error))?;
                builder.with_client_auth_cert(certificates(certificate)?, private)?
            }
        };
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.ca {
            for certificate in certificates(file)? {
                roots.add(certificate)?;
            }
        } else {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        Ok(roots)
    }

    /// The name that the server's certificate must have.
    pub(crate) fn name(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
    }
}

/// At least one certificate.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(file, error))?;
    if found.is_empty() {
        return Err(TlsError::File {
            file: file.display().to_string(),
            reason: String::from("there is no certificate in it"),
        });
    }
    Ok(found)
}

fn wrong(file: &Path, error: impl std::fmt::Display) -> TlsError {
    TlsError::File {
        file: file.display().to_string(),
        reason: error.to_string(),
    }
}

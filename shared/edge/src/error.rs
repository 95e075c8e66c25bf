//! Every way in which a request can fail, and the answer for each.

use axum::response::{IntoResponse, Response};
use homeroom_kernel::{FieldErrors, fields::NON_FIELD};
use homeroom_objects::documents::DocumentError;
use homeroom_store::StoreError;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    app::PortError,
    conflicts::Conflict,
    constraints,
    dialect::{Words, one_line},
};

/// The header that carries an error's stable code.
pub(crate) const CODE_HEADER: &str = "x-error-code";

/// Every way in which a request can fail.
#[derive(Debug)]
pub enum ApiError {
    /// Fields of the request are wrong, all of them named.
    Fields(FieldErrors),
    /// The request cannot be read at all.
    Malformed(&'static str),
    /// There is no credential, or it does not hold here.
    Unauthenticated,
    /// The same, in words that an area owes its clients.
    NotSignedIn(&'static str),
    /// The pair of identifier and password is wrong.
    InvalidCredentials {
        /// Attempts left before the lockout.
        remaining: u32,
    },
    /// The refresh token is dead.
    InvalidRefreshToken,
    /// The code for a new password is wrong, dead, or nobody's.
    InvalidCode,
    /// Known, but not allowed.
    Forbidden {
        /// Stable code.
        code: &'static str,
        /// What is not allowed, and what to do.
        detail: String,
    },
    /// There is no such record, or it is another school's.
    NotFound,
    /// The list has no such page.
    NoSuchPage,
    /// No school lives at this host.
    UnknownHost,
    /// The path exists, this method does not.
    MethodNotAllowed,
    /// The state of a record forbids it.
    Conflict(Conflict),
    /// The client did not see the record as it is now.
    Stale {
        /// The version of the record now.
        version: i64,
    },
    /// The state of several records forbids it, and the client must know of which.
    Refused {
        /// What forbids it.
        conflict: Conflict,
        /// Which of them, in words to follow the conflict's own; may be empty.
        which: String,
        /// Lists of the records by name, beside the detail.
        records: serde_json::Map<String, serde_json::Value>,
    },
    /// The body is over the cap.
    TooLarge,
    /// The file has more rows than are imported at once.
    TooManyRows,
    /// The body is neither JSON nor a form.
    UnsupportedMediaType,
    /// The body is no file where one is wanted; says what to send.
    NotAFile(&'static str),
    /// The idempotency key was used with another body.
    KeyReused,
    /// Too many attempts.
    TooManyAttempts {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// A refusal in the words that clients of the SMS gateway know.
    Gateway {
        /// Status of the answer.
        status: StatusCode,
        /// Stable code.
        code: &'static str,
        /// What is wrong.
        words: String,
    },
    /// More than what was agreed.
    OverLimit {
        /// Stable code.
        code: &'static str,
        /// Of what there was too much.
        detail: &'static str,
        /// Seconds to wait.
        retry_after: u32,
    },
    /// No database is free for a new school.
    NoFreeSlot,
    /// Something that the request needs cannot be reached now.
    Unavailable(String),
    /// A mistake of ours.
    Internal(String),
    /// Not a failure: the answer stored under an idempotency key.
    Replay(Box<Response>),
}

/// What the log learns of a failure, and the client does not.
#[derive(Clone)]
pub(crate) struct LogNote(pub(crate) String);

impl ApiError {
    /// A mistake in one field.
    #[must_use]
    pub fn field(name: &str, message: &str) -> Self {
        Self::Fields(FieldErrors::one(name, message))
    }

    /// A refusal in the words that clients of the SMS gateway know.
    #[must_use]
    pub fn gateway(status: StatusCode, code: &'static str, words: impl Into<String>) -> Self {
        Self::Gateway {
            status,
            code,
            words: words.into(),
        }
    }

    /// A permission that the actor lacks.
    #[must_use]
    pub fn lacking(codename: &str) -> Self {
        Self::Forbidden {
            code: "permission_denied",
            detail: format!(
                "You do not have the permission {codename}. Ask an administrator for a role that has it."
            ),
        }
    }

    /// A password that somebody else chose must be changed first.
    #[must_use]
    pub fn password_change_required() -> Self {
        Self::Forbidden {
            code: "password_change_required",
            detail: "Change your password first: POST auth/change-password/.".into(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Fields(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated
            | Self::NotSignedIn(_)
            | Self::InvalidCredentials { .. }
            | Self::InvalidRefreshToken
            | Self::InvalidCode => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoSuchPage | Self::UnknownHost => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) | Self::Stale { .. } | Self::Refused { .. } => StatusCode::CONFLICT,
            Self::TooLarge | Self::TooManyRows => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::NotAFile(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyAttempts { .. } | Self::OverLimit { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::NoFreeSlot | Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Gateway { status, .. } => *status,
            Self::Replay(response) => response.status(),
        }
    }

    /// The stable code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fields(_) => "invalid",
            Self::Malformed(_) => "malformed",
            Self::Unauthenticated | Self::NotSignedIn(_) => "not_authenticated",
            Self::InvalidCredentials { .. } => "invalid_credentials",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::InvalidCode => "invalid_code",
            Self::Forbidden { code, .. }
            | Self::OverLimit { code, .. }
            | Self::Gateway { code, .. } => code,
            Self::Conflict(conflict) | Self::Refused { conflict, .. } => conflict.code(),
            Self::NotFound => "not_found",
            Self::NoSuchPage => "invalid_page",
            Self::UnknownHost => "unknown_host",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Stale { .. } => "changed_meanwhile",
            Self::TooLarge => "payload_too_large",
            Self::TooManyRows => "too_many_rows",
            Self::UnsupportedMediaType | Self::NotAFile(_) => "unsupported_media_type",
            Self::KeyReused => "idempotency_key_reused",
            Self::TooManyAttempts { .. } => "too_many_attempts",
            Self::NoFreeSlot => "no_free_database",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal_error",
            Self::Replay(_) => "",
        }
    }

    /// What a client may read of it.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Fields(_) | Self::Replay(_) => String::new(),
            Self::Malformed(detail)
            | Self::NotSignedIn(detail)
            | Self::NotAFile(detail)
            | Self::OverLimit { detail, .. } => (*detail).to_owned(),
            Self::Forbidden { detail, .. } | Self::Gateway { words: detail, .. } => detail.clone(),
            Self::Conflict(conflict) => conflict.detail().to_owned(),
            Self::Refused {
                conflict, which, ..
            } => format!("{} {which}", conflict.detail())
                .trim_end()
                .to_owned(),
            Self::Stale { version } => format!(
                "The record was changed by somebody else meanwhile: its version is {version} now. Read it again and repeat."
            ),
            Self::InvalidCredentials { remaining: 1 } => {
                "Invalid credentials. 1 attempt remaining.".to_owned()
            }
            Self::InvalidCredentials { remaining } => {
                format!("Invalid credentials. {remaining} attempts remaining.")
            }
            Self::TooManyAttempts { retry_after } => {
                format!("Too many attempts. Try again in {retry_after} seconds.")
            }
            other => other.constant_detail().to_owned(),
        }
    }

    const fn constant_detail(&self) -> &'static str {
        match self {
            Self::Unauthenticated => {
                "Sign in: the credential is missing, has ended, or does not hold at this address."
            }
            Self::InvalidRefreshToken => "The refresh token is no longer good. Sign in again.",
            Self::InvalidCode => {
                "The code is wrong or no longer good. Try again, or ask for another one."
            }
            Self::NotFound => "Not found.",
            Self::NoSuchPage => "Invalid page.",
            Self::UnknownHost => "There is no school at this address.",
            Self::MethodNotAllowed => {
                "This method is not allowed here; the Allow header names those that are."
            }
            Self::TooLarge => "The body is larger than 1 MB; a file, than 4 MB.",
            Self::TooManyRows => "The file has more than 5,000 rows. Split it.",
            Self::UnsupportedMediaType => {
                "Send application/json or application/x-www-form-urlencoded."
            }
            Self::KeyReused => "This Idempotency-Key was used with another body. Use a new key.",
            Self::NoFreeSlot => {
                "No database is free for another school. An operator adds some with: cargo xtask slots add 10 --remote"
            }
            Self::Unavailable(_) => {
                "The service is not available at the moment. Try again shortly."
            }
            _ => "Something went wrong on our side. Tell us the x-request-id of this answer.",
        }
    }

    fn retry_after(&self) -> Option<u32> {
        match self {
            Self::TooManyAttempts { retry_after } | Self::OverLimit { retry_after, .. } => {
                Some(*retry_after)
            }
            Self::Unavailable(_) => Some(5),
            Self::NoFreeSlot => Some(3600),
            _ => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code, retry_after) = (self.status(), self.code(), self.retry_after());
        let detail = self.detail();
        let words = match &self {
            Self::Fields(errors) => one_line(errors),
            _ => detail.clone(),
        };
        let (body, note) = match self {
            Self::Replay(response) => return *response,
            Self::Fields(errors) => (json!(errors.messages()), None),
            Self::Refused { mut records, .. } => {
                records.insert("detail".to_owned(), detail.into());
                records.insert("code".to_owned(), code.into());
                (records.into(), None)
            }
            Self::Internal(note) | Self::Unavailable(note) => {
                (json!({"detail": detail, "code": code}), Some(LogNote(note)))
            }
            _ => (json!({"detail": detail, "code": code}), None),
        };
        let mut response = (
            status,
            [(header::CONTENT_TYPE, "application/json")],
            body.to_string(),
        )
            .into_response();
        let headers = response.headers_mut();
        headers.insert(CODE_HEADER, HeaderValue::from_static(code));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"homeroom\""),
            );
        }
        response.extensions_mut().insert(Words(words));
        if let Some(note) = note {
            response.extensions_mut().insert(note);
        }
        response
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

impl From<PortError> for ApiError {
    fn from(error: PortError) -> Self {
        Self::Unavailable(error.0)
    }
}

impl From<DocumentError> for ApiError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::OutOfBounds(why) => {
                Self::field(NON_FIELD, &format!("This cannot be printed: {why}."))
            }
            DocumentError::Logo(_) => Conflict::LogoUnusable.into(),
            DocumentError::Unavailable(reason) => Self::Unavailable(reason),
            DocumentError::Malformed(reason) | DocumentError::Failed(reason) => {
                Self::Internal(reason)
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::NoSuchPage => Self::NoSuchPage,
            StoreError::Unavailable(reason) => Self::Unavailable(reason),
            StoreError::Broken(reason) => Self::Internal(reason),
            StoreError::Conflict(constraint) => constraints::meaning(&constraint),
        }
    }
}

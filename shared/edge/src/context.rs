//! One request: what is known of it before its handler runs, and what it leaves for afterwards.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures_util::future::BoxFuture;
use homeroom_kernel::Timestamp;
use homeroom_store::{Trace, sql::Consistency};
use http::Method;

use crate::error::ApiError;

/// Work that is done after the answer.
pub type Deferred = BoxFuture<'static, ()>;

/// One request.
pub struct Context {
    /// Its id, in the answer and in every log line and audit row.
    pub request_id: String,
    /// When it came.
    pub now: Timestamp,
    /// The `Host` header.
    pub host: String,
    /// Scheme, host and path, without the query: what page links begin with.
    pub address: String,
    /// The client's address, as the edge network tells it.
    pub ip: Option<IpAddr>,
    /// The client's program, at most 200 characters.
    pub user_agent: Option<String>,
    /// Its database trips, and the bookmark for the client.
    pub trace: Trace,
    pub(crate) route: OnceLock<String>,
    pub(crate) school: OnceLock<String>,
    pub(crate) cors_origins: OnceLock<Vec<String>>,
    bookmark: Option<String>,
    deferred: Mutex<Vec<Deferred>>,
}

impl Context {
    pub(crate) fn new(head: Head, now: Timestamp) -> Self {
        Self {
            request_id: head.request_id,
            now,
            host: head.host,
            address: head.address,
            ip: head.ip,
            user_agent: head.user_agent,
            trace: Trace::with_bookmark(),
            route: OnceLock::new(),
            school: OnceLock::new(),
            cors_origins: OnceLock::new(),
            bookmark: head.bookmark,
            deferred: Mutex::default(),
        }
    }

    /// Has work done after the answer. It must be work that is done again if it is lost.
    pub fn defer(&self, work: Deferred) {
        self.deferred
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(work);
    }

    pub(crate) fn take_deferred(&self) -> Vec<Deferred> {
        std::mem::take(&mut *self.deferred.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Which copy of a database may answer: one as new as the client's bookmark, any for other reads, else the primary.
    pub fn consistency(&self, method: &Method) -> Result<Consistency, ApiError> {
        match &self.bookmark {
            Some(bookmark) => {
                let sane = (1..=128).contains(&bookmark.len())
                    && bookmark
                        .bytes()
                        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
                if sane {
                    Ok(Consistency::After(bookmark.clone()))
                } else {
                    Err(ApiError::Malformed(
                        "The header x-d1-bookmark is not one of ours: leave it out.",
                    ))
                }
            }
            None if method.is_safe() => Ok(Consistency::Any),
            None => Ok(Consistency::Latest),
        }
    }
}

/// What is read from a request's head.
pub(crate) struct Head {
    pub(crate) request_id: String,
    pub(crate) host: String,
    pub(crate) address: String,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    pub(crate) bookmark: Option<String>,
}

/// Shared by a request's handler and what runs around it.
pub type SharedContext = Arc<Context>;

//! Permission as a value: a handler gets its caller only through one.

use std::{marker::PhantomData, ops::Deref};

use axum::extract::{FromRequest, FromRequestParts, Request};
use homeroom_domain::{UserId, permissions::Permission};
use homeroom_kernel::Input;
use homeroom_store::Batch;
use http::{HeaderMap, request::Parts};
use serde::Serialize;

use crate::{
    app::State,
    body,
    error::ApiError,
    extract::{Area, Caller, Query, SchoolArea, SystemArea},
    idempotency::Idempotency,
    identity::auth::own_user,
    reply,
};

/// Somebody who is signed in and holds a permission.
pub struct Permitted<A: Area>(Caller<A>);

impl<A: Area> Permitted<A> {
    /// Lets in who holds the permission of this name.
    pub async fn enter(parts: &mut Parts, app: &State, codename: &str) -> Result<Self, ApiError> {
        let caller = Caller::<A>::from_request_parts(parts, app).await?;
        if caller.actor.must_change_password {
            return Err(ApiError::password_change_required());
        }
        if caller.actor.permissions.allows(codename) {
            Ok(Self(caller))
        } else {
            Err(ApiError::lacking(codename))
        }
    }

    /// Lets in every user of this place, whatever they may do: for what is the user's own.
    pub async fn own(parts: &mut Parts, app: &State) -> Result<(Self, UserId), ApiError> {
        let caller = Caller::<A>::from_request_parts(parts, app).await?;
        let user = own_user(&caller)?;
        if caller.actor.must_change_password {
            return Err(ApiError::password_change_required());
        }
        Ok((Self(caller), user))
    }

    /// Refuses who lacks one of these permissions.
    pub fn require_all(&self, codenames: &[&str]) -> Result<(), ApiError> {
        let permissions = &self.0.actor.permissions;
        let lacking = codenames.iter().find(|name| !permissions.allows(name));
        lacking.map_or(Ok(()), |name| Err(ApiError::lacking(name)))
    }
}

impl<A: Area> Deref for Permitted<A> {
    type Target = Caller<A>;
    fn deref(&self) -> &Caller<A> {
        &self.0
    }
}

/// Somebody who is signed in and holds the permission `P`.
pub struct Can<A: Area, P: Permission> {
    permitted: Permitted<A>,
    permission: PhantomData<P>,
}

impl<A: Area, P: Permission> Deref for Can<A, P> {
    type Target = Permitted<A>;
    fn deref(&self) -> &Permitted<A> {
        &self.permitted
    }
}

impl<A: Area, P: Permission> FromRequestParts<State> for Can<A, P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        Ok(Self {
            permitted: Permitted::enter(parts, app, P::CODENAME).await?,
            permission: PhantomData,
        })
    }
}

/// A creation or action: a permitted caller, the body `T`, and the client's idempotency key.
pub struct Posted<A: Area, T> {
    caller: Permitted<A>,
    /// The body.
    pub input: T,
    idempotency: Idempotency,
}

impl<A: Area, T> Deref for Posted<A, T> {
    type Target = Permitted<A>;
    fn deref(&self) -> &Permitted<A> {
        &self.caller
    }
}

impl<A: Area, T> Posted<A, T> {
    /// Lets in who holds the permission of this name, answers from the store where the key was used before, and reads
    /// the body.
    pub async fn enter(
        request: Request,
        app: &State,
        codename: &str,
        read: impl FnOnce(serde_json::Map<String, serde_json::Value>) -> Result<T, ApiError>,
    ) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let caller = Permitted::enter(&mut parts, app, codename).await?;
        Self::receive(caller, &parts, body, read).await
    }

    async fn receive(
        caller: Permitted<A>,
        parts: &Parts,
        body: axum::body::Body,
        read: impl FnOnce(serde_json::Map<String, serde_json::Value>) -> Result<T, ApiError>,
    ) -> Result<Self, ApiError> {
        let bytes = body::read(parts.uri.path(), body).await?;
        let idempotency = Idempotency::read(parts, &caller.actor, &bytes)?;
        idempotency.replay(&caller).await?;
        let input = read(body::fields(&parts.headers, &bytes)?)?;
        Ok(Self {
            caller,
            input,
            idempotency,
        })
    }

    /// Carries out a change and answers with 201; the answer is stored under the client's key in the same transaction.
    pub async fn create(
        &self,
        batch: Batch,
        location: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<axum::response::Response, ApiError> {
        let answer = reply::Answer::created(location, body)?;
        self.idempotency.commit(&self.caller, batch, answer).await
    }

    /// The same with 202, for what goes on after the answer.
    pub async fn accept(
        &self,
        batch: Batch,
        location: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<axum::response::Response, ApiError> {
        let answer = reply::Answer::accepted(location, body)?;
        self.idempotency.commit(&self.caller, batch, answer).await
    }

    /// Carries out a change and answers with 200, stored likewise.
    pub async fn done(
        &self,
        batch: Batch,
        body: &(impl Serialize + Sync),
    ) -> Result<axum::response::Response, ApiError> {
        let answer = reply::Answer::ok(body)?;
        self.idempotency.commit(&self.caller, batch, answer).await
    }
}

/// Somebody who is signed in here as a user, for what is the user's own.
pub struct Own<A: Area> {
    caller: Permitted<A>,
    /// The user.
    pub user: UserId,
}

impl<A: Area> Deref for Own<A> {
    type Target = Permitted<A>;
    fn deref(&self) -> &Permitted<A> {
        &self.caller
    }
}

impl<A: Area> FromRequestParts<State> for Own<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let (caller, user) = Permitted::own(parts, app).await?;
        Ok(Self { caller, user })
    }
}

/// A creation of what is the user's own: who is signed in, the body `T`, and the client's idempotency key.
pub struct OwnPost<A: Area, T> {
    posted: Posted<A, T>,
    /// The user.
    pub user: UserId,
}

impl<A: Area, T> Deref for OwnPost<A, T> {
    type Target = Posted<A, T>;
    fn deref(&self) -> &Posted<A, T> {
        &self.posted
    }
}

impl<A: Area, T: Input + Send> FromRequest<State> for OwnPost<A, T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &State) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let (caller, user) = Permitted::own(&mut parts, app).await?;
        let read = |body| Ok(homeroom_kernel::Fields::parse(body, false)?);
        let posted = Posted::receive(caller, &parts, body, read).await?;
        Ok(Self { posted, user })
    }
}

/// A file that was sent: a permitted caller, the body, and the client's idempotency key.
pub struct Upload<A: Area> {
    caller: Permitted<A>,
    headers: HeaderMap,
    bytes: Vec<u8>,
    /// The query string.
    pub query: Query,
    idempotency: Idempotency,
}

impl<A: Area> Deref for Upload<A> {
    type Target = Permitted<A>;
    fn deref(&self) -> &Permitted<A> {
        &self.caller
    }
}

impl<A: Area> Upload<A> {
    /// Lets in who holds all of these permissions, and answers from the store where the key was used before.
    pub async fn enter(
        request: Request,
        app: &State,
        codenames: &[&str],
    ) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let (first, others) = codenames.split_first().ok_or(ApiError::NotFound)?;
        let caller = Permitted::enter(&mut parts, app, first).await?;
        caller.require_all(others)?;
        let query = Query::from_request_parts(&mut parts, app).await?;
        let bytes = body::read(parts.uri.path(), body).await?;
        let idempotency = Idempotency::read(&parts, &caller.actor, &bytes)?;
        idempotency.replay(&caller).await?;
        Ok(Self {
            caller,
            headers: parts.headers,
            bytes,
            query,
            idempotency,
        })
    }

    /// The file: the body itself, or the field `file` of a form.
    pub fn file(&self) -> Result<&[u8], ApiError> {
        body::file(&body::CSV, &self.headers, &self.bytes)
    }

    /// Carries out a change and answers with 202; the answer is stored under the client's key in the same transaction.
    pub async fn accept(
        &self,
        batch: Batch,
        location: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<axum::response::Response, ApiError> {
        let answer = reply::Answer::accepted(location, body)?;
        self.idempotency.commit(&self.caller, batch, answer).await
    }
}

/// A creation or action whose permission is `P`.
pub struct Post<A: Area, P: Permission, T> {
    posted: Posted<A, T>,
    permission: PhantomData<P>,
}

impl<A: Area, P: Permission, T> Deref for Post<A, P, T> {
    type Target = Posted<A, T>;
    fn deref(&self) -> &Posted<A, T> {
        &self.posted
    }
}

impl<A: Area, P: Permission, T: Input + Send> FromRequest<State> for Post<A, P, T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &State) -> Result<Self, ApiError> {
        let posted = Posted::enter(request, app, P::CODENAME, |body| {
            Ok(homeroom_kernel::Fields::parse(body, false)?)
        });
        Ok(Self {
            posted: posted.await?,
            permission: PhantomData,
        })
    }
}

/// A permission-checked platform caller.
pub type SystemCan<P> = Can<SystemArea, P>;
/// A permission-checked school caller.
pub type SchoolCan<P> = Can<SchoolArea, P>;

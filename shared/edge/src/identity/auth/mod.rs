//! Signing in, staying signed in, signing out.

mod wire;

use homeroom_domain::{
    SessionId, UserId,
    credentials::{
        Plane,
        access_token::{self, AccessClaims},
        refresh_token::{Decision, RefreshToken, decide},
    },
};
use homeroom_kernel::IdSource;
use homeroom_objects::{
    address,
    login_guard::{GuardReply, GuardRequest, object_name},
    passwords::{PasswordReply, PasswordRequest},
};
use homeroom_store::{
    Batch, IdentityDb, StoreError,
    identity::{
        sessions::{self, NewSession, TokenState},
        users::{self, Credentials, Identifier},
    },
};
use secrecy::{ExposeSecret, SecretString};

pub use wire::*;

use super::users::{UserOut, hash_password};
use crate::{
    app::App,
    context::Context,
    error::ApiError,
    extract::{Area, Caller, Door},
};

/// An attempt at a password that the guard let through.
pub struct Attempt<'a> {
    app: &'a App,
    guard: String,
    ip: String,
    remaining: u32,
}

impl<'a> Attempt<'a> {
    /// Reserves an attempt with the guard of this subject, before any password is looked at.
    pub async fn begin(
        app: &'a App,
        context: &Context,
        plane: Plane,
        subject: &str,
    ) -> Result<Self, ApiError> {
        let guard = object_name(
            &plane.audience(),
            &app.settings.keys.identifier_hash(subject),
        );
        let ip = client(context);
        let request = GuardRequest::Begin { ip: ip.clone() };
        match app.ports.login_guard.ask(&guard, request).await? {
            GuardReply::Allowed { remaining } => Ok(Self {
                app,
                guard,
                ip,
                remaining,
            }),
            GuardReply::Refused { retry_after } => Err(ApiError::TooManyAttempts { retry_after }),
            GuardReply::Cleared => Err(ApiError::Internal(
                "the login guard answered out of turn".into(),
            )),
        }
    }

    /// Reserves an attempt to sign in.
    pub async fn at<A: Area>(door: &'a Door<A>, identifier: &Identifier) -> Result<Self, ApiError> {
        Self::begin(
            &door.app,
            &door.context,
            door.db.plane(),
            identifier.as_str(),
        )
        .await
    }

    /// Tells the guard that the password was right.
    pub async fn succeed(&self) -> Result<(), ApiError> {
        let request = GuardRequest::Succeed {
            ip: self.ip.clone(),
        };
        self.app.ports.login_guard.ask(&self.guard, request).await?;
        Ok(())
    }

    /// Takes the reservation back where a failure of ours kept the password from being compared.
    pub async fn unless_ours<T>(&self, result: Result<T, ApiError>) -> Result<T, ApiError> {
        if let Err(ApiError::Unavailable(_) | ApiError::Internal(_)) = &result {
            let request = GuardRequest::Release {
                ip: self.ip.clone(),
            };
            // Where the guard cannot be reached either, the reservation ends by itself.
            let _ = self.app.ports.login_guard.ask(&self.guard, request).await;
        }
        result
    }

    /// The answer to a wrong pair; the third in a row is the lockout itself.
    #[must_use]
    pub fn failed(&self) -> ApiError {
        match self.remaining {
            0 => ApiError::TooManyAttempts {
                retry_after: LOCKOUT_SECONDS,
            },
            remaining => ApiError::InvalidCredentials { remaining },
        }
    }
}

const LOCKOUT_SECONDS: u32 = 15 * 60;

/// Ends lockouts from the client's address, by whatever its user is known: who proved to be the user does not guess.
pub async fn lift_lockouts<A: Area>(door: &Door<A>, subjects: &[&str]) -> Result<(), ApiError> {
    let (app, scope) = (&door.app, door.db.plane().audience());
    for subject in subjects {
        let guard = object_name(&scope, &app.settings.keys.identifier_hash(subject));
        let ip = client(&door.context);
        let request = GuardRequest::Succeed { ip };
        app.ports.login_guard.ask(&guard, request).await?;
    }
    Ok(())
}

fn client(context: &Context) -> String {
    context
        .ip
        .map_or_else(|| address::UNKNOWN.to_owned(), |ip| ip.to_string())
}

/// Whether the password is the stored one, and a new hash where the stored one is out of date. An unknown user costs
/// the same work.
pub async fn verify(
    app: &App,
    password: &SecretString,
    stored: Option<&str>,
) -> Result<Verified, ApiError> {
    let request = PasswordRequest::Verify {
        password: password.expose_secret().to_owned(),
        phc: stored.map(str::to_owned),
    };
    match app.ports.passwords.work(request).await? {
        PasswordReply::Verified { matches, rehash } => Ok(Verified { matches, rehash }),
        PasswordReply::Hashed { .. } => Err(ApiError::Internal(
            "the passwords Worker answered out of turn".into(),
        )),
    }
}

/// The outcome of [`verify`].
pub struct Verified {
    /// Whether the password is right.
    pub matches: bool,
    /// A hash with today's parameters.
    pub rehash: Option<String>,
}

/// The user whose password this is, if it is: looked up and verified.
pub async fn authenticate<A: Area>(
    door: &Door<A>,
    login: &LoginIn,
) -> Result<Option<(Credentials, Verified)>, ApiError> {
    let found = users::find_credentials(&door.db, &login.identifier).await?;
    let stored = found
        .as_ref()
        .map(|credentials| credentials.password_hash.as_str());
    let verified = verify(&door.app, &login.password, stored).await?;
    Ok(found
        .filter(|_| verified.matches)
        .map(|credentials| (credentials, verified)))
}

/// Starts a sign-in for a user whose password was right; `more` is carried out with it.
pub async fn sign_in<A: Area>(
    door: &Door<A>,
    attempt: &Attempt<'_>,
    (credentials, verified): (Credentials, Verified),
    more: Batch,
) -> Result<LoginOut, ApiError> {
    attempt.succeed().await?;
    let mut user = credentials.user;
    if !user.is_active {
        return Err(ApiError::Forbidden {
            code: "account_inactive",
            detail: "This account is deactivated. Ask an administrator to activate it.".into(),
        });
    }
    let started = Started::new(&door.app, &door.context, door.db.plane(), user.id);
    let rehash = verified.rehash.as_deref();
    let mut batch = started.insert(&door.context, &credentials.password_hash, rehash);
    batch.append(more);
    batch.commit(&door.db).await.map_err(|error| match error {
        StoreError::Conflict(rule) if rule == "changed_meanwhile" => {
            ApiError::Unavailable("the account was changed during the sign-in".into())
        }
        other => other.into(),
    })?;
    user.last_login_at = Some(door.context.now);
    let TokensOut { access, refresh } = started.tokens();
    Ok(LoginOut {
        access,
        refresh,
        user: UserOut::new(user, door.db.plane()),
    })
}

/// A sign-in that is being started.
struct Started {
    id: SessionId,
    user: UserId,
    access: String,
    refresh: RefreshToken,
}

impl Started {
    fn new(app: &App, context: &Context, plane: Plane, user: UserId) -> Self {
        let ids = IdSource::new(&*app.ports.entropy, context.now);
        let id = ids.next();
        let access = access_token::sign(
            &app.settings.keys,
            plane,
            AccessClaims { user, session: id },
            context.now,
        );
        Self {
            id,
            user,
            access,
            refresh: RefreshToken::first(ids.secret()),
        }
    }

    fn insert(&self, context: &Context, password_hash: &str, rehash: Option<&str>) -> Batch {
        let ip = context.ip.map(|ip| ip.to_string());
        let session = NewSession {
            id: self.id,
            user: self.user,
            now: context.now,
            ip: ip.as_deref(),
            user_agent: context.user_agent.as_deref(),
            token: &self.refresh,
            password_hash,
        };
        sessions::insert(&session, rehash)
    }

    fn tokens(&self) -> TokensOut {
        TokensOut {
            access: self.access.clone(),
            refresh: self.refresh.expose().to_owned(),
        }
    }
}

/// Exchanges a refresh token for a new pair.
pub async fn refresh<A: Area>(door: &Door<A>, input: &RefreshIn) -> Result<TokensOut, ApiError> {
    let token = RefreshToken::parse(&input.token).ok_or(ApiError::InvalidRefreshToken)?;
    let now = door.context.now;
    let state = sessions::find_token(&door.db, &token)
        .await?
        .ok_or(ApiError::InvalidRefreshToken)?;
    match decide(state.presented, now) {
        Decision::Rotate => {
            let successors = token.successors(&door.app.settings.keys, door.db.plane());
            let successor = successors.first().ok_or(ApiError::InvalidRefreshToken)?;
            if sessions::rotate(&door.db, &state, &token, successor, now).await? {
                return Ok(pair(door, &state, successor));
            }
            // Another request with this token was faster: it is used now, and its successor is ours too.
            let state = sessions::find_token(&door.db, &token)
                .await?
                .ok_or(ApiError::InvalidRefreshToken)?;
            match decide(state.presented, now) {
                Decision::Repeat => repeat(door, &state, &token).await,
                Decision::Rotate | Decision::Reuse | Decision::Refuse => {
                    Err(ApiError::InvalidRefreshToken)
                }
            }
        }
        Decision::Repeat => repeat(door, &state, &token).await,
        Decision::Reuse => {
            sessions::revoke(state.session, "refresh_token_reused", now)
                .commit(&door.db)
                .await?;
            door.app.forget_actors(door.db.plane());
            Err(ApiError::InvalidRefreshToken)
        }
        Decision::Refuse => Err(ApiError::InvalidRefreshToken),
    }
}

/// Gives the successor that was handed out before, whichever master key made it.
async fn repeat<A: Area>(
    door: &Door<A>,
    state: &TokenState,
    token: &RefreshToken,
) -> Result<TokensOut, ApiError> {
    for successor in token.successors(&door.app.settings.keys, door.db.plane()) {
        if sessions::is_known(&door.db, &successor).await? {
            return Ok(pair(door, state, &successor));
        }
    }
    Err(ApiError::InvalidRefreshToken)
}

fn pair<A: Area>(door: &Door<A>, state: &TokenState, successor: &RefreshToken) -> TokensOut {
    let claims = AccessClaims {
        user: state.user,
        session: state.session,
    };
    TokensOut {
        access: access_token::sign(
            &door.app.settings.keys,
            door.db.plane(),
            claims,
            door.context.now,
        ),
        refresh: successor.expose().to_owned(),
    }
}

/// The user of this place who is signed in; a key or a visiting superadministrator has no account here.
pub fn own_user<A: Area>(caller: &Caller<A>) -> Result<UserId, ApiError> {
    caller.actor.user.ok_or_else(|| ApiError::Forbidden {
        code: "no_account",
        detail: "This is for users who are signed in here; an API key or a platform user has no account here.".into(),
    })
}

/// Ends the sign-in behind the request.
pub async fn logout<A: Area>(caller: &Caller<A>) -> Result<(), ApiError> {
    own_user(caller)?;
    let session = caller.actor.session.ok_or(ApiError::Unauthenticated)?;
    caller
        .commit_identity(sessions::revoke(session, "logout", caller.context.now))
        .await
}

/// Ends every sign-in of the user behind the request.
pub async fn logout_all<A: Area>(caller: &Caller<A>) -> Result<(), ApiError> {
    let user = own_user(caller)?;
    let plane = caller.db.plane();
    let batch = sessions::revoke_all(plane, user, "logout_all", caller.context.now);
    caller.commit_identity(batch).await
}

/// Sets a new password: every sign-in of the user ends, and a new one starts with the answer.
pub async fn change_password<A: Area>(
    caller: &Caller<A>,
    input: &ChangePasswordIn,
) -> Result<TokensOut, ApiError> {
    let user = own_user(caller)?;
    let stored = users::find_password_hash(&caller.db, user).await?;
    // A stolen token must not serve to guess the password.
    let attempt = Attempt::begin(
        &caller.app,
        &caller.context,
        caller.db.plane(),
        &user.to_string(),
    )
    .await?;
    let compared = verify(&caller.app, &input.old, Some(&stored)).await;
    if !attempt.unless_ours(compared).await?.matches {
        return Err(match attempt.remaining {
            0 => attempt.failed(),
            _ => ApiError::field("old_password", "This is not your password."),
        });
    }
    attempt.succeed().await?;
    if input.old.expose_secret() == input.new.expose_secret() {
        return Err(ApiError::field(
            "new_password",
            "Choose a password that differs from the one so far.",
        ));
    }
    let hash = hash_password(&caller.app, &input.new).await?;
    let started = Started::new(&caller.app, &caller.context, caller.db.plane(), user);
    let mut batch = users::change_password(&caller.stamp(), user, &stored, &hash);
    batch.append(started.insert(&caller.context, &hash, None));
    caller.commit_identity(batch).await?;
    Ok(started.tokens())
}

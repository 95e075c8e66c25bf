//! Who acts: a credential, verified for the place where it is presented.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use homeroom_domain::{
    SessionId, TenantId, UserId,
    credentials::{
        Plane, access_token,
        api_key::{ApiKey, Refusal},
    },
    permissions::PermissionSet,
};
use homeroom_kernel::{IdSource, Timestamp};
use homeroom_store::{
    ActorKind, ControlDb, IdentityDb, Stamp, StoreError,
    control::api_keys::{self, VerifiableKey},
    identity::sessions::{self, SignedIn},
    sql::Consistency,
};
use http::{HeaderMap, header};

use crate::{
    app::{App, State},
    context::{Context, SharedContext},
    error::ApiError,
    tenancy,
};

/// How long an isolate may act on what it knew of a sign-in or key, in milliseconds: what is revoked ends within 5 s.
const CACHE_MILLIS: u64 = 3_000;
const MAX_ENTRIES: usize = 4_096;

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The id of the user or key.
    pub id: String,
    /// The name for the audit log.
    pub name: String,
    /// The user, where the actor is one of this place.
    pub user: Option<UserId>,
    /// The sign-in behind it.
    pub session: Option<SessionId>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// Whether only the password may be changed.
    pub must_change_password: bool,
}

impl Actor {
    fn from_user(user: &SignedIn, kind: ActorKind, session: SessionId) -> Self {
        Self {
            kind,
            id: user.id.to_string(),
            name: user.name.clone(),
            user: Some(user.id).filter(|_| kind == ActorKind::User),
            session: Some(session),
            permissions: user.permissions.clone(),
            must_change_password: user.must_change_password,
        }
    }

    /// The stamp for a change by this actor.
    #[must_use]
    pub fn stamp<'a>(&self, app: &'a App, context: &Context, plane: Plane) -> Stamp<'a> {
        Stamp {
            ids: IdSource::new(&*app.ports.entropy, context.now),
            now: context.now,
            kind: self.kind,
            actor_id: Some(self.id.clone()),
            actor_name: self.name.clone(),
            ip: context.ip.map(|ip| ip.to_string()),
            request_id: context.request_id.clone(),
            plane,
        }
    }
}

/// Sign-ins and keys that were alive a moment ago; keyed by plane, so that nothing of one school serves another.
#[derive(Default)]
pub(crate) struct ActorCache {
    users: Mutex<HashMap<(Plane, SessionId), (Timestamp, SignedIn)>>,
    keys: Mutex<HashMap<String, (Timestamp, VerifiableKey)>>,
}

impl ActorCache {
    /// Forgets a plane's sign-ins: after a change that may concern them, this isolate at least acts on it at once.
    pub(crate) fn forget(&self, plane: Plane) {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|(of, _), _| *of != plane);
        if plane == Plane::System {
            self.keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
    }
}

/// The credentials that a request carries.
#[derive(Debug, Default)]
pub(crate) struct Presented<'a> {
    bearer: Option<&'a str>,
    api_key: Option<&'a str>,
    pub(crate) schema_name: Option<&'a str>,
}

impl<'a> Presented<'a> {
    pub(crate) fn read(headers: &'a HeaderMap) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
        };
        let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        Self {
            bearer,
            api_key: text("x-api-key"),
            schema_name: text("x-schema-name").filter(|name| !name.is_empty()),
        }
    }

    pub(crate) fn has_credential(&self) -> bool {
        self.bearer.is_some() || self.api_key.is_some()
    }
}

/// The actor behind a credential of the database's own plane: a user's token, or an API key.
pub(crate) async fn identify<D: IdentityDb>(
    app: &State,
    context: &SharedContext,
    db: &D,
    presented: &Presented<'_>,
) -> Result<Option<Actor>, ApiError> {
    if let Some(token) = presented.bearer {
        return identify_user(app, context, db, token, ActorKind::User).await;
    }
    match presented.api_key {
        Some(key) => identify_key(app, context, db.plane(), key).await.map(Some),
        None => Ok(None),
    }
}

/// The platform superadministrator behind a token, if it is one's.
pub(crate) async fn identify_superadmin(
    app: &State,
    context: &SharedContext,
    presented: &Presented<'_>,
) -> Result<Option<Actor>, ApiError> {
    let Some(token) = presented.bearer else {
        return Ok(None);
    };
    let control = tenancy::control(app, context)?;
    let actor = identify_user(app, context, &control, token, ActorKind::PlatformUser).await?;
    Ok(actor.filter(|actor| actor.permissions.is_everything()))
}

async fn identify_user<D: IdentityDb>(
    app: &App,
    context: &Context,
    db: &D,
    token: &str,
    kind: ActorKind,
) -> Result<Option<Actor>, ApiError> {
    let plane = db.plane();
    let Some(claims) = access_token::verify(&app.settings.keys, plane, token, context.now) else {
        return Ok(None);
    };
    let key = (plane, claims.session);
    let cached = {
        let users = app
            .actors
            .users
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        users
            .get(&key)
            .filter(|(since, user)| {
                tenancy::is_fresh(*since, context.now, CACHE_MILLIS) && user.id == claims.user
            })
            .map(|(_, user)| user.clone())
    };
    let user = match cached {
        Some(user) => user,
        None => {
            let found =
                sessions::find_signed_in(db, claims.session, claims.user, context.now).await?;
            let Some(user) = found else { return Ok(None) };
            let mut users = app
                .actors
                .users
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if users.len() >= MAX_ENTRIES {
                users.clear();
            }
            users.insert(key, (context.now, user.clone()));
            user
        }
    };
    Ok(Some(Actor::from_user(&user, kind, claims.session)))
}

async fn identify_key(
    app: &State,
    context: &SharedContext,
    plane: Plane,
    text: &str,
) -> Result<Actor, ApiError> {
    let presented = ApiKey::parse(text).ok_or(ApiError::Unauthenticated)?;
    let stored = find_key(app, context, &presented).await?;
    let place: Option<TenantId> = match plane {
        Plane::System => None,
        Plane::School(tenant) => Some(tenant),
    };
    match stored.grant().check(place, context.ip, context.now) {
        Ok(()) => {}
        Err(Refusal::Unknown) => return Err(ApiError::Unauthenticated),
        Err(Refusal::Address) => {
            return Err(ApiError::Forbidden {
                code: "address_not_allowed",
                detail: "This API key is not allowed from your address.".into(),
            });
        }
    }
    note_use(app, context, &stored);
    Ok(Actor {
        kind: ActorKind::ApiKey,
        id: stored.key.id.to_string(),
        name: stored.key.name.clone(),
        user: None,
        session: None,
        permissions: stored.permissions(),
        must_change_password: false,
    })
}

async fn find_key(
    app: &App,
    context: &Context,
    presented: &ApiKey,
) -> Result<VerifiableKey, ApiError> {
    let cached = {
        let keys = app
            .actors
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        keys.get(&presented.prefix)
            .filter(|(since, _)| tenancy::is_fresh(*since, context.now, CACHE_MILLIS))
            .map(|(_, key)| key.clone())
    };
    let stored = match cached {
        Some(key) => key,
        None => {
            let control = tenancy::control(app, context)?;
            let found = api_keys::find_by_prefix(&control, &presented.prefix).await?;
            let key = found.ok_or(ApiError::Unauthenticated)?;
            let mut keys = app
                .actors
                .keys
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if keys.len() >= MAX_ENTRIES {
                keys.clear();
            }
            keys.insert(presented.prefix.clone(), (context.now, key.clone()));
            key
        }
    };
    if presented.matches(&stored.secret_hash) {
        Ok(stored)
    } else {
        Err(ApiError::Unauthenticated)
    }
}

/// Notes the key's use after the answer, at most once a minute.
fn note_use(app: &State, context: &SharedContext, stored: &VerifiableKey) {
    let minute_ago = context.now.plus_seconds(-60);
    if stored
        .key
        .last_used_at
        .is_some_and(|last| last > minute_ago)
    {
        return;
    }
    let (app, id, now, trace) = (
        app.clone(),
        stored.key.id,
        context.now,
        context.trace.aside(),
    );
    context.defer(Box::pin(async move {
        let control = ControlDb::open(&*app.ports.databases, &Consistency::Latest, &trace);
        if let Ok(control) = control {
            let noted: Result<(), StoreError> = api_keys::touch(id, now).commit(&control).await;
            // Lost when the database is away: the next use notes it again.
            drop(noted);
        }
    }));
}

//! Who acts: a credential, verified for the place where it is presented.

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
    recent::Recent,
    tenancy,
};

/// How long an isolate may act on what it knew of a sign-in or key, in milliseconds: what is revoked ends within 5 s.
const CACHE_MILLIS: i64 = 3_000;
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
    fn from_user(user: SignedIn, kind: ActorKind, session: SessionId) -> Self {
        Self {
            kind,
            id: user.id.to_string(),
            name: user.name,
            user: Some(user.id).filter(|_| kind == ActorKind::User),
            session: Some(session),
            permissions: user.permissions,
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

/// A sign-in that was alive a moment ago, by its token: what is remembered was verified for this very plane.
#[derive(Clone)]
struct Seen {
    plane: Plane,
    session: SessionId,
    token_ends: Timestamp,
    user: SignedIn,
}

/// Sign-ins and keys that were alive a moment ago.
pub(crate) struct ActorCache {
    users: Recent<Seen>,
    keys: Recent<VerifiableKey>,
}

impl Default for ActorCache {
    fn default() -> Self {
        Self {
            users: Recent::new(CACHE_MILLIS, MAX_ENTRIES),
            keys: Recent::new(CACHE_MILLIS, MAX_ENTRIES),
        }
    }
}

impl ActorCache {
    /// Forgets a plane's sign-ins: after a change that may concern them, this isolate at least acts on it at once.
    pub(crate) fn forget(&self, plane: Plane) {
        self.users.forget(|seen| seen.plane == plane);
        if plane == Plane::System {
            self.keys.forget(|_| true);
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
            // What cannot be read names a school all the same, one that does not exist.
            schema_name: headers
                .get("x-schema-name")
                .map(|value| value.to_str().map_or("?", str::trim))
                .filter(|name| !name.is_empty()),
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
    let (plane, now) = (db.plane(), context.now);
    if let Some(seen) = app.actors.users.get(token, now)
        && seen.plane == plane
        && seen.token_ends > now
    {
        return Ok(Some(Actor::from_user(seen.user, kind, seen.session)));
    }
    let Some(verified) = access_token::verify(&app.settings.keys, plane, token, now) else {
        return Ok(None);
    };
    let session = verified.claims.session;
    let found = sessions::find_signed_in(db, session, verified.claims.user, now).await?;
    Ok(found.map(|user| {
        let token_ends = verified.expires_at;
        let seen = Seen {
            plane,
            session,
            token_ends,
            user: user.clone(),
        };
        app.actors.users.put(token.to_owned(), seen, now);
        Actor::from_user(user, kind, session)
    }))
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
    let stored = match app.actors.keys.get(&presented.prefix, context.now) {
        Some(key) => key,
        None => {
            let control = tenancy::control(app, context)?;
            let found = api_keys::find_by_prefix(&control, &presented.prefix).await?;
            let key = found.ok_or(ApiError::Unauthenticated)?;
            app.actors
                .keys
                .put(presented.prefix.clone(), key.clone(), context.now);
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

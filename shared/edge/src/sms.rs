//! The SMS gateway's rules of entry: accounts with a token and an app, at the public host or at their school's.

mod links;

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use homeroom_domain::credentials::{
    self, KeyRing,
    sms_token::{self, SmsKeys},
};
use homeroom_kernel::IdSource;
use homeroom_sms_contract::{signature, submit::Links};
use homeroom_store::{
    ActorKind, ControlDb, IdentityDb, Stamp, TenantDb,
    control::{
        registry::ActiveSchool,
        sms_apps::{self, SmsApp},
        sms_links::LinkRow,
    },
    sms::SmsDb,
    sql::Consistency,
};
use http::{StatusCode, header, request::Parts};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;

pub use self::links::Closed;
use crate::{
    app::{App, State},
    body,
    context::{Context, SharedContext},
    error::ApiError,
    extract::context,
    recent::Recent,
    tenancy::{self, Arrival},
};

/// How long an isolate may act on what it knew of an app or link, in milliseconds.
const CACHE_MILLIS: i64 = 3_000;
/// The same for what the bridge said of its links.
const BRIDGE_MILLIS: i64 = 2_000;
/// How long a link or pool that the bridge named is there, so that nearly no message asks for it.
const ROUTE_MILLIS: i64 = 60_000;
/// How long a bridge that did not answer is left alone, so that messages do not wait for it.
const AWAY_MILLIS: i64 = 10_000;
const MAX_ENTRIES: usize = 4_096;

/// What is remembered for a moment, and the keys of the tokens.
pub(crate) struct SmsCache {
    keys: SmsKeys,
    apps: Recent<SmsApp>,
    links: Recent<Arc<[LinkRow]>>,
    bridge: Recent<Arc<Links>>,
    /// By number, the links that send for it: itself, or those of a pool.
    routes: Recent<Arc<[i64]>>,
    away: Recent<()>,
    pages: Recent<Arc<str>>,
}

impl SmsCache {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self {
            keys: SmsKeys::derive(ring),
            apps: Recent::new(CACHE_MILLIS, MAX_ENTRIES),
            links: Recent::new(CACHE_MILLIS, 1),
            bridge: Recent::new(BRIDGE_MILLIS, 1),
            routes: Recent::new(ROUTE_MILLIS, MAX_ENTRIES),
            away: Recent::new(AWAY_MILLIS, 1),
            pages: Recent::new(BRIDGE_MILLIS, 16),
        }
    }
}

impl App {
    /// The keys that sign the tokens of SMS accounts.
    #[must_use]
    pub fn sms_keys(&self) -> &SmsKeys {
        &self.sms.keys
    }

    /// Forgets apps and links, after a change that may concern them.
    pub fn forget_sms(&self) {
        self.sms.apps.forget(|_| true);
        self.sms.links.forget(|_| true);
        self.sms.routes.forget(|_| true);
    }

    /// The app as which a school itself sends, once it has one.
    pub async fn school_sms_app(
        &self,
        context: &Context,
        db: &TenantDb,
    ) -> Result<Option<SmsApp>, ApiError> {
        let tenant = db.school().id();
        let key = format!("school/{tenant}");
        if let Some(known) = self.sms.apps.get(&key, context.now) {
            return Ok(Some(known));
        }
        let found = sms_apps::find_of_school(&tenancy::control(self, context)?, tenant).await?;
        if let Some(found) = &found {
            self.sms.apps.put(key, found.clone(), context.now);
        }
        Ok(found)
    }

    /// One of the bridge's public pages, at most two seconds old.
    pub async fn bridge_page(&self, context: &Context, path: &str) -> Result<Arc<str>, ApiError> {
        if let Some(known) = self.sms.pages.get(path, context.now) {
            return Ok(known);
        }
        let page: Arc<str> = self.ports.bridge.get(path).await?.into();
        self.sms
            .pages
            .put(path.to_owned(), page.clone(), context.now);
        Ok(page)
    }
}

/// At the public host or at a school's, without a credential.
pub struct SmsDoor {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The platform's database, which holds accounts and apps.
    pub control: ControlDb,
    /// The school, at a school's host.
    pub school: Option<ActiveSchool>,
}

impl SmsDoor {
    /// The stamp for a change that an account makes, or somebody who has none yet.
    #[must_use]
    pub fn stamp(&self, account: Option<i64>) -> Stamp<'_> {
        stamp(&self.app, &self.context, &self.control, account)
    }
}

fn stamp<'a>(
    app: &'a App,
    context: &Context,
    db: &impl IdentityDb,
    account: Option<i64>,
) -> Stamp<'a> {
    Stamp {
        ids: IdSource::new(&*app.ports.entropy, context.now),
        now: context.now,
        // The kinds of actors are fixed in the tables; accounts of the gateway are named, and are nobody's users.
        kind: ActorKind::System,
        actor_id: None,
        actor_name: account.map_or_else(
            || "SMS gateway".to_owned(),
            |number| format!("SMS account {number}"),
        ),
        ip: context.ip.map(|ip| ip.to_string()),
        request_id: context.request_id.clone(),
        plane: db.plane(),
    }
}

async fn place(app: &State, context: &SharedContext) -> Result<Option<ActiveSchool>, ApiError> {
    Ok(match tenancy::arrive(app, context).await? {
        Arrival::Public => None,
        Arrival::School(school) => Some(school),
    })
}

impl FromRequestParts<State> for SmsDoor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let context = context(parts)?;
        let school = place(app, &context).await?;
        let control = ControlDb::open(
            &*app.ports.databases,
            &Consistency::Latest,
            &context.trace.aside(),
        )?;
        Ok(Self {
            app: app.clone(),
            context,
            control,
            school,
        })
    }
}

/// An account that is signed in with one of its apps.
pub struct AppCaller {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The database that holds the app's messages.
    pub db: SmsDb,
    /// The app.
    pub sms_app: SmsApp,
    /// The account.
    pub user_id: i64,
}

impl AppCaller {
    /// The stamp for a change to the app's messages.
    #[must_use]
    pub fn stamp(&self) -> Stamp<'_> {
        stamp(&self.app, &self.context, &self.db, Some(self.user_id))
    }

    /// The same place without the app, for what concerns accounts.
    pub fn door(&self) -> Result<SmsDoor, ApiError> {
        let control = ControlDb::open(
            &*self.app.ports.databases,
            &Consistency::Latest,
            &self.context.trace.aside(),
        )?;
        let school = match &self.db {
            SmsDb::Platform(_) => None,
            SmsDb::School(db) => Some(db.school().clone()),
        };
        Ok(SmsDoor {
            app: self.app.clone(),
            context: self.context.clone(),
            control,
            school,
        })
    }
}

fn refused(words: &'static str) -> ApiError {
    ApiError::gateway(StatusCode::UNAUTHORIZED, "not_authenticated", words)
}

/// An app that does not exist, sends nothing, is another account's, or lives elsewhere: all alike.
#[must_use]
pub fn unknown_app() -> ApiError {
    ApiError::gateway(StatusCode::UNAUTHORIZED, "unknown_app", "unknown app_id")
}

impl FromRequestParts<State> for AppCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let context = context(parts)?;
        let school = place(app, &context).await?;
        let text = |name: &str| {
            let value = parts.headers.get(name)?;
            Some(value.to_str().unwrap_or_default().trim())
        };
        let authorization = text(header::AUTHORIZATION.as_str())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| refused("authorization header required"))?;
        let app_id = text("x-app-id")
            .filter(|value| !value.is_empty())
            .ok_or_else(|| refused("X-App-ID header required"))?;
        let app_id: i64 = app_id.parse().ok().filter(|id| *id > 0).ok_or_else(|| {
            ApiError::gateway(
                StatusCode::BAD_REQUEST,
                "invalid_app_id",
                "invalid X-App-ID",
            )
        })?;
        let claims = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .and_then(|(_, token)| sms_token::verify(app.sms_keys(), token.trim(), context.now))
            .ok_or_else(|| refused("invalid or expired token"))?;
        if claims.app_id != app_id {
            return Err(unknown_app());
        }
        let known = find_app(app, &context, app_id).await?;
        let here = school.as_ref().map(ActiveSchool::id);
        let sms_app = known
            .filter(|known| known.tenant == here && known.is_active)
            .filter(|known| known.account_id == Some(claims.user_id))
            .ok_or_else(unknown_app)?;
        let consistency = context.consistency(&parts.method)?;
        let databases = &*app.ports.databases;
        let db = match &school {
            None => SmsDb::Platform(ControlDb::open(databases, &consistency, &context.trace)?),
            Some(school) => SmsDb::School(TenantDb::open(
                databases,
                school,
                &consistency,
                &context.trace,
            )?),
        };
        Ok(Self {
            app: app.clone(),
            context,
            db,
            sms_app,
            user_id: claims.user_id,
        })
    }
}

async fn find_app(app: &App, context: &Context, id: i64) -> Result<Option<SmsApp>, ApiError> {
    let key = id.to_string();
    if let Some(known) = app.sms.apps.get(&key, context.now) {
        return Ok(Some(known));
    }
    let mut found = sms_apps::find(&tenancy::control(app, context)?, id).await?;
    if found.is_none() {
        // A replica may not have heard of an app of this second.
        let databases = &*app.ports.databases;
        let trace = context.trace.aside();
        let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
        found = sms_apps::find(&control, id).await?;
    }
    if let Some(found) = &found {
        app.sms.apps.put(key, found.clone(), context.now);
    }
    Ok(found)
}

/// What the bridge sent, once its signature is found right.
pub struct Signed<T> {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The body.
    pub input: T,
}

impl<T: DeserializeOwned + Send> FromRequest<State> for Signed<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &State) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let context = context(&parts)?;
        if place(app, &context).await?.is_some() {
            return Err(ApiError::NotFound);
        }
        let text = |name: &str| {
            let value = parts.headers.get(name);
            let value = value.and_then(|value| value.to_str().ok());
            value.unwrap_or_default()
        };
        let (id, time, signatures) = (
            text(signature::ID),
            text(signature::TIMESTAMP),
            text(signature::SIGNATURE),
        );
        // Before the body is read, so that strangers cannot make us hold it.
        if id.is_empty() || time.is_empty() || signatures.is_empty() {
            return Err(refused("signature required"));
        }
        let bytes = body::read(parts.uri.path(), body).await?;
        let secrets: Vec<&[u8]> = app
            .settings
            .sms
            .bridge_secrets
            .iter()
            .map(|secret| secret.expose_secret().as_bytes())
            .collect();
        signature::verify(
            &secrets,
            id,
            time,
            signatures,
            &bytes,
            context.now.seconds(),
        )
        .map_err(|_| refused("invalid signature"))?;
        let input = serde_json::from_slice(&bytes)
            .map_err(|_| ApiError::Malformed("The body is not what the bridge sends."))?;
        Ok(Self {
            app: app.clone(),
            context,
            input,
        })
    }
}

/// An administrator of the gateway, at the public host: by the key, or by an account that is one.
pub struct SmsAdmin {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The platform's database.
    pub control: ControlDb,
    /// The account; none: the key.
    pub account: Option<i64>,
}

impl SmsAdmin {
    /// The stamp for a change.
    #[must_use]
    pub fn stamp(&self) -> Stamp<'_> {
        let mut stamp = stamp(&self.app, &self.context, &self.control, self.account);
        if self.account.is_none() {
            "SMS administrator".clone_into(&mut stamp.actor_name);
        }
        stamp
    }
}

impl FromRequestParts<State> for SmsAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let context = context(parts)?;
        if place(app, &context).await?.is_some() {
            return Err(ApiError::NotFound);
        }
        let key = parts.headers.get("x-admin-key");
        let key = key.map(|value| value.to_str().unwrap_or_default());
        let account = match (key, &app.settings.sms.admin_key) {
            (Some(_), None) => {
                return Err(ApiError::gateway(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "admin_key_not_configured",
                    "admin API key not configured",
                ));
            }
            (Some(given), Some(right)) => {
                // Digests are compared, so that the time says nothing of the key.
                if credentials::digest(given) != credentials::digest(right.expose_secret()) {
                    return Err(refused("invalid or missing admin key"));
                }
                None
            }
            (None, _) if !parts.headers.contains_key(header::AUTHORIZATION) => {
                return Err(refused("invalid or missing admin key"));
            }
            (None, _) => {
                let caller = AppCaller::from_request_parts(parts, app).await?;
                if !caller.sms_app.is_admin {
                    return Err(ApiError::gateway(
                        StatusCode::FORBIDDEN,
                        "administrators_only",
                        "administrators only",
                    ));
                }
                Some(caller.user_id)
            }
        };
        let control = ControlDb::open(
            &*app.ports.databases,
            &context.consistency(&parts.method)?,
            &context.trace,
        )?;
        Ok(Self {
            app: app.clone(),
            context,
            control,
            account,
        })
    }
}

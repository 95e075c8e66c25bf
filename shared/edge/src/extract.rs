//! Extractors: what a handler gets is what it is allowed to use. A database handle comes only with a place and, but for
//! the few routes before sign-in, with an actor and a checked permission.

use std::future::Future;

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, RawPathParams, Request};
use homeroom_domain::permissions::Permission;
use homeroom_kernel::{FieldErrors, Fields, Id, Input, Listing, PageRequest};
use homeroom_store::{Action, Batch, ControlDb, IdentityDb, Stamp, TenantDb, sql::Consistency};
use http::{Method, request::Parts};

use crate::{
    actor::{self, Actor, Presented},
    app::State,
    body,
    context::{Context, SharedContext},
    error::ApiError,
    tenancy::{self, Arrival},
};

/// An API area's rules of entry.
pub trait Area: Send + Sync + 'static {
    /// The database that its routes work on.
    type Db: IdentityDb + 'static;

    /// Lets anyone in at the right host: sign-in and refresh.
    fn door(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> impl Future<Output = Result<Self::Db, ApiError>> + Send;

    /// Lets in who holds a credential for this place.
    fn enter(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> impl Future<Output = Result<(Self::Db, Actor), ApiError>> + Send;
}

/// `/api/v1/system/`, on the public host only.
pub struct SystemArea;
/// `/api/v1/school/`, on a school's host, or for a platform superadministrator who names the school.
pub struct SchoolArea;

impl Area for SystemArea {
    type Db = ControlDb;

    async fn door(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> Result<ControlDb, ApiError> {
        match tenancy::arrive(app, context).await? {
            Arrival::Public => open_control(app, context, &context.consistency(&parts.method)?),
            Arrival::School(_) => Err(ApiError::NotFound),
        }
    }

    async fn enter(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> Result<(ControlDb, Actor), ApiError> {
        let presented = Presented::read(&parts.headers);
        let Arrival::Public = tenancy::arrive(app, context).await? else {
            return Err(ApiError::Unauthenticated);
        };
        let consistency = context.consistency(&parts.method)?;
        let mut db = open_control(app, context, &consistency)?;
        let mut actor = actor::identify(app, context, &db, &presented).await?;
        if actor.is_none() && consistency == Consistency::Any && presented.has_credential() {
            // A replica may not have heard of a sign-in of this second.
            db = open_control(app, context, &Consistency::Latest)?;
            actor = actor::identify(app, context, &db, &presented).await?;
        }
        let actor = actor.ok_or(ApiError::Unauthenticated)?;
        let superadmin = actor.user.is_some() && actor.permissions.is_everything();
        if presented.schema_name.is_some() && !superadmin {
            return Err(not_yours());
        }
        Ok((db, actor))
    }
}

impl Area for SchoolArea {
    type Db = TenantDb;

    async fn door(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> Result<TenantDb, ApiError> {
        match tenancy::arrive(app, context).await? {
            Arrival::Public => Err(ApiError::UnknownHost),
            Arrival::School(school) => {
                let consistency = context.consistency(&parts.method)?;
                Ok(TenantDb::open(
                    &*app.ports.databases,
                    &school,
                    &consistency,
                    &context.trace,
                )?)
            }
        }
    }

    async fn enter(
        app: &State,
        context: &SharedContext,
        parts: &Parts,
    ) -> Result<(TenantDb, Actor), ApiError> {
        let presented = Presented::read(&parts.headers);
        let open = |school, consistency: &Consistency| {
            TenantDb::open(&*app.ports.databases, school, consistency, &context.trace)
        };
        let consistency = context.consistency(&parts.method)?;
        let school = match tenancy::arrive(app, context).await? {
            Arrival::School(school) => school,
            Arrival::Public => {
                let (Some(slug), true) = (presented.schema_name, presented.has_credential()) else {
                    return Err(ApiError::Unauthenticated);
                };
                let actor = actor::identify_superadmin(app, context, &presented)
                    .await?
                    .ok_or_else(not_yours)?;
                let school = tenancy::by_slug(app, context, slug).await?;
                let db = open(&school, &consistency)?;
                note_visit(app, context, parts, &db, &actor).await?;
                return Ok((db, actor));
            }
        };
        let mut db = open(&school, &consistency)?;
        let mut actor = actor::identify(app, context, &db, &presented).await?;
        if actor.is_none() && consistency == Consistency::Any && presented.has_credential() {
            // A replica may not have heard of a sign-in of this second.
            db = open(&school, &Consistency::Latest)?;
            actor = actor::identify(app, context, &db, &presented).await?;
        }
        let own_name = |name: &str| name == school.school().schema_name;
        match (actor, presented.schema_name) {
            (Some(actor), None) => Ok((db, actor)),
            (Some(actor), Some(name)) if actor.user.is_some() && own_name(name) => Ok((db, actor)),
            (Some(_), Some(_)) => Err(not_yours()),
            (None, None) => Err(ApiError::Unauthenticated),
            (None, Some(name)) => {
                let superadmin = actor::identify_superadmin(app, context, &presented).await?;
                let actor = superadmin.ok_or(ApiError::Unauthenticated)?;
                if !own_name(name) {
                    return Err(not_yours());
                }
                note_visit(app, context, parts, &db, &actor).await?;
                Ok((db, actor))
            }
        }
    }
}

/// Writes into the school's audit log that a superadministrator of the platform looked in, before anything is shown.
async fn note_visit(
    app: &State,
    context: &Context,
    parts: &Parts,
    db: &TenantDb,
    actor: &Actor,
) -> Result<(), ApiError> {
    let stamp = actor.stamp(app, context, db.plane());
    let request = serde_json::json!({"request": format!("{} {}", parts.method, parts.uri.path())});
    let mut batch = Batch::default();
    let school = db.school().id().to_string();
    batch.audit(
        &stamp,
        Action::Visit,
        "schools",
        &school,
        None::<&()>,
        Some(&request),
    );
    Ok(batch.commit(db).await?)
}

fn open_control(
    app: &State,
    context: &Context,
    consistency: &Consistency,
) -> Result<ControlDb, ApiError> {
    Ok(ControlDb::open(
        &*app.ports.databases,
        consistency,
        &context.trace,
    )?)
}

fn not_yours() -> ApiError {
    ApiError::Forbidden {
        code: "schema_name_not_allowed",
        detail:
            "X-Schema-Name is for platform superadministrators. Call the school at its own address."
                .into(),
    }
}

/// At the right host, without a credential.
pub struct Door<A: Area> {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The area's database.
    pub db: A::Db,
}

/// Somebody who is signed in, whatever they may do.
pub struct Caller<A: Area> {
    /// Ports and settings.
    pub app: State,
    /// The request.
    pub context: SharedContext,
    /// The area's database.
    pub db: A::Db,
    /// Who it is.
    pub actor: Actor,
}

impl<A: Area> Caller<A> {
    /// The stamp for a change.
    #[must_use]
    pub fn stamp(&self) -> Stamp<'_> {
        self.actor.stamp(&self.app, &self.context, self.db.plane())
    }

    /// Carries out a change.
    pub async fn commit(&self, batch: Batch) -> Result<(), ApiError> {
        Ok(batch.commit(&self.db).await?)
    }

    /// Carries out a change that may concern who may do what: this isolate acts on it at once.
    pub async fn commit_identity(&self, batch: Batch) -> Result<(), ApiError> {
        let result = self.commit(batch).await;
        self.app.forget_actors(self.db.plane());
        result
    }

    /// Refuses what the actor has no permission for: for the parts of a request that need one of their own.
    pub fn require<P: Permission>(&self) -> Result<(), ApiError> {
        if self.actor.permissions.allows(P::CODENAME) {
            Ok(())
        } else {
            Err(ApiError::lacking(P::CODENAME))
        }
    }

    /// Refuses to hand on permissions that the actor lacks.
    pub fn may_grant(&self, codenames: &[String], field: &str) -> Result<(), ApiError> {
        match self.actor.permissions.first_lacking(codenames) {
            None => Ok(()),
            Some(lacking) => Err(ApiError::Forbidden {
                code: "cannot_grant",
                detail: format!(
                    "{field}: you cannot grant {lacking}, which you do not have yourself."
                ),
            }),
        }
    }
}

/// A body without an idempotency key: PUT and PATCH, and the routes before sign-in.
pub struct Body<T> {
    /// What was read.
    pub input: T,
    /// Whether absent fields mean "leave as it is" (PATCH).
    pub partial: bool,
}

/// A body as the fields that it names, for fields that are known at run time only.
pub struct RawBody {
    /// The fields.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Whether absent fields mean "leave as it is" (PATCH).
    pub partial: bool,
}

impl RawBody {
    /// Reads a body whose one list may also be sent bare.
    pub async fn with_list(request: Request, name: &str) -> Result<Self, ApiError> {
        let partial = request.method() == Method::PATCH;
        let (parts, body) = request.into_parts();
        let bytes = body::read(parts.uri.path(), body).await?;
        Ok(Self {
            fields: body::fields_or_list(&parts.headers, &bytes, name)?,
            partial,
        })
    }
}

/// A picture: the body itself, or the field `file` of a form. Nothing is known of it yet.
pub struct Picture(pub Vec<u8>);

/// No body is expected; one that comes is not read.
pub struct NoBody;

/// The `{id}` of the path; what is not an id is not found.
pub struct At<T>(pub Id<T>);

/// The query string, decoded.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The page that the query asks for.
    pub fn page(&self, listing: &Listing) -> Result<PageRequest, ApiError> {
        let pairs = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(PageRequest::parse(listing, pairs)?)
    }

    /// Reads the query as the fields of `T`, for what is no list.
    pub fn read<T: Input>(&self) -> Result<T, ApiError> {
        let mut errors = FieldErrors::default();
        let mut fields = serde_json::Map::new();
        for (name, value) in &self.0 {
            if fields.insert(name.clone(), value.as_str().into()).is_some() {
                errors.add(name, "Name each parameter once.");
            }
        }
        errors.into_result(())?;
        Ok(Fields::parse(fields, false)?)
    }

    pub(crate) fn with_page(&self, page: u32) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(name, _)| name != "page") {
            query.append_pair(name, value);
        }
        query.append_pair("page", &page.to_string());
        query.finish()
    }
}

pub(crate) fn context(parts: &Parts) -> Result<SharedContext, ApiError> {
    let context = parts.extensions.get::<SharedContext>().cloned();
    let context =
        context.ok_or_else(|| ApiError::Internal("a router ran outside edge::serve".into()))?;
    if let Some(path) = parts.extensions.get::<MatchedPath>() {
        let _ = context.route.set(path.as_str().to_owned());
    }
    Ok(context)
}

impl<A: Area> FromRequestParts<State> for Door<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let context = context(parts)?;
        let db = A::door(app, &context, parts).await?;
        Ok(Self {
            app: app.clone(),
            context,
            db,
        })
    }
}

impl<A: Area> FromRequestParts<State> for Caller<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &State) -> Result<Self, ApiError> {
        let context = context(parts)?;
        let (db, actor) = A::enter(app, &context, parts).await?;
        Ok(Self {
            app: app.clone(),
            context,
            db,
            actor,
        })
    }
}

impl<S: Send + Sync, T: Input> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let partial = request.method() == Method::PATCH;
        let (parts, body) = request.into_parts();
        let bytes = body::read(parts.uri.path(), body).await?;
        Ok(Self {
            input: body::parse(&parts.headers, &bytes, partial)?,
            partial,
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let partial = request.method() == Method::PATCH;
        let (parts, body) = request.into_parts();
        let bytes = body::read(parts.uri.path(), body).await?;
        Ok(Self {
            fields: body::fields(&parts.headers, &bytes)?,
            partial,
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for Picture {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = body::read(parts.uri.path(), body).await?;
        let file = body::file(&body::PICTURE, &parts.headers, &bytes)?;
        Ok(Self(file.to_vec()))
    }
}

impl Input for NoBody {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_everything();
        Some(Self)
    }
}

impl<S: Send + Sync, T> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::NotFound)?;
        let id = params
            .iter()
            .find(|(name, _)| *name == "id")
            .and_then(|(_, value)| Id::parse(value));
        id.map(At).ok_or(ApiError::NotFound)
    }
}

/// All ids of the path by their names; what is not an id is not found.
pub struct Ids(Vec<(String, Id<()>)>);

impl Ids {
    /// The id of this name.
    pub fn get<T>(&self, name: &str) -> Result<Id<T>, ApiError> {
        let found = self.0.iter().find(|(known, _)| known == name);
        let (_, id) = found.ok_or(ApiError::NotFound)?;
        Ok(Id::from_uuid(id.uuid()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Ids {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::NotFound)?;
        let ids = params
            .iter()
            .map(|(name, value)| Id::parse(value).map(|id| (name.to_owned(), id)));
        let ids: Option<Vec<_>> = ids.collect();
        ids.map(Ids).ok_or(ApiError::NotFound)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = parts.uri.query().unwrap_or_default();
        Ok(Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        ))
    }
}

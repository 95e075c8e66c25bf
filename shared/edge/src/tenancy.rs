//! From the request's host to a school.

use homeroom_domain::{
    credentials::Plane,
    schools::{Place, place},
};
use homeroom_kernel::IdSource;
use homeroom_store::{
    ActorKind, ControlDb, Stamp,
    control::registry::{self, ActiveSchool, Closed, School, Status},
    school::provision,
    sql::Consistency,
};

use crate::{app::App, context::Context, error::ApiError, recent::Recent};

/// How long an isolate may answer from what it knew of a school, in milliseconds. Closing a school waits this long
/// before it reports success, so that "suspended" is true everywhere once it is said.
pub const CACHE_MILLIS: u32 = 2_000;
const MAX_ENTRIES: usize = 1_024;

/// Schools by host. Absent schools are not remembered: a new one answers at once.
pub(crate) fn school_cache() -> Recent<School> {
    Recent::new(i64::from(CACHE_MILLIS), MAX_ENTRIES)
}

/// Where a request arrived.
pub(crate) enum Arrival {
    /// At the platform's own host.
    Public,
    /// At an open school's host.
    School(ActiveSchool),
}

/// Resolves the request's host: an unknown one is 404, a suspended school 403.
pub(crate) async fn arrive(app: &App, context: &Context) -> Result<Arrival, ApiError> {
    match place(&context.host, &app.settings.public_domain) {
        Place::Public => Ok(Arrival::Public),
        Place::Nowhere => Err(ApiError::UnknownHost),
        Place::Host(host) => {
            let school = match app.schools.get(&host, context.now) {
                Some(school) => school,
                None => {
                    let school = look_up(app, context, &host).await?;
                    app.schools.put(host, school.clone(), context.now);
                    school
                }
            };
            open(context, school).map(Arrival::School)
        }
    }
}

/// Finds a school; one whose creation was cut short is finished by the first request that reaches it.
async fn look_up(app: &App, context: &Context, host: &str) -> Result<School, ApiError> {
    let trace = context.trace.aside();
    let found = registry::find_by_host(&control(app, context)?, host).await?;
    let school = found.ok_or(ApiError::UnknownHost)?;
    if school.status != Status::Provisioning {
        return Ok(school);
    }
    let stamp = Stamp {
        ids: IdSource::new(&*app.ports.entropy, context.now),
        now: context.now,
        kind: ActorKind::System,
        actor_id: None,
        actor_name: "Homeroom".to_owned(),
        ip: None,
        request_id: context.request_id.clone(),
        plane: Plane::School(school.id),
    };
    let db = ControlDb::open(&*app.ports.databases, &Consistency::Latest, &trace)?;
    provision::finish(&*app.ports.databases, &db, &school, &stamp, &trace).await?;
    registry::find_by_host(&db, host)
        .await?
        .ok_or(ApiError::UnknownHost)
}

/// The school that a platform superadministrator names.
pub(crate) async fn by_slug(
    app: &App,
    context: &Context,
    slug: &str,
) -> Result<ActiveSchool, ApiError> {
    let found = registry::find_by_slug(&control(app, context)?, slug).await?;
    open(context, found.ok_or(ApiError::NotFound)?)
}

fn open(context: &Context, school: School) -> Result<ActiveSchool, ApiError> {
    let _ = context.school.set(school.schema_name.clone());
    let _ = context.cors_origins.set(school.cors_origins.clone());
    school.active().map_err(|closed| match closed {
        Closed::Missing => ApiError::UnknownHost,
        Closed::Suspended => ApiError::Forbidden {
            code: "school_suspended",
            detail: "This school is suspended. Its data is kept; the platform's administrators can activate it.".into(),
        },
    })
}

/// The platform's database for reading what is not the client's own session.
pub(crate) fn control(app: &App, context: &Context) -> Result<ControlDb, ApiError> {
    Ok(ControlDb::open(
        &*app.ports.databases,
        &Consistency::Any,
        &context.trace.aside(),
    )?)
}

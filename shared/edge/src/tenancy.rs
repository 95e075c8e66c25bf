//! From the request's host to a school.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use homeroom_domain::schools::{Place, place};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    ControlDb,
    control::registry::{self, ActiveSchool, Closed, School},
    sql::Consistency,
};

use crate::{app::App, context::Context, error::ApiError};

/// How long an isolate may answer from what it knew of a school, in milliseconds. Closing a school waits this long
/// before it reports success, so that "suspended" is true everywhere once it is said.
pub const CACHE_MILLIS: u64 = 2_000;
const MAX_ENTRIES: usize = 1_024;

/// Schools by host. Absent schools are not remembered: a new one answers at once.
#[derive(Default)]
pub(crate) struct SchoolCache(Mutex<HashMap<String, (Timestamp, School)>>);

impl SchoolCache {
    fn get(&self, host: &str, now: Timestamp) -> Option<School> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, school) = entries.get(host)?;
        is_fresh(*since, now, CACHE_MILLIS).then(|| school.clone())
    }

    fn put(&self, host: String, school: School, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_ENTRIES {
            entries.clear();
        }
        entries.insert(host, (now, school));
    }
}

pub(crate) fn is_fresh(since: Timestamp, now: Timestamp, millis: u64) -> bool {
    let age = now.millis() - since.millis();
    (0..i64::try_from(millis).unwrap_or(0)).contains(&age)
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
                    let found = registry::find_by_host(&control(app, context)?, &host).await?;
                    let school = found.ok_or(ApiError::UnknownHost)?;
                    app.schools.put(host, school.clone(), context.now);
                    school
                }
            };
            open(context, school).map(Arrival::School)
        }
    }
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

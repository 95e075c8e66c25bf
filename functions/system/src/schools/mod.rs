//! Schools: created into a free database, suspended and deleted without losing anything.

mod wire;

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    TenantId,
    identity::temporary_password,
    kinds,
    permissions::system::{AddSchool, ChangeSchool, DeleteSchool, SuspendSchool, ViewSchool},
};
use homeroom_edge::{
    ApiError, At, Body, Caller, Conflict, Json, List, NoBody, NoContent, Post, Query,
    SCHOOL_CACHE_MILLIS, SystemArea, SystemCan, identity::users::hash_password,
};
use homeroom_kernel::FieldErrors;
use homeroom_store::{
    StoreError,
    control::{
        registry::{self, Status},
        schools::{self, RESTORABLE_SECONDS, SchoolRow},
    },
    school::{
        outbox::SetupProgress,
        provision::{self, FirstAdmin},
        usage,
    },
};
use secrecy::{ExposeSecret, SecretString};
use wire::{
    AdminIn, FirstAdminOut, NewSchoolBody, NewSchoolIn, NewSchoolOut, SchoolBody, SchoolFilters,
    SchoolIn, SchoolOut, SchoolPatch, UsageOut,
};

/// Refuses what is about a school that is not there.
pub(crate) async fn refuse_missing(
    caller: &Caller<SystemArea>,
    id: TenantId,
) -> Result<(), ApiError> {
    match schools::find(&caller.db, id).await {
        Ok(school) if school.deleted_at.is_none() => Ok(()),
        Ok(_) | Err(StoreError::NotFound) => {
            Err(ApiError::field("client", "There is no such school."))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where a client names none.
const TIMEZONE: &str = "UTC";
const LOCALE: &str = "en";

/// Schools
#[utoipa::path(get, path = "/api/v1/system/schools/", tag = "schools", params(SchoolFilters),
    responses((status = 200, body = List<SchoolOut>)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn list_schools(
    caller: SystemCan<ViewSchool>,
    query: Query,
) -> Result<Json<List<SchoolOut>>, ApiError> {
    let request = query.page(&schools::LISTING)?;
    let page = schools::list(&caller.db, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Create a school
///
/// It claims a free database, gets its domain, its roles and its first administrator, and answers at once.
#[utoipa::path(post, path = "/api/v1/system/schools/", tag = "schools", request_body = NewSchoolBody,
    responses((status = 201, body = NewSchoolOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn create_school(
    post: Post<SystemArea, AddSchool, NewSchoolIn>,
) -> Result<Response, ApiError> {
    let row = new_row(&post)?;
    refuse_taken(&post, None, &row).await?;
    let (admin, temporary) = first_admin(&post, &post.input.admin).await?;
    let body = NewSchoolOut {
        school: SchoolOut::from(SchoolRow {
            status: Status::Active.as_str().to_owned(),
            ..row.clone()
        }),
        admin: FirstAdminOut {
            id: admin.id,
            email: admin.email.clone(),
            phone_number: admin.phone_number.clone(),
            temporary_password: temporary.map(|password| password.expose_secret().to_owned()),
        },
    };
    let location = format!("/api/v1/system/schools/{}/", row.id);
    let answer = post
        .create(
            schools::insert(&post.stamp(), &row, &admin),
            &location,
            &body,
        )
        .await?;
    finish(&post, row.id).await?;
    Ok(answer)
}

/// Fills the claimed database and opens the school; does nothing where that is done.
async fn finish(caller: &Caller<SystemArea>, id: TenantId) -> Result<(), ApiError> {
    let school = registry::find_by_id(&caller.db, id)
        .await?
        .ok_or(ApiError::NotFound)?;
    let (databases, trace) = (&*caller.app.ports.databases, caller.context.trace.aside());
    provision::finish(databases, &caller.db, &school, &caller.stamp(), &trace).await?;
    Ok(())
}

fn new_row(post: &Post<SystemArea, AddSchool, NewSchoolIn>) -> Result<SchoolRow, ApiError> {
    let NewSchoolIn {
        schema_name,
        school,
        ..
    } = &post.input;
    let stamp = post.stamp();
    Ok(SchoolRow {
        id: stamp.ids.next(),
        name: school.name.clone().unwrap_or_default(),
        schema_name: schema_name.clone(),
        code: school.code.clone().unwrap_or_default(),
        domain: all_hosts(
            post,
            schema_name,
            school.domain.as_deref().unwrap_or_default(),
        )?,
        status: Status::Provisioning.as_str().to_owned(),
        setup_progress: SetupProgress::NotStarted.as_str().to_owned(),
        timezone: school
            .timezone
            .clone()
            .unwrap_or_else(|| TIMEZONE.to_owned()),
        locale: school.locale.clone().unwrap_or_else(|| LOCALE.to_owned()),
        cors_origins: school.cors_origins.clone().unwrap_or_default(),
        created_at: stamp.now,
        updated_at: stamp.now,
        created_by: stamp.created_by(),
        deleted_at: None,
    })
}

/// The default host and the school's own; nothing else under the public domain, which is the platform's to give.
fn all_hosts(
    caller: &Caller<SystemArea>,
    schema_name: &str,
    own: &[String],
) -> Result<Vec<String>, ApiError> {
    let public = &caller.app.settings.public_domain;
    let default = format!("{schema_name}.{public}");
    let mut hosts = vec![default.clone()];
    let mut own: Vec<String> = own
        .iter()
        .filter(|host| **host != default)
        .cloned()
        .collect();
    own.sort_unstable();
    own.dedup();
    if let Some(host) = own
        .iter()
        .find(|host| *host == public || host.ends_with(&format!(".{public}")))
    {
        return Err(ApiError::field(
            "domain",
            &format!("{host} is under the platform's own domain."),
        ));
    }
    hosts.extend(own);
    Ok(hosts)
}

async fn refuse_taken(
    caller: &Caller<SystemArea>,
    except: Option<TenantId>,
    row: &SchoolRow,
) -> Result<(), ApiError> {
    let mut errors = FieldErrors::default();
    let taken =
        schools::find_taken(&caller.db, except, &row.schema_name, &row.code, &row.domain).await?;
    for (field, value) in taken {
        errors.add(&field, &format!("{value} belongs to another school."));
    }
    Ok(errors.into_result(())?)
}

async fn first_admin(
    caller: &Caller<SystemArea>,
    input: &AdminIn,
) -> Result<(FirstAdmin, Option<SecretString>), ApiError> {
    let stamp = caller.stamp();
    let temporary = input
        .password
        .is_none()
        .then(|| temporary_password(stamp.ids.secret()));
    let password = input.password.as_ref().or(temporary.as_ref());
    let password = password
        .ok_or_else(|| ApiError::Internal("no password for the first administrator".into()))?;
    let keys = &caller.app.settings.keys;
    let admin = FirstAdmin {
        id: stamp.ids.next(),
        email: input.email.clone(),
        phone_number: input.phone_number.clone(),
        first_name: input.first_name.clone(),
        last_name: input.last_name.clone(),
        password_hash: hash_password(&caller.app, password).await?,
        must_change_password: temporary.is_some(),
        identifier_hashes: input
            .email
            .iter()
            .chain(&input.phone_number)
            .map(|id| keys.identifier_hash(id))
            .collect(),
    };
    Ok((admin, temporary))
}

/// One school, a deleted one included
#[utoipa::path(get, path = "/api/v1/system/schools/{id}/", tag = "schools", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = SchoolOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_school(
    caller: SystemCan<ViewSchool>,
    id: At<kinds::Tenant>,
) -> Result<Json<SchoolOut>, ApiError> {
    Ok(Json(schools::find(&caller.db, id.0).await?.into()))
}

/// Replace a school
#[utoipa::path(put, path = "/api/v1/system/schools/{id}/", tag = "schools", params(("id" = uuid::Uuid, Path)),
    request_body = SchoolBody, responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_school(
    caller: SystemCan<ChangeSchool>,
    id: At<kinds::Tenant>,
    body: Body<SchoolIn>,
) -> Result<Json<SchoolOut>, ApiError> {
    change(&caller, id, body).await
}

/// Change a school
#[utoipa::path(patch, path = "/api/v1/system/schools/{id}/", tag = "schools", params(("id" = uuid::Uuid, Path)),
    request_body = SchoolPatch, responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_school(
    caller: SystemCan<ChangeSchool>,
    id: At<kinds::Tenant>,
    body: Body<SchoolIn>,
) -> Result<Json<SchoolOut>, ApiError> {
    change(&caller, id, body).await
}

async fn change(
    caller: &Caller<SystemArea>,
    id: At<kinds::Tenant>,
    Body { input, partial }: Body<SchoolIn>,
) -> Result<Json<SchoolOut>, ApiError> {
    let before = find_manageable(caller, id.0).await?;
    if input
        .schema_name
        .is_some_and(|name| name != before.schema_name)
    {
        return Err(ApiError::field(
            "schema_name",
            "The schema name stays for ever.",
        ));
    }
    let domain = match input.domain {
        Some(hosts) => all_hosts(caller, &before.schema_name, &hosts)?,
        None if partial => before.domain.clone(),
        None => all_hosts(caller, &before.schema_name, &[])?,
    };
    let cors_origins = match input.cors_origins {
        Some(origins) => origins,
        None if partial => before.cors_origins.clone(),
        None => Vec::new(),
    };
    let keep = |new: Option<String>, old: &str, default: &str| {
        new.unwrap_or_else(|| if partial { old } else { default }.to_owned())
    };
    let status = match (input.is_active, before.status.as_str()) {
        (Some(true), "suspended") => Status::Active.as_str(),
        (Some(false), "active") => Status::Suspended.as_str(),
        (_, unchanged) => unchanged,
    };
    if status != before.status {
        caller.require::<SuspendSchool>()?;
    }
    let after = SchoolRow {
        name: input.name.unwrap_or_else(|| before.name.clone()),
        code: input.code.unwrap_or_else(|| before.code.clone()),
        domain,
        status: status.to_owned(),
        timezone: keep(input.timezone, &before.timezone, TIMEZONE),
        locale: keep(input.locale, &before.locale, LOCALE),
        cors_origins,
        updated_at: caller.context.now,
        ..before.clone()
    };
    refuse_taken(caller, Some(before.id), &after).await?;
    store(caller, &before, &after).await?;
    Ok(Json(after.into()))
}

/// Stores a change. Where it closes a door, the answer waits until no isolate can still hold it open.
async fn store(
    caller: &Caller<SystemArea>,
    before: &SchoolRow,
    after: &SchoolRow,
) -> Result<(), ApiError> {
    caller
        .commit(schools::update(&caller.stamp(), before, after))
        .await?;
    let closes_host = before
        .domain
        .iter()
        .any(|host| !after.domain.contains(host));
    if after.status != before.status || closes_host {
        caller.app.ports.timer.sleep(SCHOOL_CACHE_MILLIS).await;
    }
    Ok(())
}

async fn find_manageable(caller: &Caller<SystemArea>, id: TenantId) -> Result<SchoolRow, ApiError> {
    let school = schools::find(&caller.db, id).await?;
    if school.deleted_at.is_some() {
        return Err(Conflict::SchoolDeleted.into());
    }
    Ok(school)
}

/// Delete a school
///
/// Its hosts answer 404. The data is kept for 30 days, in which it can be restored; the slug is never given again.
#[utoipa::path(delete, path = "/api/v1/system/schools/{id}/", tag = "schools", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn delete_school(
    caller: SystemCan<DeleteSchool>,
    id: At<kinds::Tenant>,
) -> Result<NoContent, ApiError> {
    let before = schools::find(&caller.db, id.0).await?;
    if before.deleted_at.is_none() {
        let now = caller.context.now;
        let after = SchoolRow {
            status: Status::Deleted.as_str().to_owned(),
            deleted_at: Some(now),
            updated_at: now,
            ..before.clone()
        };
        store(&caller, &before, &after).await?;
    }
    Ok(NoContent)
}

/// Finish a creation that was cut short
#[utoipa::path(post, path = "/api/v1/system/schools/{id}/provision/", tag = "schools",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn provision_school(
    id: At<kinds::Tenant>,
    post: Post<SystemArea, AddSchool, NoBody>,
) -> Result<Response, ApiError> {
    find_manageable(&post, id.0).await?;
    finish(&post, id.0).await?;
    Ok(Json(SchoolOut::from(schools::find(&post.db, id.0).await?)).into_response())
}

/// Suspend a school
///
/// Every route of the school answers 403 from the moment of this answer; nothing is deleted.
#[utoipa::path(post, path = "/api/v1/system/schools/{id}/suspend/", tag = "schools",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn suspend_school(
    id: At<kinds::Tenant>,
    post: Post<SystemArea, SuspendSchool, NoBody>,
) -> Result<Response, ApiError> {
    let before = find_manageable(&post, id.0).await?;
    move_to(&post, before, Status::Suspended).await
}

/// Activate a suspended school
#[utoipa::path(post, path = "/api/v1/system/schools/{id}/activate/", tag = "schools",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn activate_school(
    id: At<kinds::Tenant>,
    post: Post<SystemArea, SuspendSchool, NoBody>,
) -> Result<Response, ApiError> {
    let before = find_manageable(&post, id.0).await?;
    move_to(&post, before, Status::Active).await
}

/// Restore a deleted school
///
/// Within 30 days of the deletion; the school is active again at once.
#[utoipa::path(post, path = "/api/v1/system/schools/{id}/restore/", tag = "schools",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = SchoolOut)),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn restore_school(
    id: At<kinds::Tenant>,
    post: Post<SystemArea, DeleteSchool, NoBody>,
) -> Result<Response, ApiError> {
    // A school that was deleted while its creation was cut short is filled before it opens.
    finish(&post, id.0).await?;
    let before = schools::find(&post.db, id.0).await?;
    match before.deleted_at {
        None => Ok(Json(SchoolOut::from(before)).into_response()),
        Some(deleted_at) if deleted_at.plus_seconds(RESTORABLE_SECONDS) < post.context.now => {
            Err(Conflict::DeletedLongAgo.into())
        }
        _ => move_to(&post, before, Status::Active).await,
    }
}

async fn move_to<P: homeroom_domain::permissions::Permission>(
    post: &Post<SystemArea, P, NoBody>,
    before: SchoolRow,
    status: Status,
) -> Result<Response, ApiError> {
    if before.status == Status::Provisioning.as_str() {
        return Err(Conflict::NotProvisioned.into());
    }
    if before.status == status.as_str() {
        // Perhaps it was moved a moment ago: what is said must be true everywhere here too.
        post.app.ports.timer.sleep(SCHOOL_CACHE_MILLIS).await;
        return Ok(Json(SchoolOut::from(before)).into_response());
    }
    let after = SchoolRow {
        status: status.as_str().to_owned(),
        deleted_at: None,
        updated_at: post.context.now,
        ..before.clone()
    };
    let batch = schools::update(&post.stamp(), &before, &after);
    let answer = post.done(batch, &SchoolOut::from(after)).await?;
    post.app.ports.timer.sleep(SCHOOL_CACHE_MILLIS).await;
    Ok(answer)
}

/// How much a school uses the platform
///
/// Counts only, no personal data; of a suspended school too.
#[utoipa::path(get, path = "/api/v1/system/schools/{id}/usage/", tag = "schools", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = UsageOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_school_usage(
    caller: SystemCan<ViewSchool>,
    id: At<kinds::Tenant>,
) -> Result<Json<UsageOut>, ApiError> {
    let school = registry::find_by_id(&caller.db, id.0)
        .await?
        .ok_or(ApiError::NotFound)?;
    let trace = caller.context.trace.aside();
    let usage = usage::read(
        &*caller.app.ports.databases,
        &school,
        caller.context.now,
        &trace,
    )
    .await?;
    Ok(Json(UsageOut {
        users: usage.users,
        active_users: usage.active_users,
        staff: usage.staff,
        roles: usage.roles,
        users_signed_in_30_days: usage.users_signed_in_30_days,
        open_sessions: usage.open_sessions,
        audit_entries: usage.audit_entries,
        last_login_at: usage.last_login_at,
    }))
}

//! Calendar feeds: secret addresses for calendar programs, which can send no credential.

use axum::response::Response;
use homeroom_domain::{
    credentials::feed_token::FeedToken,
    permissions::{Permission, school::ViewTimetable},
};
use homeroom_edge::{ApiError, At, Door, Json, List, NoContent, Own, OwnPost, Query, SchoolArea};
use homeroom_kernel::{Fields, Id, Input, Timestamp, rules};
use homeroom_store::{
    TenantDb,
    school::timetable::{
        Whose,
        feeds::{self, FeedRow},
    },
    sql::Consistency,
};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::calendar;

/// Where feeds are read.
const PATH: &str = "/api/v1/school/timetable.ics";

/// A calendar feed.
#[derive(Serialize, ToSchema)]
pub(crate) struct CalendarFeedOut {
    /// The feed.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// What you call it.
    #[schema(example = "Phone")]
    name: String,
    /// The class whose lessons it shows.
    #[schema(value_type = Option<uuid::Uuid>)]
    academic_class: Option<String>,
    /// The teacher whose lessons it shows; neither: your own.
    #[schema(value_type = Option<uuid::Uuid>)]
    teacher: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<FeedRow> for CalendarFeedOut {
    fn from(row: FeedRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            academic_class: row.academic_class,
            teacher: row.teacher,
            created_at: row.created_at,
        }
    }
}

/// A new calendar feed with its address.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewCalendarFeedOut {
    #[serde(flatten)]
    feed: CalendarFeedOut,
    /// The address for the calendar program. It is shown this once; whoever has it can read the feed.
    #[schema(example = "https://greenwood.example/api/v1/school/timetable.ics?token=…")]
    address: String,
}

/// A feed to be made. Without a class or teacher it shows your own lessons: those that you give, and those of the classes
/// that you or your children are in.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; FeedIn reads it"
)]
pub(crate) struct CalendarFeedBody {
    /// What you call it.
    #[schema(max_length = 100, nullable = false, example = "Phone")]
    name: Option<String>,
    /// A class of a session; needs `school.view_timetable`.
    academic_class: Option<uuid::Uuid>,
    /// A member of staff; needs `school.view_timetable`.
    teacher: Option<uuid::Uuid>,
}

pub(crate) struct FeedIn {
    name: String,
    academic_class: Option<Id<()>>,
    teacher: Option<Id<()>>,
}

impl Input for FeedIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", rules::text(0, 100));
        let class = fields.nullable("academic_class", rules::id);
        let teacher = fields.nullable("teacher", rules::id);
        if let (Some(Some(Some(_))), Some(Some(Some(_)))) = (&class, &teacher) {
            fields.fail("academic_class", "Name an academic_class or a teacher.");
        }
        Some(Self {
            name: name?.unwrap_or_default(),
            academic_class: class?.flatten(),
            teacher: teacher?.flatten(),
        })
    }
}

/// Your calendar feeds
///
/// Their addresses are not shown again. Needs no permission.
#[utoipa::path(get, path = "/api/v1/school/my/calendar-feeds/", tag = "timetable",
    responses((status = 200, body = List<CalendarFeedOut>)), security(("bearer" = [])))]
pub(crate) async fn list_own_calendar_feeds(
    caller: Own<SchoolArea>,
    query: Query,
) -> Result<Json<List<CalendarFeedOut>>, ApiError> {
    let request = query.page(&feeds::FEEDS)?;
    let page = feeds::list(&caller.db, caller.user, &request).await?;
    Ok(List::new(&caller.context, &query, &request, page))
}

/// Make a calendar feed
///
/// The answer shows its secret address, this once. A feed ends when it is deleted, and with every sign-in: when your
/// password changes, when you sign out everywhere, and when your account is deactivated.
#[utoipa::path(post, path = "/api/v1/school/my/calendar-feeds/", tag = "timetable", request_body = CalendarFeedBody,
    responses((status = 201, body = NewCalendarFeedOut)), security(("bearer" = [])))]
pub(crate) async fn create_own_calendar_feed(
    post: OwnPost<SchoolArea, FeedIn>,
) -> Result<Response, ApiError> {
    let stamp = post.stamp();
    let feed = FeedRow {
        id: stamp.ids.next::<()>().to_string(),
        user: post.user,
        name: post.input.name.clone(),
        academic_class: post.input.academic_class.map(|id| id.to_string()),
        teacher: post.input.teacher.map(|id| id.to_string()),
        created_at: stamp.now,
    };
    let field = match (&feed.academic_class, &feed.teacher) {
        (Some(_), _) => Some("academic_class"),
        (None, Some(_)) => Some("teacher"),
        (None, None) => None,
    };
    if let Some(field) = field {
        post.require::<ViewTimetable>()?;
        if !feeds::exists(&post.db, &feed).await? {
            return Err(ApiError::field(field, "There is no such record."));
        }
    }
    let token = FeedToken::new(stamp.ids.secret());
    let batch = feeds::insert(&stamp, &feed, &token);
    let location = format!("/api/v1/school/my/calendar-feeds/{}/", feed.id);
    let origin = post
        .context
        .address
        .split("/api/")
        .next()
        .unwrap_or_default();
    let answer = NewCalendarFeedOut {
        address: format!("{origin}{PATH}?token={}", token.expose()),
        feed: feed.into(),
    };
    post.create(batch, &location, &answer).await
}

/// One of your calendar feeds
#[utoipa::path(get, path = "/api/v1/school/my/calendar-feeds/{id}/", tag = "timetable",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = CalendarFeedOut)), security(("bearer" = [])))]
pub(crate) async fn find_own_calendar_feed(
    caller: Own<SchoolArea>,
    id: At<()>,
) -> Result<Json<CalendarFeedOut>, ApiError> {
    let feed = feeds::find(&caller.db, caller.user, id.0).await?;
    Ok(Json(feed.into()))
}

/// End a calendar feed
///
/// Its address shows nothing from now on.
#[utoipa::path(delete, path = "/api/v1/school/my/calendar-feeds/{id}/", tag = "timetable",
    params(("id" = uuid::Uuid, Path)), responses((status = 204)), security(("bearer" = [])))]
pub(crate) async fn delete_own_calendar_feed(
    caller: Own<SchoolArea>,
    id: At<()>,
) -> Result<NoContent, ApiError> {
    let feed = feeds::find(&caller.db, caller.user, id.0).await?;
    caller.commit(feeds::delete(&caller.stamp(), &feed)).await?;
    Ok(NoContent)
}

/// The secret of a feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; TokenQuery reads them"
)]
pub(crate) struct CalendarFeedParams {
    /// The token of the address.
    #[param(max_length = 100)]
    token: String,
}

struct TokenQuery(Option<FeedToken>);

impl Input for TokenQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        // What is no token at all is answered like a wrong one.
        let read = |text: &serde_json::Value| Ok(text.as_str().and_then(FeedToken::parse));
        Some(Self(fields.optional("token", read)?.flatten()))
    }
}

/// A timetable for calendar programs
///
/// Shows what the feed's user may see now. A token that is wrong, deleted, of another school, or whose user is deactivated
/// is a 401, all alike.
#[utoipa::path(get, path = "/api/v1/school/timetable.ics/", tag = "timetable", params(CalendarFeedParams),
    responses((status = 200, body = String, content_type = "text/calendar")))]
pub(crate) async fn read_calendar_feed(
    door: Door<SchoolArea>,
    query: Query,
) -> Result<Response, ApiError> {
    let TokenQuery(token) = query.read()?;
    let token = token.ok_or(ApiError::Unauthenticated)?;
    // Programs come once an hour: what was deleted must not go on from a replica, nor what is new be missing.
    let databases = &*door.app.ports.databases;
    let school = door.db.school();
    let db = TenantDb::open(databases, school, &Consistency::Latest, &door.context.trace)?;
    let feed = feeds::open(&db, &token).await?;
    let feed = feed.ok_or(ApiError::Unauthenticated)?;
    let user = feed.user.to_string();
    let whose = match (&feed.academic_class, &feed.teacher) {
        (Some(class), _) => Whose::Class(class),
        (None, Some(teacher)) => Whose::Teacher(teacher),
        (None, None) => Whose::User(&user),
    };
    if !matches!(whose, Whose::User(_)) && !feed.permissions.allows(ViewTimetable::CODENAME) {
        return Err(ApiError::Unauthenticated);
    }
    let found = calendar::calendar(&door.app, &db, door.context.now, whose).await?;
    found.ok_or(ApiError::Unauthenticated)
}

//! How a school sends.

use homeroom_domain::{
    permissions::school::{ChangeSmsSettings, ViewSms},
    sms::{number::Address, policy::Policy},
};
use homeroom_edge::{
    ApiError, Caller, Json, RawBody, SchoolArea, SchoolCan,
    school_sms::{defaults, make_app},
    sms_rules::check_timezone,
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_store::{
    ControlDb,
    control::sms_apps::{self, SmsApp},
    sms::school::settings::{self, SettingsRow},
    sql::Consistency,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// How the school sends text messages.
#[derive(Serialize, ToSchema)]
pub(crate) struct SmsSettingsOut {
    /// Link or pool that sends; null: nobody has said.
    #[schema(example = 100)]
    esme: Option<i64>,
    /// What phones show as the sender.
    #[schema(example = "Greenwood")]
    source: String,
    /// From when nobody is written to, by the wall clock; null: there are no quiet hours.
    #[schema(example = "21:00")]
    quiet_from: Option<String>,
    /// Until when.
    #[schema(example = "07:00")]
    quiet_to: Option<String>,
    /// Whose wall clock; null: the school's.
    #[schema(example = json!(null))]
    timezone: Option<String>,
    /// Most messages to one receiver in 24 hours; null: as many as there are.
    #[schema(example = 5)]
    daily_cap: Option<u32>,
    /// Most messages to one receiver in 7 days.
    #[schema(example = 20)]
    weekly_cap: Option<u32>,
    /// For how long the same text to the same receiver is refused.
    #[schema(example = 60)]
    duplicate_seconds: u32,
    /// The answer to HELP; none is sent where it is empty.
    #[schema(example = "Greenwood school, +263 77 123 4567")]
    help_text: String,
    /// Whether guardians hear of absences as they are entered.
    #[schema(example = false)]
    tells_absences: bool,
    /// When they were last changed; null: they are the defaults.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// How the school sends text messages.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SettingsIn reads it"
)]
pub(crate) struct SmsSettingsBody {
    /// Link or pool that sends.
    #[schema(example = 100, minimum = 1)]
    esme: i64,
    /// What phones show as the sender: a phone number, a short code, or a name of up to 11 letters and digits.
    #[schema(example = "Greenwood")]
    source: String,
    /// From when nobody is written to, by the wall clock; with `quiet_to`, or neither.
    #[schema(example = "21:00")]
    quiet_from: Option<String>,
    /// Until when.
    #[schema(example = "07:00")]
    quiet_to: Option<String>,
    /// Whose wall clock, such as Africa/Harare; null: the school's.
    timezone: Option<String>,
    /// Most messages to one receiver in 24 hours; null: as many as there are.
    #[schema(example = 5, minimum = 1, maximum = 1_000)]
    daily_cap: Option<i64>,
    /// Most messages to one receiver in 7 days.
    #[schema(example = 20, minimum = 1, maximum = 10_000)]
    weekly_cap: Option<i64>,
    /// For how long the same text to the same receiver is refused; 0: it never is.
    #[schema(example = 60, minimum = 0, maximum = 604_800, nullable = false)]
    duplicate_seconds: Option<i64>,
    /// The answer to HELP; none is sent where it is empty.
    #[schema(
        example = "Greenwood school, +263 77 123 4567",
        max_length = 459,
        nullable = false
    )]
    help_text: Option<String>,
    /// Whether guardians hear of absences as they are entered.
    #[schema(example = false, nullable = false)]
    tells_absences: Option<bool>,
}

/// Changes to how the school sends; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SettingsIn reads it"
)]
pub(crate) struct SmsSettingsPatch {
    /// Link or pool that sends.
    #[schema(example = 100, minimum = 1, nullable = false)]
    esme: Option<i64>,
    /// What phones show as the sender.
    #[schema(example = "Greenwood", nullable = false)]
    source: Option<String>,
    /// From when nobody is written to; with `quiet_to`, or neither.
    #[schema(example = "21:00")]
    quiet_from: Option<String>,
    /// Until when.
    #[schema(example = "07:00")]
    quiet_to: Option<String>,
    /// Whose wall clock; null: the school's.
    timezone: Option<String>,
    /// Most messages to one receiver in 24 hours; null: as many as there are.
    #[schema(example = 5, minimum = 1, maximum = 1_000)]
    daily_cap: Option<i64>,
    /// Most messages to one receiver in 7 days.
    #[schema(example = 20, minimum = 1, maximum = 10_000)]
    weekly_cap: Option<i64>,
    /// For how long the same text to the same receiver is refused; 0: it never is.
    #[schema(example = 60, minimum = 0, maximum = 604_800, nullable = false)]
    duplicate_seconds: Option<i64>,
    /// The answer to HELP.
    #[schema(
        example = "Greenwood school, +263 77 123 4567",
        max_length = 459,
        nullable = false
    )]
    help_text: Option<String>,
    /// Whether guardians hear of absences as they are entered.
    #[schema(example = false, nullable = false)]
    tells_absences: Option<bool>,
}

struct SettingsIn {
    esme: i64,
    source: Address,
    tells_absences: bool,
    policy: Policy,
}

impl Input for SettingsIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let esme = fields.required("esme", rules::integer(1, i64::MAX >> 11));
        let source = fields.required("source", |value| {
            let text = value.as_str().ok_or("Not a valid string.")?;
            Address::sender(text).map_err(|error| error.to_string())
        });
        let tells_absences = fields.optional("tells_absences", rules::boolean);
        let policy = Policy::read(fields);
        Some(Self {
            esme: esme?,
            source: source?,
            tells_absences: tells_absences?.unwrap_or(false),
            policy: policy?,
        })
    }
}

/// The settings without their age, as they are shown, compared and changed in part.
fn as_fields(
    caller: &Caller<SchoolArea>,
    saved: Option<&SettingsRow>,
    policy: Option<&Map<String, Value>>,
) -> Result<Map<String, Value>, ApiError> {
    let policy = Policy::from_stored(policy.cloned().unwrap_or_default())
        .map_err(|_| ApiError::Internal("the school's policy is unreadable".into()))?;
    let Value::Object(mut fields) = policy.to_json() else {
        return Ok(Map::new());
    };
    let (esme, source, tells_absences) = match saved {
        Some(row) => (Some(row.esme), row.source.clone(), row.tells_absences),
        None => {
            let (esme, source) = defaults(&caller.app, &caller.db);
            (esme, source, false)
        }
    };
    fields.insert("esme".to_owned(), json!(esme));
    fields.insert("source".to_owned(), json!(source));
    fields.insert("tells_absences".to_owned(), json!(tells_absences));
    Ok(fields)
}

fn out(fields: &Map<String, Value>, updated_at: Option<Timestamp>) -> SmsSettingsOut {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| fields.get(name).and_then(Value::as_i64);
    let count = |name: &str| number(name).and_then(|number| u32::try_from(number).ok());
    let source = text("source").unwrap_or_default();
    SmsSettingsOut {
        esme: number("esme"),
        source: Address::sender(&source).map_or(source, |address| address.display()),
        quiet_from: text("quiet_from"),
        quiet_to: text("quiet_to"),
        timezone: text("timezone"),
        daily_cap: count("daily_cap"),
        weekly_cap: count("weekly_cap"),
        duplicate_seconds: count("duplicate_seconds").unwrap_or_default(),
        help_text: text("help_text").unwrap_or_default(),
        tells_absences: fields
            .get("tells_absences")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        updated_at,
    }
}

/// How the school sends text messages
#[utoipa::path(get, path = "/api/v1/school/sms/settings/", tag = "school-settings",
    responses((status = 200, body = SmsSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_sms_settings(
    caller: SchoolCan<ViewSms>,
) -> Result<Json<SmsSettingsOut>, ApiError> {
    let saved = settings::find(&caller.db).await?;
    let app = caller
        .app
        .school_sms_app(&caller.context, &caller.db)
        .await?;
    let fields = as_fields(&caller, saved.as_ref(), app.as_ref().map(|app| &app.policy))?;
    Ok(Json(out(&fields, saved.map(|row| row.updated_at))))
}

/// Replace how the school sends text messages
#[utoipa::path(put, path = "/api/v1/school/sms/settings/", tag = "school-settings", request_body = SmsSettingsBody,
    responses((status = 200, body = SmsSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn replace_sms_settings(
    caller: SchoolCan<ChangeSmsSettings>,
    body: RawBody,
) -> Result<Json<SmsSettingsOut>, ApiError> {
    change(&caller, body).await
}

/// Change how the school sends text messages
#[utoipa::path(patch, path = "/api/v1/school/sms/settings/", tag = "school-settings", request_body = SmsSettingsPatch,
    responses((status = 200, body = SmsSettingsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn update_sms_settings(
    caller: SchoolCan<ChangeSmsSettings>,
    body: RawBody,
) -> Result<Json<SmsSettingsOut>, ApiError> {
    change(&caller, body).await
}

async fn change(
    caller: &Caller<SchoolArea>,
    body: RawBody,
) -> Result<Json<SmsSettingsOut>, ApiError> {
    let saved = settings::find(&caller.db).await?;
    let sms_app = make_app(&caller.app, &caller.context, &caller.db).await?;
    let policy = sms_app.policy.clone();
    let before = as_fields(caller, saved.as_ref(), Some(&policy))?;
    let mut wanted = if body.partial {
        before.clone()
    } else {
        Map::new()
    };
    wanted.extend(body.fields);
    let input: SettingsIn = Fields::parse(wanted, false)?;
    let now = caller.context.now;
    check_timezone(&caller.app, &input.policy, now, "timezone")?;
    check_sender(&sms_app, &input.source)?;
    check_link(caller, input.esme).await?;
    let row = SettingsRow {
        esme: input.esme,
        source: input.source.as_str().to_owned(),
        tells_absences: input.tells_absences,
        updated_at: now,
    };
    let policy = input.policy.to_json();
    let after = as_fields(caller, Some(&row), policy.as_object())?;
    let since = saved.map(|row| row.updated_at);
    let (was, is) = (Value::from(before), Value::from(after.clone()));
    caller
        .commit(settings::save(&caller.stamp(), since, &row, &was, &is))
        .await?;
    // The other database: where this is lost, the answer is 503, and a repetition sets it.
    let control = ControlDb::open(
        &*caller.app.ports.databases,
        &Consistency::Latest,
        &caller.context.trace.aside(),
    )?;
    sms_apps::set_policy_of_school(caller.db.school().id(), &policy, now)
        .commit(&control)
        .await?;
    caller.app.forget_sms();
    Ok(Json(out(&after, Some(now))))
}

/// Refuses a sender that the platform's administrators did not give the school.
fn check_sender(app: &SmsApp, source: &Address) -> Result<(), ApiError> {
    if app.may_send_as(source.as_str()) {
        return Ok(());
    }
    let words = format!("This school may send as {}.", app.senders.join(", "));
    Err(ApiError::field("source", &words))
}

/// Refuses a link that the bridge does not have; what it has is not known while it is away.
async fn check_link(caller: &Caller<SchoolArea>, esme: i64) -> Result<(), ApiError> {
    let Ok(links) = caller.app.bridge_links(&caller.context).await else {
        return Ok(());
    };
    if links.route(esme).is_empty() {
        return Err(ApiError::field("esme", "There is no such link or pool."));
    }
    Ok(())
}

//! Forgotten passwords: a code to the user's phone, and with it a new password. Whoever asks learns nothing of who is a user here.

use axum::response::{IntoResponse, Response};
use homeroom_domain::{
    credentials::reset_code::{LIFETIME_SECONDS, ResetCode, Subject},
    identity,
    sms::number::Address,
};
use homeroom_edge::{
    ApiError, Body, Door, Json, NoContent, SchoolArea,
    app::SmsJob,
    identity::{
        auth::{self, identifier},
        users::hash_password,
    },
    school_sms::Sender,
    sms_rules::{Taken, asked_everyone},
};
use homeroom_kernel::{Fields, IdSource, Input};
use homeroom_objects::{
    address,
    sms_quota::{Limits, QuotaReply, QuotaRequest, object_name_of_resets},
};
use homeroom_store::{
    ActorKind, IdentityDb, Stamp, StoreError, TenantDb,
    identity::users::Identifier,
    school::password_resets::{self, Asking, NewReset, Tried},
    sms::messages,
    sql::Consistency,
};
use http::StatusCode;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

/// What one address may ask of one school, for codes and for passwords together.
const OF_AN_ADDRESS: Limits = Limits {
    rate_per_second: 1,
    burst: 10,
    daily_parts: 100,
    monthly_parts: 3_100,
};

/// Who forgot the password.
#[derive(ToSchema)]
#[schema(as = PasswordResetIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PasswordResetIn reads it"
)]
pub(crate) struct PasswordResetBody {
    /// Email address; this or the phone number.
    #[schema(example = "ada@greenwood.example", max_length = 254)]
    email: Option<String>,
    /// Phone number; this or the email address.
    #[schema(max_length = 40)]
    phone_number: Option<String>,
}

pub(crate) struct PasswordResetIn {
    identifier: Identifier,
}

impl Input for PasswordResetIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self {
            identifier: identifier(fields)?,
        })
    }
}

/// The same for everybody.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasswordResetOut {
    /// What may happen now.
    #[schema(
        example = "If this is a user with a phone, a code is on its way to it. It is good for 10 minutes."
    )]
    detail: &'static str,
}

const ON_ITS_WAY: PasswordResetOut = PasswordResetOut {
    detail: "If this is a user with a phone, a code is on its way to it. It is good for 10 minutes.",
};

/// The code, and the new password.
#[derive(ToSchema)]
#[schema(as = PasswordResetConfirmIn)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; PasswordResetConfirmIn reads it"
)]
pub(crate) struct PasswordResetConfirmBody {
    /// Email address; this or the phone number.
    #[schema(example = "ada@greenwood.example", max_length = 254)]
    email: Option<String>,
    /// Phone number; this or the email address.
    #[schema(max_length = 40)]
    phone_number: Option<String>,
    /// The six digits that the phone was sent.
    #[schema(example = "042195", max_length = 40)]
    code: String,
    /// The new password: 8 to 128 characters, none of the most common.
    #[schema(format = Password, min_length = 8, max_length = 128, example = "staple of the day")]
    new_password: String,
}

pub(crate) struct PasswordResetConfirmIn {
    identifier: Identifier,
    code: ResetCode,
    new: SecretString,
}

impl Input for PasswordResetConfirmIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let identifier = identifier(fields);
        let code = fields.required("code", ResetCode::read);
        let new = fields.required("new_password", identity::new_password);
        Some(Self {
            identifier: identifier?,
            code: code?,
            new: new?,
        })
    }
}

/// Ask for a code to set a forgotten password anew
///
/// The answer is the same whether or not there is such a user. One who may sign in and has a phone number in international form is sent six
/// digits, good for 10 minutes and five tries; a newer code takes the place of the one before. At most three an hour, and ten a day. None is
/// sent to a phone that wants no messages, or by a school that cannot send any.
#[utoipa::path(post, path = "/api/v1/school/auth/password-reset/", tag = "auth", request_body = PasswordResetBody,
    responses((status = 202, description = "Whatever is to be done, is.", body = PasswordResetOut)))]
pub(crate) async fn request_password_reset(
    door: Door<SchoolArea>,
    body: Body<PasswordResetIn>,
) -> Result<Response, ApiError> {
    limit(&door).await?;
    send_code(&door, &body.input.identifier).await?;
    Ok((StatusCode::ACCEPTED, Json(ON_ITS_WAY)).into_response())
}

/// Set a forgotten password anew
///
/// Every sign-in of the user ends, and lockouts from this address. 401 `invalid_code` where the code is wrong, was used, tried five times or
/// replaced, is older than 10 minutes, or there is no such user: nobody is told which.
#[utoipa::path(post, path = "/api/v1/school/auth/password-reset/confirm/", tag = "auth",
    request_body = PasswordResetConfirmBody, responses((status = 204)))]
pub(crate) async fn confirm_password_reset(
    door: Door<SchoolArea>,
    body: Body<PasswordResetConfirmIn>,
) -> Result<NoContent, ApiError> {
    limit(&door).await?;
    let (db, input) = (unseen(&door)?, &body.input);
    let (keys, plane) = (&door.app.settings.keys, db.plane());
    let tried = password_resets::begin_try(&db, &input.identifier, door.context.now).await?;
    let fits = |tried: &Tried| {
        let subject = Subject {
            reset: &tried.reset,
            phone_number: tried.phone_number.as_deref().unwrap_or_default(),
            password_hash: &tried.password_hash,
        };
        input.code.fits(&tried.code_hash, keys, plane, subject)
    };
    let tried = tried.filter(fits).ok_or(ApiError::InvalidCode)?;
    let user = tried.user.to_string();
    let mut names = vec![user.as_str()];
    names.extend(tried.email.as_deref());
    names.extend(tried.phone_number.as_deref());
    auth::lift_lockouts(&door, &names).await?;
    let hash = hash_password(&door.app, &input.new).await?;
    let stamp = Stamp {
        kind: ActorKind::User,
        actor_id: Some(user.clone()),
        actor_name: tried.name.clone(),
        ..stamp(&door, &db)
    };
    let done = password_resets::finish(&stamp, &tried, &hash)
        .commit(&db)
        .await;
    door.app.forget_actors(plane);
    match done {
        Ok(()) => Ok(NoContent),
        Err(StoreError::Conflict(rule)) if rule == "changed_meanwhile" => {
            Err(ApiError::InvalidCode)
        }
        Err(error) => Err(error.into()),
    }
}

/// Counts a request of an address, whoever it is about.
async fn limit(door: &Door<SchoolArea>) -> Result<(), ApiError> {
    let ip = door.context.ip.map(|ip| ip.to_string());
    let counted = address::counted_as(ip.as_deref().unwrap_or(address::UNKNOWN));
    let object = object_name_of_resets(
        &door.db.school().id().to_string(),
        &door.app.settings.keys.identifier_hash(&counted),
    );
    let request = QuotaRequest::Take {
        messages: 1,
        parts: 1,
        limits: OF_AN_ADDRESS,
    };
    match door.app.ports.quotas.ask(&object, request).await? {
        QuotaReply::Granted { .. } => Ok(()),
        QuotaReply::Refused { retry_after, .. } => Err(ApiError::TooManyAttempts { retry_after }),
        QuotaReply::Released => Err(ApiError::Internal(
            "the limiter answered another question".into(),
        )),
    }
}

/// The school's database without the bookmark that answers carry: it would tell whether something was written.
fn unseen(door: &Door<SchoolArea>) -> Result<TenantDb, ApiError> {
    Ok(TenantDb::open(
        &*door.app.ports.databases,
        door.db.school(),
        &Consistency::Latest,
        &door.context.trace.aside(),
    )?)
}

fn stamp<'a>(door: &'a Door<SchoolArea>, db: &TenantDb) -> Stamp<'a> {
    Stamp {
        ids: IdSource::new(&*door.app.ports.entropy, door.context.now),
        now: door.context.now,
        kind: ActorKind::System,
        actor_id: None,
        actor_name: "Password reset".to_owned(),
        ip: door.context.ip.map(|ip| ip.to_string()),
        request_id: door.context.request_id.clone(),
        plane: db.plane(),
    }
}

/// A number that nobody has, in the place of one to which nothing is sent.
const NOBODY: &str = "+99900000000";

/// Sends a code, if there is somebody to send it to. Who gets none goes the whole way as well, under a name of nobody's that the database
/// refuses in the end, so that the time of the answer tells nothing.
async fn send_code(door: &Door<SchoolArea>, identifier: &Identifier) -> Result<(), ApiError> {
    let (app, context, db) = (&door.app, &door.context, unseen(door)?);
    let sender = match Sender::at(app, context, &db).await {
        Ok(sender) => sender,
        Err(error @ (ApiError::Unavailable(_) | ApiError::Internal(_))) => return Err(error),
        // The school sends nothing, to anybody.
        Err(_) => return Ok(()),
    };
    let stamp = stamp(door, &db);
    let nobody = || Asking {
        id: stamp.ids.next(),
        phone_number: NOBODY.to_owned(),
        password_hash: String::new(),
    };
    let found = password_resets::find_asking(&db, identifier).await?;
    let mut asking = found
        .filter(|asking| asking.phone_number.starts_with('+'))
        .unwrap_or_else(nobody);
    let to = match Address::receiver(&asking.phone_number) {
        Ok(to) => to,
        Err(_) => {
            asking = nobody();
            Address::receiver(NOBODY).map_err(|error| ApiError::Internal(error.to_string()))?
        }
    };
    let stopped = asked_everyone(app, &context.trace, &[to.as_str()]).await?;
    if !stopped.is_empty() {
        asking = nobody();
    }
    let code = ResetCode::new(stamp.ids.secret());
    let reset = stamp.ids.next();
    let subject = Subject {
        reset: &reset.to_string(),
        phone_number: &asking.phone_number,
        password_hash: &asking.password_hash,
    };
    let code_hash = code.hash(&app.settings.keys, db.plane(), subject);
    let message = sender.confidential(
        stamp.ids.next(),
        &to,
        texts(&code, &db.school().school().name),
        stamp.now.plus_seconds(LIFETIME_SECONDS),
    );
    let parts = message.length.on_air;
    let taken = match Taken::take(app, &sender.sms_app, 1, parts).await {
        Ok(taken) => taken,
        Err(ApiError::OverLimit { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let id = message.id;
    let new = NewReset {
        id: reset,
        asking: &asking,
        code_hash: &code_hash,
        message: id,
        destination: to.as_str(),
        app_id: message.app_id,
    };
    let mut batch = password_resets::insert(&stamp, &new);
    batch.append(messages::insert(sender.sms_app.id, &[message], stamp.now));
    let is_stored = match batch.commit(&db).await {
        Ok(()) => true,
        Err(StoreError::Conflict(rule)) if rule == "changed_meanwhile" => false,
        Err(error) => return Err(error.into()),
    };
    // Both are done for everybody, of nothing too.
    taken.give_back(if is_stored { 0 } else { parts }).await;
    let jobs = SmsJob::all(Some(db.school().id()), &[id]);
    let _ = app.ports.sms_queue.put(&jobs).await;
    Ok(())
}

/// The text, and one for links that take little of it.
fn texts(code: &ResetCode, school: &str) -> [String; 2] {
    let code = code.expose();
    [
        format!(
            "{code} is your code for a new password at {school}. It is good for 10 minutes. Give it to nobody."
        ),
        format!("{code} is your code for a new password. Give it to nobody."),
    ]
}

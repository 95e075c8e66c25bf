//! A school's own text messages, for every area that writes to guardians: a request finds out who may be written to, takes what it needs of
//! the school's limits, and puts the messages into its own batch, so that they are stored with what they tell of or not at all.

mod confidential;
mod ready;
mod receivers;

use homeroom_domain::sms::{cut::Cuts, school::sender_of};
use homeroom_kernel::Timestamp;
use homeroom_store::{
    ControlDb, TenantDb,
    control::sms_apps::{self, SmsApp},
    sms::school::settings::{self, SettingsRow},
    sql::Consistency,
};

pub use self::{
    ready::{Prepared, PreparedBatch},
    receivers::{Fit, MAX_RECEIVERS, Wanted, Weighed, Why, all_exist, texts},
};
use crate::{ApiError, App, Caller, Conflict, Context, SchoolArea, sms::Closed, sms_rules::Rules};

/// How a school sends.
pub struct Sender {
    /// The app as which it sends.
    pub sms_app: SmsApp,
    /// Link or pool.
    pub esme: i64,
    /// What phones show.
    pub source: String,
    /// Whether guardians hear of absences as they are entered.
    pub tells_absences: bool,
    /// How its link cuts texts.
    pub cuts: Cuts,
    rules: Rules,
}

/// The link or pool and the sender of a school that has chosen none.
#[must_use]
pub fn defaults(app: &App, db: &TenantDb) -> (Option<i64>, String) {
    let source = sender_of(&db.school().school().name);
    (app.settings.sms.default_esme, source)
}

impl Sender {
    /// How the caller's school sends: as its settings say, or by the platform's own link under its name. Its app is made where it has none.
    pub async fn of(caller: &Caller<SchoolArea>) -> Result<Self, ApiError> {
        Self::at(&caller.app, &caller.context, &caller.db).await
    }

    /// How a school sends, whoever asks.
    pub async fn at(app: &App, context: &Context, db: &TenantDb) -> Result<Self, ApiError> {
        let saved = settings::find(db).await?;
        Self::with(app, context, db, saved).await
    }

    /// The same for settings that were read already.
    pub async fn with(
        app: &App,
        context: &Context,
        db: &TenantDb,
        saved: Option<SettingsRow>,
    ) -> Result<Self, ApiError> {
        let is_chosen = saved.is_some();
        let (esme, mut source, tells_absences) = match saved {
            Some(row) => (row.esme, row.source, row.tells_absences),
            None => {
                let (esme, source) = defaults(app, db);
                let esme = esme.ok_or(Conflict::SmsNotSetUp)?;
                (esme, source, false)
            }
        };
        let sms_app = match app.school_sms_app(context, db).await? {
            Some(known) => known,
            None => make_app(app, context, db).await?,
        };
        if !sms_app.is_active {
            return Err(ApiError::Forbidden {
                code: "sms_disabled",
                detail:
                    "The platform's administrators have switched text messages off for this school."
                        .into(),
            });
        }
        if let Some(first) = sms_app.senders.first().filter(|_| !is_chosen) {
            source.clone_from(first);
        }
        if !sms_app.may_send_as(&source) {
            return Err(ApiError::Forbidden {
                code: "sender_not_allowed",
                detail: format!(
                    "This school may not send as {source}. Choose another sender in the settings of text messages."
                ),
            });
        }
        if let Some(closed) = app.closed(context, esme).await? {
            return Err(no_way(closed));
        }
        let cuts = app.cuts(context, esme).await?;
        let rules = Rules::at(&sms_app, &db.school().school().timezone)?;
        Ok(Self {
            sms_app,
            esme,
            source,
            tells_absences,
            cuts,
            rules,
        })
    }
}

/// The answer where a school may not send by its link.
fn no_way(closed: Closed) -> ApiError {
    match closed {
        Closed::Unknown => Conflict::LinkUnknown.into(),
        Closed::Address => ApiError::Forbidden {
            code: "ip_not_allowed",
            detail: "The link of this school's text messages may not be used from this address."
                .into(),
        },
        Closed::Off => Conflict::LinkDisabled.into(),
    }
}

/// Makes the app as which a school sends. Somebody else may be faster.
pub async fn make_app(app: &App, context: &Context, db: &TenantDb) -> Result<SmsApp, ApiError> {
    let school = db.school();
    let control = ControlDb::open(
        &*app.ports.databases,
        &Consistency::Latest,
        &context.trace.aside(),
    )?;
    if let Some(known) = sms_apps::find_of_school(&control, school.id()).await? {
        return Ok(known);
    }
    sms_apps::make_of_school(school.id(), &school.school().name, context.now)
        .commit(&control)
        .await?;
    let made = sms_apps::find_of_school(&control, school.id()).await?;
    made.ok_or_else(|| ApiError::Internal("an app that was made is not there".into()))
}

/// What is the same for all messages of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Not before this.
    pub send_at: Option<Timestamp>,
    /// 0 to 3; 3 is sent during quiet hours too.
    pub priority: u8,
    /// Whether similar characters may stand for those that the GSM alphabet lacks.
    pub transliterate: bool,
}

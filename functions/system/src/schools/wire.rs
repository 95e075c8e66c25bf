//! Schools on the wire.

use homeroom_domain::{TenantId, identity, schools as rules_of};
use homeroom_kernel::{Fields, Input, Timestamp, fields::NON_FIELD, rules};
use homeroom_store::control::{registry::Status, schools::SchoolRow};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A school.
#[derive(Serialize, ToSchema)]
pub(crate) struct SchoolOut {
    /// The school.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: TenantId,
    /// Its name.
    #[schema(example = "Greenwood High")]
    pub(super) name: String,
    /// Its slug, for ever.
    #[schema(example = "greenwood")]
    pub(super) schema_name: String,
    /// Its short code.
    #[schema(example = "GW")]
    pub(super) code: String,
    /// Host names, the default one first.
    #[schema(example = json!(["greenwood.example.org"]))]
    pub(super) domain: Vec<String>,
    /// Whether its routes answer.
    pub(super) is_active: bool,
    /// `provisioning`, `active`, `suspended` or `deleted`.
    #[schema(example = "active")]
    pub(super) status: String,
    /// `not_started`, `in_progress` (an administrator has signed in) or `completed` (there is staff).
    #[schema(example = "not_started")]
    pub(super) setup_progress: String,
    /// IANA name of the time zone.
    #[schema(example = "Africa/Harare")]
    pub(super) timezone: String,
    /// BCP 47 tag of the language.
    #[schema(example = "en")]
    pub(super) locale: String,
    /// Web origins whose pages may call the school's API.
    pub(super) cors_origins: Vec<String>,
    /// When the school was created.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub(super) updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) created_by: Option<String>,
    /// When it was deleted; it can be restored for 30 days.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) deleted_at: Option<Timestamp>,
}

impl From<SchoolRow> for SchoolOut {
    fn from(row: SchoolRow) -> Self {
        Self {
            is_active: row.status == Status::Active.as_str(),
            id: row.id,
            name: row.name,
            schema_name: row.schema_name,
            code: row.code,
            domain: row.domain,
            status: row.status,
            setup_progress: row.setup_progress,
            timezone: row.timezone,
            locale: row.locale,
            cors_origins: row.cors_origins,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
            deleted_at: row.deleted_at,
        }
    }
}

/// The first administrator of a new school.
#[derive(Serialize, ToSchema)]
pub(crate) struct FirstAdminOut {
    /// The user, in the school.
    #[schema(value_type = uuid::Uuid)]
    pub(super) id: homeroom_domain::UserId,
    /// Email address.
    pub(super) email: Option<String>,
    /// Phone number.
    pub(super) phone_number: Option<String>,
    /// Only where no password was given; shown this once and to be changed at the first sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) temporary_password: Option<String>,
}

/// A new school.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewSchoolOut {
    #[serde(flatten)]
    pub(super) school: SchoolOut,
    /// Its first administrator.
    pub(super) admin: FirstAdminOut,
}

/// The first administrator of a new school.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; AdminIn reads it"
)]
pub(crate) struct FirstAdminBody {
    /// Email address; this or the phone number must be there.
    #[schema(format = Email, max_length = 254, example = "head@greenwood.example")]
    email: Option<String>,
    /// Phone number; this or the email address must be there.
    #[schema(max_length = 40, example = "+263772123456")]
    phone_number: Option<String>,
    /// Given name.
    #[schema(min_length = 1, max_length = 100, example = "Rudo")]
    first_name: String,
    /// Family name.
    #[schema(min_length = 1, max_length = 100, example = "Ncube")]
    last_name: String,
    /// Without one, the answer carries a temporary password.
    #[schema(format = Password, min_length = 8, max_length = 128, nullable = false)]
    password: Option<String>,
}

/// The body of a new school.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; NewSchoolIn reads it"
)]
pub(crate) struct NewSchoolBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 100, example = "Greenwood High")]
    name: String,
    /// Its slug, for ever: lower-case letters, digits and hyphens, a letter first.
    #[schema(
        min_length = 2,
        max_length = 63,
        pattern = "^[a-z][a-z0-9-]{1,62}$",
        example = "greenwood"
    )]
    schema_name: String,
    /// Its short code, unique.
    #[schema(min_length = 1, max_length = 10, example = "GW")]
    code: String,
    /// Host names of the school's own, besides the default one.
    #[schema(max_items = 10, nullable = false, example = json!([]))]
    domain: Option<Vec<String>>,
    /// IANA name of the time zone; UTC where absent.
    #[schema(max_length = 64, nullable = false, example = "Africa/Harare")]
    timezone: Option<String>,
    /// BCP 47 tag of the language; en where absent.
    #[schema(max_length = 35, nullable = false, example = "en")]
    locale: Option<String>,
    /// Web origins whose pages may call the school's API.
    #[schema(max_items = 20, nullable = false, example = json!([]))]
    cors_origins: Option<Vec<String>>,
    /// Its first administrator.
    admin: FirstAdminBody,
}

/// The body of a school.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolIn reads it"
)]
pub(crate) struct SchoolBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 100, example = "Greenwood High")]
    name: String,
    /// Its short code, unique.
    #[schema(min_length = 1, max_length = 10, example = "GW")]
    code: String,
    /// Host names of the school's own, besides the default one.
    #[schema(max_items = 11, nullable = false, example = json!([]))]
    domain: Option<Vec<String>>,
    /// IANA name of the time zone.
    #[schema(max_length = 64, nullable = false, example = "Africa/Harare")]
    timezone: Option<String>,
    /// BCP 47 tag of the language.
    #[schema(max_length = 35, nullable = false, example = "en")]
    locale: Option<String>,
    /// Web origins whose pages may call the school's API.
    #[schema(max_items = 20, nullable = false, example = json!([]))]
    cors_origins: Option<Vec<String>>,
    /// False suspends, true activates.
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

/// Changes to a school; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; SchoolIn reads it"
)]
pub(crate) struct SchoolPatch {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 100,
        nullable = false,
        example = "Greenwood High"
    )]
    name: Option<String>,
    /// Its short code, unique.
    #[schema(min_length = 1, max_length = 10, nullable = false, example = "GW")]
    code: Option<String>,
    /// Host names of the school's own, besides the default one.
    #[schema(max_items = 11, nullable = false, example = json!([]))]
    domain: Option<Vec<String>>,
    /// IANA name of the time zone.
    #[schema(max_length = 64, nullable = false, example = "Africa/Harare")]
    timezone: Option<String>,
    /// BCP 47 tag of the language.
    #[schema(max_length = 35, nullable = false, example = "en")]
    locale: Option<String>,
    /// Web origins whose pages may call the school's API.
    #[schema(max_items = 20, nullable = false, example = json!([]))]
    cors_origins: Option<Vec<String>>,
    /// False suspends, true activates.
    #[schema(nullable = false)]
    is_active: Option<bool>,
}

pub(super) struct AdminIn {
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) password: Option<SecretString>,
}

impl Input for AdminIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.nullable("email", identity::email);
        let phone_number = fields.nullable("phone_number", identity::phone_number);
        let first_name = fields.required("first_name", rules::text(1, 100));
        let last_name = fields.required("last_name", rules::text(1, 100));
        let password = fields.optional("password", identity::new_password);
        let (email, phone_number) = (email?.flatten(), phone_number?.flatten());
        if email.is_none() && phone_number.is_none() {
            fields.fail(NON_FIELD, "Give an email or a phone number.");
            return None;
        }
        Some(Self {
            email,
            phone_number,
            first_name: first_name?,
            last_name: last_name?,
            password: password?,
        })
    }
}

/// What a client says of a new school.
pub(crate) struct NewSchoolIn {
    pub(super) schema_name: String,
    pub(super) school: SchoolIn,
    pub(super) admin: AdminIn,
}

impl Input for NewSchoolIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let schema_name = fields.required("schema_name", rules_of::slug);
        let admin = fields.nested("admin");
        if matches!(admin, Some(None)) {
            fields.fail("admin", "This field is required.");
        }
        let school = SchoolIn::read(fields);
        if school
            .as_ref()
            .is_some_and(|school| school.is_active == Some(false))
        {
            fields.fail(
                "is_active",
                "A new school is active. Suspend it afterwards.",
            );
        }
        Some(Self {
            schema_name: schema_name?,
            school: school?,
            admin: admin??,
        })
    }
}

/// What a client says of a school.
pub(crate) struct SchoolIn {
    pub(super) name: Option<String>,
    pub(super) code: Option<String>,
    pub(super) domain: Option<Vec<String>>,
    pub(super) timezone: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) cors_origins: Option<Vec<String>>,
    pub(super) is_active: Option<bool>,
    pub(super) schema_name: Option<String>,
}

impl Input for SchoolIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(&[
            "id",
            "status",
            "setup_progress",
            "created_at",
            "updated_at",
            "created_by",
            "deleted_at",
        ]);
        let name = fields.settable("name", rules::text(1, 100));
        let code = fields.settable("code", rules::text(1, 10));
        let domain = fields.optional("domain", rules::list(11, rules_of::host));
        let timezone = fields.optional("timezone", rules_of::timezone);
        let locale = fields.optional("locale", rules_of::locale);
        let cors_origins = fields.optional("cors_origins", rules::list(20, rules_of::origin));
        let is_active = fields.optional("is_active", rules::boolean);
        let schema_name = fields.optional("schema_name", rules::text(1, 63));
        Some(Self {
            name: name?,
            code: code?,
            domain: domain?,
            timezone: timezone?,
            locale: locale?,
            cors_origins: cors_origins?,
            is_active: is_active?,
            schema_name: schema_name?,
        })
    }
}

/// What schools can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub(crate) struct SchoolFilters {
    /// Text in name, slug or code.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Whether the school's routes answer.
    is_active: Option<bool>,
    /// `provisioning`, `active`, `suspended` or `deleted`; deleted schools are listed only when asked for.
    #[param(max_length = 255)]
    status: Option<String>,
    /// `not_started`, `in_progress` or `completed`.
    #[param(max_length = 255)]
    setup_progress: Option<String>,
    /// The exact slug.
    #[param(max_length = 255)]
    schema_name: Option<String>,
    /// The exact code.
    #[param(max_length = 255)]
    code: Option<String>,
}

/// How much a school uses the platform.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageOut {
    /// Users who are not deleted.
    pub(super) users: u64,
    /// Of these, who may sign in.
    pub(super) active_users: u64,
    /// Staff records.
    pub(super) staff: u64,
    /// Roles.
    pub(super) roles: u64,
    /// Users who signed in within the last 30 days.
    pub(super) users_signed_in_30_days: u64,
    /// Sign-ins that are alive.
    pub(super) open_sessions: u64,
    /// Lines of the audit log.
    pub(super) audit_entries: u64,
    /// The last sign-in of anyone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) last_login_at: Option<Timestamp>,
}

//! Users on the wire.

use homeroom_domain::{RoleId, UserId, credentials::Plane};
use homeroom_kernel::Timestamp;
use homeroom_store::identity::users::{TeacherProfile, UserRow};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A role that a user holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HeldRoleOut {
    /// The role.
    #[schema(value_type = uuid::Uuid)]
    id: RoleId,
    /// Its name.
    #[schema(example = "Teacher")]
    name: String,
}

/// The staff record of a user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TeacherProfileOut {
    /// The staff record.
    #[schema(value_type = uuid::Uuid)]
    id: homeroom_domain::StaffId,
    /// The school's own number.
    #[schema(example = "T-017")]
    staff_number: String,
    /// Form of address.
    #[schema(example = "Mrs")]
    title: String,
    /// What the person does.
    #[schema(example = "Teacher")]
    position: String,
    /// Where.
    #[schema(example = "Mathematics")]
    department: String,
    /// Since when.
    #[schema(value_type = Option<String>, format = Date, example = "2024-09-01")]
    hired_on: Option<String>,
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserOut {
    /// The user.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// Email address, lower case.
    #[schema(example = "ada@greenwood.example")]
    pub email: Option<String>,
    /// Phone number, digits with an optional plus.
    #[schema(example = "+263772123456")]
    pub phone_number: Option<String>,
    /// Given name.
    #[schema(example = "Ada")]
    pub first_name: String,
    /// Family name.
    #[schema(example = "Moyo")]
    pub last_name: String,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// Whether the user must choose a new password first.
    pub must_change_password: bool,
    /// The school; null for platform users.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub client: Option<homeroom_domain::TenantId>,
    /// Roles, by name.
    pub roles: Vec<HeldRoleOut>,
    /// The staff record, if there is one.
    pub teacher_profile: Option<TeacherProfileOut>,
    /// Last sign-in.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_login_at: Option<Timestamp>,
    /// When the user was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the user was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// By whom.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub created_by: Option<String>,
}

impl UserOut {
    /// A stored user as the area shows it.
    #[must_use]
    pub fn new(row: UserRow, plane: Plane) -> Self {
        Self {
            id: row.id,
            email: row.email,
            phone_number: row.phone_number,
            first_name: row.first_name,
            last_name: row.last_name,
            is_active: row.is_active,
            must_change_password: row.must_change_password,
            client: match plane {
                Plane::System => None,
                Plane::School(tenant) => Some(tenant),
            },
            roles: row
                .roles
                .into_iter()
                .map(|role| HeldRoleOut {
                    id: role.id,
                    name: role.name,
                })
                .collect(),
            teacher_profile: row.teacher_profile.map(profile_out),
            last_login_at: row.last_login_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            created_by: row.created_by,
        }
    }
}

fn profile_out(profile: TeacherProfile) -> TeacherProfileOut {
    TeacherProfileOut {
        id: profile.id,
        staff_number: profile.staff_number,
        title: profile.title,
        position: profile.position,
        department: profile.department,
        hired_on: profile.hired_on,
    }
}

/// The body of a user.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; UserFields reads it"
)]
pub struct UserBody {
    /// Email address; this or the phone number must be there.
    #[schema(format = Email, max_length = 254, example = "ada@greenwood.example")]
    email: Option<String>,
    /// Phone number; this or the email address must be there.
    #[schema(max_length = 40, example = "+263772123456")]
    phone_number: Option<String>,
    /// Given name.
    #[schema(min_length = 1, max_length = 100, example = "Ada")]
    first_name: String,
    /// Family name.
    #[schema(min_length = 1, max_length = 100, example = "Moyo")]
    last_name: String,
    /// Password: 8 to 128 characters, none of the most common. Without one, the answer carries a temporary password.
    #[schema(format = Password, min_length = 8, max_length = 128, nullable = false)]
    password: Option<String>,
    /// Whether the user may sign in; yes where absent.
    #[schema(nullable = false)]
    is_active: Option<bool>,
    /// Whether the user must choose a new password at the first sign-in; always with a temporary one.
    #[schema(nullable = false)]
    must_change_password: Option<bool>,
    /// All the user's roles.
    #[schema(max_items = 32, nullable = false, example = json!([]))]
    role_ids: Option<Vec<uuid::Uuid>>,
}

/// Changes to a user; absent fields stay as they are.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; UserFields reads it"
)]
pub struct UserPatch {
    /// Email address.
    #[schema(format = Email, max_length = 254, example = "ada@greenwood.example")]
    email: Option<String>,
    /// Phone number.
    #[schema(max_length = 40, example = "+263772123456")]
    phone_number: Option<String>,
    /// Given name.
    #[schema(min_length = 1, max_length = 100, nullable = false, example = "Ada")]
    first_name: Option<String>,
    /// Family name.
    #[schema(min_length = 1, max_length = 100, nullable = false)]
    last_name: Option<String>,
    /// New password; every sign-in of the user ends.
    #[schema(format = Password, min_length = 8, max_length = 128, nullable = false)]
    password: Option<String>,
    /// Whether the user may sign in.
    #[schema(nullable = false)]
    is_active: Option<bool>,
    /// Whether the user must choose a new password at the next sign-in.
    #[schema(nullable = false)]
    must_change_password: Option<bool>,
    /// All the user's roles.
    #[schema(max_items = 32, nullable = false)]
    role_ids: Option<Vec<uuid::Uuid>>,
}

/// What users can be searched and filtered by.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; the store's listing reads them"
)]
pub struct UserFilters {
    /// Text in names, email or phone number.
    #[param(max_length = 100)]
    search: Option<String>,
    /// Whether the user may sign in.
    is_active: Option<bool>,
    /// The exact email address.
    #[param(max_length = 255)]
    email: Option<String>,
    /// The exact phone number, normalised.
    #[param(max_length = 255)]
    phone_number: Option<String>,
    /// Holders of a role.
    role: Option<uuid::Uuid>,
}

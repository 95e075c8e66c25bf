//! Users on the wire.

use homeroom_domain::{
    RoleId, UserId,
    credentials::Plane,
    identity::{self, MAX_ROLES_PER_USER},
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_objects::passwords::{PasswordReply, PasswordRequest};
use homeroom_store::{
    IdentityDb,
    identity::{
        roles,
        users::{HeldRole, TeacherProfile, UserRow},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    error::ApiError,
    extract::{Area, Caller},
};

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

/// What a client says of a user; absent fields stay as they are in a partial body.
#[derive(Debug, Default)]
pub struct UserFields {
    /// Email address.
    pub email: Option<Option<String>>,
    /// Phone number.
    pub phone_number: Option<Option<String>>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// New password.
    pub password: Option<SecretString>,
    /// Whether the user may sign in.
    pub is_active: Option<bool>,
    /// Whether the user must choose a new password first.
    pub must_change_password: Option<bool>,
    /// All the user's roles.
    pub role_ids: Option<Vec<RoleId>>,
}

impl UserFields {
    /// The names that a client may send back as it got them.
    pub const READ_ONLY: &'static [&'static str] = &[
        "id",
        "client",
        "roles",
        "teacher_profile",
        "last_login_at",
        "created_at",
        "updated_at",
        "created_by",
    ];

    /// The roles as they are stored, checked: they exist, and the actor holds all that they allow.
    pub async fn roles<A: Area>(
        &self,
        caller: &Caller<A>,
    ) -> Result<Option<Vec<HeldRole>>, ApiError> {
        let Some(ids) = &self.role_ids else {
            return Ok(None);
        };
        let found = roles::find_grantable(&caller.db, ids).await?;
        if let Some(missing) = ids
            .iter()
            .find(|id| found.iter().all(|role| role.id != **id))
        {
            return Err(ApiError::field(
                "role_ids",
                &format!("There is no role {missing}."),
            ));
        }
        for role in &found {
            caller.may_grant(role.permissions().codenames(), "role_ids")?;
        }
        Ok(Some(
            found
                .into_iter()
                .map(|role| HeldRole {
                    id: role.id,
                    name: role.name,
                })
                .collect(),
        ))
    }

    /// The record with these fields set; in a whole body, optional fields that are absent are emptied.
    #[must_use]
    pub fn apply(
        &self,
        before: &UserRow,
        roles: Option<Vec<HeldRole>>,
        partial: bool,
        now: Timestamp,
    ) -> UserRow {
        let keep = |new: &Option<Option<String>>, old: &Option<String>| match new {
            Some(value) => value.clone(),
            None if partial => old.clone(),
            None => None,
        };
        UserRow {
            email: keep(&self.email, &before.email),
            phone_number: keep(&self.phone_number, &before.phone_number),
            first_name: self
                .first_name
                .clone()
                .unwrap_or_else(|| before.first_name.clone()),
            last_name: self
                .last_name
                .clone()
                .unwrap_or_else(|| before.last_name.clone()),
            is_active: self
                .is_active
                .unwrap_or(if partial { before.is_active } else { true }),
            must_change_password: match (self.must_change_password, &self.password) {
                (Some(asked), _) => asked,
                (None, Some(_)) => false,
                (None, None) => before.must_change_password,
            },
            roles: roles.unwrap_or_else(|| before.roles.clone()),
            updated_at: now,
            ..before.clone()
        }
    }
}

impl Input for UserFields {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.ignore_read_only(Self::READ_ONLY);
        let email = fields.nullable("email", identity::email);
        let phone_number = fields.nullable("phone_number", identity::phone_number);
        let first_name = fields.settable("first_name", rules::text(1, 100));
        let last_name = fields.settable("last_name", rules::text(1, 100));
        let password = fields.optional("password", identity::new_password);
        let is_active = fields.optional("is_active", rules::boolean);
        let must_change_password = fields.optional("must_change_password", rules::boolean);
        let role_ids = fields.optional("role_ids", rules::list(MAX_ROLES_PER_USER, rules::id));
        let (email, phone_number) = (email?, phone_number?);
        let cleared = |value: &Option<Option<String>>| matches!(value, Some(None));
        let absent = |value: &Option<Option<String>>| value.is_none() || cleared(value);
        let nameless = if fields.is_partial() {
            cleared(&email) && cleared(&phone_number)
        } else {
            absent(&email) && absent(&phone_number)
        };
        if nameless {
            fields.fail(
                homeroom_kernel::fields::NON_FIELD,
                "Give an email or a phone number.",
            );
            return None;
        }
        Some(Self {
            email,
            phone_number,
            first_name: first_name?,
            last_name: last_name?,
            password: password?,
            is_active: is_active?,
            must_change_password: must_change_password?,
            role_ids: role_ids?.map(|mut ids| {
                ids.sort_unstable();
                ids.dedup();
                ids
            }),
        })
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

impl UserFields {
    /// The record as it will be, checked against what the actor may do.
    pub async fn changed<A: Area>(
        &self,
        caller: &Caller<A>,
        before: &UserRow,
        partial: bool,
    ) -> Result<UserRow, ApiError> {
        let roles = self.roles(caller).await?;
        let after = self.apply(before, roles, partial, caller.context.now);
        if after.email.is_none() && after.phone_number.is_none() {
            return Err(ApiError::field(
                homeroom_kernel::fields::NON_FIELD,
                "Give an email or a phone number.",
            ));
        }
        if before.is_active && !after.is_active {
            refuse_self(caller, before.id)?;
        }
        refuse_stronger(caller, before).await?;
        Ok(after)
    }
}

/// A user who is being created.
pub struct NewUser {
    /// The record.
    pub row: UserRow,
    /// PHC string.
    pub password_hash: String,
    temporary_password: Option<SecretString>,
}

/// A new user; the temporary password is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewUserOut {
    #[serde(flatten)]
    user: UserOut,
    /// Only where no password was given; to be changed at the first sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    temporary_password: Option<String>,
}

impl NewUser {
    /// A new user with the given password, or a temporary one.
    pub async fn new<A: Area>(caller: &Caller<A>, input: &UserFields) -> Result<Self, ApiError> {
        let stamp = caller.stamp();
        let temporary_password = input
            .password
            .is_none()
            .then(|| identity::temporary_password(stamp.ids.secret()));
        let blank = UserRow {
            id: stamp.ids.next(),
            email: None,
            phone_number: None,
            first_name: String::new(),
            last_name: String::new(),
            is_active: true,
            must_change_password: false,
            roles: Vec::new(),
            teacher_profile: None,
            last_login_at: None,
            created_at: stamp.now,
            updated_at: stamp.now,
            created_by: stamp.created_by(),
        };
        let roles = input.roles(caller).await?;
        let mut row = input.apply(&blank, roles, false, stamp.now);
        row.must_change_password |= temporary_password.is_some();
        let password = input.password.as_ref().or(temporary_password.as_ref());
        let password =
            password.ok_or_else(|| ApiError::Internal("a new user without a password".into()))?;
        let password_hash = hash_password(&caller.app, password).await?;
        Ok(Self {
            row,
            password_hash,
            temporary_password,
        })
    }

    /// The answer to the creation.
    #[must_use]
    pub fn out<A: Area>(self, caller: &Caller<A>) -> NewUserOut {
        let temporary_password = self
            .temporary_password
            .map(|password| password.expose_secret().to_owned());
        NewUserOut {
            user: out(caller, self.row),
            temporary_password,
        }
    }
}

/// Hashes a new password in the passwords Worker.
pub async fn hash_password(app: &App, password: &SecretString) -> Result<String, ApiError> {
    let request = PasswordRequest::Hash {
        password: password.expose_secret().to_owned(),
    };
    match app.ports.passwords.work(request).await? {
        PasswordReply::Hashed { phc } => Ok(phc),
        PasswordReply::Verified { .. } => Err(ApiError::Internal(
            "the passwords Worker answered out of turn".into(),
        )),
    }
}

/// Refuses that an actor takes itself out of action by mistake.
pub fn refuse_self<A: Area>(caller: &Caller<A>, user: UserId) -> Result<(), ApiError> {
    if caller.actor.user == Some(user) {
        return Err(ApiError::Conflict {
            code: "own_account",
            detail: "You cannot deactivate or delete the account that you are signed in with.",
        });
    }
    Ok(())
}

/// Refuses a change to somebody who may do more than the actor: a password set for them would be a way up.
pub async fn refuse_stronger<A: Area>(caller: &Caller<A>, user: &UserRow) -> Result<(), ApiError> {
    let ids: Vec<RoleId> = user.roles.iter().map(|role| role.id).collect();
    for role in roles::find_grantable(&caller.db, &ids).await? {
        caller.may_grant(role.permissions().codenames(), "user")?;
    }
    Ok(())
}

/// The keyed hashes by which the directory knows a user.
#[must_use]
pub fn identifier_hashes(app: &App, user: &UserRow) -> Vec<String> {
    user.email
        .iter()
        .chain(&user.phone_number)
        .map(|text| app.settings.keys.identifier_hash(text))
        .collect()
}

/// Plane of a caller, for [`UserOut::new`].
#[must_use]
pub fn out<A: Area>(caller: &Caller<A>, row: UserRow) -> UserOut {
    UserOut::new(row, caller.db.plane())
}

//! What clients may do to users, in both planes.

mod wire;

use homeroom_domain::{
    RoleId, UserId,
    identity::{self, MAX_ROLES_PER_USER},
};
use homeroom_kernel::{Fields, Input, Timestamp, rules};
use homeroom_objects::passwords::{PasswordReply, PasswordRequest};
use homeroom_store::{
    IdentityDb,
    identity::{
        roles,
        users::{HeldRole, UserRow},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

pub use wire::*;

use crate::{
    app::App,
    conflicts::Conflict,
    error::ApiError,
    extract::{Area, Caller},
};

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
        return Err(Conflict::OwnAccount.into());
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

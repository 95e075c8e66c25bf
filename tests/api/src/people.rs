//! Who is there: the platform's administrator, schools, their administrators and teachers.

use serde_json::{Value, json};

use crate::{
    app::{PUBLIC_HOST, TestApp},
    client::Client,
};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery";
const PLATFORM_EMAIL: &str = "ada@homeroom.example";

/// A school with two people who are signed in.
#[derive(Clone)]
pub struct School {
    /// Its id.
    pub id: String,
    /// Its slug.
    pub slug: String,
    /// Its host.
    pub host: String,
    /// Its database.
    pub slot: String,
    /// Its administrator, signed in.
    pub admin: Client,
    /// A teacher, signed in, who may see staff and nothing else.
    pub teacher: Client,
    /// The teacher's id.
    pub teacher_id: String,
    /// The administrator's id.
    pub admin_id: String,
}

impl School {
    pub(crate) fn create(app: &TestApp, slug: &str) -> Self {
        let created = app
            .platform()
            .post("schools/", &new_school(slug))
            .status(201);
        let host = format!("{slug}.{PUBLIC_HOST}");
        let door = app.anonymous(&host);
        let admin = sign_in(&door, &format!("admin@{slug}.example"));
        let teacher = Self::add_user(&admin, &door, &format!("teacher@{slug}.example"), "Teacher");
        Self {
            id: created.id(),
            slot: app.slot_of(slug),
            slug: slug.to_owned(),
            host,
            teacher_id: teacher.get("auth/me/").status(200).id(),
            admin_id: created.str("admin/id"),
            admin,
            teacher,
        }
    }

    /// A new user with a role, signed in and with a password of the own.
    #[must_use]
    pub fn user(&self, email: &str, role: &str) -> Client {
        Self::add_user(&self.admin, &self.admin.anonymous(), email, role)
    }

    fn add_user(admin: &Client, door: &Client, email: &str, role: &str) -> Client {
        let body = json!({
            "email": email, "first_name": "Tendai", "last_name": role, "password": PASSWORD,
            "role_ids": [role_id(admin, role)],
        });
        admin.post("users/", &body).expect(201);
        sign_in(door, email)
    }

    /// Nobody, at the school's host.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        self.admin.anonymous()
    }

    /// The id of a role by its name.
    #[must_use]
    pub fn role(&self, name: &str) -> String {
        role_id(&self.admin, name)
    }

    /// A new role with permissions.
    #[must_use]
    pub fn new_role(&self, name: &str, codenames: &[&str]) -> String {
        self.admin
            .post(
                "roles/",
                &json!({"name": name, "permission_codenames": codenames}),
            )
            .status(201)
            .id()
    }

    /// A new user with a new role that has these permissions, signed in.
    #[must_use]
    pub fn user_who_may(&self, codenames: &[&str]) -> Client {
        let name = format!("May {}", codenames.join(" "));
        let _ = self.new_role(&name, codenames);
        let letters: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(50)
            .collect();
        self.user(
            &format!("{}@{}.example", letters.to_lowercase(), self.slug),
            &name,
        )
    }
}

/// The body that creates a school whose administrator has [`PASSWORD`].
#[must_use]
pub fn new_school(slug: &str) -> Value {
    let code = &slug[slug.len().saturating_sub(10)..];
    json!({
        "name": format!("{slug} school"), "schema_name": slug, "code": code,
        "admin": {
            "email": format!("admin@{slug}.example"), "first_name": "Rudo", "last_name": "Ncube", "password": PASSWORD,
        },
    })
}

fn role_id(admin: &Client, name: &str) -> String {
    let found = admin
        .get(&format!("roles/?name={}", name.replace(' ', "+")))
        .status(200);
    assert_eq!(found.results().len(), 1, "there is no role {name}");
    found.str("results/0/id")
}

/// Signs in and presents the access token from then on.
#[must_use]
pub fn sign_in(door: &Client, email: &str) -> Client {
    let answer = door
        .post(
            "auth/login/",
            &json!({"email": email, "password": PASSWORD}),
        )
        .status(200);
    door.bearer(&answer.str("access"))
}

/// The statements of `cargo xtask admin add`.
pub(crate) fn add_platform_administrator(app: &TestApp) {
    let (now, hash) = (app.now().millis(), app.hash(PASSWORD));
    let (role, user, held) = (
        "01900000-0000-7000-8000-000000000001",
        "01900000-0000-7000-8000-000000000002",
        "01900000-0000-7000-8000-000000000003",
    );
    app.execute(
        "CONTROL",
        &format!(
            "insert into roles (id, builtin, name, description, created_at, updated_at) values \
             ('{role}', 'administrator', 'Superadministrator', 'Everything, in every school.', {now}, {now}); \
             insert into role_permissions (role_id, codename) values ('{role}', '*'); \
             insert into users (id, email, first_name, last_name, password_hash, created_at, updated_at) values \
             ('{user}', '{PLATFORM_EMAIL}', 'Ada', 'Homeroom', '{hash}', {now}, {now}); \
             insert into user_roles (id, user_id, role_id, created_at) values ('{held}', '{user}', '{role}', {now});"
        ),
    );
}

pub(crate) fn sign_in_platform_administrator(app: &TestApp) -> String {
    sign_in(&app.anonymous(PUBLIC_HOST), PLATFORM_EMAIL)
        .token()
        .to_owned()
}

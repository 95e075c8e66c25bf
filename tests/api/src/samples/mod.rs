//! One call that is allowed and valid for every operation of the documents. An operation without one fails the tests
//! that run over all of them, so that a new route cannot be forgotten.

mod attendance;
mod chatbot;
mod exams;
mod files;
mod people;
mod promotion;
pub mod records;
pub(crate) mod report_cards;
pub(crate) mod sms;
mod structure;

pub use attendance::token_of;
pub use chatbot::Family;
pub use report_cards::logo;

use std::cell::Cell;

use data_encoding::BASE64;
use homeroom_domain::webhooks::EVENTS;
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{PUBLIC_HOST, TestApp},
    client::{Client, Reply},
    document::Operation,
    people::{PASSWORD, School, new_school},
    world::{Fault, Moment},
};

/// A password that is nobody's.
pub const OTHER_PASSWORD: &str = "a rather different one";
const SCENE_SLOTS: usize = 80;
/// How every PNG begins in base64.
const PNG: &str = "iVBORw0KGgo";

/// Makes the call of an operation that is not one on plain records; none where the operation is another's.
type Prepare = fn(&Scene, &Operation, u32) -> Option<Sample>;

const OF_ITS_OWN: &[Prepare] = &[
    exams::prepare,  // one line each
    people::prepare, // one line each
    attendance::prepare,
    report_cards::prepare,
    files::prepare,
    promotion::prepare,
    sms::prepare,
    chatbot::prepare,
];

/// A platform with one school, in which samples are prepared.
pub struct Scene {
    /// The platform.
    pub app: TestApp,
    /// The school.
    pub school: School,
    counter: Cell<u32>,
}

/// A call that is ready to be sent.
#[derive(Clone)]
pub struct Sample {
    /// Who may send it.
    pub client: Client,
    /// Its method.
    pub method: Method,
    /// Its path, ids filled in.
    pub path: String,
    /// Its body, where it takes one; a text is a CSV file, or a PNG in base64.
    pub body: Option<Value>,
}

impl Sample {
    /// Sends it.
    #[must_use]
    pub fn send(&self) -> Reply {
        self.send_as(&self.client)
    }

    /// Sends it as somebody else.
    #[must_use]
    pub fn send_as(&self, client: &Client) -> Reply {
        match &self.body {
            Some(Value::String(file)) if file.starts_with(PNG) => {
                let file = BASE64.decode(file.as_bytes()).expect("base64");
                client.raw(&self.method, &self.path, Some("image/png"), &file)
            }
            Some(Value::String(file)) => {
                client.raw(&self.method, &self.path, Some("text/csv"), file.as_bytes())
            }
            body => client.send(&self.method, &self.path, body.as_ref()),
        }
    }

    /// The same call with another body.
    #[must_use]
    pub fn with_body(&self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self.clone()
        }
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

impl Scene {
    /// A platform with the school `alpha`.
    #[must_use]
    pub fn new() -> Self {
        let app = TestApp::with_slots(SCENE_SLOTS);
        Self {
            school: app.school("alpha"),
            app,
            counter: Cell::new(0),
        }
    }

    /// A number that was not used before.
    fn next(&self) -> u32 {
        self.counter.set(self.counter.get() + 1);
        self.counter.get()
    }

    /// Makes what an operation needs, and the call.
    ///
    /// # Panics
    /// For an operation without a sample.
    #[must_use]
    pub fn prepare(&self, operation: &Operation) -> Sample {
        let n = self.next();
        if let Some(resource) = records::of(operation) {
            return self.prepare_record(resource, operation, n);
        }
        if let Some(sample) = OF_ITS_OWN
            .iter()
            .find_map(|prepare| prepare(self, operation, n))
        {
            return sample;
        }
        let target = self.target(operation, n);
        let client = match (operation.id.as_str(), operation.area) {
            ("logout" | "logout_all" | "change_password", "system") => {
                self.signed_in_platform_user(n).0
            }
            ("logout" | "logout_all" | "change_password", _) => self.signed_in_user(n).0,
            ("login" | "refresh", "system") => self.app.anonymous(PUBLIC_HOST),
            ("login" | "refresh", _) => self.school.anonymous(),
            (_, "system") => self.app.platform(),
            _ => self.school.admin.clone(),
        };
        let mut path = operation.path.replace("{id}", &target);
        if path.contains("{delivery}") {
            let list = self
                .app
                .platform()
                .get(&format!("webhooks/{target}/deliveries/"));
            path = path.replace("{delivery}", &list.status(200).str("results/0/id"));
        }
        Sample {
            client,
            method: operation.method.clone(),
            path,
            body: self.body(operation, n),
        }
    }

    /// The id in the path: of a record of its own.
    fn target(&self, operation: &Operation, n: u32) -> String {
        if !operation.path.contains("{id}") {
            return String::new();
        }
        let (platform, admin) = (self.app.platform(), &self.school.admin);
        let name = operation.path.split('/').nth(4).unwrap_or_default();
        match (operation.area, name) {
            ("system", "api-keys") => self.created(&platform, "api-keys/", &self.api_key_body(n)),
            ("system", "users") => self.created(&platform, "users/", &user_body(n)),
            ("system", "roles") => self.created(
                &platform,
                "roles/",
                &json!({"name": format!("R{n}"), "permissions": [1]}),
            ),
            ("system", "schools") => self.school_for(operation, n),
            ("system", "webhooks") => self.webhook_for(operation, n),
            ("school", "users") => self.created(admin, "users/", &self.school_user_body(n)),
            ("school", "staff") => {
                self.created(admin, "staff/", &json!({"staff_number": format!("T-{n}")}))
            }
            ("school", "roles") => self.created(admin, "roles/", &self.role_body(n)),
            ("school", "user-role-assignments") => {
                let user = self.created(admin, "users/", &user_body(n));
                let body = json!({"user": user, "role": self.school.role("Office")});
                self.created(admin, "user-role-assignments/", &body)
            }
            (_, "audit-logs") => {
                let client = if operation.area == "system" {
                    &platform
                } else {
                    admin
                };
                client.get("audit-logs/").status(200).str("results/0/id")
            }
            _ => panic!(
                "{} {} has no sample: add one",
                operation.name(),
                operation.path
            ),
        }
    }

    fn created(&self, client: &Client, path: &str, body: &Value) -> String {
        client.post(path, body).status(201).id()
    }

    fn body(&self, operation: &Operation, n: u32) -> Option<Value> {
        if operation.body.is_null() {
            return None;
        }
        let m = n + 500_000;
        let patch = operation.method == Method::PATCH;
        Some(match (operation.area, operation.id.as_str()) {
            (_, "login") if operation.area == "system" => {
                json!({"email": self.signed_in_platform_user(n).1, "password": PASSWORD})
            }
            (_, "login") => json!({"email": self.signed_in_user(n).1, "password": PASSWORD}),
            (_, "refresh") if operation.area == "system" => {
                json!({"refresh": self.signed_in_platform_user(n).2})
            }
            (_, "refresh") => json!({"refresh": self.signed_in_user(n).2}),
            (_, "change_password") => {
                json!({"old_password": PASSWORD, "new_password": OTHER_PASSWORD})
            }
            ("system", "create_api_key") => self.api_key_body(m),
            ("system", "replace_api_key" | "update_api_key") => json!({
                "name": format!("Key {m}"), "scopes": ["school.view_*"], "allowed_ips": ["203.0.113.0/24"],
                "expires_at": "2027-01-01T00:00:00Z",
            }),
            ("system", "create_role" | "replace_role" | "update_role") => {
                json!({"name": format!("R{m}"), "permissions": [1, 2]})
            }
            ("system", "create_school") => new_school(&format!("school-{m}")),
            ("system", "replace_school") => {
                json!({"name": format!("S {m}"), "code": format!("C{m}")})
            }
            ("system", "update_school") => {
                json!({"name": format!("S {m}"), "timezone": "Africa/Harare"})
            }
            ("system", "create_user" | "replace_user") => user_body(m),
            ("system", "create_webhook" | "update_webhook") => webhook_body(m),
            (_, "update_user") => {
                json!({"first_name": format!("Changed {m}"), "phone_number": format!("+26377{m:07}")})
            }
            ("school", "create_user" | "replace_user") => self.school_user_body(m),
            ("school", "create_role" | "replace_role") => self.role_body(m),
            ("school", "update_role") => json!({"description": format!("Changed {m}")}),
            ("school", "create_staff" | "replace_staff" | "update_staff") => json!({
                "staff_number": format!("T-{m}"), "title": "Mrs", "position": "Teacher", "department": "Mathematics",
                "hired_on": "2024-09-01",
            }),
            ("school", "create_user_role_assignment") => {
                let user = self.created(&self.school.admin, "users/", &user_body(m));
                json!({"user": user, "role": self.school.role("Office")})
            }
            ("school", "replace_user_role_assignment" | "update_user_role_assignment") => {
                let user = self.created(&self.school.admin, "users/", &user_body(m));
                let role = self.school.role("Student");
                if patch {
                    json!({"role": role})
                } else {
                    json!({"user": user, "role": role})
                }
            }
            _ => panic!("{} has no sample of a body: add one", operation.name()),
        })
    }

    fn api_key_body(&self, n: u32) -> Value {
        json!({"name": format!("Key {n}"), "client": self.school.id, "scopes": ["school.view_user"]})
    }

    fn role_body(&self, n: u32) -> Value {
        json!({
            "name": format!("Role {n}"), "permission_codenames": ["school.view_user"],
            "parent_role": self.school.role("Teacher"),
        })
    }

    fn school_user_body(&self, n: u32) -> Value {
        let mut body = user_body(n);
        body["role_ids"] = json!([self.school.role("Teacher")]);
        body["teacher_profile"] = json!({"staff_number": format!("P-{n}"), "title": "Mr"});
        body
    }

    /// A webhook, which was told something where an operation is about that.
    fn webhook_for(&self, operation: &Operation, n: u32) -> String {
        let platform = self.app.platform();
        let id = self.created(&platform, "webhooks/", &webhook_body(n));
        if operation.path.contains("/deliveries/") {
            for _ in 0..3 {
                platform.act(&format!("webhooks/{id}/test/")).expect(200);
            }
        }
        id
    }

    /// A school in the state from which an operation moves it.
    fn school_for(&self, operation: &Operation, n: u32) -> String {
        let platform = self.app.platform();
        let slug = format!("school-{n}");
        if operation.id == "provision_school" {
            self.cut_creation_short(&slug);
            let id = format!("select id from tenants where schema_name = '{slug}'");
            return self
                .app
                .value("CONTROL", &id)
                .as_str()
                .expect("a school")
                .to_owned();
        }
        let id = self.created(&platform, "schools/", &new_school(&slug));
        match operation.id.as_str() {
            "activate_school" => platform.act(&format!("schools/{id}/suspend/")).expect(200),
            "restore_school" => platform.delete(&format!("schools/{id}/")).expect(204),
            _ => {}
        }
        id
    }

    /// Creates a school whose database is claimed and not filled.
    pub fn cut_creation_short(&self, slug: &str) {
        let state = format!("select status from tenants where schema_name = '{slug}'");
        for nth in 1.. {
            self.app.inject(Some(Fault {
                nth,
                moment: Moment::Before,
            }));
            let reply = self.app.platform().post("schools/", &new_school(slug));
            self.app.inject(None);
            if self.app.value("CONTROL", &state) == "provisioning" {
                return;
            }
            assert!(reply.status >= 500, "{slug} was created: {}", reply.text);
        }
    }

    /// A platform user with all permissions: signed in, the email, the refresh token.
    #[must_use]
    pub fn signed_in_platform_user(&self, n: u32) -> (Client, String, String) {
        let role = self
            .app
            .platform()
            .get("roles/?name=Superadministrator")
            .status(200)
            .str("results/0/id");
        let mut body = user_body(n + 100_000);
        body["role_ids"] = json!([role]);
        self.signed_in(&self.app.platform(), body)
    }

    /// A teacher of the school: signed in, the email, the refresh token.
    #[must_use]
    pub fn signed_in_user(&self, n: u32) -> (Client, String, String) {
        let mut body = user_body(n + 100_000);
        body["role_ids"] = json!([self.school.role("Teacher")]);
        self.signed_in(&self.school.admin, body)
    }

    fn signed_in(&self, admin: &Client, mut body: Value) -> (Client, String, String) {
        let email = body["email"].as_str().expect("an email").to_owned();
        body["password"] = json!(PASSWORD);
        let door = admin.anonymous();
        if admin.get(&format!("users/?email={email}")).status(200).json["count"] == 0 {
            admin.post("users/", &body).expect(201);
        }
        let answer = door
            .post(
                "auth/login/",
                &json!({"email": email, "password": PASSWORD}),
            )
            .status(200);
        (
            door.bearer(&answer.str("access")),
            email,
            answer.str("refresh"),
        )
    }
}

/// The body of a user who holds nothing.
#[must_use]
pub fn user_body(n: u32) -> Value {
    json!({
        "email": format!("user-{n}@people.example"), "first_name": "Tariro", "last_name": format!("Moyo {n}"),
        "password": PASSWORD,
    })
}

/// The body of a webhook that is told of everything everywhere.
#[must_use]
pub fn webhook_body(n: u32) -> Value {
    json!({"url": format!("https://hooks.example.org/{n}"), "events": EVENTS})
}

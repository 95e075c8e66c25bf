//! What both areas promise about users and their sign-ins: every test here runs on the public host and at a school.

mod passwords;
mod sessions;
mod sign_in;
mod users;

use homeroom_api_tests::{Client, PASSWORD, PUBLIC_HOST, Reply, TestApp, samples::Scene};
use serde_json::{Value, json};

/// One of the two places with users.
pub(crate) struct Place {
    pub(crate) scene: Scene,
    pub(crate) app: TestApp,
    /// Nobody, at the place's host.
    pub(crate) door: Client,
    /// Somebody who may do everything there.
    pub(crate) admin: Client,
    /// The place's database.
    pub(crate) db: String,
    is_system: bool,
}

/// Somebody with an account.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) client: Client,
    pub(crate) refresh: String,
}

impl Place {
    fn system() -> Self {
        let scene = Scene::new();
        let app = scene.app.clone();
        Self {
            door: app.anonymous(PUBLIC_HOST),
            admin: app.platform(),
            db: "CONTROL".to_owned(),
            is_system: true,
            scene,
            app,
        }
    }

    fn school() -> Self {
        let scene = Scene::new();
        let school = scene.school.clone();
        let app = scene.app.clone();
        Self {
            door: school.anonymous(),
            admin: school.admin,
            db: school.slot,
            is_system: false,
            scene,
            app,
        }
    }

    /// A new person who is signed in; numbers keep them apart.
    pub(crate) fn person(&self, n: u32) -> Person {
        let (client, email, refresh) = if self.is_system {
            self.scene.signed_in_platform_user(n)
        } else {
            self.scene.signed_in_user(n)
        };
        Person {
            id: client.get("auth/me/").status(200).id(),
            email,
            client,
            refresh,
        }
    }

    pub(crate) fn login(&self, person: &Person, password: &str) -> Reply {
        login(&self.door, &person.email, password)
    }

    pub(crate) fn refresh(&self, token: &str) -> Reply {
        self.door.post("auth/refresh/", &json!({"refresh": token}))
    }

    /// A role that exists in the place and allows to see users.
    pub(crate) fn viewers_role(&self, name: &str) -> String {
        let body = if self.is_system {
            json!({"name": name, "permissions": [6]})
        } else {
            json!({"name": name, "permission_codenames": ["school.view_user"]})
        };
        self.admin.post("roles/", &body).status(201).id()
    }

    /// A role with everything about users and nothing else.
    pub(crate) fn user_managers_role(&self) -> String {
        let verbs = ["view", "add", "change", "delete"];
        let body = if self.is_system {
            json!({"name": "User managers", "permissions": [6, 7, 8, 9]})
        } else {
            json!({"name": "User managers", "permission_codenames": verbs.map(|verb| format!("school.{verb}_user"))})
        };
        self.admin.post("roles/", &body).status(201).id()
    }

    /// A person who may manage users and nothing else.
    pub(crate) fn user_manager(&self) -> Person {
        let person = self.person(900);
        let change = json!({"role_ids": [self.user_managers_role()]});
        self.admin
            .patch(&format!("users/{}/", person.id), &change)
            .expect(200);
        self.app.pass_seconds(5);
        person
    }

    /// The last line of the audit log about a record.
    pub(crate) fn last_audit(&self, record: &str) -> Value {
        let reply = self
            .admin
            .get(&format!("audit-logs/?record_id={record}&page_size=1"))
            .status(200);
        reply.results()[0].clone()
    }
}

pub(crate) fn login(door: &Client, email: &str, password: &str) -> Reply {
    door.post(
        "auth/login/",
        &json!({"email": email, "password": password}),
    )
}

/// The same test in both places.
macro_rules! in_both_areas {
    ($($name:ident)*) => {
        mod system {
            $(#[test] fn $name() { super::$name(&crate::identity::Place::system()); })*
        }
        mod school {
            $(#[test] fn $name() { super::$name(&crate::identity::Place::school()); })*
        }
    };
}
pub(crate) use in_both_areas;

/// Somebody's password, where it is nobody's.
pub(crate) const WRONG: &str = "not the password";

#[test]
fn the_password_of_the_tests_is_a_good_one() {
    assert!(PASSWORD.len() >= 8 && PASSWORD != WRONG);
}

//! Samples about a school's own text messages.

use http::Method;
use serde_json::{Value, json};

use super::{OTHER_PASSWORD, Sample, Scene, records::PathIds, user_body};
use crate::{app::TestApp, document::Operation};

const BASE: &str = "/api/v1/school/sms/";
/// Tables whose rows are an app's.
const OF_APPS: &[&str] = &[
    "sms_messages",
    "sms_batches",
    "sms_opt_outs",
    "sms_inbound",
    "sms_usage",
];

fn settings(n: u32) -> Value {
    json!({
        "esme": 100, "source": format!("School {}", n % 1_000), "quiet_from": "22:00", "quiet_to": "05:00", "timezone": null,
        "daily_cap": 50, "weekly_cap": 200, "duplicate_seconds": 60, "help_text": "Ask the office.",
        "tells_absences": false,
    })
}

impl Scene {
    /// A guardian who agreed to text messages.
    fn reachable(&self, n: u32) -> String {
        let number = n * 100 + self.next() % 100;
        let body = json!({
            "first_name": "Rudo", "last_name": format!("Moyo {number}"), "phone_number": format!("+26371{number:07}"),
            "consent": {"sms": true},
        });
        self.created(&self.school.admin, "guardians/", &body)
    }

    fn message(&self, n: u32) -> Value {
        json!({"guardian": self.reachable(n), "message": format!("School begins at 8, {n}."), "priority": 0})
    }

    fn batch(&self, n: u32) -> Value {
        let audience = json!({"kind": "guardians", "ids": [self.reachable(n)]});
        json!({
            "audience": audience, "message": "{school}: sports day is on Friday.", "name": format!("Sports day {n}"),
        })
    }

    fn opted_out(&self, n: u32) -> String {
        let number = format!("+26372{n:07}");
        let path = format!("{BASE}opt-outs/");
        let reply = self.school.admin.post(&path, &json!({"number": number}));
        reply.expect(200);
        number
    }

    /// A notice for a class, in which one student has a guardian who agreed.
    fn notice(&self, n: u32) -> String {
        let (class, student) = self.class_and_student(n);
        let link = json!({"guardian": self.reachable(n), "relation": "mother", "is_primary": true});
        let admin = &self.school.admin;
        let _ = self.created(admin, &format!("students/{student}/guardians/"), &link);
        let notice = json!({
            "title": format!("Sports day {n}"), "body": "On Friday at 9.", "audience": "class", "academic_class": class,
        });
        self.created(admin, "notices/", &notice)
    }

    /// A call about a user who has a code. One address has few of them.
    fn password_reset(&self, operation: &Operation, n: u32) -> Sample {
        let mut user = user_body(n);
        user["phone_number"] = json!(format!("+26374{n:07}"));
        let _ = self.created(&self.school.admin, "users/", &user);
        let email = &user["email"];
        let door = |m: u32| {
            let door = self.school.anonymous();
            door.from(&format!("2001:db8:{n:x}:{m}::1"))
        };
        door(1)
            .post("auth/password-reset/", &json!({"email": email}))
            .expect(202);
        let code = "select substr(text, 1, 6) from sms_messages where confidential = 1 order by id desc limit 1";
        let code = self.app.value(&self.school.slot, code);
        Sample {
            client: door(2),
            method: operation.method.clone(),
            path: operation.path.clone(),
            body: Some(if operation.id == "confirm_password_reset" {
                json!({"email": email, "code": code, "new_password": OTHER_PASSWORD})
            } else {
                json!({"email": email})
            }),
        }
    }

    fn heard(&self, n: u32) {
        self.school
            .admin
            .put(&format!("{BASE}settings/"), &settings(n))
            .expect(200);
        let (app, at) = (
            self.app.school_app(&self.school.id),
            self.app.now().millis(),
        );
        self.app.execute(
            &self.school.slot,
            &format!(
                "insert into sms_inbound (id, app_id, esme, source, destination, text, missing_parts, received_at) values \
                 ('in-{n}', {app}, 100, '26371{n:07}', '33555', 'Hello {n}', 0, {at})"
            ),
        );
    }

    /// What both of two schools have: the ids in the paths.
    pub(crate) fn sms_records(&self) -> Vec<(&'static str, PathIds)> {
        let admin = &self.school.admin;
        self.heard(1);
        let id = |id: String| PathIds::from([("id".to_owned(), id)]);
        let message = self.created(admin, &format!("{BASE}messages/"), &self.message(9_001));
        let batch = self.created(admin, &format!("{BASE}batches/"), &self.batch(9_002));
        let number = PathIds::from([("number".to_owned(), self.opted_out(9_003))]);
        vec![
            ("/api/v1/school/sms/messages/", id(message)),
            ("/api/v1/school/sms/batches/", id(batch)),
            ("/api/v1/school/sms/opt-outs/", number),
            ("/api/v1/school/sms/", PathIds::new()),
        ]
    }
}

impl TestApp {
    /// The app as which a school sends.
    #[must_use]
    pub fn school_app(&self, school: &str) -> i64 {
        let sql =
            format!("select id from sms_apps where tenant_id = '{school}' and account_id is null");
        self.value("CONTROL", &sql).as_i64().expect("an app")
    }

    /// Makes what was copied into a school's database its own.
    pub(crate) fn adopt_sms(&self, from: &str, to: &str, slot: &str) {
        let copy = format!(
            "insert into sms_apps (tenant_id, name, is_active, rate_per_second, burst, daily_parts, monthly_parts, policy, \
             created_at, updated_at) select '{to}', name, is_active, rate_per_second, burst, daily_parts, monthly_parts, \
             policy, created_at, updated_at from sms_apps where tenant_id = '{from}' and account_id is null"
        );
        self.execute("CONTROL", &copy);
        let app = self.school_app(to);
        for table in OF_APPS {
            self.execute(slot, &format!("update {table} set app_id = {app}"));
        }
    }
}

pub(super) fn prepare(scene: &Scene, operation: &Operation, n: u32) -> Option<Sample> {
    let admin = &scene.school.admin;
    if operation.id == "send_notice_sms" {
        // The school has sent something before, so that every call does the same.
        scene.created(admin, &format!("{BASE}messages/"), &scene.message(n));
        return Some(Sample {
            client: admin.clone(),
            method: operation.method.clone(),
            path: operation.path.replace("{id}", &scene.notice(n)),
            body: Some(json!({"primary_only": true})),
        });
    }
    if operation.id == "request_password_reset" || operation.id == "confirm_password_reset" {
        return Some(scene.password_reset(operation, n));
    }
    let rest = operation.path.strip_prefix(BASE)?;
    let mut path = operation.path.clone();
    let mut body = None;
    match operation.id.as_str() {
        "find_sms_settings" => {}
        "replace_sms_settings" | "update_sms_settings" => {
            // The app is there already, so that every call does the same.
            admin.put(&path, &settings(n)).expect(200);
            body = Some(settings(n + 1));
        }
        "list_sms_messages" => {
            scene.created(admin, &path, &scene.message(n));
        }
        "create_sms_message" => {
            scene.created(admin, &path, &scene.message(n));
            body = Some(scene.message(n));
        }
        "find_sms_message" | "cancel_sms_message" => {
            let id = scene.created(admin, &format!("{BASE}messages/"), &scene.message(n));
            path = path.replace("{id}", &id);
        }
        "list_sms_batches" => {
            scene.created(admin, &path, &scene.batch(n));
        }
        "create_sms_batch" => {
            scene.created(admin, &path, &scene.batch(n));
            body = Some(scene.batch(n));
        }
        "find_sms_batch" | "cancel_sms_batch" => {
            let id = scene.created(admin, &format!("{BASE}batches/"), &scene.batch(n));
            path = path.replace("{id}", &id);
        }
        "check_sms_text" => body = Some(json!({"message": "Hello", "transliterate": false})),
        "find_sms_usage" => {
            scene.created(admin, &format!("{BASE}messages/"), &scene.message(n));
        }
        "list_sms_opt_outs" => {
            scene.opted_out(n);
        }
        "add_sms_opt_out" => {
            scene.opted_out(n);
            body = Some(json!({"number": format!("+26373{n:07}")}));
        }
        "delete_sms_opt_out" => path = path.replace("{number}", &scene.opted_out(n)),
        "list_sms_inbound" => scene.heard(n),
        _ => panic!("{} {rest} has no sample: add one", operation.name()),
    }
    debug_assert!(body.is_some() || operation.method != Method::PUT);
    Some(Sample {
        client: admin.clone(),
        method: operation.method.clone(),
        path,
        body,
    })
}

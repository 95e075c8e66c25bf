//! Two schools with the same row ids, the same emails and other texts, so that anything that crosses over shows.

use homeroom_domain::{credentials::feed_token::FeedToken, records::Kind};
use rusqlite::types::Value as Sql;
use serde_json::json;

use crate::{
    app::TestApp,
    client::Client,
    people::{PASSWORD, School},
    samples::{
        OTHER_PASSWORD, Scene,
        records::{self, PathIds, fill},
        token_of,
    },
};

/// What only the first school's texts contain.
pub const CANARY_ALPHA: &str = "CANARY-ALPHA";
/// What only the second school's texts contain.
pub const CANARY_BETA: &str = "CANARY-BETA";

/// What must be asked for at a path, by the nouns of records that both schools have.
const QUERIES: &[(&str, &str)] = &[
    (
        "/attendance/sheet/",
        "?academic_class={academic_class}&month=2026-01",
    ),
    (
        "/attendance/summary/",
        "?academic_class={academic_class}&term={term}",
    ),
    (
        "/timetable/calendar.ics/",
        "?academic_class={academic_class}",
    ),
];
/// Where the executions of promotions are: records that only an action makes.
const EXECUTIONS: &str = "/api/v1/school/session-setup/{session_setup}/promotion-executions/";
/// What holds the registrations of a class.
const REGISTRATIONS: &str =
    "/api/v1/school/sessions/{session}/academic-classes/{academic_class}/registration/";

/// One of the two schools, with every kind of credential for it.
pub struct Twin {
    /// The school; its administrator is signed in.
    pub school: School,
    /// The administrator's password.
    pub password: &'static str,
    /// The administrator's refresh token.
    pub refresh: String,
    /// An API key for everything in this school.
    pub api_key: String,
    /// What only its texts contain.
    pub canary: &'static str,
    /// The token of the administrator's calendar feed.
    pub feed: String,
}

/// Both schools, with the ids that both know.
pub struct Twins {
    /// The platform.
    pub app: TestApp,
    /// The scene in which the first school was prepared.
    pub scene: Scene,
    /// The first school.
    pub alpha: Twin,
    /// The second school, a copy of the first with other texts and passwords.
    pub beta: Twin,
    /// The id of a record that both schools have, by the name of the resource in the path.
    pub ids: Vec<(&'static str, String)>,
    /// The ids in the path of a record that both schools have, by the path of the resource.
    pub records: Vec<(&'static str, PathIds)>,
}

impl Default for Twins {
    fn default() -> Self {
        Self::new()
    }
}

impl Twins {
    /// Makes the two schools.
    #[must_use]
    pub fn new() -> Self {
        let scene = Scene::new();
        let app = scene.app.clone();
        let alpha = scene.school.clone();
        let user = json!({
            "email": "shared@people.example", "phone_number": "+263771234567", "first_name": "A", "last_name": "B",
            "password": "for the first day", "role_ids": [alpha.role("Teacher")],
            "teacher_profile": {"staff_number": "T-1", "position": "Teacher"},
        });
        let user = alpha.admin.post("users/", &user).status(201);
        let role = json!({"name": "Own", "parent_role": alpha.role("Office"), "description": "-"});
        let ids = vec![
            ("students", scene.reference("students", 4_000)),
            ("users", user.id()),
            ("staff", user.str("teacher_profile/id")),
            ("roles", alpha.admin.post("roles/", &role).status(201).id()),
            (
                "user-role-assignments",
                alpha
                    .admin
                    .get("user-role-assignments/")
                    .status(200)
                    .str("results/0/id"),
            ),
            (
                "imports",
                alpha
                    .admin
                    .file("imports/staff/", "staff_number\nI-1\n\"\n\"\n")
                    .status(202)
                    .id(),
            ),
            (
                "audit-logs",
                alpha
                    .admin
                    .get("audit-logs/")
                    .status(200)
                    .str("results/0/id"),
            ),
        ];
        let numbered = records::all().zip(1_000..);
        let mut records: Vec<(&'static str, PathIds)> = numbered
            .map(|(resource, n)| (resource.path, scene.record(resource, n)))
            .collect();
        records.push((EXECUTIONS, scene.execution(2_000)));
        records.push((REGISTRATIONS, scene.placed(3_000)));
        records.extend(cards(&scene, &alpha));
        records.extend(scene.sms_records());
        scene.put_logo(1);
        let feed = alpha
            .admin
            .post("my/calendar-feeds/", &json!({"name": "Phone"}))
            .status(201);
        let own = PathIds::from([("id".to_owned(), feed.id())]);
        records.push(("/api/v1/school/my/calendar-feeds/", own));
        paint(&app, &alpha.slot, CANARY_ALPHA);

        let mut beta = app.school("beta");
        copy_rows(&app, &alpha.slot, &beta.slot);
        repaint(&app, &beta.slot);
        app.adopt_sms(&alpha.id, &beta.id, &beta.slot);
        let hash = app.hash(OTHER_PASSWORD);
        let other_feed = FeedToken::new([7; 32]);
        app.execute(
            &beta.slot,
            &format!(
                "update users set password_hash = '{hash}'; delete from refresh_tokens; \
                 update calendar_feeds set token_hash = '{}';",
                other_feed.digest()
            ),
        );
        for (slug, canary) in [("alpha", CANARY_ALPHA), ("beta", CANARY_BETA)] {
            app.execute(
                "CONTROL",
                &format!(
                    "update tenants set name = '{canary} school' where schema_name = '{slug}'"
                ),
            );
        }
        app.pass_seconds(10);

        let address = feed.str("address");
        let alpha = Twin::sign_in(&app, alpha, PASSWORD, CANARY_ALPHA, token_of(&address));
        beta.admin_id.clone_from(&alpha.school.admin_id);
        beta.teacher_id.clone_from(&alpha.school.teacher_id);
        let beta = Twin::sign_in(&app, beta, OTHER_PASSWORD, CANARY_BETA, other_feed.expose());
        Self {
            app,
            scene,
            alpha,
            beta,
            ids,
            records,
        }
    }

    /// The id of an exam session that both schools have.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn exam_session(&self) -> &str {
        let is_one = |(path, _): &&(&str, PathIds)| path.ends_with("/exam-sessions/");
        let (_, ids) = self.records.iter().find(is_one).expect("an exam session");
        &ids["id"]
    }

    /// The path of an operation, with the id of a record that both schools have.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let records = |(resource, _): &&(&str, PathIds)| path.starts_with(resource);
        if let Some((_, ids)) = self
            .records
            .iter()
            .filter(records)
            .max_by_key(|(resource, _)| resource.len())
        {
            let query = QUERIES.iter().find(|(end, _)| path.ends_with(end));
            let mut path = fill(path, ids) + query.map_or("", |(_, query)| query);
            if NAMES_CLASS.iter().any(|end| path.ends_with(end)) {
                path = format!("{path}?academic_class={}", ids["academic_class"]);
            }
            // What lies within the record names it by its noun.
            for resource in records::all() {
                let own = self.records.iter().find(|(path, _)| *path == resource.path);
                if let Some((_, ids)) = own {
                    path = path.replace(&format!("{{{}}}", resource.noun), &ids["id"]);
                }
            }
            return path;
        }
        let resource = path.split('/').nth(4).unwrap_or_default();
        let id = self
            .ids
            .iter()
            .find(|(name, _)| *name == resource)
            .map(|(_, id)| id.as_str());
        match id {
            Some(id) => path.replace("{id}", id),
            None if path.contains("{id}") => panic!("both schools need a record of {resource}"),
            None => path.to_owned(),
        }
    }
}

/// Where a class must be named.
const NAMES_CLASS: &[&str] = &["/report-cards/pdf/", "/report-cards/html/", "/broadsheet/"];

/// The ids of a published card, which is the administrator's own.
fn cards(scene: &Scene, school: &School) -> Vec<(&'static str, PathIds)> {
    let carded = scene.carded(9_000, Some(&school.admin_id));
    let publish = format!("{}publish/", carded.form.path());
    school.admin.act(&publish).expect(200);
    let own = school.admin.get("my/report-cards/").status(200);
    let ids: PathIds = [
        ("session", carded.form.session),
        ("exam_session", carded.form.exam_session),
        ("academic_class", carded.class),
        ("id", carded.student),
    ]
    .map(|(name, id)| (name.to_owned(), id))
    .into();
    let own = PathIds::from([("id".to_owned(), own.str("results/0/id"))]);
    let student = |name: &str| PathIds::from([(name.to_owned(), carded.person.clone())]);
    vec![
        (
            "/api/v1/school/students/{student}/transcript/",
            student("student"),
        ),
        ("/api/v1/school/my/transcripts/", student("id")),
        (
            "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/honour-roll/",
            ids.clone(),
        ),
        (
            "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/report-cards/",
            ids.clone(),
        ),
        (
            "/api/v1/school/sessions/{session}/exam-sessions/{exam_session}/broadsheet/",
            ids,
        ),
        ("/api/v1/school/my/report-cards/", own),
    ]
}

impl Twin {
    fn sign_in(
        app: &TestApp,
        mut school: School,
        password: &'static str,
        canary: &'static str,
        feed: &str,
    ) -> Self {
        let door: Client = school.anonymous();
        let login = json!({"email": "admin@alpha.example", "password": password});
        let answer = door.post("auth/login/", &login).status(200);
        school.admin = door.bearer(&answer.str("access"));
        let key =
            json!({"name": school.slug, "client": school.id, "scopes": ["chatbot.*", "school.*"]});
        let api_key = app
            .platform()
            .post("api-keys/", &key)
            .status(201)
            .str("key");
        Self {
            school,
            password,
            refresh: answer.str("refresh"),
            api_key,
            canary,
            feed: feed.to_owned(),
        }
    }
}

/// Columns with text that nothing but people reads.
fn painted() -> Vec<(&'static str, &'static str)> {
    let mut columns = vec![
        ("users", "first_name"),
        ("users", "last_name"),
        ("roles", "description"),
        ("roles", "name"),
        ("staff", "title"),
        ("staff", "position"),
        ("staff", "department"),
        ("sessions", "user_agent"),
        ("audit_logs", "actor_name"),
        ("calendar_feeds", "name"),
        ("sms_messages", "text"),
        ("sms_batches", "name"),
        ("sms_inbound", "text"),
    ];
    for table in records::all().map(|resource| resource.table) {
        // The code of an entry is another record's.
        let refers = |name: &str| (table.name, name) == ("attendance", "code");
        let texts = table
            .fields
            .iter()
            .filter(|field| matches!(field.kind, Kind::Text { .. }) && table.is_stored(field))
            .filter(|field| !refers(field.name));
        columns.extend(texts.map(|field| (table.name, field.name)));
    }
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Writes the canary into every text of people and records.
fn paint(app: &TestApp, slot: &str, canary: &str) {
    for (table, column) in painted() {
        let sql = format!("update {table} set {column} = ifnull({column}, '') || ' {canary}'");
        app.execute(slot, &sql);
    }
    let changes = format!("{{\"x\":{{\"from\":null,\"to\":\"{canary}\"}}}}");
    app.execute(
        slot,
        &format!("update audit_logs set changes = '{changes}'"),
    );
}

fn repaint(app: &TestApp, slot: &str) {
    for (table, column) in painted().into_iter().chain([("audit_logs", "changes")]) {
        let sql = format!(
            "update {table} set {column} = replace({column}, '{CANARY_ALPHA}', '{CANARY_BETA}')"
        );
        app.execute(slot, &sql);
    }
    assert!(
        !app.dump(slot).contains(CANARY_ALPHA),
        "a text of the first school is left in the second"
    );
}

fn copy_rows(app: &TestApp, from: &str, to: &str) {
    // Tables refer to each other in all directions: the references are checked at the end.
    app.execute(to, "pragma foreign_keys = off");
    for table in app.tables(from) {
        app.execute(to, &format!("delete from {table}"));
        // Without generated columns, which take no values.
        let names = format!("select group_concat(name, ', ') from pragma_table_info('{table}')");
        let names = app.with_db(from, |db| {
            db.query_row(&names, [], |row| row.get::<_, String>(0))
                .expect(&table)
        });
        let rows: Vec<Vec<Sql>> = app.with_db(from, |db| {
            let select = format!("select {names} from {table}");
            let mut statement = db.prepare(&select).expect(&table);
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
            rows.and_then(Iterator::collect).expect(&table)
        });
        app.with_db(to, |db| {
            for row in rows {
                let marks = vec!["?"; row.len()].join(", ");
                let sql = format!("insert into {table} ({names}) values ({marks})");
                db.execute(&sql, rusqlite::params_from_iter(row))
                    .unwrap_or_else(|error| panic!("{table}: {error}"));
            }
        });
    }
    app.execute(to, "pragma foreign_keys = on");
}

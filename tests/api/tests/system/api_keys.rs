use homeroom_api_tests::{Client, PUBLIC_HOST, Reply, School, TestApp, error_of};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::pinned;

struct Keyed {
    app: TestApp,
    school: School,
}

impl Keyed {
    fn new() -> Self {
        let app = TestApp::new();
        Self {
            school: app.school("greenwood"),
            app,
        }
    }

    fn create(&self, more: &Value) -> Reply {
        let mut body =
            json!({"name": "Chatbot", "client": self.school.id, "scopes": ["school.view_user"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.app.platform().post("api-keys/", &body)
    }

    /// A client with a new key, at the school; and the key's path.
    fn key(&self, more: &Value) -> (Client, String) {
        let created = self.create(more).status(201);
        (
            self.school.anonymous().api_key(&created.str("key")),
            format!("api-keys/{}/", created.id()),
        )
    }
}

fn unknown(reply: &Reply) {
    assert_eq!((reply.status, reply.code()), (401, "not_authenticated"));
}

#[test]
fn a_key_is_shown_once_and_known_by_its_prefix() {
    let keyed = Keyed::new();
    let created = keyed
        .create(
            &json!({"allowed_ips": ["203.0.113.0/24"], "expires_at": "2027-01-01T02:00:00+02:00"}),
        )
        .status(201);
    assert_json_snapshot!(pinned(&created), @r#"
    {
      "body": {
        "allowed_ips": [
          "203.0.113.0/24"
        ],
        "client": "[id]",
        "created_at": "[time]",
        "created_by": "[id]",
        "expires_at": "[time]",
        "id": "[id]",
        "key": "[key]",
        "last_used_at": null,
        "name": "Chatbot",
        "prefix": "[prefix]",
        "revoked_at": null,
        "scopes": [
          "school.view_user"
        ],
        "updated_at": "[time]"
      },
      "status": 201
    }
    "#);
    let key = created.str("key");
    assert!(key.starts_with(&created.str("prefix")) && key.starts_with("hr_test_"));
    let platform = keyed.app.platform();
    for path in [
        "api-keys/".to_owned(),
        format!("api-keys/{}/", created.id()),
        "audit-logs/".to_owned(),
    ] {
        let shown = platform.get(&path).status(200);
        let secret = key.split('_').nth(3).unwrap();
        assert!(!shown.text.contains(secret), "{path}");
    }
    assert!(!keyed.app.dump("CONTROL").contains(&key));
}

#[test]
fn scopes_decide_what_a_key_may_do() {
    let keyed = Keyed::new();
    let (exact, _) = keyed.key(&json!({"scopes": ["school.view_user"]}));
    exact.get("users/").expect(200);
    assert_eq!(
        error_of(&exact.get("staff/")),
        (403, "permission_denied".into())
    );
    assert_eq!(
        error_of(&exact.post("users/", &json!({}))),
        (403, "permission_denied".into())
    );
    let (pattern, _) = keyed.key(&json!({"scopes": ["school.view_*"]}));
    for path in [
        "users/",
        "staff/",
        "roles/",
        "audit-logs/",
        "user-role-assignments/",
    ] {
        pattern.get(path).expect(200);
    }
    assert_eq!(
        error_of(&pattern.post("staff/", &json!({"staff_number": "1"}))),
        (403, "permission_denied".into())
    );
    let (all, _) = keyed.key(&json!({"scopes": ["school.*"]}));
    all.post("staff/", &json!({"staff_number": "1"}))
        .expect(201);
    let (none, _) = keyed.key(&json!({"scopes": []}));
    assert_eq!(
        error_of(&none.get("users/")),
        (403, "permission_denied".into())
    );
    assert_eq!(
        none.get("auth/permissions/").status(200).json["permissions"],
        json!([])
    );
}

#[test]
fn scopes_name_something_that_exists() {
    let keyed = Keyed::new();
    for bad in [
        json!(["school.fly_user"]),
        json!(["school.view_dragon"]),
        json!(["fly.*"]),
        json!([""]),
        json!(["**"]),
        json!(["*.view_user"]),
        json!([7]),
    ] {
        assert_eq!(
            keyed.create(&json!({"scopes": bad})).fields(),
            ["scopes"],
            "{bad}"
        );
    }
    for good in [
        json!(["*"]),
        json!(["school.*"]),
        json!(["school.view_*", "school.add_user"]),
    ] {
        keyed.create(&json!({"scopes": good})).expect(201);
    }
}

#[test]
fn a_key_of_one_school_opens_nothing_else_and_a_global_key_opens_every_school() {
    let keyed = Keyed::new();
    let other = keyed.app.school("riverside");
    let (own, _) = keyed.key(&json!({"scopes": ["*"]}));
    own.get("users/").expect(200);
    unknown(&own.at(&other.host).get("users/"));
    unknown(&own.at(PUBLIC_HOST).base("/api/v1/system/").get("users/"));
    unknown(&own.at(PUBLIC_HOST).get("users/"));
    let (global, _) =
        keyed.key(&json!({"client": null, "scopes": ["school.view_user", "system.view_school"]}));
    for host in [&keyed.school.host, &other.host] {
        global.at(host).get("users/").expect(200);
    }
    let system = global.at(PUBLIC_HOST).base("/api/v1/system/");
    system.get("schools/").expect(200);
    assert_eq!(
        error_of(&system.get("users/")),
        (403, "permission_denied".into())
    );
}

#[test]
fn a_key_never_makes_x_schema_name_work() {
    let keyed = Keyed::new();
    let (key, _) = keyed.key(&json!({"client": null, "scopes": ["*"]}));
    for client in [
        key.at(PUBLIC_HOST),
        key.clone(),
        key.at(PUBLIC_HOST).base("/api/v1/system/"),
    ] {
        let reply = client.with("x-schema-name", "greenwood").get("users/");
        assert_eq!(
            error_of(&reply),
            (403, "schema_name_not_allowed".into()),
            "{}",
            reply.text
        );
    }
}

#[test]
fn an_expired_key_is_unknown() {
    let keyed = Keyed::new();
    assert_eq!(
        keyed
            .create(&json!({"expires_at": "2020-01-01T00:00:00Z"}))
            .fields(),
        ["expires_at"]
    );
    assert_eq!(
        keyed.create(&json!({"expires_at": "tomorrow"})).fields(),
        ["expires_at"]
    );
    let (key, _) = keyed.key(&json!({"expires_at": "2026-01-15T09:00:00Z"}));
    key.get("users/").expect(200);
    keyed.app.pass_seconds(3_600);
    unknown(&key.get("users/"));
}

#[test]
fn a_key_works_from_its_addresses_only() {
    let keyed = Keyed::new();
    let (key, path) =
        keyed.key(&json!({"allowed_ips": ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]}));
    for ip in [
        "203.0.113.9",
        "::ffff:203.0.113.9",
        "2001:db8:1::1",
        "198.51.100.7",
    ] {
        key.from(ip).get("users/").expect(200);
    }
    for ip in [
        "203.0.114.9",
        "2001:db9::1",
        "198.51.100.8",
        "nonsense",
        "203.0.113.9, 1.2.3.4",
    ] {
        assert_eq!(
            error_of(&key.from(ip).get("users/")),
            (403, "address_not_allowed".into()),
            "{ip}"
        );
    }
    assert_eq!(
        error_of(&key.get("users/")),
        (403, "address_not_allowed".into())
    );
    let forwarded = key.with("x-forwarded-for", "203.0.113.9").get("users/");
    assert_eq!(forwarded.status, 403);
    keyed
        .app
        .platform()
        .patch(&path, &json!({"allowed_ips": []}))
        .expect(200);
    keyed.app.pass_seconds(5);
    key.get("users/").expect(200);
    for bad in ["203.0.113.0/33", "example.org", "203.0.113", ""] {
        assert_eq!(
            keyed.create(&json!({"allowed_ips": [bad]})).fields(),
            ["allowed_ips"],
            "{bad}"
        );
    }
}

#[test]
fn a_revoked_key_ends_within_five_seconds_and_stays_listed() {
    let keyed = Keyed::new();
    let (key, path) = keyed.key(&json!({}));
    key.get("users/").expect(200);
    keyed.app.platform().delete(&path).expect(204);
    keyed.app.pass_seconds(5);
    unknown(&key.get("users/"));
    let found = keyed.app.platform().get(&path).status(200);
    assert_ne!(found.json["revoked_at"], json!(null));
    let listed = |query: &str| {
        keyed
            .app
            .platform()
            .get(&format!("api-keys/?{query}"))
            .status(200)
            .results()
            .len()
    };
    assert_eq!(
        (
            listed("is_revoked=true"),
            listed("is_revoked=false"),
            listed("")
        ),
        (1, 0, 1)
    );
    keyed.app.platform().delete(&path).expect(204);
    for reply in [
        keyed.app.platform().patch(&path, &json!({"name": "X"})),
        keyed.app.platform().act(&format!("{path}rotate/")),
    ] {
        assert_eq!(error_of(&reply), (409, "key_revoked".into()));
    }
    let log = keyed
        .app
        .platform()
        .get("audit-logs/?table_name=api_keys&action=DELETE")
        .status(200);
    assert_eq!(log.results().len(), 1);
}

#[test]
fn a_rotated_key_has_a_new_secret_and_the_same_rights() {
    let keyed = Keyed::new();
    let (old, path) = keyed.key(&json!({}));
    old.get("users/").expect(200);
    let rotate = keyed.app.platform().key("rotation");
    let rotated = rotate.act(&format!("{path}rotate/")).status(200);
    let again = rotate.act(&format!("{path}rotate/")).status(200);
    assert_eq!(
        (again.header("idempotent-replayed"), &again.text),
        ("true", &rotated.text)
    );
    keyed.app.pass_seconds(5);
    unknown(&old.get("users/"));
    let new = old.api_key(&rotated.str("key"));
    new.get("users/").expect(200);
    assert_eq!(new.get("staff/").status, 403);
    assert_eq!(rotated.json["scopes"], json!(["school.view_user"]));
}

#[test]
fn the_last_use_is_noted_to_the_minute() {
    let keyed = Keyed::new();
    let (key, path) = keyed.key(&json!({}));
    let noted = || keyed.app.platform().get(&path).status(200).json["last_used_at"].clone();
    assert_eq!(noted(), json!(null));
    key.get("users/").expect(200);
    let first = noted();
    assert_ne!(first, json!(null));
    keyed.app.pass_seconds(30);
    key.get("users/").expect(200);
    assert_eq!(noted(), first);
    keyed.app.pass_seconds(40);
    key.get("users/").expect(200);
    assert_ne!(noted(), first);
    let log = keyed
        .app
        .platform()
        .get("audit-logs/?table_name=api_keys")
        .status(200);
    assert_eq!(log.results().len(), 1, "a use is no change");
}

#[test]
fn a_use_from_a_forbidden_address_is_no_use() {
    let keyed = Keyed::new();
    let (key, path) = keyed.key(&json!({"allowed_ips": ["203.0.113.9"]}));
    key.from("198.51.100.1").get("users/").expect(403);
    let found = keyed.app.platform().get(&path).status(200);
    assert_eq!(found.json["last_used_at"], json!(null));
}

#[test]
fn what_a_key_does_is_recorded_under_its_name() {
    let keyed = Keyed::new();
    let (key, path) = keyed.key(&json!({"name": "Enrolment", "scopes": ["school.*"]}));
    let created = key
        .from("203.0.113.9")
        .post("staff/", &json!({"staff_number": "1"}))
        .status(201);
    let log = keyed
        .school
        .admin
        .get(&format!("audit-logs/?record_id={}", created.id()))
        .status(200);
    let line = &log.results()[0];
    assert_eq!(
        (
            &line["actor_kind"],
            &line["actor_name"],
            &line["ip_address"]
        ),
        (
            &json!("api_key"),
            &json!("Enrolment"),
            &json!("203.0.113.9")
        )
    );
    assert!(path.contains(line["actor"].as_str().unwrap()));
}

#[test]
fn a_key_is_refused_that_was_changed_by_a_letter() {
    let keyed = Keyed::new();
    let (key, _) = keyed.key(&json!({}));
    let text = key.token().to_owned();
    for at in [8, 20, text.len() - 1] {
        let mut letters: Vec<char> = text.chars().collect();
        letters[at] = if letters[at] == 'a' { 'b' } else { 'a' };
        unknown(
            &key.api_key(&letters.iter().collect::<String>())
                .get("users/"),
        );
    }
    for bad in [
        "",
        "hr_",
        "hr_test_x_y_z",
        &"a".repeat(5_000),
        &text.to_uppercase(),
    ] {
        unknown(&key.api_key(bad).get("users/"));
    }
    key.api_key(&format!(" {text} ")).get("users/").expect(200);
}

#[test]
fn a_key_for_a_school_that_does_not_exist_is_refused() {
    let keyed = Keyed::new();
    assert_eq!(
        keyed
            .create(&json!({"client": "01890000-0000-7000-8000-000000000000"}))
            .fields(),
        ["client"]
    );
    keyed
        .app
        .platform()
        .delete(&format!("schools/{}/", keyed.school.id))
        .expect(204);
    assert_eq!(keyed.create(&json!({})).fields(), ["client"]);
}

#[test]
fn a_key_stays_with_its_school() {
    let keyed = Keyed::new();
    let (_, path) = keyed.key(&json!({}));
    let other = keyed.app.school("riverside");
    for client in [json!(other.id), json!(null)] {
        let reply = keyed
            .app
            .platform()
            .patch(&path, &json!({"client": client}));
        assert_eq!(reply.fields(), ["client"]);
    }
}

#[test]
fn nobody_makes_a_key_that_may_more_than_they() {
    let keyed = Keyed::new();
    let (maker, path) = keyed.key(&json!({"client": null, "scopes": ["system.*"]}));
    let maker = maker.at(PUBLIC_HOST).base("/api/v1/system/");
    let make = |scopes: Value| maker.post("api-keys/", &json!({"name": "X", "scopes": scopes}));
    make(json!(["system.view_school"])).expect(201);
    for scopes in [json!(["*"]), json!(["school.view_user"]), json!(["s*"])] {
        assert_eq!(
            error_of(&make(scopes.clone())),
            (403, "cannot_grant".into()),
            "{scopes}"
        );
    }
    let own = maker.patch(&path, &json!({"scopes": ["*"]}));
    assert_eq!(error_of(&own), (403, "cannot_grant".into()));
    let stronger = keyed
        .create(&json!({"client": null, "scopes": ["*"]}))
        .status(201)
        .id();
    assert_eq!(
        error_of(&maker.act(&format!("api-keys/{stronger}/rotate/"))),
        (403, "cannot_grant".into())
    );
}

#[test]
fn put_replaces_and_patch_merges() {
    let keyed = Keyed::new();
    let (_, path) =
        keyed.key(&json!({"allowed_ips": ["203.0.113.9"], "expires_at": "2027-01-01T00:00:00Z"}));
    let merged = keyed
        .app
        .platform()
        .patch(&path, &json!({"name": "New"}))
        .status(200);
    assert_eq!(merged.json["allowed_ips"], json!(["203.0.113.9/32"]));
    assert_eq!(merged.json["expires_at"], "2027-01-01T00:00:00.000Z");
    let body = json!({"name": "Newer", "client": keyed.school.id, "scopes": ["school.view_role"]});
    let replaced = keyed.app.platform().put(&path, &body).status(200);
    assert_eq!(
        (&replaced.json["allowed_ips"], &replaced.json["expires_at"]),
        (&json!([]), &json!(null))
    );
    let cleared = keyed
        .app
        .platform()
        .patch(&path, &json!({"expires_at": null}))
        .status(200);
    assert_eq!(cleared.json["expires_at"], json!(null));
}

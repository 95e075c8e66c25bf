use homeroom_api_tests::{PUBLIC_HOST, TestApp, new_school, sign_in};
use insta::assert_json_snapshot;
use serde_json::{Value, json};

use crate::pinned;

#[test]
fn a_school_may_have_hosts_of_its_own() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["domain"] = json!([
        "Portal.Greenwood.Example.",
        "portal.greenwood.example",
        "b.example.org"
    ]);
    let created = app.platform().post("schools/", &body).status(201);
    let default = format!("greenwood.{PUBLIC_HOST}");
    assert_eq!(
        created.json["domain"],
        json!([default, "b.example.org", "portal.greenwood.example"])
    );
    for host in [
        "portal.greenwood.example",
        "PORTAL.greenwood.example:8443",
        "portal.greenwood.example.",
        "b.example.org",
    ] {
        sign_in(
            &app.anonymous(host).base("/api/v1/school/"),
            "admin@greenwood.example",
        )
        .get("users/")
        .expect(200);
    }
    let path = format!("schools/{}/", created.id());
    let changed = app
        .platform()
        .patch(&path, &json!({"domain": ["c.example.org"]}))
        .status(200);
    assert_eq!(changed.json["domain"], json!([default, "c.example.org"]));
    let at = |host: &str| {
        app.anonymous(host)
            .base("/api/v1/school/")
            .get("auth/me/")
            .status
    };
    assert_eq!(
        ["b.example.org", "portal.greenwood.example", "c.example.org"].map(at),
        [404, 404, 401]
    );
    assert_eq!(at(&default), 401);
    let replaced = app
        .platform()
        .put(&path, &json!({"name": "G", "code": "G"}))
        .status(200);
    assert_eq!(replaced.json["domain"], json!([default]));
}

#[test]
fn nobody_takes_a_host_of_the_platform_or_of_another_school() {
    let app = TestApp::new();
    let riverside = app.school("riverside");
    let create = |host: &str| {
        let mut body = new_school("greenwood");
        body["domain"] = json!([host]);
        app.platform().post("schools/", &body).fields()
    };
    let public = [
        PUBLIC_HOST.to_owned(),
        format!("riverside.{PUBLIC_HOST}"),
        format!("www.{PUBLIC_HOST}"),
        PUBLIC_HOST.to_uppercase(),
    ];
    for host in &public {
        assert_eq!(create(host), ["domain"], "{host}");
    }
    for host in [
        "localhost",
        "203.0.113.9",
        "a_b.example.org",
        "http://a.example.org",
        "a.example.org:80",
        "*.example.org",
        "",
    ] {
        assert_eq!(create(host), ["domain"], "{host}");
    }
    let path = format!("schools/{}/", riverside.id);
    app.platform()
        .patch(&path, &json!({"domain": ["portal.example.org"]}))
        .expect(200);
    assert_eq!(create("portal.example.org"), ["domain"]);
    assert_eq!(create("PORTAL.example.org."), ["domain"]);
}

#[test]
fn put_replaces_and_patch_merges() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["timezone"] = json!("Africa/Harare");
    body["locale"] = json!("fr-CI");
    body["cors_origins"] = json!(["https://portal.example.org"]);
    let path = format!(
        "schools/{}/",
        app.platform().post("schools/", &body).status(201).id()
    );
    let merged = app
        .platform()
        .patch(&path, &json!({"name": "New"}))
        .status(200);
    assert_eq!(
        (&merged.json["name"], &merged.json["timezone"]),
        (&json!("New"), &json!("Africa/Harare"))
    );
    assert_eq!(
        merged.json["cors_origins"],
        json!(["https://portal.example.org"])
    );
    let replaced = app
        .platform()
        .put(&path, &json!({"name": "Newer", "code": "N"}))
        .status(200);
    assert_eq!(
        (&replaced.json["code"], &replaced.json["cors_origins"]),
        (&json!("N"), &json!([]))
    );
    assert_eq!(
        (&replaced.json["timezone"], &replaced.json["locale"]),
        (&json!("UTC"), &json!("en"))
    );
}

#[test]
fn what_was_read_can_be_written_back() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["domain"] = json!(["portal.example.org"]);
    body["timezone"] = json!("Africa/Harare");
    let path = format!(
        "schools/{}/",
        app.platform().post("schools/", &body).status(201).id()
    );
    let before = app.platform().get(&path).status(200).json;
    let mut after = app.platform().put(&path, &before).status(200).json;
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
}

#[test]
fn the_slug_cannot_be_changed() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let reply = app.platform().patch(
        &format!("schools/{}/", school.id),
        &json!({"schema_name": "other"}),
    );
    assert_eq!(reply.fields(), ["schema_name"]);
}

#[test]
fn the_set_ups_progress_moves_by_itself_and_never_back() {
    let app = TestApp::new();
    app.platform()
        .post("schools/", &new_school("greenwood"))
        .expect(201);
    let progress = || {
        app.platform()
            .get("schools/?schema_name=greenwood")
            .status(200)
            .str("results/0/setup_progress")
    };
    assert_eq!(progress(), "not_started");
    let admin = sign_in(
        &app.anonymous(&format!("greenwood.{PUBLIC_HOST}")),
        "admin@greenwood.example",
    );
    assert_eq!(progress(), "in_progress");
    let staff = admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .status(201)
        .id();
    assert_eq!(progress(), "completed");
    admin.delete(&format!("staff/{staff}/")).expect(204);
    let _ = sign_in(
        &app.anonymous(&format!("greenwood.{PUBLIC_HOST}")),
        "admin@greenwood.example",
    );
    assert_eq!(progress(), "completed");
}

#[test]
fn usage_counts_without_personal_data() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    school
        .admin
        .post("staff/", &json!({"staff_number": "T-1"}))
        .expect(201);
    let path = format!("schools/{}/usage/", school.id);
    let reply = app.platform().get(&path).status(200);
    assert_json_snapshot!(pinned(&reply), @r#"
    {
      "body": {
        "active_users": 2,
        "audit_entries": 3,
        "last_login_at": "[time]",
        "open_sessions": 2,
        "roles": 6,
        "staff": 1,
        "users": 2,
        "users_signed_in_30_days": 2
      },
      "status": 200
    }
    "#);
    app.platform()
        .act(&format!("schools/{}/suspend/", school.id))
        .expect(200);
    app.platform().get(&path).expect(200);
}

#[test]
fn schools_are_searched_filtered_and_ordered() {
    let app = TestApp::new();
    for slug in ["greenwood", "riverside", "lakeside"] {
        app.platform()
            .post("schools/", &new_school(slug))
            .expect(201);
    }
    let slugs = |query: &str| {
        app.platform()
            .get(&format!("schools/?{query}"))
            .status(200)
            .column("schema_name")
    };
    assert_eq!(slugs(""), ["greenwood", "lakeside", "riverside"]);
    assert_eq!(
        slugs("ordering=-schema_name"),
        ["riverside", "lakeside", "greenwood"]
    );
    assert_eq!(
        slugs("ordering=-created_at"),
        ["lakeside", "riverside", "greenwood"]
    );
    assert_eq!(slugs("search=SIDE"), ["lakeside", "riverside"]);
    assert_eq!(
        slugs("code=greenwood&schema_name=greenwood&is_active=true&status=active"),
        ["greenwood"]
    );
    assert_eq!(slugs("is_active=false"), Vec::<String>::new());
    assert_eq!(
        slugs("setup_progress=not_started&page_size=1"),
        ["greenwood"]
    );
}

#[test]
fn every_change_of_a_school_is_in_the_audit_log() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let path = format!("schools/{}/", school.id);
    app.platform()
        .patch(&path, &json!({"name": "New name"}))
        .expect(200);
    app.platform().act(&format!("{path}suspend/")).expect(200);
    app.platform().delete(&path).expect(204);
    app.platform().act(&format!("{path}restore/")).expect(200);
    let log = app
        .platform()
        .get(&format!(
            "audit-logs/?record_id={}&ordering=timestamp",
            school.id
        ))
        .status(200);
    let lines: Vec<(Value, Value)> = log
        .results()
        .iter()
        .map(|line| {
            (
                line["action"].clone(),
                line["changes"]["status"]["to"].clone(),
            )
        })
        .collect();
    let expected = [
        ("CREATE", "provisioning"),
        ("UPDATE", ""),
        ("UPDATE", "suspended"),
        ("DELETE", "deleted"),
        ("UPDATE", "active"),
    ];
    let expected: Vec<(Value, Value)> = expected
        .iter()
        .map(|(action, to)| {
            (
                json!(action),
                if to.is_empty() {
                    Value::Null
                } else {
                    json!(to)
                },
            )
        })
        .collect();
    assert_eq!(lines[..3], expected[..3]);
    assert_eq!(
        lines.iter().map(|line| &line.0).collect::<Vec<_>>(),
        expected.iter().map(|line| &line.0).collect::<Vec<_>>()
    );
}

use homeroom_api_tests::{
    Fault, Moment, PASSWORD, PUBLIC_HOST, SLOTS, TestApp, error_of, new_school, sign_in,
};
use http::Method;
use insta::assert_json_snapshot;
use serde_json::json;

use crate::pinned;

#[test]
fn a_new_school_answers_on_its_host_at_once() {
    let app = TestApp::new();
    let created = app
        .platform()
        .post("schools/", &new_school("greenwood"))
        .status(201);
    assert_eq!(
        created.header("location"),
        format!("/api/v1/system/schools/{}/", created.id())
    );
    assert_json_snapshot!(pinned(&created), @r#"
    {
      "body": {
        "admin": {
          "email": "admin@greenwood.example",
          "id": "[id]",
          "phone_number": null
        },
        "code": "greenwood",
        "cors_origins": [],
        "created_at": "[time]",
        "created_by": "[id]",
        "deleted_at": null,
        "domain": [
          "greenwood.homeroom.example"
        ],
        "id": "[id]",
        "is_active": true,
        "locale": "en",
        "name": "greenwood school",
        "schema_name": "greenwood",
        "setup_progress": "not_started",
        "status": "active",
        "timezone": "UTC",
        "updated_at": "[time]"
      },
      "status": 201
    }
    "#);
    let door = app.anonymous(&format!("greenwood.{PUBLIC_HOST}"));
    let admin = sign_in(&door, "admin@greenwood.example");
    let me = admin.get("auth/me/").status(200);
    assert_eq!(
        (&me.json["school"]["schema_name"], &me.json["client"]),
        (&json!("greenwood"), &created.json["id"])
    );
    let roles = admin.get("roles/").status(200);
    assert_eq!(
        roles.column("name"),
        [
            "Administrator",
            "Guardian",
            "Head teacher",
            "Office",
            "Student",
            "Teacher"
        ]
    );
    app.assert_sound();
}

#[test]
fn without_a_password_the_answer_carries_a_temporary_one_once() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["admin"].as_object_mut().unwrap().remove("password");
    let created = app.platform().key("k").post("schools/", &body).status(201);
    let temporary = created.str("admin/temporary_password");
    let replayed = app.platform().key("k").post("schools/", &body).status(201);
    assert_eq!(
        (
            replayed.text,
            replayed.headers["idempotent-replayed"].to_str().unwrap()
        ),
        (created.text.clone(), "true")
    );
    let found = app.platform().get(created.header("location")).status(200);
    assert!(!found.text.contains(&temporary));
    for database in ["CONTROL".to_owned(), app.slot_of("greenwood")] {
        assert!(
            !app.dump(&database).contains(&temporary),
            "{database} holds the temporary password"
        );
    }
    let door = app.anonymous(&format!("greenwood.{PUBLIC_HOST}"));
    let login = json!({"email": "admin@greenwood.example", "password": temporary});
    let token = door.post("auth/login/", &login).status(200).str("access");
    let admin = door.bearer(&token);
    assert_eq!(
        error_of(&admin.get("users/")),
        (403, "password_change_required".into())
    );
    let change = json!({"old_password": temporary, "new_password": PASSWORD});
    let fresh = admin
        .post("auth/change-password/", &change)
        .status(200)
        .str("access");
    door.bearer(&fresh).get("users/").expect(200);
}

#[test]
fn a_school_can_begin_with_an_administrator_who_has_a_phone_only() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["admin"] = json!({"phone_number": "+263 772 123456", "first_name": "A", "last_name": "B", "password": PASSWORD});
    app.platform().post("schools/", &body).expect(201);
    let door = app.anonymous(&format!("greenwood.{PUBLIC_HOST}"));
    door.post(
        "auth/login/",
        &json!({"phone_number": "00263772123456", "password": PASSWORD}),
    )
    .expect(200);
}

#[test]
fn slugs_are_checked_and_unique_for_ever() {
    let app = TestApp::new();
    let create = |slug: &str| {
        let mut body = new_school("x-school");
        body["schema_name"] = json!(slug);
        body["code"] = json!(slug.chars().rev().take(10).collect::<String>());
        app.platform().post("schools/", &body)
    };
    for bad in [
        "a",
        "1a",
        "Greenwood",
        "green_wood",
        "green.wood",
        "-green",
        "www",
        "api",
        "admin",
        "xn--abc",
        "é-school",
        "a b",
    ] {
        assert_eq!(create(bad).fields(), ["schema_name"], "{bad}");
    }
    assert_eq!(create(&"a".repeat(64)).fields(), ["schema_name"]);
    let id = create("greenwood").status(201).id();
    assert_eq!(
        create("greenwood").fields(),
        ["code", "domain", "schema_name"]
    );
    app.platform().delete(&format!("schools/{id}/")).expect(204);
    let again = create("greenwood").fields();
    assert!(
        again.contains(&"schema_name".to_owned()),
        "a deleted school keeps its slug: {again:?}"
    );
}

#[test]
fn every_slug_that_is_accepted_has_a_host_that_answers() {
    let app = TestApp::new();
    for slug in [
        "a1",
        "st-mary-2",
        "x--y",
        &"a".repeat(63),
        "ends-with-hyphen-",
        "a-",
    ] {
        let mut body = new_school(slug);
        body["admin"]["email"] = json!("admin@people.example");
        let reply = app.platform().post("schools/", &body);
        if reply.status == 400 {
            assert_eq!(reply.fields(), ["schema_name"]);
            continue;
        }
        assert_eq!(reply.status, 201, "{}", reply.text);
        let host = format!("{slug}.{PUBLIC_HOST}");
        assert_eq!(app.anonymous(&host).get("auth/me/").status, 401, "{host}");
    }
}

#[test]
fn taken_names_are_a_400_on_their_fields_all_at_once() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["domain"] = json!(["portal.greenwood.example"]);
    app.platform().post("schools/", &body).expect(201);
    let reply = app.platform().post("schools/", &body);
    assert_eq!(reply.fields(), ["code", "domain", "schema_name"]);
}

#[test]
fn all_mistakes_of_the_school_and_its_administrator_are_told_at_once() {
    let app = TestApp::new();
    let body = json!({
        "name": "", "schema_name": "Bad Slug", "code": "much too long a code", "domain": ["no host", 7], "timezone": "!",
        "locale": "x", "cors_origins": ["http://insecure.example"],
        "admin": {"email": "x", "phone_number": "1", "first_name": "", "password": "short", "colour": 1}, "other": 1,
    });
    let reply = app.platform().post("schools/", &body);
    let expected = [
        "admin.colour",
        "admin.email",
        "admin.first_name",
        "admin.last_name",
        "admin.password",
        "admin.phone_number",
        "code",
        "cors_origins",
        "domain",
        "locale",
        "name",
        "other",
        "schema_name",
        "timezone",
    ];
    assert_eq!(reply.fields(), expected, "{}", reply.text);
}

#[test]
fn an_empty_pool_is_a_clear_503_and_nothing_is_left_behind() {
    let app = TestApp::with_slots(1);
    app.platform()
        .post("schools/", &new_school("greenwood"))
        .expect(201);
    let before = app.dump("CONTROL");
    let reply = app
        .platform()
        .key("k")
        .post("schools/", &new_school("riverside"));
    assert_eq!(error_of(&reply), (503, "no_free_database".into()));
    assert!(
        reply.text.contains("cargo xtask slots add"),
        "{}",
        reply.text
    );
    assert_ne!(reply.header("retry-after"), "");
    assert_eq!(app.dump("CONTROL"), before);
    app.execute(
        "CONTROL",
        "insert into slots (binding) values ('SLOT_0002')",
    );
    app.platform()
        .key("k")
        .post("schools/", &new_school("riverside"))
        .expect(201);
}

#[test]
fn parallel_creations_each_claim_a_slot_of_their_own() {
    let app = TestApp::new();
    let requests = (0..20).map(|n| {
        app.platform().request(
            &Method::POST,
            "schools/",
            Some(&new_school(&format!("school-{n}"))),
        )
    });
    let replies = app.run_together(requests.collect());
    let created = replies.iter().filter(|reply| reply.status == 201).count();
    let refused = replies
        .iter()
        .filter(|reply| reply.code() == "no_free_database")
        .count();
    assert_eq!((created, refused), (SLOTS, 20 - SLOTS), "{replies:?}");
    assert_eq!(
        app.count("CONTROL", "select count(distinct slot) from tenants"),
        i64::try_from(SLOTS).unwrap()
    );
    app.assert_sound();
    app.knock_everywhere();
}

#[test]
fn parallel_creations_of_one_slug_make_one_school() {
    let app = TestApp::new();
    let body = new_school("greenwood");
    let replies = app
        .platform()
        .together(8, &Method::POST, "schools/", Some(&body));
    let created = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(created, 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert!(!reply.fields().is_empty());
    }
    app.assert_sound();
}

#[test]
fn parallel_creations_with_one_key_make_one_school_and_answer_alike() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["admin"].as_object_mut().unwrap().remove("password");
    let replies = app
        .platform()
        .key("same")
        .together(8, &Method::POST, "schools/", Some(&body));
    let bodies: std::collections::BTreeSet<String> = replies
        .into_iter()
        .map(|reply| reply.status(201).text)
        .collect();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    app.assert_sound();
}

#[test]
fn a_creation_that_was_cut_short_is_finished_by_the_first_request() {
    let app = TestApp::new();
    app.platform().get("schools/").expect(200);
    for (n, nth) in (1..12).enumerate() {
        let slug = format!("school-{n}");
        app.inject(Some(Fault {
            nth,
            moment: Moment::After,
        }));
        let reply = app.platform().post("schools/", &new_school(&slug));
        app.inject(None);
        let known = app.count(
            "CONTROL",
            &format!("select count(*) from tenants where schema_name = '{slug}'"),
        );
        if known == 1 {
            let door = app.anonymous(&format!("{slug}.{PUBLIC_HOST}"));
            sign_in(&door, &format!("admin@{slug}.example"))
                .get("users/")
                .expect(200);
        } else {
            assert!(reply.status >= 500);
        }
    }
    app.assert_sound();
}

#[test]
fn a_new_school_is_active_or_the_request_is_refused() {
    let app = TestApp::new();
    let mut body = new_school("greenwood");
    body["is_active"] = json!(false);
    let reply = app.platform().post("schools/", &body);
    match reply.status {
        201 => assert_eq!(
            reply.json["is_active"],
            json!(false),
            "a wish was ignored without a word"
        ),
        _ => assert_eq!(reply.fields(), ["is_active"]),
    }
}

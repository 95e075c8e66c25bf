use homeroom_api_tests::{PASSWORD, error_of, samples::user_body};
use serde_json::{Value, json};

use super::{Place, in_both_areas};

in_both_areas! {
    a_duplicate_identifier_is_a_400_on_its_field
    a_deleted_users_address_is_free_again
    put_replaces_and_patch_merges
    what_was_read_can_be_written_back
    a_user_keeps_an_identifier
    nobody_gives_a_role_that_allows_more_than_they_may
    nobody_changes_somebody_who_may_do_more
    nobody_deactivates_or_deletes_the_own_account
    the_last_administrator_stays_whatever_is_tried
    somebody_with_the_permission_and_nobody_else
    a_role_that_does_not_exist_is_named
    every_change_is_in_the_audit_log_with_from_and_to
    all_field_errors_are_told_at_once
    a_search_finds_names_with_accents
    lists_are_searched_filtered_and_ordered
}

fn a_duplicate_identifier_is_a_400_on_its_field(place: &Place) {
    let mut body = user_body(1);
    body["phone_number"] = json!("+263772000001");
    place.admin.post("users/", &body).expect(201);
    let mut same_email = user_body(1);
    same_email["email"] = json!("USER-1@people.example");
    let reply = place.admin.post("users/", &same_email);
    assert_eq!(reply.fields(), ["email"]);
    let mut same_phone = user_body(2);
    same_phone["phone_number"] = json!("00263 772 000 001");
    assert_eq!(
        place.admin.post("users/", &same_phone).fields(),
        ["phone_number"]
    );
    let other = place.admin.post("users/", &user_body(3)).status(201).id();
    let change = json!({"email": "user-1@people.example"});
    assert_eq!(
        place
            .admin
            .patch(&format!("users/{other}/"), &change)
            .fields(),
        ["email"]
    );
}

fn a_deleted_users_address_is_free_again(place: &Place) {
    let first = place.admin.post("users/", &user_body(1)).status(201).id();
    place.admin.delete(&format!("users/{first}/")).expect(204);
    assert_eq!(
        error_of(&place.admin.get(&format!("users/{first}/"))),
        (404, "not_found".into())
    );
    assert_eq!(
        error_of(&place.admin.delete(&format!("users/{first}/"))),
        (404, "not_found".into())
    );
    let second = place.admin.post("users/", &user_body(1)).status(201).id();
    assert_ne!(first, second);
    let listed = place
        .admin
        .get("users/?email=user-1@people.example")
        .status(200);
    assert_eq!(listed.column("id"), [second]);
    let kept = format!("select count(*) from users where id = '{first}'");
    assert_eq!(
        place.app.count(&place.db, &kept),
        1,
        "the record stays for the audit log"
    );
}

fn put_replaces_and_patch_merges(place: &Place) {
    let mut body = user_body(1);
    body["phone_number"] = json!("+263772000001");
    let path = format!(
        "users/{}/",
        place.admin.post("users/", &body).status(201).id()
    );
    let merged = place
        .admin
        .patch(&path, &json!({"first_name": "Nyasha"}))
        .status(200);
    assert_eq!(
        (&merged.json["first_name"], &merged.json["phone_number"]),
        (&json!("Nyasha"), &json!("+263772000001"))
    );
    let whole = json!({"email": "new@people.example", "first_name": "X", "last_name": "Y"});
    let replaced = place.admin.put(&path, &whole).status(200);
    assert_eq!(
        (
            &replaced.json["email"],
            &replaced.json["phone_number"],
            &replaced.json["is_active"]
        ),
        (&json!("new@people.example"), &Value::Null, &json!(true))
    );
    let nothing = place.admin.patch(&path, &json!({})).status(200);
    assert_eq!(nothing.json["email"], "new@people.example");
    let cleared = place
        .admin
        .patch(
            &path,
            &json!({"phone_number": "+263772000009", "email": null}),
        )
        .status(200);
    assert_eq!(
        (&cleared.json["email"], &cleared.json["phone_number"]),
        (&Value::Null, &json!("+263772000009"))
    );
}

fn what_was_read_can_be_written_back(place: &Place) {
    let person = place.person(1);
    let path = format!("users/{}/", person.id);
    let before = place.admin.get(&path).status(200).json;
    let mut after = place.admin.put(&path, &before).status(200).json;
    after["updated_at"] = before["updated_at"].clone();
    after["roles"] = before["roles"].clone();
    assert_eq!(after, before);
    place.login(&person, PASSWORD).expect(200);
}

fn a_user_keeps_an_identifier(place: &Place) {
    let path = format!(
        "users/{}/",
        place.admin.post("users/", &user_body(1)).status(201).id()
    );
    for body in [
        json!({"email": null}),
        json!({"email": ""}),
        json!({"email": null, "phone_number": null}),
    ] {
        assert_eq!(
            place.admin.patch(&path, &body).fields(),
            ["non_field_errors"],
            "{body}"
        );
    }
    let nameless = json!({"first_name": "A", "last_name": "B"});
    assert_eq!(
        place.admin.put(&path, &nameless).fields(),
        ["non_field_errors"]
    );
    assert_eq!(
        place.admin.post("users/", &nameless).fields(),
        ["non_field_errors"]
    );
}

fn nobody_gives_a_role_that_allows_more_than_they_may(place: &Place) {
    let manager = place.user_manager();
    let strong = place.admin.get("roles/?page_size=100").status(200);
    let strong = strong
        .results()
        .iter()
        .find(|role| {
            role["is_builtin"] == true && role["name"].as_str().unwrap().contains("dministrator")
        })
        .unwrap()["id"]
        .clone();
    let mut body = user_body(1);
    body["role_ids"] = json!([strong]);
    assert_eq!(
        error_of(&manager.client.post("users/", &body)),
        (403, "cannot_grant".into())
    );
    let weak = manager
        .client
        .post("users/", &user_body(1))
        .status(201)
        .id();
    let change = json!({"role_ids": [strong]});
    assert_eq!(
        error_of(&manager.client.patch(&format!("users/{weak}/"), &change)),
        (403, "cannot_grant".into())
    );
    let myself = format!("users/{}/", manager.id);
    assert_eq!(
        error_of(&manager.client.patch(&myself, &change)),
        (403, "cannot_grant".into())
    );
    let mine = place.viewers_role("Just viewers");
    manager
        .client
        .patch(&format!("users/{weak}/"), &json!({"role_ids": [mine]}))
        .expect(200);
}

fn nobody_changes_somebody_who_may_do_more(place: &Place) {
    let manager = place.user_manager();
    let admin = place.admin.get("auth/me/").status(200).id();
    let path = format!("users/{admin}/");
    for change in [
        json!({"password": "taken over now"}),
        json!({"email": "mine@people.example"}),
        json!({"is_active": false}),
    ] {
        assert_eq!(
            error_of(&manager.client.patch(&path, &change)),
            (403, "cannot_grant".into()),
            "{change}"
        );
    }
    assert_eq!(
        error_of(&manager.client.delete(&path)),
        (403, "cannot_grant".into())
    );
}

fn nobody_deactivates_or_deletes_the_own_account(place: &Place) {
    let person = place.user_manager();
    let path = format!("users/{}/", person.id);
    let reply = person.client.patch(&path, &json!({"is_active": false}));
    assert_eq!(error_of(&reply), (409, "own_account".into()));
    assert_eq!(
        error_of(&person.client.delete(&path)),
        (409, "own_account".into())
    );
}

fn the_last_administrator_stays_whatever_is_tried(place: &Place) {
    let admin = place.admin.get("auth/me/").status(200).id();
    let path = format!("users/{admin}/");
    // A key is nobody's own account, so that only the rule about administrators is in the way.
    let key = json!({"name": "All", "scopes": ["*"]});
    let key = place
        .app
        .platform()
        .post("api-keys/", &key)
        .status(201)
        .str("key");
    let key = place.door.api_key(&key);
    let refused = |reply| {
        assert_eq!(
            error_of(&reply),
            (409, "last_administrator".into()),
            "{}",
            reply.text
        )
    };
    refused(key.delete(&path));
    refused(key.patch(&path, &json!({"is_active": false})));
    refused(key.patch(&path, &json!({"role_ids": []})));
    let whole = json!({"email": "x@people.example", "first_name": "A", "last_name": "B", "is_active": false});
    refused(key.put(&path, &whole));
    refused(place.admin.patch(&path, &json!({"role_ids": []})));
    refused(
        place
            .admin
            .patch(&path, &json!({"role_ids": [place.viewers_role("Viewers")]})),
    );
    place.app.assert_sound();

    // With a second administrator the first may go; then the second is the last.
    let role = place.admin.get(&path).status(200).str("roles/0/id");
    let mut body = user_body(1);
    body["role_ids"] = json!([role]);
    let second = place.admin.post("users/", &body).status(201).id();
    key.patch(&path, &json!({"role_ids": []})).expect(200);
    refused(key.delete(&format!("users/{second}/")));
    place.app.assert_sound();
}

fn somebody_with_the_permission_and_nobody_else(place: &Place) {
    let person = place.person(1);
    let change = json!({"role_ids": [place.viewers_role("Viewers")]});
    place
        .admin
        .patch(&format!("users/{}/", person.id), &change)
        .expect(200);
    place.app.pass_seconds(5);
    let path = format!("users/{}/", person.id);
    person.client.get("users/").expect(200);
    person.client.get(&path).expect(200);
    for reply in [
        person.client.post("users/", &user_body(1)),
        person.client.put(&path, &user_body(1)),
        person.client.patch(&path, &json!({"first_name": "X"})),
        person.client.delete(&path),
        person.client.get("roles/"),
        person.client.get("audit-logs/"),
    ] {
        assert_eq!(
            error_of(&reply),
            (403, "permission_denied".into()),
            "{}",
            reply.text
        );
    }
}

fn a_role_that_does_not_exist_is_named(place: &Place) {
    let mut body = user_body(1);
    let missing = "01890000-0000-7000-8000-00000000dead";
    body["role_ids"] = json!([missing]);
    let reply = place.admin.post("users/", &body);
    assert_eq!(reply.fields(), ["role_ids"]);
    assert!(reply.text.contains(missing));
    body["role_ids"] = json!(["nonsense"]);
    assert_eq!(place.admin.post("users/", &body).fields(), ["role_ids"]);
}

fn every_change_is_in_the_audit_log_with_from_and_to(place: &Place) {
    let admin = place.admin.get("auth/me/").status(200).json;
    let client = place
        .admin
        .from("203.0.113.9")
        .with("x-request-id", "request-77");
    let created = client.post("users/", &user_body(1)).status(201);
    let line = place.last_audit(&created.id());
    assert_eq!(
        (
            &line["action"],
            &line["table_name"],
            &line["actor_kind"],
            &line["actor"],
            &line["ip_address"],
            &line["request_id"]
        ),
        (
            &json!("CREATE"),
            &json!("users"),
            &json!("user"),
            &admin["id"],
            &json!("203.0.113.9"),
            &json!("request-77")
        )
    );
    assert_eq!(
        line["changes"]["email"],
        json!({"from": null, "to": "user-1@people.example"})
    );
    let name = format!(
        "{} {}",
        admin["first_name"].as_str().unwrap(),
        admin["last_name"].as_str().unwrap()
    );
    assert_eq!(line["actor_name"], name);
    assert_eq!(line["timestamp"], created.json["created_at"]);

    let path = format!("users/{}/", created.id());
    client
        .patch(
            &path,
            &json!({"first_name": "Nyasha", "last_name": "Moyo 1"}),
        )
        .expect(200);
    let line = place.last_audit(&created.id());
    assert_eq!(
        (&line["action"], &line["changes"]),
        (
            &json!("UPDATE"),
            &json!({"first_name": {"from": "Tariro", "to": "Nyasha"}})
        )
    );

    client.delete(&path).expect(204);
    let line = place.last_audit(&created.id());
    assert_eq!(line["action"], "DELETE");
    assert_eq!(
        line["changes"]["email"],
        json!({"from": "user-1@people.example", "to": null})
    );

    // A refused change leaves no line.
    let before = place.admin.get("audit-logs/").status(200).json["count"].clone();
    let _ = client.post("users/", &json!({})).fields();
    client.delete(&path).expect(404);
    assert_eq!(
        place.admin.get("audit-logs/").status(200).json["count"],
        before
    );
}

fn all_field_errors_are_told_at_once(place: &Place) {
    let body = json!({
        "email": "nonsense", "phone_number": "12", "first_name": "", "last_name": "x".repeat(101), "password": "short",
        "is_active": "perhaps", "role_ids": 7, "colour": "red",
    });
    let reply = place.admin.post("users/", &body);
    let expected = [
        "colour",
        "email",
        "first_name",
        "is_active",
        "last_name",
        "password",
        "phone_number",
        "role_ids",
    ];
    assert_eq!(reply.fields(), expected, "{}", reply.text);
}

fn a_search_finds_names_with_accents(place: &Place) {
    let mut body = user_body(1);
    body["first_name"] = json!("Élodie");
    body["last_name"] = json!("N'Guessan-Žižková");
    let id = place.admin.post("users/", &body).status(201).id();
    for text in [
        "%C3%89lodie",
        "N%27guessan",
        "lodie",
        "%C5%BDi%C5%BEkov%C3%A1",
        "GUESSAN",
    ] {
        let found = place
            .admin
            .get(&format!("users/?search={text}"))
            .status(200);
        assert_eq!(found.column("id"), [id.as_str()], "{text}");
    }
}

fn lists_are_searched_filtered_and_ordered(place: &Place) {
    for (n, (first, last)) in [("Anna", "zulu"), ("anna", "Yankee"), ("Bob", "Xray")]
        .iter()
        .enumerate()
    {
        let mut body = user_body(u32::try_from(n).unwrap());
        body["first_name"] = json!(first);
        body["last_name"] = json!(last);
        body["is_active"] = json!(n != 2);
        place.admin.post("users/", &body).expect(201);
    }
    let last_names = |query: &str| {
        place
            .admin
            .get(&format!("users/?search=people.example&{query}"))
            .status(200)
            .column("last_name")
    };
    assert_eq!(last_names("ordering=last_name"), ["Xray", "Yankee", "zulu"]);
    assert_eq!(
        last_names("ordering=-last_name"),
        ["zulu", "Yankee", "Xray"]
    );
    assert_eq!(
        last_names("ordering=first_name,last_name"),
        ["Yankee", "zulu", "Xray"]
    );
    assert_eq!(last_names("is_active=false"), ["Xray"]);
    assert_eq!(last_names("email=USER-1@people.example"), ["Yankee"]);
    assert_eq!(
        place
            .admin
            .get("users/?search=ANNA&ordering=last_name")
            .status(200)
            .column("last_name"),
        ["Yankee", "zulu"]
    );
    assert_eq!(
        place
            .admin
            .get("users/?search=%25")
            .status(200)
            .results()
            .len(),
        0,
        "a percent sign is no wildcard"
    );
    assert_eq!(
        place
            .admin
            .get("users/?search=_nna")
            .status(200)
            .results()
            .len(),
        0,
        "an underscore is no wildcard"
    );
}

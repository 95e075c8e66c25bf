//! Who may do what, from the route list itself: every operation needs one permission, the one that its name promises.

use std::collections::BTreeMap;

use homeroom_api_tests::{
    Client, PASSWORD, PUBLIC_HOST,
    document::{Operation, operations},
    error_of,
    samples::{Scene, records},
    sign_in,
};
use serde_json::json;

/// Operations for everybody who is signed in, and for everybody.
const WITHOUT_PERMISSION: &[&str] = &[
    "login",
    "refresh",
    "find_me",
    "find_own_permissions",
    "logout",
    "logout_all",
    "change_password",
    "list_permissions",
];

/// The permission that an operation's name promises.
fn promised(operation: &Operation) -> String {
    // Actions with permissions of their own, or with those of something else than the path says.
    let own = match operation.id.as_str() {
        "execute_promotions" | "undo_promotion_execution" => Some("school.execute_promotion"),
        "propose_student_promotions" => Some("school.add_student_promotion"),
        "replace_student_promotions" => Some("school.change_student_promotion"),
        "copy_structure" => Some("school.change_session_setup"),
        "preview_promotions"
        | "list_promotion_executions"
        | "find_promotion_execution"
        | "list_student_promotion_history" => Some("school.view_student_promotion"),
        _ => None,
    };
    if let Some(own) = own {
        return own.to_owned();
    }
    let plain = records::of(operation).map(|resource| resource.noun);
    let resource = match plain {
        Some(noun) => noun,
        None => resource_of(operation),
    };
    let verb = match operation.id.split('_').next().unwrap() {
        "list" | "find" => "view",
        "create" | "provision" | "place" => "add",
        "replace" | "update" | "rotate" | "remove" => "change",
        "delete" | "restore" => "delete",
        "suspend" | "activate" => "suspend",
        other => panic!("which permission does {other} need? Say so here"),
    };
    format!("{}.{verb}_{resource}", operation.area)
}

fn resource_of(operation: &Operation) -> &'static str {
    match operation.path.split('/').nth(4).unwrap() {
        "users" => "user",
        "staff" => "staff",
        "roles" => "role",
        "user-role-assignments" => "user_role_assignment",
        "audit-logs" => "audit_log",
        "session-setup" => "session_setup",
        "admissions" => "admission",
        "guardians" => "student_guardian",
        "sessions" if operation.path.contains("/registration/") => "student_session",
        "schools" => "school",
        "api-keys" => "api_key",
        other => panic!("which permission does {other} need? Say so here"),
    }
}

fn guarded() -> Vec<Operation> {
    let all = operations().into_iter();
    all.filter(|operation| !WITHOUT_PERMISSION.contains(&operation.id.as_str()))
        .collect()
}

/// A client for every permission that exists, who holds it and no other.
fn holders(scene: &Scene, area: &str) -> BTreeMap<String, Client> {
    let platform = scene.app.platform();
    let names = platform
        .get("permissions/")
        .status(200)
        .column("codename")
        .into_iter();
    let holder = |codename: String| {
        let body = json!({"name": codename, "scopes": [codename]});
        let key = platform.post("api-keys/", &body).status(201).str("key");
        let door = if area == "system" {
            scene.app.anonymous(PUBLIC_HOST)
        } else {
            scene.school.anonymous()
        };
        (codename, door.api_key(&key))
    };
    names.map(holder).collect()
}

fn needs_one_permission(area: &str) {
    let scene = Scene::new();
    let holders = holders(&scene, area);
    assert!(holders.len() >= 35, "{} permissions", holders.len());
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.area == area)
    {
        let mut sample = scene.prepare(&operation);
        // A staff record within a user needs a permission of its own.
        if let Some(body) = sample
            .body
            .as_mut()
            .and_then(serde_json::Value::as_object_mut)
        {
            body.remove("teacher_profile");
        }
        let promised = promised(&operation);
        assert!(
            holders.contains_key(&promised),
            "{}: there is no permission {promised}",
            operation.name()
        );
        for (codename, client) in &holders {
            if *codename == promised {
                continue;
            }
            let reply = sample.send_as(client);
            let case = format!("{} with {codename} alone: {}", operation.name(), reply.text);
            assert_eq!(
                error_of(&reply),
                (403, "permission_denied".into()),
                "{case}"
            );
            assert!(reply.text.contains(&promised), "{case}");
        }
        let reply = sample.send_as(&holders[&promised]);
        assert_ne!(
            reply.code(),
            "permission_denied",
            "{}: {}",
            operation.name(),
            reply.text
        );
    }
}

#[test]
fn every_operation_of_the_system_area_needs_the_permission_that_its_name_promises() {
    needs_one_permission("system");
}

#[test]
fn every_operation_of_the_school_area_needs_the_permission_that_its_name_promises() {
    needs_one_permission("school");
}

#[test]
fn every_permission_opens_something() {
    let scene = Scene::new();
    let promised: Vec<String> = guarded().iter().map(promised).collect();
    for codename in scene
        .app
        .platform()
        .get("permissions/")
        .status(200)
        .column("codename")
    {
        assert!(promised.contains(&codename), "{codename} opens no route");
    }
}

#[test]
fn somebody_without_any_role_sees_the_own_account_and_nothing_else() {
    let scene = Scene::new();
    let body = json!({"email": "nobody@people.example", "first_name": "N", "last_name": "O", "password": PASSWORD});
    scene.app.platform().post("users/", &body).expect(201);
    scene.school.admin.post("users/", &body).expect(201);
    for operation in operations() {
        let door = if operation.area == "system" {
            scene.app.anonymous(PUBLIC_HOST)
        } else {
            scene.school.anonymous()
        };
        let client = sign_in(&door, "nobody@people.example");
        let sample = scene.prepare(&operation);
        let before = scene.app.dump("CONTROL") + &scene.app.dump(&scene.school.slot);
        let reply = sample.send_as(&client);
        if WITHOUT_PERMISSION.contains(&operation.id.as_str()) {
            assert!(
                (200..300).contains(&reply.status) || operation.id == "change_password",
                "{}: {}",
                operation.name(),
                reply.text
            );
            if operation.id == "change_password" && reply.status == 200 {
                let change = json!({"password": PASSWORD});
                let id = door
                    .bearer(&reply.str("access"))
                    .get("auth/me/")
                    .status(200)
                    .id();
                let admin = if operation.area == "system" {
                    scene.app.platform()
                } else {
                    scene.school.admin.clone()
                };
                admin.patch(&format!("users/{id}/"), &change).expect(200);
            }
            continue;
        }
        assert_eq!(
            error_of(&reply),
            (403, "permission_denied".into()),
            "{}: {}",
            operation.name(),
            reply.text
        );
        let after = scene.app.dump("CONTROL") + &scene.app.dump(&scene.school.slot);
        assert_eq!(before, after, "{} changed something", operation.name());
    }
}

#[test]
fn whoever_lacks_a_permission_learns_nothing_of_what_exists() {
    let scene = Scene::new();
    let student = scene.school.user("student@people.example", "Student");
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.area == "school" && operation.path.contains("{id}"))
    {
        let sample = scene.prepare(&operation);
        let real = sample.send_as(&student);
        let path = operation
            .path
            .replace("{id}", "01890000-0000-7000-8000-00000000dead");
        let missing = student.send(&sample.method, &path, sample.body.as_ref());
        assert_eq!(
            (real.status, &real.text),
            (missing.status, &missing.text),
            "{}",
            operation.name()
        );
    }
}

#[test]
fn what_is_missing_is_404_for_who_may() {
    let scene = Scene::new();
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.path.contains("{id}"))
    {
        let sample = scene.prepare(&operation);
        for id in [
            "01890000-0000-7000-8000-00000000dead",
            "1",
            "x",
            "%00",
            "null",
            "01890000000070008000000000000000",
        ] {
            let path = operation.path.replace("{id}", id);
            let reply = sample
                .client
                .send(&sample.method, &path, sample.body.as_ref());
            assert_eq!(
                error_of(&reply),
                (404, "not_found".into()),
                "{}: {id}: {}",
                operation.name(),
                reply.text
            );
        }
    }
}

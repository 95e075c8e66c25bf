//! Who may do what, from the route list itself: every operation needs one permission, the one that its name promises.

use std::collections::BTreeMap;

use homeroom_api_tests::{
    Client, PASSWORD, PUBLIC_HOST,
    document::{Operation, operations},
    error_of,
    samples::{Scene, records},
    sign_in,
};
use homeroom_school::Resource;
use homeroom_store::school::imports::sheet;
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
    "request_password_reset",
    "confirm_password_reset",
    "list_permissions",
    "list_own_report_cards",
    "find_own_report_card",
    "find_own_transcript",
    "find_logo",
    "list_own_calendar_feeds",
    "create_own_calendar_feed",
    "find_own_calendar_feed",
    "delete_own_calendar_feed",
    "read_calendar_feed",
];

/// Operations whose permission is not in their name and path.
const ACTIONS: &[(&str, &str)] = &[
    ("test_webhook", "system.change_webhook"),
    ("retry_webhook_delivery", "system.change_webhook"),
    ("submit_exam_session", "school.publish_report_card"),
    ("return_exam_session", "school.publish_report_card"),
    ("lock_exam_session", "school.publish_report_card"),
    ("unlock_exam_session", "school.publish_report_card"),
    ("replace_exam_session_parts", "school.change_exam_session"),
    ("auto_create_teacher_exams", "school.add_exam"),
    ("save_mark_sheet", "school.change_mark"),
    ("find_mark_sheet", "school.view_mark"),
    ("list_missing_marks", "school.view_mark"),
    ("enter_attendance", "school.add_attendance"),
    (
        "approve_leave_application",
        "school.decide_leave_application",
    ),
    (
        "reject_leave_application",
        "school.decide_leave_application",
    ),
    (
        "withdraw_leave_application",
        "school.decide_leave_application",
    ),
    ("delete_logo", "school.change_report_setting"),
    ("check_timetable", "school.view_timetable"),
    ("execute_promotions", "school.execute_promotion"),
    ("undo_promotion_execution", "school.execute_promotion"),
    ("propose_student_promotions", "school.add_student_promotion"),
    (
        "replace_student_promotions",
        "school.change_student_promotion",
    ),
    ("offer_application", "school.decide_application"),
    ("waitlist_application", "school.decide_application"),
    ("reject_application", "school.decide_application"),
    ("decline_application", "school.decide_application"),
    ("withdraw_application", "school.decide_application"),
    ("reopen_application", "school.decide_application"),
    ("decide_applications", "school.decide_application"),
    ("enrol_application", "school.decide_application"),
    ("erase_student", "school.erase_student"),
    ("set_student_pin", "school.change_student_pin"),
    ("delete_student_pin", "school.change_student_pin"),
    ("set_class_pins", "school.change_student_pin"),
    ("find_students_by_phone", "chatbot.view_student"),
    ("find_results", "chatbot.view_result"),
    ("list_academic_sessions", "chatbot.view_result"),
    ("list_released_exam_sessions", "chatbot.view_result"),
    ("list_family_notices", "chatbot.view_notice"),
    ("copy_structure", "school.change_session_setup"),
    ("send_notice_sms", "school.send_sms"),
    ("create_sms_message", "school.send_sms"),
    ("cancel_sms_message", "school.send_sms"),
    ("create_sms_batch", "school.send_sms"),
    ("cancel_sms_batch", "school.send_sms"),
    ("check_sms_text", "school.send_sms"),
    ("add_sms_opt_out", "school.send_sms"),
    ("delete_sms_opt_out", "school.send_sms"),
    ("replace_sms_settings", "school.change_sms_settings"),
    ("update_sms_settings", "school.change_sms_settings"),
    ("preview_promotions", "school.view_student_promotion"),
    ("list_promotion_executions", "school.view_student_promotion"),
    ("find_promotion_execution", "school.view_student_promotion"),
    (
        "list_student_promotion_history",
        "school.view_student_promotion",
    ),
];

/// The permission that an operation's name promises.
fn promised(operation: &Operation) -> String {
    if let Some((_, codename)) = ACTIONS.iter().find(|(id, _)| *id == operation.id) {
        return (*codename).to_owned();
    }
    let plain = records::of(operation).map(Resource::permission);
    let resource = match plain {
        Some(noun) => noun,
        None => resource_of(operation),
    };
    let verb = match operation.id.split('_').next().unwrap() {
        "list" | "find" | "compute" | "check" | "print" | "render" | "export" => "view",
        "create" | "provision" | "place" | "import" => "add",
        "replace" | "update" | "rotate" | "remove" | "reset" => "change",
        "delete" | "restore" => "delete",
        "suspend" | "activate" => "suspend",
        "publish" | "unpublish" => "publish",
        "withhold" | "release" => "withhold",
        other => panic!("which permission does {other} need? Say so here"),
    };
    format!("{}.{verb}_{resource}", operation.area)
}

fn resource_of(operation: &Operation) -> &'static str {
    if operation.tag == "report-cards" {
        return "report_card";
    }
    match operation.path.split('/').nth(4).unwrap() {
        "users" => "user",
        "staff" => "staff",
        "roles" => "role",
        "user-role-assignments" => "user_role_assignment",
        "audit-logs" => "audit_log",
        "attendance" => "attendance",
        "timetable" => "timetable",
        "session-setup" => "session_setup",
        "admissions" => "admission",
        "applications" => "application",
        "guardians" => "student_guardian",
        "sessions" if operation.path.contains("/registration/") => "student_session",
        "schools" => "school",
        "api-keys" => "api_key",
        "webhooks" => "webhook",
        "academic-settings" => "academic_setting",
        "report-settings" | "logo" => "report_setting",
        "imports" => "import",
        "exports" => "export",
        "sms" => "sms",
        other => panic!("which permission does {other} need? Say so here"),
    }
}

/// What an operation needs besides: what is imported is created and changed, what is exported is seen.
fn besides(operation: &Operation) -> &'static [&'static str] {
    // The bands of a scale come and go.
    if operation.id == "replace_scale" {
        return &[
            "school.add_academic_setting",
            "school.delete_academic_setting",
        ];
    }
    if operation.id == "enrol_application" {
        return &[
            "school.add_admission",
            "school.add_guardian",
            "school.add_student_guardian",
            "school.add_student_session",
        ];
    }
    // Exported, and not imported.
    if operation.id == "export_applications" {
        return &["school.view_application"];
    }
    let (verb, name) = operation.id.split_once('_').unwrap();
    match (verb, sheet(name)) {
        ("import", Some(sheet)) => sheet.to_import,
        ("export", Some(sheet)) => sheet.to_see,
        _ => &[],
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
        let client = holder_of(scene, area, &[&codename]);
        (codename, client)
    };
    names.map(holder).collect()
}

/// A client who holds these permissions and no others.
fn holder_of(scene: &Scene, area: &str, codenames: &[&str]) -> Client {
    let body = json!({"name": codenames[0], "scopes": codenames});
    let keys = scene.app.platform().post("api-keys/", &body).status(201);
    let door = if area == "system" {
        scene.app.anonymous(PUBLIC_HOST)
    } else {
        scene.school.anonymous()
    };
    door.api_key(&keys.str("key"))
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
        let besides = besides(&operation);
        let mut held = vec![promised.as_str()];
        for lacking in besides {
            let reply = sample.send_as(&holder_of(&scene, area, &held));
            let case = format!("{} with {held:?}: {}", operation.name(), reply.text);
            assert_eq!(
                error_of(&reply),
                (403, "permission_denied".into()),
                "{case}"
            );
            assert!(reply.text.contains(lacking), "{case}");
            held.push(lacking);
        }
        let reply = sample.send_as(&holder_of(&scene, area, &held));
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
        // It widens what others open, to everybody's subjects.
        let opens = promised.contains(&codename) || codename == "school.manage_mark";
        assert!(opens, "{codename} opens no route");
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
            // Nobody else's card or feed is there for who has none.
            let is_own = operation.path.contains("/my/") && operation.path.contains("{id}");
            let is_nothing = is_own && reply.status == 404;
            assert!(
                (200..300).contains(&reply.status)
                    || operation.id == "change_password"
                    || is_nothing,
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
    let _ = scene.school.new_role("Nothing", &[]);
    let nobody = scene.school.user("nobody@people.example", "Nothing");
    for operation in guarded()
        .into_iter()
        .filter(|operation| operation.area == "school" && operation.path.contains("{id}"))
    {
        let sample = scene.prepare(&operation);
        let real = sample.send_as(&nobody);
        let path = operation
            .path
            .replace("{id}", "01890000-0000-7000-8000-00000000dead");
        let missing = nobody.send(&sample.method, &path, sample.body.as_ref());
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

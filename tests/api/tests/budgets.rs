//! What a request costs: round trips to databases, and rows written.

use std::fmt::Write as _;

use homeroom_api_tests::{
    document::{Operation, operations},
    samples::{Scene, records},
};
use http::Method;
use insta::assert_snapshot;

#[test]
fn a_list_or_a_record_costs_two_trips_and_one_when_the_actor_is_known() {
    let reads: Vec<_> = operations()
        .into_iter()
        .filter(|operation| operation.method == Method::GET)
        .collect();
    // Time passes with each operation, and sign-ins end after a quarter of an hour.
    for portion in reads.chunks(50) {
        reads_cost(portion);
    }
}

fn reads_cost(reads: &[Operation]) {
    let scene = Scene::new();
    for operation in reads {
        let sample = scene.prepare(operation);
        // What is asked for lies in another database, or a page is found before its cards are worked out.
        let goes_twice = [
            "find_school_usage",
            "find_sms_usage",
            "list_report_cards",
            "find_honour_roll",
        ];
        let more = u64::from(goes_twice.contains(&operation.id.as_str()));
        // The isolate knows the school, and nobody.
        scene.app.pass_seconds(10);
        let _ = scene.school.anonymous().get("auth/me/");
        let first = sample.send().status(200).trips();
        // Other areas' isolates do not even know the school, and the gateway's not as which app it sends.
        let is_elsewhere = if operation.path.starts_with("/api/v1/school/sms/") {
            2
        } else {
            u64::from(operation.path.starts_with("/api/v1/chatbot/"))
        };
        let most = 2 + more + is_elsewhere;
        assert!(first <= most, "{}: {first} trips", operation.name());
        let second = sample.send().status(200).trips();
        let needs_none =
            ["list_permissions", "find_own_permissions"].contains(&operation.id.as_str());
        // A feed finds its user anew each time: nothing of what was ended is shown.
        let finds_anew = u64::from(operation.id == "read_calendar_feed");
        let expected = if needs_none { 0 } else { 1 + more + finds_anew };
        assert_eq!(second, expected, "{}", operation.name());
    }
}

#[test]
fn writes_cost_few_trips() {
    let scene = Scene::new();
    let mut table = String::new();
    for operation in operations()
        .into_iter()
        .filter(homeroom_api_tests::document::Operation::writes)
    {
        let sample = scene.prepare(&operation);
        // The isolate knows the school and the actor.
        let _ = sample.client.get("auth/permissions/");
        let _ = sample.client.get("permissions/");
        let trips = sample.send().trips();
        if records::of(&operation).is_some() {
            // One to read, one to write, and one more where a resource has rules that look around.
            assert!(trips <= 3, "{trips} {}", operation.name());
            continue;
        }
        writeln!(table, "{trips} {}", operation.name()).unwrap();
    }
    assert_snapshot!(table, @"
    2 system.create_api_key
    2 system.delete_api_key
    2 system.update_api_key
    2 system.replace_api_key
    2 system.rotate_api_key
    2 system.change_password
    2 system.login
    1 system.logout_all
    1 system.logout
    2 system.refresh
    1 system.create_role
    2 system.delete_role
    2 system.update_role
    2 system.replace_role
    6 system.create_school
    2 system.delete_school
    3 system.update_school
    3 system.replace_school
    2 system.activate_school
    6 system.provision_school
    4 system.restore_school
    2 system.suspend_school
    1 system.create_user
    2 system.delete_user
    2 system.update_user
    2 system.replace_user
    1 system.create_webhook
    2 system.delete_webhook
    2 system.update_webhook
    3 system.retry_webhook_delivery
    2 system.rotate_webhook_secret
    2 system.test_webhook
    2 school.replace_scale
    2 school.decide_applications
    2 school.decline_application
    4 school.enrol_application
    2 school.offer_application
    2 school.reject_application
    2 school.reopen_application
    2 school.waitlist_application
    2 school.withdraw_application
    2 school.enter_attendance
    2 school.change_password
    2 school.login
    1 school.logout_all
    1 school.logout
    5 school.request_password_reset
    2 school.confirm_password_reset
    2 school.refresh
    2 school.import_classes
    2 school.import_guardians
    3 school.import_marks
    2 school.import_registrations
    2 school.import_staff
    2 school.import_students
    2 school.approve_leave_application
    2 school.reject_leave_application
    2 school.withdraw_leave_application
    2 school.delete_logo
    2 school.replace_logo
    1 school.create_own_calendar_feed
    2 school.delete_own_calendar_feed
    6 school.send_notice_sms
    2 school.update_report_settings
    2 school.replace_report_settings
    2 school.reset_report_settings
    2 school.create_role
    2 school.delete_role
    3 school.update_role
    3 school.replace_role
    2 school.copy_structure
    2 school.execute_promotions
    1 school.preview_promotions
    2 school.undo_promotion_execution
    2 school.replace_student_promotions
    2 school.propose_student_promotions
    2 school.set_class_pins
    1 school.place_students
    2 school.remove_student_from_class
    3 school.update_class_registration
    3 school.replace_class_registration
    2 school.auto_create_teacher_exams
    2 school.save_mark_sheet
    1 school.compute_report_cards
    2 school.replace_report_card_comments
    2 school.release_report_card
    2 school.withhold_report_card
    2 school.lock_exam_session
    2 school.replace_exam_session_parts
    2 school.publish_exam_session
    2 school.return_exam_session
    2 school.submit_exam_session
    2 school.unlock_exam_session
    2 school.unpublish_exam_session
    1 school.create_staff
    2 school.delete_staff
    2 school.update_staff
    2 school.replace_staff
    4 school.erase_student
    2 school.delete_student_pin
    2 school.set_student_pin
    2 school.check_timetable
    3 school.create_user_role_assignment
    3 school.delete_user_role_assignment
    5 school.update_user_role_assignment
    5 school.replace_user_role_assignment
    2 school.create_user
    3 school.delete_user
    3 school.update_user
    5 school.replace_user
    5 school.create_sms_batch
    3 school.cancel_sms_batch
    1 school.check_sms_text
    5 school.create_sms_message
    2 school.cancel_sms_message
    5 school.add_sms_opt_out
    2 school.delete_sms_opt_out
    4 school.update_sms_settings
    4 school.replace_sms_settings
    ");
}

/// Rows and index entries that a request writes, by table, as D1 counts them.
#[test]
fn a_creation_writes_few_rows() {
    let scene = Scene::new();
    let mut table = String::new();
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.id.starts_with("create_"))
    {
        let sample = scene.prepare(&operation);
        let _ = sample.client.get("auth/permissions/");
        let _ = scene.app.take_batches();
        sample.send().expect(201);
        let rows: u64 = scene
            .app
            .take_batches()
            .iter()
            .map(|batch| batch.changes)
            .sum();
        if records::of(&operation).is_some() {
            assert!(rows <= 10, "{rows} {}", operation.name());
            continue;
        }
        writeln!(table, "{rows} {}", operation.name()).unwrap();
    }
    assert_snapshot!(table, @"
    2 system.create_api_key
    4 system.create_role
    111 system.create_school
    2 system.create_user
    2 system.create_webhook
    2 school.create_own_calendar_feed
    3 school.create_role
    4 school.create_staff
    2 school.create_user_role_assignment
    10 school.create_user
    5 school.create_sms_batch
    4 school.create_sms_message
    ");
}

#[test]
fn a_sign_in_verifies_one_password() {
    let scene = Scene::new();
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.id == "login")
    {
        let sample = scene.prepare(&operation);
        let before = scene.app.password_work();
        let reply = sample.send().status(200);
        let after = scene.app.password_work();
        assert_eq!(
            (
                after["verify"] - before["verify"],
                after["hash"] - before["hash"]
            ),
            (1, 0),
            "{}",
            operation.name()
        );
        assert!(
            reply.trips() <= 4,
            "{}: {} trips",
            operation.name(),
            reply.trips()
        );
    }
}

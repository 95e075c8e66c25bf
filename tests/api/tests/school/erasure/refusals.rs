//! Who is not erased, and what an erased student is kept out of.

use homeroom_api_tests::samples::Scene;
use serde_json::{Value, json};

use super::{Place, key_for, refused};

#[test]
fn who_has_not_left_is_not_erased() {
    let place = Place::new();
    let before = place.dump();
    refused(&place.erase(), 409, "student_enrolled");
    assert_eq!(place.dump(), before);
    // Graduates finish their year: they are in it until it is over.
    place.change(&json!({"enrolment": "graduated"})).expect(200);
    let session = format!("sessions/{}/", place.golden.form.session);
    let present = |is_active: bool| {
        let body = json!({"is_active": is_active});
        place.admin().patch(&session, &body).expect(200);
    };
    present(true);
    refused(&place.erase(), 409, "student_enrolled");
    present(false);
    place.erase().expect(200);
}

#[test]
fn the_number_is_typed_again_and_the_reason_names_nobody() {
    let place = Place::new();
    place
        .change(&json!({"parent_name": "Rudo Chikomo"}))
        .expect(200);
    let _ = place.guardian("Tendai", "+263771000001");
    place.leave();
    let number = place.record()["student_id"].clone();
    let before = place.dump();
    let wrong = place.erase_by(&json!("2026-9999"), "Asked for.");
    assert_eq!(wrong.fields(), ["student_id"]);
    let said = number.as_str().unwrap();
    for reason in [
        "Anesu asked for it.",
        "asked for by ANESU's parents",
        "the Moyo family",
        "Mrs. Chikomo asked",
        "Tendai asked, her mother",
        &format!("see {said}."),
    ] {
        assert_eq!(
            place.erase_by(&number, reason).fields(),
            ["reason"],
            "{reason}"
        );
    }
    for (body, field) in [
        (json!({"reason": "Asked for."}), "student_id"),
        (json!({"student_id": number}), "reason"),
        (json!({"student_id": number, "reason": " "}), "reason"),
    ] {
        let path = format!("students/{}/erase/", place.student);
        assert_eq!(place.admin().post(&path, &body).fields(), [field]);
    }
    assert_eq!(place.dump(), before);
    place
        .erase_by(&number, "Asked for by the family.")
        .expect(200);
}

#[test]
fn a_second_time_answers_the_same_and_changes_nothing() {
    let place = Place::new();
    place.leave();
    let number = place.record()["student_id"].clone();
    let first = place.erase().status(200).json;
    assert_eq!(first["student_id"], format!("erased-{}", place.student));
    let before = place.dump();
    place.app.pass_seconds(60);
    assert_eq!(place.erase_by(&number, "Again.").status(200).json, first);
    assert_eq!(place.erase().status(200).json, first);
    assert_eq!(place.dump(), before);
}

#[test]
fn an_erased_record_says_so_and_nothing_else() {
    let place = Place::new();
    place
        .change(&json!({"middle_name": "T", "dob": "2012-02-29", "gender": "male", "parent_name": "P", "parent_phone": "1",
            "address": "A"}))
        .expect(200);
    place.leave();
    let before = place.record();
    let erased = place.erase().status(200).json;
    let mut expected = before;
    for (field, value) in [
        ("student_id", erased["student_id"].clone()),
        ("first_name", json!("Erased")),
        ("middle_name", json!("")),
        ("last_name", json!("student")),
        ("dob", json!(null)),
        ("gender", json!("")),
        ("parent_name", json!("")),
        ("parent_phone", json!("")),
        ("address", json!("")),
        ("erased_at", erased["erased_at"].clone()),
        ("updated_at", erased["erased_at"].clone()),
    ] {
        expected[field] = value;
    }
    assert_eq!(place.record(), expected);
}

#[test]
fn an_erased_student_is_offered_nowhere() {
    let place = Place::new();
    place.leave();
    let counts = |query: &str| {
        let list = place.admin().get(&format!("admissions/?{query}"));
        list.status(200).json["count"].clone()
    };
    let all = counts("");
    let number = place.erase().status(200).str("student_id");
    assert_eq!(all, json!(6));
    assert_eq!((counts(""), counts("erased=false")), (json!(5), json!(5)));
    assert_eq!(
        (counts("erased=true"), counts("search=student")),
        (json!(1), json!(0))
    );
    assert_eq!(counts("search=Anesu&erased=true"), json!(0));
    for file in [
        "students.csv".to_owned(),
        "registrations.csv".to_owned(),
        format!("marks.csv?exam_session={}", place.golden.form.exam_session),
    ] {
        let export = place.admin().get(&format!("exports/{file}")).status(200);
        assert!(!export.text.contains(&number), "{file}");
        assert!(export.text.contains("G-"), "{file}: {}", export.text);
    }
    for (kind, id) in [("students", &place.student), ("classes", &place.golden.a)] {
        let body = json!({"audience": {"kind": kind, "ids": [id]}, "message": "Hello"});
        let batch = place.admin().post("sms/batches/", &body);
        assert!(!batch.text.contains("Erased"), "{kind}: {}", batch.text);
        assert!(batch.status >= 400, "{kind}");
    }
}

#[test]
fn a_chatbot_finds_an_erased_student_by_no_number() {
    let scene = Scene::new();
    let family = scene.family(1);
    let admin = &scene.school.admin;
    let path = format!("admissions/{}/", family.student);
    admin
        .patch(&path, &json!({"enrolment": "graduated"}))
        .expect(200);
    let body = json!({"title": "For pupils", "body": "Hello", "audience": "students"});
    admin.post("notices/", &body).expect(201);
    let bot = key_for(&scene.app, &scene.school, &["chatbot.*"]).base("/api/v1/chatbot/");
    let found = |query: &str| bot.get(&format!("students/?phone={query}")).status(200);
    let notices = |number: &str| {
        let list = bot.get(&format!("notices/?student_id={number}"));
        list.status(200).json["count"].clone()
    };
    assert!(found(&family.phone).text.contains(&family.number));
    assert_eq!(notices(&family.number), json!(1));
    let body = json!({"student_id": family.number, "reason": "Asked for."});
    let erased = admin.post(&format!("students/{}/erase/", family.student), &body);
    let number = erased.status(200).str("student_id");
    assert!(!found(&family.phone).text.contains(&family.student));
    for number in [&family.number, &number] {
        let results = bot.get(&format!("results/?student_id={number}&pin={}", family.pin));
        let unknown = bot.get(&format!("results/?student_id=NOBODY&pin={}", family.pin));
        assert_eq!(
            (results.status, results.code()),
            (unknown.status, unknown.code())
        );
        assert_eq!(notices(number), json!(0));
    }
}

#[test]
fn an_erased_record_is_filled_in_by_nothing() {
    let place = Place::new();
    let guardian = json!({"first_name": "Ada", "last_name": "Moyo", "email": "ada@people.example"});
    let guardian = place.made("guardians/", &guardian);
    place.leave();
    let number = place.erase().status(200).str("student_id");
    let before = place.dump();
    let admin = place.admin();
    let record = format!("admissions/{}/", place.student);
    let whole =
        json!({"student_id": "X-1", "first_name": "A", "last_name": "B", "admission_year": 2026});
    refused(
        &place.change(&json!({"address": "Here"})),
        409,
        "student_erased",
    );
    refused(
        &place.change(&json!({"enrolment": "active"})),
        409,
        "student_erased",
    );
    refused(&admin.put(&record, &whole), 409, "student_erased");
    let link = json!({"guardian": guardian, "relation": "mother"});
    let links = format!("students/{}/guardians/", place.student);
    refused(&admin.post(&links, &link), 409, "student_erased");
    let pin = format!("students/{}/pin/", place.student);
    refused(&admin.act(&pin), 409, "student_erased");
    let leave = json!({"student": place.student, "start_date": "2026-01-20", "end_date": "2026-01-20", "reason": "Ill"});
    refused(
        &admin.post("leave-applications/", &leave),
        409,
        "student_erased",
    );
    assert_eq!(place.dump(), before);
    // A file finds nobody under the number.
    for (resource, file) in [
        (
            "students",
            format!("student_id,first_name,last_name,admission_year\n{number},A,B,2026\n"),
        ),
        (
            "guardians",
            format!(
                "first_name,last_name,email,student_id,relation\nAda,Moyo,ada@people.example,{number},mother\n"
            ),
        ),
    ] {
        let job = admin
            .file(&format!("imports/{resource}/"), &file)
            .status(202)
            .id();
        let job = admin.get(&format!("imports/{job}/")).status(200);
        assert_eq!(job.json["failed"], 1, "{}", job.text);
    }
    // The others of the class still get PINs.
    let pins = format!(
        "sessions/{}/academic-classes/{}/pins/",
        place.golden.form.session, place.golden.a
    );
    assert_eq!(admin.act(&pins).status(200).json["set"], 4);
}

#[test]
fn nobody_is_erased_while_a_file_may_name_them() {
    let place = Place::new();
    place.leave();
    let running = "insert into imports (id, resource, is_dry_run, status, total, done, created, updated, skipped, failed, \
        actor, created_at, updated_at) values ('i', 'students', 0, 'running', 1, 0, 0, 0, 0, 0, '{}', 0, 0); \
        insert into import_chunks (import, position, rows) values ('i', 0, '[]')";
    place.app.execute(&place.school.slot, running);
    refused(&place.erase(), 409, "import_running");
    place
        .app
        .execute(&place.school.slot, "delete from import_chunks");
    place.erase().expect(200);
}

#[test]
fn administrators_erase_and_no_other_role_does() {
    let place = Place::new();
    place.leave();
    let number = place.record()["student_id"].clone();
    let body = json!({"student_id": number, "reason": "Asked for."});
    let path = format!("students/{}/erase/", place.student);
    for role in ["Office", "Head teacher", "Teacher", "Student", "Guardian"] {
        let email = format!("{}@greenwood.example", &role[..4].to_lowercase());
        let somebody = place.school.user(&email, role);
        let reply = somebody.post(&path, &body);
        assert_eq!(
            (reply.status, reply.code()),
            (403, "permission_denied"),
            "{role}"
        );
    }
    let reply: Value = place.admin().post(&path, &body).status(200).json;
    assert_eq!(reply["id"], json!(place.student));
}

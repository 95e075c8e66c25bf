//! Notices: who sees which, and when.

use homeroom_api_tests::{Client, School, TestApp};
use serde_json::{Value, json};

use super::{greenwood, refused, someone};

fn notice(title: &str, audience: &str) -> Value {
    json!({"title": title, "body": "Text.", "audience": audience})
}

fn titles(client: &Client) -> Vec<String> {
    let mut titles = client
        .get("notices/?page_size=100")
        .status(200)
        .column("title");
    titles.sort();
    titles
}

/// A school with a student in a form and a class, a guardian, and who is neither; each may view notices.
struct People {
    app: TestApp,
    school: School,
    form: String,
    class: String,
    student: Client,
    guardian: Client,
    other: Client,
}

fn people() -> People {
    let (app, school) = greenwood();
    let _ = school.new_role("Reader", &["school.view_notice"]);
    let made = |path: &str, body: Value| school.admin.post(path, &body).status(201).id();
    let form = made("form/", json!({"name": "Form 1", "level": "O Level"}));
    let class = made("classes/", json!({"name": "1A", "form": form}));
    let session = made(
        "sessions/",
        json!({"name": "2026", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T22:00:00Z", "is_active": true}),
    );
    let class = made(
        &format!("sessions/{session}/academic-classes/"),
        json!({"class": class}),
    );
    let (student, user) = someone(&school, "student@greenwood.example", &["Reader"]);
    let body = json!({"student_id": "A1", "first_name": "A", "last_name": "B", "admission_year": 2026, "form": form, "user": user});
    let record = made("admissions/", body);
    let registration = json!({"student": record, "academic_class": class});
    made(
        &format!("sessions/{session}/student-sessions/"),
        registration,
    );
    let (guardian, user) = someone(&school, "guardian@greenwood.example", &["Reader"]);
    app.execute(
        &school.slot,
        &format!(
            "insert into guardians values ('01900000-0000-7000-8000-0000000000a1', 'G', 'H', '+263771234567', null, '{{}}', '{user}', 0, 0, null); \
             insert into student_guardians values ('01900000-0000-7000-8000-0000000000a2', '{record}', \
             '01900000-0000-7000-8000-0000000000a1', 'mother', 1, 0, 0, null);"
        ),
    );
    let (other, _) = someone(&school, "office@greenwood.example", &["Reader"]);
    People {
        app,
        school,
        form,
        class,
        student,
        guardian,
        other,
    }
}

#[test]
fn everybody_sees_what_concerns_them_and_who_manages_sees_all() {
    let People {
        school,
        form,
        class,
        student,
        guardian,
        other,
        ..
    } = people();
    let admin = &school.admin;
    let other_form = admin
        .post("form/", &json!({"name": "Form 2", "level": "O Level"}))
        .status(201)
        .id();
    for audience in ["everyone", "staff", "students", "guardians"] {
        admin
            .post("notices/", &notice(audience, audience))
            .expect(201);
    }
    for (title, field, audience, id) in [
        ("own form", "form", "form", &form),
        ("own class", "academic_class", "class", &class),
        ("other form", "form", "form", &other_form),
    ] {
        let mut body = notice(title, audience);
        body[field] = json!(id);
        admin.post("notices/", &body).expect(201);
    }
    assert_eq!(titles(admin).len(), 7);
    assert_eq!(titles(&other), ["everyone", "staff"]);
    assert_eq!(
        titles(&student),
        ["everyone", "own class", "own form", "students"]
    );
    assert_eq!(
        titles(&guardian),
        ["everyone", "guardians", "own class", "own form"]
    );
    let list = admin.get("notices/?page_size=100").status(200);
    for row in list.results() {
        let path = format!("notices/{}/", row["id"].as_str().unwrap());
        for client in [&other, &student, &guardian] {
            let seen = titles(client).contains(&row["title"].as_str().unwrap().to_owned());
            let reply = client.get(&path);
            assert_eq!(reply.status, if seen { 200 } else { 404 }, "{row}");
        }
    }
    assert_eq!(
        student.get("notices/?audience=guardians").status(200).json["count"],
        0
    );
    assert_eq!(
        admin
            .get(&format!("notices/?form={form}"))
            .status(200)
            .column("title"),
        ["own form"]
    );
    assert_eq!(
        admin
            .get(&format!("notices/?academic_class={class}"))
            .status(200)
            .column("title"),
        ["own class"]
    );
    // A member of staff who is a guardian too sees both.
    let staff = json!({"staff_number": "T-1", "user": guardian.get("auth/me/").status(200).id()});
    admin.post("staff/", &staff).expect(201);
    assert_eq!(
        titles(&guardian),
        ["everyone", "guardians", "own class", "own form", "staff"]
    );
    refused(
        &school.user_who_may(&["school.view_user"]).get("notices/"),
        403,
        "permission_denied",
    );
}

#[test]
fn students_and_guardians_read_notices_by_the_roles_that_a_school_begins_with() {
    let (_, school) = greenwood();
    for audience in ["everyone", "students", "guardians", "staff"] {
        let body = notice(audience, audience);
        school.admin.post("notices/", &body).expect(201);
    }
    let made = |path: &str, body: Value| school.admin.post(path, &body).expect(201);
    let (student, user) = someone(&school, "student@greenwood.example", &["Student"]);
    let body = json!({"first_name": "A", "last_name": "B", "admission_year": 2026, "user": user});
    made("admissions/", body);
    let (guardian, user) = someone(&school, "guardian@greenwood.example", &["Guardian"]);
    let body =
        json!({"first_name": "G", "last_name": "H", "email": "g@people.example", "user": user});
    made("guardians/", body);
    assert_eq!(titles(&student), ["everyone", "students"]);
    assert_eq!(titles(&guardian), ["everyone", "guardians"]);
    for client in [&student, &guardian] {
        client.get("my/report-cards/").expect(200);
        for path in ["admissions/", "guardians/", "users/", "report-cards/"] {
            assert_ne!(client.get(path).status, 200, "{path}");
        }
    }
}

#[test]
fn class_teachers_read_what_their_classes_do() {
    let People {
        school,
        form,
        class,
        ..
    } = people();
    let admin = &school.admin;
    let (teacher, user) = someone(&school, "moyo@greenwood.example", &["Teacher"]);
    let staff = json!({"staff_number": "T-1", "user": user});
    let staff = admin.post("staff/", &staff).status(201).id();
    for (title, field, audience, id) in [
        ("form", "form", "form", &form),
        ("class", "academic_class", "class", &class),
    ] {
        let mut body = notice(title, audience);
        body[field] = json!(id);
        admin.post("notices/", &body).expect(201);
    }
    assert_eq!(titles(&teacher), Vec::<String>::new());
    let session = admin.get("sessions/").status(200).str("results/0/id");
    let path = format!("sessions/{session}/academic-classes/{class}/");
    admin
        .patch(&path, &json!({"class_teacher": staff}))
        .expect(200);
    assert_eq!(titles(&teacher), ["class", "form"]);
    let staff = format!("staff/{staff}/");
    admin
        .patch(&staff, &json!({"is_active": false}))
        .expect(200);
    assert_eq!(titles(&teacher), Vec::<String>::new());
}

#[test]
fn a_notice_is_seen_from_its_publication_until_it_expires() {
    let People {
        app, school, other, ..
    } = people();
    let admin = &school.admin;
    let at = |seconds: i64| json!(app.now().plus_seconds(seconds));
    let post = |title: &str, from: Value, to: Value| {
        let mut body = notice(title, "everyone");
        body["publish_at"] = from;
        body["expires_at"] = to;
        admin.post("notices/", &body).status(201)
    };
    let now = post("now", json!(null), json!(null));
    assert!(now.json["publish_at"].is_string());
    post("later", at(60), json!(null)).expect(201);
    post("soon over", at(-60), at(30)).expect(201);
    post("over", at(-60), at(-30)).expect(201);
    assert_eq!(titles(&other), ["now", "soon over"]);
    assert_eq!(titles(admin).len(), 4);
    let published = |client: &Client, truth: bool| {
        let mut titles = client
            .get(&format!("notices/?is_published={truth}"))
            .status(200)
            .column("title");
        titles.sort();
        titles
    };
    assert_eq!(
        (published(admin, true), published(admin, false)),
        (
            vec!["now".into(), "soon over".into()],
            vec!["later".into(), "over".into()]
        )
    );
    assert_eq!(
        (
            published(&other, true).len(),
            published(&other, false).len()
        ),
        (2, 0)
    );
    app.pass_seconds(61);
    assert_eq!(titles(&other), ["later", "now"]);
    let id = now.id();
    admin
        .patch(&format!("notices/{id}/"), &json!({"expires_at": at(5)}))
        .expect(200);
    app.pass_seconds(6);
    assert_eq!(titles(&other), ["later"]);
    refused(&other.get(&format!("notices/{id}/")), 404, "not_found");
    admin.delete(&format!("notices/{id}/")).expect(204);
}

#[test]
fn the_audience_says_which_fields_a_notice_has() {
    let People {
        school,
        form,
        class,
        ..
    } = people();
    let admin = &school.admin;
    let wrong = |change: Value| {
        let mut body = notice("x", "everyone");
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        admin.post("notices/", &body).fields().join(" ")
    };
    assert_eq!(wrong(json!({"audience": "form"})), "form");
    assert_eq!(wrong(json!({"audience": "class"})), "academic_class");
    assert_eq!(
        wrong(json!({"audience": "class", "form": form})),
        "academic_class form"
    );
    assert_eq!(wrong(json!({"form": form})), "form");
    assert_eq!(
        wrong(json!({"audience": "staff", "academic_class": class})),
        "academic_class"
    );
    assert_eq!(wrong(json!({"audience": "form", "form": class})), "form");
    assert_eq!(
        wrong(json!({"audience": "parents", "title": "", "colour": "red"})),
        "audience colour title"
    );
    let times = json!({"publish_at": "2026-02-01T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"});
    assert_eq!(wrong(times), "expires_at");
    assert_eq!(
        wrong(json!({"expires_at": "2025-02-01T00:00:00Z"})),
        "expires_at"
    );
    let id = admin
        .post("notices/", &notice("x", "everyone"))
        .status(201)
        .id();
    let path = format!("notices/{id}/");
    assert_eq!(
        admin.patch(&path, &json!({"audience": "form"})).fields(),
        ["form"]
    );
    admin
        .patch(&path, &json!({"audience": "form", "form": form}))
        .expect(200);
    assert_eq!(
        admin
            .patch(&path, &json!({"expires_at": "2025-02-01T00:00:00Z"}))
            .fields(),
        ["expires_at"]
    );
    refused(&admin.delete(&format!("form/{form}/")), 409, "in_use");
    let replaced = admin.put(&path, &notice("y", "students")).status(200);
    assert_eq!(
        (replaced.str("title"), &replaced.json["form"]),
        ("y".into(), &json!(null))
    );
}

#[test]
fn only_who_may_writes_notices() {
    let People { school, other, .. } = people();
    let id = school
        .admin
        .post("notices/", &notice("x", "everyone"))
        .status(201)
        .id();
    let path = format!("notices/{id}/");
    for reply in [
        other.post("notices/", &notice("y", "everyone")),
        other.patch(&path, &json!({"title": "y"})),
        other.delete(&path),
    ] {
        refused(&reply, 403, "permission_denied");
    }
}

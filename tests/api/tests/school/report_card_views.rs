use homeroom_api_tests::academics::{Form, Subject};
use serde_json::{Value, json};

use super::{
    greenwood, refused,
    report_cards::{SCALE, golden},
    someone,
};

#[test]
fn the_broadsheet_shows_the_figures_of_the_cards() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!(
        "{}broadsheet/?academic_class={}",
        golden.form.path(),
        golden.a
    );
    let sheet = school.admin.get(&path).status(200).json;
    let subjects: Vec<Value> = sheet["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            json!([
                s["name"],
                s["average"],
                s["highest"],
                s["lowest"],
                s["number_sat"]
            ])
        })
        .collect();
    assert_eq!(
        json!(subjects),
        json!([
            ["Art G", null, null, null, 0],
            ["English G", 47.5, 80, 0, 4],
            ["Mathematics G", 73, 95, 50, 5]
        ])
    );
    let students: Vec<Value> = sheet["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            let marks: Vec<Value> = s["marks"]
                .as_array()
                .unwrap()
                .iter()
                .map(|cell| match (&cell["mark"], &cell["status"]) {
                    (Value::Null, status) => status.clone(),
                    (mark, _) => mark.clone(),
                })
                .collect();
            json!([
                s["student_name"],
                marks,
                s["total"],
                s["average"],
                s["position_in_class"],
                s["position_in_form"]
            ])
        })
        .collect();
    assert_eq!(
        json!(students),
        json!([
            ["Anesu Moyo", [null, 80, 60], 200, 66.67, 1, 2],
            ["Bongai Ncube", [null, 60, 70], 200, 66.67, 1, 2],
            ["Chipo Dube", ["absent", 50, 50], 150, 50, 3, 4],
            ["Dudu Sibanda", [null, 0, 90], 180, 60, 4, 5],
            ["Eve Banda", [null, "missing", 95], 190, 95, null, null],
        ])
    );
    assert_eq!(sheet["status"], "live");
    assert_eq!(
        school
            .admin
            .get(&format!("{}broadsheet/", golden.form.path()))
            .fields(),
        ["academic_class"]
    );
    let unknown = format!(
        "{}broadsheet/?academic_class={}",
        golden.form.path(),
        golden.students[0]
    );
    assert_eq!(school.admin.get(&unknown).fields(), ["academic_class"]);
    let bad = format!("{path}&format=xlsx");
    assert_eq!(school.admin.get(&bad).fields(), ["format"]);
}

#[test]
fn csv_gives_spreadsheets_no_formula() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "C", "O Level");
    let class = form.class("1A", None);
    let maths = [form.subject("Maths", 1.0, true)];
    let students = form.enter(
        &maths,
        &[(&class, "=cmd|'/C calc'!A0 Moyo, \"Jr\"", &["55: @SUM(A1)"])],
    );
    let path = form.path();
    let sheet = school
        .admin
        .get(&format!(
            "{path}broadsheet/?academic_class={class}&format=csv"
        ))
        .status(200);
    assert_eq!(sheet.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        sheet
            .header("content-disposition")
            .starts_with("attachment;")
    );
    let lines: Vec<&str> = sheet
        .text
        .trim_start_matches('\u{feff}')
        .split("\r\n")
        .collect();
    assert_eq!(
        lines[0],
        "position_in_class,student_number,student_name,Maths C,total,average,subjects_taken,subjects_passed,position_in_form,is_complete"
    );
    assert!(lines[1].starts_with("1,C-"), "{}", lines[1]);
    assert!(
        lines[1].contains(",\"'=cmd|'/C calc'!A0 Moyo, \"\"Jr\"\"\",55,55,55,1,1,1,true"),
        "{}",
        lines[1]
    );
    let card = school
        .admin
        .get(&format!("{path}report-cards/{}/?format=csv", students[0]))
        .status(200);
    assert!(card.text.contains(",'@SUM(A1),"), "{}", card.text);
}

#[test]
fn the_page_is_whole_without_scripts_and_escaped() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "H", "O Level");
    let class = form.class("1A", None);
    let maths = [form.subject("Maths <i>", 1.0, true)];
    let students = form.enter(
        &maths,
        &[(&class, "<script>alert(1)</script> O'Neil", &["55"])],
    );
    let path = form.path();
    for address in [
        format!("{path}report-cards/{}/?format=html", students[0]),
        format!("{path}report-cards/html/?academic_class={class}"),
        format!("{path}broadsheet/?academic_class={class}&format=html"),
    ] {
        let page = school.admin.get(&address).status(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert!(page.text.starts_with("<!doctype html>"), "{address}");
        assert!(!page.text.contains("<script"), "{address}");
        assert!(
            page.text
                .contains("&lt;script&gt;alert(1)&lt;/script&gt; O&#39;Neil"),
            "{address}"
        );
        assert!(page.text.contains("Maths &lt;i&gt;"), "{address}");
        assert!(!page.text.contains("http"), "{address} loads something");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("script-src"),
            "{policy}"
        );
    }
}

#[test]
fn a_class_is_printed_as_one_pdf_or_as_a_zip() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}report-cards/", golden.form.path());
    let one = school
        .admin
        .get(&format!("{path}pdf/?academic_class={}", golden.a))
        .status(200);
    assert_eq!(one.header("content-type"), "application/pdf");
    assert!(one.bytes.starts_with(b"%PDF-"));
    let zip = school
        .admin
        .get(&format!(
            "{path}pdf/?academic_class={}&separate=true",
            golden.a
        ))
        .status(200);
    assert_eq!(zip.header("content-type"), "application/zip");
    assert!(zip.bytes.starts_with(b"PK"));
    assert!(zip.header("content-disposition").contains(".zip"));
    let card = golden.card_in(&school, 0, "?format=pdf").status(200);
    assert!(card.bytes.starts_with(b"%PDF-"));
    let wide = format!(
        "{}broadsheet/?academic_class={}&format=pdf",
        golden.form.path(),
        golden.a
    );
    assert!(
        school
            .admin
            .get(&wide)
            .status(200)
            .bytes
            .starts_with(b"%PDF-")
    );
    app.break_documents(true);
    refused(
        &golden.card_in(&school, 0, "?format=pdf"),
        503,
        "unavailable",
    );
    golden.card(&school, 0);
}

#[test]
fn teachers_see_the_cards_of_the_classes_that_they_lead() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let (teacher, user) = someone(&school, "chipo@greenwood.example", &["Teacher"]);
    let path = golden.form.path();
    let names = |client: &homeroom_api_tests::Client| {
        client
            .get(&format!("{path}report-cards/"))
            .status(200)
            .column("student_name")
    };
    assert_eq!(names(&teacher), Vec::<String>::new());
    let staff = school
        .admin
        .post("staff/", &json!({"staff_number": "T-9", "user": user}))
        .status(201)
        .id();
    assert_eq!(names(&teacher), Vec::<String>::new());
    let classes = format!("sessions/{}/academic-classes/", golden.form.session);
    let body = json!({"subject": golden.subjects[0].id, "teacher": staff});
    school
        .admin
        .post(&format!("{classes}{}/subject-teachers/", golden.b), &body)
        .expect(201);

    // Teaching a subject is not leading: the cards show every subject, published or not.
    let comment = json!({"class_teacher": "Well"});
    let of_b = golden.comments(5);
    let sees_nothing = |teacher: &homeroom_api_tests::Client| {
        assert_eq!(names(teacher), Vec::<String>::new());
        for student in [0, 5] {
            let card = format!("{path}report-cards/{}/", golden.students[student]);
            for rest in ["", "?format=pdf", "?version=1"] {
                refused(&teacher.get(&format!("{card}{rest}")), 404, "not_found");
            }
        }
        for class in [&golden.a, &golden.b] {
            for page in [
                "broadsheet/",
                "report-cards/pdf/",
                "report-cards/html/",
                "report-cards/",
            ] {
                let reply = teacher.get(&format!("{path}{page}?academic_class={class}"));
                if page == "report-cards/" {
                    assert_eq!(reply.status(200).json["count"], 0);
                } else {
                    assert_eq!(reply.fields(), ["academic_class"]);
                }
            }
        }
        for page in ["report-card-status/", "comment-status/"] {
            let status = teacher.get(&format!("{path}{page}")).status(200);
            assert_eq!(status.json["results"], json!([]), "{page}");
        }
        let computed = teacher
            .post(&format!("{path}report-cards/compute/"), &json!({}))
            .status(200);
        assert_eq!(computed.json["computed"], 0);
        refused(&teacher.put(&of_b, &comment), 403, "not_class_teacher");
    };
    sees_nothing(&teacher);
    let publish = json!({"accept_incomplete": true});
    school
        .admin
        .post(&format!("{path}publish/"), &publish)
        .expect(200);
    sees_nothing(&teacher);
    school.admin.act(&format!("{path}unpublish/")).expect(200);

    let of_a = format!("{path}report-cards/{}/", golden.students[0]);
    school
        .admin
        .patch(
            &format!("{classes}{}/", golden.a),
            &json!({"class_teacher": staff}),
        )
        .expect(200);
    teacher.get(&of_a).expect(200);
    teacher
        .put(&format!("{of_a}comments/"), &comment)
        .expect(200);
    let head = json!({"head_teacher": "Well"});
    refused(
        &teacher.put(&format!("{of_a}comments/"), &head),
        403,
        "permission_denied",
    );
    let (boss, _) = someone(&school, "head@greenwood.example", &["Head teacher"]);
    assert_eq!(names(&boss).len(), 6);
    boss.put(&of_b, &head).expect(200);
    let computed = teacher
        .post(&format!("{path}report-cards/compute/"), &json!({}))
        .status(200);
    assert_eq!(computed.json["computed"], 5);
}

#[test]
fn the_status_counts_what_is_missing_by_subject_and_teacher() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let status = school
        .admin
        .get(&format!("{}report-card-status/", golden.form.path()))
        .status(200);
    let class = &status.json["results"][0];
    assert_eq!(
        json!([
            class["students"],
            class["complete"],
            class["incomplete"],
            class["marks_missing"],
            class["published"]
        ]),
        json!([5, 4, 1, 1, 0])
    );
    let subjects: Vec<Value> = class["subjects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            json!([
                s["name"],
                s["students"],
                s["entered"],
                s["missing"],
                s["teacher"] == golden.form.teacher.as_str()
            ])
        })
        .collect();
    assert_eq!(
        json!(subjects),
        json!([
            ["Art G", 1, 1, 0, true],
            ["English G", 5, 4, 1, true],
            ["Mathematics G", 5, 5, 0, true]
        ])
    );
}

#[test]
fn working_out_reports_the_incomplete_and_stores_nothing() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}report-cards/compute/", golden.form.path());
    let before = app.dump(&school.slot);
    let reply = school
        .admin
        .post(&path, &json!({"academic_class": golden.a}))
        .status(200);
    assert_eq!(app.dump(&school.slot), before);
    assert_eq!(
        (&reply.json["computed"], &reply.json["complete"]),
        (&json!(5), &json!(4))
    );
    assert_eq!(reply.json["incomplete"][0]["student_name"], "Eve Banda");
    assert_eq!(reply.json["incomplete"][0]["missing"], json!(["English G"]));
    let of = |body: Value| school.admin.post(&path, &body);
    assert_eq!(
        of(json!({"form": golden.form.form})).status(200).json["computed"],
        6
    );
    assert_eq!(of(json!({"form": golden.a})).fields(), ["form"]);
    assert_eq!(
        of(json!({"academic_class": golden.form.form})).fields(),
        ["academic_class"]
    );
    let both = json!({"academic_class": golden.a, "form": golden.form.form});
    assert_eq!(of(both).fields(), ["non_field_errors"]);
}

#[test]
fn two_hundred_students_are_computed_in_one_trip() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "L", "O Level");
    form.scale("O Level", SCALE);
    let class = form.class("1A", None);
    let subjects: Vec<Subject> = (0..10)
        .map(|n| form.subject(&format!("Subject {n}"), 1.0, true))
        .collect();
    let exams: Vec<String> = subjects
        .iter()
        .map(|subject| form.exam(&class, subject, None))
        .collect();
    // What only the number of rows matters for is copied in the database.
    let first = form.student(&class, "First Student");
    app.execute(
        &school.slot,
        &format!(
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 199) \
             insert into students select printf('01900000-0000-7000-9000-%012x', i), 'N' || i, first_name || i, middle_name, last_name, \
             gender, dob, admission_year, form, status, enrolment, parent_name, parent_phone, address, null, created_at, updated_at, created_by, null \
             from students, n where id = (select student from student_sessions where id = '{first}'); \
             insert into student_sessions select replace(p.id, '-9000-', '-9001-'), r.session, p.id, r.academic_class, r.boarding_status, \
             r.status, r.created_at, r.updated_at, r.created_by from student_sessions r, students p \
             where r.id = '{first}' and p.id like '01900000-0000-7000-9000-%'"
        ),
    );
    for (n, exam) in exams.iter().enumerate() {
        app.execute(
            &school.slot,
            &format!(
                "insert into marks (id, exam, student_session, mark, is_absent, comment, version, created_at, updated_at) \
                 select printf('01900000-0000-7000-9002-%04x%08x', {n}, row_number() over ()), '{exam}', id, \
                 (row_number() over () * 37 + {n} * 11) % 101 * 100, 0, '', 1, 1, 1 from student_sessions"
            ),
        );
    }
    let path = format!("{}broadsheet/?academic_class={class}", form.path());
    school.admin.get("auth/me/").expect(200);
    let sheet = school.admin.get(&path).status(200);
    assert_eq!(sheet.trips(), 1);
    let students = sheet.json["students"].as_array().unwrap();
    assert_eq!(students.len(), 200);
    let mut last = 0;
    for student in students {
        let place = student["position_in_class"].as_u64().unwrap();
        assert!(place >= last && place <= 200);
        last = place;
    }
    let publish = school
        .admin
        .act(&format!("{}publish/", form.path()))
        .status(200);
    assert_eq!(publish.json["cards"], 200);
    assert!(publish.trips() <= 2, "{}", publish.trips());
    let list = school
        .admin
        .get(&format!(
            "{}report-cards/?academic_class={class}&page_size=100",
            form.path()
        ))
        .status(200);
    assert_eq!((&list.json["count"], list.trips()), (&json!(200), 2));
    assert_eq!(list.json["results"][0]["status"], "published");
}

#[test]
fn names_that_are_too_long_for_paper_are_cut() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let registration = &golden.students[0];
    let long = "N".repeat(100);
    app.execute(
        &school.slot,
        &format!(
            "update students set first_name = '{long}', middle_name = '{long}', last_name = '{long}', student_id = '{}' \
             where id = (select student from student_sessions where id = '{registration}')",
            "9".repeat(50)
        ),
    );
    let name = json!({"name": "E".repeat(255)});
    school.admin.patch(&golden.form.path(), &name).expect(200);
    golden.card_in(&school, 0, "?format=pdf").expect(200);
    let page = golden.card_in(&school, 0, "?format=html").status(200);
    assert!(page.text.contains("N…"), "{}", page.text);
    let class = format!(
        "{}report-cards/pdf/?academic_class={}",
        golden.form.path(),
        golden.a
    );
    school.admin.get(&class).expect(200);
}

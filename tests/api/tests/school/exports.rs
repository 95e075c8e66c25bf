//! Files as an import takes them.

use std::fmt::Write as _;

use homeroom_api_tests::{Client, Reply, School, TestApp};
use serde_json::{Value, json};

use super::{greenwood, refused};

/// The rows of a file, as a reader of others' making reads them.
fn rows(reply: &Reply) -> Vec<Vec<String>> {
    let text = reply.text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let rows = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

fn export(client: &Client, path: &str) -> Reply {
    client.get(&format!("exports/{path}")).status(200)
}

/// A school with something of everything, much of it awkward.
fn school_with_people() -> (TestApp, School, String, String, String) {
    let (app, school) = greenwood();
    let admin = &school.admin;
    let made = |path: &str, body: Value| admin.post(path, &body).status(201).id();
    let form = made("form/", json!({"name": "=Form \"1\"", "level": "O Level"}));
    let class = made(
        "classes/",
        json!({"name": "1,A", "form": form, "capacity": 40}),
    );
    let empty = made("classes/", json!({"name": "-1B", "form": form}));
    let session = made(
        "sessions/",
        json!({"name": "2026;27", "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-12-04T22:00:00Z"}),
    );
    let path = format!("sessions/{session}/academic-classes/");
    let academic_class = made(&path, json!({"class": class}));
    made(&path, json!({"class": empty}));
    let subject = made("subjects/", json!({"name": "Mathematics", "code": "@MATH"}));
    let teacher = made(
        "staff/",
        json!({"staff_number": "+T-1", "title": "'Mrs'", "department": "Maths\nand more"}),
    );
    let exams = format!("sessions/{session}/exam-sessions/");
    let exam_session = made(&exams, json!({"term": "1", "name": "End"}));
    made(
        &format!("{exams}{exam_session}/exams/"),
        json!({"academic_class": academic_class, "subject": subject, "teacher": teacher}),
    );
    let students = "student_id;first_name;last_name;admission_year;form;parent_phone;address;dob;gender\n\
                    =1+1;Rudo;'=Moyo;2026;\"=Form \"\"1\"\"\";+263771234567;\"1 High St\nHarare\";2012-02-29;female\n\
                    A2;Tariro;O'Brien;2025;;;'=cmd;;\nA3;😀;Žluť;2026;;;\"say \"\"so\"\"\";;male\n";
    assert_eq!(
        admin.file("imports/students/", students).status(202).json["created"],
        3
    );
    let guardians = "first_name,last_name,phone_number,email,consent.whatsapp,student_id,relation,is_primary\n\
                     A,B,+263771000001,,true,'=1+1,@mother,true\nC,D,,c@people.example,,,,\n\
                     A,B,+263771000001,,true,A3,aunt,\n";
    admin.file("imports/guardians/", guardians).expect(202);
    let registrations = "session,student_id,class\n\"2026;27\",'=1+1,\"1,A\"\n\"2026;27\",A2,\n\"2026;27\",A3,\"1,A\"\n";
    assert_eq!(
        admin
            .file("imports/registrations/", registrations)
            .status(202)
            .json["created"],
        3
    );
    let marks =
        "student_id,subject,mark,is_absent,comment\n=1+1,@MATH,57.5,,-fine\nA3,@MATH,,true,\n";
    let path = format!("imports/marks/?exam_session={exam_session}");
    assert_eq!(admin.file(&path, marks).status(202).json["created"], 2);
    (app, school, session, academic_class, exam_session)
}

#[test]
fn what_is_exported_is_imported_again_unchanged() {
    let (app, school, _, _, exam_session) = school_with_people();
    let before = app.row_counts();
    for (name, query, records) in [
        ("students", String::new(), 3),
        ("guardians", String::new(), 3),
        ("staff", String::new(), 1),
        ("classes", String::new(), 2),
        ("registrations", String::new(), 3),
        ("marks", format!("exam_session={exam_session}"), 2),
    ] {
        let reply = export(&school.admin, &format!("{name}.csv?{query}"));
        assert_eq!(rows(&reply).len(), records + 1, "{name}: {}", reply.text);
        let again = school
            .admin
            .file(&format!("imports/{name}/?{query}"), &reply.text)
            .status(202);
        assert_eq!(
            (&again.json["skipped"], &again.json["errors"]),
            (&json!(records), &json!([])),
            "{name}: {} {}",
            reply.text,
            again.text
        );
        let marked = export(&school.admin, &format!("{name}.csv?bom=true&{query}"));
        assert_eq!(marked.text, format!("\u{feff}{}", reply.text));
        let again = school
            .admin
            .file(&format!("imports/{name}/?{query}"), &marked.text)
            .status(202);
        assert_eq!(again.json["skipped"], json!(records), "{name}");
    }
    let mut after = app.row_counts();
    after.insert("school.imports".into(), before["school.imports"]);
    after.insert("school.audit_logs".into(), before["school.audit_logs"]);
    assert_eq!(before, after);
}

#[test]
fn no_cell_of_an_export_is_a_formula() {
    let (_, school, _, _, exam_session) = school_with_people();
    for name in [
        "students",
        "guardians",
        "staff",
        "classes",
        "registrations",
        "marks",
    ] {
        let query = if name == "marks" {
            format!("?exam_session={exam_session}")
        } else {
            String::new()
        };
        let reply = export(&school.admin, &format!("{name}.csv{query}"));
        for cell in rows(&reply).into_iter().flatten() {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{name}: {cell}"
            );
        }
    }
    let students = rows(&export(&school.admin, "students.csv"));
    // Ids of the same moment are in no order.
    let awkward = students.iter().find(|row| row[0] == "'=1+1").unwrap();
    assert_eq!(awkward[..4], ["'=1+1", "Rudo", "", "'=Moyo"]);
    assert_eq!(
        (awkward[7].as_str(), awkward[11].as_str()),
        ("'=Form \"1\"", "'+263771234567")
    );
    assert_eq!(awkward[12], "1 High St\nHarare");
}

#[test]
fn an_export_is_a_file_with_a_name() {
    let (_, school, _, _, _) = school_with_people();
    let reply = export(&school.admin, "staff.csv");
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        reply
            .header("content-disposition")
            .starts_with("attachment; filename=\"staff.csv\"")
    );
    assert_eq!(
        reply.text,
        "staff_number,title,position,department,hired_on,is_active\r\n'+T-1,'Mrs',,\"Maths\nand more\",,true\r\n"
    );
    assert_eq!(export(&school.admin, "staff.csv/").text, reply.text);
}

#[test]
fn an_export_is_narrowed_to_a_session_or_a_class() {
    let (_, school, session, class, exam_session) = school_with_people();
    let firsts = |path: &str| -> Vec<String> {
        let rows = rows(&export(&school.admin, path)).into_iter().skip(1);
        let mut firsts: Vec<String> = rows.map(|row| row[0].clone()).collect();
        firsts.sort();
        firsts
    };
    school
        .admin
        .file(
            "imports/students/",
            "student_id,first_name,last_name,admission_year\nA4,A,B,2026\n",
        )
        .expect(202);
    assert_eq!(firsts("students.csv"), ["'=1+1", "A2", "A3", "A4"]);
    assert_eq!(
        firsts(&format!("students.csv?session={session}")),
        ["'=1+1", "A2", "A3"]
    );
    assert_eq!(
        firsts(&format!("students.csv?academic_class={class}")),
        ["'=1+1", "A3"]
    );
    assert_eq!(
        firsts(&format!("students.csv?session={class}")),
        Vec::<String>::new()
    );
    assert_eq!(
        firsts(&format!("registrations.csv?academic_class={class}")).len(),
        2
    );
    assert_eq!(
        firsts(&format!("classes.csv?session={session}")),
        ["'-1B", "1,A"]
    );
    assert_eq!(
        firsts(&format!("guardians.csv?academic_class={class}")),
        ["A", "A"]
    );
    assert_eq!(firsts("guardians.csv"), ["A", "A", "C"]);
    assert_eq!(
        firsts(&format!("guardians.csv?session={class}")),
        Vec::<String>::new()
    );
    assert_eq!(
        firsts(&format!(
            "marks.csv?exam_session={exam_session}&academic_class={class}"
        )),
        ["'=1+1", "A3"]
    );
    assert_eq!(
        firsts(&format!("marks.csv?exam_session={session}")),
        Vec::<String>::new()
    );
    let wrong = |path: &str| {
        school
            .admin
            .get(&format!("exports/{path}"))
            .fields()
            .join(" ")
    };
    assert_eq!(wrong("staff.csv?session=x"), "session");
    assert_eq!(wrong(&format!("staff.csv?session={session}")), "session");
    assert_eq!(wrong("students.csv?colour=red&bom=perhaps"), "bom colour");
    assert_eq!(wrong("marks.csv"), "exam_session");
    refused(&school.admin.get("exports/dragons.csv"), 404, "not_found");
}

#[test]
fn a_sheet_of_marks_has_a_line_for_each_that_is_missing() {
    let (_, school, _, _, exam_session) = school_with_people();
    let file = "session,student_id,class\n2026;27,A2,\"1,A\"\n";
    school
        .admin
        .file("imports/registrations/", file)
        .expect(202);
    let path = format!("marks.csv?exam_session={exam_session}");
    let mut found = rows(&export(&school.admin, &path));
    found[1..].sort();
    assert_eq!(
        found,
        [
            ["student_id", "subject", "mark", "is_absent", "comment"],
            ["'=1+1", "'@MATH", "57.5", "false", "'-fine"],
            ["A2", "'@MATH", "", "false", ""],
            ["A3", "'@MATH", "", "true", ""],
        ]
    );
    let sheet = export(&school.admin, &path).text;
    let again = school
        .admin
        .file(
            &format!("imports/marks/?exam_session={exam_session}"),
            &sheet,
        )
        .status(202);
    assert_eq!(
        (&again.json["skipped"], &again.json["created"]),
        (&json!(3), &json!(0))
    );
    let filled = sheet.replace("A2,'@MATH,,", "A2,'@MATH,61,");
    let again = school
        .admin
        .file(
            &format!("imports/marks/?exam_session={exam_session}"),
            &filled,
        )
        .status(202);
    assert_eq!(
        (&again.json["skipped"], &again.json["created"]),
        (&json!(2), &json!(1))
    );
}

#[test]
fn whoever_exports_may_see_the_records() {
    let (_, school, _, _, exam_session) = school_with_people();
    let only = school.user_who_may(&["school.view_export"]);
    refused(&only.get("exports/students.csv"), 403, "permission_denied");
    let clerk = school.user_who_may(&[
        "school.view_export",
        "school.view_admission",
        "school.view_guardian",
        "school.view_mark",
    ]);
    export(&clerk, "students.csv").expect(200);
    // A file of guardians says whose they are.
    refused(
        &clerk.get("exports/guardians.csv"),
        403,
        "permission_denied",
    );
    // Who sees the marks of the own subjects only, exports none.
    let path = format!("exports/marks.csv?exam_session={exam_session}");
    refused(&clerk.get(&path), 403, "permission_denied");
    refused(
        &school.anonymous().get("exports/students.csv"),
        401,
        "not_authenticated",
    );
}

#[test]
fn many_rows_take_a_trip_for_each_thousand() {
    let (_, school) = greenwood();
    let mut file = String::from("student_id,first_name,last_name,admission_year\n");
    for n in 0..2_500 {
        writeln!(file, "S{n:04},Rudo,Moyo {n},2026").unwrap();
    }
    school.admin.file("imports/students/", &file).expect(202);
    let reply = export(&school.admin, "students.csv");
    assert_eq!((rows(&reply).len(), reply.trips()), (2_501, 3));
    let mut numbers: Vec<String> = rows(&reply)
        .into_iter()
        .skip(1)
        .map(|row| row[0].clone())
        .collect();
    numbers.sort();
    numbers.dedup();
    assert_eq!(numbers.len(), 2_500);
}

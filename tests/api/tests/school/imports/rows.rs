use serde_json::json;

use super::{Year, counts, wrong};

#[test]
fn a_small_file_is_done_when_it_is_answered() {
    let year = Year::new();
    let reply = year.students("A1,Rudo,Moyo,2026\nA2,Tariro,Dube,2026\n");
    assert_eq!(counts(&reply), [2, 0, 0, 0]);
    assert_eq!(
        (
            reply.str("status"),
            &reply.json["progress"],
            &reply.json["total"],
            reply.str("resource")
        ),
        (
            "completed".into(),
            &json!(100),
            &json!(2),
            "students".into()
        )
    );
    assert_eq!(
        reply.header("location"),
        format!("/api/v1/school/imports/{}/", reply.id())
    );
    let found = year.school.admin.get(reply.header("location")).status(200);
    assert_eq!(found.text, reply.text);
    let student = year
        .school
        .admin
        .get("admissions/?student_id=A2")
        .status(200);
    let student = &student.results()[0];
    assert_eq!(
        (
            &student["first_name"],
            &student["status"],
            &student["enrolment"],
            &student["form"]
        ),
        (
            &json!("Tariro"),
            &json!("Day"),
            &json!("active"),
            &json!(null)
        )
    );
    assert_eq!(student["created_by"], json!(year.school.admin_id));
}

#[test]
fn a_row_changes_the_record_that_it_names_and_what_is_the_same_is_skipped() {
    let year = Year::new();
    let file = "student_id,first_name,last_name,admission_year,form,gender,dob,status,address\n\
                A1,Rudo,Moyo,2026,Form 1,female,2012-02-29,Boarding,1 High St\n";
    assert_eq!(counts(&year.import("students", file)), [1, 0, 0, 0]);
    let audited = year.rows("audit_logs");
    assert_eq!(counts(&year.import("students", file)), [0, 0, 1, 0]);
    assert_eq!(
        year.rows("audit_logs"),
        audited + 1,
        "the import itself and nothing else"
    );
    // A column that is not there stays; an empty cell empties what may be empty, and else stays.
    let file = "student_id,first_name,last_name,admission_year,form,status\nA1,Rudo,Ncube,2026,,\n";
    assert_eq!(counts(&year.import("students", file)), [0, 1, 0, 0]);
    let student = year.school.admin.get("admissions/").status(200).results()[0].clone();
    assert_eq!(
        (
            &student["last_name"],
            &student["form"],
            &student["status"],
            &student["address"],
            &student["dob"]
        ),
        (
            &json!("Ncube"),
            &json!(null),
            &json!("Boarding"),
            &json!("1 High St"),
            &json!("2012-02-29")
        )
    );
    let log = year
        .school
        .admin
        .get("audit-logs/?table_name=students&action=UPDATE")
        .status(200);
    assert_eq!(log.json["count"], 1);
    assert_eq!(
        log.json.pointer("/results/0/changes/last_name"),
        Some(&json!({"from": "Moyo", "to": "Ncube"}))
    );
    assert_eq!(
        log.json.pointer("/results/0/actor"),
        Some(&json!(year.school.admin_id))
    );
    let history = "select field, new_value, reason from student_history";
    assert_eq!(
        year.app.rows(&year.school.slot, history),
        [[json!("form"), json!(null), json!("import")]]
    );
}

#[test]
fn a_row_that_is_wrong_stops_no_other_and_is_named_with_its_line_and_columns() {
    let year = Year::new();
    let file = "student_id,first_name,last_name,admission_year,gender,form,address\n\
                A1,Rudo,Moyo,2026,female,Form 1,\"1 High St\nHarare\"\n\
                A2,,Moyo,20x6,unknown,Form 1,\n\
                \n\
                A3,Chipo,Dube,2026,,Form 9,\n\
                A1,Twice,Moyo,2026,,,\n\
                A5,Too,Many,2026,,,,,,\n\
                A6,Tariro,Zulu,2026,male,,\n";
    let reply = year.import("students", file);
    assert_eq!(counts(&reply), [2, 0, 0, 4]);
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        wrong(&reply),
        [
            (4, names(&["admission_year", "first_name", "gender"])),
            (6, names(&["form"])),
            (7, names(&["student_id"])),
            (8, names(&["non_field_errors"])),
        ]
    );
    assert_eq!(
        reply.json.pointer("/errors/2/messages/student_id/0"),
        Some(&json!("Line 2 has the same."))
    );
    let results = year
        .school
        .admin
        .get(&format!("imports/{}/results/?page_size=3", reply.id()))
        .status(200);
    assert_eq!(
        (&results.json["count"], results.column("row")),
        (&json!(4), vec!["4".into(), "6".into(), "7".into()])
    );
    let none = year
        .school
        .admin
        .get(&format!("imports/{}/results/?outcome=warning", reply.id()))
        .status(200);
    assert_eq!(none.json["count"], 0);
    assert_eq!(year.rows("students"), 2);
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing_else() {
    let year = Year::new();
    year.students("A1,Rudo,Moyo,2026\n").expect(202);
    let tables = [
        "students",
        "student_numbers",
        "student_history",
        "guardians",
        "staff",
        "classes",
        "student_sessions",
        "outbox",
    ];
    let before: Vec<i64> = tables.iter().map(|table| year.rows(table)).collect();
    let client = &year.school.admin;
    let file = "student_id,first_name,last_name,admission_year\nA1,Rudo,Changed,2026\n,New,One,2026\nA1,Again,X,2026\n";
    let reply = client
        .file("imports/students/?dry_run=true", file)
        .status(202);
    assert_eq!(
        (counts(&reply), &reply.json["dry_run"]),
        ([1, 1, 0, 1], &json!(true))
    );
    client
        .file("imports/staff/?dry_run=1", "staff_number\nS1\n")
        .expect(202);
    client
        .file(
            "imports/guardians/?dry_run=on",
            "first_name,last_name,email\nA,B,a@b.example\n",
        )
        .expect(202);
    let registration = "session,student_id,class\n2026,A1,1A\n";
    client
        .file("imports/registrations/?dry_run=True", registration)
        .expect(202);
    let after: Vec<i64> = tables.iter().map(|table| year.rows(table)).collect();
    assert_eq!(before, after);
    assert_eq!(
        client
            .get("admissions/")
            .status(200)
            .str("results/0/last_name"),
        "Moyo"
    );
    assert_eq!(
        client
            .file("imports/students/?dry_run=perhaps", file)
            .fields(),
        ["dry_run"]
    );
    assert_eq!(
        client
            .file("imports/students/?colour=red&dry_run=1&dry_run=0", file)
            .fields(),
        ["dry_run"]
    );
    assert_eq!(
        client.file("imports/students/?colour=red", file).fields(),
        ["colour"]
    );
}

#[test]
fn students_without_a_number_get_one_that_nobody_has() {
    let year = Year::new();
    year.students("2026-0003,Has,One,2026\n").expect(202);
    let reply = year.students(
        ",First,New,2026\n2026-0005,Own,Number,2026\n,Second,New,2026\n,Other,Year,2025\n",
    );
    assert_eq!(counts(&reply), [4, 0, 0, 0]);
    let sql = "select student_id, first_name from students order by student_id";
    let rows = year.app.rows(&year.school.slot, sql);
    let pairs: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("2025-0001", "Other"),
            ("2026-0003", "Has"),
            ("2026-0004", "First"),
            ("2026-0005", "Own"),
            ("2026-0006", "Second")
        ]
    );
    year.students(",Third,New,2026\n").expect(202);
    assert_eq!(
        year.app.count(
            &year.school.slot,
            "select last_number from student_numbers where admission_year = 2026"
        ),
        7
    );
}

#[test]
fn possible_doubles_are_created_with_a_warning() {
    let year = Year::new();
    let head = "student_id,first_name,last_name,admission_year,dob\n";
    year.import("students", &format!("{head}A1,Rudo,Moyo,2026,2012-01-01\n"))
        .expect(202);
    let file = format!(
        "{head}B1,rudo,MOYO,2026,2012-01-01\nB2,Rudo,Moyo,2026,2011-01-01\n,Rudo,Moyo,2026,\nB4,Chipo,Dube,2026,\nB5,Chipo,Dube,2026,2012-05-05\n"
    );
    let reply = year.import("students", &file);
    assert_eq!(counts(&reply), [5, 0, 0, 0]);
    let warned: Vec<(u64, String)> = reply.json["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap(),
                row["messages"]["non_field_errors"][0]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            )
        })
        .collect();
    assert_eq!(
        warned,
        [
            (2, "The student may be A1 already.".to_owned()),
            (4, "The student may be A1 already.".to_owned()),
            (6, "The student may be the one of line 5.".to_owned()),
        ]
    );
}

#[test]
fn guardians_are_known_by_phone_or_email() {
    let year = Year::new();
    let head = "first_name,last_name,phone_number,email,consent.sms\n";
    let file = format!(
        "{head}A,One,+263 77 100 0001,,TRUE\nB,Two,,B@people.example,\nC,Three,,,\nD,Same,+263771000001,,\n"
    );
    let reply = year.import("guardians", &file);
    assert_eq!((counts(&reply), wrong(&reply).len()), ([2, 0, 0, 2], 2));
    let sql = "select first_name, phone_number, email, json_extract(consent, '$.sms'), json_extract(consent, '$.email') \
               from guardians order by first_name";
    let expected = [
        [
            json!("A"),
            json!("+263771000001"),
            json!(null),
            json!(1),
            json!(0),
        ],
        [
            json!("B"),
            json!(null),
            json!("b@people.example"),
            json!(0),
            json!(0),
        ],
    ];
    assert_eq!(year.app.rows(&year.school.slot, sql), expected);
    // The phone number finds A, who gets an email; a row that names both A and B is about neither.
    let file = format!(
        "{head}A,One,+263771000001,a@people.example,\nX,Both,+263771000001,b@people.example,\n"
    );
    let reply = year.import("guardians", &file);
    assert_eq!(counts(&reply), [0, 1, 0, 1]);
    let file = "first_name,last_name,email\nA,Changed,a@people.example\nX,New,x@people.example\n";
    assert_eq!(counts(&year.import("guardians", file)), [1, 1, 0, 0]);
    assert_eq!(year.rows("guardians"), 3);
    let both = format!("{head}X,Both,+263771000001,b@people.example,\n");
    assert_eq!(
        wrong(&year.import("guardians", &both)),
        [(2, vec!["non_field_errors".to_owned()])]
    );
}

#[test]
fn staff_and_classes_are_known_by_number_and_name() {
    let year = Year::new();
    let file = "staff_number;title;hired_on;is_active\nT-1;Mrs;2024-09-01;TRUE\nT-2;;31.1.2026;\nT-3;Mr;;false\n";
    let reply = year.import("staff", file);
    assert_eq!(
        (counts(&reply), wrong(&reply)),
        ([2, 0, 0, 1], vec![(3, vec!["hired_on".to_owned()])])
    );
    assert_eq!(
        counts(&year.import("staff", "staff_number,title\nT-1,Dr\nT-3,Mr\n")),
        [0, 1, 1, 0]
    );
    let staff = year
        .school
        .admin
        .get("staff/?ordering=staff_number")
        .status(200);
    assert_eq!(
        (staff.column("title"), staff.column("is_active")),
        (
            vec!["Dr".into(), "Mr".into()],
            vec!["true".into(), "false".into()]
        )
    );
    let progress = "select setup_progress from tenants where schema_name = 'greenwood'";
    assert_eq!(year.app.value("CONTROL", progress), "completed");
    let file = "name\tform\tcapacity\n1A\tForm 1\t40\n1B\tForm 1\t\n1C\tForm 2\t\n1D\t\t\n";
    let reply = year.import("classes", file);
    assert_eq!(counts(&reply), [1, 1, 0, 2]);
    assert_eq!(wrong(&reply).len(), 2);
    let classes = year.school.admin.get("classes/?ordering=name").status(200);
    assert_eq!(
        (classes.column("name"), classes.column("capacity")),
        (
            vec!["1A".into(), "1B".into()],
            vec!["40".into(), "null".into()]
        )
    );
}

#[test]
fn registrations_take_a_place_only_while_there_is_one() {
    let year = Year::new();
    year.students("A1,A,A,2026\nA2,B,B,2026\nA3,C,C,2026\nA4,D,D,2026\nA5,Left,E,2026\n")
        .expect(202);
    year.import(
        "students",
        "student_id,first_name,last_name,admission_year,enrolment\nA5,Left,E,2026,transferred\n",
    )
    .expect(202);
    let file = "session,student_id,class\n2026,A1,1A\n2026,A2,1A\n2026,A3,1A\n2026,A4,\n2026,A5,1A\n2027,A4,1A\n2026,A9,1A\n2026,A4,9Z\n";
    let reply = year.import("registrations", file);
    assert_eq!(counts(&reply), [3, 0, 0, 5]);
    let columns: Vec<(u64, String)> = wrong(&reply)
        .into_iter()
        .map(|(row, columns)| (row, columns.join(" ")))
        .collect();
    assert_eq!(
        columns,
        [
            (4, "class".into()),
            (6, "student_id".into()),
            (7, "class session".into()),
            (8, "student_id".into()),
            (9, "student_id".into()),
        ]
    );
    // Whoever leaves makes room for the next.
    let file = "session,student_id,class,status\n2026,A1,1A,transferred\n2026,A4,1A,active\n2026,A3,1A,active\n";
    let reply = year.import("registrations", file);
    assert_eq!(
        (counts(&reply), wrong(&reply)),
        ([0, 2, 0, 1], vec![(4, vec!["class".to_owned()])])
    );
    let path = format!(
        "sessions/{}/student-sessions/?academic_class={}&status=active",
        year.session, year.academic_class
    );
    assert_eq!(
        year.school
            .admin
            .get(&path)
            .status(200)
            .column("student_id"),
        ["A2", "A4"]
    );
    year.app.assert_sound();
}

use std::fmt::Write as _;

use homeroom_api_tests::Client;
use homeroom_store::school::imports::PORTION;
use serde_json::json;

use super::{Year, counts, wrong};

#[test]
fn marks_are_taken_while_the_exam_session_is_open() {
    let year = Year::new();
    let exam_session = year.exam_session();
    year.students("A1,A,A,2026\nA2,B,B,2026\nA3,C,C,2026\n")
        .expect(202);
    year.import(
        "registrations",
        "session,student_id,class\n2026,A1,1A\n2026,A2,1A\n2026,A3,\n",
    )
    .expect(202);
    let path = format!("imports/marks/?exam_session={exam_session}");
    let client = &year.school.admin;
    let file = "student_id,subject,mark,is_absent,comment\nA1,MATH,57.50,,good\nA2,MATH,,true,\nA3,MATH,60,,\nA1,PHYS,50,,\nA9,MATH,50,,\n";
    let reply = client.file(&path, file).status(202);
    assert_eq!(counts(&reply), [2, 0, 0, 3]);
    assert_eq!(reply.str("exam_session"), exam_session);
    let marks = || {
        year.app.rows(
            &year.school.slot,
            "select mark, is_absent, comment, version from marks order by mark is null, mark",
        )
    };
    assert_eq!(
        marks(),
        [
            [json!(5750), json!(0), json!("good"), json!(1)],
            [json!(null), json!(1), json!(""), json!(1)]
        ]
    );
    let file = "student_id,subject,mark,is_absent\nA1,MATH,101,\nA2,MATH,40,\n";
    let reply = client.file(&path, file).status(202);
    assert_eq!(
        (counts(&reply), wrong(&reply)),
        ([0, 1, 0, 1], vec![(2, vec!["mark".to_owned()])])
    );
    assert_eq!(
        marks()[0],
        [json!(4000), json!(0), json!(""), json!(2)],
        "a mark ends the absence"
    );
    let both = "student_id,subject,mark,is_absent\nA1,MATH,50,true\n";
    assert_eq!(counts(&client.file(&path, both).status(202)), [0, 0, 0, 1]);
    let file = "student_id,subject,mark\nA1,MATH,57.5\nA2,MATH,40.00\n";
    assert_eq!(counts(&client.file(&path, file).status(202)), [0, 0, 2, 0]);
    let manager =
        year.school
            .user_who_may(&["school.add_import", "school.add_mark", "school.change_mark"]);
    let reply = manager.file(&path, file);
    assert_eq!((reply.status, reply.code()), (403, "permission_denied"));
    assert!(reply.text.contains("school.manage_mark"), "{}", reply.text);
    assert_eq!(
        client.file("imports/marks/", file).fields(),
        ["exam_session"]
    );
    assert_eq!(
        client.file("imports/marks/?exam_session=x", file).fields(),
        ["exam_session"]
    );
    let nowhere = "imports/marks/?exam_session=01890000-0000-7000-8000-00000000dead";
    assert_eq!(client.file(nowhere, file).fields(), ["exam_session"]);
    assert_eq!(
        client
            .file(
                &format!("imports/staff/?exam_session={exam_session}"),
                "staff_number\n1\n"
            )
            .fields(),
        ["exam_session"]
    );
    for (state, status) in [("review", 202), ("published", 409), ("locked", 409)] {
        year.app.execute(
            &year.school.slot,
            &format!("update exam_sessions set state = '{state}'"),
        );
        let reply = client.file(&path, file);
        assert_eq!(reply.status, status, "{state}: {}", reply.text);
        assert!(status == 202 || reply.code() == "marks_closed");
    }
}

#[test]
fn a_mark_says_who_uploaded_it_last() {
    let year = Year::new();
    let exam_session = year.exam_session();
    year.students("A1,A,A,2026\nA2,B,B,2026\n").expect(202);
    let places = "session,student_id,class\n2026,A1,1A\n2026,A2,1A\n";
    year.import("registrations", places).expect(202);
    let path = format!("imports/marks/?exam_session={exam_session}");
    let file = "student_id,subject,mark\nA1,MATH,50\nA2,MATH,60\n";
    year.school.admin.file(&path, file).expect(202);
    let by = |client: &Client| {
        let list = format!(
            "sessions/{}/exam-sessions/{exam_session}/marks/?ordering=student",
            year.session
        );
        let reply = client.get(&list).status(200);
        (reply.column("created_by"), reply.column("updated_by"))
    };
    let (admin, client) = (&year.school.admin_id, &year.school.admin);
    let both = vec![admin.clone(), admin.clone()];
    assert_eq!(by(client), (both.clone(), both.clone()));
    let other = year.school.user_who_may(&[
        "school.add_import",
        "school.manage_mark",
        "school.add_mark",
        "school.change_mark",
    ]);
    let me = other.get("auth/me/").status(200).id();
    // What is carried out later has the same name on it.
    year.app.lose_deferred(true);
    let mut file = String::from("student_id,subject,mark\n");
    for n in 0..PORTION {
        writeln!(file, "N{n},MATH,50").unwrap();
    }
    file.push_str("A1,MATH,50\nA2,MATH,61\n");
    let id = other.file(&path, &file).status(202).id();
    year.app.visit_schools();
    let job = client.get(&format!("imports/{id}/")).status(200);
    assert_eq!(counts(&job), [0, 1, 1, 200]);
    assert_eq!(by(client), (both, vec![admin.clone(), me]));
}

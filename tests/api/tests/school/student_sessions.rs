use serde_json::json;

use super::{
    greenwood,
    making::{admit, class, register, session, students},
    refused,
};

#[test]
fn a_registration_boards_as_the_student_does_unless_it_says_otherwise() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let boarder = admit(&school, &json!({"status": "Boarding"}))
        .status(201)
        .id();
    let reply = register(&school, &year, &json!({"student": boarder})).status(201);
    assert_eq!(reply.str("boarding_status"), "Boarding");
    let found = school.admin.get(reply.header("location")).status(200);
    assert_eq!(found.json, reply.json);
    let path = format!("sessions/{year}/student-sessions/{}/", reply.id());
    let day = school
        .admin
        .patch(&path, &json!({"boarding_status": "Day"}));
    assert_eq!(day.status(200).str("boarding_status"), "Day");
    // PATCH keeps it, PUT looks again.
    let kept = school.admin.patch(&path, &json!({"academic_class": null}));
    assert_eq!(kept.status(200).str("boarding_status"), "Day");
    let put = school.admin.put(&path, &json!({"student": boarder}));
    assert_eq!(put.status(200).str("boarding_status"), "Boarding");
    let null = school.admin.patch(&path, &json!({"boarding_status": null}));
    assert_eq!(null.fields(), ["boarding_status"]);
    let day_pupil = admit(&school, &json!({})).status(201).id();
    let given = json!({"student": day_pupil, "boarding_status": "Boarding"});
    let reply = register(&school, &year, &given).status(201);
    assert_eq!(reply.str("boarding_status"), "Boarding");
    assert_eq!(reply.trips(), 2);
}

#[test]
fn a_student_who_has_left_is_not_registered_as_active() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    for enrolment in ["transferred", "graduated", "dropped_out"] {
        let student = admit(&school, &json!({"enrolment": enrolment}))
            .status(201)
            .id();
        let reply = register(&school, &year, &json!({"student": student}));
        assert_eq!(
            (reply.status, reply.fields()),
            (400, vec!["student".to_owned()]),
            "{enrolment}: {}",
            reply.text
        );
        let past = json!({"student": student, "status": enrolment});
        let id = register(&school, &year, &past).status(201).id();
        let path = format!("sessions/{year}/student-sessions/{id}/");
        let active = json!({"status": "active"});
        assert_eq!(school.admin.patch(&path, &active).fields(), ["student"]);
        let back = json!({"enrolment": "active"});
        school
            .admin
            .patch(&format!("admissions/{student}/"), &back)
            .expect(200);
        school.admin.patch(&path, &active).expect(200);
    }
}

#[test]
fn a_registration_stays_with_its_student() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let all = students(&school, 2);
    let id = register(&school, &year, &json!({"student": all[0]}))
        .status(201)
        .id();
    let path = format!("sessions/{year}/student-sessions/{id}/");
    let other = json!({"student": all[1]});
    assert_eq!(school.admin.patch(&path, &other).fields(), ["student"]);
    assert_eq!(school.admin.put(&path, &other).fields(), ["student"]);
    let own = json!({"student": all[0], "boarding_status": "Boarding"});
    school.admin.put(&path, &own).expect(200);
}

#[test]
fn a_student_is_registered_once_in_a_session_and_in_its_classes_only() {
    let (_, school) = greenwood();
    let (year, next) = (session(&school, "2026"), session(&school, "2027"));
    let class = class(&school, &next, "1A", None);
    let all = students(&school, 2);
    register(&school, &year, &json!({"student": all[0]})).expect(201);
    let twice = register(&school, &year, &json!({"student": all[0]}));
    assert_eq!(twice.fields(), ["student"]);
    let elsewhere = json!({"student": all[1], "academic_class": class});
    let reply = register(&school, &year, &elsewhere);
    assert_eq!(reply.fields(), ["academic_class"]);
    register(&school, &next, &elsewhere).expect(201);
}

#[test]
fn a_full_class_takes_nobody_more() {
    let (_, school) = greenwood();
    let year = session(&school, "2026");
    let class = class(&school, &year, "1A", Some(1));
    let all = students(&school, 2);
    let body = |student: &String| json!({"student": student, "academic_class": class});
    register(&school, &year, &body(&all[0])).expect(201);
    refused(&register(&school, &year, &body(&all[1])), 409, "class_full");
}

use homeroom_api_tests::{TestApp, academics::Form};
use http::Method;
use serde_json::{Value, json};

use super::{greenwood, refused};

fn band(grade: &str, rank: u32, min: f64, max: f64) -> Value {
    json!({"grade": grade, "rank": rank, "min_mark": min, "max_mark": max, "level": "O Level"})
}

#[test]
fn bands_of_a_level_do_not_overlap_and_those_of_others_may() {
    let (_, school) = greenwood();
    let add = |body: &Value| school.admin.post("academic-settings/", body);
    add(&band("A", 1, 70.0, 100.0)).expect(201);
    assert_eq!(add(&band("B", 2, 60.0, 70.0)).fields(), ["min_mark"]);
    let b = add(&band("B", 2, 60.0, 69.99)).status(201);
    let mut other = band("A", 1, 0.0, 100.0);
    other["level"] = json!("A Level");
    add(&other).expect(201);
    other["level"] = json!(null);
    add(&other).expect(201);
    let widened = json!({"max_mark": 80});
    let path = format!("academic-settings/{}/", b.id());
    assert_eq!(school.admin.patch(&path, &widened).fields(), ["min_mark"]);
    school
        .admin
        .patch(&path, &json!({"min_mark": 50}))
        .expect(200);
    assert_eq!(add(&band("C", 3, 40.0, 30.0)).fields(), ["max_mark"]);
    assert_eq!(add(&band("A", 3, 30.0, 40.0)).fields(), ["grade"]);
    assert_eq!(add(&band("C", 1, 30.0, 40.0)).fields(), ["rank"]);
}

#[test]
fn of_parallel_bands_that_overlap_one_is_kept() {
    let (app, school) = greenwood();
    let replies: Vec<u16> = app
        .run_together(
            (1..=6)
                .map(|rank| {
                    let body = band(&format!("G{rank}"), rank, 10.0, 90.0);
                    school
                        .admin
                        .request(&Method::POST, "academic-settings/", Some(&body))
                })
                .collect(),
        )
        .into_iter()
        .map(|reply| reply.status)
        .collect();
    assert_eq!(replies.iter().filter(|status| **status == 201).count(), 1);
    assert!(replies.iter().all(|status| matches!(status, 201 | 400)));
}

#[test]
fn gaps_are_reported_and_refused_only_in_a_whole_scale() {
    let (_, school) = greenwood();
    let check = || {
        school
            .admin
            .get("academic-settings/check/?level=O+Level")
            .status(200)
    };
    assert_eq!(check().json["results"], json!([]));
    for body in [band("A", 1, 70.0, 100.0), band("C", 2, 10.0, 60.0)] {
        school.admin.post("academic-settings/", &body).expect(201);
    }
    assert_eq!(
        check().json["results"],
        json!([{"level": "O Level", "bands": 2, "is_complete": false, "faults": [
            "The marks below 10 have no grade.",
            "The marks between 60 (grade C) and 70 (grade A) have no grade.",
        ]}])
    );
    let whole = |bands: Value| {
        let body = json!({"level": "O Level", "bands": bands});
        school.admin.put("academic-settings/scale/", &body)
    };
    let reply = whole(json!([band("A", 1, 70.0, 100.0), band("C", 2, 10.0, 60.0)]));
    assert_eq!(reply.fields(), ["bands"]);
    assert!(
        reply.text.contains("below 10 have no grade"),
        "{}",
        reply.text
    );
    let reply = whole(json!([band("A", 1, 50.0, 100.0), band("U", 2, 0.0, 60.0)]));
    assert!(
        reply.text.contains("Grades U and A overlap."),
        "{}",
        reply.text
    );
    whole(json!([band("A", 1, 50.0, 100.0), band("U", 2, 0.0, 49.0)])).expect(200);
    let fine = check();
    assert_eq!(fine.json["results"][0]["is_complete"], json!(true));
    for bad in [
        json!([]),
        json!([{}]),
        json!([7]),
        json!("x"),
        json!([{"grade": "A", "rank": 0}]),
    ] {
        assert_eq!(whole(bad.clone()).fields(), ["bands"], "{bad}");
    }
}

#[test]
fn a_level_of_a_form_without_any_bands_is_reported() {
    let (app, school) = greenwood();
    let _ = Form::new(&app, &school, "F", "Primary");
    let reply = school.admin.get("academic-settings/check/").status(200);
    assert_eq!(
        reply.json["results"],
        json!([{"level": "Primary", "bands": 0, "is_complete": false, "faults": ["A grading scale needs at least one band."]}])
    );
    let general = json!({"bands": [{"grade": "P", "rank": 1, "min_mark": 0, "max_mark": 100}]});
    school
        .admin
        .put("academic-settings/scale/", &general)
        .expect(200);
    let reply = school.admin.get("academic-settings/check/").status(200);
    assert_eq!(
        reply.json["results"],
        json!([{"level": null, "bands": 1, "is_complete": true, "faults": []}])
    );
}

#[test]
fn a_replaced_scale_keeps_the_records_of_grades_that_stay_and_records_each_change() {
    let (_, school) = greenwood();
    let replace = |bands: Value| {
        let body = json!({"level": "O Level", "bands": bands});
        school
            .admin
            .put("academic-settings/scale/", &body)
            .status(200)
    };
    let first = replace(json!([
        band("A", 1, 70.0, 100.0),
        band("B", 2, 50.0, 69.0),
        band("U", 3, 0.0, 49.0)
    ]));
    // The ranks change places, which no sequence of single changes could do.
    let second = replace(json!([
        band("A", 2, 50.0, 69.0),
        band("B", 1, 70.0, 100.0),
        band("E", 3, 0.0, 49.0)
    ]));
    let id = |reply: &homeroom_api_tests::Reply, grade: &str| {
        let bands = reply.json["bands"].as_array().unwrap().iter();
        let mut bands = bands.filter(|band| band["grade"] == grade);
        bands.next().map(|band| band["id"].clone())
    };
    assert_eq!(id(&first, "A"), id(&second, "A"));
    assert_eq!(id(&first, "B"), id(&second, "B"));
    let listed = school
        .admin
        .get("academic-settings/?level=O+Level")
        .status(200);
    assert_eq!(listed.column("grade"), ["B", "A", "E"]);
    let log = school
        .admin
        .get("audit-logs/?table_name=academic_settings&page_size=100&ordering=timestamp")
        .status(200);
    let mut actions = log.column("action");
    actions.sort();
    assert_eq!(
        actions,
        [
            "CREATE", "CREATE", "CREATE", "CREATE", "DELETE", "UPDATE", "UPDATE"
        ]
    );
    let again = replace(json!([
        band("B", 1, 70.0, 100.0),
        band("A", 2, 50.0, 69.0),
        band("E", 3, 0.0, 49.0)
    ]));
    assert_eq!(again.json, second.json);
    let log = school
        .admin
        .get("audit-logs/?table_name=academic_settings")
        .status(200);
    assert_eq!(log.json["count"], 7, "what did not change is not recorded");
}

#[test]
fn parallel_replacements_leave_one_whole_scale() {
    let (app, school) = greenwood();
    let bodies: Vec<Value> = (1..=5)
        .map(|n| {
            let edge = f64::from(n * 10);
            json!({"level": "O Level", "bands": [
                {"grade": format!("High {n}"), "rank": 1, "min_mark": edge, "max_mark": 100},
                {"grade": format!("Low {n}"), "rank": 2, "min_mark": 0, "max_mark": edge - 1.0},
            ]})
        })
        .collect();
    let replies = app.run_together(
        bodies
            .iter()
            .map(|body| {
                school
                    .admin
                    .request(&Method::PUT, "academic-settings/scale/", Some(body))
            })
            .collect(),
    );
    assert!(replies.iter().any(|reply| reply.status == 200));
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "changed_meanwhile");
    }
    let check = school.admin.get("academic-settings/check/").status(200);
    assert_eq!(check.json["results"][0]["bands"], 2);
    assert_eq!(check.json["results"][0]["is_complete"], true);
}

#[test]
fn comments_of_a_kind_and_level_do_not_overlap() {
    let (_, school) = greenwood();
    let body = |min: u32, max: u32| json!({"level": "O Level", "min_mark": min, "max_mark": max, "text": "Well done"});
    for path in [
        "teacher-comment-templates/",
        "teacher-grade-comments/",
        "class-teacher-comments/",
        "head-teacher-comments/",
    ] {
        let first = school.admin.post(path, &body(50, 100)).status(201);
        assert_eq!(
            school.admin.post(path, &body(40, 50)).fields(),
            ["min_mark"]
        );
        assert_eq!(
            school.admin.post(path, &body(40, 30)).fields(),
            ["max_mark"]
        );
        school.admin.post(path, &body(0, 49)).expect(201);
        // Each kind is a list of its own.
        let list = school.admin.get(path).status(200);
        assert_eq!(list.json["count"], 2, "{path}");
        for other in ["teacher-grade-comments/", "head-teacher-comments/"] {
            if other != path {
                let there = format!("{other}{}/", first.id());
                refused(&school.admin.get(&there), 404, "not_found");
            }
        }
    }
}

#[test]
fn report_settings_have_defaults_and_are_replaced_changed_and_reset() {
    let (_, school) = greenwood();
    let get = || school.admin.get("report-settings/").status(200).json;
    let defaults = json!({
        "o_level": ["Subjects Passed", "Grades", "Total marks"], "a_level": ["Subjects Passed", "Symbol", "Total marks"],
        "min_subjects_passed": 5, "min_average": null, "updated_at": null, "attendance_bonus": false,
        "attendance_tiers": [
            {"absences": 0, "points": 0.13}, {"absences": 1, "points": 0}, {"absences": 2, "points": -0.13},
            {"absences": 3, "points": -0.39}, {"absences": 5, "points": -0.5},
        ],
    });
    assert_eq!(get(), defaults);
    let body =
        json!({"o_level": ["Total marks"], "a_level": ["Symbol", "Grades"], "min_average": 49.5});
    let put = school.admin.put("report-settings/", &body).status(200);
    assert_eq!(get(), put.json);
    assert_eq!(put.json["min_subjects_passed"], 5);
    school
        .admin
        .patch("report-settings/", &json!({"min_subjects_passed": 6}))
        .expect(200);
    let now = get();
    assert_eq!(
        (
            &now["o_level"],
            &now["min_average"],
            &now["min_subjects_passed"]
        ),
        (&json!(["Total marks"]), &json!(49.5), &json!(6))
    );
    for (field, bad) in [
        ("o_level", json!([])),
        ("o_level", json!(["Grades", "Grades"])),
        ("a_level", json!(["Beauty"])),
        ("min_subjects_passed", json!(-1)),
        ("min_average", json!(101)),
    ] {
        let mut wrong = body.clone();
        wrong[field] = bad;
        assert_eq!(
            school.admin.put("report-settings/", &wrong).fields(),
            [field]
        );
    }
    for _ in 0..2 {
        let reset = school.admin.act("report-settings/reset/").status(200);
        assert_eq!(reset.json["reset"], true);
        assert_eq!(reset.json["data"], get());
        assert_eq!(get()["o_level"], defaults["o_level"]);
    }
    let log = school
        .admin
        .get("audit-logs/?table_name=report_settings")
        .status(200);
    assert_eq!(log.json["count"], 4);
}

#[test]
fn settings_that_were_changed_meanwhile_are_not_overwritten() {
    let app = TestApp::new();
    let school = app.school("greenwood");
    let body = json!({"min_subjects_passed": 3});
    let replies = school
        .admin
        .together(5, &Method::PATCH, "report-settings/", Some(&body));
    assert!(replies.iter().any(|reply| reply.status == 200));
    for reply in replies.iter().filter(|reply| reply.status != 200) {
        refused(reply, 409, "changed_meanwhile");
    }
    let saved = replies.iter().filter(|reply| reply.status == 200).count();
    let log = school
        .admin
        .get("audit-logs/?table_name=report_settings")
        .status(200);
    assert_eq!(log.json["count"], saved);
}

#[test]
fn the_name_of_a_level_is_read_without_regard_to_case() {
    let (app, school) = greenwood();
    let form = Form::new(&app, &school, "F", "o level");
    form.scale("O Level", &[("A", 50.0, 100.0), ("U", 0.0, 49.0)]);
    let class = form.class("1A", None);
    let subject = form.subject("English", 1.0, true);
    let student = form.enter(&[subject], &[(&class, "Anesu Moyo", &["80"])]);
    let comment = |level: &str, min: u32, text: &str| {
        let body = json!({"level": level, "min_mark": min, "max_mark": 100, "text": text});
        school.admin.post("class-teacher-comments/", &body)
    };
    comment("O LEVEL", 50, "Well done.").expect(201);
    assert_eq!(comment("O Level", 60, "Fine.").fields(), ["min_mark"]);
    let path = format!("{}report-cards/{}/", form.path(), student[0]);
    let card = school.admin.get(&path).status(200);
    assert_eq!(card.str("subjects/0/grade"), "A");
    assert_eq!(card.str("class_teacher_comment/text"), "Well done.");

    let mut other = band("B", 3, 40.0, 60.0);
    other["level"] = json!("o level");
    let other = school.admin.post("academic-settings/", &other);
    assert_eq!(other.fields(), ["min_mark"]);
    let check = |query: &str| {
        let path = format!("academic-settings/check/{query}");
        school.admin.get(&path).status(200).json["results"].clone()
    };
    let fine = json!([{"level": "O Level", "bands": 2, "is_complete": true, "faults": []}]);
    assert_eq!((check(""), check("?level=o+level")), (fine.clone(), fine));
    let body = json!({"level": "O LEVEL", "bands": [{"grade": "P", "rank": 1, "min_mark": 0, "max_mark": 100}]});
    school
        .admin
        .put("academic-settings/scale/", &body)
        .expect(200);
    let bands = school.admin.get("academic-settings/").status(200);
    assert_eq!(bands.column("grade"), ["P"]);
    assert_eq!(
        school.admin.get(&path).status(200).str("subjects/0/grade"),
        "P"
    );
}

//! Points for attendance on report cards.

use homeroom_api_tests::{Client, School, TestApp, academics::Form};
use serde_json::{Value, json};

use super::{greenwood, key_for};

struct Cohort {
    app: TestApp,
    school: School,
    /// Longer than a sign-in lasts.
    admin: Client,
    form: Form,
    class: String,
    /// Ann was never absent, Bob twice, Cy six times; by totals Cy is first, and Ann and Bob are equal.
    students: Vec<String>,
}

impl Cohort {
    fn new() -> Self {
        let (app, school) = greenwood();
        let admin = key_for(&app, &school, &["school.*"]);
        let form = Form::new(&app, &school, "P", "O Level");
        let class = form.class("1A", None);
        let subjects = [
            form.subject("Maths", 2.0, true),
            form.subject("English", 1.0, true),
        ];
        let marks = [["60", "50"], ["62", "46"], ["57", "56.5"]];
        let rows = ["Ann Dube", "Bob Moyo", "Cy Ncube"];
        let rows: Vec<(&str, &str, &[&str])> = rows
            .iter()
            .zip(&marks)
            .map(|(name, marks)| (&*class, *name, &marks[..]))
            .collect();
        let students = form.enter(&subjects, &rows);
        let made = Self {
            app,
            school,
            admin,
            form,
            class,
            students,
        };
        // Excused days are justified, and lessons alone are not days.
        for (n, absent) in [0, 2, 6].into_iter().enumerate() {
            for day in 0..7 {
                let status = if day < absent {
                    "absent"
                } else if day == 6 {
                    "excused"
                } else {
                    "present"
                };
                made.enter(n, &format!("2026-01-{:02}", 12 + day), status);
            }
        }
        made
    }

    fn enter(&self, student: usize, day: &str, status: &str) {
        let sql = format!(
            "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
             values ('{student}-{day}', '{}', '{day}', '{status}', '', 0, 0)",
            self.students[student]
        );
        self.app.execute(&self.school.slot, &sql);
    }

    fn settings(&self, changes: Value) -> Value {
        self.admin
            .patch("report-settings/", &changes)
            .status(200)
            .json
    }

    fn card(&self, student: usize, query: &str) -> Value {
        let path = format!(
            "{}report-cards/{}/{query}",
            self.form.path(),
            self.students[student]
        );
        self.admin.get(&path).status(200).json
    }

    /// The average, the one before, the points and the position of each.
    fn figures(&self) -> Vec<Value> {
        let figures = |n| {
            let card = self.card(n, "");
            let names = [
                "average",
                "raw_average",
                "attendance_points",
                "position_in_class",
                "position_in_form",
            ];
            json!(names.map(|name| &card[name]))
        };
        (0..3).map(figures).collect()
    }

    fn publish(&self) -> Value {
        let body = json!({"accept_incomplete": true});
        let path = format!("{}publish/", self.form.path());
        self.admin.post(&path, &body).status(200).json
    }
}

#[test]
fn attendance_counts_once_a_school_wants_it_and_cards_say_how() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    let door = class.admin.get("report-settings/").status(200);
    assert_eq!(door.json["attendance_bonus"], false);
    let tiers = json!([{"absences": 0, "points": 0.13}, {"absences": 1, "points": 0}, {"absences": 2, "points": -0.13},
        {"absences": 3, "points": -0.39}, {"absences": 5, "points": -0.5}]);
    assert_eq!(door.json["attendance_tiers"], tiers);
    class.settings(json!({"o_level": ["Total marks"]}));
    // Off: what stands beside the average is not there at all.
    let plain = [
        json!([56.67, null, null, 2, 2]),
        json!([56.67, null, null, 2, 2]),
        json!([56.83, null, null, 1, 1]),
    ];
    assert_eq!(class.figures(), plain);
    assert_eq!(class.card(0, "").get("raw_average"), None);
    class.settings(json!({"attendance_bonus": true}));
    let counted = [
        json!([56.8, 56.67, 0.13, 1, 1]),
        json!([56.54, 56.67, -0.13, 2, 2]),
        json!([56.33, 56.83, -0.5, 3, 3]),
    ];
    assert_eq!(class.figures(), counted);
    // 56.8 + 56.54 + 56.33 = 169.67 ÷ 3 = 56.5567
    assert_eq!(class.card(1, "")["class_average"], 56.56);
    // One card alone is placed by the attendance of everybody.
    let path = format!(
        "{}broadsheet/?academic_class={}",
        class.form.path(),
        class.class
    );
    let sheet = class.admin.get(&path).status(200).json;
    let averages: Vec<&Value> = sheet["students"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["average"])
        .collect();
    assert_eq!(averages, [&json!(56.8), &json!(56.54), &json!(56.33)]);
    let of = |query: &str| {
        let path = format!(
            "{}report-cards/{}/{query}",
            class.form.path(),
            class.students[2]
        );
        class.admin.get(&path).status(200).text
    };
    assert!(
        of("?format=html").contains("56.83, attendance -0.5"),
        "{}",
        of("?format=html")
    );
    let csv = of("?format=csv");
    let line = csv.lines().nth(1).unwrap();
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with(",raw_average,attendance_points")
    );
    assert!(line.ends_with(",56.33,3,3,56.83,'-0.5"), "{line}");
    let own = class.settings(json!({"attendance_tiers": [{"absences": 0, "points": 1}, {"absences": 6, "points": -100}]}));
    assert_eq!(own["attendance_tiers"][1]["points"], -100);
    assert_eq!(class.figures()[2], json!([0, 56.83, -100, 3, 3]));
    class.settings(json!({"attendance_bonus": false}));
    assert_eq!(class.figures(), plain);
}

#[test]
fn a_published_card_keeps_its_points_whatever_is_entered_or_set_later() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    class.settings(json!({"o_level": ["Total marks"], "attendance_bonus": true}));
    class.publish();
    let mut frozen: Vec<Value> = (0..3).map(|n| class.card(n, "")).collect();
    assert_eq!(frozen[1]["attendance_points"], -0.13);
    class.enter(0, "2026-01-21", "absent");
    class.enter(0, "2026-01-22", "absent");
    frozen[0]["is_outdated"] = json!(true);
    class.settings(json!({"attendance_tiers": [{"absences": 0, "points": 5}]}));
    assert_eq!(
        (0..3).map(|n| class.card(n, "")).collect::<Vec<_>>(),
        frozen
    );
    let path = format!("{}report-cards/compute/", class.form.path());
    let computed = class.admin.post(&path, &json!({})).status(200);
    assert_eq!(computed.json["changed"].as_array().unwrap().len(), 3);
    class.publish();
    assert_eq!(class.card(0, "")["average"], 61.67);
    let settings = class.app.rows(
        &class.school.slot,
        "select settings from publications order by version",
    );
    assert!(
        settings[1][0]
            .as_str()
            .unwrap()
            .contains("attendance_bonus")
    );
}

#[test]
fn an_absence_that_is_entered_while_cards_are_published_is_not_left_out_unseen() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    class.settings(json!({"attendance_bonus": true}));
    class.app.intrude(Some(homeroom_api_tests::Intrusion {
        nth: 2,
        binding: class.school.slot.clone(),
        sql: format!(
            "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
             values ('late', '{}', '2026-01-21', 'absent', '', 1, 1)",
            class.students[0]
        ),
    }));
    let path = format!("{}publish/", class.form.path());
    let reply = class.admin.post(&path, &json!({"accept_incomplete": true}));
    super::refused(&reply, 409, "changed_meanwhile");
    class.publish();
}

#[test]
fn what_is_entered_of_other_terms_while_cards_are_published_stops_nothing_and_the_terms_dates_do() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    class.settings(json!({"attendance_bonus": true}));
    let path = format!("{}publish/", class.form.path());
    let publish = |sql: String| {
        class.app.intrude(Some(homeroom_api_tests::Intrusion {
            nth: 2,
            binding: class.school.slot.clone(),
            sql,
        }));
        class.admin.post(&path, &json!({"accept_incomplete": true}))
    };
    let reply = publish(format!(
        "insert into attendance (id, student_session, date, status, reason, created_at, updated_at) \
         values ('later', '{}', '2026-05-04', 'absent', '', 1, 1)",
        class.students[0]
    ));
    reply.expect(200);
    class.enter(0, "2026-01-21", "absent");
    let reply = publish("update terms set start_date = '2026-01-13'".to_owned());
    super::refused(&reply, 409, "changed_meanwhile");
    class.publish();
}

#[test]
fn more_entries_than_their_times_can_be_summed_up_do_not_keep_cards_from_families() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    class.settings(json!({"attendance_bonus": true}));
    // Two of these reach as far as five million of today's.
    class.app.execute(
        &class.school.slot,
        "update attendance set updated_at = 9000000000000000000",
    );
    assert_eq!(class.publish()["cards"], 3);
}

#[test]
fn of_whom_nothing_is_known_gets_no_points() {
    let class = Cohort::new();
    class.app.pass_seconds(10 * 86_400);
    class.settings(json!({"o_level": ["Total marks"], "attendance_bonus": true}));
    let forget = |sql: String| class.app.execute(&class.school.slot, &sql);
    forget(format!(
        "delete from attendance where student_session = '{}'",
        class.students[0]
    ));
    assert_eq!(
        class.figures(),
        [
            json!([56.67, 56.67, 0, 1, 1]),
            json!([56.54, 56.67, -0.13, 2, 2]),
            json!([56.33, 56.83, -0.5, 3, 3]),
        ]
    );
    // Who was excused all the time was never absent.
    class.enter(0, "2026-01-12", "excused");
    assert_eq!(class.card(0, "")["attendance_points"], 0.13);
    forget("update terms set term = '3'".to_owned());
    let points: Vec<Value> = (0..3)
        .map(|n| class.card(n, "")["attendance_points"].clone())
        .collect();
    assert_eq!(points, [json!(0), json!(0), json!(0)]);
}

#[test]
fn tiers_that_cannot_be_are_refused_on_their_field() {
    let class = Cohort::new();
    for tiers in [
        json!([]),
        json!([{"absences": 1, "points": 0}]),
        json!([{"absences": 0, "points": 101}]),
        json!("none"),
        json!([{"absences": 0, "points": 0, "more": 1}]),
    ] {
        let reply = class
            .admin
            .patch("report-settings/", &json!({"attendance_tiers": tiers}));
        assert_eq!(reply.fields(), ["attendance_tiers"], "{tiers}");
    }
    let reset = class.admin.act("report-settings/reset/").status(200);
    assert_eq!(reset.json["data"]["attendance_bonus"], false);
}

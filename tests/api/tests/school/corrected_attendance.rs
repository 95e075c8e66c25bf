//! Published cards after attendance that gave points was corrected.

use homeroom_api_tests::{Client, TestApp, academics::Form};
use serde_json::json;

use super::{greenwood, key_for};

struct Published {
    app: TestApp,
    /// Longer than a sign-in lasts.
    admin: Client,
    form: Form,
    class: String,
    /// Ann and Bob.
    students: [String; 2],
}

impl Published {
    /// Cards of 22 January, where attendance counts or not.
    fn new(counts: bool) -> Self {
        let (app, school) = greenwood();
        let admin = key_for(&app, &school, &["school.*"]);
        let form = Form::new(&app, &school, "P", "O Level");
        let class = form.class("1A", None);
        let subjects = [form.subject("Maths", 1.0, true)];
        let rows: [(&str, &str, &[&str]); 2] =
            [(&class, "Ann Dube", &["60"]), (&class, "Bob Moyo", &["50"])];
        let students = form.enter(&subjects, &rows).try_into().unwrap();
        let moment = homeroom_kernel::Timestamp::parse("2026-01-22T12:00:00Z").unwrap();
        app.pass_millis(moment.millis() - app.now().millis());
        admin
            .patch("report-settings/", &json!({"attendance_bonus": counts}))
            .expect(200);
        let made = Self {
            app,
            admin,
            form,
            class,
            students,
        };
        made.enter("2026-01-15", "absent");
        made.publish();
        made
    }

    fn publish(&self) {
        let path = format!("{}publish/", self.form.path());
        self.admin
            .post(&path, &json!({"accept_incomplete": true}))
            .expect(200);
        assert_eq!(self.outdated(), [false, false]);
    }

    /// Enters a day of Ann's.
    fn enter(&self, day: &str, status: &str) {
        let entries = json!([{"student_session": self.students[0], "status": status}]);
        let body = json!({"academic_class": self.class, "date": day, "entries": entries});
        self.admin.post("attendance/bulk/", &body).expect(200);
    }

    fn entry(&self) -> String {
        let found = self.admin.get("attendance/?date=2026-01-15").status(200);
        format!("attendance/{}/", found.str("results/0/id"))
    }

    fn leave(&self) -> String {
        let ann = format!(
            "sessions/{}/student-sessions/{}/",
            self.form.session, self.students[0]
        );
        let student = self.admin.get(&ann).status(200).str("student");
        let body =
            json!({"student": student, "start_date": "2026-01-15", "end_date": "2026-01-16"});
        let leave = self.admin.post("leave-applications/", &body);
        format!("leave-applications/{}/", leave.status(201).id())
    }

    /// Whether each card is outdated, Ann's first.
    fn outdated(&self) -> [bool; 2] {
        self.students.clone().map(|student| {
            let path = format!("{}report-cards/{student}/", self.form.path());
            self.admin.get(&path).status(200).json["is_outdated"] == json!(true)
        })
    }
}

#[test]
fn whichever_way_attendance_is_corrected_the_students_card_is_outdated_until_it_is_published_again()
{
    let cards = Published::new(true);
    let mut leave = String::new();
    let corrections: [&mut dyn FnMut(); 7] = [
        &mut || cards.enter("2026-01-15", "late"),
        &mut || cards.enter("2026-01-16", "absent"),
        &mut || {
            cards
                .admin
                .patch(&cards.entry(), &json!({"status": "absent"}))
                .expect(200);
        },
        &mut || {
            leave = cards.leave();
            cards.admin.act(&format!("{leave}approve/")).expect(200);
        },
        &mut || {
            cards
                .admin
                .patch(&cards.entry(), &json!({"date": "2026-01-14"}))
                .expect(200);
        },
        &mut || cards.enter("2026-01-15", "present"),
        &mut || cards.admin.delete(&cards.entry()).expect(204),
    ];
    for (n, correct) in corrections.into_iter().enumerate() {
        correct();
        assert_eq!(cards.outdated(), [true, false], "{n}");
        cards.app.pass_seconds(60);
        cards.publish();
    }
    cards.admin.act(&format!("{leave}withdraw/")).expect(200);
    assert_eq!(cards.outdated(), [true, false]);
    cards.publish();
}

#[test]
fn days_after_the_publication_and_of_other_terms_leave_cards_as_they_are() {
    let cards = Published::new(true);
    cards.app.pass_seconds(86_400);
    cards.enter("2026-01-23", "absent");
    assert_eq!(cards.outdated(), [false, false]);
    cards.enter("2026-01-09", "absent");
    assert_eq!(cards.outdated(), [false, false]);
    // What says the same again changes nothing.
    let same = json!({"reason": "Ill"});
    cards.admin.patch(&cards.entry(), &same).expect(200);
    assert_eq!(cards.outdated(), [false, false]);
    cards.enter("2026-01-22", "absent");
    assert_eq!(cards.outdated(), [true, false]);
}

#[test]
fn where_attendance_gives_no_points_its_correction_outdates_no_card() {
    let cards = Published::new(false);
    cards.enter("2026-01-15", "late");
    cards.admin.delete(&cards.entry()).expect(204);
    assert_eq!(cards.outdated(), [false, false]);
}

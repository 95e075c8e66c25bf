//! Guardians whose file says whose they are.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Year, counts, import, wrong};
use crate::school::someone;

const HEAD: &str =
    "first_name,last_name,phone_number,email,consent.sms,student_id,relation,is_primary\n";

impl Year {
    fn guardians(&self, rows: &str) -> homeroom_api_tests::Reply {
        self.import("guardians", &format!("{HEAD}{rows}"))
    }

    /// Guardian, student, relation, and whether the guardian is called first.
    fn links(&self) -> Vec<Vec<Value>> {
        let sql = "select g.first_name, p.student_id, l.relation, l.is_primary from student_guardians l \
                   join guardians g on g.id = l.guardian join students p on p.id = l.student order by 1, 2";
        self.app.rows(&self.school.slot, sql)
    }
}

fn link(guardian: &str, student: &str, relation: &str, is_primary: i64) -> Vec<Value> {
    vec![
        json!(guardian),
        json!(student),
        json!(relation),
        json!(is_primary),
    ]
}

#[test]
fn a_guardian_has_a_line_for_each_child() {
    let year = Year::new();
    year.students("A1,A,A,2026\nA2,B,B,2026\nA3,C,C,2026\n")
        .expect(202);
    let file = "Chipo,Moyo,+263771000001,,true,A1,mother,TRUE\n\
                Tendai,Moyo,,t@people.example,,A1,father,\n\
                Chipo,Moyo,+263 77 100 0001,,,A2,mother,\n\
                Rudo,Dube,+263771000003,,,,,\n";
    let reply = year.guardians(file);
    assert_eq!((counts(&reply), wrong(&reply)), ([3, 1, 0, 0], vec![]));
    let linked = [
        link("Chipo", "A1", "mother", 1),
        link("Chipo", "A2", "mother", 0),
        link("Tendai", "A1", "father", 0),
    ];
    assert_eq!(year.links(), linked);
    assert_eq!(year.rows("guardians"), 3);
    let logged = year.rows("audit_logs");
    assert_eq!(counts(&year.guardians(file)), [0, 0, 4, 0]);
    assert_eq!(
        (year.links().len(), year.rows("audit_logs")),
        (3, logged + 1)
    );
    // A later file adds a child and changes a relation; what it leaves out stays.
    let more = "phone_number,first_name,last_name,student_id,relation\n\
                +263771000001,Chipo,Moyo,A3,guardian\n+263771000001,Chipo,Moyo,A2,aunt\n";
    assert_eq!(counts(&year.import("guardians", more)), [0, 2, 0, 0]);
    assert_eq!(year.links()[1], link("Chipo", "A2", "aunt", 0));
    assert_eq!(year.links()[2], link("Chipo", "A3", "guardian", 0));
    let log = year
        .school
        .admin
        .get("audit-logs/?table_name=student_guardians&ordering=timestamp")
        .status(200);
    assert_eq!(
        log.column("action"),
        ["CREATE", "CREATE", "CREATE", "CREATE", "UPDATE"]
    );
    assert_eq!(
        log.json.pointer("/results/4/changes"),
        Some(&json!({"relation": {"from": "mother", "to": "aunt"}}))
    );
    assert_eq!(
        log.json.pointer("/results/0/actor"),
        Some(&json!(year.school.admin_id))
    );
    let by = "select count(*) from student_guardians where created_by is null";
    assert_eq!(year.app.count(&year.school.slot, by), 0);
}

#[test]
fn a_row_whose_child_is_wrong_writes_nothing_and_stops_no_other() {
    let year = Year::new();
    year.students("A1,A,A,2026\n").expect(202);
    let reply = year.guardians(
        "No,Student,+263771000001,,,A9,mother,\n\
         No,Relation,+263771000002,,,A1,,\n\
         No,Name,+263771000003,,,,mother,\n\
         Odd,First,+263771000004,,,A1,mother,perhaps\n\
         Chipo,Moyo,+263771000005,,,A1,mother,\n\
         Twice,Moyo,+263771000005,,,A1,aunt,\n",
    );
    assert_eq!(counts(&reply), [1, 0, 0, 5]);
    let columns: Vec<(u64, String)> = wrong(&reply)
        .into_iter()
        .map(|(row, columns)| (row, columns.join(" ")))
        .collect();
    let expected = [
        (2, "student_id"),
        (3, "relation"),
        (4, "student_id"),
        (5, "is_primary"),
        (7, "phone_number"),
    ];
    assert_eq!(columns, expected.map(|(row, column)| (row, column.into())));
    assert_eq!(
        (year.rows("guardians"), year.links()),
        (1, vec![link("Chipo", "A1", "mother", 0)])
    );
}

#[test]
fn a_child_has_one_guardian_who_is_called_first_the_last_that_was_named() {
    let year = Year::new();
    year.students("A1,A,A,2026\nA2,B,B,2026\n").expect(202);
    let reply = year.guardians(
        "Chipo,Moyo,+263771000001,,,A1,mother,true\n\
         Tendai,Moyo,+263771000002,,,A1,father,true\n\
         Chipo,Moyo,+263771000001,,,A2,mother,true\n",
    );
    assert_eq!(counts(&reply), [2, 1, 0, 0]);
    let linked = |first: i64| {
        vec![
            link("Chipo", "A1", "mother", first),
            link("Chipo", "A2", "mother", 1),
            link("Tendai", "A1", "father", 1 - first),
        ]
    };
    assert_eq!(year.links(), linked(0));
    let first = "Chipo,Moyo,+263771000001,,,A1,,true\n";
    assert_eq!(counts(&year.guardians(first)), [0, 1, 0, 0]);
    assert_eq!(year.links(), linked(1));
    // Whoever lost it has a line in the log, too.
    let log = year
        .school
        .admin
        .get("audit-logs/?table_name=student_guardians&action=UPDATE")
        .status(200);
    assert_eq!(log.json["count"], 2);
    year.app.assert_sound();
}

#[test]
fn rows_of_one_guardian_build_on_each_other() {
    let year = Year::new();
    year.students("A1,A,A,2026\nA2,B,B,2026\nA3,C,C,2026\n")
        .expect(202);
    year.guardians("Old,Name,+263771000001,,,,,\nOther,One,,o@people.example,,,,\n")
        .expect(202);
    let reply = year.guardians(
        "Chipo,Moyo,+263771000001,c@people.example,true,A1,mother,\n\
         Chipo,Both,+263771000001,o@people.example,,A3,mother,\n\
         Chipo,Moyo,,c@people.example,,A2,mother,\n\
         New,One,+263771000009,,,A2,aunt,\n\
         New,Two,+263771000009,n@people.example,,A3,aunt,\n",
    );
    assert_eq!(
        (counts(&reply), wrong(&reply)),
        ([1, 3, 0, 1], vec![(3, vec!["non_field_errors".to_owned()])])
    );
    let sql = "select first_name, last_name, phone_number, email, json_extract(consent, '$.sms') from guardians \
               order by 1, 2";
    assert_eq!(
        year.app.rows(&year.school.slot, sql),
        [
            // An empty cell empties what may be empty.
            [
                json!("Chipo"),
                json!("Moyo"),
                json!(null),
                json!("c@people.example"),
                json!(1)
            ],
            [
                json!("New"),
                json!("Two"),
                json!("+263771000009"),
                json!("n@people.example"),
                json!(0)
            ],
            [
                json!("Other"),
                json!("One"),
                json!(null),
                json!("o@people.example"),
                json!(0)
            ],
        ]
    );
    assert_eq!(year.links().len(), 4);
    // One change of each guardian and one line of it, however many rows it took.
    let lines = "select count(*) from audit_logs where table_name = 'guardians'";
    assert_eq!(year.app.count(&year.school.slot, lines), 4);
}

#[test]
fn families_may_lie_across_portions() {
    let year = Year::new();
    let (mut students, mut guardians) = (String::new(), String::from(HEAD));
    for n in 0..450 {
        writeln!(students, "S{n},Rudo,Moyo {n},2026").unwrap();
        let family = n % 150;
        writeln!(
            guardians,
            "Chipo,Family {family},+26377{family:07},,,S{n},mother,true"
        )
        .unwrap();
    }
    year.students(&students).expect(202);
    let id = year.import("guardians", &guardians).id();
    let reply = year.school.admin.get(&format!("imports/{id}/")).status(200);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [150, 300, 0, 0])
    );
    assert_eq!((year.rows("guardians"), year.links().len()), (150, 450));
    year.app.assert_sound();
}

#[test]
fn a_file_gives_nobody_who_sent_it_students() {
    let year = Year::new();
    year.students("A1,A,A,2026\nA2,B,B,2026\n").expect(202);
    let (office, user) = someone(&year.school, "office@greenwood.example", &["Office"]);
    let me = json!({"first_name": "Own", "last_name": "Self", "phone_number": "+263771000001", "user": user});
    year.school.admin.post("guardians/", &me).expect(201);
    let file = |phone: &str| {
        format!(
            "{HEAD}Own,Self,+263771000001,{phone},,A1,uncle,\n\
             Chipo,Moyo,+263771000002,,,A1,mother,\n"
        )
    };
    let reply = import(&office, "guardians", &file(""));
    assert_eq!(
        (counts(&reply), wrong(&reply)),
        ([1, 0, 0, 1], vec![(2, vec!["student_id".to_owned()])])
    );
    assert_eq!(year.links(), [link("Chipo", "A1", "mother", 0)]);
    // Nor by a name that an earlier line gives, nor in a file that is carried on later.
    let tricky = format!(
        "{HEAD}Own,Self,+263771000001,own@people.example,,,,\nOwn,Self,,own@people.example,,A2,uncle,\n"
    );
    let reply = import(&office, "guardians", &tricky);
    assert_eq!(counts(&reply), [0, 1, 0, 1]);
    let mut long = file("");
    for n in 0..450 {
        writeln!(long, "Tendai,Dube {n},+26378{n:07},,,,,").unwrap();
    }
    let id = import(&office, "guardians", &long).id();
    let reply = office.get(&format!("imports/{id}/")).status(200);
    assert_eq!(
        (reply.str("status"), counts(&reply)),
        ("completed".into(), [450, 0, 1, 1])
    );
    assert_eq!(year.links(), [link("Chipo", "A1", "mother", 0)]);
    // What somebody else linked stays, and may be changed.
    let mine = format!("{HEAD}Own,Self,+263771000001,,,A1,uncle,\n");
    assert_eq!(counts(&year.import("guardians", &mine)), [0, 1, 0, 0]);
    let mine = mine.replace("uncle", "father");
    assert_eq!(counts(&import(&office, "guardians", &mine)), [0, 1, 0, 0]);
}

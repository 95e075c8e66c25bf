//! Lists of cards: orderings and pages.

use homeroom_api_tests::{School, TestApp};
use serde_json::json;

use super::{
    greenwood, refused,
    report_cards::{Golden, golden},
};

#[test]
fn among_equals_the_next_ordering_decides() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let names = |ordering: &str| {
        let path = format!("{}report-cards/?ordering={ordering}", golden.form.path());
        school.admin.get(&path).status(200).column("student_name")
    };
    // Anesu and Bongai have the same average and position.
    let by_average = names("-average,student_name");
    assert_eq!(
        by_average,
        [
            "Eve Banda",
            "Farai Zhou",
            "Anesu Moyo",
            "Bongai Ncube",
            "Dudu Sibanda",
            "Chipo Dube"
        ]
    );
    assert_eq!(names("-average,-student_name")[2], "Bongai Ncube");
    assert_eq!(
        names("position,-student_name")[..2],
        ["Bongai Ncube", "Anesu Moyo"]
    );
    assert_eq!(
        names("-position,student_name")[..2],
        ["Farai Zhou", "Eve Banda"]
    );
    assert_eq!(names("student_name")[0], "Anesu Moyo");
}

#[test]
fn pages_of_cards_are_those_of_the_whole_list() {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let path = format!("{}report-cards/", golden.form.path());
    for published in [false, true] {
        if published {
            let accept = json!({"accept_incomplete": true});
            let publish = format!("{}publish/", golden.form.path());
            school.admin.post(&publish, &accept).expect(200);
            // The card stays in the class in which it was published.
            let moved = format!(
                "sessions/{}/student-sessions/{}/",
                golden.form.session, golden.students[0]
            );
            let to = json!({"academic_class": golden.b});
            school.admin.patch(&moved, &to).expect(200);
        }
        let whole = school.admin.get(&path).status(200);
        assert_eq!(whole.json["count"], 6);
        for size in 1..6 {
            let mut paged = Vec::new();
            for page in 1..=6_usize.div_ceil(size) {
                let query = format!("{path}?page={page}&page_size={size}");
                let reply = school.admin.get(&query).status(200);
                assert_eq!(reply.json["count"], 6, "{query}");
                paged.extend(reply.results().clone());
            }
            assert_eq!(&paged, whole.results(), "{size}");
        }
        let beyond = school.admin.get(&format!("{path}?page=3&page_size=3"));
        refused(&beyond, 404, "invalid_page");
    }
}

/// A published form of which somebody has no card yet, in the second class.
fn with_a_latecomer() -> (TestApp, School, Golden) {
    let (app, school) = greenwood();
    let golden = golden(&app, &school);
    let accept = json!({"accept_incomplete": true});
    let publish = format!("{}publish/", golden.form.path());
    school.admin.post(&publish, &accept).expect(200);
    let _ = golden.form.student(&golden.b, "Zodwa Phiri");
    (app, school, golden)
}

const BY_NAME: [&str; 7] = [
    "Anesu Moyo",
    "Bongai Ncube",
    "Chipo Dube",
    "Dudu Sibanda",
    "Eve Banda",
    "Farai Zhou",
    "Zodwa Phiri",
];

#[test]
fn published_cards_and_one_that_is_not_stand_in_one_order() {
    let (_, school, golden) = with_a_latecomer();
    let list = format!("{}report-cards/", golden.form.path());
    let names = |query: &str| {
        let found = school.admin.get(&format!("{list}?{query}")).status(200);
        found.column("student_name")
    };
    let by_average = [4, 5, 0, 1, 3, 2, 6].map(|n| BY_NAME[n]);
    let of_a = format!("academic_class={}&ordering=-student_name", golden.a);
    let of_b = format!("academic_class={}", golden.b);
    for (query, expected) in [
        ("", &BY_NAME[..]),
        ("ordering=student_name", &BY_NAME),
        ("ordering=student_number", &BY_NAME),
        ("ordering=-average,student_name", &by_average),
        (
            "ordering=student_name&search=i",
            &[1, 2, 3, 5, 6].map(|n| BY_NAME[n]),
        ),
        ("is_complete=false", &[BY_NAME[4], BY_NAME[6]]),
        ("is_complete=true&page=3&page_size=2", &[BY_NAME[5]]),
        ("is_withheld=true", &[]),
        (&of_a, &[4, 3, 2, 1, 0].map(|n| BY_NAME[n])),
        (&of_b, &BY_NAME[5..]),
        (
            &format!("{of_b}&ordering=-student_name"),
            &[BY_NAME[6], BY_NAME[5]],
        ),
    ] {
        assert_eq!(names(query), expected, "{query}");
    }
    let last = school
        .admin
        .get(&format!("{list}?ordering=student_name&page=7&page_size=1"));
    let last = last.status(200);
    assert_eq!(last.json["count"], 7);
    assert_eq!(last.str("results/0/status"), "live");
    let beyond = school
        .admin
        .get(&format!("{list}?ordering=student_name&page=8&page_size=1"));
    refused(&beyond, 404, "invalid_page");
    for ordering in [
        "student_name",
        "-student_name",
        "-average",
        "position",
        "-position",
    ] {
        let whole = school
            .admin
            .get(&format!("{list}?ordering={ordering}"))
            .status(200);
        for size in 1..7 {
            let mut paged = Vec::new();
            for page in 1..=7_usize.div_ceil(size) {
                let query = format!("{list}?ordering={ordering}&page={page}&page_size={size}");
                paged.extend(school.admin.get(&query).status(200).results().clone());
            }
            assert_eq!(&paged, whole.results(), "{ordering} by {size}");
        }
    }
}

#[test]
fn a_page_reads_no_card_of_classes_that_are_published_but_its_own() {
    let (app, school, golden) = with_a_latecomer();
    let list = format!("{}report-cards/", golden.form.path());
    // Others could be anything.
    let broken = "update report_cards set card = json_remove(card, '$.subjects') \
                  where card ->> '$.student_name' not in ('Bongai Ncube', 'Farai Zhou')";
    app.execute(&school.slot, broken);
    let of_a = format!("academic_class={}&page=2&page_size=1", golden.a);
    for (query, trips) in [
        (of_a.as_str(), 2),
        (&format!("{of_a}&ordering=student_name"), 2),
        ("ordering=student_name&page=2&page_size=1", 4),
        ("search=NCUBE", 4),
        // Nothing but what is worked out.
        ("ordering=-student_name&page_size=2", 3),
    ] {
        let found = school.admin.get(&format!("{list}?{query}")).status(200);
        let names = found.column("student_name");
        let expected = if trips == 3 {
            vec!["Zodwa Phiri", "Farai Zhou"]
        } else {
            vec!["Bongai Ncube"]
        };
        assert_eq!(
            (names, found.trips()),
            (expected.into_iter().map(str::to_owned).collect(), trips),
            "{query}"
        );
    }
}

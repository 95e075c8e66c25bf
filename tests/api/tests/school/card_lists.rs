//! Lists of cards: orderings and pages.

use serde_json::json;

use super::{greenwood, refused, report_cards::golden};

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

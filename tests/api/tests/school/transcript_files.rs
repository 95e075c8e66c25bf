//! Transcripts as CSV, page and PDF, and one of many years.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{timed, transcripts::Years};

#[test]
fn the_csv_of_a_transcript_has_a_line_for_each_subject() {
    let years = Years::published();
    let file = years.get("?format=csv");
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let cells =
        |from: &[&str]| -> Vec<String> { from.iter().map(|cell| (*cell).to_owned()).collect() };
    let number = years.get("").str("student_number");
    let of_second = [
        &*number,
        "Anesu Moyo",
        "Year S",
        "1",
        "End of term",
        "2A S",
        "Form S",
    ];
    assert_eq!(rows.len(), 4);
    assert_eq!(
        rows[1..],
        [
            cells(
                &[
                    &of_second[..],
                    &[
                        "Art S", "absent", "", "", "1", "", "", "0", "50", "3", "1", "1", "1", "1"
                    ]
                ]
                .concat()
            ),
            cells(
                &[
                    &of_second[..],
                    &[
                        "English S",
                        "marked",
                        "80",
                        "A",
                        "1",
                        "true",
                        "1",
                        "1",
                        "50",
                        "3",
                        "1",
                        "1",
                        "1",
                        "1"
                    ]
                ]
                .concat()
            ),
            cells(
                &[
                    &of_second[..],
                    &[
                        "Maths S", "marked", "35", "U", "2", "false", "1", "1", "50", "3", "1",
                        "1", "1", "1"
                    ]
                ]
                .concat()
            ),
        ]
    );
}

#[test]
fn the_page_of_a_transcript_shows_terms_subjects_and_what_they_come_to() {
    let years = Years::published();
    let page = years.get("?format=html");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for text in [
        "Transcript",
        "Year F – Year S",
        "Year S · Term 1 · End of term",
        "Maths S",
        "Absent",
        "52.63",
        "2 of 3",
        "2012-03-04",
        "Head teacher",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
}

#[test]
fn fifteen_years_of_eight_exam_sessions_are_one_transcript_in_one_trip() {
    let years = Years::published();
    // Fifteen subjects on each of 120 cards more, which are more rows than a sheet takes.
    let card = years.app.value(
        &years.school.slot,
        &format!(
            "select card from report_cards where student_session = '{}'",
            years.cards[1]
        ),
    );
    let mut card: Value = serde_json::from_str(card.as_str().unwrap()).unwrap();
    let line = card["subjects"][1].clone();
    card["subjects"] = (0..15).map(|_| line.clone()).collect();
    for year in 0..15 {
        let mut sql = String::new();
        let session = format!("01900000-0000-7000-8000-{year:012x}");
        let registration = format!("01900000-0000-7000-9000-{year:012x}");
        let start = (2_000 + year) * 1_000_000;
        write!(
            sql,
            "insert into academic_sessions (id, name, start_date, end_date, is_active, created_at, updated_at) \
             values ('{session}', 'Old {year}', {start}, {start} + 1000, 0, 0, 0); \
             insert into student_sessions (id, session, student, boarding_status, status, created_at, updated_at) \
             values ('{registration}', '{session}', '{}', 'Day', 'active', 0, 0);",
            years.student
        )
        .unwrap();
        for exam in 0..8 {
            let n = year * 8 + exam;
            let id = |kind: &str| format!("01900000-0000-7000-{kind}-{n:012x}");
            card["exam_session"] = json!(id("a000"));
            write!(
                sql,
                "insert into exam_sessions (id, session, term, name, state, is_active, is_deleted, created_at, updated_at) \
                 values ('{0}', '{session}', '{term}', 'Exams {exam}', 'published', 1, 0, {exam}, 0); \
                 insert into publications (id, exam_session, version, scales, settings, published_at) \
                 values ('{1}', '{0}', 1, '{{}}', '{{}}', 0); \
                 insert into report_cards (id, publication, exam_session, student_session, academic_class, version, card, \
                 is_outdated, is_current, created_at, updated_at) select '{2}', '{1}', '{0}', '{registration}', \
                 academic_class, 1, '{card}', 0, 1, 0, 0 from report_cards where student_session = '{3}';",
                id("a000"),
                id("b000"),
                id("8100"),
                years.cards[1],
                term = exam % 3 + 1,
            )
            .unwrap();
        }
        years.app.execute(&years.school.slot, &sql);
    }
    let _ = years.get("");
    let all = timed("a transcript of 122 cards", || years.get(""));
    assert_eq!(all.trips(), 1);
    let cards = all.json["report_cards"].as_array().unwrap();
    assert_eq!(cards.len(), 122);
    let terms: Vec<&Value> = cards[..8]
        .iter()
        .map(|card| &card["exam_session"])
        .collect();
    // By term, and within it as they were made.
    let expected: Vec<String> = [0, 3, 6, 1, 4, 7, 2, 5]
        .map(|n| format!("01900000-0000-7000-a000-{n:012x}"))
        .into();
    assert_eq!(json!(terms), json!(expected));
    let pdf = timed("the same as PDF", || years.get("?format=pdf"));
    assert!(pdf.bytes.starts_with(b"%PDF"));
    assert_eq!(pdf.trips(), 1);
}

use super::{super::grading::Band, *};

fn mark(hundredths: i64) -> Mark {
    Mark::new(hundredths).unwrap()
}

pub(super) fn plan(id: &str, coefficient: i64) -> SubjectPlan {
    SubjectPlan {
        id: id.to_owned(),
        name: id.to_uppercase(),
        coefficient: Coefficient::new(coefficient).unwrap(),
        pass_mark: mark(5000),
    }
}

pub(super) fn scale() -> Scale {
    let bands = [
        ("A", 1, 7000, 10_000),
        ("C", 2, 5000, 6999),
        ("U", 3, 0, 4999),
    ];
    let bands = bands.map(|(grade, rank, min, max)| Band {
        grade: grade.to_owned(),
        rank,
        min_mark: mark(min),
        max_mark: mark(max),
        description: String::new(),
        comment: String::new(),
    });
    Scale::new(bands.into()).unwrap()
}

pub(super) fn student(id: &str, class: &str, scores: &[(&str, Score)]) -> Candidate {
    Candidate {
        student_session: id.to_owned(),
        academic_class: class.to_owned(),
        subjects: scores
            .iter()
            .map(|(subject, score)| ((*subject).to_owned(), *score))
            .collect(),
        absences: Some(0),
    }
}

pub(super) fn marked(hundredths: i64) -> Score {
    Score::Marked(mark(hundredths))
}

pub(super) fn cohort(students: Vec<Candidate>) -> Cohort {
    Cohort {
        level: "O Level".to_owned(),
        settings: ReportSettings::default(),
        scale: Some(scale()),
        subjects: vec![plan("maths", 100), plan("art", 100)],
        students,
    }
}

/// Who is where in the form, in the order of the cards.
fn order(cards: &[Card]) -> Vec<(&str, Option<u32>)> {
    cards
        .iter()
        .map(|card| (card.student_session.as_str(), card.position_in_form))
        .collect()
}

#[test]
fn nobody_makes_no_cards() {
    assert_eq!(compute(&cohort(Vec::new())), []);
}

#[test]
fn who_sat_nothing_has_neither_average_nor_position() {
    let cards = compute(&cohort(vec![
        student(
            "absent",
            "1A",
            &[("maths", Score::Absent), ("art", Score::Absent)],
        ),
        student("missing", "1A", &[("maths", Score::Missing)]),
        student("nothing", "1A", &[]),
        student("zero", "1A", &[("maths", marked(0))]),
    ]));
    assert_eq!(
        order(&cards),
        [
            ("zero", Some(1)),
            ("absent", None),
            ("nothing", None),
            ("missing", None)
        ]
    );
    let averages: Vec<Option<Hundredths>> = cards.iter().map(|card| card.average).collect();
    assert_eq!(averages, [Some(Hundredths(0)), None, None, None]);
    assert!(cards.iter().all(|card| card.class_size == 4));
    assert_eq!(cards[0].subjects_taken, 1);
    assert_eq!(cards[1].subjects_taken, 0);
    assert!(cards[1].is_complete && !cards[3].is_complete);
}

#[test]
fn the_incomplete_keep_the_figures_so_far_and_move_nobody() {
    let cards = compute(&cohort(vec![
        student("a", "1A", &[("maths", marked(6000)), ("art", marked(5000))]),
        student(
            "b",
            "1A",
            &[("maths", marked(9000)), ("art", Score::Missing)],
        ),
    ]));
    assert_eq!(order(&cards), [("a", Some(1)), ("b", None)]);
    let b = &cards[1];
    assert_eq!(b.missing, ["art"]);
    assert_eq!(b.average, Some(Hundredths(9000)));
    assert_eq!(b.subjects[0].position_in_class, Some(1));
    // The averages of the class are of those who have a position; the marks of a subject are everybody's.
    assert_eq!(b.class_highest, Some(Hundredths(5500)));
    assert_eq!(b.subjects[0].class_highest, Some(Hundredths(9000)));
    assert_eq!(b.subjects[1].number_sat, 1);
}

#[test]
fn each_criterion_decides_only_what_those_before_it_left_equal() {
    use Criterion::{Grades, SubjectsPassed, Symbol, TotalMarks};
    // (passed, A C U, points, total): even 2, 0 2 0, 2, 138 – one_a 1, 1 0 1, 2, 149 – low 2, 1 1 0, 3, 121.
    let students = vec![
        student(
            "even",
            "1A",
            &[("maths", marked(6900)), ("art", marked(6900))],
        ),
        student(
            "one_a",
            "1A",
            &[("maths", marked(10_000)), ("art", marked(4900))],
        ),
        student(
            "low",
            "1A",
            &[("maths", marked(7000)), ("art", marked(5100))],
        ),
    ];
    for (criteria, expected) in [
        (
            vec![SubjectsPassed],
            [("even", Some(1)), ("low", Some(1)), ("one_a", Some(3))],
        ),
        (
            vec![SubjectsPassed, TotalMarks],
            [("even", Some(1)), ("low", Some(2)), ("one_a", Some(3))],
        ),
        (
            vec![Grades],
            [("low", Some(1)), ("one_a", Some(2)), ("even", Some(3))],
        ),
        (
            vec![Symbol],
            [("low", Some(1)), ("even", Some(2)), ("one_a", Some(2))],
        ),
        (
            vec![Symbol, TotalMarks],
            [("low", Some(1)), ("one_a", Some(2)), ("even", Some(3))],
        ),
        (
            vec![TotalMarks],
            [("one_a", Some(1)), ("even", Some(2)), ("low", Some(3))],
        ),
    ] {
        let mut cohort = cohort(students.clone());
        cohort.settings.o_level.clone_from(&criteria);
        assert_eq!(order(&compute(&cohort)), expected, "{criteria:?}");
    }
}

#[test]
fn totals_that_look_equal_are_equal() {
    // 33.33 × 1.5 = 49.995, rounded 50, and 50 × 1.
    let mut cohort = cohort(vec![
        student(
            "a",
            "1A",
            &[("maths", marked(3333)), ("art", Score::Absent)],
        ),
        student(
            "b",
            "1A",
            &[("maths", Score::Absent), ("art", marked(5000))],
        ),
    ]);
    cohort.subjects = vec![plan("maths", 150), plan("art", 100)];
    cohort.settings.o_level = vec![Criterion::TotalMarks];
    let cards = compute(&cohort);
    assert!(cards.iter().all(|card| card.total == Hundredths(5000)));
    assert_eq!(order(&cards), [("a", Some(1)), ("b", Some(1))]);
}

#[test]
fn an_average_is_of_the_exact_total_and_not_of_the_rounded_one() {
    // 0.01 × 0.5 = 0.005, shown as 0.01; ÷ 0.5 it is 0.01 again, and not 0.02.
    let mut cohort = cohort(vec![student("a", "1A", &[("maths", marked(1))])]);
    cohort.subjects = vec![plan("maths", 50)];
    let cards = compute(&cohort);
    assert_eq!(cards[0].total, Hundredths(1));
    assert_eq!(cards[0].average, Some(Hundredths(1)));
}

#[test]
fn without_a_scale_there_are_marks_and_positions_but_no_grades() {
    let mut cohort = cohort(vec![
        student("a", "1A", &[("maths", marked(4000))]),
        student("b", "1A", &[("maths", marked(4100))]),
    ]);
    cohort.scale = None;
    let cards = compute(&cohort);
    assert_eq!(order(&cards), [("b", Some(1)), ("a", Some(2))]);
    assert_eq!((cards[0].points, cards[0].grade_counts.len()), (None, 0));
    assert_eq!(cards[0].subjects[0].grade, None);
}

#[test]
fn a_subject_that_the_form_does_not_plan_is_left_out() {
    let cards = compute(&cohort(vec![student(
        "a",
        "1A",
        &[("chess", Score::Missing), ("art", marked(5000))],
    )]));
    assert!(cards[0].is_complete);
    assert_eq!(cards[0].subjects.len(), 1);
}

#[test]
fn a_frozen_card_is_read_as_it_was_written() {
    // Pinned: cards that schools have published are stored in this form.
    let mut cohort = cohort(vec![student(
        "a",
        "1A",
        &[("maths", marked(5725)), ("art", Score::Missing)],
    )]);
    cohort.subjects = vec![plan("maths", 150), plan("art", 100)];
    let cards = compute(&cohort);
    let frozen = serde_json::to_string(&cards).unwrap();
    assert_eq!(
        frozen,
        concat!(
            r#"[{"student_session":"a","academic_class":"1A","subjects":["#,
            r#"{"subject":"maths","name":"MATHS","score":{"status":"marked","mark":57.25},"#,
            r#""grade":"C","rank":2,"passed":true,"coefficient":1.5,"position_in_class":1,"#,
            r#""class_average":57.25,"class_highest":57.25,"class_lowest":57.25,"number_sat":1},"#,
            r#"{"subject":"art","name":"ART","score":{"status":"missing"},"#,
            r#""grade":null,"rank":null,"passed":null,"coefficient":1,"position_in_class":null,"#,
            r#""class_average":null,"class_highest":null,"class_lowest":null,"number_sat":0}],"#,
            r#""total":85.88,"coefficients":1.5,"average":57.25,"subjects_taken":1,"#,
            r#""subjects_passed":1,"grade_counts":[["A",0],["C",1],["U",0]],"points":1,"#,
            r#""is_complete":false,"missing":["art"],"position_in_class":null,"class_size":1,"#,
            r#""position_in_form":null,"form_size":1,"class_average":null,"#,
            r#""class_highest":null,"class_lowest":null}]"#
        )
    );
    assert_eq!(serde_json::from_str::<Vec<Card>>(&frozen).unwrap(), cards);
}

use proptest::prelude::*;

use super::{
    tests::{cohort, marked, plan, scale, student},
    *,
};

const SUBJECTS: [&str; 4] = ["s0", "s1", "s2", "s3"];

fn scores() -> impl Strategy<Value = Score> {
    prop_oneof![
        // Few different marks, so that ties are common.
        6 => (0..=20_i64).prop_map(|n| marked(n * 500)),
        1 => (0..=10_000_i64).prop_map(marked),
        1 => Just(Score::Absent),
        1 => Just(Score::Missing),
    ]
}

prop_compose! {
    fn cohorts()(
        rows in prop::collection::vec(
            (0..3_u8, prop::collection::vec(prop::option::weighted(0.9, scores()), 4), prop::option::weighted(0.9, 0..8_u32)),
            0..25,
        ),
        coefficients in prop::collection::vec(1..=400_i64, 4),
        criteria in prop::sample::subsequence(
            vec![Criterion::SubjectsPassed, Criterion::Grades, Criterion::Symbol, Criterion::TotalMarks],
            1..=4,
        ).prop_shuffle(),
        (has_scale, attendance_bonus) in any::<(bool, bool)>(),
    ) -> Cohort {
        let students = rows
            .iter()
            .enumerate()
            .map(|(n, (class, scores, absences))| {
                let scores: Vec<(&str, Score)> = SUBJECTS
                    .into_iter()
                    .zip(scores)
                    .filter_map(|(subject, score)| Some((subject, (*score)?)))
                    .collect();
                Candidate {
                    absences: *absences,
                    ..student(&format!("{n:02}"), &format!("1{class}"), &scores)
                }
            })
            .collect();
        let mut cohort = cohort(students);
        cohort.scale = has_scale.then(scale);
        cohort.settings.o_level = criteria;
        cohort.settings.attendance_bonus = attendance_bonus;
        cohort.subjects = SUBJECTS
            .into_iter()
            .zip(coefficients)
            .map(|(subject, coefficient)| plan(subject, coefficient))
            .collect();
        cohort
    }
}

/// Whether `a` is better than `b`, read off the cards as somebody would who has only the paper.
fn better(a: &Card, b: &Card, criteria: &[Criterion]) -> bool {
    for criterion in criteria {
        let order = match criterion {
            Criterion::SubjectsPassed => a.subjects_passed.cmp(&b.subjects_passed),
            Criterion::Grades => a
                .grade_counts
                .iter()
                .map(|(_, n)| n)
                .cmp(b.grade_counts.iter().map(|(_, n)| n)),
            Criterion::Symbol => a.points.cmp(&b.points),
            Criterion::TotalMarks if a.raw_average.is_some() => a.average.cmp(&b.average),
            Criterion::TotalMarks => a.total.cmp(&b.total),
        };
        if order.is_ne() {
            return order.is_gt();
        }
    }
    false
}

proptest! {
    #[test]
    fn positions_are_the_ranks_of_the_figures_that_the_cards_show(cohort in cohorts()) {
        let cards = compute(&cohort);
        let criteria = &cohort.settings.o_level;
        let ranked = |card: &Card| card.is_complete && card.subjects_taken > 0;
        for card in &cards {
            let ahead = |same: &dyn Fn(&Card) -> bool| {
                let ahead = cards.iter().filter(|other| same(other) && ranked(other) && better(other, card, criteria));
                ranked(card).then(|| u32::try_from(ahead.count()).unwrap() + 1)
            };
            prop_assert_eq!(card.position_in_form, ahead(&|_| true));
            prop_assert_eq!(card.position_in_class, ahead(&|other| other.academic_class == card.academic_class));
        }
    }

    #[test]
    fn the_order_of_students_and_of_their_subjects_makes_no_difference(
        (cohort, shuffled) in cohorts().prop_flat_map(|cohort| {
            let students = Just(cohort.students.clone()).prop_shuffle();
            (Just(cohort), students)
        }),
    ) {
        let cards = compute(&cohort);
        let mut students = shuffled;
        for student in &mut students {
            student.subjects.reverse();
        }
        prop_assert_eq!(compute(&Cohort { students, ..cohort }), cards);
    }

    #[test]
    fn the_figures_of_a_card_follow_from_its_lines(cohort in cohorts()) {
        for card in compute(&cohort) {
            let sat: Vec<(&SubjectLine, i64)> = card
                .subjects
                .iter()
                .filter_map(|line| Some((line, line.score.mark()?.hundredths())))
                .collect();
            let weighted: i64 = sat.iter().map(|(line, mark)| mark * line.coefficient.hundredths()).sum();
            let weight: i64 = sat.iter().map(|(line, _)| line.coefficient.hundredths()).sum();
            prop_assert_eq!(card.coefficients.0, weight);
            prop_assert!((2 * (card.total.0 * 100 - weighted)).abs() <= 100);
            prop_assert_eq!(card.average.is_some(), weight > 0);
            if let Some(average) = card.raw_average.or(card.average) {
                prop_assert!((2 * (average.0 * weight - weighted)).abs() <= weight);
                prop_assert!(sat.iter().any(|(_, mark)| *mark <= average.0));
                prop_assert!(sat.iter().any(|(_, mark)| *mark >= average.0));
            }
            prop_assert_eq!(usize::try_from(card.subjects_taken).unwrap(), sat.len());
            let passed = card.subjects.iter().filter(|line| line.passed == Some(true)).count();
            prop_assert_eq!(usize::try_from(card.subjects_passed).unwrap(), passed);
            prop_assert_eq!(card.is_complete, card.missing.is_empty());
            let graded: u32 = card.grade_counts.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(graded, if cohort.scale.is_some() { card.subjects_taken } else { 0 });
        }
    }

    #[test]
    fn attendance_moves_the_average_that_is_shown_and_only_where_a_school_wants_it(cohort in cohorts()) {
        let points = &cohort.settings.attendance_tiers;
        let absences = |card: &Card| {
            let student = cohort.students.iter().find(|one| one.student_session == card.student_session);
            student.unwrap().absences
        };
        let with = compute(&cohort);
        let mut without = cohort.clone();
        without.settings.attendance_bonus = false;
        for student in &mut without.students {
            student.absences = None;
        }
        let without = compute(&without);
        if !cohort.settings.attendance_bonus {
            prop_assert_eq!(with, without);
            return Ok(());
        }
        for card in &with {
            let plain = without.iter().find(|one| one.student_session == card.student_session).unwrap();
            prop_assert_eq!(card.raw_average, plain.average);
            let given = absences(card).map_or(Hundredths(0), |days| attendance::points(points, days));
            prop_assert_eq!(card.average, plain.average.map(|raw| Hundredths((raw.0 + given.0).clamp(0, 10_000))));
            let figures = |card: &Card| (card.subjects.clone(), card.total, card.subjects_passed, card.points);
            prop_assert_eq!(figures(card), figures(plain));
        }
    }

    #[test]
    fn subject_positions_are_the_ranks_of_the_marks_of_the_class(cohort in cohorts()) {
        let cards = compute(&cohort);
        for card in &cards {
            for line in &card.subjects {
                let marks: Vec<Mark> = cards
                    .iter()
                    .filter(|other| other.academic_class == card.academic_class)
                    .flat_map(|other| &other.subjects)
                    .filter(|other| other.subject == line.subject)
                    .filter_map(|other| other.score.mark())
                    .collect();
                prop_assert_eq!(usize::try_from(line.number_sat).unwrap(), marks.len());
                prop_assert_eq!(line.class_highest, marks.iter().max().map(|&m| m.into()));
                prop_assert_eq!(line.class_lowest, marks.iter().min().map(|&m| m.into()));
                let position = line.score.mark().map(|own| marks.iter().filter(|m| **m > own).count() + 1);
                prop_assert_eq!(line.position_in_class.map(|n| usize::try_from(n).unwrap()), position);
            }
        }
    }

    #[test]
    fn cards_are_in_order_of_class_and_position_with_the_incomplete_last(cohort in cohorts()) {
        let cards = compute(&cohort);
        prop_assert_eq!(cards.len(), cohort.students.len());
        for pair in cards.windows(2) {
            let key = |card: &Card| {
                let group = if card.position_in_class.is_some() { 0 } else if card.is_complete { 1 } else { 2 };
                (card.academic_class.clone(), group, card.position_in_class, card.student_session.clone())
            };
            prop_assert!(key(&pair[0]) < key(&pair[1]));
        }
    }

    #[test]
    fn every_card_survives_being_frozen(cohort in cohorts()) {
        let cards = compute(&cohort);
        let frozen = serde_json::to_string(&cards).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Card>>(&frozen).unwrap(), cards);
    }
}

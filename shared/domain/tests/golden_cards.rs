//! Report cards worked out by hand: the tables are what a teacher with paper and pencil comes to.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use homeroom_domain::academics::{
    grading::{Band, Scale},
    marks::{Coefficient, Mark, Score},
    report::{Candidate, Card, Cohort, Criterion, ReportSettings, SubjectPlan, compute},
};
use serde_json::json;

/// Rows of words: how the columns of a table are aligned is for the reader.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .map(|line| {
            line.split_whitespace()
                .filter(|word| *word != "|")
                .collect()
        })
        .filter(|row: &Vec<&str>| !row.is_empty())
        .collect()
}

fn mark(text: &str) -> Mark {
    Mark::rule(&json!(text)).unwrap()
}

/// `grade rank min_mark max_mark`
fn scale(table: &str) -> Scale {
    let bands = rows(table).into_iter().map(|row| Band {
        grade: row[0].to_owned(),
        rank: row[1].parse().unwrap(),
        min_mark: mark(row[2]),
        max_mark: mark(row[3]),
        description: String::new(),
        comment: String::new(),
    });
    Scale::new(bands.collect()).unwrap()
}

/// `subject coefficient pass_mark`
fn subjects(table: &str) -> Vec<SubjectPlan> {
    let plan = |row: Vec<&str>| SubjectPlan {
        id: row[0].to_owned(),
        name: row[0].to_owned(),
        coefficient: Coefficient::rule(&json!(row[1])).unwrap(),
        pass_mark: mark(row[2]),
    };
    rows(table).into_iter().map(plan).collect()
}

/// `student class` and a mark, `absent` or `missing` for each subject.
fn students(subjects: &[SubjectPlan], table: &str) -> Vec<Candidate> {
    let score = |text: &str| match text {
        "absent" => Score::Absent,
        "missing" => Score::Missing,
        text => Score::Marked(mark(text)),
    };
    let candidate = |row: Vec<&str>| Candidate {
        student_session: row[0].to_owned(),
        academic_class: row[1].to_owned(),
        subjects: subjects
            .iter()
            .zip(&row[2..])
            .map(|(subject, text)| (subject.id.clone(), score(text)))
            .collect(),
        absences: Some(0),
    };
    rows(table).into_iter().map(candidate).collect()
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

/// `student class | in class, of | in form, of | total coefficients average | taken passed | grades, best first | points
/// | missing`
fn card_rows(cards: &[Card]) -> Vec<Vec<String>> {
    let row = |card: &Card| {
        let counts = card.grade_counts.iter().map(|(_, count)| count.to_string());
        let mut row = vec![
            card.student_session.clone(),
            card.academic_class.clone(),
            or_dash(card.position_in_class),
            card.class_size.to_string(),
            or_dash(card.position_in_form),
            card.form_size.to_string(),
            card.total.to_string(),
            card.coefficients.to_string(),
            or_dash(card.average),
            card.subjects_taken.to_string(),
            card.subjects_passed.to_string(),
        ];
        row.extend(counts);
        row.push(or_dash(card.points));
        row.push(or_dash(card.missing.first()));
        assert_eq!(card.is_complete, card.missing.is_empty());
        assert!(card.missing.len() < 2);
        row
    };
    cards.iter().map(row).collect()
}

/// `student` and for each subject `grade rank passed position`.
fn subject_rows(cards: &[Card]) -> Vec<Vec<String>> {
    let row = |card: &Card| {
        let lines = card.subjects.iter().flat_map(|line| {
            let passed = line.passed.map(|passed| if passed { "yes" } else { "no" });
            [
                or_dash(line.grade.as_ref()),
                or_dash(line.rank),
                or_dash(passed),
                or_dash(line.position_in_class),
            ]
        });
        std::iter::once(card.student_session.clone())
            .chain(lines)
            .collect()
    };
    cards.iter().map(row).collect()
}

/// What the first card of a class says about the class: `subject sat average highest lowest`, and last the averages.
fn class_rows(cards: &[Card], class: &str) -> Vec<Vec<String>> {
    let mut same = cards.iter().filter(|card| card.academic_class == class);
    let rows = |card: &Card| {
        let mut rows: Vec<Vec<String>> = card
            .subjects
            .iter()
            .map(|line| {
                vec![
                    line.subject.clone(),
                    line.number_sat.to_string(),
                    or_dash(line.class_average),
                    or_dash(line.class_highest),
                    or_dash(line.class_lowest),
                ]
            })
            .collect();
        rows.push(vec![
            "averages".to_owned(),
            or_dash(card.class_average),
            or_dash(card.class_highest),
            or_dash(card.class_lowest),
        ]);
        rows
    };
    let first = rows(same.next().unwrap());
    assert!(
        same.all(|card| rows(card) == first),
        "one class, one spread"
    );
    first
}

#[test]
fn an_o_level_form_with_absent_zero_missing_and_a_tie() {
    let subjects = subjects(
        "
        Maths    2    50
        English  1.5  50
        Science  1    50
        Art      0.5  40
        ",
    );
    //         class  Maths   English  Science  Art
    let students = students(
        &subjects,
        "
        gus    1B     75      70       55       39.99
        finn   1A     absent  absent   absent   absent
        eve    1A     90      90       missing  90
        dan    1A     0       33.33    50       100
        cleo   1A     57.5    49.5     62       absent
        ben    1A     70      80       60       40
        ada    1A     80      60       70       40
        ",
    );
    let cards = compute(&Cohort {
        level: "O Level".to_owned(),
        settings: ReportSettings::default(),
        // Points: A 4, B 3, C 2, E 1, U 0.
        scale: Some(scale(
            "
            A  1  70  100
            B  2  60  69
            C  3  50  59
            E  4  40  49
            U  5  0   39
            ",
        )),
        subjects,
        students,
    });

    // ada   80·2 + 60·1.5 + 70 + 40·0.5 = 160 + 90 + 70 + 20 = 340            340 ÷ 5 = 68
    // ben   70·2 + 80·1.5 + 60 + 40·0.5 = 140 + 120 + 60 + 20 = 340           the same passes, grades and total: a tie
    // dan   0 + 33.33·1.5 + 50 + 100·0.5 = 49.995 + 50 + 50 = 149.995 → 150   149.995 ÷ 5 = 29.999 → 30
    // cleo  57.5·2 + 49.5·1.5 + 62 = 115 + 74.25 + 62 = 251.25                251.25 ÷ 4.5 = 55.8333 → 55.83
    //       Behind dan, for both passed 2 subjects and dan has an A.
    // eve   90·2 + 90·1.5 + 90·0.5 = 180 + 135 + 45 = 360                     360 ÷ 4 = 90, so far
    // gus   75·2 + 70·1.5 + 55 + 39.99·0.5 = 150 + 105 + 55 + 19.995 = 329.995 → 330    329.995 ÷ 5 = 65.999 → 66
    // Points: ada 4+3+4+1, ben 4+4+3+1, dan 0+0+2+4, cleo 2+1+3, eve 4+4+4, gus 4+4+2+0.
    //            in class  in form    total  coeff. average   taken passed  A B C E U   points missing
    let expected = "
        ada   1A | 1  6    | 1  7   | 340    5      68       | 4  4    | 2 1 0 1 0 | 12 | -
        ben   1A | 1  6    | 1  7   | 340    5      68       | 4  4    | 2 1 0 1 0 | 12 | -
        dan   1A | 3  6    | 4  7   | 150    5      30       | 4  2    | 1 0 1 0 2 |  6 | -
        cleo  1A | 4  6    | 5  7   | 251.25 4.5    55.83    | 3  2    | 0 1 1 1 0 |  6 | -
        finn  1A | -  6    | -  7   | 0      0      -        | 0  0    | 0 0 0 0 0 |  0 | -
        eve   1A | -  6    | -  7   | 360    4      90       | 3  3    | 3 0 0 0 0 | 12 | Science
        gus   1B | 1  1    | 3  7   | 330    5      66       | 4  3    | 2 0 1 0 1 | 10 | -
        ";
    assert_eq!(card_rows(&cards), rows(expected));

    // 49.5 is between 49 (E) and 50 (C), so E, and below the pass mark; 39.99 is U and below Art's 40.
    //              Maths          English        Science        Art
    let expected = "
        ada   | A 1 yes 2    | B 2 yes 3    | A 1 yes 1    | E 4 yes 3
        ben   | A 1 yes 3    | A 1 yes 2    | B 2 yes 3    | E 4 yes 3
        dan   | U 5 no  5    | U 5 no  5    | C 3 yes 4    | A 1 yes 1
        cleo  | C 3 yes 4    | E 4 no  4    | B 2 yes 2    | - - -   -
        finn  | - - -   -    | - - -   -    | - - -   -    | - - -   -
        eve   | A 1 yes 1    | A 1 yes 1    | - - -   -    | A 1 yes 2
        gus   | A 1 yes 1    | A 1 yes 1    | C 3 yes 1    | U 5 no  1
        ";
    assert_eq!(subject_rows(&cards), rows(expected));

    // Maths    80 + 70 + 57.5 + 0 + 90 = 297.5           ÷ 5 = 59.5
    // English  60 + 80 + 49.5 + 33.33 + 90 = 312.83      ÷ 5 = 62.566 → 62.57
    // Science  70 + 60 + 62 + 50 = 242                   ÷ 4 = 60.5
    // Art      40 + 40 + 100 + 90 = 270                  ÷ 4 = 67.5
    // averages of ada, ben, dan, cleo: 68 + 68 + 30 + 55.83 = 221.83   ÷ 4 = 55.4575 → 55.46
    //                 sat average highest lowest
    let expected = "
        Maths       5   59.5    90      0
        English     5   62.57   90      33.33
        Science     4   60.5    70      50
        Art         4   67.5    100     40
        averages        55.46   68      30
        ";
    assert_eq!(class_rows(&cards, "1A"), rows(expected));
}

#[test]
fn an_a_level_class_where_points_come_before_totals() {
    let subjects = subjects(
        "
        Physics    1  40
        Chemistry  1  40
        Biology    1  40
        ",
    );
    //         class  Physics  Chemistry  Biology
    let students = students(
        &subjects,
        "
        hope   5S     85       72         64
        ivan   5S     79.5     79         70
        joy    5S     95       81         39
        kim    5S     50       45         40
        lee    5S     100      absent     100
        ",
    );
    let cards = compute(&Cohort {
        level: "A Level".to_owned(),
        settings: ReportSettings::default(),
        // Points: A 5, B 4, C 3, D 2, E 1, F 0.
        scale: Some(scale(
            "
            A  1  80  100
            B  2  70  79
            C  3  60  69
            D  4  50  59
            E  5  40  49
            F  6  0   39
            ",
        )),
        subjects,
        students,
    });

    // ivan  79.5 + 79 + 70 = 228.5   ÷ 3 = 76.1667 → 76.17   3 passed, 4+4+4 = 12 points: before hope by the total
    // hope  85 + 72 + 64 = 221       ÷ 3 = 73.6667 → 73.67   3 passed, 5+4+3 = 12 points
    // kim   50 + 45 + 40 = 135       ÷ 3 = 45                3 passed, 2+1+1 = 4 points: before joy by the passes
    // joy   95 + 81 + 39 = 215       ÷ 3 = 71.6667 → 71.67   2 passed, 5+5+0 = 10 points: before lee by the total
    // lee   100 + 100 = 200          ÷ 2 = 100               2 passed, 5+5 = 10 points
    //            in class  in form   total  coeff. average   taken passed  A B C D E F   points missing
    let expected = "
        ivan  5S | 1  5    | 1  5   | 228.5  3      76.17   | 3  3    | 0 3 0 0 0 0 | 12 | -
        hope  5S | 2  5    | 2  5   | 221    3      73.67   | 3  3    | 1 1 1 0 0 0 | 12 | -
        kim   5S | 3  5    | 3  5   | 135    3      45      | 3  3    | 0 0 0 1 2 0 |  4 | -
        joy   5S | 4  5    | 4  5   | 215    3      71.67   | 3  2    | 2 0 0 0 0 1 | 10 | -
        lee   5S | 5  5    | 5  5   | 200    2      100     | 2  2    | 2 0 0 0 0 0 | 10 | -
        ";
    assert_eq!(card_rows(&cards), rows(expected));

    //              Physics        Chemistry      Biology
    let expected = "
        ivan  | B 2 yes 4    | B 2 yes 2    | B 2 yes 2
        hope  | A 1 yes 3    | B 2 yes 3    | C 3 yes 3
        kim   | D 4 yes 5    | E 5 yes 4    | E 5 yes 4
        joy   | A 1 yes 2    | A 1 yes 1    | F 6 no  5
        lee   | A 1 yes 1    | - - -   -    | A 1 yes 1
        ";
    assert_eq!(subject_rows(&cards), rows(expected));

    // Physics    85 + 79.5 + 95 + 50 + 100 = 409.5               ÷ 5 = 81.9
    // Chemistry  72 + 79 + 81 + 45 = 277                         ÷ 4 = 69.25
    // Biology    64 + 70 + 39 + 40 + 100 = 313                   ÷ 5 = 62.6
    // averages   73.67 + 76.17 + 71.67 + 45 + 100 = 366.51       ÷ 5 = 73.302 → 73.3
    //                 sat average highest lowest
    let expected = "
        Physics     5   81.9    100     50
        Chemistry   4   69.25   81      45
        Biology     5   62.6    100     39
        averages        73.3    100     45
        ";
    assert_eq!(class_rows(&cards, "5S"), rows(expected));
}

#[test]
fn a_class_whose_attendance_counts() {
    let subjects = subjects(
        "
        Maths    2  50
        English  1  50
        ",
    );
    //         class  Maths  English
    let mut students = students(
        &subjects,
        "
        dee    1A     100    100
        cy     1A     57     56.5
        bob    1A     62     46
        ann    1A     60     50
        eli    1A     0      1
        fay    1A     absent absent
        ",
    );
    for (student, absences) in students.iter_mut().zip([0, 6, 2, 0, 4, 0]) {
        student.absences = Some(absences);
    }
    let cards = compute(&Cohort {
        level: "O Level".to_owned(),
        settings: ReportSettings {
            o_level: vec![Criterion::TotalMarks],
            attendance_bonus: true,
            ..ReportSettings::default()
        },
        scale: None,
        subjects,
        students,
    });

    // dee  300 ÷ 3 = 100                 no absence +0.13: 100, the most there is
    // ann  120 + 50 = 170 ÷ 3 = 56.67    no absence +0.13: 56.8
    // bob  124 + 46 = 170 ÷ 3 = 56.67    2 absences −0.13: 56.54
    // cy   114 + 56.5 = 170.5 ÷ 3 = 56.83   6 absences −0.5: 56.33, behind ann and bob in spite of the higher total
    // eli  1 ÷ 3 = 0.33                  4 absences −0.39: 0, the least there is
    //           in class in form    total  coeff. average  taken passed  points missing
    let expected = "
        dee  1A | 1  6   | 1  6   | 300    3      100     | 2  2   |        -      | -
        ann  1A | 2  6   | 2  6   | 170    3      56.8    | 2  2   |        -      | -
        bob  1A | 3  6   | 3  6   | 170    3      56.54   | 2  1   |        -      | -
        cy   1A | 4  6   | 4  6   | 170.5  3      56.33   | 2  2   |        -      | -
        eli  1A | 5  6   | 5  6   | 1      3      0       | 2  0   |        -      | -
        fay  1A | -  6   | -  6   | 0      0      -       | 0  0   |        -      | -
        ";
    assert_eq!(card_rows(&cards), rows(expected));
    let beside: Vec<[String; 2]> = cards
        .iter()
        .map(|card| [or_dash(card.raw_average), or_dash(card.attendance_points)])
        .collect();
    assert_eq!(
        beside,
        [
            ["100", "0.13"],
            ["56.67", "0.13"],
            ["56.67", "-0.13"],
            ["56.83", "-0.5"],
            ["0.33", "-0.39"],
            ["-", "-"]
        ]
    );
    // 100 + 56.8 + 56.54 + 56.33 + 0 = 269.67   ÷ 5 = 53.934 → 53.93
    let averages = class_rows(&cards, "1A").pop().unwrap();
    assert_eq!(averages, ["averages", "53.93", "100", "0"]);
}

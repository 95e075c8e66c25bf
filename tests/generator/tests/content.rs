//! That a school is like one: names, marks, attendance, timetable.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use homeroom_domain::academics::{
    comments::{self, CommentBand},
    grading::{Band, Scale},
    marks::{Hundredths, Mark},
    promotion, student_number,
    timetable::{self, Entry},
};
use homeroom_generator::{Options, School, TimetableEntry};

use crate::world::{SCHOOL, today};

const SCRIPTS: [(&str, &[RangeInclusive<char>]); 16] = [
    ("Latin", &['A'..='z']),
    ("Portuguese", &['ã'..='ã', 'õ'..='õ', 'ç'..='ç']),
    ("Vietnamese", &['\u{1ea0}'..='\u{1ef9}']),
    ("Arabic", &['\u{620}'..='\u{64a}']),
    ("Ethiopic", &['\u{1200}'..='\u{137f}']),
    ("Devanagari", &['\u{900}'..='\u{97f}']),
    ("Han", &['\u{4e00}'..='\u{9fff}']),
    ("Thai", &['\u{e00}'..='\u{e7f}']),
    ("Cyrillic", &['\u{400}'..='\u{4ff}']),
    ("Greek", &['\u{370}'..='\u{3ff}']),
    ("Georgian", &['\u{10d0}'..='\u{10ff}']),
    ("Hangul", &['\u{ac00}'..='\u{d7a3}']),
    ("dotless i", &['ı'..='ı']),
    ("Icelandic", &['ð'..='ð', 'þ'..='þ', 'Þ'..='Þ']),
    ("combining marks", &['\u{300}'..='\u{36f}']),
    ("apostrophes", &['\''..='\'', '’'..='’']),
];

fn full_name(student: &homeroom_generator::Student) -> String {
    [
        student.first_name.as_str(),
        student.middle_name,
        &student.last_name,
    ]
    .join(" ")
}

#[test]
fn every_script_occurs_among_the_students_of_a_small_school() {
    let small = School::generate(&Options {
        students: 200,
        ..Options::new(today())
    });
    for school in [&small, &SCHOOL] {
        let names: Vec<String> = school.students.iter().map(full_name).collect();
        for (script, ranges) in SCRIPTS {
            let occurs = |name: &String| {
                name.chars()
                    .any(|c| ranges.iter().any(|range| range.contains(&c)))
            };
            assert!(names.iter().any(occurs), "{script}");
        }
        let any = |what: &str, is: fn(&homeroom_generator::Student) -> bool| {
            assert!(school.students.iter().any(is), "{what}");
        };
        any("hyphens", |student| student.last_name.contains('-'));
        any("long names", |student| {
            student.last_name.chars().count() > 25
        });
        any("one letter", |student| {
            student.last_name.chars().count() == 1
        });
        any("several words", |student| student.last_name.contains(' '));
    }
}

#[test]
fn equal_names_occur_and_numbers_do_not() {
    let mut names: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for student in &SCHOOL.students {
        *names
            .entry((&student.first_name, &student.last_name))
            .or_default() += 1;
        let (year, _) = student_number::parse(&student.student_id).unwrap();
        assert_eq!(i64::from(year), student.admission_year);
    }
    assert!(names.values().any(|count| *count > 1));
}

#[test]
fn guardians_are_shared_and_can_be_reached() {
    let mut children: BTreeMap<_, usize> = BTreeMap::new();
    for link in &SCHOOL.student_guardians {
        *children.entry(link.guardian).or_default() += 1;
    }
    assert!(children.values().filter(|count| **count > 1).count() > 50);
    for guardian in &SCHOOL.guardians {
        assert!(guardian.phone_number.is_some() || guardian.email.is_some());
        let phone = guardian.phone_number.as_deref().unwrap_or("+10000000000");
        assert!(
            phone
                .strip_prefix('+')
                .unwrap()
                .chars()
                .all(|c| c.is_ascii_digit()),
            "{phone}"
        );
        let email = guardian.email.as_deref().unwrap_or("a@b.example");
        assert!(email.ends_with(".example") && email.is_ascii(), "{email}");
        let consent: BTreeMap<String, bool> = serde_json::from_str(&guardian.consent).unwrap();
        assert_eq!(
            consent.keys().collect::<Vec<_>>(),
            ["email", "sms", "whatsapp"]
        );
        assert!(!consent["email"] || guardian.email.is_some());
        assert!(!consent["sms"] || guardian.phone_number.is_some());
    }
}

#[test]
fn marks_are_spread_tie_and_are_sometimes_missing() {
    let given: Vec<i64> = SCHOOL.marks.iter().filter_map(|row| row.mark).collect();
    let count = i64::try_from(given.len()).unwrap();
    let mean = given.iter().sum::<i64>() / count;
    assert!((5_200..=6_200).contains(&mean), "{mean}");
    let share =
        |is: fn(&i64) -> bool| given.iter().filter(|mark| is(mark)).count() * 1_000 / given.len();
    assert!(
        (100..=350).contains(&share(|mark| *mark < 4_500)),
        "{}",
        share(|mark| *mark < 4_500)
    );
    assert!(
        (100..=300).contains(&share(|mark| *mark >= 7_000)),
        "{}",
        share(|mark| *mark >= 7_000)
    );
    assert!((50..=150).contains(&share(|mark| mark % 50 != 0)));
    assert!(given.contains(&10_000) || given.iter().any(|mark| *mark > 9_500));
    let absent =
        SCHOOL.marks.iter().filter(|row| row.is_absent).count() * 1_000 / SCHOOL.marks.len();
    assert!((15..=25).contains(&absent), "{absent}");

    let mut tied = 0;
    let mut by_exam: BTreeMap<_, BTreeSet<i64>> = BTreeMap::new();
    for row in &SCHOOL.marks {
        if let Some(mark) = row.mark {
            tied += usize::from(!by_exam.entry(row.exam).or_default().insert(mark));
        }
    }
    assert!(tied > SCHOOL.exams.len());
}

#[test]
fn only_the_last_exams_are_a_draft_and_some_of_its_marks_are_missing() {
    let states: Vec<&str> = SCHOOL.exam_sessions.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [
            "locked", "locked", "locked", "locked", "locked", "locked", "locked", "locked", "draft"
        ]
    );
    let draft = SCHOOL.exam_sessions.last().unwrap();
    let classes: BTreeMap<_, _> = SCHOOL
        .exams
        .iter()
        .filter(|exam| exam.exam_session == draft.id)
        .map(|exam| (exam.id, exam.academic_class))
        .collect();
    let written = SCHOOL
        .marks
        .iter()
        .filter(|row| classes.contains_key(&row.exam))
        .count();
    let expected: usize = classes
        .values()
        .map(|class| {
            let in_class = |row: &&homeroom_generator::StudentSession| {
                row.academic_class == Some(*class) && row.status == "active"
            };
            SCHOOL.student_sessions.iter().filter(in_class).count()
        })
        .sum();
    let missing = (expected - written) * 1_000 / expected;
    assert!((40..=60).contains(&missing), "{missing}");
}

#[test]
fn most_students_are_present_on_each_of_fifteen_days() {
    let days: BTreeSet<NaiveDate> = SCHOOL.attendance.iter().map(|row| row.date).collect();
    assert_eq!(days.len(), 15);
    assert_eq!(SCHOOL.attendance.len(), 15 * 600);
    let present = SCHOOL
        .attendance
        .iter()
        .filter(|row| row.status == "present")
        .count()
        * 1_000
        / SCHOOL.attendance.len();
    assert!((925..=950).contains(&present), "{present}");
}

fn entry(lesson: &TimetableEntry) -> Entry {
    let minutes = |time: &str| {
        let (hours, minutes) = time.split_once(':').unwrap();
        hours.parse::<u16>().unwrap() * 60 + minutes.parse::<u16>().unwrap()
    };
    Entry {
        id: lesson.id.to_string(),
        academic_class: lesson.academic_class.to_string(),
        teacher: lesson.teacher.to_string(),
        room: Some(lesson.room.clone()),
        weekday: lesson.weekday.try_into().unwrap(),
        starts_at: minutes(&lesson.starts_at),
        ends_at: minutes(&lesson.ends_at),
        valid_from: lesson.valid_from,
        valid_to: lesson.valid_to,
    }
}

#[test]
fn the_timetable_has_every_lesson_and_no_conflict() {
    let large = School::generate(&Options {
        students: 1_200,
        seed: 3,
        years: 1,
        ..Options::new(today())
    });
    for school in [&large, &SCHOOL] {
        let entries: Vec<Entry> = school.timetable.iter().map(entry).collect();
        for one in &entries {
            assert_eq!(one.check(), Ok(()));
            assert_eq!(timetable::conflicts(one, &entries), []);
        }
        let mut lessons: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &entries {
            *lessons.entry(&one.academic_class).or_default() += 1;
        }
        let now = school.academic_sessions.last().unwrap().id;
        assert_eq!(
            lessons.len(),
            school
                .academic_classes
                .iter()
                .filter(|class| class.session == now)
                .count()
        );
        assert!(
            lessons.values().all(|count| (33..=35).contains(count)),
            "{lessons:?}"
        );
        assert!(
            entries
                .iter()
                .any(|one| one.room.as_deref() == Some("Laboratory 1"))
        );
    }
}

#[test]
fn teachers_have_one_or_two_subjects_and_several_lessons() {
    let now = SCHOOL.academic_sessions.last().unwrap().id;
    let mut subjects: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in &SCHOOL.subject_teachers {
        if SCHOOL
            .academic_classes
            .iter()
            .any(|class| class.id == row.academic_class && class.session == now)
        {
            subjects.entry(row.teacher).or_default().insert(row.subject);
        }
    }
    assert!(
        subjects
            .values()
            .all(|subjects| (1..=2).contains(&subjects.len()))
    );
    let active = |id| {
        SCHOOL
            .staff
            .iter()
            .any(|member| member.id == id && member.is_active)
    };
    assert!(subjects.keys().all(|teacher| active(*teacher)));
    assert!(SCHOOL.staff.iter().any(|member| !member.is_active));
}

#[test]
fn scales_and_comments_are_whole() {
    let mark = |hundredths| Mark::new(hundredths).unwrap();
    for level in ["O Level", "A Level"] {
        let bands = SCHOOL
            .academic_settings
            .iter()
            .filter(|band| band.level == Some(level))
            .map(|band| Band {
                grade: band.grade.to_owned(),
                rank: band.rank.try_into().unwrap(),
                min_mark: mark(band.min_mark),
                max_mark: mark(band.max_mark),
                description: band.description.to_owned(),
                comment: band.comment.to_owned(),
            });
        assert!(Scale::new(bands.collect()).is_ok(), "{level}");
    }
    for kind in ["teacher", "teacher_grade", "class_teacher", "head_teacher"] {
        let bands: Vec<CommentBand> = SCHOOL
            .comment_templates
            .iter()
            .filter(|template| template.kind == kind)
            .map(|template| CommentBand {
                level: template.level.to_owned(),
                min_mark: mark(template.min_mark),
                max_mark: mark(template.max_mark),
                text: template.text.clone(),
            })
            .collect();
        assert_eq!(bands.len(), 8);
        for average in 0..=10_000 {
            for level in ["O Level", "A Level"] {
                let one = comments::pick(&bands, level, Hundredths(average));
                assert!(one.is_some(), "{kind}: {level} says nothing of {average}");
            }
        }
    }
}

#[test]
fn decisions_and_destinations_go_together() {
    for row in &SCHOOL.student_promotions {
        let action = serde_json::from_value(row.action.into()).unwrap();
        assert_eq!(
            promotion::check_decision(action, row.destination_session_class.is_some()),
            Ok(())
        );
    }
}

//! What lasts from year to year: forms, classes, subjects, the curriculum, scales and comments.

use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::random::Random;
use crate::tables::{self, School};

/// How many students a class is meant to have.
const CLASS_SIZE: usize = 40;
/// More than that would not leave room for those who repeat.
const FULLEST: usize = 42;
/// How many a class can have.
pub(crate) const CAPACITY: usize = 45;

const O_LEVEL: &str = "O Level";
const A_LEVEL: &str = "A Level";
const FORMS: [(&str, &str); 6] = [
    ("Form 1", O_LEVEL),
    ("Form 2", O_LEVEL),
    ("Form 3", O_LEVEL),
    ("Form 4", O_LEVEL),
    ("Lower 6", A_LEVEL),
    ("Upper 6", A_LEVEL),
];
const O_FORMS: usize = 4;
const A_FORMS: usize = 2;

/// Code, name, department, hundredths by which marks are lower than elsewhere, and the kind of room it needs.
const SUBJECTS: [(&str, &str, &str, i64, &str); 18] = [
    ("MAT", "Mathematics", "Mathematics", 700, ""),
    ("ENG", "English Language", "Languages", 100, ""),
    ("LIT", "Literature in English", "Languages", 0, ""),
    ("SHO", "Shona", "Languages", -500, ""),
    ("SCI", "Combined Science", "Science", 300, "Laboratory"),
    ("PHY", "Physics", "Science", 600, "Laboratory"),
    ("CHE", "Chemistry", "Science", 500, "Laboratory"),
    ("BIO", "Biology", "Science", 200, "Laboratory"),
    ("GEO", "Geography", "Humanities", 0, ""),
    ("HIS", "History", "Humanities", -100, ""),
    (
        "FRS",
        "Family and Religious Studies",
        "Humanities",
        -600,
        "",
    ),
    ("GEN", "General Paper", "Humanities", 0, ""),
    (
        "COM",
        "Computer Science",
        "Practical Subjects",
        -200,
        "Computer room",
    ),
    ("AGR", "Agriculture", "Practical Subjects", -400, ""),
    (
        "ART",
        "Art and Design",
        "Practical Subjects",
        -700,
        "Art room",
    ),
    ("ACC", "Principles of Accounting", "Commerce", 200, ""),
    ("ECO", "Economics", "Commerce", 300, ""),
    ("LAT", "Latin", "Languages", 0, ""),
];
/// No longer taught.
const INACTIVE: &str = "LAT";

/// Of each pair of forms: code, lessons a week, coefficient in hundredths.
const CURRICULUM: [&[(&str, usize, i64)]; 3] = [
    &[
        ("MAT", 4, 400),
        ("ENG", 4, 400),
        ("SCI", 4, 300),
        ("SHO", 3, 200),
        ("GEO", 3, 200),
        ("HIS", 3, 200),
        ("ACC", 3, 150),
        ("AGR", 3, 150),
        ("COM", 2, 150),
        ("FRS", 2, 100),
        ("ART", 2, 100),
        ("ECO", 2, 100),
    ],
    &[
        ("MAT", 5, 400),
        ("ENG", 5, 400),
        ("PHY", 3, 300),
        ("CHE", 3, 300),
        ("BIO", 3, 300),
        ("SHO", 3, 200),
        ("GEO", 3, 200),
        ("HIS", 3, 200),
        ("ACC", 3, 200),
        ("COM", 3, 150),
    ],
    &[
        ("MAT", 6, 500),
        ("PHY", 5, 400),
        ("CHE", 5, 400),
        ("BIO", 5, 400),
        ("ECO", 5, 400),
        ("LIT", 5, 300),
        ("GEN", 2, 100),
    ],
];
/// What a student may leave out.
const OPTIONAL: [&str; 3] = ["ART", "COM", "LIT"];

/// Grade, lowest mark, description, comment; the best first.
const O_BANDS: [(&str, i64, &str, &str); 6] = [
    ("A", 7_000, "Distinction", "Excellent work."),
    ("B", 6_000, "Merit", "Very good."),
    ("C", 5_000, "Credit", "Good; more is possible."),
    ("D", 4_500, "Pass", "Work harder."),
    ("E", 4_000, "Weak pass", "Much more effort is needed."),
    ("U", 0, "Ungraded", "Please come and see me."),
];
const A_BANDS: [(&str, i64, &str, &str); 7] = [
    ("A", 8_000, "Excellent", "Outstanding."),
    ("B", 7_000, "Very good", "Keep it up."),
    ("C", 6_000, "Good", "Sound work."),
    ("D", 5_000, "Satisfactory", "Aim higher."),
    ("E", 4_000, "Pass", "Below your ability."),
    ("O", 3_500, "Subsidiary pass", "Not a full pass."),
    ("F", 0, "Fail", ""),
];

/// Kind of author, and what each says of averages from 0, 45, 60 and 75.
const COMMENTS: [(&str, [&str; 4]); 4] = [
    (
        "teacher",
        [
            "Must ask for help.",
            "Steady; revise more.",
            "Good progress.",
            "A pleasure to teach.",
        ],
    ),
    ("teacher_grade", ["Fail", "Pass", "Credit", "Distinction"]),
    (
        "class_teacher",
        [
            "A difficult term; let's talk.",
            "Can do better with regular homework.",
            "A diligent student who's well liked.",
            "An example to the class.",
        ],
    ),
    (
        "head_teacher",
        [
            "Serious improvement is expected.",
            "A fair result.\nI look forward to a better one.",
            "Well done.",
            "Congratulations — « très bien »!",
        ],
    ),
];
const COMMENT_MINIMA: [i64; 4] = [0, 4_500, 6_000, 7_500];

/// A subject of a form.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    /// Where the subject stands in the list of all.
    pub(crate) key: usize,
    pub(crate) subject: Uuid,
    pub(crate) department: &'static str,
    pub(crate) difficulty: i64,
    /// A week.
    pub(crate) lessons: usize,
    /// The kind of room that it needs; empty: the class stays in its own.
    pub(crate) room: &'static str,
}

/// A class, with what is known of its form.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) key: usize,
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) form: Uuid,
    /// 0 is the lowest.
    pub(crate) form_index: usize,
    /// The class that follows.
    pub(crate) next: Option<usize>,
    pub(crate) courses: Vec<Course>,
}

impl Class {
    /// Whether students finish the course of their level here.
    pub(crate) fn ends_level(&self) -> bool {
        self.next.is_none() || self.form_index + 1 == O_FORMS
    }
}

/// Fills the tables, and answers the classes in the order of their keys.
pub(crate) fn build(school: &mut School, seed: u64, students: usize, at: Timestamp) -> Vec<Class> {
    let mut random = Random::new(seed, "structure");
    let subjects = subjects(school, &mut random, at);
    let forms: Vec<(Uuid, Vec<Course>)> = FORMS
        .iter()
        .zip(0..)
        .map(|((name, level), sequence)| {
            let id = random.id(at);
            school.forms.push(tables::Form {
                id,
                name,
                level,
                sequence: sequence + 1,
                created_at: at,
                updated_at: at,
            });
            let half = usize::try_from(sequence / 2).unwrap_or(0);
            (id, courses(school, &mut random, id, half, &subjects, at))
        })
        .collect();
    scales(school, &mut random, at);
    comments(school, &mut random, at);
    classes(school, &mut random, &forms, students, at)
}

fn subjects(
    school: &mut School,
    random: &mut Random,
    at: Timestamp,
) -> Vec<(&'static str, Course)> {
    let mut courses = Vec::new();
    for (key, (code, name, department, difficulty, room)) in SUBJECTS.into_iter().enumerate() {
        let id = random.id(at);
        let is_active = code != INACTIVE;
        school.subjects.push(tables::Subject {
            id,
            name,
            code,
            is_active,
            created_at: at,
            updated_at: at,
        });
        courses.push((
            code,
            Course {
                key,
                subject: id,
                department,
                difficulty,
                lessons: 0,
                room,
            },
        ));
    }
    courses
}

fn courses(
    school: &mut School,
    random: &mut Random,
    form: Uuid,
    half: usize,
    subjects: &[(&'static str, Course)],
    at: Timestamp,
) -> Vec<Course> {
    let mut courses = Vec::new();
    for (code, lessons, coefficient) in CURRICULUM.get(half).copied().unwrap_or_default() {
        let Some((_, course)) = subjects.iter().find(|(known, _)| known == code) else {
            continue;
        };
        school.curriculum.push(tables::CurriculumEntry {
            id: random.id(at),
            form,
            subject: course.subject,
            coefficient: *coefficient,
            is_compulsory: !OPTIONAL.contains(code),
            created_at: at,
            updated_at: at,
        });
        if *code == "MAT" {
            school
                .pass_marks
                .push(pass_mark(random, form, Some(course.subject), 4_500, at));
        }
        courses.push(Course {
            lessons: *lessons,
            ..course.clone()
        });
    }
    school
        .pass_marks
        .push(pass_mark(random, form, None, 5_000, at));
    courses
}

fn pass_mark(
    random: &mut Random,
    form: Uuid,
    subject: Option<Uuid>,
    mark: i64,
    at: Timestamp,
) -> tables::PassMark {
    tables::PassMark {
        id: random.id(at),
        form,
        subject,
        mark,
        created_at: at,
        updated_at: at,
    }
}

fn scales(school: &mut School, random: &mut Random, at: Timestamp) {
    for (level, bands) in [(O_LEVEL, O_BANDS.as_slice()), (A_LEVEL, A_BANDS.as_slice())] {
        let mut max_mark = 10_000;
        for ((grade, min_mark, description, comment), rank) in bands.iter().zip(1..) {
            school.academic_settings.push(tables::Band {
                id: random.id(at),
                level: Some(level),
                grade,
                rank,
                min_mark: *min_mark,
                max_mark,
                description,
                comment,
                created_at: at,
                updated_at: at,
            });
            max_mark = min_mark - 1;
        }
    }
}

fn comments(school: &mut School, random: &mut Random, at: Timestamp) {
    for level in [O_LEVEL, A_LEVEL] {
        for (kind, texts) in COMMENTS {
            let ends = COMMENT_MINIMA
                .iter()
                .skip(1)
                .map(|min| min - 1)
                .chain([10_000]);
            for ((text, min_mark), max_mark) in texts.iter().zip(COMMENT_MINIMA).zip(ends) {
                school.comment_templates.push(tables::CommentTemplate {
                    id: random.id(at),
                    kind,
                    level,
                    min_mark,
                    max_mark,
                    text: (*text).to_owned(),
                    created_at: at,
                    updated_at: at,
                });
            }
        }
    }
}

/// How many classes a form has, of the O Level and of the A Level: so that classes are near the wanted size.
fn streams(students: usize) -> (usize, usize) {
    let mut best = (1, 1);
    let mut distance = usize::MAX;
    for lower in 1..=students / CLASS_SIZE + 1 {
        for higher in lower.div_ceil(3)..=(lower * 2 / 3).max(1) {
            let count = O_FORMS * lower + A_FORMS * higher;
            let off = students.abs_diff(count * CLASS_SIZE);
            if students <= count * FULLEST && off < distance {
                (best, distance) = ((lower, higher), off);
            }
        }
    }
    best
}

/// "A" to "Z", and on with "AA".
fn letters(mut stream: usize) -> String {
    let mut name = String::new();
    loop {
        let letter = char::from(b'A' + u8::try_from(stream % 26).unwrap_or(0));
        name.insert(0, letter);
        if stream < 26 {
            return name;
        }
        stream = stream / 26 - 1;
    }
}

fn classes(
    school: &mut School,
    random: &mut Random,
    forms: &[(Uuid, Vec<Course>)],
    students: usize,
    at: Timestamp,
) -> Vec<Class> {
    let (lower, higher) = streams(students);
    let mut classes = Vec::new();
    for (form_index, ((form, courses), (form_name, _))) in forms.iter().zip(FORMS).enumerate() {
        let count = if form_index < O_FORMS { lower } else { higher };
        let following = match form_index + 1 {
            next if next == forms.len() => None,
            next if next < O_FORMS => Some(lower),
            _ => Some(higher),
        };
        let first_of_next = classes.len() + count;
        for stream in 0..count {
            let class = Class {
                key: classes.len(),
                id: random.id(at),
                name: format!(
                    "{form_name}{}{}",
                    if form_index < O_FORMS { "" } else { " " },
                    letters(stream)
                ),
                form: *form,
                form_index,
                next: following.map(|count| first_of_next + stream % count),
                courses: courses.clone(),
            };
            school.classes.push(tables::Class {
                id: class.id,
                name: class.name.clone(),
                form: *form,
                capacity: i64::try_from(CAPACITY).ok(),
                is_active: true,
                created_at: at,
                updated_at: at,
            });
            classes.push(class);
        }
    }
    for class in &classes {
        if let Some(next) = class.next.and_then(|next| classes.get(next)) {
            school.class_patterns.push(tables::ClassPattern {
                id: random.id(at),
                from_class: class.id,
                to_class: next.id,
                created_at: at,
                updated_at: at,
            });
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_about_forty_students() {
        for (students, expected) in [
            (0, (1, 1)),
            (1, (1, 1)),
            (240, (1, 1)),
            (500, (3, 1)),
            (600, (3, 2)),
            (2_000, (10, 5)),
        ] {
            assert_eq!(streams(students), expected, "{students}");
        }
        for students in 0..5_000 {
            let (lower, higher) = streams(students);
            let count = O_FORMS * lower + A_FORMS * higher;
            assert!(students <= count * FULLEST, "{students}");
            if students >= 480 {
                assert!(students >= count * 33, "{students}");
            }
        }
    }

    #[test]
    fn streams_are_lettered_beyond_z() {
        let names: Vec<String> = [0, 25, 26, 51, 52, 701, 702].map(letters).into();
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}

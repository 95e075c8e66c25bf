//! Staff, and who teaches what to which class in each year.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::calendar::{Year, days_after, moment};
use crate::random::Random;
use crate::sessions::prepared;
use crate::structure::{Class, Course};
use crate::tables::{self, School};

/// Lessons a week that one teacher gives at most.
const HEAVIEST: usize = 24;
/// Subjects that one teacher teaches at most.
const SUBJECTS_EACH: usize = 2;
/// Of a thousand teachers, how many leave at the end of a year.
const LEAVE: usize = 60;

const TITLES: [&str; 6] = ["Mr", "Mrs", "Ms", "Miss", "Dr", "Rev"];
const OFFICE: [(&str, &str); 7] = [
    ("Head teacher", "Administration"),
    ("Deputy head teacher", "Administration"),
    ("Bursar", "Finance"),
    ("School secretary", "Administration"),
    ("Librarian", "Library"),
    ("Boarding master", "Boarding"),
    ("School nurse", "Health"),
];

/// A year as it is taught.
pub(crate) struct YearPlan<'a> {
    pub(crate) year: &'a Year,
    pub(crate) session: Uuid,
    /// In the order of the classes' keys.
    pub(crate) classes: Vec<YearClass<'a>>,
}

/// A class in a year.
pub(crate) struct YearClass<'a> {
    pub(crate) class: &'a Class,
    /// The academic class.
    pub(crate) id: Uuid,
    pub(crate) taught: Vec<Taught<'a>>,
}

/// A subject of a class, and who teaches it.
pub(crate) struct Taught<'a> {
    pub(crate) course: &'a Course,
    pub(crate) teacher: Uuid,
}

/// What one teacher does, whoever that is in a year.
struct Post {
    department: &'static str,
    subjects: BTreeSet<usize>,
    load: usize,
    /// Class and subject.
    teaches: BTreeSet<(usize, usize)>,
    holder: Uuid,
}

/// Fills the tables, and answers what is taught in each of the years. `user` signs in as the teacher of the first class.
pub(crate) fn build<'a>(
    school: &mut School,
    seed: u64,
    classes: &'a [Class],
    years: &'a [Year],
    sessions: &[Uuid],
    user: Option<Uuid>,
) -> Vec<YearPlan<'a>> {
    let mut staff = Staff {
        school,
        random: Random::new(seed, "staff"),
    };
    let Some(opening) = years.first() else {
        return Vec::new();
    };
    for (position, department) in OFFICE {
        staff.hire(position, department, opening.first, true);
    }
    let mut posts = posts(classes);
    let mut departments = BTreeSet::new();
    for post in &mut posts {
        let position = if departments.insert(post.department) {
            "Head of department"
        } else {
            "Teacher"
        };
        post.holder = staff.hire(position, post.department, opening.first, true);
    }
    let mut plans = Vec::new();
    for (n, (year, session)) in years.iter().zip(sessions).enumerate() {
        if n > 0 {
            for post in &mut posts {
                staff.replace(post, year);
            }
        }
        let is_current = n + 1 == years.len();
        plans.push(staff.plan(&posts, classes, year, *session, user.filter(|_| is_current)));
    }
    plans
}

/// Divides the lessons of all classes among as few teachers as can give them.
fn posts(classes: &[Class]) -> Vec<Post> {
    let mut wanted: Vec<(&Course, usize)> = classes
        .iter()
        .flat_map(|class| class.courses.iter().map(|course| (course, class.key)))
        .collect();
    wanted.sort_by_key(|(course, class)| (course.key, *class));
    let mut posts: Vec<Post> = Vec::new();
    for (course, class) in wanted {
        let fits = |post: &&mut Post| {
            post.department == course.department
                && post.load + course.lessons <= HEAVIEST
                && (post.subjects.contains(&course.key) || post.subjects.len() < SUBJECTS_EACH)
        };
        let known = posts.iter_mut().find(fits);
        let post = match known {
            Some(post) => post,
            None => {
                posts.push(Post {
                    department: course.department,
                    subjects: BTreeSet::new(),
                    load: 0,
                    teaches: BTreeSet::new(),
                    holder: Uuid::nil(),
                });
                let Some(post) = posts.last_mut() else {
                    continue;
                };
                post
            }
        };
        post.subjects.insert(course.key);
        post.load += course.lessons;
        post.teaches.insert((class, course.key));
    }
    posts
}

struct Staff<'s> {
    school: &'s mut School,
    random: Random,
}

impl Staff<'_> {
    /// `opening`: whether it is somebody who has been there before the first year.
    fn hire(
        &mut self,
        position: &'static str,
        department: &'static str,
        first: NaiveDate,
        opening: bool,
    ) -> Uuid {
        let before = if opening {
            self.random.between(30, 6_000)
        } else {
            14
        };
        let hired_on = days_after(first, -before);
        let at = moment(hired_on, 10, 0);
        let id = self.random.id(at);
        self.school.staff.push(tables::StaffMember {
            id,
            user_id: None,
            staff_number: format!("T{:04}", self.school.staff.len() + 1),
            title: self.random.pick(&TITLES),
            position,
            department,
            hired_on: (!self.random.chance(30)).then_some(hired_on),
            is_active: true,
            created_at: at,
            updated_at: at,
        });
        id
    }

    fn replace(&mut self, post: &mut Post, year: &Year) {
        if !self.random.chance(LEAVE) {
            return;
        }
        let left = moment(days_after(year.first, -3), 12, 0);
        for member in &mut self.school.staff {
            if member.id == post.holder {
                member.is_active = false;
                member.updated_at = left;
            }
        }
        post.holder = self.hire("Teacher", post.department, year.first, false);
    }

    fn plan<'a>(
        &mut self,
        posts: &[Post],
        classes: &'a [Class],
        year: &'a Year,
        session: Uuid,
        user: Option<Uuid>,
    ) -> YearPlan<'a> {
        let at = Timestamp::from_millis(prepared(year).millis() + 3_600_000);
        // Nobody has two classes of their own while there are others.
        let mut class_teachers = BTreeSet::new();
        let mut plan = YearPlan {
            year,
            session,
            classes: Vec::new(),
        };
        for class in classes {
            let taught: Vec<Taught> = class
                .courses
                .iter()
                .filter_map(|course| {
                    let post = posts
                        .iter()
                        .find(|post| post.teaches.contains(&(class.key, course.key)))?;
                    Some(Taught {
                        course,
                        teacher: post.holder,
                    })
                })
                .collect();
            let free = taught
                .iter()
                .map(|taught| taught.teacher)
                .find(|teacher| !class_teachers.contains(teacher));
            let class_teacher = free.or(taught.first().map(|taught| taught.teacher));
            class_teachers.extend(class_teacher);
            if class.key == 0 && user.is_some() {
                let mut staff = self.school.staff.iter_mut();
                if let Some(member) = staff.find(|member| Some(member.id) == class_teacher) {
                    member.user_id = user;
                }
            }
            let id = self.random.id(at);
            self.school.academic_classes.push(tables::AcademicClass {
                id,
                session,
                class: class.id,
                class_teacher,
                capacity: None,
                created_at: at,
                updated_at: at,
            });
            for Taught { course, teacher } in &taught {
                self.school.subject_teachers.push(tables::SubjectTeacher {
                    id: self.random.id(at),
                    academic_class: id,
                    subject: course.subject,
                    teacher: *teacher,
                    created_at: at,
                    updated_at: at,
                });
            }
            plan.classes.push(YearClass { class, id, taught });
        }
        plan
    }
}

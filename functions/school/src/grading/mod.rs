//! Grading scales, comments by bands of marks, and what a school says of its reports.

pub(crate) mod logo;
pub(crate) mod scale;
pub(crate) mod settings;

use homeroom_domain::records::Record;
use homeroom_kernel::FieldErrors;
use homeroom_store::{records::Table, school::grading as tables};

use crate::records::{ALONE, Hooks, Resource};

const TAG: &str = "grading";

/// Every resource of plain records about grading.
pub(crate) static RESOURCES: &[&Resource] = &[
    &ACADEMIC_SETTINGS,
    &TEACHER_COMMENTS,
    &GRADE_COMMENTS,
    &CLASS_TEACHER_COMMENTS,
    &HEAD_TEACHER_COMMENTS,
];

struct BandRules;
impl Hooks for BandRules {
    fn check(&self, band: &Record, errors: &mut FieldErrors) {
        let mark = |name: &str| band.get(name).and_then(serde_json::Value::as_f64);
        if mark("min_mark") > mark("max_mark") {
            errors.add("max_mark", "The maximum mark is below the minimum mark.");
        }
    }
}

static ACADEMIC_SETTINGS: Resource = Resource {
    table: &tables::ACADEMIC_SETTINGS,
    tag: TAG,
    noun: "academic_setting",
    plural: "academic_settings",
    title: "a grade of a scale",
    path: "/api/v1/school/academic-settings/",
    hooks: &BandRules,
    ..ALONE
};

const fn comments(
    table: &'static Table,
    noun: &'static str,
    plural: &'static str,
    title: &'static str,
    path: &'static str,
) -> Resource {
    Resource {
        table,
        noun,
        plural,
        title,
        path,
        tag: TAG,
        guarded_as: Some("comment_template"),
        hooks: &BandRules,
        ..ALONE
    }
}

static TEACHER_COMMENTS: Resource = comments(
    &tables::TEACHER_COMMENTS,
    "teacher_comment_template",
    "teacher_comment_templates",
    "a comment that teachers choose from",
    "/api/v1/school/teacher-comment-templates/",
);

static GRADE_COMMENTS: Resource = comments(
    &tables::GRADE_COMMENTS,
    "teacher_grade_comment",
    "teacher_grade_comments",
    "a comment on the mark of a subject",
    "/api/v1/school/teacher-grade-comments/",
);

static CLASS_TEACHER_COMMENTS: Resource = comments(
    &tables::CLASS_TEACHER_COMMENTS,
    "class_teacher_comment",
    "class_teacher_comments",
    "a class teacher's comment on an average",
    "/api/v1/school/class-teacher-comments/",
);

static HEAD_TEACHER_COMMENTS: Resource = comments(
    &tables::HEAD_TEACHER_COMMENTS,
    "head_teacher_comment",
    "head_teacher_comments",
    "a head teacher's comment on an average",
    "/api/v1/school/head-teacher-comments/",
);

//! What a row that the database refused means to a client, by the name of the constraint.

use homeroom_kernel::fields::NON_FIELD;

use crate::{conflicts::Conflict, error::ApiError};

/// A mistake in a field: the constraint, the field, and what is wrong.
const FIELDS: &[(&str, &str, &str)] = &[
    (
        "users.email",
        "email",
        "A user with this email already exists.",
    ),
    (
        "users.phone_number",
        "phone_number",
        "A user with this phone number already exists.",
    ),
    (
        "sms_accounts_email",
        "email",
        "An account with this email already exists.",
    ),
    (
        "users_have_an_identifier",
        NON_FIELD,
        "Give an email or a phone number.",
    ),
    (
        "roles.name",
        "name",
        "A role with this name already exists.",
    ),
    (
        "role_cycle",
        "parent_role",
        "A role cannot inherit from itself.",
    ),
    (
        "user_roles.user_id, user_roles.role_id",
        NON_FIELD,
        "The user has this role already.",
    ),
    (
        "staff.staff_number",
        "staff_number",
        "A member of staff with this number already exists.",
    ),
    (
        "staff.user_id",
        "user",
        "This user has a staff record already.",
    ),
    (
        "tenants.schema_name",
        "schema_name",
        "A school with this schema name already exists.",
    ),
    (
        "tenants.code",
        "code",
        "A school with this code already exists.",
    ),
    (
        "tenant_domains.host",
        "domain",
        "A school with this domain already exists.",
    ),
    // Structure.
    (
        "academic_sessions.name",
        "name",
        "A session with this name already exists.",
    ),
    (
        "term_outside_session",
        "start_date",
        "Terms must lie within their session.",
    ),
    (
        "terms_overlap",
        "start_date",
        "The dates overlap with another term of the session or its vacation.",
    ),
    (
        "terms.session, terms.term",
        "term",
        "The session has this term already.",
    ),
    (
        "forms.name",
        "name",
        "A form with this name already exists.",
    ),
    (
        "classes.name",
        "name",
        "A class with this name already exists.",
    ),
    (
        "class_patterns.from_class",
        "from_class",
        "This class leads to another one already.",
    ),
    (
        "subjects.name",
        "name",
        "A subject with this name already exists.",
    ),
    (
        "subjects.code",
        "code",
        "A subject with this code already exists.",
    ),
    (
        "curriculum.form, curriculum.subject",
        "subject",
        "The form has this subject already.",
    ),
    (
        "pass_marks_unique",
        "subject",
        "There is a pass mark for this already.",
    ),
    (
        "academic_classes.session, academic_classes.class",
        "class",
        "The session has this class already.",
    ),
    (
        "subject_teachers.academic_class, subject_teachers.subject",
        "subject",
        "The class has a teacher for this subject already.",
    ),
    // People.
    (
        "students.student_id",
        "student_id",
        "A student with this number already exists.",
    ),
    (
        "students.user",
        "user",
        "This user is another student already.",
    ),
    (
        "guardians.phone_number",
        "phone_number",
        "A guardian with this phone number already exists.",
    ),
    (
        "guardians.email",
        "email",
        "A guardian with this email already exists.",
    ),
    (
        "guardians.user",
        "user",
        "This user is another guardian already.",
    ),
    (
        "guardians_can_be_reached",
        NON_FIELD,
        "Give an email or a phone number.",
    ),
    (
        "student_guardians.student, student_guardians.guardian",
        "guardian",
        "The student has this guardian already.",
    ),
    (
        "student_sessions.student, student_sessions.session",
        "student",
        "The student is registered in this session already.",
    ),
    (
        "class_of_another_session",
        "academic_class",
        "The class is one of another session.",
    ),
    (
        "student_left",
        "student",
        "The student has left the school.",
    ),
    // Attendance and timetable.
    (
        "attendance_codes.code",
        "code",
        "An attendance code with this code already exists.",
    ),
    (
        "attendance_once",
        "date",
        "The student's attendance was entered already.",
    ),
    (
        "leave_overlaps",
        "start_date",
        "The student has another leave on some of these days.",
    ),
    (
        "timetable_conflict",
        NON_FIELD,
        "The class, the teacher or the room is taken at this time.",
    ),
    (
        "attendance_entered",
        "is_cancelled",
        "Attendance was entered for the lesson on some of these days. Delete the entries, or choose other days.",
    ),
    (
        "substitutions_overlap",
        "start_date",
        "The lesson is given otherwise on some of these days already.",
    ),
    (
        "subject_not_taught",
        "subject",
        "The class does not have this subject.",
    ),
    // Exams and cards.
    (
        "exam_sessions.session, exam_sessions.term, exam_sessions.name",
        "name",
        "The term has an exam session with this name already.",
    ),
    (
        "exams.exam_session, exams.academic_class, exams.subject",
        "subject",
        "The class has an exam in this subject already.",
    ),
    (
        "marks.exam, marks.student_session",
        "student_session",
        "The student has a mark in this exam already.",
    ),
    (
        "student_of_another_class",
        "student_session",
        "The student is not in the class of this exam.",
    ),
    (
        "academic_settings_rank",
        "rank",
        "The level has a grade of this rank already.",
    ),
    (
        "academic_settings_grade",
        "grade",
        "The level has this grade already.",
    ),
    (
        "bands_overlap",
        "min_mark",
        "The marks overlap with another grade of the level.",
    ),
    (
        "comments_overlap",
        "min_mark",
        "The marks overlap with another comment of the level.",
    ),
    // Promotion.
    (
        "setup_mismatch",
        NON_FIELD,
        "The classes are not of the sessions of this set-up.",
    ),
    (
        "sessions_out_of_order",
        "previous_session",
        "The session that ends must begin before the new one.",
    ),
    (
        "exam_of_another_session",
        "exam_session",
        "The exam session is one of another session.",
    ),
    (
        "student_not_in_class",
        "student",
        "The student is not registered in the class that is left.",
    ),
    (
        "student_promotions.session_setup, student_promotions.student",
        "student",
        "The set-up has a decision on this student already.",
    ),
];

pub(crate) fn meaning(constraint: &str) -> ApiError {
    let name = constraint
        .strip_prefix("index '")
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap_or(constraint);
    if let Some((_, field, message)) = FIELDS.iter().find(|(known, _, _)| *known == name) {
        return ApiError::field(field, message);
    }
    if let Some(conflict) = Conflict::of(name) {
        return conflict.into();
    }
    match name {
        "tenants.slot" => ApiError::NoFreeSlot,
        // The second is found in the student's record, which is gone.
        "foreign_key" | "student_sessions.boarding_status" => Conflict::InUse.into(),
        "publications.exam_session, publications.version" => Conflict::ExamStateChanged.into(),
        // Of two activations at once, one came second.
        "academic_sessions.is_active" | "terms.is_active" | "student_guardians.student" => {
            Conflict::ChangedMeanwhile.into()
        }
        "promotion_executions.session_setup" => Conflict::PromotionExecuted.into(),
        _ => ApiError::Internal(format!("unexpected constraint {constraint}")),
    }
}

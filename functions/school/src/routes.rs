//! Every route of the area.

use crate::{
    audit_logs, auth,
    people::{admissions, guardians, registrations},
    permissions,
    promotion::{bulk, copy, executions, history, preview, proposals, steps},
    records::{self, Resource},
    role_assignments, roles, staff, structure, users,
};

#[cfg(not(target_arch = "wasm32"))]
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Homeroom: school",
        description = "A school's own area, on the school's host. All data is the school's alone.",
    ),
    components(schemas(homeroom_edge::openapi::ErrorOut, homeroom_edge::openapi::FieldErrorsOut)),
    tags(
        (name = "auth", description = "Signing in as a user of the school."),
        (name = "users", description = "Users of the school."),
        (name = "staff", description = "Staff records."),
        (name = "roles", description = "Roles, who holds them, and the permissions that exist."),
        (name = "structure", description = "Sessions, terms, forms, classes, subjects, and who teaches what to whom."),
        (name = "people", description = "Students, their guardians, and their place in a session."),
        (name = "exams", description = "Exam sessions, exams and marks."),
        (name = "promotion", description = "The move to the next year: set-ups, decisions, their execution and its undoing."),
        (name = "audit-logs", description = "Who changed what."),
    ),
)]
struct Document;

/// Every resource of plain records.
pub static RECORDS: &[&[&Resource]] = &[
    structure::RESOURCES,
    crate::people::RESOURCES,
    crate::exams::RESOURCES,
    crate::promotion::RESOURCES,
];

homeroom_edge::routes! { Document, records(RECORDS);
    auth::login,
    auth::refresh,
    auth::find_me,
    auth::find_own_permissions,
    auth::logout,
    auth::logout_all,
    auth::change_password,
    users::list_users,
    users::create_user,
    users::find_user,
    users::replace_user,
    users::update_user,
    users::delete_user,
    staff::list_staff,
    staff::create_staff,
    staff::find_staff,
    staff::replace_staff,
    staff::update_staff,
    staff::delete_staff,
    roles::list_roles,
    roles::create_role,
    roles::find_role,
    roles::replace_role,
    roles::update_role,
    roles::delete_role,
    permissions::list_permissions,
    role_assignments::list_user_role_assignments,
    role_assignments::create_user_role_assignment,
    role_assignments::find_user_role_assignment,
    role_assignments::replace_user_role_assignment,
    role_assignments::update_user_role_assignment,
    role_assignments::delete_user_role_assignment,
    steps::find_setup_steps,
    copy::copy_structure,
    bulk::replace_student_promotions,
    proposals::propose_student_promotions,
    preview::preview_promotions,
    executions::list_promotion_executions,
    executions::execute_promotions,
    executions::find_promotion_execution,
    executions::undo_promotion_execution,
    history::list_student_promotion_history,
    admissions::list_student_history,
    admissions::list_students_without_session,
    guardians::list_guardian_students,
    registrations::list_class_registrations,
    registrations::place_students,
    registrations::remove_student_from_class,
    audit_logs::list_audit_logs,
    audit_logs::find_audit_log,
}

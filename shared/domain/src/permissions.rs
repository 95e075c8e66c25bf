//! Permissions: what exists, and what a set of them allows.

mod set;

pub use set::PermissionSet;

/// A permission as a type: extractors ask for it, so a handler cannot be written without naming one.
pub trait Permission: Send + Sync + 'static {
    /// `<area>.<verb>_<resource>`.
    const CODENAME: &'static str;
}

/// A line of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stable number; platform roles name permissions by it.
    pub id: i64,
    /// `<area>.<verb>_<resource>`.
    pub codename: &'static str,
    /// For people.
    pub name: &'static str,
}

macro_rules! catalogue {
    ($($area:ident { $($marker:ident = $id:literal, $codename:literal, $name:literal;)* })*) => {$(
        #[doc = concat!("The permissions of the ", stringify!($area), " area.")]
        pub mod $area {
            use super::{Entry, Permission};
            $(
                #[doc = concat!($name, ".")]
                #[derive(Clone, Copy, Debug)]
                pub struct $marker;
                impl Permission for $marker {
                    const CODENAME: &'static str = $codename;
                }
            )*
            /// Every permission of the area, in the order of their numbers.
            pub const CATALOGUE: &[Entry] = &[$(Entry { id: $id, codename: $codename, name: $name },)*];
        }
    )*};
}

catalogue! {
    system {
        ViewSchool = 1, "system.view_school", "View schools";
        AddSchool = 2, "system.add_school", "Create schools";
        ChangeSchool = 3, "system.change_school", "Change schools";
        DeleteSchool = 4, "system.delete_school", "Delete and restore schools";
        SuspendSchool = 5, "system.suspend_school", "Suspend and activate schools";
        ViewUser = 6, "system.view_user", "View platform users";
        AddUser = 7, "system.add_user", "Create platform users";
        ChangeUser = 8, "system.change_user", "Change platform users";
        DeleteUser = 9, "system.delete_user", "Delete platform users";
        ViewRole = 10, "system.view_role", "View platform roles";
        AddRole = 11, "system.add_role", "Create platform roles";
        ChangeRole = 12, "system.change_role", "Change platform roles";
        DeleteRole = 13, "system.delete_role", "Delete platform roles";
        ViewApiKey = 14, "system.view_api_key", "View API keys";
        AddApiKey = 15, "system.add_api_key", "Create API keys";
        ChangeApiKey = 16, "system.change_api_key", "Change and rotate API keys";
        DeleteApiKey = 17, "system.delete_api_key", "Revoke API keys";
        ViewAuditLog = 18, "system.view_audit_log", "View the platform's audit log";
        ViewWebhook = 19, "system.view_webhook", "View webhooks";
        AddWebhook = 20, "system.add_webhook", "Create webhooks";
        ChangeWebhook = 21, "system.change_webhook", "Change, test and repeat webhooks";
        DeleteWebhook = 22, "system.delete_webhook", "Delete webhooks";
    }
    school {
        ViewUser = 101, "school.view_user", "View users";
        AddUser = 102, "school.add_user", "Create users";
        ChangeUser = 103, "school.change_user", "Change users";
        DeleteUser = 104, "school.delete_user", "Delete users";
        ViewStaff = 105, "school.view_staff", "View staff";
        AddStaff = 106, "school.add_staff", "Create staff";
        ChangeStaff = 107, "school.change_staff", "Change staff";
        DeleteStaff = 108, "school.delete_staff", "Delete staff";
        ViewRole = 109, "school.view_role", "View roles";
        AddRole = 110, "school.add_role", "Create roles";
        ChangeRole = 111, "school.change_role", "Change roles";
        DeleteRole = 112, "school.delete_role", "Delete roles";
        ViewUserRoleAssignment = 113, "school.view_user_role_assignment", "View role assignments";
        AddUserRoleAssignment = 114, "school.add_user_role_assignment", "Assign roles";
        ChangeUserRoleAssignment = 115, "school.change_user_role_assignment", "Change role assignments";
        DeleteUserRoleAssignment = 116, "school.delete_user_role_assignment", "Withdraw roles";
        ViewAuditLog = 117, "school.view_audit_log", "View the audit log";
        ViewSession = 118, "school.view_session", "View sessions";
        AddSession = 119, "school.add_session", "Create sessions";
        ChangeSession = 120, "school.change_session", "Change sessions";
        DeleteSession = 121, "school.delete_session", "Delete sessions";
        ViewTerm = 122, "school.view_term", "View terms";
        AddTerm = 123, "school.add_term", "Create terms";
        ChangeTerm = 124, "school.change_term", "Change terms";
        DeleteTerm = 125, "school.delete_term", "Delete terms";
        ViewForm = 126, "school.view_form", "View forms";
        AddForm = 127, "school.add_form", "Create forms";
        ChangeForm = 128, "school.change_form", "Change forms";
        DeleteForm = 129, "school.delete_form", "Delete forms";
        ViewClass = 130, "school.view_class", "View classes";
        AddClass = 131, "school.add_class", "Create classes";
        ChangeClass = 132, "school.change_class", "Change classes";
        DeleteClass = 133, "school.delete_class", "Delete classes";
        ViewClassPattern = 134, "school.view_class_pattern", "View class patterns";
        AddClassPattern = 135, "school.add_class_pattern", "Create class patterns";
        ChangeClassPattern = 136, "school.change_class_pattern", "Change class patterns";
        DeleteClassPattern = 137, "school.delete_class_pattern", "Delete class patterns";
        ViewSubject = 138, "school.view_subject", "View subjects";
        AddSubject = 139, "school.add_subject", "Create subjects";
        ChangeSubject = 140, "school.change_subject", "Change subjects";
        DeleteSubject = 141, "school.delete_subject", "Delete subjects";
        ViewCurriculum = 142, "school.view_curriculum", "View the curriculum";
        AddCurriculum = 143, "school.add_curriculum", "Create the curriculum";
        ChangeCurriculum = 144, "school.change_curriculum", "Change the curriculum";
        DeleteCurriculum = 145, "school.delete_curriculum", "Delete the curriculum";
        ViewPassMark = 146, "school.view_pass_mark", "View pass marks";
        AddPassMark = 147, "school.add_pass_mark", "Create pass marks";
        ChangePassMark = 148, "school.change_pass_mark", "Change pass marks";
        DeletePassMark = 149, "school.delete_pass_mark", "Delete pass marks";
        ViewAcademicClass = 150, "school.view_academic_class", "View classes of a session";
        AddAcademicClass = 151, "school.add_academic_class", "Create classes of a session";
        ChangeAcademicClass = 152, "school.change_academic_class", "Change classes of a session";
        DeleteAcademicClass = 153, "school.delete_academic_class", "Delete classes of a session";
        ViewSubjectTeacher = 154, "school.view_subject_teacher", "View subject teachers";
        AddSubjectTeacher = 155, "school.add_subject_teacher", "Create subject teachers";
        ChangeSubjectTeacher = 156, "school.change_subject_teacher", "Change subject teachers";
        DeleteSubjectTeacher = 157, "school.delete_subject_teacher", "Delete subject teachers";
        ViewStudentSession = 158, "school.view_student_session", "View registrations";
        AddStudentSession = 159, "school.add_student_session", "Create registrations";
        ChangeStudentSession = 160, "school.change_student_session", "Change registrations";
        DeleteStudentSession = 161, "school.delete_student_session", "Delete registrations";
        ViewAdmission = 162, "school.view_admission", "View students";
        AddAdmission = 163, "school.add_admission", "Create students";
        ChangeAdmission = 164, "school.change_admission", "Change students";
        DeleteAdmission = 165, "school.delete_admission", "Delete students";
        ViewGuardian = 166, "school.view_guardian", "View guardians";
        AddGuardian = 167, "school.add_guardian", "Create guardians";
        ChangeGuardian = 168, "school.change_guardian", "Change guardians";
        DeleteGuardian = 169, "school.delete_guardian", "Delete guardians";
        ViewStudentGuardian = 170, "school.view_student_guardian", "View students' guardians";
        AddStudentGuardian = 171, "school.add_student_guardian", "Create students' guardians";
        ChangeStudentGuardian = 172, "school.change_student_guardian", "Change students' guardians";
        DeleteStudentGuardian = 173, "school.delete_student_guardian", "Delete students' guardians";
        ViewAttendance = 174, "school.view_attendance", "View attendance";
        AddAttendance = 175, "school.add_attendance", "Create attendance";
        ChangeAttendance = 176, "school.change_attendance", "Change attendance";
        DeleteAttendance = 177, "school.delete_attendance", "Delete attendance";
        ViewAttendanceCode = 178, "school.view_attendance_code", "View attendance codes";
        AddAttendanceCode = 179, "school.add_attendance_code", "Create attendance codes";
        ChangeAttendanceCode = 180, "school.change_attendance_code", "Change attendance codes";
        DeleteAttendanceCode = 181, "school.delete_attendance_code", "Delete attendance codes";
        ViewHoliday = 182, "school.view_holiday", "View holidays";
        AddHoliday = 183, "school.add_holiday", "Create holidays";
        ChangeHoliday = 184, "school.change_holiday", "Change holidays";
        DeleteHoliday = 185, "school.delete_holiday", "Delete holidays";
        ViewLeaveApplication = 186, "school.view_leave_application", "View leave applications";
        AddLeaveApplication = 187, "school.add_leave_application", "Create leave applications";
        ChangeLeaveApplication = 188, "school.change_leave_application", "Change leave applications";
        DeleteLeaveApplication = 189, "school.delete_leave_application", "Delete leave applications";
        ViewTimetable = 190, "school.view_timetable", "View the timetable";
        AddTimetable = 191, "school.add_timetable", "Create the timetable";
        ChangeTimetable = 192, "school.change_timetable", "Change the timetable";
        DeleteTimetable = 193, "school.delete_timetable", "Delete the timetable";
        ViewExamSession = 194, "school.view_exam_session", "View exam sessions";
        AddExamSession = 195, "school.add_exam_session", "Create exam sessions";
        ChangeExamSession = 196, "school.change_exam_session", "Change exam sessions";
        DeleteExamSession = 197, "school.delete_exam_session", "Delete exam sessions";
        ViewExam = 198, "school.view_exam", "View exams";
        AddExam = 199, "school.add_exam", "Create exams";
        ChangeExam = 200, "school.change_exam", "Change exams";
        DeleteExam = 201, "school.delete_exam", "Delete exams";
        ViewMark = 202, "school.view_mark", "View marks of the own subjects";
        AddMark = 203, "school.add_mark", "Create marks of the own subjects";
        ChangeMark = 204, "school.change_mark", "Change marks of the own subjects";
        DeleteMark = 205, "school.delete_mark", "Delete marks of the own subjects";
        ViewAcademicSetting = 206, "school.view_academic_setting", "View grading scales";
        AddAcademicSetting = 207, "school.add_academic_setting", "Create grading scales";
        ChangeAcademicSetting = 208, "school.change_academic_setting", "Change grading scales";
        DeleteAcademicSetting = 209, "school.delete_academic_setting", "Delete grading scales";
        ViewCommentTemplate = 210, "school.view_comment_template", "View comment templates";
        AddCommentTemplate = 211, "school.add_comment_template", "Create comment templates";
        ChangeCommentTemplate = 212, "school.change_comment_template", "Change comment templates";
        DeleteCommentTemplate = 213, "school.delete_comment_template", "Delete comment templates";
        ViewSessionSetup = 214, "school.view_session_setup", "View session set-ups";
        AddSessionSetup = 215, "school.add_session_setup", "Create session set-ups";
        ChangeSessionSetup = 216, "school.change_session_setup", "Change session set-ups";
        DeleteSessionSetup = 217, "school.delete_session_setup", "Delete session set-ups";
        ViewStudentPromotion = 218, "school.view_student_promotion", "View promotions";
        AddStudentPromotion = 219, "school.add_student_promotion", "Create promotions";
        ChangeStudentPromotion = 220, "school.change_student_promotion", "Change promotions";
        DeleteStudentPromotion = 221, "school.delete_student_promotion", "Delete promotions";
        ViewNotice = 222, "school.view_notice", "View notices";
        AddNotice = 223, "school.add_notice", "Create notices";
        ChangeNotice = 224, "school.change_notice", "Change notices";
        DeleteNotice = 225, "school.delete_notice", "Delete notices";
        ManageMark = 226, "school.manage_mark", "See and correct the marks of every subject";
        ViewReportCard = 227, "school.view_report_card", "View report cards";
        ChangeReportCard = 228, "school.change_report_card", "Write comments on report cards";
        PublishReportCard = 229, "school.publish_report_card", "Publish, withdraw and lock report cards";
        WithholdReportCard = 230, "school.withhold_report_card", "Withhold and release report cards";
        ViewReportSetting = 231, "school.view_report_setting", "View report settings";
        ChangeReportSetting = 232, "school.change_report_setting", "Change report settings";
        ExecutePromotion = 233, "school.execute_promotion", "Execute and undo promotions";
        DecideLeaveApplication = 234, "school.decide_leave_application", "Decide on leave applications";
        ViewImport = 235, "school.view_import", "View imports";
        AddImport = 236, "school.add_import", "Import files";
        ViewExport = 237, "school.view_export", "Export files";
        ViewSms = 238, "school.view_sms", "View text messages";
        SendSms = 239, "school.send_sms", "Send and withdraw text messages";
        ChangeSmsSettings = 240, "school.change_sms_settings", "Change how text messages are sent";
        ChangeStudentPin = 241, "school.change_student_pin", "Set, renew and remove students' PINs";
        EraseStudent = 243, "school.erase_student", "Erase students who left";
        ViewApplication = 250, "school.view_application", "View applications for admission";
        AddApplication = 251, "school.add_application", "Create applications for admission";
        ChangeApplication = 252, "school.change_application", "Change applications for admission";
        DeleteApplication = 253, "school.delete_application", "Delete applications for admission";
        DecideApplication = 254, "school.decide_application", "Decide on applications, and enrol";
    }
    chatbot {
        ViewStudent = 301, "chatbot.view_student", "Look up students by phone number";
        ViewResult = 302, "chatbot.view_result", "Look up published results by PIN";
        ViewNotice = 303, "chatbot.view_notice", "Look up notices by phone number or student";
    }
}

/// Every permission that exists in a school, in the order of their numbers.
pub fn of_schools() -> impl Iterator<Item = &'static Entry> {
    school::CATALOGUE.iter().chain(chatbot::CATALOGUE)
}

/// Every permission that exists.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    system::CATALOGUE.iter().chain(of_schools())
}

/// The catalogue entry of a codename, in whichever area.
#[must_use]
pub fn find(codename: &str) -> Option<Entry> {
    all().find(|entry| entry.codename == codename).copied()
}

/// Why a scope or codename cannot be granted.
#[must_use]
pub fn unknown_scope(scope: &str) -> bool {
    match scope.strip_suffix('*') {
        Some("") => false,
        Some(stem) => !all().any(|e| e.codename.starts_with(stem)),
        None => find(scope).is_none(),
    }
}

/// A role that every new school starts with.
#[derive(Clone, Copy, Debug)]
pub struct DefaultRole {
    /// Its stable key.
    pub builtin: &'static str,
    /// Its name, which the school may change.
    pub name: &'static str,
    /// For people.
    pub description: &'static str,
    /// The role whose permissions it inherits.
    pub parent: Option<&'static str>,
    /// Its own permissions.
    pub permissions: &'static [&'static str],
}

/// The key of the role that must never be without a holder.
pub const ADMINISTRATOR: &str = "administrator";

/// The roles that every new school starts with, parents before children.
pub const DEFAULT_SCHOOL_ROLES: &[DefaultRole] = &[
    DefaultRole {
        builtin: ADMINISTRATOR,
        name: "Administrator",
        description: "Everything in this school.",
        parent: None,
        permissions: &["chatbot.*", "school.*"],
    },
    DefaultRole {
        builtin: "teacher",
        name: "Teacher",
        description: "Teaches: sees colleagues and students, enters the own subjects' marks and attendance.",
        parent: None,
        permissions: &[
            "school.view_staff",
            "school.view_session",
            "school.view_term",
            "school.view_form",
            "school.view_class",
            "school.view_subject",
            "school.view_curriculum",
            "school.view_pass_mark",
            "school.view_academic_class",
            "school.view_subject_teacher",
            "school.view_student_session",
            "school.view_admission",
            "school.view_student_guardian",
            "school.view_attendance",
            "school.add_attendance",
            "school.change_attendance",
            "school.view_attendance_code",
            "school.view_holiday",
            "school.view_leave_application",
            "school.view_timetable",
            "school.view_exam_session",
            "school.view_exam",
            "school.add_exam",
            "school.view_mark",
            "school.add_mark",
            "school.change_mark",
            "school.view_academic_setting",
            "school.view_comment_template",
            "school.view_report_setting",
            "school.view_report_card",
            "school.change_report_card",
            "school.view_notice",
        ],
    },
    DefaultRole {
        builtin: "head",
        name: "Head teacher",
        description: "Leads the school: a teacher who also sees people, roles and the audit log, and decides on marks, cards and promotions.",
        parent: Some("teacher"),
        permissions: &[
            "school.manage_mark",
            "school.publish_report_card",
            "school.withhold_report_card",
            "school.decide_leave_application",
            "school.view_guardian",
            "school.view_class_pattern",
            "school.view_session_setup",
            "school.view_student_promotion",
            "school.add_student_promotion",
            "school.change_student_promotion",
            "school.execute_promotion",
            "school.add_notice",
            "school.change_notice",
            "school.delete_notice",
            "school.view_export",
            "school.send_sms",
            "school.view_sms",
            "school.view_user",
            "school.view_role",
            "school.view_user_role_assignment",
            "school.view_audit_log",
        ],
    },
    DefaultRole {
        builtin: "office",
        name: "Office",
        description: "Keeps the records of users, staff, students and guardians.",
        parent: None,
        permissions: &[
            "school.view_session",
            "school.view_term",
            "school.view_form",
            "school.view_class",
            "school.view_academic_class",
            "school.view_student_session",
            "school.add_student_session",
            "school.change_student_session",
            "school.view_application",
            "school.add_application",
            "school.change_application",
            "school.decide_application",
            "school.view_admission",
            "school.add_admission",
            "school.change_admission",
            "school.view_guardian",
            "school.add_guardian",
            "school.change_guardian",
            "school.view_student_guardian",
            "school.add_student_guardian",
            "school.change_student_guardian",
            "school.delete_student_guardian",
            "school.view_attendance",
            "school.view_leave_application",
            "school.add_leave_application",
            "school.view_timetable",
            "school.view_notice",
            "school.view_import",
            "school.add_import",
            "school.view_export",
            "school.send_sms",
            "school.view_sms",
            "school.view_user",
            "school.add_user",
            "school.change_user",
            "school.view_staff",
            "school.add_staff",
            "school.change_staff",
            "school.change_student_pin",
        ],
    },
    DefaultRole {
        builtin: "student",
        name: "Student",
        description: "Sees what is the student's own.",
        parent: None,
        permissions: &["school.view_notice"],
    },
    DefaultRole {
        builtin: "guardian",
        name: "Guardian",
        description: "Sees what concerns the own children.",
        parent: None,
        permissions: &["school.view_notice"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_codenames_are_unique_and_well_formed() {
        let all: Vec<Entry> = all().copied().collect();
        let ids: std::collections::BTreeSet<i64> = all.iter().map(|e| e.id).collect();
        let names: std::collections::BTreeSet<&str> = all.iter().map(|e| e.codename).collect();
        assert_eq!((ids.len(), names.len()), (all.len(), all.len()));
        for entry in all {
            let (area, rest) = entry.codename.split_once('.').unwrap();
            assert!(matches!(area, "system" | "school" | "chatbot"));
            assert!(rest.contains('_'), "{}", entry.codename);
        }
    }

    #[test]
    fn scopes_name_something_that_exists() {
        assert!(!unknown_scope("*"));
        assert!(!unknown_scope("school.view_*"));
        assert!(!unknown_scope("school.view_user"));
        assert!(unknown_scope("school.fly_*"));
        assert!(unknown_scope("school.view_dragon"));
    }

    #[test]
    fn default_roles_name_existing_permissions_and_earlier_parents() {
        let mut seen: Vec<&str> = Vec::new();
        for role in DEFAULT_SCHOOL_ROLES {
            assert!(
                role.permissions.iter().all(|p| !unknown_scope(p)),
                "{}",
                role.name
            );
            assert!(
                role.parent.is_none_or(|parent| seen.contains(&parent)),
                "{}",
                role.name
            );
            seen.push(role.builtin);
        }
        assert!(seen.contains(&ADMINISTRATOR));
    }
}

//! The tables that are filled, parents before children: a struct per table, and a field per column.
//!
//! `created_by` is in none of them: nobody made these rows, so it stays null.

use chrono::NaiveDate;
use homeroom_kernel::Timestamp;
use uuid::Uuid;

use crate::sql::{self, Row, Value};

macro_rules! tables {
    ($($(#[$documentation:meta])* $table:ident: $row:ident { $($column:ident: $kind:ty,)* })*) => {
        $(
            $(#[$documentation])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            #[allow(missing_docs, reason = "the columns are described in the schema")]
            pub struct $row {
                $(pub $column: $kind,)*
            }

            impl Row for $row {
                const TABLE: &'static str = stringify!($table);
                const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),*];

                fn write(&self, sql: &mut String) {
                    let mut first = true;
                    $(
                        if !std::mem::take(&mut first) {
                            sql.push(',');
                        }
                        self.$column.write(sql);
                    )*
                }
            }
        )*

        /// A school: the rows of its tables.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the tables are described in the schema")]
        pub struct School {
            $(pub $table: Vec<$row>,)*
        }

        impl School {
            /// SQL that inserts the rows into an empty database: several rows in a statement, every statement shorter
            /// than D1's limit, and in an order in which foreign keys hold.
            pub fn statements(&self) -> impl Iterator<Item = String> + '_ {
                let tables: Vec<Box<dyn Iterator<Item = String> + '_>> =
                    vec![$(Box::new(sql::inserts(&self.$table)),)*];
                tables.into_iter().flatten()
            }

            /// How many rows each table has.
            #[must_use]
            pub fn counts(&self) -> Vec<(&'static str, usize)> {
                vec![$((stringify!($table), self.$table.len()),)*]
            }
        }
    };
}

tables! {
    /// A school year.
    academic_sessions: AcademicSession {
        id: Uuid, name: String, start_date: Timestamp, end_date: Timestamp, is_active: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A third of a year.
    terms: Term {
        id: Uuid, session: Uuid, term: &'static str, name: String, start_date: NaiveDate, end_date: NaiveDate,
        vacation_start: Option<NaiveDate>, vacation_end: Option<NaiveDate>, is_active: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A year of the course.
    forms: Form {
        id: Uuid, name: &'static str, level: &'static str, sequence: i64,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A class, whatever the year.
    classes: Class {
        id: Uuid, name: String, form: Uuid, capacity: Option<i64>, is_active: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// Which class follows on which.
    class_patterns: ClassPattern {
        id: Uuid, from_class: Uuid, to_class: Uuid, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A subject.
    subjects: Subject {
        id: Uuid, name: &'static str, code: &'static str, is_active: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A subject of a form.
    curriculum: CurriculumEntry {
        id: Uuid, form: Uuid, subject: Uuid, coefficient: i64, is_compulsory: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// The mark that passes.
    pass_marks: PassMark {
        id: Uuid, form: Uuid, subject: Option<Uuid>, mark: i64, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A member of the staff.
    staff: StaffMember {
        id: Uuid, user_id: Option<Uuid>, staff_number: String, title: &'static str, position: &'static str,
        department: &'static str, hired_on: Option<NaiveDate>, is_active: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A class in one year.
    academic_classes: AcademicClass {
        id: Uuid, session: Uuid, class: Uuid, class_teacher: Option<Uuid>, capacity: Option<i64>,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// Who teaches a subject to a class.
    subject_teachers: SubjectTeacher {
        id: Uuid, academic_class: Uuid, subject: Uuid, teacher: Uuid, created_at: Timestamp, updated_at: Timestamp,
    }
    /// The last number given in a year of admission.
    student_numbers: StudentNumber { admission_year: i64, last_number: i64, }
    /// A student.
    students: Student {
        id: Uuid, student_id: String, first_name: String, middle_name: &'static str, last_name: String,
        gender: &'static str, dob: Option<NaiveDate>, admission_year: i64, form: Option<Uuid>, status: &'static str,
        enrolment: &'static str, parent_name: String, parent_phone: String, address: String, user: Option<Uuid>,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A change of a student's form, enrolment or boarding.
    student_history: StudentChange {
        id: Uuid, student: Uuid, field: &'static str, old_value: Option<String>, new_value: Option<String>,
        reason: &'static str, actor_name: &'static str, changed_at: Timestamp,
    }
    /// A guardian.
    guardians: Guardian {
        id: Uuid, first_name: String, last_name: String, phone_number: Option<String>, email: Option<String>,
        consent: String, user: Option<Uuid>, created_at: Timestamp, updated_at: Timestamp,
    }
    /// Whose guardian somebody is.
    student_guardians: StudentGuardian {
        id: Uuid, student: Uuid, guardian: Uuid, relation: &'static str, is_primary: bool,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A student in one year.
    student_sessions: StudentSession {
        id: Uuid, session: Uuid, student: Uuid, academic_class: Option<Uuid>, boarding_status: &'static str,
        status: &'static str, created_at: Timestamp, updated_at: Timestamp,
    }
    /// Days without lessons.
    holidays: Holiday {
        id: Uuid, name: String, start_date: NaiveDate, end_date: NaiveDate,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A code for attendance.
    attendance_codes: AttendanceCode {
        id: Uuid, code: &'static str, name: &'static str, status: &'static str,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// A lesson of every week.
    timetable: TimetableEntry {
        id: Uuid, academic_class: Uuid, subject: Uuid, teacher: Uuid, room: String, weekday: i64,
        starts_at: String, ends_at: String, valid_from: NaiveDate, valid_to: Option<NaiveDate>, revision: i64,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// How a student spent a day.
    attendance: Attendance {
        id: Uuid, student_session: Uuid, date: NaiveDate, lesson: Option<Uuid>, status: &'static str,
        code: Option<&'static str>, reason: &'static str, created_at: Timestamp, updated_at: Timestamp,
    }
    /// Leave that was asked for.
    leave_applications: LeaveApplication {
        id: Uuid, student: Uuid, start_date: NaiveDate, end_date: NaiveDate, reason: &'static str,
        status: &'static str, decided_by: Option<Uuid>, decided_at: Option<Timestamp>,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// The exams of a term.
    exam_sessions: ExamSession {
        id: Uuid, session: Uuid, term: &'static str, name: String, state: &'static str,
        release_at: Option<Timestamp>, is_active: bool, is_deleted: bool, published_at: Option<Timestamp>,
        locked_at: Option<Timestamp>, created_at: Timestamp, updated_at: Timestamp,
    }
    /// The exam of a class in a subject.
    exams: Exam {
        id: Uuid, exam_session: Uuid, academic_class: Uuid, subject: Uuid, teacher: Uuid,
        marks_due: Option<NaiveDate>, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A student's mark in an exam.
    marks: Mark {
        id: Uuid, exam: Uuid, student_session: Uuid, mark: Option<i64>, is_absent: bool, comment: &'static str,
        version: i64, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A band of a scale.
    academic_settings: Band {
        id: Uuid, level: Option<&'static str>, grade: &'static str, rank: i64, min_mark: i64, max_mark: i64,
        description: &'static str, comment: &'static str, created_at: Timestamp, updated_at: Timestamp,
    }
    /// A comment for averages of a band.
    comment_templates: CommentTemplate {
        id: Uuid, kind: &'static str, level: &'static str, min_mark: i64, max_mark: i64, text: String,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// The move to another year.
    session_setups: SessionSetup {
        id: Uuid, session_type: &'static str, academic_session: Uuid, exam_session: Option<Uuid>,
        previous_session: Option<Uuid>, status: &'static str, current_step: i64,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// What was decided about a student.
    student_promotions: StudentPromotion {
        id: Uuid, session_setup: Uuid, student: Uuid, source_session_class: Uuid,
        destination_session_class: Option<Uuid>, action: &'static str, boarding_status: &'static str,
        reason: &'static str, decided_by: Option<Uuid>, execution_date: Option<Timestamp>,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// The carrying out of the decisions.
    promotion_executions: PromotionExecution {
        id: Uuid, session_setup: Uuid, executed_at: Timestamp, executed_by: Option<Uuid>,
        undone_at: Option<Timestamp>, undone_by: Option<Uuid>, summary: String,
        created_at: Timestamp, updated_at: Timestamp,
    }
    /// What was done with a student.
    student_promotion_history: PromotionRecord {
        id: Uuid, execution: Uuid, student: Uuid, source_session_class: Uuid,
        destination_session_class: Option<Uuid>, action: &'static str, student_session: Option<Uuid>,
        old_enrolment: &'static str, old_boarding: &'static str, old_form: Option<Uuid>,
        new_enrolment: &'static str, new_boarding: &'static str, new_form: Option<Uuid>,
        created_at: Timestamp,
    }
    /// A notice.
    notices: Notice {
        id: Uuid, title: &'static str, body: &'static str, audience: &'static str, form: Option<Uuid>,
        academic_class: Option<Uuid>, publish_at: Timestamp, expires_at: Option<Timestamp>,
        created_at: Timestamp, updated_at: Timestamp,
    }
}

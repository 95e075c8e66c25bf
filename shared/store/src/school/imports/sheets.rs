//! What files can be imported and exported.

use homeroom_domain::records::{Field, Kind, Literal};

use super::layout::{Column, Export, Rules, Sheet, column, naming};
use crate::{
    records::Table,
    school::names::class_name,
    school::{people, structure},
};

/// Every kind of file that is imported.
pub static SHEETS: [&Sheet; 6] = [
    &STUDENTS,
    &GUARDIANS,
    &STAFF,
    &CLASSES,
    &REGISTRATIONS,
    &MARKS,
];

/// The kind of this name.
#[must_use]
pub fn sheet(name: &str) -> Option<&'static Sheet> {
    SHEETS.into_iter().find(|sheet| sheet.name == name)
}

/// Students, by their number.
pub static STUDENTS: Sheet = Sheet {
    name: "students",
    to_see: &["school.view_admission"],
    to_import: &["school.add_admission", "school.change_admission"],
    table: &people::STUDENTS,
    columns: &[
        column("student_id", "t.student_id"),
        column("first_name", "t.first_name"),
        column("middle_name", "t.middle_name"),
        column("last_name", "t.last_name"),
        column("gender", "t.gender"),
        column("dob", "t.dob"),
        column("admission_year", "t.admission_year"),
        naming(
            "form",
            "form",
            "forms r on r.name = json_extract(j.value, '$.form')",
            "(select r.name from forms r where r.id = t.form)",
        ),
        column("status", "t.status"),
        column("enrolment", "t.enrolment"),
        column("parent_name", "t.parent_name"),
        column("parent_phone", "t.parent_phone"),
        column("address", "t.address"),
    ],
    found: &[
        "students t on t.student_id = json_extract(j.value, '$.student_id') and t.erased_at is null",
    ],
    names: &[&["student_id"]],
    rules: Rules::Students,
    export: Export {
        from: "students t where t.id > ?1 and t.erased_at is null and (?3 is null and ?4 is null or exists (select 1 from student_sessions s \
               where s.student = t.id and s.session = ifnull(?3, s.session) and ifnull(s.academic_class, '') = ifnull(?4, ifnull(s.academic_class, '')))) \
               and ?5 is null",
        keys: ["t.id", "''"],
    },
};

static GUARDIAN_RECORDS: Table = Table {
    name: "guardians",
    fields: &[
        Field::required("first_name", Kind::Text { min: 1, max: 100 }, ""),
        Field::required("last_name", Kind::Text { min: 1, max: 100 }, ""),
        Field::nullable("phone_number", Kind::Phone, ""),
        Field::nullable("email", Kind::Email, ""),
        Field::or(
            "consent",
            Kind::Flags(&["sms", "whatsapp", "email"]),
            Literal::NoFlags,
            "",
        ),
    ],
    ..Table::PLAIN
};

/// Guardians, by their phone number or email, with a line for each of their students.
pub static GUARDIANS: Sheet = Sheet {
    name: "guardians",
    to_see: &["school.view_guardian", "school.view_student_guardian"],
    to_import: &[
        "school.add_guardian",
        "school.change_guardian",
        "school.add_student_guardian",
        "school.change_student_guardian",
    ],
    table: &GUARDIAN_RECORDS,
    columns: &[
        column("first_name", "t.first_name"),
        column("last_name", "t.last_name"),
        column("phone_number", "t.phone_number"),
        column("email", "t.email"),
        Column {
            field: "consent",
            ..column("consent.sms", "json_extract(t.consent, '$.sms')")
        },
        Column {
            field: "consent",
            ..column("consent.whatsapp", "json_extract(t.consent, '$.whatsapp')")
        },
        Column {
            field: "consent",
            ..column("consent.email", "json_extract(t.consent, '$.email')")
        },
        naming(
            "student_id",
            "student",
            "students r on r.student_id = json_extract(j.value, '$.student_id') and r.erased_at is null",
            "(select p.student_id from students p where p.id = l.student)",
        ),
        column("relation", "l.relation"),
        column("is_primary", "l.is_primary"),
    ],
    found: &[
        "guardians t on t.phone_number = json_extract(j.value, '$.phone_number')",
        "guardians t on t.email = json_extract(j.value, '$.email')",
    ],
    names: &[&["phone_number"], &["email"]],
    rules: Rules::Guardians,
    export: Export {
        from: "guardians t left join student_guardians l on l.guardian = t.id \
               where t.id >= ?1 and (t.id > ?1 or ifnull(l.id, '') > ?2) and (?3 is null and ?4 is null or exists (\
               select 1 from student_sessions s where s.student = l.student and s.session = ifnull(?3, s.session) \
               and ifnull(s.academic_class, '') = ifnull(?4, ifnull(s.academic_class, '')))) and ?5 is null",
        keys: ["t.id", "ifnull(l.id, '')"],
    },
};

static STAFF_RECORDS: Table = Table {
    name: "staff",
    fields: &[
        Field::required("staff_number", Kind::Text { min: 1, max: 50 }, ""),
        Field::or(
            "title",
            Kind::Text { min: 0, max: 50 },
            Literal::Text(""),
            "",
        ),
        Field::or(
            "position",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "",
        ),
        Field::or(
            "department",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "",
        ),
        Field::nullable("hired_on", Kind::Date, ""),
        Field::or("is_active", Kind::Boolean, Literal::Boolean(true), ""),
    ],
    ..Table::PLAIN
};

/// Staff, by their number.
pub static STAFF: Sheet = Sheet {
    name: "staff",
    to_see: &["school.view_staff"],
    to_import: &["school.add_staff", "school.change_staff"],
    table: &STAFF_RECORDS,
    columns: &[
        column("staff_number", "t.staff_number"),
        column("title", "t.title"),
        column("position", "t.position"),
        column("department", "t.department"),
        column("hired_on", "t.hired_on"),
        column("is_active", "t.is_active"),
    ],
    found: &["staff t on t.staff_number = json_extract(j.value, '$.staff_number')"],
    names: &[&["staff_number"]],
    rules: Rules::Staff,
    export: Export {
        from: "staff t where t.id > ?1 and ?3 is null and ?4 is null and ?5 is null",
        keys: ["t.id", "''"],
    },
};

/// Classes, by their name.
pub static CLASSES: Sheet = Sheet {
    name: "classes",
    to_see: &["school.view_class"],
    to_import: &["school.add_class", "school.change_class"],
    table: &structure::CLASSES,
    columns: &[
        column("name", "t.name"),
        naming(
            "form",
            "form",
            "forms r on r.name = json_extract(j.value, '$.form')",
            "(select r.name from forms r where r.id = t.form)",
        ),
        column("capacity", "t.capacity"),
        column("is_active", "t.is_active"),
    ],
    found: &["classes t on t.name = json_extract(j.value, '$.name')"],
    names: &[&["name"]],
    rules: Rules::None,
    export: Export {
        from: "classes t where t.id > ?1 and (?3 is null or exists (select 1 from academic_classes a \
               where a.class = t.id and a.session = ?3)) and ?4 is null and ?5 is null",
        keys: ["t.id", "''"],
    },
};

/// Students' places in a session, by session and student.
pub static REGISTRATIONS: Sheet = Sheet {
    name: "registrations",
    to_see: &["school.view_student_session"],
    to_import: &[
        "school.add_student_session",
        "school.change_student_session",
    ],
    table: &people::STUDENT_SESSIONS,
    columns: &[
        naming(
            "session",
            "session",
            "academic_sessions r on r.name = json_extract(j.value, '$.session')",
            "(select r.name from academic_sessions r where r.id = t.session)",
        ),
        naming(
            "student_id",
            "student",
            "students r on r.student_id = json_extract(j.value, '$.student_id')",
            "(select r.student_id from students r where r.id = t.student)",
        ),
        naming(
            "class",
            "academic_class",
            "academic_sessions y on y.name = json_extract(j.value, '$.session') \
             join classes c on c.name = json_extract(j.value, '$.class') \
             join academic_classes r on r.session = y.id and r.class = c.id",
            class_name!("t.academic_class"),
        ),
        column("boarding_status", "t.boarding_status"),
        column("status", "t.status"),
    ],
    found: &[
        "academic_sessions y on y.name = json_extract(j.value, '$.session') \
              join students p on p.student_id = json_extract(j.value, '$.student_id') \
              join student_sessions t on t.student = p.id and t.session = y.id",
    ],
    names: &[&["session", "student_id"]],
    rules: Rules::Registrations,
    export: Export {
        from: "student_sessions t join students p on p.id = t.student and p.erased_at is null where t.id > ?1 and t.session = ifnull(?3, t.session) \
               and ifnull(t.academic_class, '') = ifnull(?4, ifnull(t.academic_class, '')) and ?5 is null",
        keys: ["t.id", "''"],
    },
};

static MARK_RECORDS: Table = Table {
    name: "marks",
    fields: &[
        Field::required("exam", Kind::Reference("exams"), ""),
        Field::required("student_session", Kind::Reference("student_sessions"), ""),
        Field::nullable("mark", Kind::Mark, ""),
        Field::or("is_absent", Kind::Boolean, Literal::Boolean(false), ""),
        Field::or(
            "comment",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "",
        ),
        Field::shown(
            "version",
            Kind::Integer {
                min: 1,
                max: i64::MAX,
            },
            "",
        ),
        Field::shown_or_null("updated_by", Kind::Reference("users"), ""),
    ],
    ..Table::PLAIN
};

/// Marks of one exam session, by student and subject.
pub static MARKS: Sheet = Sheet {
    name: "marks",
    to_see: &["school.manage_mark"],
    to_import: &[
        "school.manage_mark",
        "school.add_mark",
        "school.change_mark",
    ],
    table: &MARK_RECORDS,
    columns: &[
        naming(
            "student_id",
            "student_session",
            "students p on p.student_id = json_extract(j.value, '$.student_id') \
             join exam_sessions e on e.id = ?2 \
             join student_sessions r on r.student = p.id and r.session = e.session and r.status = 'active'",
            "p.student_id",
        ),
        naming(
            "subject",
            "exam",
            "students p on p.student_id = json_extract(j.value, '$.student_id') \
             join exam_sessions e on e.id = ?2 \
             join student_sessions s on s.student = p.id and s.session = e.session \
             join subjects b on b.code = json_extract(j.value, '$.subject') \
             join exams r on r.exam_session = e.id and r.academic_class = s.academic_class and r.subject = b.id",
            "(select b.code from subjects b where b.id = x.subject)",
        ),
        column("mark", "m.mark"),
        column("is_absent", "ifnull(m.is_absent, 0)"),
        column("comment", "ifnull(m.comment, '')"),
    ],
    found: &[
        "students p on p.student_id = json_extract(j.value, '$.student_id') \
              join exam_sessions e on e.id = ?2 \
              join student_sessions s on s.student = p.id and s.session = e.session \
              join subjects b on b.code = json_extract(j.value, '$.subject') \
              join exams x on x.exam_session = e.id and x.academic_class = s.academic_class and x.subject = b.id \
              join marks t on t.exam = x.id and t.student_session = s.id",
    ],
    names: &[&["student_id", "subject"]],
    rules: Rules::Marks,
    export: Export {
        from: "exams x join student_sessions s on s.academic_class = x.academic_class and s.status = 'active' \
               join students p on p.id = s.student and p.erased_at is null \
               left join marks m on m.exam = x.id and m.student_session = s.id \
               where x.exam_session = ?5 and x.id >= ?1 and (x.id > ?1 or s.id > ?2) \
               and x.academic_class = ifnull(?4, x.academic_class) and ?3 is null",
        keys: ["x.id", "s.id"],
    },
};

/// Applications, which are exported and not imported.
pub static APPLICATIONS: Sheet = Sheet {
    name: "applications",
    to_see: &["school.view_application"],
    to_import: &[],
    table: &people::APPLICATIONS,
    columns: &[
        column("number", "t.number"),
        naming(
            "session",
            "session",
            "",
            "(select r.name from academic_sessions r where r.id = t.session)",
        ),
        naming(
            "form",
            "form",
            "",
            "(select r.name from forms r where r.id = t.form)",
        ),
        column("admission_year", "t.admission_year"),
        column("first_name", "t.first_name"),
        column("middle_name", "t.middle_name"),
        column("last_name", "t.last_name"),
        column("gender", "t.gender"),
        column("dob", "t.dob"),
        column("boarding_status", "t.boarding_status"),
        column("address", "t.address"),
        column("guardian_first_name", "t.guardian_first_name"),
        column("guardian_last_name", "t.guardian_last_name"),
        column("guardian_phone", "t.guardian_phone"),
        column("guardian_email", "t.guardian_email"),
        column("guardian_relation", "t.guardian_relation"),
        column("previous_school", "t.previous_school"),
        column("previous_results", "t.previous_results"),
        column("notes", "t.notes"),
        column("exam_date", "t.exam_date"),
        column("exam_mark", "t.exam_mark"),
        column("exam_remark", "t.exam_remark"),
        column("state", "t.state"),
        column("reason", "t.reason"),
        column(
            "student_id",
            "(select r.student_id from students r where r.id = t.student)",
        ),
    ],
    found: &[],
    names: &[],
    rules: Rules::None,
    export: Export {
        from: "applications t where t.id > ?1 and t.session = ifnull(?3, t.session) and ?4 is null and ?5 is null",
        keys: ["t.id", "''"],
    },
};

//! Applications: what comes before a student is admitted, and the steps that lead there.

use homeroom_domain::{
    academics::application_state::ApplicationState,
    records::{self, Field, Kind, Literal, Record},
};
use homeroom_kernel::{Id, Listing, PageRequest, Timestamp, page::FilterKind};
use serde_json::{Value as Json, json};

use super::{
    BOARDING, NAME,
    guardians::CHANNELS,
    students::{Admission, Change, STUDENTS_BY_NAME, admission_year, namesakes, taken},
};
use crate::{
    batch::{Action, Batch, Stamp, changes},
    connection::TenantDb,
    error::StoreError,
    list::{self, Page, Parent, Source},
    records::{Scope, Table, all, select, take_record},
    sql::{Value, sql},
};

/// Applications.
pub static APPLICATIONS: Table = Table {
    name: "applications",
    fields: &[
        Field::shown(
            "number",
            Kind::Text { min: 1, max: 50 },
            "The number that the platform gave, such as \"A-2027-0001\".",
        ),
        Field::required(
            "session",
            Kind::Reference("academic_sessions"),
            "The session applied for.",
        ),
        Field::required("form", Kind::Reference("forms"), "The form applied for."),
        Field::or(
            "admission_year",
            Kind::Integer {
                min: 1900,
                max: 2200,
            },
            Literal::Found,
            "The year of admission; the one in which the session begins where it is left out.",
        ),
        Field::required("first_name", NAME, "Given name."),
        Field::or(
            "middle_name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "Further given names.",
        ),
        Field::required("last_name", NAME, "Family name."),
        Field::or(
            "gender",
            Kind::Choice(&["male", "female", "other", ""]),
            Literal::Text(""),
            "Gender; empty where it is not known.",
        ),
        Field::nullable("dob", Kind::Date, "Date of birth."),
        Field::or(
            "boarding_status",
            BOARDING,
            Literal::Text("Day"),
            "Boarding or day.",
        ),
        Field::or(
            "address",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "Where the applicant lives.",
        ),
        Field::or(
            "guardian_first_name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "The parent's or guardian's given name.",
        ),
        Field::or(
            "guardian_last_name",
            Kind::Text { min: 0, max: 100 },
            Literal::Text(""),
            "The parent's or guardian's family name.",
        ),
        Field::nullable(
            "guardian_phone",
            Kind::Phone,
            "The parent's or guardian's phone number.",
        ),
        Field::nullable(
            "guardian_email",
            Kind::Email,
            "The parent's or guardian's email.",
        ),
        Field::or(
            "guardian_relation",
            Kind::Text { min: 1, max: 50 },
            Literal::Text("guardian"),
            "What the guardian is to the applicant, such as \"mother\".",
        ),
        Field::or(
            "guardian_consent",
            CHANNELS,
            Literal::NoFlags,
            "The channels that the guardian agreed to; none where it is left out.",
        ),
        Field::or(
            "previous_school",
            Kind::Text { min: 0, max: 200 },
            Literal::Text(""),
            "The school before.",
        ),
        Field::or(
            "previous_results",
            Kind::Text { min: 0, max: 2000 },
            Literal::Text(""),
            "Results of the school before, as they were given.",
        ),
        Field::or(
            "notes",
            Kind::Text { min: 0, max: 2000 },
            Literal::Text(""),
            "For the school.",
        ),
        Field::nullable(
            "exam_date",
            Kind::Date,
            "The day of the entrance examination.",
        ),
        Field::nullable(
            "exam_mark",
            Kind::Mark,
            "Its result; one that is there makes a received application an examined one.",
        ),
        Field::or(
            "exam_remark",
            Kind::Text { min: 0, max: 500 },
            Literal::Text(""),
            "A remark on the examination.",
        ),
        Field::shown(
            "state",
            Kind::Choice(&[
                "received",
                "examined",
                "waitlisted",
                "offered",
                "rejected",
                "declined",
                "withdrawn",
                "enrolled",
            ]),
            "How far it is; its steps change it.",
        ),
        Field::shown_or_null("decided_by", Kind::Reference("users"), "Who decided."),
        Field::shown_or_null("decided_at", Kind::Moment, "When."),
        Field::shown(
            "reason",
            Kind::Text { min: 0, max: 500 },
            "Why it is in this state, where it was said.",
        ),
        Field::shown_or_null(
            "student",
            Kind::Reference("students"),
            "The student that it became.",
        ),
        Field::shown_or_null(
            "student_id",
            Kind::Text { min: 1, max: 50 },
            "The school's number of that student.",
        ),
    ],
    computed: &[(
        "student_id",
        "(select p.student_id from students p where p.id = t.student)",
    )],
    // A session begins at midnight of the school's clock, up to 14 hours before that of UTC.
    defaults: &[(
        "admission_year",
        "(select cast(strftime('%Y', y.start_date / 1000 + 50400, 'unixepoch') as integer) from academic_sessions y \
          where y.id = t.session)",
    )],
    listing: Listing {
        orderings: &[
            ("number", "t.number"),
            ("last_name", "t.last_name collate nocase"),
            ("first_name", "t.first_name collate nocase"),
            ("exam_date", "t.exam_date"),
            ("exam_mark", "t.exam_mark"),
            ("created_at", "t.created_at"),
            ("updated_at", "t.updated_at"),
        ],
        default_ordering: "last_name,first_name",
        search: &[
            "t.number",
            "t.first_name",
            "t.middle_name",
            "t.last_name",
            "t.guardian_first_name || ' ' || t.guardian_last_name",
            "t.guardian_phone",
            "t.guardian_email",
        ],
        filters: &[
            ("number", FilterKind::Text, "t.number = ?"),
            ("session", FilterKind::Id, "t.session = ?"),
            ("form", FilterKind::Id, "t.form = ?"),
            ("state", FilterKind::Text, "t.state = ?"),
            ("gender", FilterKind::Text, "t.gender = ?"),
            ("boarding_status", FilterKind::Text, "t.boarding_status = ?"),
            ("exam_date", FilterKind::Date, "t.exam_date = ?"),
            ("student", FilterKind::Id, "t.student = ?"),
        ],
    },
    forgets_deleted: true,
    ..Table::PLAIN
};

/// Takes the next number of the year.
const NEXT_NUMBER: &str = "insert into application_numbers (admission_year, last_number) values (?1, 1) \
     on conflict (admission_year) do update set last_number = last_number + 1 returning last_number";

/// Applications of the session `?6` with the family name, and the date of birth or the guardian's phone number; those that became
/// students are found among these.
const APPLICANTS_BY_NAME: &str = "select number as student_id, first_name, last_name, ifnull(dob = ?4, 0) as same_dob, \
     ?5 <> '' and ifnull(guardian_phone = ?5, 0) as same_phone from applications \
     where last_name collate nocase in (?1, ?2, ?3) and (dob = ?4 or ?5 <> '' and guardian_phone = ?5) \
     and session = ?6 and student is null order by number limit 20";

/// Looks for students and applicants who may be the same person, and takes a number.
pub async fn prepare_application(
    db: &TenantDb,
    application: &Record,
) -> Result<Admission, StoreError> {
    let phone = "guardian_phone";
    let year = admission_year(application);
    let mut applicants = namesakes(APPLICANTS_BY_NAME, application, phone);
    applicants
        .params
        .push(Value::from(records::text(application, "session")));
    let statements = vec![
        namesakes(STUDENTS_BY_NAME, application, phone),
        applicants,
        sql!(NEXT_NUMBER, i64::from(year)),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let (mut alike, mut applicants) = (outcomes.rows()?, outcomes.rows()?);
    Vec::append(&mut alike, &mut applicants);
    Ok(Admission {
        number: Some(format!("A-{}", taken(year, &mut outcomes)?)),
        namesakes: alike,
    })
}

/// How far an application is; none where the record is not one.
#[must_use]
pub fn application_state(application: &Record) -> Option<ApplicationState> {
    ApplicationState::parse(records::text(application, "state"))
}

/// The applications of these ids, a JSON list, as far as they exist.
pub async fn find_applications(db: &TenantDb, ids: &Json) -> Result<Vec<Record>, StoreError> {
    let condition = "t.id in (select value from json_each(?))";
    all(db, &APPLICATIONS, condition, vec![ids.to_string().into()]).await
}

/// What is known before an application becomes a student.
#[derive(Debug)]
pub struct Enrolment {
    /// The application.
    pub application: Record,
    /// Guardians with the phone number or the email: `id`, and `user` where one signs in.
    pub guardians: Vec<Record>,
    /// Whether there is a class of the id that was asked for.
    pub has_class: bool,
}

/// Guardians with the phone number or the email of application `?1`.
const REACHED: &str = "select g.id, g.user, g.first_name, g.last_name from applications a join guardians g on g.phone_number = a.guardian_phone where a.id = ?1 \
     union select g.id, g.user, g.first_name, g.last_name from applications a join guardians g on g.email = a.guardian_email where a.id = ?1";

/// An application with the guardians who are on it already.
pub async fn find_for_enrolment(
    db: &TenantDb,
    application: Id<()>,
    class: Option<Id<()>>,
) -> Result<Enrolment, StoreError> {
    let statements = vec![
        select(&APPLICATIONS, &Scope::default(), application),
        sql!(REACHED, application),
        sql!("select id from academic_classes where id = ?1", class),
    ];
    let mut outcomes = db.connection.batch(statements).await?;
    let found = take_record(&APPLICATIONS, &mut outcomes)?;
    let guardians = outcomes.rows()?;
    let classes: Vec<Record> = outcomes.rows()?;
    Ok(Enrolment {
        application: found.ok_or(StoreError::NotFound)?,
        guardians,
        has_class: !classes.is_empty(),
    })
}

/// Refuses what was decided on an application that is no longer as it was read.
#[must_use]
pub fn hold_applications<'a>(applications: impl IntoIterator<Item = &'a Record>) -> Batch {
    let mut batch = Batch::default();
    let as_read = |record: &Record| {
        let at = records::moment(record, "updated_at").map(Timestamp::millis);
        json!([
            records::text(record, "id"),
            records::text(record, "state"),
            at
        ])
    };
    let as_read: Json = applications.into_iter().map(as_read).collect();
    batch.guard(
        "changed_meanwhile",
        "exists (select 1 from json_each(?1) j left join applications a on a.id = j.value ->> 0 \
         where (a.state, a.updated_at) is not (j.value ->> 1, j.value ->> 2))",
        vec![as_read.to_string().into()],
    );
    batch
}

/// Notes in the applications' history what states differ between the two forms of the records.
#[must_use]
pub fn note_states(stamp: &Stamp<'_>, steps: &[(&Record, &Record)]) -> Batch {
    let mut batch = Batch::default();
    let changed = |(before, after): &&(&Record, &Record)| before.get("state") != after.get("state");
    let line = |(before, after): &(&Record, &Record)| {
        json!([
            stamp.ids.next::<()>(),
            before.get("id"),
            before.get("state"),
            after.get("state"),
            after.get("reason")
        ])
    };
    let lines: Vec<Json> = steps.iter().filter(changed).map(line).collect();
    if !lines.is_empty() {
        batch.push(sql!(
            "insert into application_history (id, application, old_value, new_value, reason, actor_name, changed_at) \
             select j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, ?2, ?3 from json_each(?1) j",
            Json::from(lines).to_string(),
            &stamp.actor_name,
            stamp.now,
        ));
    }
    batch
}

/// Takes steps: each application as it is and as it will be, with its history and its audit row.
#[must_use]
pub fn take_steps(stamp: &Stamp<'_>, steps: &[(&Record, &Record)]) -> Batch {
    if steps.is_empty() {
        return Batch::default();
    }
    let mut batch = hold_applications(steps.iter().map(|(before, _)| *before));
    batch.append(note_states(stamp, steps));
    let row = |(_, after): &(&Record, &Record)| {
        let decided_at = records::moment(after, "decided_at").map(Timestamp::millis);
        json!([
            after.get("id"),
            after.get("state"),
            after.get("decided_by"),
            decided_at,
            after.get("reason"),
            after.get("student")
        ])
    };
    let rows: Json = steps.iter().map(row).collect();
    batch.push(sql!(
        "update applications set state = j.value ->> 1, decided_by = j.value ->> 2, decided_at = j.value ->> 3, \
         reason = j.value ->> 4, student = j.value ->> 5, updated_at = ?2 from json_each(?1) j \
         where applications.id = j.value ->> 0",
        rows.to_string(),
        stamp.now,
    ));
    let changed = steps.iter().map(|(before, after)| {
        let id = records::text(after, "id").to_owned();
        (Action::Update, id, changes(Some(before), Some(after)))
    });
    batch.audit_all(stamp, "applications", changed);
    batch
}

/// What an application's history can be ordered by.
pub static STATES: Listing = Listing {
    orderings: &[("changed_at", "h.changed_at")],
    default_ordering: "-changed_at",
    search: &[],
    filters: &[],
};

/// One page of an application's history.
pub async fn application_history(
    db: &TenantDb,
    application: Id<()>,
    request: &PageRequest,
) -> Result<Page<Change>, StoreError> {
    let source = Source {
        columns: "h.id, 'state' as field, h.old_value, h.new_value, h.reason, h.actor_name, h.changed_at",
        from: "application_history h",
        condition: "true",
        key: "h.id",
    };
    let parent = Parent {
        exists: "select 1 from applications where id = ?",
        condition: "h.application = ?",
        id: application,
    };
    list::fetch_within(&db.connection, &parent, &source, STATES.search, request).await
}

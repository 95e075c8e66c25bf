//! Enrolment: a student is made of an application.

use axum::response::Response;
use homeroom_domain::{
    academics::application_state::Step,
    permissions::{
        Permission,
        school::{
            AddAdmission, AddGuardian, AddStudentGuardian, AddStudentSession, DecideApplication,
        },
    },
    records::{self, Record, text},
};
use homeroom_edge::{ApiError, Ids, Post, SchoolArea};
use homeroom_kernel::{Fields, Id, Input, fields::NON_FIELD, rules, search};
use homeroom_store::{
    Batch, Stamp,
    records::{self as store, Ordered, Table},
    school::people as tables,
};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    admissions,
    applications::{refused, stepped},
    guardians, refuse_self,
};
use crate::records::{ATTEMPTS, Warned};

/// What enrolling takes besides the permission to decide.
const NEEDED: &[&str] = &[
    AddAdmission::CODENAME,
    AddGuardian::CODENAME,
    AddStudentGuardian::CODENAME,
    AddStudentSession::CODENAME,
];

/// Most characters of a parent's name in a student's record.
const PARENT_NAME: usize = 200;

/// Where the student goes.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; EnrolIn reads it"
)]
pub(crate) struct EnrolBody {
    /// The class of the session; null: registered without a class.
    academic_class: Option<uuid::Uuid>,
    /// The school's number of the student; null: the platform gives one such as "2027-0001".
    #[schema(max_length = 50)]
    student_id: Option<String>,
    /// The guardian who has the phone number or email already, where the name is another one than the application's.
    guardian: Option<uuid::Uuid>,
}

pub(crate) struct EnrolIn {
    academic_class: Option<Id<()>>,
    student_id: Option<String>,
    guardian: Option<Id<()>>,
}

impl Input for EnrolIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let academic_class = fields.nullable("academic_class", rules::id);
        let student_id = fields.nullable("student_id", rules::text(1, 50));
        let guardian = fields.nullable("guardian", rules::id);
        Some(Self {
            academic_class: academic_class?.flatten(),
            student_id: student_id?.flatten(),
            guardian: guardian?.flatten(),
        })
    }
}

type Enrol = Post<SchoolArea, DecideApplication, EnrolIn>;

/// Enrol an applicant
///
/// Makes the student, the registration in the session, and the guardian unless there is one with the phone number or email: all or
/// nothing, and once.
#[utoipa::path(post, path = "/api/v1/school/applications/{id}/enrol/", tag = "people", params(("id" = uuid::Uuid, Path)),
    request_body = EnrolBody, responses((status = 200, body = ref("#/components/schemas/ApplicationCreatedOut"))),
    security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn enrol_application(
    ids: Result<Ids, ApiError>,
    post: Enrol,
) -> Result<Response, ApiError> {
    post.require_all(NEEDED)?;
    let id = ids?.get("id")?;
    let mut attempt = 1;
    loop {
        match enrol(&post, id).await {
            Err(error) if attempt < ATTEMPTS && was_taken_meanwhile(&post.input, &error) => {
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

/// Whether another request took the number that was chosen, or made the guardian.
fn was_taken_meanwhile(input: &EnrolIn, error: &ApiError) -> bool {
    let ApiError::Fields(errors) = error else {
        return false;
    };
    errors.names().all(|name| match name {
        "student_id" => input.student_id.is_none(),
        name => name == "phone_number" || name == "email",
    })
}

async fn enrol(post: &Enrol, id: Id<()>) -> Result<Response, ApiError> {
    let class = post.input.academic_class;
    let found = tables::find_for_enrolment(&post.db, id, class).await?;
    let of = &found.application;
    let stamp = post.stamp();
    let mut after = stepped(&stamp, of, Step::Enrol, "").map_err(refused)?;
    if class.is_some() && !found.has_class {
        return Err(ApiError::field(
            "academic_class",
            "There is no such record.",
        ));
    }
    let known = match found.guardians.as_slice() {
        [] => None,
        [one] => {
            refuse_self(post, text(one, "user"))?;
            refuse_stranger(one, of, post.input.guardian)?;
            Some(text(one, "id").to_owned())
        }
        _ => {
            let message = "The phone number and the email belong to different guardians.";
            return Err(ApiError::field(NON_FIELD, message));
        }
    };
    let mut student = student_of(of, post.input.student_id.as_deref())?;
    let admission = tables::prepare_admission(&post.db, &student).await?;
    let mut warnings = admissions::warnings(&admission.namesakes, &student);
    if let Some(number) = admission.number {
        student.insert("student_id".to_owned(), number.into());
    }
    let number = student.get("student_id").cloned().unwrap_or_default();
    let mut batch = tables::hold_applications([of]);
    let student = make(&stamp, &mut batch, &tables::STUDENTS, student)?;
    let guardian = match known {
        Some(guardian) => Some(guardian),
        None => match guardian_of(of)? {
            Some(guardian) => {
                warnings.extend(guardians::warnings(&post.db, &guardian).await?);
                Some(make(&stamp, &mut batch, &tables::GUARDIANS, guardian)?)
            }
            None => None,
        },
    };
    if let Some(guardian) = guardian {
        let link = json!({"guardian": guardian, "relation": of.get("guardian_relation"), "is_primary": true});
        let mut link = read(&tables::STUDENT_GUARDIANS, link)?;
        link.insert("student".to_owned(), student.clone().into());
        make(&stamp, &mut batch, &tables::STUDENT_GUARDIANS, link)?;
    }
    let registration = json!({
        "student": student, "academic_class": class, "boarding_status": of.get("boarding_status"),
    });
    let mut registration = read(&tables::STUDENT_SESSIONS, registration)?;
    let session = of.get("session").cloned().unwrap_or_default();
    registration.insert("session".to_owned(), session);
    make(&stamp, &mut batch, &tables::STUDENT_SESSIONS, registration)?;
    after.insert("student".to_owned(), student.into());
    after.insert("student_id".to_owned(), number);
    batch.append(tables::take_steps(&stamp, &[(of, &after)]));
    let answer = Warned {
        record: Ordered(&tables::APPLICATIONS, &after),
        warnings,
    };
    post.done(batch, &answer).await
}

/// Refuses a guardian of another name than the application's, unless it is meant: one wrong digit would show a child's cards to another family.
fn refuse_stranger(
    known: &Record,
    application: &Record,
    meant: Option<Id<()>>,
) -> Result<(), ApiError> {
    let name = |record: &Record, fields: [&str; 2]| {
        let name = fields.map(|field| text(record, field)).join(" ");
        name.trim().to_owned()
    };
    let theirs = name(known, ["first_name", "last_name"]);
    let ours = name(application, ["guardian_first_name", "guardian_last_name"]);
    let id = text(known, "id");
    let is_meant = meant.is_some_and(|meant| meant.to_string() == id);
    if is_meant || ours.is_empty() || search::folded(&ours) == search::folded(&theirs) {
        return Ok(());
    }
    Err(ApiError::field(
        "guardian",
        &format!(
            "The phone number or email is that of {theirs}. Send the guardian {id} here if that is who is meant, or correct the application."
        ),
    ))
}

/// The student that an application becomes.
fn student_of(application: &Record, number: Option<&str>) -> Result<Record, ApiError> {
    let own = |name: &str| application.get(name);
    let names = ["guardian_first_name", "guardian_last_name"];
    let parent = names.map(|name| text(application, name)).join(" ");
    let parent: String = parent.trim().chars().take(PARENT_NAME).collect();
    let student = json!({
        "student_id": number.unwrap_or_default(), "first_name": own("first_name"), "middle_name": own("middle_name"),
        "last_name": own("last_name"), "gender": own("gender"), "dob": own("dob"), "admission_year": own("admission_year"),
        "form": own("form"), "status": own("boarding_status"), "parent_name": parent,
        "parent_phone": text(application, "guardian_phone"), "address": own("address"),
    });
    read(&tables::STUDENTS, student)
}

/// The guardian that an application names, if it says how to reach one.
fn guardian_of(application: &Record) -> Result<Option<Record>, ApiError> {
    let own = |name: &str| application.get(name);
    let (phone, email) = (own("guardian_phone"), own("guardian_email"));
    if [phone, email].into_iter().flatten().all(Value::is_null) {
        return Ok(None);
    }
    let guardian = json!({
        "first_name": own("guardian_first_name"), "last_name": own("guardian_last_name"),
        "phone_number": phone, "email": email, "consent": own("guardian_consent"),
    });
    read(&tables::GUARDIANS, guardian).map(Some)
}

/// Reads a body as the resource of the table does.
fn read(table: &Table, body: Value) -> Result<Record, ApiError> {
    let Value::Object(body) = body else {
        return Err(ApiError::Internal("a body that is no object".into()));
    };
    Ok(records::read(table.fields, body, false)?)
}

/// Adds a new record to the batch: its id.
fn make(
    stamp: &Stamp<'_>,
    batch: &mut Batch,
    table: &'static Table,
    fields: Record,
) -> Result<String, ApiError> {
    let record = store::new_record(stamp, fields);
    batch.append(store::insert(stamp, table, &record)?);
    Ok(text(&record, "id").to_owned())
}

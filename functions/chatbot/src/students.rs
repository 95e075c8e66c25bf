//! Students of a phone number.

use homeroom_domain::{identity, permissions::chatbot::ViewStudent};
use homeroom_edge::{ApiError, Json, Query, SchoolCan};
use homeroom_kernel::{Fields, Input};
use homeroom_store::school::chatbot::{PhoneStudent, students_of_phone};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// A phone number as chat platforms give it: international, with or without its plus, which in an address reads as a space; a
/// number that begins with a zero is looked for as it is.
pub(crate) fn phone(value: &Value) -> Result<String, String> {
    let number = identity::phone_number(value)?;
    let is_whole = number.starts_with(['+', '0']);
    Ok(if is_whole {
        number
    } else {
        format!("+{number}")
    })
}

/// Whose students.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; PhoneQuery reads them"
)]
pub(crate) struct PhoneParameter {
    /// The phone number, international: `+263771234567`, with or without the plus.
    #[param(max_length = 40)]
    phone: String,
}

pub(crate) struct PhoneQuery(String);

impl Input for PhoneQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        fields.required("phone", phone).map(Self)
    }
}

/// A student of a phone number.
#[derive(Serialize, ToSchema)]
pub(crate) struct PhoneStudentOut {
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The school's number of the student.
    #[schema(example = "2026-0001")]
    student_id: String,
    /// The student's name, family name last.
    name: String,
    /// What became of the student.
    #[schema(example = "active")]
    enrolment: String,
    /// What the number's owner is to the student; null: it is the student's own.
    #[schema(example = "mother")]
    relation: Option<String>,
    /// Whether the guardian agreed to messages by WhatsApp; null: it is the student's own number. Who writes first may be answered
    /// all the same: this is about messages that the school begins.
    whatsapp_consent: Option<bool>,
}

impl From<PhoneStudent> for PhoneStudentOut {
    fn from(student: PhoneStudent) -> Self {
        Self {
            id: student.id,
            student_id: student.student_id,
            name: student.name,
            enrolment: student.enrolment,
            relation: student.relation,
            whatsapp_consent: student.whatsapp.map(|agreed| agreed != 0),
        }
    }
}

/// The students of a phone number.
#[derive(Serialize, ToSchema)]
pub(crate) struct PhoneStudentsOut {
    /// How many there are.
    count: usize,
    /// Always null: the list has one page.
    next: Option<String>,
    /// Always null.
    previous: Option<String>,
    /// The students.
    results: Vec<PhoneStudentOut>,
}

/// The students of a phone number
///
/// Those of the guardian of this number, and who signs in with it as a student. A number that nobody has, or somebody of another
/// school, has none.
#[utoipa::path(get, path = "/api/v1/chatbot/students/", tag = "chatbot", params(PhoneParameter),
    responses((status = 200, body = PhoneStudentsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_students_by_phone(
    caller: SchoolCan<ViewStudent>,
    query: Query,
) -> Result<Json<PhoneStudentsOut>, ApiError> {
    let PhoneQuery(phone) = query.read()?;
    let found = students_of_phone(&caller.db, &phone).await?;
    let results: Vec<_> = found.into_iter().map(PhoneStudentOut::from).collect();
    Ok(Json(PhoneStudentsOut {
        count: results.len(),
        next: None,
        previous: None,
        results,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_is_found_with_and_without_its_plus() {
        for text in [
            "+263 77 123 4567",
            "263771234567",
            " 263771234567",
            "00263771234567",
        ] {
            assert_eq!(
                phone(&json!(text)),
                Ok("+263771234567".to_owned()),
                "{text}"
            );
        }
        assert_eq!(phone(&json!("0771234567")), Ok("0771234567".to_owned()));
        assert!(phone(&json!("Ada")).is_err());
    }
}

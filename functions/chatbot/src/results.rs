//! Published results, opened by a student's PIN.

use futures_util::future::join_all;
use homeroom_domain::{
    credentials::{Plane, student_pin::StudentPin},
    permissions::chatbot::ViewResult,
};
use homeroom_edge::{
    ApiError, App, Caller, Json, Query, SchoolArea, SchoolCan, report_card::ReportCardOut,
};
use homeroom_kernel::{Fields, Id, Input, rules};
use homeroom_store::{
    IdentityDb,
    school::chatbot::{self, PinnedStudent, Whose},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::{
    students::phone,
    tries::{self, Count},
};

/// Whose results, and what opens them.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the parameters for the document; ResultsQuery reads them"
)]
pub(crate) struct ResultsParameters {
    /// The school's number of the student; or `phone`, or both.
    #[param(max_length = 100, example = "2026-0001")]
    student_id: Option<String>,
    /// The phone number of a guardian or of the student.
    #[param(max_length = 40)]
    phone: Option<String>,
    /// The student's PIN.
    #[param(pattern = "^[0-9]{6}$", example = "000000")]
    pin: String,
    /// The exam session; that of the newest session and term where it is not named.
    exam_session: Option<uuid::Uuid>,
    /// The newest of this term: `1`, `2` or `3`.
    #[param(pattern = "^[123]$")]
    term: Option<String>,
}

struct ResultsQuery {
    student_id: Option<String>,
    phone: Option<String>,
    pin: StudentPin,
    exam_session: Option<Id<()>>,
    term: Option<String>,
}

fn pin(value: &Value) -> Result<StudentPin, String> {
    let found = value.as_str().and_then(StudentPin::parse);
    found.ok_or_else(|| "A PIN has six digits.".into())
}

fn term(value: &Value) -> Result<String, String> {
    match value.as_str() {
        Some(term @ ("1" | "2" | "3")) => Ok(term.to_owned()),
        _ => Err("Choose one of: \"1\", \"2\", \"3\".".into()),
    }
}

impl Input for ResultsQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let student_id = fields.optional("student_id", rules::text(1, 100));
        let phone = fields.optional("phone", phone);
        let pin = fields.required("pin", pin);
        let exam_session = fields.optional("exam_session", rules::id);
        let term = fields.optional("term", term);
        if let (Some(None), Some(None)) = (&student_id, &phone) {
            fields.fail("student_id", "Name the student's number or a phone number.");
        }
        Some(Self {
            student_id: student_id?,
            phone: phone?,
            pin: pin?,
            exam_session: exam_session?,
            term: term?,
        })
    }
}

impl ResultsQuery {
    fn whose(&self) -> Whose<'_> {
        match (&self.student_id, &self.phone) {
            (Some(number), Some(phone)) => Whose::Both(number, phone),
            (Some(number), None) => Whose::Number(number),
            (None, phone) => Whose::Phone(phone.as_deref().unwrap_or_default()),
        }
    }
}

/// A student to choose from.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChildOut {
    /// The student.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The school's number of the student.
    #[schema(example = "2026-0001")]
    student_id: String,
    /// The student's name, family name last.
    name: String,
}

impl From<&PinnedStudent> for ChildOut {
    fn from(student: &PinnedStudent) -> Self {
        Self {
            id: student.id.clone(),
            student_id: student.student_id.clone(),
            name: student.name.clone(),
        }
    }
}

/// A student's results.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResultsOut {
    /// Whose PIN it is; null: of several students of the phone number, so that one of `students` is to be named.
    student: Option<ChildOut>,
    /// The students of the phone number, each with results under the own PIN; without a phone number the student alone.
    students: Vec<ChildOut>,
    /// The exam session.
    #[schema(value_type = Option<uuid::Uuid>)]
    exam_session: Option<String>,
    /// Its name.
    exam_session_name: Option<String>,
    /// Whether the school withholds the card; then there is no more to be told.
    is_withheld: bool,
    /// The card as it was published.
    card: Option<ReportCardOut>,
}

/// Published results by PIN
///
/// The newest released card of the student, as it was published, or that of an exam session or term. A student who is unknown, has
/// no PIN or another one, or is not of the phone number: 403 `wrong_pin`, all alike. Five of these in a quarter of an hour for one
/// student or one phone number, or fifty for one caller, and the next is a 429. Results that are not published or not released
/// are a 404.
#[utoipa::path(get, path = "/api/v1/chatbot/results/", tag = "chatbot", params(ResultsParameters),
    responses((status = 200, body = ResultsOut)), security(("bearer" = []), ("api_key" = [])))]
pub(crate) async fn find_results(
    caller: SchoolCan<ViewResult>,
    query: Query,
) -> Result<Json<ResultsOut>, ApiError> {
    let asked: ResultsQuery = query.read()?;
    let desk = Desk::new(&caller);
    let counts = desk.count_request(&asked).await?;
    let (now, term) = (caller.context.now, asked.term.as_deref());
    let found = chatbot::results(&caller.db, asked.whose(), now, asked.exam_session, term).await;
    let (students, cards) = match found {
        Ok(found) => found,
        Err(error) => {
            tries::give_back(desk.app, &counts).await;
            return Err(error.into());
        }
    };
    if students.len() > chatbot::MOST_CHILDREN {
        tries::give_back(desk.app, &counts).await;
        let message = "This phone number has more than 50 students: name the student's number too.";
        return Err(ApiError::field("student_id", message));
    }
    let opened = desk.open(&asked, &students, counts).await?;

    let all = students.iter().map(ChildOut::from).collect();
    let [student] = opened.as_slice() else {
        return Ok(Json(ResultsOut {
            student: None,
            students: all,
            exam_session: None,
            exam_session_name: None,
            is_withheld: false,
            card: None,
        }));
    };
    let card = cards.into_iter().find(|card| card.student == student.id);
    let card = card.ok_or(ApiError::NotFound)?;
    Ok(Json(ResultsOut {
        student: Some(ChildOut::from(*student)),
        students: all,
        exam_session: Some(card.exam_session),
        exam_session_name: Some(card.exam_session_name),
        is_withheld: card.card.is_none(),
        card: card.card.map(ReportCardOut::own).transpose()?,
    }))
}

/// Where PINs are compared, and counted.
struct Desk<'a> {
    app: &'a App,
    plane: Plane,
    school: String,
    caller: &'a str,
}

impl<'a> Desk<'a> {
    fn new(caller: &'a Caller<SchoolArea>) -> Self {
        let plane = caller.db.plane();
        Self {
            app: &caller.app,
            plane,
            school: plane.audience(),
            caller: &caller.actor.id,
        }
    }

    fn count(&self, what: &str, subject: &str, most: u32) -> Count {
        Count::new(self.app, &self.school, what, subject, most)
    }

    fn of_caller(&self) -> Count {
        self.count("caller", self.caller, tries::OF_CALLER)
    }

    /// Counts a try of the phone number and the student that are named, where the caller has any left.
    async fn count_request(&self, asked: &ResultsQuery) -> Result<Vec<Count>, ApiError> {
        let mut counts = Vec::new();
        let named = [("phone", &asked.phone), ("student", &asked.student_id)];
        for (what, subject) in named {
            counts.extend(
                subject
                    .iter()
                    .map(|subject| self.count(what, subject, tries::OF_ONE)),
            );
        }
        match tries::begin(self.app, Some(&self.of_caller()), &counts).await? {
            Some(retry_after) => Err(ApiError::TooManyAttempts { retry_after }),
            None => Ok(counts),
        }
    }

    /// The students whose PIN it is. Then nothing of the try counts.
    async fn open<'s>(
        &self,
        asked: &ResultsQuery,
        students: &'s [PinnedStudent],
        mut counts: Vec<Count>,
    ) -> Result<Vec<&'s PinnedStudent>, ApiError> {
        let mut locked = None;
        let mut compared = Vec::new();
        if asked.student_id.is_some() {
            compared.extend(students);
        } else {
            let each = self.count_each(asked, students);
            let begun = join_all(each.chunks(1).map(|own| tries::begin(self.app, None, own))).await;
            let mut begun = begun.into_iter();
            for (n, own) in each.into_iter().enumerate() {
                match begun.next().transpose()?.flatten() {
                    Some(retry_after) => locked = locked.max(Some(retry_after)),
                    None => {
                        counts.push(own);
                        compared.extend(students.get(n));
                    }
                }
            }
        }
        let keys = &self.app.settings.keys;
        compared.retain(|student| {
            let stored = student.pin.as_deref();
            asked.pin.matches(keys, self.plane, &student.id, stored)
        });
        if compared.is_empty() {
            if let (Some(number), Some(phone)) = (&asked.student_id, &asked.phone) {
                // Who is not of the phone number was not tried: a stranger's phone must not stop the family. Else it takes as long.
                let (what, subject) = match students {
                    [] => ("student", number),
                    _ => ("nobody", phone),
                };
                let untried = self.count(what, subject, tries::OF_ONE);
                tries::give_back(self.app, [&untried]).await;
            }
            tries::fail(self.app, &self.of_caller()).await?;
            return Err(match locked {
                Some(retry_after) => ApiError::TooManyAttempts { retry_after },
                None => wrong_pin(),
            });
        }
        tries::give_back(self.app, &counts).await;
        Ok(compared)
    }

    /// The students of a phone number have counts of their own. A number of nobody is counted once more, so that it takes as long.
    fn count_each(&self, asked: &ResultsQuery, students: &[PinnedStudent]) -> Vec<Count> {
        if students.is_empty() {
            let phone = asked.phone.as_deref().unwrap_or_default();
            return vec![self.count("nobody", phone, tries::OF_ONE)];
        }
        let own = students.iter().map(|student| &student.student_id);
        own.map(|number| self.count("student", number, tries::OF_ONE))
            .collect()
    }
}

fn wrong_pin() -> ApiError {
    ApiError::Forbidden {
        code: "wrong_pin",
        detail: "There is no such student with this PIN. Ask the school's office for a new one."
            .into(),
    }
}

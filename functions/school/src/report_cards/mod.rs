//! Report cards: worked out, shown in several forms, published, withheld.

pub(crate) mod broadsheet;
mod build;
pub(crate) mod cards;
pub(crate) mod decisions;
mod format;
pub(crate) mod honour_roll;
mod html;
pub(crate) mod list;
pub(crate) mod own;
mod papers;
pub(crate) mod publication;
mod sheet;
pub(crate) mod status;
pub(crate) mod transcript;

use homeroom_domain::permissions::{
    Permission,
    school::{ManageMark, PublishReportCard, WithholdReportCard},
};
use homeroom_edge::{ApiError, Caller, Ids, SchoolArea, report_card as card};
use homeroom_objects::documents::Letterhead;
use homeroom_store::school::report_cards::{ClassRow, Depth, Loaded, Reader, Which, load};

use crate::days::today;

/// Whether the caller sees the cards of every class: who publishes, withholds or corrects, and programs. Others see the
/// classes that they lead: a card shows every subject, and who teaches one has its mark sheet.
pub(crate) fn sees_all(caller: &Caller<SchoolArea>) -> bool {
    let permissions = &caller.actor.permissions;
    caller.actor.user.is_none()
        || [
            PublishReportCard::CODENAME,
            WithholdReportCard::CODENAME,
            ManageMark::CODENAME,
        ]
        .iter()
        .any(|codename| permissions.allows(codename))
}

/// Whether the caller may see a class's cards.
fn sees(caller: &Caller<SchoolArea>, class: &ClassRow) -> bool {
    class.is_led != 0 || sees_all(caller)
}

/// What the address is about.
async fn sources(
    caller: &Caller<SchoolArea>,
    ids: &Ids,
    exam_session: &str,
    which: &Which,
    version: Option<u32>,
    depth: Depth,
) -> Result<Loaded, ApiError> {
    let reader = Reader {
        user: caller.actor.user,
        today: today(caller)?.to_string(),
        version,
        depth,
    };
    let session = ids.get("session")?;
    let exam_session = ids.get(exam_session)?;
    Ok(load(&caller.db, session, exam_session, which, reader).await?)
}

fn which(academic_class: Option<&String>) -> Which {
    academic_class.map_or(Which::All, |class| Which::Classes(vec![class.clone()]))
}

/// The class of this id, where the caller may see it.
fn class_of<'a>(
    caller: &Caller<SchoolArea>,
    loaded: &'a Loaded,
    id: &str,
) -> Result<&'a ClassRow, ApiError> {
    loaded
        .class(id)
        .filter(|class| sees(caller, class))
        .ok_or_else(|| ApiError::field("academic_class", "There is no such record."))
}

/// What stands at the head of a school's papers.
fn letterhead(school_name: &str, logo: Option<String>) -> Letterhead {
    Letterhead {
        name: school_name.to_owned(),
        logo,
        ..Letterhead::default()
    }
}

/// The school's name, as cards show it.
fn school_name(caller: &Caller<SchoolArea>) -> &str {
    &caller.db.school().school().name
}

/// A number, or a dash where there is none.
fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

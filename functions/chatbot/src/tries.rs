//! How often a PIN may be wrong: counted before any is compared, and given back where it was right. The count of a caller is looked at
//! before and counted in after: the counts of the student and the phone number are what parallel tries cannot outrun.

use futures_util::future::join_all;
use homeroom_edge::{ApiError, App};
use homeroom_objects::tries::{TriesReply, TriesRequest, object_name};

/// Wrong PINs of one student, and of one phone number, in a quarter of an hour.
pub(crate) const OF_ONE: u32 = 5;
/// Those of one caller, who asks for many families: enough for all who mistype on the day of the results, and too few to find
/// any PIN by trying one on everybody.
pub(crate) const OF_CALLER: u32 = 50;

/// One count that a try is part of.
pub(crate) struct Count {
    name: String,
    most: u32,
}

impl Count {
    /// The count of a subject of a school: `what` keeps kinds apart.
    pub(crate) fn new(app: &App, school: &str, what: &str, subject: &str, most: u32) -> Self {
        let subject = format!("pin/{school}/{what}/{subject}");
        let mac = app.settings.keys.identifier_hash(&subject);
        Self {
            name: object_name(school, &mac),
            most,
        }
    }
}

/// Counts a try in each, where the caller's count is not full; gives the longest wait of those that are. What others had counted is
/// given back then. The caller's counts a try that failed only: many families ask at once.
pub(crate) async fn begin(
    app: &App,
    caller: Option<&Count>,
    counts: &[Count],
) -> Result<Option<u32>, ApiError> {
    let look = caller.map(|count| (count, TriesRequest::Look { most: count.most }));
    let begin = counts
        .iter()
        .map(|count| (count, TriesRequest::Begin { most: count.most }));
    let asked: Vec<(&Count, TriesRequest)> = look.into_iter().chain(begin).collect();
    let replied = asked
        .iter()
        .map(|(count, request)| app.ports.tries.ask(&count.name, *request));
    let mut replies = Vec::with_capacity(asked.len());
    for reply in join_all(replied).await {
        replies.push(reply?);
    }
    let wait = |reply: &TriesReply| match reply {
        TriesReply::Refused { retry_after } => Some(*retry_after),
        TriesReply::Allowed | TriesReply::GivenBack => None,
    };
    let longest = replies.iter().filter_map(wait).max();
    if longest.is_some() {
        let counted = asked.iter().zip(&replies).filter(|((_, request), reply)| {
            matches!(request, TriesRequest::Begin { .. }) && **reply == TriesReply::Allowed
        });
        give_back(app, counted.map(|((count, _), _)| *count)).await;
    }
    Ok(longest)
}

/// The try was a failure, of which the caller's count did not know yet.
pub(crate) async fn fail(app: &App, caller: &Count) -> Result<(), ApiError> {
    let request = TriesRequest::Begin { most: caller.most };
    // Full by now: then it is counted already.
    app.ports.tries.ask(&caller.name, request).await?;
    Ok(())
}

/// The try was no failure.
pub(crate) async fn give_back<'a>(app: &App, counts: impl IntoIterator<Item = &'a Count>) {
    let asked = counts
        .into_iter()
        .map(|count| app.ports.tries.ask(&count.name, TriesRequest::GiveBack));
    // What cannot be given back is forgotten by itself.
    drop(join_all(asked).await);
}

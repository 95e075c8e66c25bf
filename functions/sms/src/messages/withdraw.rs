//! Asking the bridge for messages back.

use futures_util::future::join_all;
use homeroom_domain::SmsMessageId;
use homeroom_edge::App;
use homeroom_sms_contract::submit::{Cancellation, Cancelled};
use homeroom_store::sms::stops::AtBridge;

/// Requests to the bridge at once, as many as a Worker has connections.
const TOGETHER: usize = 6;

/// What the bridge said.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Those that it withdrew: no part of them leaves any more.
    pub(crate) withdrawn: Vec<SmsMessageId>,
    /// How many have left.
    pub(crate) left: u32,
    /// Those that it does not know.
    unknown: Vec<SmsMessageId>,
    /// Whether it did not answer, and was not asked about the others then.
    pub(crate) is_away: bool,
}

impl Asked {
    /// How many of these messages may leave yet: those that it was not asked about, did not answer about, or that are on their way to it.
    pub(crate) fn remaining(&self, of: &AtBridge) -> usize {
        let is_gone = |id: &SmsMessageId| {
            let known = of.messages.iter().find(|one| one.id == *id);
            known.is_some_and(|one| !one.is_on_its_way)
        };
        let gone = self.unknown.iter().filter(|id| is_gone(id)).count();
        of.total
            .saturating_sub(self.withdrawn.len() + self.left as usize + gone)
    }
}

/// Asks for messages of apps back.
pub(crate) async fn ask(
    app: &App,
    messages: impl IntoIterator<Item = (i64, SmsMessageId)>,
) -> Asked {
    let mut asked = Asked::default();
    let messages: Vec<_> = messages.into_iter().collect();
    for some in messages.chunks(TOGETHER) {
        let cancellations: Vec<Cancellation> = some
            .iter()
            .map(|(app_id, id)| Cancellation {
                message_id: id.to_string(),
                app_id: *app_id,
            })
            .collect();
        let answers = cancellations.iter().map(|one| app.ports.bridge.cancel(one));
        for ((_, id), outcome) in some.iter().zip(join_all(answers).await) {
            match outcome {
                Ok(Cancelled::Cancelled) => asked.withdrawn.push(*id),
                Ok(Cancelled::TooLate) => asked.left += 1,
                Ok(Cancelled::Unknown) => asked.unknown.push(*id),
                Err(_) => asked.is_away = true,
            }
        }
        if asked.is_away {
            break;
        }
    }
    asked
}

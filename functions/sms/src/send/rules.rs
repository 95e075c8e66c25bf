//! What stands between a message that is right and one that is sent.

use homeroom_domain::sms::policy::Wish;
pub(crate) use homeroom_edge::sms_rules::{Rules, Taken, opted_out_of_all, refused};

use super::draft::Draft;

impl From<&Draft> for Wish {
    fn from(draft: &Draft) -> Self {
        Self {
            priority: draft.envelope.priority,
            send_at: draft.envelope.send_at,
            valid_until: draft.envelope.valid_until(),
        }
    }
}

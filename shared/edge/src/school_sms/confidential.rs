//! A text for the owner of one phone, who asks for it now.

use homeroom_domain::{SmsMessageId, credentials, sms::number::Address};
use homeroom_kernel::Timestamp;
use homeroom_store::sms::messages::{Callback, NewMessage, Numbering};

use super::Sender;

/// Sent during quiet hours too.
const URGENT: u8 = 3;

impl Sender {
    /// The first of these texts that its link takes, to be shown to nobody and forgotten once it left. Neither quiet hours nor caps are asked:
    /// somebody waits for it.
    #[must_use]
    pub fn confidential(
        &self,
        id: SmsMessageId,
        to: &Address,
        texts: [String; 2],
        valid_until: Timestamp,
    ) -> NewMessage {
        let [text, shorter] = texts;
        let fits = |text: &str| self.cuts.count(text, true).on_air <= self.cuts.max_segments();
        let text = if fits(&text) { text } else { shorter };
        NewMessage {
            id,
            app_id: self.sms_app.id,
            transaction_id: id.to_string(),
            // Of a text with a code in it a hash would tell the code.
            content_hash: credentials::digest(&id.to_string()),
            batch_id: None,
            task_id: None,
            esme: self.esme,
            source: self.source.clone(),
            destination: to.as_str().to_owned(),
            length: self.cuts.count(&text, true),
            text,
            confidential: true,
            numbering: Numbering::default(),
            transliterate: true,
            priority: URGENT,
            send_at: None,
            valid_until: Some(valid_until),
            created_by: None,
            callback: Callback::default(),
        }
    }
}

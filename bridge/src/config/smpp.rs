//! What the file says of a link, as the link wants to hear it.

use homeroom_domain::sms::{cut::Cut, text};

use super::links::{Alphabet, Bind, Header, IdForm, IdFrom, Link, burst_of};
use crate::smpp::config::{LinkConfig, Timers};
use crate::smpp::pdu::BindMode;
use crate::smpp::provider_id::{self, IdRules};
use crate::smpp::receipt::IdSource;
use crate::smpp::status::Exceptions;
use crate::tls::Tls;

impl Link {
    /// The settings of this link, which has this number, where a message may have so many parts.
    #[must_use]
    pub fn settings(&self, number: i64, max_segments: usize) -> LinkConfig {
        let password = self.password.as_ref().map_or("", |one| one.expose());
        let mut settings =
            LinkConfig::new(number, &self.host, self.port, &self.system_id, password);
        settings.provider = self.group(number);
        settings.system_type.clone_from(&self.system_type);
        settings.bind = match self.bind {
            Bind::Transceiver => BindMode::Transceiver,
            Bind::Transmitter => BindMode::Transmitter,
            Bind::Receiver => BindMode::Receiver,
        };
        settings.tls = self.tls.as_ref().map(|tls| Tls {
            ca: tls.ca.clone(),
            client: tls.client_cert.clone().zip(tls.client_key.clone()),
            server_name: tls.server_name.clone(),
        });
        settings.disabled = self.disabled;
        settings.window = self.window;
        settings.rate = self.rate;
        settings.burst = burst_of(self.burst, self.rate);
        settings.timers = Timers {
            response: self.response_timeout,
            enquire_link: self.enquire_link,
            inactivity: self.inactivity,
            ..Timers::default()
        };
        settings.ids = IdRules {
            response: form(self.id_form.response),
            receipt: form(self.id_form.receipt),
        };
        settings.id_source = match self.id_form.from {
            IdFrom::Parameter => IdSource::Parameter,
            IdFrom::Text => IdSource::Text,
        };
        settings.cut = self.cut(max_segments);
        settings.parameters = settings.cut.header.needs_parameters();
        settings.exceptions = Exceptions {
            permanent: self.permanent_errors.clone(),
            ..Exceptions::default()
        };
        settings
    }

    /// The group of links that share this one's ids.
    #[must_use]
    pub fn group(&self, number: i64) -> String {
        self.provider.clone().unwrap_or_else(|| number.to_string())
    }

    /// How texts for this link are cut, where a message may have so many parts.
    #[must_use]
    pub fn cut(&self, max_segments: usize) -> Cut {
        Cut {
            alphabet: match self.alphabet {
                Alphabet::Gsm7 => text::Alphabet::Gsm7,
                Alphabet::Latin1 => text::Alphabet::Latin1,
                Alphabet::Ascii => text::Alphabet::Ascii,
            },
            header: match self.header {
                Header::Udh8 => text::Header::Udh8,
                Header::Udh16 => text::Header::Udh16,
                Header::Sar => text::Header::Sar,
                Header::Payload => text::Header::Payload,
            },
            max_segments,
        }
    }
}

fn form(form: IdForm) -> provider_id::IdForm {
    match form {
        IdForm::Exact => provider_id::IdForm::Exact,
        IdForm::CaseFold => provider_id::IdForm::CaseFold,
        IdForm::StripZeros => provider_id::IdForm::StripZeros,
        IdForm::Hex => provider_id::IdForm::Hex,
        IdForm::Decimal => provider_id::IdForm::Decimal,
    }
}

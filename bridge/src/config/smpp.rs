//! What the file says of a link, as the link wants to hear it.

use homeroom_domain::sms::cut::Cut;

use super::links::{Link, burst_of};
use crate::smpp::config::{LinkConfig, Timers};
use crate::smpp::provider_id::IdRules;
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
        settings.bind = self.bind;
        settings.country.clone_from(&self.country);
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
            response: self.id_form.response,
            receipt: self.id_form.receipt,
        };
        settings.id_source = self.id_form.from;
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
            alphabet: self.alphabet,
            header: self.header,
            max_segments,
        }
    }
}

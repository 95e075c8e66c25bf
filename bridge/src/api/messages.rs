//! Sending, asking and counting, the same for REST and gRPC.

use std::collections::BTreeMap;

use homeroom_domain::sms::status::{MessageStatus, PartStatus};
use homeroom_domain::sms::text::TextLength;
use homeroom_sms_contract::submit::{LinkStatus, Outcome, Submission};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Api;
use super::auth::Account;
use super::errors::ApiError;
use crate::store::MessageView;

/// Most characters of an id that a sender chooses.
const MAX_ID: usize = 64;

/// A message as an app asks for it. Both names of the addresses are offered: the source has one over REST, its origin the other over gRPC.
#[derive(Clone, Default, Deserialize)]
pub struct Wanted {
    pub(super) esme: i64,
    #[serde(alias = "saddr")]
    pub(super) source: String,
    #[serde(alias = "daddr")]
    pub(super) destination: String,
    pub(super) message: String,
    #[serde(default)]
    pub(super) transaction_id: Option<String>,
    #[serde(default)]
    pub(super) task_id: Option<i64>,
    #[serde(default)]
    pub(super) app_id: Option<i64>,
    #[serde(default)]
    pub(super) ston: Option<u8>,
    #[serde(default)]
    pub(super) snpi: Option<u8>,
    #[serde(default)]
    pub(super) dton: Option<u8>,
    #[serde(default)]
    pub(super) dnpi: Option<u8>,
    /// Unix seconds; 0: now.
    #[serde(default)]
    pub(super) sent_at: Option<i64>,
    #[serde(default)]
    pub(super) priority: u8,
    #[serde(default)]
    pub(super) transliterate: bool,
}

/// The answer to a message that was stored.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Sent {
    pub(super) success: bool,
    pub(super) error: String,
    pub(super) esme: i64,
    pub(super) transaction_id: String,
    pub(super) message_id: String,
    pub(super) status: &'static str,
    pub(super) sms_ids: Vec<String>,
    pub(super) task_id: i64,
}

/// What a link or pool is doing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Esme {
    pub(super) persist: bool,
    pub(super) system_id: String,
    pub(super) error: String,
}

/// What is known of a message. Times are unix seconds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Info {
    pub(super) message_id: String,
    pub(super) mode: &'static str,
    pub(super) parts: BTreeMap<u16, &'static str>,
    pub(super) delivered_count: u32,
    pub(super) sent_at: i64,
    pub(super) updated_at: i64,
    pub(super) transaction_id: String,
    pub(super) task_id: i64,
    pub(super) status: &'static str,
    pub(super) error: String,
}

impl Wanted {
    /// The same as the platform would ask for it, with an id of our own.
    pub fn submission(self, app_id: i64, tenant: Option<String>) -> Result<Submission, ApiError> {
        if self.app_id.is_some_and(|app| app != 0 && app != app_id) {
            return Err(ApiError::unauthorized("unknown app_id"));
        }
        let transaction_id = self
            .transaction_id
            .filter(|id| !id.is_empty())
            .unwrap_or_else(|| Uuid::now_v7().to_string());
        if transaction_id.len() > MAX_ID || transaction_id.contains(char::is_control) {
            return Err(ApiError::bad(
                "transaction_id must have at most 64 characters",
            ));
        }
        let send_at = match self.sent_at.filter(|seconds| *seconds != 0) {
            Some(seconds) if seconds < 0 => {
                return Err(ApiError::bad("sent_at must be unix seconds"));
            }
            Some(seconds) => Some(seconds.saturating_mul(1_000)),
            None => None,
        };
        Ok(Submission {
            message_id: Uuid::now_v7().to_string(),
            app_id,
            tenant,
            transaction_id,
            task_id: self.task_id.filter(|task| *task != 0),
            esme: self.esme,
            source: self.source,
            destination: self.destination,
            text: self.message,
            ston: self.ston,
            snpi: self.snpi,
            dton: self.dton,
            dnpi: self.dnpi,
            priority: self.priority.min(3),
            send_at,
            valid_until: None,
            transliterate: self.transliterate,
        })
    }
}

/// Stores messages: one answer each, in their order. The outer error is of all of them.
pub(super) async fn send(
    api: &Api,
    account: &Account,
    wanted: Vec<Wanted>,
) -> Result<Vec<Result<Sent, ApiError>>, ApiError> {
    let mut answers = Vec::with_capacity(wanted.len());
    let mut messages = Vec::with_capacity(wanted.len());
    for one in wanted {
        match one.submission(account.app_id, account.tenant.clone()) {
            Ok(message) => {
                let task_id = message.task_id.unwrap_or_default();
                answers.push(Ok((message.esme, message.transaction_id.clone(), task_id)));
                messages.push(message);
            }
            Err(error) => answers.push(Err(error)),
        }
    }
    let outcomes = if messages.is_empty() {
        Vec::new()
    } else {
        api.gateway.submit(&account.caller(), messages).await?
    };
    let mut outcomes = outcomes.into_iter();
    let answer = |asked: Result<(i64, String, i64), ApiError>| {
        let (esme, transaction_id, task_id) = asked?;
        match outcomes.next() {
            Some(Outcome::Accepted {
                message_id,
                sms_ids,
            }) => Ok(Sent {
                success: true,
                error: String::new(),
                esme,
                transaction_id,
                message_id,
                status: "submitted",
                sms_ids,
                task_id,
            }),
            Some(Outcome::Refused { code, error, .. }) => Err(refusal(&code, error)),
            Some(Outcome::Later { retry_after, .. }) => Err(ApiError::too_many(
                "too many messages are waiting",
                retry_after,
            )),
            None => Err(ApiError::internal()),
        }
    };
    Ok(answers.into_iter().map(answer).collect())
}

fn refusal(code: &str, error: String) -> ApiError {
    let status = match code {
        "ip_not_allowed" => StatusCode::FORBIDDEN,
        "conflict" | "link_disabled" => StatusCode::CONFLICT,
        _ => StatusCode::BAD_REQUEST,
    };
    ApiError::new(status, error)
}

/// What the link or pool is doing.
pub(super) fn check_esme(api: &Api, esme: i64) -> Result<Esme, ApiError> {
    let links = api.gateway.links();
    let pool = links.pools.iter().find(|pool| pool.id == esme);
    let members: Vec<_> = links
        .links
        .iter()
        .filter(|link| pool.map_or(link.id == esme, |pool| pool.links.contains(&link.id)))
        .collect();
    let up = |status| matches!(status, LinkStatus::Up | LinkStatus::Throttled);
    // Of a pool, a link that could send now names its centre.
    let shown = members
        .iter()
        .find(|link| up(link.status))
        .or(members.first())
        .ok_or_else(|| ApiError::bad(format!("unknown esme {esme}")))?;
    let error = match shown.status {
        LinkStatus::Up | LinkStatus::Throttled => "",
        LinkStatus::Down => "the connection is down",
        LinkStatus::Disabled => "the connection is switched off",
    };
    Ok(Esme {
        persist: up(shown.status),
        system_id: shown.system_id.clone(),
        error: error.to_owned(),
    })
}

/// How a text would be sent, by a link or pool where one is named.
pub(super) fn measure(
    api: &Api,
    text: &str,
    esme: Option<i64>,
    replaced: bool,
) -> Result<TextLength, ApiError> {
    let esme = esme.filter(|esme| *esme != 0);
    let unknown = || ApiError::bad(format!("unknown esme {}", esme.unwrap_or_default()));
    api.gateway
        .measure(text, esme, replaced)
        .ok_or_else(unknown)
}

/// What is known of a message of the account's app. `esme` is a hint that nothing needs.
pub(super) async fn info(api: &Api, account: &Account, id: &str) -> Result<Info, ApiError> {
    let unknown = || ApiError::new(StatusCode::NOT_FOUND, "message not found");
    if id.is_empty() || id.len() > MAX_ID {
        return Err(unknown());
    }
    let found = api.gateway.find(Some(account.app_id), id).await?;
    Ok(shown(found.ok_or_else(unknown)?))
}

fn shown(view: MessageView) -> Info {
    let statuses: Vec<PartStatus> = view.parts.iter().map(|part| part.status).collect();
    let delivered = statuses
        .iter()
        .filter(|status| **status == PartStatus::Delivered)
        .count();
    let parts = (1..).zip(&statuses);
    let left = view.parts.iter().filter_map(|part| part.left_at).min();
    Info {
        message_id: view.message_id,
        mode: if statuses.len() > 1 {
            "multipart"
        } else {
            "single"
        },
        parts: parts.map(|(n, status)| (n, public(*status))).collect(),
        delivered_count: u32::try_from(delivered).unwrap_or(u32::MAX),
        // Until the first part has left, when it was accepted; as the platform has it.
        sent_at: left.unwrap_or(view.accepted_at).div_euclid(1_000),
        updated_at: view.updated_at.div_euclid(1_000),
        transaction_id: view.transaction_id,
        task_id: view.task_id.unwrap_or_default(),
        status: MessageStatus::of(&statuses).name(),
        error: view
            .parts
            .into_iter()
            .find_map(|part| part.error)
            .unwrap_or_default(),
    }
}

/// That a link holds a part just now is of no use to its sender.
fn public(status: PartStatus) -> &'static str {
    match status {
        PartStatus::Sending => PartStatus::Accepted.name(),
        other => other.name(),
    }
}

//! Messages from phones: kept for whose number they were sent to, and heeded where they ask for something.

use std::collections::BTreeMap;

use homeroom_domain::{
    SmsMessageId, TenantId, credentials,
    sms::{
        cut::Cuts,
        number::Address,
        opt_out::{Keyword, keyword},
        policy::Policy,
    },
};
use homeroom_edge::{
    ApiError, App, Json, NoContent, Query,
    sms::{AppCaller, Signed},
};
use homeroom_kernel::{Fields, IdSource, Input, Timestamp};
use homeroom_sms_contract::events::{Event, Events, Inbound};
use homeroom_store::{
    ControlDb, Trace,
    control::{
        registry,
        sms_numbers::{self, Owner},
    },
    sms::{
        EVERYONE, EventsDb, callbacks,
        inbound::{self, InboundRow, NewInbound, Wanted},
        messages::{self, Callback, NewMessage, Numbering},
        stops::{self, Pair},
    },
    sql::Consistency,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    fields::{moment, receiver, shown},
    messages::withdraw::ask,
    outbound,
    paging::{Part, PartOut},
    webhooks::{EventsBody, bounded},
};

const STOPPED: &str = "You will get no more messages. Reply START to get them again.";
const STARTED: &str = "You will get messages again. Reply STOP to end them.";
/// How long an answer to a word is of use.
const REPLY_SECONDS: i64 = 3_600;

/// What one database has to store of a request.
#[derive(Default)]
struct Plane {
    messages: Vec<NewInbound>,
    replies: BTreeMap<i64, Vec<NewMessage>>,
}

/// Receive messages from phones
///
/// From the bridge, signed. 204 once all of them are stored. STOP, START and HELP, alone in a message, are heeded and answered.
#[utoipa::path(post, path = "/api/v1/sms/mo", tag = "bridge", request_body = EventsBody,
    responses((status = 204)), security(("bridge" = [])))]
pub(crate) async fn receive_inbound(
    signed: Signed<Events<Inbound>>,
) -> Result<NoContent, ApiError> {
    bounded(&signed.input)?;
    let app = &signed.app;
    let databases = &*app.ports.databases;
    let control = ControlDb::open(
        databases,
        &Consistency::Latest,
        &signed.context.trace.aside(),
    )?;
    let events = signed.input.events;
    let numbers: Vec<String> = events
        .iter()
        .map(|event| plain(&event.what.destination))
        .collect();
    let asked: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let owners = sms_numbers::owners(&control, &asked).await?;
    let ids = IdSource::new(&*app.ports.entropy, signed.context.now);
    let mut planes: BTreeMap<Option<TenantId>, Plane> = BTreeMap::new();
    for (event, number) in events.into_iter().zip(&numbers) {
        let owner = owners.iter().find(|owner| owner.number == *number);
        let message = message(event, owner);
        let plane = planes
            .entry(owner.and_then(|owner| owner.tenant))
            .or_default();
        if let Some((owner, words)) =
            owner.and_then(|owner| Some((owner, answer(&message, owner)?)))
        {
            let cuts = app.cuts(&signed.context, message.esme).await?;
            if let Some(reply) = reply(&message, words, &cuts, ids.next(), signed.context.now) {
                plane.replies.entry(owner.app_id).or_default().push(reply);
            }
        }
        plane.messages.push(message);
    }
    let mut failure = None;
    for (tenant, plane) in planes {
        if let Err(error) = store(app, &control, tenant, &plane, signed.context.now).await {
            failure = failure.or(Some(error));
        }
    }
    failure.map_or(Ok(NoContent), Err)
}

/// A number as it is stored: what is none is kept as it came.
fn plain(number: &str) -> String {
    Address::receiver(number).map_or_else(
        |_| number.chars().take(64).collect(),
        |address| address.as_str().to_owned(),
    )
}

fn message(event: Event<Inbound>, owner: Option<&Owner>) -> NewInbound {
    let Event { at, what, .. } = event;
    // Half a message is no word.
    let whole = what.missing_parts == 0;
    NewInbound {
        keyword: keyword(&what.text).filter(|_| whole),
        id: what.inbound_id,
        app_id: owner.map_or(EVERYONE, |owner| owner.app_id),
        esme: what.esme,
        source: plain(&what.source),
        destination: plain(&what.destination),
        text: what.text,
        missing_parts: what.missing_parts,
        received_at: Timestamp::from_millis(at),
    }
}

/// What to answer to a word; nothing where the app says nothing.
fn answer(message: &NewInbound, owner: &Owner) -> Option<String> {
    let words = match message.keyword? {
        Keyword::Stop => STOPPED.to_owned(),
        Keyword::Start => STARTED.to_owned(),
        Keyword::Help => Policy::from_stored(owner.policy.clone()).ok()?.help_text,
    };
    Some(words).filter(|words| owner.is_active && !words.is_empty())
}

/// The answer to a message: one, however often it comes in. It asks no policy and takes no quota, since the phone waits for it.
fn reply(
    message: &NewInbound,
    words: String,
    cuts: &Cuts,
    id: SmsMessageId,
    now: Timestamp,
) -> Option<NewMessage> {
    let destination = Address::receiver(&message.source).ok()?;
    let source = Address::sender(&message.destination).ok()?;
    let length = cuts.count(&words, false);
    Some(NewMessage {
        id,
        app_id: message.app_id,
        transaction_id: format!("reply-{}", message.id),
        content_hash: credentials::digest(&words),
        batch_id: None,
        task_id: None,
        esme: message.esme,
        source: source.as_str().to_owned(),
        destination: destination.as_str().to_owned(),
        text: words,
        confidential: false,
        numbering: Numbering::default(),
        transliterate: false,
        length,
        priority: 3,
        send_at: None,
        valid_until: Some(now.plus_seconds(REPLY_SECONDS)),
        created_by: None,
        callback: Callback::default(),
    })
}

/// Stores what is for one plane; what is for a school that is gone is for nobody.
async fn store(
    app: &App,
    control: &ControlDb,
    tenant: Option<TenantId>,
    plane: &Plane,
    now: Timestamp,
) -> Result<(), ApiError> {
    let (databases, trace) = (&*app.ports.databases, Trace::default());
    let db = match tenant {
        None => EventsDb::platform(databases, &trace)?,
        Some(tenant) => {
            let school = registry::find_by_id(control, tenant).await?;
            let Some(school) = school.and_then(|school| school.receiving().ok()) else {
                return Ok(());
            };
            EventsDb::school(databases, &school, &trace)?
        }
    };
    let mut batch = inbound::store(&plane.messages, now);
    let mut waiting = Vec::new();
    for (app_id, replies) in &plane.replies {
        batch.append(messages::insert(*app_id, replies, now));
        waiting.extend(replies.iter().map(|reply| reply.id));
    }
    let tells = callbacks::carry_out(batch, &db, now).await?;
    outbound::tell(app, tenant, tells).await;
    if !waiting.is_empty() {
        // Those that were there before have other ids, and nothing is found under these.
        outbound::announce(app, tenant, &waiting).await;
    }
    withdraw(app, tenant, &db, &inbound::stopped(&plane.messages), now).await
}

/// Takes back from the bridge what has not left for phones that sent STOP. Where it does not answer, has more than it was asked about, or something is on its
/// way to it, it tells of them again.
async fn withdraw(
    app: &App,
    tenant: Option<TenantId>,
    db: &EventsDb,
    stopped: &[Pair<'_>],
    now: Timestamp,
) -> Result<(), ApiError> {
    if stopped.is_empty() {
        return Ok(());
    }
    let at_bridge = stops::list_elsewhere(db, stopped, now).await?;
    let messages = at_bridge.messages.iter().map(|one| (one.app_id, one.id));
    let asked = ask(app, messages).await;
    if !asked.withdrawn.is_empty() {
        let batch = stops::withdraw(stopped, &asked.withdrawn, now);
        let tells = callbacks::carry_out(batch, db, now).await?;
        outbound::tell(app, tenant, tells).await;
    }
    if asked.is_away {
        return Err(ApiError::Unavailable("the bridge is away".into()));
    }
    if asked.remaining(&at_bridge) > 0 {
        return Err(ApiError::Unavailable("more is to be withdrawn".into()));
    }
    Ok(())
}

pub(crate) struct InboundIn {
    part: Part,
    wanted: Wanted,
}

impl Input for InboundIn {
    fn read(fields: &mut Fields) -> Option<Self> {
        let from = fields.nullable("from", moment);
        let to = fields.nullable("to", moment);
        let source = fields.nullable("source", receiver);
        let part = Part::read(fields)?;
        let after = match part.after.as_deref() {
            None => None,
            Some(text) => {
                let after = cursor(text);
                if after.is_none() {
                    fields.fail("after", "Use what the answer before said in next.");
                }
                Some(after?)
            }
        };
        let source = source?.flatten();
        Some(Self {
            wanted: Wanted {
                from: from?.flatten(),
                to: to?.flatten(),
                source: source.map(|address| address.as_str().to_owned()),
                after,
            },
            part,
        })
    }
}

/// Where a list goes on: the time and the id of the last one.
fn cursor(text: &str) -> Option<(Timestamp, String)> {
    let (millis, id) = text.split_once('.')?;
    Some((Timestamp::from_millis(millis.parse().ok()?), id.to_owned()))
}

/// A message from a phone.
#[derive(Serialize, ToSchema)]
pub(crate) struct InboundOut {
    #[schema(example = "in-01900000-0000-7000-8000-000000000001")]
    inbound_id: String,
    /// The link that received it.
    #[schema(example = 100)]
    esme: i64,
    /// The phone.
    #[schema(example = "+263771234567")]
    source: String,
    /// The number that it was sent to.
    #[schema(example = "33555")]
    destination: String,
    #[schema(example = "When does school begin?")]
    message: String,
    /// Parts of it that never came.
    #[schema(example = 0)]
    missing_parts: u16,
    /// `stop`, `start`, `help`, or empty.
    #[schema(example = "")]
    keyword: String,
    /// When it came in, in unix seconds.
    #[schema(example = 1_937_082_918)]
    received_at: i64,
}

impl From<InboundRow> for InboundOut {
    fn from(row: InboundRow) -> Self {
        Self {
            inbound_id: row.id,
            esme: row.esme,
            source: shown(&row.source),
            destination: shown(&row.destination),
            message: row.text,
            missing_parts: row.missing_parts,
            keyword: row.keyword.unwrap_or_default(),
            received_at: row.received_at.seconds(),
        }
    }
}

/// List messages from phones
///
/// To the numbers of this app, the newest first.
#[utoipa::path(get, path = "/api/v1/sms/inbound", tag = "receivers",
    params(
        ("from" = Option<String>, Query, description = "From this on: unix seconds, or RFC 3339."),
        ("to" = Option<String>, Query, description = "Until before this."),
        ("source" = Option<String>, Query, description = "Of this phone."),
        ("after" = Option<String>, Query, description = "What the answer before said in `next`."),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent."),
    ),
    responses((status = 200, body = PartOut<InboundOut>)), security(("sms" = [], "app_id" = [])))]
pub(crate) async fn find_inbound(
    caller: AppCaller,
    query: Query,
) -> Result<Json<PartOut<InboundOut>>, ApiError> {
    let InboundIn { part, wanted } = query.read()?;
    let rows = inbound::list(&caller.db, caller.sms_app.id, &wanted, part.ask()).await?;
    let cursor = |row: &InboundRow| format!("{}.{}", row.received_at.millis(), row.id);
    Ok(Json(part.answer(rows, cursor, Into::into)))
}

//! What the bridge tells: receipts, and the state of links. Told twice, or out of order, it changes nothing.

use std::collections::BTreeMap;

use homeroom_domain::{
    SmsMessageId, TenantId,
    sms::status::{MessageStatus, PartStatus},
};
use homeroom_edge::{ApiError, App, NoContent, sms::Signed};
use homeroom_kernel::Timestamp;
use homeroom_sms_contract::events::{
    Event, Events, LinkChanged, MAX_EVENTS, MessageChanged, PartState,
};
use homeroom_store::{
    ControlDb, StoreError, Trace,
    control::{
        registry,
        sms_links::{self, LinkState},
    },
    sms::{
        EventsDb, callbacks,
        events::{self, Change},
    },
    sql::Consistency,
};
use utoipa::ToSchema;

use crate::outbound;

/// What the bridge sends: `{"events": [{"id", "at", …}]}`, as `shared/sms-contract` writes it down.
#[derive(ToSchema)]
#[schema(as = BridgeEvents)]
#[expect(
    dead_code,
    reason = "the shape of the body for the document; the contract reads it"
)]
pub(crate) struct EventsBody {
    /// At most 100, in the order in which they happened.
    #[schema(max_items = 100)]
    events: Vec<serde_json::Value>,
}

pub(crate) fn bounded<T>(events: &Events<T>) -> Result<(), ApiError> {
    if events.events.len() > MAX_EVENTS {
        return Err(ApiError::Malformed("There are more than 100 events."));
    }
    Ok(())
}

/// Receive receipts
///
/// From the bridge, signed. 204 once all of them are stored.
#[utoipa::path(post, path = "/api/v1/sms/dlr", tag = "bridge", request_body = EventsBody,
    responses((status = 204)), security(("bridge" = [])))]
pub(crate) async fn receive_receipts(
    signed: Signed<Events<MessageChanged>>,
) -> Result<NoContent, ApiError> {
    bounded(&signed.input)?;
    let mut planes: BTreeMap<Option<TenantId>, Vec<Change>> = BTreeMap::new();
    for event in signed.input.events {
        // What was never a message of ours is not stored, and not asked for again.
        if let Some((tenant, change)) = change(event) {
            planes.entry(tenant).or_default().push(change);
        }
    }
    let mut failure = None;
    for (tenant, changes) in planes {
        if let Err(error) = store(&signed.app, tenant, &changes, signed.context.now).await {
            failure = failure.or(Some(error));
        }
    }
    failure.map_or(Ok(NoContent), |error| Err(error.into()))
}

fn change(event: Event<MessageChanged>) -> Option<(Option<TenantId>, Change)> {
    let Event { at, what, .. } = event;
    let tenant = match &what.tenant {
        Some(tenant) => Some(TenantId::parse(tenant)?),
        None => None,
    };
    let mut parts = what.parts;
    parts.sort_by_key(|part| part.number);
    let part = |part: PartState| {
        let status = match PartStatus::parse(&part.status)? {
            // That a link holds a part just now is of no use to its sender.
            PartStatus::Sending => PartStatus::Accepted,
            other => other,
        };
        Some((status, part.error))
    };
    let change = Change {
        id: SmsMessageId::parse(&what.message_id)?,
        app_id: what.app_id,
        version: what.version,
        at: Timestamp::from_millis(at),
        status: MessageStatus::parse(&what.status)?,
        parts: parts.into_iter().map(part).collect::<Option<_>>()?,
        error: what.error,
    };
    Some((tenant, change))
}

/// Stores changes of one plane; those of a school that is gone are for nobody.
async fn store(
    app: &App,
    tenant: Option<TenantId>,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (databases, trace) = (&*app.ports.databases, Trace::default());
    let db = match tenant {
        None => EventsDb::platform(databases, &trace)?,
        Some(tenant) => {
            let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
            let school = registry::find_by_id(&control, tenant).await?;
            let Some(school) = school.and_then(|school| school.receiving().ok()) else {
                return Ok(());
            };
            EventsDb::school(databases, &school, &trace)?
        }
    };
    let tells = callbacks::carry_out(events::store(changes, now), &db, now).await?;
    outbound::tell(app, tenant, tells).await;
    Ok(())
}

/// Receive the state of links
///
/// From the bridge, signed. 204 once all of them are stored.
#[utoipa::path(post, path = "/api/v1/sms/link-state", tag = "bridge", request_body = EventsBody,
    responses((status = 204)), security(("bridge" = [])))]
pub(crate) async fn receive_link_states(
    signed: Signed<Events<LinkChanged>>,
) -> Result<NoContent, ApiError> {
    bounded(&signed.input)?;
    let mut latest: BTreeMap<(i64, String), LinkState> = BTreeMap::new();
    for Event { at, what, .. } in signed.input.events {
        let mut state = serde_json::to_value(&what.link)
            .map_err(|error| ApiError::Internal(error.to_string()))?;
        if let Some(words) = state.as_object_mut() {
            words.insert("bridge".to_owned(), what.bridge.as_str().into());
        }
        let at = Timestamp::from_millis(at);
        let esme = what.link.id;
        let of = (esme, what.bridge);
        let newest = latest.get(&of).is_none_or(|known| known.at <= at);
        if newest {
            latest.insert(of, LinkState { esme, at, state });
        }
    }
    let mut states: Vec<LinkState> = latest.into_values().collect();
    states.sort_by_key(|one| one.at);
    let control = ControlDb::open(
        &*signed.app.ports.databases,
        &Consistency::Latest,
        &signed.context.trace.aside(),
    )?;
    sms_links::note_states(&states, signed.context.now)
        .commit(&control)
        .await?;
    signed.app.forget_sms();
    Ok(NoContent)
}

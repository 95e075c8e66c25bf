//! Messages from phones, joined from their parts.

use std::collections::BTreeMap;

use async_trait::async_trait;
use homeroom_sms_contract::events::Inbound;

use super::{
    rows,
    session::{Failure, Operation, Session},
};
use crate::{
    message::InboundPart,
    store::outbox::{NewEvent, new_id},
};

pub(super) struct Receive<'a> {
    pub(super) part: &'a InboundPart,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Receive<'_> {
    type Output = ();

    async fn run(&self, session: &mut Session) -> Result<(), Failure> {
        let part = self.part;
        let Some((reference, total, number)) = part.part else {
            let whole = Inbound {
                inbound_id: new_id(),
                esme: part.link,
                source: part.source.clone(),
                destination: part.destination.clone(),
                text: part.text.clone(),
                missing_parts: 0,
            };
            let event = NewEvent::inbound(whole, part.received_at)?;
            return rows::push(session, vec![event], self.now).await;
        };
        let (reference, total) = (i32::from(reference), i32::from(total));
        let number = i32::from(number);
        // The table holds no NUL.
        let text = part.text.replace('\0', " ");
        // Parts of one message may come over two connections.
        session
            .one(
                "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 1))",
                &[&part.source, &part.destination],
            )
            .await?;
        let newest = session
            .maybe(
                "SELECT i.key, i.complete, p.text FROM inbound i
                 LEFT JOIN inbound_parts p ON p.inbound = i.key AND p.number = $6
                 WHERE i.source = $1 AND i.destination = $2 AND i.provider = $3 AND i.reference = $4 AND i.total = $5
                 ORDER BY i.key DESC LIMIT 1",
                &[
                    &part.source,
                    &part.destination,
                    &part.provider,
                    &reference,
                    &total,
                    &number,
                ],
            )
            .await?
            .map(|row| (row.get::<_, i64>(0), row.get(1), row.get(2)));
        let key = match newest {
            // The centre sends it again because it did not see the answer.
            Some((_, _, Some(known))) if known == text => return Ok(()),
            Some((key, false, None::<String>)) => key,
            // The phone has begun to count anew.
            _ => self.begin(session, reference, total).await?,
        };
        session
            .execute(
                "INSERT INTO inbound_parts (inbound, number, text) VALUES ($1, $2, $3)",
                &[&key, &number, &text],
            )
            .await?;
        finish(session, key, false, self.now).await
    }
}

impl Receive<'_> {
    async fn begin(
        &self,
        session: &mut Session,
        reference: i32,
        total: i32,
    ) -> Result<i64, Failure> {
        let part = self.part;
        let row = session
            .one(
                "INSERT INTO inbound (inbound_id, link, provider, source, destination, reference, total, started_at, complete)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, false) RETURNING key",
                &[
                    &new_id(),
                    &part.link,
                    &part.provider,
                    &part.source,
                    &part.destination,
                    &reference,
                    &total,
                    &self.now,
                ],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// Makes the event once all parts are there, or with what there is.
async fn finish(session: &mut Session, key: i64, anyway: bool, now: i64) -> Result<(), Failure> {
    let texts: BTreeMap<i32, String> = session
        .all(
            "SELECT number, text FROM inbound_parts WHERE inbound = $1",
            &[&key],
        )
        .await?
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect();
    let row = session
        .one(
            "SELECT inbound_id, link, source, destination, total FROM inbound WHERE key = $1",
            &[&key],
        )
        .await?;
    let total = rows::small(row.get(4));
    let have = u16::try_from(texts.len()).unwrap_or(u16::MAX);
    if have < total && !anyway {
        return Ok(());
    }
    let whole = Inbound {
        inbound_id: row.get(0),
        esme: row.get(1),
        source: row.get(2),
        destination: row.get(3),
        text: texts.into_values().collect(),
        missing_parts: total.saturating_sub(have),
    };
    rows::push(session, vec![NewEvent::inbound(whole, now)?], now).await?;
    session
        .execute("UPDATE inbound SET complete = true WHERE key = $1", &[&key])
        .await?;
    Ok(())
}

/// Hands on what never became whole, and drops what began before a time.
pub(super) struct Sweep {
    pub(super) limit: i64,
    pub(super) before: i64,
    pub(super) now: i64,
}

#[async_trait]
impl Operation for Sweep {
    type Output = usize;

    async fn run(&self, session: &mut Session) -> Result<usize, Failure> {
        let old = session
            .all(
                "SELECT key, complete FROM inbound WHERE started_at < $1
                 ORDER BY started_at LIMIT $2 FOR UPDATE SKIP LOCKED",
                &[&self.before, &self.limit],
            )
            .await?;
        for row in &old {
            let key: i64 = row.get(0);
            if !row.get::<_, bool>(1) {
                finish(session, key, true, self.now).await?;
            }
            session
                .execute("DELETE FROM inbound WHERE key = $1", &[&key])
                .await?;
        }
        Ok(old.len())
    }
}

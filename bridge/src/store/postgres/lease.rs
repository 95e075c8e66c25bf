//! The time for which what a bridge is sending stays its own. It is told by the database's clock alone: those of bridges differ.

use async_trait::async_trait;

use super::session::{Failure, Operation, Session};

/// Prolongs a bridge's lease. Says whether it was prolonged in time for as long as a lease lasts: who could not reach the database until
/// just now does not know whether its neighbours could.
pub(super) struct Prolong {
    pub(super) bridge: i64,
    pub(super) lease: i64,
}

#[async_trait]
impl Operation for Prolong {
    type Output = bool;

    async fn run(&self, session: &mut Session) -> Result<bool, Failure> {
        prolong(session, self.bridge, self.lease).await?;
        let row = session
            .one(
                "SELECT held_since <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $2
                 FROM bridges WHERE key = $1",
                &[&self.bridge, &self.lease],
            )
            .await?;
        Ok(row.get(0))
    }
}

/// Writes only where a tenth of the lease is over. Where half of it is, the database was away: sweeps come more often.
pub(super) async fn prolong(session: &mut Session, bridge: i64, lease: i64) -> Result<(), Failure> {
    session
        .execute(
            "UPDATE bridges SET lease_until = clock.now + $2,
                 held_since = CASE WHEN lease_until < clock.now + $2 / 2 THEN clock.now ELSE held_since END
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) AS clock
             WHERE key = $1 AND lease_until < clock.now + $2 - $2 / 10",
            &[&bridge, &lease],
        )
        .await?;
    Ok(())
}

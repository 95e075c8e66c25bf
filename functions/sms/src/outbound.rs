//! The ways to the queues, and what the bridge is told besides messages.

use homeroom_domain::{SmsMessageId, TenantId};
use homeroom_edge::{
    App,
    app::{CallbackJob, SmsJob},
};
use homeroom_sms_contract::submit::{Submissions, SwitchedOff};
use homeroom_store::{ControlDb, StoreError, Trace, control::sms_links, sql::Consistency};

/// Has messages handed to the bridge. What does not get into the queue now is found by the sweep.
pub(crate) async fn announce(app: &App, tenant: Option<TenantId>, ids: &[SmsMessageId]) {
    let _ = app.ports.sms_queue.put(&jobs(tenant, ids)).await;
}

/// Has apps told of what waits for them, where anything does. What does not get into the queue now is found by the sweep.
pub(crate) async fn tell(app: &App, tenant: Option<TenantId>, something: bool) {
    if something {
        let _ = app.ports.sms_callbacks.put(CallbackJob { tenant }).await;
    }
}

/// Messages in jobs.
pub(crate) fn jobs(tenant: Option<TenantId>, ids: &[SmsMessageId]) -> Vec<SmsJob> {
    SmsJob::all(tenant, ids)
}

/// Which links and pools are switched off.
pub(crate) async fn switched_off(app: &App) -> Result<SwitchedOff, StoreError> {
    let at = app.ports.clock.now().millis();
    let (databases, trace) = (&*app.ports.databases, Trace::default());
    let control = ControlDb::open(databases, &Consistency::Latest, &trace)?;
    let rows = sms_links::list(&control).await?;
    let off = rows.iter().filter(|row| !row.is_enabled);
    Ok(SwitchedOff {
        esmes: off.map(|row| row.esme).collect(),
        at,
    })
}

/// Tells the bridge what is switched off. What it does not hear now comes with the next messages, and with the sweep.
pub(crate) async fn tell_bridge(app: &App) {
    if let Ok(off) = switched_off(app).await {
        let said = Submissions {
            messages: Vec::new(),
            switched_off: Some(off),
        };
        let _ = app.ports.bridge.submit(&said).await;
    }
}

//! The ways to the queues.

use homeroom_domain::{SmsMessageId, TenantId};
use homeroom_edge::{
    App,
    app::{CallbackJob, SmsJob},
};

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

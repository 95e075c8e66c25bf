//! The way to the queue.

use homeroom_domain::{SmsMessageId, TenantId};
use homeroom_edge::{
    App,
    app::{MAX_JOB, SmsJob},
};

/// Has messages handed to the bridge. What does not get into the queue now is found by the sweep.
pub(crate) async fn announce(app: &App, tenant: Option<TenantId>, ids: &[SmsMessageId]) {
    let _ = app.ports.sms_queue.put(&jobs(tenant, ids)).await;
}

/// Messages in jobs.
pub(crate) fn jobs(tenant: Option<TenantId>, ids: &[SmsMessageId]) -> Vec<SmsJob> {
    let job = |ids: &[SmsMessageId]| SmsJob {
        tenant,
        message_ids: ids.to_vec(),
    };
    ids.chunks(MAX_JOB).map(job).collect()
}

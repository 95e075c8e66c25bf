//! Whether an app is to be told of something: asked in the trips of what may make it so.

use homeroom_kernel::Timestamp;

use crate::{sql::Statement, telling::Tells};

/// What apps are to be told.
pub(super) const TELLS: Tells = Tells {
    table: "sms_callbacks",
    owner: "app_id",
};

/// Whether something is to be told now; [`is_due`](crate::telling::is_due) reads it.
pub(crate) fn due(now: Timestamp) -> Statement {
    TELLS.due(now)
}

/// Forgets what happened before a moment, some at a time.
pub(crate) fn forget(before: Timestamp) -> Statement {
    TELLS.forget(before)
}

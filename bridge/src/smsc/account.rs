//! What waits for an account, whichever of its sessions takes it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

use super::FromPhone;

/// Something to deliver.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    Receipt {
        id: String,
        /// Of the message: the receipt goes the other way.
        source: String,
        destination: String,
        delivered: bool,
    },
    Message(FromPhone),
}

#[derive(Default)]
pub(super) struct Account {
    waiting: Mutex<Waiting>,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Waiting {
    parcels: BTreeMap<(Instant, u64), Parcel>,
    count: u64,
}

impl Account {
    pub(super) fn put(&self, due: Instant, parcel: Parcel) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.count += 1;
        let key = (due, waiting.count);
        let earlier = waiting
            .parcels
            .first_key_value()
            .is_none_or(|first| key < *first.0);
        waiting.parcels.insert(key, parcel);
        drop(waiting);
        if earlier {
            self.changed.notify_one();
        }
    }

    /// The first that is due, or when one will be.
    pub(super) fn next(&self, now: Instant) -> Result<Parcel, Option<Instant>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.parcels.first_entry() {
            None => Err(None),
            Some(first) if first.key().0 > now => Err(Some(first.key().0)),
            Some(first) => Ok(first.remove()),
        }
    }
}

//! Lists that go on after the last one that was read: nothing is left out or told twice where something comes in between.

use homeroom_kernel::{Fields, Input, rules};
use serde::Serialize;
use utoipa::ToSchema;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: i64 = 500;

/// Where a list begins, and how much of it is wanted: `after` and `limit` of a query.
pub(crate) struct Part {
    pub(crate) after: Option<String>,
    limit: u32,
}

impl Input for Part {
    fn read(fields: &mut Fields) -> Option<Self> {
        let after = fields.nullable("after", rules::text(1, 200));
        let limit = fields.optional("limit", rules::integer(1, MAX_LIMIT));
        let limit = limit?.and_then(|limit| u32::try_from(limit).ok());
        Some(Self {
            after: after?.flatten(),
            limit: limit.unwrap_or(DEFAULT_LIMIT),
        })
    }
}

impl Part {
    /// How many rows to ask for: one more than wanted says whether there are more.
    pub(crate) fn ask(&self) -> u32 {
        self.limit + 1
    }

    /// The answer to so many rows.
    pub(crate) fn answer<R, T>(
        &self,
        mut rows: Vec<R>,
        cursor: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> PartOut<T> {
        let wanted = self.limit as usize;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = rows.last().filter(|_| more).map(cursor);
        PartOut {
            next: next.unwrap_or_default(),
            results: rows.into_iter().map(show).collect(),
        }
    }
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartOut<T> {
    /// The part.
    results: Vec<T>,
    /// Send it as `after` for what follows; empty at the end.
    #[schema(example = "")]
    next: String,
}

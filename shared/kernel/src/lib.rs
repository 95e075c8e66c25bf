//! Ids, clock, input fields, pages and field errors: no I/O, no async.

pub mod clock;
pub mod fields;
pub mod id;
pub mod page;
pub mod rules;
pub mod search;

pub use clock::{Clock, Timestamp};
pub use fields::{FieldErrors, Fields, Input};
pub use id::{Entropy, Id, IdSource};
pub use page::{Listing, PageRequest};

//! API tests: HTTP to router to SQL, on SQLite. This is the harness; the tests mirror the URL paths in `tests/`.
//!
//! ```
//! use homeroom_api_tests::TestApp;
//! let app = TestApp::new();
//! let greenwood = app.school("greenwood");
//! greenwood.admin.get("users/").expect(200);
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::struct_field_names,
    clippy::unused_self,
    reason = "tests fail by panicking"
)]

pub mod academics;
mod app;
mod client;
pub mod document;
mod hanging;
mod invariants;
mod people;
pub mod samples;
mod sms;
pub mod twins;
mod world;

pub use app::{PUBLIC_HOST, SLOTS, TestApp};
pub use client::{Client, Reply, error_of, uuids_in};
pub use people::{PASSWORD, School, new_school, sign_in};
pub use sms::{BRIDGE_SECRET, Mood, Post, SMS_ADMIN_KEY, SmsUser, text_to};
pub use world::{BatchNote, Fault, Intrusion, Moment};

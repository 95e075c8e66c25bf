//! The SQL port, tenant handles and every SQL statement of the platform.
//!
//! A query on school data needs a [`TenantDb`], and such a handle can only be made from a school that the registry
//! resolved and found active. Without one a query does not compile:
//!
//! ```compile_fail
//! use homeroom_store::{TenantDb, control::registry::ActiveSchool};
//! let school = ActiveSchool { school: todo!() }; // the field is private
//! ```
//! ```compile_fail
//! use homeroom_store::{ControlDb, school::staff};
//! async fn staff_without_a_school(db: &ControlDb, id: homeroom_domain::StaffId) {
//!     let _ = staff::find(db, id).await; // expected `&TenantDb`
//! }
//! ```

mod batch;
mod connection;
pub mod control;
mod error;
pub mod identity;
mod list;
pub mod records;
mod rows;
pub mod school;
pub mod sms;
pub mod sql;
pub mod telling;

pub use batch::{Action, ActorKind, Batch, Stamp};
pub use connection::{ControlDb, IdentityDb, TenantDb, Trace};
pub use error::StoreError;
pub use list::Page;

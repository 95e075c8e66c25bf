//! What the SMS area and the bridge say to each other.
//!
//! The platform posts [`submit`] bodies to the bridge, the bridge posts [`events`] to the platform; both sign with [`signature`].
//! The gRPC service of the bridge is in `proto/`.

pub mod events;
pub mod signature;
pub mod submit;

//! The SMPP bridge of Homeroom: REST and gRPC in, SMPP 3.4 out, receipts and inbound messages back to the platform.

pub mod message;
pub mod smpp;
pub mod store;

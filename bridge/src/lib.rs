//! The SMPP bridge of Homeroom: REST and gRPC in, SMPP 3.4 out, receipts and inbound messages back to the platform.

pub mod api;
pub mod app;
pub mod clock;
pub mod config;
pub mod control;
pub mod gateway;
pub mod message;
pub mod platform_client;
pub mod smpp;
pub mod smsc;
pub mod store;
pub mod webhooks;

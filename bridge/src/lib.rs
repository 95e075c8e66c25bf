//! The SMPP bridge of Homeroom: REST and gRPC in, SMPP 3.4 out, receipts and inbound messages back to the platform.

pub mod accept;
pub mod api;
pub mod app;
pub mod clock;
pub mod config;
pub mod control;
pub mod engine;
pub mod gateway;
pub mod message;
pub mod meters;
pub mod platform_client;
mod pools;
pub mod smpp;
pub mod smsc;
pub mod store;
pub mod tls;
mod traffic;
pub mod webhooks;

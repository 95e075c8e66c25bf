//! For the gateway's administrators.

pub(crate) mod numbers;

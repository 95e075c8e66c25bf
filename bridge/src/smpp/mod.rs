//! SMPP 3.4 towards message centres: the wire ([`pdu`], [`codec`]), one bind ([`session`]) and a link that keeps one up ([`link`]).

pub mod codec;
pub mod pdu;
pub mod provider_id;
pub mod receipt;
pub mod status;

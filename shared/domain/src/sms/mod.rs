//! Text messages: alphabets, parts, addresses and states. Shared by the SMS area and the bridge, so that both count alike.

pub mod cut;
pub mod gsm7;
pub mod number;
pub mod opt_out;
pub mod policy;
pub mod school;
pub mod segments;
pub mod status;
pub mod text;

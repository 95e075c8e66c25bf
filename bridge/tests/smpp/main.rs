//! Links against centres: scripted ones, the loopback centre, and peers that others wrote.

mod faults;
mod link;
mod receipts;
mod session;
mod support;

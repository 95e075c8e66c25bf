//! The whole bridge, as a process of its own, between a platform and a centre that count what they see.

mod kill;
mod send;
mod support;

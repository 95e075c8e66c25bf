//! Printable sheets as PDF, in an isolate of their own. README.md says which scripts are printed.
//!
//! [`render()`] does the work and compiles natively; the Worker around it has no public route, no database and no state
//! but the fonts that it has fetched.

mod archive;
mod clean;
pub mod fonts;
mod lines;
mod logo;
mod page;
mod paint;
pub mod render;
#[cfg(test)]
mod samples;
pub mod scripts;
mod sheet;
mod table;
#[cfg(test)]
mod tests;
mod text;
#[cfg(target_arch = "wasm32")]
mod worker;

pub use fonts::Fonts;
pub use render::{Rendered, render};

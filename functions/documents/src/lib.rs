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
pub mod scripts;
mod sheet;
mod table;
mod text;
#[cfg(target_arch = "wasm32")]
mod worker;

pub use fonts::Fonts;
pub use render::{Rendered, render};

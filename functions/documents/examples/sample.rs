//! Prints sample sheets into a folder, to be looked at: `cargo run -p homeroom-documents --example sample -- <folder>`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a tool for the eye: it stops at the first surprise, and says how long each file took"
)]

#[path = "../src/samples.rs"]
mod samples;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let files: &[&str] = &homeroom_documents::scripts::FILES;
    for (name, request) in samples::all() {
        let mut fonts = homeroom_documents::Fonts::base().unwrap();
        let started = std::time::Instant::now();
        let wanted = homeroom_documents::scripts::wanted(&request, &fonts);
        assert!(wanted.iter().all(|name| files.contains(name)));
        fonts = homeroom_documents::Fonts::with_files(&wanted).unwrap();
        let loaded = started.elapsed();
        let rendered = homeroom_documents::render(&request, &fonts).unwrap();
        let ending = rendered.printed.content_type.rsplit('/').next().unwrap();
        println!(
            "{name}: {} pages, {} bytes, {} missing, fonts {wanted:?} in {loaded:?}, all in {:?}",
            rendered.pages,
            rendered.printed.bytes.len(),
            rendered.missing,
            started.elapsed()
        );
        std::fs::write(format!("{folder}/{name}.{ending}"), rendered.printed.bytes).unwrap();
    }
}

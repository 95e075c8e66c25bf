//! The bridge's command line.

fn main() {}

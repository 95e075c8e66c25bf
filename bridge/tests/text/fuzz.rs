//! The targets of `bridge/fuzz` over their seeds, and over whatever libFuzzer has found once and was added to them: each input, and each beginning
//! of it. `cargo xtask test --long` lets libFuzzer make up more.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::targets;

#[test]
fn no_input_that_was_ever_of_interest_stops_a_target() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for file in std::fs::read_dir(seeds.join(name)).unwrap() {
            let file = file.unwrap().path();
            let input = std::fs::read(&file).unwrap();
            for end in 0..=input.len() {
                let run = AssertUnwindSafe(|| target(&input[..end]));
                let done = catch_unwind(run);
                assert!(done.is_ok(), "{name}: {} up to {end}", file.display());
            }
            inputs += input.len() + 1;
        }
        assert!(inputs > 20, "{name} has no seeds");
    }
}

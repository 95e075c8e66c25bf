//! libFuzzer around the targets. One program for all of them, so that the bridge is linked once: `HOMEROOM_FUZZ_TARGET` says which.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

mod targets;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("HOMEROOM_FUZZ_TARGET").unwrap_or_default();
        let known = targets::ALL.iter().find(|(target, _)| *target == name);
        let (_, target) = known.expect("HOMEROOM_FUZZ_TARGET names no target");
        let _ = TARGET.set(*target);
    },
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            target(input);
        }
    }
);

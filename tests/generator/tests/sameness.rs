//! Equal options are equal bytes; and what statements are like.

use std::time::Duration;

use data_encoding::HEXLOWER;
use homeroom_generator::{Options, School};
use sha2::{Digest, Sha256};

use crate::world::today;

fn digest(options: &Options) -> String {
    let mut hash = Sha256::new();
    for statement in School::generate(options).statements() {
        hash.update(statement.as_bytes());
        hash.update(b"\n");
    }
    HEXLOWER.encode(&hash.finalize())
}

#[test]
fn the_same_options_give_the_same_bytes_on_every_machine() {
    let options = Options {
        students: 200,
        ..Options::new(today())
    };
    assert_eq!(digest(&options), digest(&options));
    // Changes with every change to what is made, and must change with nothing else.
    assert_eq!(
        digest(&options),
        "950115d605b6a850de55a9fb6bda6ffb949d5ced1393320ea7f90610a43f0c23"
    );
}

#[test]
fn another_seed_is_another_school() {
    let options = Options {
        students: 60,
        ..Options::new(today())
    };
    let other = Options {
        seed: options.seed + 1,
        ..options.clone()
    };
    assert_ne!(digest(&options), digest(&other));
}

#[test]
fn a_school_of_two_thousand_is_made_in_seconds_of_statements_that_fit() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it takes is what is tested"
    )]
    let now = std::time::Instant::now;
    let mut tries = Vec::new();
    // A busy machine takes longer, but not each time.
    let school = loop {
        let start = now();
        let school = School::generate(&Options {
            students: 2_000,
            ..Options::new(today())
        });
        let mut longest = 0;
        for statement in school.statements() {
            longest = longest.max(statement.len());
        }
        tries.push(start.elapsed());
        assert!(longest <= 90_000, "{longest}");
        if tries.len() == 3 || tries[tries.len() - 1] < Duration::from_secs(15) {
            break school;
        }
    };
    let quickest = tries.iter().min();
    assert!(quickest < Some(&Duration::from_secs(15)), "{tries:?}");
    assert!(school.marks.len() > 150_000);
}

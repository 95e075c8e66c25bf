//! `tests/FAULTS.md` says which test holds each fault off: whether they are there.

use std::path::Path;

#[test]
fn every_fault_of_the_list_names_a_test_that_exists_or_says_why_there_is_none() {
    let bridge = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(bridge.join("tests/FAULTS.md")).unwrap();
    let (mut faults, mut wrong) = (0, Vec::new());
    for row in list.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [fault, tests] = cells[..] else {
            panic!("not two cells: {row}");
        };
        if fault.trim() == "fault" {
            continue;
        }
        faults += 1;
        let named: Vec<_> = tests
            .split('`')
            .filter_map(|one| one.split_once("::"))
            .collect();
        if named.is_empty() && !tests.trim().starts_with("none: ") {
            wrong.push(format!("{fault}: no test"));
        }
        for (file, name) in named {
            let text = std::fs::read_to_string(bridge.join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                wrong.push(format!("{fault}: {file}::{name}"));
            }
        }
    }
    assert!(faults > 100, "{faults}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! The codes of errors: what is answered and what is documented are one list.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use homeroom_edge::Conflict;

const GUIDES: [&str; 5] = ["API", "API-SCHOOL", "API-SYSTEM", "API-SMS", "API-CHATBOT"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guide(name: &str) -> String {
    fs::read_to_string(root().join(format!("docs/{name}.md"))).unwrap()
}

fn sources(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// What stands between each of these marks and the quotation mark that follows it.
fn between<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    text.split(mark)
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|code| !code.is_empty())
        .collect()
}

/// Every code that the areas and the gateway answer with; the SMS gateway's own dialect has a page of its own.
fn answered() -> BTreeSet<String> {
    let mut codes: BTreeSet<String> = Conflict::ALL
        .iter()
        .map(|conflict| conflict.code().to_owned())
        .collect();
    let error = fs::read_to_string(root().join("shared/edge/src/error.rs")).unwrap();
    let (_, rest) = error.split_once("pub fn code(&self)").unwrap();
    let (function, _) = rest.split_once("\n    }\n").unwrap();
    codes.extend(between(function, "=> \"").into_iter().map(str::to_owned));
    let mut all = Vec::new();
    for folder in [
        "shared/edge",
        "functions/school",
        "functions/chatbot",
        "functions/system",
        "functions/gateway",
    ] {
        sources(&root().join(folder).join("src"), &mut all);
    }
    for text in &all {
        for mark in ["code: \"", "\"code\":\""] {
            codes.extend(between(text, mark).into_iter().map(str::to_owned));
        }
    }
    codes
}

/// The codes of one column of a table.
fn listed(guide: &str, heading: &str, column: usize) -> BTreeSet<String> {
    let (_, section) = guide.split_once(heading).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = section
        .lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(|line| line.split('|').nth(column));
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_code_that_is_answered_is_documented() {
    let guides: Vec<String> = GUIDES.into_iter().map(guide).collect();
    let lacking: Vec<String> = answered()
        .into_iter()
        .filter(|code| {
            let quoted = format!("`{code}`");
            !guides.iter().any(|guide| guide.contains(&quoted))
        })
        .collect();
    assert_eq!(lacking, Vec::<String>::new());
}

#[test]
fn every_code_of_the_tables_is_answered() {
    let answered = answered();
    let mut tables = listed(&guide("API"), "\n## Errors", 2);
    tables.extend(listed(
        &guide("API-SCHOOL"),
        "\n## Refusals of this area",
        1,
    ));
    assert!(tables.len() > 60, "the tables were not found: {tables:?}");
    let invented: Vec<&String> = tables.difference(&answered).collect();
    assert_eq!(invented, Vec::<&String>::new());
}

//! The documentation pages and the documents, as the gateway's static files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process::root;

/// Path below /api/docs/, name of the document, name for people.
const PAGES: [(&str, &str, &str); 3] =
    [("", "openapi", "All areas"), ("system/", "system", "Platform administration"), ("school/", "school", "School")];

/// Assembles the files below `folder`, as functions/gateway/src/route.rs asks for them.
pub(crate) fn assemble(folder: &Path) -> Result<()> {
    let read = |path: &str| {
        fs::read_to_string(root().join(path)).with_context(|| format!("{path} is missing: run `cargo xtask openapi`"))
    };
    let page = read("xtask/site/page.html")?;
    for (path, document, title) in PAGES {
        let links: Vec<_> = PAGES
            .iter()
            .map(|(other, _, title)| {
                let current = if *other == path { " aria-current=\"page\"" } else { "" };
                format!("<a href=\"/api/docs/{other}\"{current}>{title}</a>")
            })
            .collect();
        let schema = if document == "openapi" { "/api/schema/".to_owned() } else { format!("/api/schema/{document}/") };
        let html = page
            .replace("{title}", &format!("Homeroom API: {title}"))
            .replace("{links}", &links.join("\n      "))
            .replace("{schema}", &schema);
        write(&folder.join("docs").join(path).join("index.html"), &html)?;
        write(&folder.join("schema").join(format!("{document}.json")), &read(&format!("openapi/{document}.json"))?)?;
    }
    write(&folder.join("docs/page.css"), &read("xtask/site/page.css")?)?;
    write(&folder.join("docs/redoc.js"), &read("node_modules/redoc/bundles/redoc.standalone.js")?)
}

/// Leaves a file alone that is as it should be.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let Some(parent) = path.parent() else { bail!("{} has no folder", path.display()) };
    fs::create_dir_all(parent)?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

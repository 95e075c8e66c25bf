//! wrangler, for what needs a Cloudflare account.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::{self, root, tool};

/// wrangler, told not to ask.
pub(crate) fn wrangler() -> Command {
    let mut command = tool("node");
    command.arg(root().join("node_modules/wrangler/bin/wrangler.js"));
    command
        .env("CI", "1")
        .env("NO_COLOR", "1")
        .env("WRANGLER_SEND_METRICS", "false")
        .env("WRANGLER_LOG_SANITIZE", "true");
    command
}

/// The account's databases: name to id.
pub(crate) fn databases() -> Result<BTreeMap<String, String>> {
    #[derive(Deserialize)]
    struct Database {
        name: String,
        uuid: String,
    }
    let json = process::output(wrangler().args(["d1", "list", "--json"])).context(
        "the account's databases cannot be listed: sign in with `npx wrangler login`, \
         or set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID",
    )?;
    let list: Vec<Database> =
        serde_json::from_str(&json).context("reading the account's databases")?;
    Ok(list
        .into_iter()
        .map(|database| (database.name, database.uuid))
        .collect())
}

//! `cargo xtask admin`: the first platform administrator, whom nobody can create through the API.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, anyhow, bail};
use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use clap::{Args, Subcommand};
use data_encoding::BASE32_NOPAD;
use serde_json::json;

use crate::cloudflare::wrangler;
use crate::migrate::owner;
use crate::process::{self, root, tool};
use crate::tools;

#[derive(Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Make somebody a platform administrator and print the password, once
    Add {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Platform")]
        first_name: String,
        #[arg(long, default_value = "Administrator")]
        last_name: String,
        /// In the Cloudflare account, instead of on this machine
        #[arg(long)]
        remote: bool,
        /// The folder of the local databases [default: .state at the top of the checkout]
        #[arg(long, conflicts_with = "remote")]
        state: Option<PathBuf>,
    },
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let AdminCommand::Add {
        email,
        first_name,
        last_name,
        remote,
        state,
    } = &options.command;
    if !email.contains('@') {
        bail!("{email} is not an email address");
    }
    tools::npm_packages()?;
    let mut secret = [0; 15];
    getrandom::fill(&mut secret).map_err(|error| anyhow!("no randomness: {error}"))?;
    let password = BASE32_NOPAD.encode(&secret).to_lowercase();
    let person = json!({
        "email": email, "firstName": first_name, "lastName": last_name, "passwordHash": hash(&password)?,
    });

    let mut node = tool("node");
    node.arg("xtask/js/admin.mjs").arg(person.to_string());
    if *remote {
        let statements = process::output(&mut node)?;
        let config = owner()?.config_path;
        let mut execute = wrangler();
        execute
            .args([
                "d1",
                "execute",
                "CONTROL",
                "--remote",
                "--yes",
                "--command",
                &statements,
                "-c",
            ])
            .arg(config);
        process::output(execute.stdin(Stdio::null())).context("adding the administrator")?;
    } else {
        let state = state.clone().unwrap_or_else(|| root().join(".state"));
        process::output(node.arg(std::path::absolute(state)?))
            .context("adding the administrator")?;
    }
    println!("  {email} can sign in with the password {password}");
    println!("  (unless the account existed: then it keeps its own, and is an administrator now)");
    Ok(())
}

/// With the parameters of functions/passwords.
fn hash(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|error| anyhow!("no randomness: {error}"))?;
    let params = Params::new(19_456, 2, 1, None).map_err(|error| anyhow!("{error}"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow!("{error}"))?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes(), &salt)
        .map_err(|error| anyhow!("{error}"))?;
    Ok(hash.to_string())
}

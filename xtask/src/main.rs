//! The commands of the project.

mod admin;
mod bench;
mod cloudflare;
mod deploy;
mod dev;
mod migrate;
mod migrations;
mod openapi;
mod pack;
mod process;
mod progress;
mod slots;
mod test;
mod tools;
mod workers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "The commands of the project.",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// From a checkout to a running platform, with two demo schools
    Dev(dev::Options),
    /// Build the WebAssembly of the Workers and pack each with its entry into functions/<area>/build
    Build(pack::Options),
    /// Everything that CI holds a change to
    Test(test::Options),
    /// The school area beside its peers in Hono, on one workerd: CPU, latency, D1 trips, sizes
    Bench(bench::Options),
    /// The documents of the API, written to openapi/
    Openapi(openapi::Options),
    /// The pool of databases that new schools claim
    Slots(slots::Options),
    /// Bring databases up to date: the control database, a canary slot, then all others
    Migrate(migrate::Options),
    /// The first platform administrator
    Admin(admin::Options),
    /// Send every Worker to Cloudflare, in the order of their bindings
    Deploy(deploy::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dev(options) => dev::run(&options),
        Command::Build(options) => pack::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Openapi(options) => openapi::run(&options),
        Command::Slots(options) => slots::run(&options),
        Command::Migrate(options) => migrate::run(&options),
        Command::Admin(options) => admin::run(&options),
        Command::Deploy(options) => deploy::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<test::AlreadyTold>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

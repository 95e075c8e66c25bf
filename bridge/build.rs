//! Compiles the gRPC service from the contract's .proto files, without protoc.

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../shared/sms-contract/proto");
    println!("cargo::rerun-if-changed={}", folder.display());
    let files = protox::compile(["auth.proto", "sms.proto"], [&folder])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // For the reflection service.
    std::fs::write(
        out.join("services.bin"),
        protox::prost::Message::encode_to_vec(&files),
    )?;
    tonic_prost_build::configure()
        .build_client(false)
        .compile_fds(files)?;
    Ok(())
}

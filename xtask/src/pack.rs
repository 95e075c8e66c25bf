//! `cargo xtask build`: from Rust sources to what Cloudflare runs, with nothing but cargo and npm packages.
//!
//! cargo → wasm-bindgen (linked into this program) → wasm-opt (npm `binaryen`) → our entry → esbuild.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::process::{self, cargo, root, target, tool};
use crate::progress::Step;
use crate::workers::{self, Worker};

/// Compressed size above which a Worker starts too slowly; architecture.md, section 8.
const WARN_KILOBYTES: usize = 400;
const FAIL_KILOBYTES: usize = 1100;

/// What rustc's output for this target may use; wasm-opt must be told, because wasm-bindgen drops the section that says so.
const WASM_FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// The feature of the build for the panic test.
const PANIC_ROUTE: &str = "panic-route";

/// Set where wrangler builds what this program has just built; one Worker alone would be compiled with other features.
pub(crate) const PACKED: &str = "HOMEROOM_PACKED";

#[derive(Args)]
pub(crate) struct Options {
    /// The areas to build; all when none is named
    areas: Vec<String>,
    /// With a route that panics, for the runtime tests, into target/panic-route/<area>
    #[arg(long)]
    panic_route: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let workers = workers::named(&options.areas)?;
    if std::env::var_os(PACKED).is_some() {
        return Ok(());
    }
    build_with(
        &workers,
        &workers,
        options.panic_route.then_some(PANIC_ROUTE),
    )
}

/// Builds and packs the given Workers; what is up to date is left alone.
pub(crate) fn build(workers: &[Worker]) -> Result<()> {
    build_with(workers, workers, None)
}

/// Builds what the runtime tests need besides: an area with a route that panics.
pub(crate) fn build_panicking() -> Result<()> {
    // Compiled together with the others: alone it would need its dependencies with other features, so once more.
    build_with(
        &workers::all()?,
        &workers::named(&["system".to_owned()])?,
        Some(PANIC_ROUTE),
    )
}

/// With a feature, the result lies beside what is deployed, in `target/<feature>`.
fn build_with(compiled: &[Worker], workers: &[Worker], feature: Option<&str>) -> Result<()> {
    let scratch = target().join("workers");
    fs::create_dir_all(&scratch)?;
    // wrangler starts one build per Worker, all at once.
    let lock = File::create(target().join("workers.lock"))?;
    lock.lock()?;
    let scratch = feature.map_or_else(|| scratch.clone(), |feature| scratch.join(feature));
    let output = |worker: &Worker| match feature {
        Some(feature) => target().join(feature).join(&worker.area),
        None => worker.build_folder(),
    };

    let step = Step::start("Compiling the Workers to WebAssembly");
    let mut compile = cargo();
    compile.args(["build", "--release", "--target", "wasm32-unknown-unknown"]);
    for worker in compiled {
        compile.args(["--package", worker.name()]);
    }
    if let Some(feature) = feature {
        for worker in workers {
            compile.arg(format!("--features={}/{feature}", worker.name()));
        }
    }
    process::run(&step, &mut compile)?;
    step.done("");

    let step = Step::start("Packing the Workers");
    let tools = Tools::read()?;
    let queue = Mutex::new(workers.iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let packed: Vec<Result<Packed>> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut done = Vec::new();
                    while let Some(worker) = next() {
                        step.at(worker.name());
                        done.push(pack(worker, &scratch, &output(worker), &tools));
                    }
                    done
                })
            })
            .collect();
        lanes
            .into_iter()
            .flat_map(|lane| {
                lane.join()
                    .unwrap_or_else(|_| vec![Err(anyhow!("packing stopped"))])
            })
            .collect()
    });
    if feature.is_none() && workers.iter().any(Worker::is_public) {
        process::output(tool("node").arg("openapi/site.mjs"))?;
    }
    let mut packed = packed.into_iter().collect::<Result<Vec<_>>>()?;
    packed.sort_by(|a, b| a.area.cmp(&b.area));
    let fresh = packed.iter().filter(|worker| worker.fresh).count();
    step.done(&if fresh == 0 {
        "nothing changed".to_owned()
    } else {
        format!("{fresh} of {}", packed.len())
    });
    check_sizes(&packed)
}

struct Packed {
    area: String,
    fresh: bool,
    gzip_bytes: usize,
}

fn pack(worker: &Worker, scratch: &Path, output: &Path, tools: &Tools) -> Result<Packed> {
    let area = worker.area.clone();
    let compiled = target()
        .join("wasm32-unknown-unknown/release")
        .join(format!("{}.wasm", worker.name().replace('-', "_")));
    let wasm = fs::read(&compiled).with_context(|| format!("reading {}", compiled.display()))?;
    let classes: Vec<_> = worker.own_classes().collect();
    let stamp = hash([
        &wasm,
        tools.optimiser.as_bytes(),
        tools.bundler.as_bytes(),
        classes.join(" ").as_bytes(),
    ]);
    let stamp_file = output.join("stamp");
    let packed = output.join("index_bg.wasm");
    let up_to_date =
        fs::read_to_string(&stamp_file).is_ok_and(|old| old.lines().next() == Some(&stamp));
    if up_to_date && packed.is_file() && output.join("index.js").is_file() {
        return Ok(Packed {
            area,
            fresh: false,
            gzip_bytes: gzip_bytes(&fs::read(packed)?)?,
        });
    }

    let scratch = scratch.join(&worker.area);
    let optimised = scratch.join("optimised.wasm");
    optimise(&wasm, &scratch, &optimised, &tools.optimiser)?;

    let mut node = tool("node");
    node.arg("xtask/js/bundle.mjs")
        .arg(scratch.join("glue.js"))
        .arg(output)
        .args(&classes);
    process::output(&mut node)
        .with_context(|| format!("bundling the entry of {}", worker.name()))?;
    let bytes = fs::read(&optimised)?;
    fs::write(&packed, &bytes)?;
    fs::write(&stamp_file, format!("{stamp}\n"))?;
    Ok(Packed {
        area,
        fresh: true,
        gzip_bytes: gzip_bytes(&bytes)?,
    })
}

/// wasm-bindgen and wasm-opt, the slow part, which a change of the entry alone does not repeat.
fn optimise(wasm: &[u8], scratch: &Path, result: &Path, tools: &str) -> Result<()> {
    let stamp = hash([wasm, tools.as_bytes()]);
    let stamp_file = scratch.join("stamp");
    if result.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    fs::create_dir_all(scratch)?;
    Bindgen::new()
        .input_bytes("glue", wasm.to_vec())
        .web(true)?
        .omit_default_module_path(true)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(scratch)
        .context("wasm-bindgen")?;
    let mut wasm_opt = tool("node");
    wasm_opt
        .arg("node_modules/binaryen/bin/wasm-opt")
        // rustc has optimised already: -O3 takes three times as long, and neither size nor time of a request shows it.
        .arg("-O1")
        .args(WASM_FEATURES)
        .arg(scratch.join("glue_bg.wasm"))
        .arg("-o")
        .arg(result);
    process::output(&mut wasm_opt).context("wasm-opt")?;
    fs::write(stamp_file, stamp)?;
    Ok(())
}

fn check_sizes(packed: &[Packed]) -> Result<()> {
    for Packed {
        area, gzip_bytes, ..
    } in packed
    {
        let kilobytes = gzip_bytes.div_ceil(1000);
        let verdict = if kilobytes > WARN_KILOBYTES {
            "  above the budget of 400 kB"
        } else {
            ""
        };
        eprintln!("      {area:<12} {kilobytes:>5} kB compressed{verdict}");
    }
    if let Some(large) = packed
        .iter()
        .find(|worker| worker.gzip_bytes.div_ceil(1000) > FAIL_KILOBYTES)
    {
        bail!(
            "the WebAssembly of {} is larger than {FAIL_KILOBYTES} kB compressed",
            large.area
        );
    }
    Ok(())
}

/// What shapes the result besides the Rust code, as hashes.
struct Tools {
    optimiser: String,
    bundler: String,
}

impl Tools {
    fn read() -> Result<Self> {
        let of = |paths: &[&str]| -> Result<String> {
            let read = |path: &&str| {
                fs::read(root().join(path)).with_context(|| format!("reading {path}"))
            };
            Ok(hash(paths.iter().map(read).collect::<Result<Vec<_>>>()?))
        };
        Ok(Self {
            optimiser: of(&["xtask/src/pack.rs", "node_modules/binaryen/package.json"])?,
            bundler: of(&[
                "xtask/js/bundle.mjs",
                "xtask/js/worker/generations.mjs",
                "node_modules/esbuild/package.json",
            ])?,
        })
    }
}

fn hash<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(Sha256::digest(part));
    }
    HEXLOWER.encode(&digest.finalize())
}

fn gzip_bytes(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

/// Builds the program that makes the data of demo schools, and says where it is.
pub(crate) fn build_generator() -> Result<PathBuf> {
    let step = Step::start("Building the generator of school data");
    process::run(
        &step,
        cargo().args(["build", "--package", "homeroom-generator"]),
    )?;
    step.done("");
    Ok(target().join("debug").join("homeroom-generator"))
}

/// The native programs of a local platform.
pub(crate) struct Programs {
    pub(crate) generator: PathBuf,
    pub(crate) bridge: PathBuf,
}

/// Builds the generator and the bridge, together, so that what both are made of is compiled once.
pub(crate) fn build_programs() -> Result<Programs> {
    let step = Step::start("Building the bridge and the generator");
    let mut build = cargo();
    build.args(["build", "--package", "homeroom-generator", "--package"]);
    process::run(&step, build.args(["homeroom-bridge", "--bins"]))?;
    step.done("");
    Ok(Programs::built())
}

impl Programs {
    /// Where they are once they are built.
    pub(crate) fn built() -> Self {
        let folder = target().join("debug");
        Self {
            generator: folder.join("homeroom-generator"),
            bridge: folder.join("bridge"),
        }
    }
}

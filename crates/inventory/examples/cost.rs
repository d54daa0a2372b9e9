//! `cargo run --release -p layergate-inventory --example cost -- [-n RUNS] OCI_LAYOUT`
//!
//! What an analyzer adds to the reading of an image's layers (hashed, unpacked, analysed, one after the other): all
//! analyzers against all but this one, in turn, medians of processor and wall time, three runs without `-n`.
//! The analyzer is `secrets`, whose share has a bound (docs/benchmarks.md), or those that `LEFT_OUT` names.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    time::Instant,
};

use layergate_inventory::{Analyzer, Catalogue, inventory_layer};
use layergate_model::{Digest, Limits};
use serde_json::Value;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut runs = 3;
    if arguments.first().is_some_and(|a| a == "-n") {
        runs = arguments.get(1).ok_or("-n needs a number")?.parse::<usize>()?.max(1);
        arguments.drain(..2);
    }
    let layers = layers(Path::new(arguments.first().ok_or("which image? name the directory of its OCI layout")?))?;
    let all = Catalogue::standard();
    let left_out = std::env::var("LEFT_OUT").unwrap_or_else(|_| "secrets".to_owned());
    for id in left_out.split(',') {
        let others: Vec<&'static dyn Analyzer> =
            all.analyzers().iter().copied().filter(|a| a.id().as_str() != id).collect();
        let without = Catalogue::of(&others);
        let (mut with_it, mut without_it) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            with_it.push(measure(&all, &layers)?);
            without_it.push(measure(&without, &layers)?);
        }
        let ((cpu, wall), (less_cpu, less_wall)) = (medians(with_it), medians(without_it));
        println!(
            "{id}: with {cpu:.2} s of processor and {wall:.2} s, without {less_cpu:.2} s and {less_wall:.2} s: {:.2}x and {:.2}x",
            cpu / less_cpu,
            wall / less_wall
        );
    }
    Ok(())
}

/// The layers of the first image of a layout, by digest and file.
fn layers(layout: &Path) -> Result<Vec<(Digest, PathBuf)>, Failure> {
    let json = |path: PathBuf| Ok::<Value, Failure>(serde_json::from_slice(&std::fs::read(path)?)?);
    let digest = |descriptor: &Value| Ok::<Digest, Failure>(descriptor["digest"].as_str().unwrap_or_default().parse()?);
    let file = |digest: Digest| layout.join("blobs/sha256").join(digest.to_hex());
    let manifest = json(file(digest(&json(layout.join("index.json"))?["manifests"][0])?))?;
    let layers = manifest["layers"].as_array().ok_or("the first manifest of the layout is no image's")?;
    layers.iter().map(|layer| digest(layer).map(|d| (d, file(d)))).collect()
}

fn measure(catalogue: &Catalogue, layers: &[(Digest, PathBuf)]) -> Result<(f64, f64), Failure> {
    let (start, before) = (Instant::now(), cpu_seconds());
    for (digest, file) in layers {
        inventory_layer(BufReader::new(File::open(file)?), *digest, catalogue, &Limits::default())?;
    }
    Ok((cpu_seconds() - before, start.elapsed().as_secs_f64()))
}

fn medians(runs: Vec<(f64, f64)>) -> (f64, f64) {
    let (mut cpu, mut wall): (Vec<f64>, Vec<f64>) = runs.into_iter().unzip();
    cpu.sort_by(f64::total_cmp);
    wall.sort_by(f64::total_cmp);
    (cpu[cpu.len() / 2], wall[wall.len() / 2])
}

/// Seconds of processor time of this process, user and system, all threads.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

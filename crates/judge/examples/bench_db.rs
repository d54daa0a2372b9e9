//! `cargo run --release -p layergate-judge --example bench_db -- [RECORDS] [FEEDS_DIR]`
//!
//! Measures the snapshot at scale: generated OSV records of realistic shape (500,000 by default) beside the feeds of a
//! directory, built, opened, asked, and 600 packages judged. Prints one line for each target and exits 1 if one is
//! missed. With `BENCH_KEEP=FILE` the snapshot stays. Records come from a fixed seed, so two runs measure the same.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    process::Command,
    time::Instant,
};

use layergate_advisory::{Namespace, Snapshot};
use layergate_judge::match_image;
use layergate_model::{
    Distro, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId, PackageKind, SourcePackage,
};

type Failure = Box<dyn std::error::Error>;

/// A small generator of numbers (splitmix64): the load must be the same everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// Small numbers far more often than large ones, as popular packages have most of the advisories.
    fn popular(&mut self, n: u64) -> u64 {
        let (a, b, c) = (self.below(n), self.below(n), self.below(n));
        a.min(b).min(c)
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|a| a == "ask") {
        return ask(Path::new(arguments.get(2).map_or("", String::as_str)));
    }
    let records: u64 = arguments.get(1).map_or(Ok(500_000), |a| a.parse())?;
    let dir = tempfile::tempdir()?;
    if let Some(keep) = std::env::var_os("BENCH_KEEP") {
        println!("the snapshot stays at {}", Path::new(&keep).display());
    }
    let feeds = dir.path().join("feeds");
    fs::create_dir(&feeds)?;
    let mut dice = Dice(42);
    for part in 0..10 {
        let mut file = BufWriter::new(fs::File::create(feeds.join(format!("part-{part}.jsonl")))?);
        for number in (part..records).step_by(10) {
            file.write_all(osv(number, &mut dice).as_bytes())?;
        }
    }
    if let Some(more) = arguments.get(2) {
        copy(Path::new(more), &feeds.join("more"))?;
    }
    let snapshot = std::env::var_os("BENCH_KEEP").map_or_else(|| dir.path().join("snapshot"), Into::into);
    let (start, before) = (Instant::now(), cpu_seconds());
    let report = layergate_feeds::build_from_dir(&feeds, &snapshot)?;
    let wall = start.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - before;
    let raw: u64 = report.used.values().map(|u| u.1).sum();
    let mut missed = 0;
    let mut show = |what: &str, value: f64, unit: &str, limit: f64, at_most: bool| {
        let ok = if at_most { value <= limit } else { value >= limit };
        missed += u32::from(!ok);
        println!(
            "{what:44} {value:12.2} {unit:14} {} {limit} {}",
            if at_most { "<=" } else { ">=" },
            if ok { "ok" } else { "MISSED" }
        );
    };
    println!(
        "{} records, {:.0} MB of feeds, {:.1} MB of snapshot, {wall:.1} s wall",
        report.records,
        raw as f64 / 1e6,
        report.size as f64 / 1e6
    );
    show("build, records a second of one core", report.records as f64 / cpu, "records/s", 20_000.0, false);
    show("build, peak memory", peak_mib(), "MiB", 1024.0, true);
    show("feeds to snapshot", raw as f64 / report.size as f64, "times smaller", 10.0, false);
    // A process of its own: this one has parsed half a million records.
    let output = Command::new(std::env::current_exe()?).arg("ask").arg(&snapshot).output()?;
    let answers: BTreeMap<String, f64> = String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|l| l.split_once(' '))
        .filter_map(|(k, v)| Some((k.to_owned(), v.parse().ok()?)))
        .collect();
    let get = |key: &str| answers.get(key).copied().unwrap_or(f64::NAN);
    show("open and first look-up", get("open_ms"), "ms", 1.0, true);
    show("look-ups of one core", get("lookups"), "look-ups/s", 1_000_000.0, false);
    show("600 packages judged", get("judge_ms"), "ms", 2.0, true);
    println!("{:44} {:12.2} ms", "  of that on the processor", get("judge_cpu_ms"));
    show("memory beyond the map", get("anon_mib"), "MiB", 20.0, true);
    println!("findings of the 600 packages: {}", get("findings"));
    if missed > 0 { Err(format!("{missed} targets missed").into()) } else { Ok(()) }
}

const REGISTRIES: &[(&str, &str)] =
    &[("npm", "npm"), ("PyPI", "pypi"), ("Go", "golang"), ("Maven", "maven"), ("crates.io", "cargo")];

fn name(registry: usize, number: u64) -> String {
    match registry {
        2 => format!("github.com/owner{}/module{number}", number % 977),
        3 => format!("org.group{}:artifact{number}", number % 977),
        _ => format!("package-{number}"),
    }
}

/// One record: half of a language, half of Debian's releases, a text of the usual length.
fn osv(number: u64, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(2048);
    let year = 2010 + dice.below(16);
    let words = [
        "buffer", "overflow", "remote", "attacker", "crafted", "request", "allows", "denial", "service", "parser",
        "before", "version",
    ];
    let details: Vec<&str> = (0..100).map(|_| words[dice.below(12) as usize]).collect();
    let distribution = number % 2 == 1;
    let id = if distribution {
        format!("DEBIAN-CVE-{year}-{number}")
    } else {
        format!("GHSA-{number:04x}-{:04x}-{:04x}", dice.below(65536), dice.below(65536))
    };
    let severity = ["LOW", "MODERATE", "HIGH", "CRITICAL"][dice.below(4) as usize];
    let affected: Vec<String> = if distribution {
        let package = dice.popular(20_000);
        ["11", "12", "13"]
            .iter()
            .map(|release| {
                format!(
                    r#"{{"package":{{"ecosystem":"Debian:{release}","name":"source-{package}","purl":"pkg:deb/debian/source-{package}?arch=source"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{}.{}.{}-{}+deb{release}u{}"}}]}}],"ecosystem_specific":{{"urgency":"not yet assigned"}}}}"#,
                    dice.below(4), dice.below(20), dice.below(20), dice.below(5), dice.below(5)
                )
            })
            .collect()
    } else {
        let registry = dice.below(5) as usize;
        let package = name(registry, dice.popular(80_000));
        let (major, minor) = (dice.below(6), dice.below(30));
        vec![format!(
            r#"{{"package":{{"ecosystem":"{}","name":"{package}","purl":"pkg:{}/{package}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"{major}.0.0"}},{{"fixed":"{major}.{minor}.{}"}}]}},{{"type":"ECOSYSTEM","events":[{{"introduced":"{}.0.0"}},{{"fixed":"{}.{}.0"}}]}}],"database_specific":{{"source":"https://example.invalid/advisories/{id}.json"}}}}"#,
            REGISTRIES[registry].0,
            REGISTRIES[registry].1,
            dice.below(30),
            major + 1,
            major + 1,
            dice.below(30)
        )]
    };
    let references: Vec<String> =
        (0..5).map(|n| format!(r#"{{"type":"WEB","url":"https://example.invalid/reference/{number}/{n}"}}"#)).collect();
    // Writing into a string cannot fail.
    let _ = writeln!(
        text,
        r#"{{"schema_version":"1.7.0","id":"{id}","modified":"{year}-0{}-1{}T00:00:00Z","published":"{year}-01-01T00:00:00Z","aliases":["CVE-{year}-{number}"],"summary":"{} in {}","details":"{}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:{}/PR:N/UI:N/S:U/C:{}/I:{}/A:{}"}}],"affected":[{}],"references":[{}],"database_specific":{{"severity":"{severity}","cwe_ids":["CWE-79"],"github_reviewed":true}}}}"#,
        1 + dice.below(9),
        dice.below(10),
        details[..4].join(" "),
        details[4..6].join(" "),
        details.join(" "),
        ["L", "H"][dice.below(2) as usize],
        ["N", "L", "H"][dice.below(3) as usize],
        ["N", "L", "H"][dice.below(3) as usize],
        ["N", "L", "H"][dice.below(3) as usize],
        affected.join(","),
        references.join(",")
    );
    text
}

/// An image of 400 Debian packages, 100 of Python and 100 of npm, not quite the newest.
fn image() -> Result<ImageInventory, Failure> {
    let mut dice = Dice(7);
    let at = LayerPath::normalise("var/lib/dpkg/status")?;
    let mut packages = Vec::new();
    for n in 0..600 {
        let mut package = if n < 400 {
            let source = dice.popular(20_000);
            let version = format!("3.{}.{}-1", 16 + dice.below(4), dice.below(20));
            let mut p = Package::new(PackageKind::Deb, format!("lib{source}-{n}"), version.clone(), &at);
            p.source = Some(SourcePackage { name: format!("source-{source}"), version });
            p
        } else {
            let (kind, registry) = if n < 500 { (PackageKind::Pypi, 1) } else { (PackageKind::Npm, 0) };
            let number = dice.popular(80_000);
            Package::new(kind, name(registry, number), format!("{}.{}.0", dice.below(6), dice.below(30)), &at)
        };
        package.arch = Some("amd64".into());
        let purl = package.purl(None);
        packages.push(ImagePackage {
            id: PackageId::derive(&purl, Some(0), "x"),
            purl,
            package,
            layer: Some(0),
            origin: Origin::Unknown,
            owned_by: None,
        });
    }
    let distro = Distro {
        id: "debian".into(),
        version: Some("12.8".into()),
        codename: None,
        like: vec![],
        name: None,
        end_of_life: None,
    };
    Ok(ImageInventory { distro: Some(distro), packages, ..ImageInventory::default() })
}

fn ask(path: &Path) -> Result<(), Failure> {
    let debian = Namespace::new("debian:12")?;
    let start = Instant::now();
    let snapshot = Snapshot::open(path)?;
    let first = snapshot.lookup(&debian, "source-1").count();
    println!("open_ms {}", start.elapsed().as_secs_f64() * 1e3);
    let names: Vec<String> = (0..20_000).map(|n| format!("source-{n}")).collect();
    let rounds = 100;
    let mut found = first;
    let before = on_processor();
    for _ in 0..rounds {
        for name in &names {
            found += usize::from(snapshot.lookup(&debian, name).next().is_some());
        }
    }
    println!("lookups {}", (rounds * names.len()) as f64 / (on_processor() - before) * 1e9);
    let image = image()?;
    let mut times: Vec<f64> = Vec::new();
    let mut findings = 0;
    let runs: u32 = if std::env::var_os("BENCH_LONG").is_some() { 1001 } else { 101 };
    let before = on_processor();
    for _ in 0..runs {
        let start = Instant::now();
        findings = match_image(&image, &snapshot).findings.len();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("judge_cpu_ms {}", (on_processor() - before) / 1e6 / f64::from(runs));
    times.sort_by(f64::total_cmp);
    println!("judge_ms {}", times[times.len() / 2]);
    println!("findings {findings}");
    println!("anon_mib {}", status("RssAnon:") / 1024.0);
    if found == 0 { Err("nothing found".into()) } else { Ok(()) }
}

/// A line of `/proc/self/status`, in KiB.
fn status(key: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix(key));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// Nanoseconds that this thread has run: what others on the machine take is not in it.
fn on_processor() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(f64::NAN)
}

fn peak_mib() -> f64 {
    status("VmHWM:") / 1024.0
}

/// Seconds of processor time of this process, user and system.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).and_then(|f| f.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

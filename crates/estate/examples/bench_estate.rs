//! The estate at scale: a generated one, with the names and versions of a real snapshot, against the targets of docs/estate.md.
//!
//! `bench_estate SNAPSHOT IMAGES…`: for each number of images, what it costs to take them up, to judge all, to judge again what
//! 1,000 changed records touch, and to answer questions; medians of five, and the memory of the process. The advisories are
//! the snapshot's on the packages that are used, once as they are and once with 1,000 of their records changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Instant,
};

use jiff::Timestamp;
use layergate_advisory::{
    Affected, Builder, Day, End, FeedInfo, Namespace, Rating, Record, Snapshot, Start, VersionRange,
};
use layergate_estate::{
    Event, Found, ImageKey, Index, Judgement, KeptImage, Outline, Pins, RunId, RunKind, State, Unit,
    question::{Estate, Wanted},
};
use layergate_model::{
    Digest, Distro, ImageConfig, ImageInventory, ImagePackage, Layer, LayerPath, Limits, Origin, Package, PackageId,
    PackageKind, ReportImage,
};
use layergate_policy::Policy;

const BASES: usize = 30;
const OF_BASE: usize = 180;
const OF_APPLICATION: usize = 120;
const CHANGED: usize = 1000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }
}

/// Names with versions, as the advisories of a namespace know them.
type Names = Vec<(String, Vec<String>)>;

fn names(snapshot: &Snapshot, namespace: &str, most: usize) -> Names {
    let all = snapshot.packages().filter(|(key, _)| key.namespace == namespace);
    let mut out: Names = all
        .map(|(key, entries)| {
            let mut versions: BTreeSet<String> = BTreeSet::new();
            for range in entries.flat_map(|e| e.ranges) {
                if let End::Fixed(v) | End::Last(v) = range.end {
                    versions.insert(v.to_owned());
                }
            }
            // The newest fix leaves little open, as it is in images that are cared for.
            (key.name.to_owned(), versions.into_iter().rev().take(6).collect::<Vec<_>>())
        })
        .filter(|(_, versions)| !versions.is_empty())
        .collect();
    // Spread over the alphabet.
    let step = (out.len() / most).max(1);
    out = out.into_iter().step_by(step).take(most).collect();
    out
}

struct World {
    distros: Vec<(Distro, PackageKind, Names)>,
    languages: Vec<(PackageKind, Names)>,
}

impl World {
    fn new(snapshot: &Snapshot) -> Self {
        let distro = |id: &str, version: &str| Distro {
            id: id.into(),
            version: Some(version.into()),
            codename: None,
            like: Vec::new(),
            name: None,
            end_of_life: None,
        };
        let distros = [
            ("debian", "12", PackageKind::Deb, "debian:12"),
            ("debian", "11", PackageKind::Deb, "debian:11"),
            ("ubuntu", "22.04", PackageKind::Deb, "ubuntu:22.04"),
            ("alpine", "3.18.4", PackageKind::Apk, "alpine:3.18"),
        ];
        let distros =
            distros.into_iter().map(|(id, version, kind, ns)| (distro(id, version), kind, names(snapshot, ns, 1500)));
        let languages = [
            (PackageKind::Npm, "npm"),
            (PackageKind::Pypi, "pypi"),
            (PackageKind::Maven, "maven"),
            (PackageKind::Golang, "go"),
        ];
        let languages = languages.into_iter().map(|(kind, ns)| (kind, names(snapshot, ns, 2000)));
        let world = Self {
            distros: distros.filter(|(.., n)| n.len() > 20).collect(),
            languages: languages.filter(|(_, n)| !n.is_empty()).collect(),
        };
        assert!(
            !world.distros.is_empty() && !world.languages.is_empty(),
            "the snapshot has nothing on the usual namespaces"
        );
        world
    }

    fn package(
        kind: PackageKind,
        name: &str,
        version: &str,
        location: &str,
        layer: u32,
        distro: &Distro,
    ) -> ImagePackage {
        let package = Package::new(kind, name, version, &LayerPath::normalise(location).unwrap());
        let purl = package.purl(Some(distro));
        let id = PackageId::derive(&purl, Some(layer), package.evidence());
        let origin = if layer == 0 { Origin::Base } else { Origin::Application };
        ImagePackage { id, purl, package, layer: Some(layer), origin, owned_by: None }
    }

    fn image(&self, number: usize) -> KeptImage {
        let base = number % BASES;
        let (distro, manager, known) = &self.distros[base % self.distros.len()];
        let mut packages = Vec::with_capacity(OF_BASE + OF_APPLICATION);
        let mut seen: BTreeSet<PackageId> = BTreeSet::new();
        let mut dice = Dice(base as u64 * 7919 + 1);
        let place = if *manager == PackageKind::Apk { "lib/apk/db/installed" } else { "var/lib/dpkg/status" };
        for n in 0..OF_BASE {
            // Of three packages of a distribution one has no advisory.
            let package = if n % 3 == 2 {
                Self::package(*manager, &format!("quiet-{}", dice.below(4000)), "1.0-1", place, 0, distro)
            } else {
                let (name, versions) = &known[dice.below(known.len())];
                Self::package(*manager, name, &versions[dice.below(versions.len())], place, 0, distro)
            };
            if seen.insert(package.id.clone()) {
                packages.push(package);
            }
        }
        let mut dice = Dice(number as u64 * 104_729 + 11);
        for n in 0..OF_APPLICATION {
            let (kind, known) = &self.languages[(number + n / 60) % self.languages.len()];
            // An application keeps all its packages in one place, and so do most of its kind.
            let location = format!("srv/app/{kind}");
            let package = if n % 2 == 1 {
                let name = format!("in-house-{}", dice.below(2000));
                Self::package(*kind, &name, &format!("{}.0.0", dice.below(4)), &location, 1, distro)
            } else {
                let (name, versions) = &known[dice.below(known.len())];
                Self::package(*kind, name, &versions[dice.below(versions.len())], &location, 1, distro)
            };
            if seen.insert(package.id.clone()) {
                packages.push(package);
            }
        }
        let digest = Digest::of(format!("image {number}").as_bytes());
        let inventory = ImageInventory { distro: Some(distro.clone()), packages, ..ImageInventory::default() };
        let image = ReportImage {
            reference: reference(number),
            digest: Some(digest),
            index_digest: None,
            platform: "linux/amd64".parse().ok(),
            layers: vec![Layer { index: 0, digest, diff_id: None, created_by: None, size: 1 }],
            distro: None,
            base: None,
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        };
        KeptImage::new(image, &ImageConfig::default(), &inventory)
    }
}

fn reference(number: usize) -> String {
    format!("registry.example/team{}/app{number}:1", number % 200)
}

/// The advisories on everything that is used, `changed` of their records with other fixes.
fn advisories(snapshot: &Snapshot, used: &BTreeSet<(String, String)>, changed: &BTreeSet<usize>) -> (Snapshot, usize) {
    let mut builder = Builder::new();
    builder.feed(FeedInfo { id: "bench".into(), name: "bench".into(), url: String::new(), license: "CC0-1.0".into() });
    let mut number = 0;
    for (namespace, name) in used {
        let space = Namespace::new(namespace).unwrap();
        for entry in snapshot.lookup(&space, name) {
            let Some(vulnerability) = snapshot.vulnerability(entry.vulnerability) else { continue };
            let text = |v: &str| v.to_owned();
            let mut ranges: Vec<VersionRange> = entry
                .ranges
                .clone()
                .map(|r| VersionRange {
                    start: match r.start {
                        Start::Beginning => Start::Beginning,
                        Start::From(v) => Start::From(text(v)),
                        Start::After(v) => Start::After(text(v)),
                    },
                    end: match r.end {
                        End::Open => End::Open,
                        End::Fixed(v) => End::Fixed(text(v)),
                        End::Before(v) => End::Before(text(v)),
                        End::Last(v) => End::Last(text(v)),
                    },
                })
                .collect();
            let mut severity = entry.severity;
            if changed.contains(&number) {
                // No version is fixed any more, and it is grave.
                ranges = vec![VersionRange { start: Start::Beginning, end: End::Open }];
                severity = Some(layergate_model::Severity::Critical);
            }
            let mut record = Record::new("bench", format!("{}-{number}", vulnerability.id));
            record.aliases = vec![vulnerability.id.to_owned()];
            record.modified = Day::parse("2026-11-20");
            record.ratings = vulnerability
                .ratings()
                .map(|(source, severity)| Rating { source: source.to_owned().into(), severity })
                .collect();
            record.affected = vec![Affected {
                ranges,
                severity,
                versions: entry.versions.clone().map(str::to_owned).collect(),
                ..Affected::bare(space.clone(), name.clone(), entry.status)
            }];
            builder.add(&record).unwrap();
            number += 1;
        }
    }
    (Snapshot::from_bytes(builder.finish().unwrap()).unwrap(), number)
}

/// Resident bytes of this process now.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

struct Generated {
    index: Index,
    units: Vec<(String, ImageKey)>,
    state: State,
}

impl Generated {
    /// Judges what is new and joins every image's outline: the seconds, parts that were judged, failing images.
    fn judge(&self, judgement: &mut Judgement, pins: &Pins<'_>) -> (f64, usize, usize) {
        let began = Instant::now();
        let units = self.units.iter().map(|(reference, key)| (reference.as_str(), key));
        let touched = judgement.update(&self.index, units, pins);
        let outlines: Vec<Outline> = self
            .units
            .iter()
            .map(|(reference, key)| judgement.outline(&self.index, reference, key, pins).unwrap())
            .collect();
        let failing = outlines.iter().filter(|o| o.verdict() == layergate_model::Verdict::Fail).count();
        (began.elapsed().as_secs_f64(), touched.judged, failing)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), sizes) = (arguments.next(), arguments.collect::<Vec<_>>()) else {
        panic!("bench_estate SNAPSHOT IMAGES…");
    };
    let real = Snapshot::open(Path::new(&path)).unwrap();
    let world = World::new(&real);
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for (distro, _, names) in &world.distros {
        let release = if distro.id == "alpine" { "3.18" } else { distro.version.as_deref().unwrap() };
        used.extend(names.iter().map(|(name, _)| (format!("{}:{release}", distro.id), name.clone())));
    }
    for (kind, names) in &world.languages {
        let namespace = layergate_advisory::registry(*kind).unwrap();
        used.extend(names.iter().map(|(name, _)| (namespace.to_string(), name.clone())));
    }
    let (old, records) = advisories(&real, &used, &BTreeSet::new());
    let mut dice = Dice(4711);
    let changed: BTreeSet<usize> =
        std::iter::repeat_with(|| dice.below(records)).take(CHANGED * 2).take(CHANGED).collect();
    let (new, _) = advisories(&real, &used, &changed);
    let (policy, limits) = (Policy::default(), Limits::default());
    let pins = |snapshot| Pins {
        snapshot,
        policy: &policy,
        vex: &[],
        limits: &limits,
        analyzers: "bench",
        as_of: "2026-11-21".parse().unwrap(),
    };
    println!("{records} records on {} names; {} changed", used.len(), changed.len());
    println!(
        "| images | index images/s | full s | delta s | parts judged | images that fail before, after | package question ms | CVE question ms | list ms | memory MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for size in sizes {
        let size: usize = size.parse().unwrap();
        let empty = memory();
        let mut bench = Generated { index: Index::default(), units: Vec::with_capacity(size), state: State::default() };
        let mut taking = 0.0;
        let run = RunId::new(Timestamp::UNIX_EPOCH, RunKind::Sync, 0);
        for number in 0..size {
            let image = world.image(number);
            let key = image.key();
            let began = Instant::now();
            bench.index.insert(key, &image);
            taking += began.elapsed().as_secs_f64();
            let unit = Unit {
                key,
                digest: image.image.digest.unwrap(),
                platform: Some("linux/amd64".into()),
                complete: true,
                read_by: "bench".into(),
                since: None,
                verdict: None,
            };
            bench.units.push((reference(number), key));
            bench.state.apply(Event::Seen {
                run: run.clone(),
                reference: reference(number),
                at: Timestamp::UNIX_EPOCH,
                root: image.image.digest,
                platforms: "default".into(),
                found: Found::Images(vec![unit]),
            });
        }
        let (mut full, mut delta, mut judged, mut failing) = (Vec::new(), Vec::new(), (0, 0), (0, 0));
        let mut judgement = Judgement::default();
        for _ in 0..5 {
            judgement = Judgement::default();
            let (seconds, parts, before) = bench.judge(&mut judgement, &pins(&old));
            full.push(seconds);
            let (seconds, touched, after) = bench.judge(&mut judgement, &pins(&new));
            delta.push(seconds);
            (judged, failing) = ((parts, touched), (before, after));
        }
        let estate = Estate { state: &bench.state, index: &bench.index, judgement: &judgement };
        let ask = |question: &dyn Fn() -> usize| {
            let times = (0..5).map(|_| {
                let began = Instant::now();
                assert!(question() > 0);
                began.elapsed().as_secs_f64() * 1000.0
            });
            median(times.collect())
        };
        let name = &world.languages[0].1[7].0;
        let package = Wanted::read(&format!("pkg:npm/{name}"), Some("<99999")).unwrap();
        let id = BTreeMap::from_iter(
            old.lookup(&Namespace::new("npm").unwrap(), name)
                .filter_map(|e| Some((old.vulnerability(e.vulnerability)?.id.to_owned(), ()))),
        );
        let cve = Wanted::read(id.keys().next().unwrap(), None).unwrap();
        let package = ask(&|| estate.search(&package).count.max(1));
        let cve = ask(&|| estate.search(&cve).count.max(1));
        let list = ask(&|| estate.list(&Default::default()).len());
        println!(
            "| {size} | {:.0} | {:.2} | {:.2} | {} full, {} delta | {}, {} | {package:.0} | {cve:.0} | {list:.0} | {} |",
            size as f64 / taking,
            median(full),
            median(delta),
            judged.0,
            judged.1,
            failing.0,
            failing.1,
            (memory() - empty) >> 20,
        );
        let [packages, parts, sets] = bench.index.sizes();
        eprintln!("{size}: {packages} packages, {parts} parts, {sets} sets");
    }
}

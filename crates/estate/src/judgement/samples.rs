//! Estates made up for tests: a few bases, a few applications, and snapshots, policies and VEX beside them, all from a seed.

use jiff::civil::Date;
use layergate_advisory::{
    Affected, Builder, End, EndOfLife, FeedInfo, Namespace, Rating, Record, Snapshot, Start, VersionRange,
};
use layergate_model::{
    Check, Digest, Distro, Effect, Gap, GapKind, ImageConfig, ImageInventory, ImagePackage, Layer, LayerPath, Origin,
    Package, PackageId, PackageKind, ReportImage, Severity, Signal, SourcePackage, Status,
};
use layergate_policy::{Policy, VexDocument};

use crate::KeptImage;

/// Numbers that follow from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }

    fn of<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

pub(crate) const DEBS: [&str; 8] = ["openssl", "zlib", "glibc", "bash", "curl", "perl", "libc6", "nginx"];
const LANGUAGES: [(PackageKind, &str); 8] = [
    (PackageKind::Npm, "lodash"),
    (PackageKind::Npm, "express"),
    (PackageKind::Pypi, "django"),
    (PackageKind::Maven, "org.apache.logging.log4j:log4j-core"),
    (PackageKind::Maven, "log4j-core"),
    (PackageKind::Golang, "golang.org/x/net"),
    (PackageKind::Generic, "node"),
    (PackageKind::Cran, "ggplot2"),
];
const VERSIONS: [&str; 6] = ["1.0.0", "1.2.3", "2.0.0", "2.14.1", "2.17.1", "not a version"];

/// An image that follows from its number.
pub(crate) fn image(seed: u64) -> KeptImage {
    let mut dice = Dice::new(seed / 3 + 1);
    let mut packages = Vec::new();
    let distro = match dice.below(6) {
        0 => None,
        1 => Some(distro("ubuntu", "18.04")),
        2 => Some(distro("alpine", "3.18.4")),
        3 => Some(distro("nobody", "1")),
        _ => Some(distro("debian", if dice.one_in(2) { "12" } else { "11" })),
    };
    let manager = if distro.as_ref().is_some_and(|d| d.id == "alpine") { PackageKind::Apk } else { PackageKind::Deb };
    for n in 0..dice.below(6) {
        let version = format!("{}-{}", dice.of(&VERSIONS[..5]), n + 1);
        let mut package = plain(manager, DEBS[(n + dice.below(3)) % DEBS.len()], &version, "var/lib/dpkg/status");
        if dice.one_in(3) {
            package.source = Some(SourcePackage { name: (*dice.of(&DEBS)).into(), version: version.clone() });
        }
        if dice.one_in(4) {
            package.vendor =
                Some((*dice.of(&["Docker <support@docker.com>", "Debian Developers <d@debian.org>"])).into());
        }
        if dice.one_in(6) {
            package.version.push_str("+esm1");
        }
        packages.push((package, Some(0), Origin::Base));
    }
    // Images of one base differ from here on.
    let mut dice = Dice::new(seed + 1000);
    for n in 0..dice.below(6) {
        let (kind, name) = *dice.of(&LANGUAGES);
        let place = dice.of(&["srv/app/a", "usr/lib/b", "opt/c"]).to_string();
        let version = *dice.of(&VERSIONS);
        let mut package = plain(kind, name, version, &format!("{place}/{n}"));
        if dice.one_in(5) {
            package.scope = layergate_model::Scope::Dev;
        }
        packages.push((package, Some(1), Origin::Application));
    }
    if dice.one_in(12) {
        packages.push((plain(PackageKind::Rpm, "curl", "1.2.3-1", "var/lib/rpm/Packages"), Some(1), Origin::Unknown));
    }
    if dice.one_in(12) {
        packages.push((plain(PackageKind::Bitnami, "node", "1.2.3", "opt/bitnami/node"), Some(1), Origin::Unknown));
    }
    let mut listed: Vec<ImagePackage> = packages
        .into_iter()
        .map(|(package, layer, origin)| {
            let purl = package.purl(distro.as_ref());
            let id = PackageId::derive(&purl, layer, package.evidence());
            ImagePackage { id, purl, package, layer, origin, owned_by: None }
        })
        .collect();
    listed.dedup_by(|a, b| a.id == b.id);
    let owner = listed.first().filter(|p| p.package.kind.is_os()).map(|p| p.id.clone());
    for package in listed.iter_mut().filter(|p| !p.package.kind.is_os()) {
        package.owned_by = owner.clone().filter(|_| dice.one_in(3));
    }
    let gaps = match dice.below(8) {
        0 => vec![Gap::new(GapKind::FileLimit, "srv/big", "too large")],
        1 => vec![Gap::new(GapKind::PackedProgram, "srv/packed", "packed")],
        _ => Vec::new(),
    };
    let checks = match dice.below(4) {
        0 => vec![Check {
            id: "root-user".into(),
            title: "t".into(),
            reason: "r".into(),
            severity: Severity::High,
            effect: Effect::Ignore,
            remediation: "m".into(),
            location: "config.User".into(),
        }],
        _ => Vec::new(),
    };
    let inventory = ImageInventory { distro, packages: listed, checks, gaps, ..ImageInventory::default() };
    let created = dice.one_in(2).then(|| "2026-03-01T00:00:00Z".to_owned());
    let config = ImageConfig { created, ..ImageConfig::default() };
    let digest = Digest::of(format!("image {seed}").as_bytes());
    let image = ReportImage {
        reference: reference(seed),
        digest: Some(digest),
        index_digest: dice.one_in(3).then(|| Digest::of(b"index")),
        platform: "linux/amd64".parse().ok(),
        layers: vec![Layer { index: 0, digest, diff_id: None, created_by: None, size: 1 }],
        distro: None,
        base: None,
        other_platforms: if dice.one_in(4) { vec!["linux/arm64".into()] } else { Vec::new() },
        left_out: Vec::new(),
    };
    KeptImage::new(image, &config, &inventory)
}

/// The reference of that image.
pub(crate) fn reference(seed: u64) -> String {
    let (team, tag) = (["payments", "web"][seed as usize % 2], ["latest", "1"][seed as usize / 2 % 2]);
    format!("registry.example/{team}/app{seed}:{tag}")
}

fn plain(kind: PackageKind, name: &str, version: &str, location: &str) -> Package {
    Package::new(kind, name, version, &LayerPath::normalise(location).unwrap())
}

fn distro(id: &str, version: &str) -> Distro {
    Distro {
        id: id.into(),
        version: Some(version.into()),
        codename: None,
        like: Vec::new(),
        name: None,
        end_of_life: None,
    }
}

/// A snapshot that follows from a seed; those of seeds near each other have most in common.
pub(crate) fn snapshot(seed: u64) -> Snapshot {
    let mut builder = Builder::new();
    for id in ["feed", "cisa-kev", "epss", "another"] {
        let info = FeedInfo { id: id.into(), name: id.into(), url: String::new(), license: "CC0-1.0".into() };
        builder.feed(info);
    }
    let mut dice = Dice::new(seed);
    let spaces = [
        "debian:12",
        "debian:11",
        "ubuntu:18.04",
        "ubuntu-esm:18.04",
        "alpine:3.18",
        "npm",
        "pypi",
        "maven",
        "go",
        "bitnami",
    ];
    for number in 0..60u64 {
        // One in eight records differs from seed to seed.
        let mut own = Dice::new(if Dice::new(seed + number * 7).one_in(8) { seed * 1000 + number } else { number });
        let space = *own.of(&spaces);
        let name = match space {
            "npm" => *own.of(&["lodash", "express"]),
            "pypi" => "django",
            "maven" => "org.apache.logging.log4j:log4j-core",
            "go" => "golang.org/x/net",
            "bitnami" => "node",
            _ => *own.of(&DEBS),
        };
        let namespace = Namespace::new(space).unwrap();
        let status = *own.of(&[Status::Fixed, Status::Affected, Status::NotAffected]);
        let mut affected = match status {
            Status::Fixed => Affected::fixed(namespace, name, *own.of(&VERSIONS[1..5])),
            other => Affected::unfixed(namespace, name, other),
        };
        if own.one_in(5) {
            affected.ranges =
                vec![VersionRange { start: Start::From("1.0.0".into()), end: End::Last("2.14.1".into()) }];
        }
        let mut record = Record::new("feed", format!("CVE-2026-{number:04}"));
        record.aliases = if own.one_in(4) { vec![format!("GHSA-{number:04}")] } else { Vec::new() };
        record.ratings = vec![Rating { source: "nvd".into(), severity: *own.of(&Severity::ALL) }];
        record.modified = layergate_advisory::Day::parse(["2026-11-01", "2026-11-20", "2026-08-01"][dice.below(3)]);
        record.affected = vec![affected];
        builder.add(&record).unwrap();
        if own.one_in(6) {
            let mut kev = Record::new("cisa-kev", record.id.clone());
            kev.signals.push(Signal::new("cisa-kev", "exploited").of(Some("2026-10-01".into())));
            builder.add(&kev).unwrap();
        }
        if own.one_in(4) {
            let mut epss = Record::new("epss", record.id.clone());
            epss.signals.push(Signal::epss(own.below(1_000_000) as u32));
            builder.add(&epss).unwrap();
        }
        if own.one_in(5) {
            let mut another = Record::new("another", record.id.clone());
            another.signals.push(Signal::new("another", "automatable"));
            builder.add(&another).unwrap();
        }
    }
    if dice.one_in(2) {
        let row = |distro: &str, release: &str, date: &str| EndOfLife {
            distro: distro.into(),
            release: release.into(),
            date: date.into(),
        };
        builder.end_of_life([row("debian", "11", "2026-08-31"), row("ubuntu", "18.04", "2023-05-31")]);
    }
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

/// A policy that follows from a seed.
pub(crate) fn policy(seed: u64) -> Policy {
    let texts = [
        "",
        "[findings]\nfail-on = \"medium\"\nonly-fixed = false\nepss-from = 0.5\nsignal = [{ kind = \"automatable\", effect = \"fail\" }]\n[advisories]\nmax-age-days = 30\n",
        "[findings]\nfail-on = \"critical\"\n[checks]\nfail-on = \"high\"\n[gaps]\nend_of_life = \"fail\"\nstale_advisories = \"error\"\n",
        "[[override]]\nimages = [\"registry.example/payments/*\"]\nreason = \"r\"\n[override.findings]\nfail-on = \"low\"\nonly-fixed = false\n",
        "[[exception]]\nadvisory = \"CVE-2026-00*\"\nreason = \"r\"\nexpires = \"2026-11-25\"\n[[exception]]\nadvisory = \"CVE-2026-001*\"\nimage = \"registry.example/web/*\"\nreason = \"r\"\nexpires = \"never\"\n",
        "[licenses]\nunknown = \"fail\"\n[[override]]\npaths = [\"srv/**\"]\nreason = \"r\"\n[override.findings]\nfail-on = \"never\"\n",
        "[[exception]]\ngap = \"end_of_life\"\nreason = \"r\"\nexpires = \"never\"\n[gaps]\nend_of_life = \"error\"\nthird_party_package = \"fail\"\n",
    ];
    Policy::parse(texts[seed as usize % texts.len()], "policy.toml").unwrap()
}

/// VEX documents that follow from a seed; mostly none.
pub(crate) fn vex(seed: u64) -> Vec<VexDocument> {
    let statement = |id: &str, product: &str| {
        format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example/vex-{seed}","author":"a","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[{{"vulnerability":{{"name":"{id}"}},"products":[{{"@id":"{product}"}}],"status":"not_affected","justification":"component_not_present"}}]}}"#
        )
    };
    let text = match seed % 4 {
        0 => statement("CVE-2026-0003", "pkg:npm/lodash"),
        1 => statement(&format!("CVE-2026-{:04}", seed % 60), "pkg:pypi/django"),
        _ => return Vec::new(),
    };
    vec![VexDocument::parse(text.as_bytes(), "vex.json").unwrap()]
}

/// A day that follows from a seed.
pub(crate) fn day(seed: u64) -> Date {
    ["2026-11-21", "2026-11-25", "2026-11-26", "2027-02-01"][seed as usize % 4].parse().unwrap()
}

//! A small Debian image, a snapshot of one record, and findings by marks.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use jiff::civil::Date;
use layergate_advisory::{Builder, Day, EndOfLife, Record, Snapshot};
use layergate_judge::{AssessInput, Matches, assess_matches};
use layergate_model::{
    Digest, Distro, Effect, Evidence, Finding, ImageInventory, ImagePackage, Kev, Layer, LayerPath, Limits, Origin,
    Package, PackageId, PackageKind, Report, ReportImage, Scope, Severity, Signal, Signals, SourcePackage, Status,
};
use layergate_policy::{Policy, VexDocument};

pub struct Scene {
    pub inventory: ImageInventory,
    pub snapshot: Option<Snapshot>,
    pub policy: Policy,
    pub vex: Vec<VexDocument>,
    pub as_of: Date,
    pub limits: Limits,
}

fn package(kind: PackageKind, name: &str, source: &str, path: &str, distro: &Distro) -> ImagePackage {
    let mut package = Package::new(kind, name, "1.0-1", &LayerPath::normalise(path).unwrap());
    if !source.is_empty() {
        package.source = Some(SourcePackage { name: source.into(), version: "1.0-1".into() });
    }
    let purl = package.purl(Some(distro));
    ImagePackage {
        id: PackageId::derive(&purl, Some(0), path),
        purl,
        package,
        layer: Some(0),
        origin: Origin::Unknown,
        owned_by: None,
    }
}

impl Scene {
    /// Debian 10 (fixed until 2025-06-30 by the snapshot) with libssl3, curl, left-pad and a development dependency,
    /// judged on 2026-02-10 with advisories of 2025-06-01.
    pub fn debian() -> Self {
        let distro = Distro {
            id: "debian".into(),
            version: Some("10".into()),
            codename: Some("buster".into()),
            like: Vec::new(),
            name: None,
            end_of_life: None,
        };
        let status = "var/lib/dpkg/status";
        let mut packages = vec![
            package(PackageKind::Deb, "libssl3", "openssl", status, &distro),
            package(PackageKind::Deb, "curl", "", status, &distro),
            package(PackageKind::Npm, "left-pad", "", "srv/app/node_modules/left-pad/package.json", &distro),
            package(PackageKind::Npm, "mocha", "", "srv/app/node_modules/mocha/package.json", &distro),
        ];
        packages[2].package.licenses = vec!["WTFPL".into()];
        packages[3].package.scope = Scope::Dev;
        Self {
            inventory: ImageInventory { distro: Some(distro), packages, ..ImageInventory::default() },
            snapshot: Some(snapshot()),
            policy: Policy::default(),
            vex: Vec::new(),
            as_of: "2026-02-10".parse().unwrap(),
            limits: Limits::default(),
        }
    }

    pub fn ids(&self) -> [PackageId; 4] {
        std::array::from_fn(|n| self.inventory.packages[n].id.clone())
    }

    /// Adds packages until there are `many`.
    pub fn fill(&mut self, many: usize) {
        let distro = self.inventory.distro.clone().unwrap();
        for n in self.inventory.packages.len()..many {
            let p = package(PackageKind::Deb, &format!("p{n}"), "", "var/lib/dpkg/status", &distro);
            self.inventory.packages.push(p);
        }
    }

    pub fn input(&self) -> AssessInput<'_> {
        AssessInput {
            image: ReportImage {
                reference: "ghcr.io/team/app:1.0".into(),
                digest: Some(Digest::of(b"manifest")),
                index_digest: None,
                platform: Some("linux/amd64".parse().unwrap()),
                layers: vec![Layer {
                    index: 0,
                    digest: Digest::of(b"layer"),
                    diff_id: None,
                    created_by: None,
                    size: 1,
                }],
                distro: None,
                base: None,
                other_platforms: Vec::new(),
                left_out: Vec::new(),
            },
            inventory: &self.inventory,
            snapshot: self.snapshot.as_ref(),
            policy: &self.policy,
            vex: &self.vex,
            limits: &self.limits,
            analyzers: "test-analyzers",
            as_of: self.as_of,
        }
    }

    pub fn judge(&self, matches: Matches) -> Report {
        assess_matches(self.input(), matches)
    }
}

/// `c`, `h`, `m`, `l`, `u` severity; `+` fix; `k` exploited; `x` malicious.
pub fn finding(on: &PackageId, advisory: &str, marks: &str) -> Finding {
    let has = |c: char| marks.contains(c);
    Finding {
        id: on.finding(advisory),
        advisory: advisory.into(),
        aliases: Vec::new(),
        title: None,
        severity: match marks.chars().next() {
            Some('c') => Severity::Critical,
            Some('h') => Severity::High,
            Some('m') => Severity::Medium,
            Some('l') => Severity::Low,
            _ => Severity::Unknown,
        },
        severity_source: None,
        cvss: Vec::new(),
        cwe: Vec::new(),
        signals: (has('k').then(|| Kev { date_added: "2025-01-02".into(), due_date: None, ransomware: true }))
            .map_or_else(Signals::default, Signals::from)
            .into_iter()
            .chain(has('a').then(|| Signal::new("cisa-ssvc", "automatable")))
            .collect(),
        malicious: has('x'),
        package: on.clone(),
        status: if has('+') { Status::Fixed } else { Status::Affected },
        fixed_versions: if has('+') { vec!["1.0-2".into()] } else { Vec::new() },
        remediation: String::new(),
        layer: Some(0),
        evidence: Evidence { range: "< 1.0-2".into(), feed: "test".into(), matched_name: None },
        effect: Effect::Ignore,
        suppressed_by: None,
    }
}

fn snapshot() -> Snapshot {
    let mut builder = Builder::new();
    builder.end_of_life([EndOfLife { distro: "debian".into(), release: "10".into(), date: "2025-06-30".into() }]);
    let record = Record { modified: Day::parse("2025-06-01"), ..Record::new("test", "CVE-2025-0001") };
    builder.add(&record).unwrap();
    Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
}

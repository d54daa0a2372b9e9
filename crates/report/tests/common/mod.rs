//! Hand-made reports, and goldens: `UPDATE_GOLDEN=1 cg test -p layergate-report` writes them anew; read the diff.
#![allow(dead_code, unreachable_pub)]

use std::path::PathBuf;

use layergate_model::*;

/// A digest that shows its origin.
pub fn digest(word: &str) -> Digest {
    Digest::of(word.as_bytes())
}

fn package(kind: PackageKind, purl: &str, name: &str, version: &str, layer: u32, location: &str) -> ReportPackage {
    let purl: Purl = purl.parse().unwrap();
    ReportPackage {
        id: PackageId::derive(&purl, Some(layer), location),
        purl,
        name: name.into(),
        version: version.into(),
        kind,
        source: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
        scope: Scope::Runtime,
        provenance: layergate_model::Provenance::Registry,
        origin: if layer == 0 { Origin::Base } else { Origin::Application },
        owned_by: None,
        layer: Some(layer),
        locations: vec![location.into()],
        hashes: Vec::new(),
        depends_on: Vec::new(),
        upgrade_to: None,
    }
}

fn finding(package: &ReportPackage, advisory: &str, severity: Severity, fixed: &[&str], effect: Effect) -> Finding {
    let todo = package.source.as_ref().map_or(&package.name, |s| &s.name);
    Finding {
        id: package.id.finding(advisory),
        advisory: advisory.into(),
        aliases: Vec::new(),
        title: None,
        severity,
        severity_source: Some("nvd".into()),
        cvss: Vec::new(),
        cwe: Vec::new(),
        signals: Signals::default(),
        malicious: false,
        package: package.id.clone(),
        status: if fixed.is_empty() { Status::Affected } else { Status::Fixed },
        fixed_versions: fixed.iter().map(|v| (*v).to_owned()).collect(),
        remediation: fixed.last().map(|v| format!("upgrade {todo} to {v}")).unwrap_or_default(),
        layer: package.layer,
        evidence: Evidence {
            range: fixed.last().map_or("all versions".into(), |v| format!("< {v}")),
            feed: "debian".into(),
            matched_name: package.source.as_ref().map(|s| s.name.clone()),
        },
        effect,
        suppressed_by: None,
    }
}

/// A report without packages or findings.
pub fn empty() -> Report {
    Report {
        schema: REPORT_SCHEMA.into(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        image: ReportImage {
            reference: "registry.example:5000/team/app:1.2".into(),
            digest: Some(digest("image")),
            index_digest: None,
            platform: Some(Platform::linux_amd64()),
            layers: vec![Layer {
                index: 0,
                digest: digest("layer 0"),
                diff_id: Some(digest("diff 0")),
                created_by: Some("/bin/sh -c #(nop) ADD file:4d1b2c in / ".into()),
                size: 29_124_096,
            }],
            distro: Some(Distro {
                id: "debian".into(),
                version: Some("12.8".into()),
                codename: Some("bookworm".into()),
                like: Vec::new(),
                name: None,
                end_of_life: Some("2028-06-30".into()),
            }),
            base: None,
            other_platforms: Vec::new(),
            left_out: Vec::new(),
        },
        inputs: Inputs {
            snapshot: Some(digest("snapshot")),
            snapshot_date: Some("2026-11-20".into()),
            policy: digest("policy"),
            exceptions: digest("exceptions"),
            vex: Vec::new(),
            limits: "layer=1".into(),
            analyzers: "apk1.dpkg1".into(),
            judge: "1".into(),
            as_of: "2026-11-21".into(),
        },
        summary: Summary::default(),
        packages: Vec::new(),
        findings: Vec::new(),
        checks: Vec::new(),
        secrets: Vec::new(),
        gaps: Vec::new(),
        sources: Vec::new(),
    }
}

fn sum(mut report: Report) -> Report {
    report.packages.sort_by(|a, b| (a.kind, &a.name, &a.version).cmp(&(b.kind, &b.name, &b.version)));
    let mut counts = FindingCounts::default();
    for f in report.findings.iter().filter(|f| f.suppressed_by.is_none()) {
        match f.severity {
            Severity::Critical => counts.critical += 1,
            Severity::High => counts.high += 1,
            Severity::Medium => counts.medium += 1,
            Severity::Low => counts.low += 1,
            Severity::Negligible => counts.negligible += 1,
            Severity::Unknown => counts.unknown += 1,
        }
    }
    let n = |n: usize| u32::try_from(n).unwrap();
    report.summary = Summary {
        packages: n(report.packages.len()),
        findings: counts,
        fixable: n(report
            .findings
            .iter()
            .filter(|f| f.suppressed_by.is_none() && !f.fixed_versions.is_empty())
            .count()),
        suppressed: n(report.findings.iter().filter(|f| f.suppressed_by.is_some()).count()),
        gaps: n(report.gaps.len()),
    };
    report
}

/// A Debian image with an application upon it, and one of everything against it.
pub fn failing() -> Report {
    let mut r = empty();
    r.verdict = Verdict::Fail;
    r.image.layers.push(Layer {
        index: 1,
        digest: digest("layer 1"),
        diff_id: None,
        created_by: Some("RUN /bin/sh -c npm ci --omit=dev && rm -rf /root/.npm # buildkit".into()),
        size: 1_048_576,
    });
    r.image.base = Some(BaseImage {
        name: Some("docker.io/library/debian:12".into()),
        digest: None,
        layers: 1,
        source: "label".into(),
    });
    r.image.other_platforms = vec!["linux/arm64/v8".into()];
    let status = "var/lib/dpkg/status";
    let deb = |name: &str, version: &str, source: &str| {
        let mut purl = format!("pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12.8");
        if source != name {
            purl.push_str(&format!("&upstream={source}"));
        }
        let mut p = package(PackageKind::Deb, &purl, name, version, 0, status);
        p.source = Some(SourcePackage { name: source.into(), version: version.into() });
        p
    };
    let mut libssl = deb("libssl3", "3.0.11-1~deb12u2", "openssl");
    libssl.licenses = vec!["Apache-2.0".into()];
    let mut openssl = deb("openssl", "3.0.11-1~deb12u2", "openssl");
    for package in [&mut libssl, &mut openssl] {
        package.upgrade_to = Some("3.0.15-1~deb12u1".into());
    }
    let mut tar = deb("tar", "1.34+dfsg-1.2+deb12u1", "tar");
    tar.licenses = vec!["GPL-3.0-or-later AND FSFAP".into()];
    let mut perl = deb("perl-base", "5.36.0-7+deb12u1", "perl");
    perl.licenses = vec!["Artistic or GPL-1+, see file".into()];
    let mut lodash = package(
        PackageKind::Npm,
        "pkg:npm/lodash@4.17.20",
        "lodash",
        "4.17.20",
        1,
        "app/node_modules/lodash/package.json",
    );
    lodash.licenses = vec!["MIT".into()];
    lodash.upgrade_to = Some("4.17.21".into());
    lodash.hashes = vec![
        "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae".into(),
        "sha512-MJ7MSJwS1utMxA9QyQLytNDtd+5RGnx6m808qG1M2G+YndNbxf9JlnDaNCVbRbDP2DDoH2Bdz33FVC6TrpzXbw==".into(),
    ];
    let mut babel = package(
        PackageKind::Npm,
        "pkg:npm/%40babel/core@7.26.0",
        "@babel/core",
        "7.26.0",
        1,
        "app/node_modules/@babel/core/package.json",
    );
    babel.scope = Scope::Dev;
    babel.depends_on = vec![lodash.id.clone()];

    let mut nc = finding(&libssl, "CVE-2024-5535", Severity::Critical, &["3.0.15-1~deb12u1"], Effect::Fail);
    nc.title = Some("SSL_select_next_proto buffer overread".into());
    nc.aliases = vec!["DSA-5764-1".into()];
    nc.cwe = vec!["CWE-125".parse().unwrap(), "CWE-200".parse().unwrap()];
    nc.cvss = vec![Cvss {
        source: "nvd".into(),
        version: "3.1".into(),
        vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H".into(),
        score_tenths: 91,
    }];
    let mut nc2 = nc.clone();
    nc2.package = openssl.id.clone();
    nc2.id = openssl.id.finding("CVE-2024-5535");
    let mut kev = finding(&lodash, "CVE-2021-23337", Severity::High, &["4.17.21"], Effect::Fail);
    kev.aliases = vec!["GHSA-35jh-r3h4-6jhm".into()];
    kev.title = Some("Command injection through the template function of lodash".into());
    kev.signals = Kev { date_added: "2026-01-02".into(), due_date: None, ransomware: true }.into();
    kev.signals.add(Signal::epss(312_345));
    let mut quiet = finding(&libssl, "CVE-2024-2511", Severity::Low, &["3.0.14-1~deb12u1"], Effect::Warn);
    quiet.title = Some("Unbounded memory growth with session handling in TLSv1.3".into());
    let tar_low = finding(&tar, "CVE-2005-2541", Severity::Negligible, &[], Effect::Ignore);
    let mut perl_medium = finding(&perl, "CVE-2023-31486", Severity::Medium, &[], Effect::Warn);
    perl_medium.status = Status::WillNotFix;
    let mut perl_high = finding(&perl, "CVE-2023-31484", Severity::High, &[], Effect::Warn);
    perl_high.suppressed_by = Some(Suppression {
        kind: "exception".into(),
        id: "cpan-unused".into(),
        justification: "CPAN.pm is never run in this image".into(),
        expires: Some("2027-01-31".into()),
    });
    let mut vexed = finding(&openssl, "CVE-2024-4603", Severity::Medium, &["3.0.14-1~deb12u1"], Effect::Ignore);
    vexed.status = Status::NotAffected;
    vexed.suppressed_by = Some(Suppression {
        kind: "vex".into(),
        id: "https://example.com/vex/1".into(),
        justification: "vulnerable_code_not_in_execute_path".into(),
        expires: None,
    });
    let perl_unknown = finding(&perl, "TEMP-0881234-ABCDEF", Severity::Unknown, &[], Effect::Warn);
    r.reasons = vec![
        Reason {
            rule: "severity".into(),
            effect: Effect::Fail,
            text: "3 findings of severity critical or high have a fix".into(),
            finding_ids: vec![nc.id.clone(), nc2.id.clone(), kev.id.clone()],
        },
        Reason {
            rule: "kev".into(),
            effect: Effect::Fail,
            text: "CVE-2021-23337 is known to be exploited".into(),
            finding_ids: vec![kev.id.clone()],
        },
        Reason {
            rule: "secret".into(),
            effect: Effect::Fail,
            text: "1 secret lies in the image: app/.env".into(),
            finding_ids: vec![],
        },
        Reason {
            rule: "gap".into(),
            effect: Effect::Warn,
            text: "1 file could not be read".into(),
            finding_ids: vec![],
        },
    ];
    r.findings = vec![nc, nc2, kev, quiet, tar_low, perl_medium, perl_high, vexed, perl_unknown];
    r.packages = vec![libssl, openssl, tar, perl, lodash, babel];
    r.checks = vec![Check {
        id: "root-user".into(),
        title: "the container runs as root".into(),
        reason: "root in a container is root where user namespaces are not in use".into(),
        severity: Severity::Medium,
        effect: Effect::Warn,
        remediation: "add a USER instruction that names an unprivileged user".into(),
        location: "config.User".into(),
    }];
    r.secrets = vec![Secret {
        rule: "aws-access-key-id".into(),
        title: "AWS access key id".into(),
        severity: Severity::Critical,
        path: "app/.env".into(),
        line: 3,
        redacted: "AKIA********7Q".into(),
    }];
    r.gaps = vec![ReportGap {
        kind: GapKind::UnreadableFile,
        place: "app/node_modules/odd/package.json".into(),
        detail: "not JSON: expected value at line 1 column 1".into(),
        effect: Effect::Warn,
    }];
    sum(r)
}

/// An image of which a layer could not be read.
pub fn error() -> Report {
    let mut r = empty();
    r.verdict = Verdict::Error;
    r.image.distro = None;
    r.image.platform = None;
    r.gaps = vec![
        ReportGap {
            kind: GapKind::LayerLimit,
            place: digest("layer 0").to_string(),
            detail: "the layer unpacks to more than 68719476736 bytes (max-unpacked-bytes)".into(),
            effect: Effect::Error,
        },
        ReportGap {
            kind: GapKind::StaleAdvisories,
            place: "alpine".into(),
            detail: "the newest record is 40 days old, the policy allows 14".into(),
            effect: Effect::Warn,
        },
    ];
    r.reasons = vec![Reason {
        rule: "gap".into(),
        effect: Effect::Error,
        text: "1 layer was not read to its end, so packages may be missing".into(),
        finding_ids: vec![],
    }];
    sum(r)
}

/// Every text that an image's author controls tries to be something else.
pub fn hostile() -> Report {
    let mut r = empty();
    r.verdict = Verdict::Fail;
    let evil =
        "\u{1b}]0;pwned\u{7}\u{1b}[2Jevil<script>alert(1)</script>|[x](javascript:alert(1))\r\n::error::hi\u{202e}";
    r.image.reference = format!("docker-archive:{evil}.tar");
    r.image.layers[0].created_by = Some(format!("RUN echo {evil} @everyone `rm`"));
    let mut p = package(PackageKind::Npm, "pkg:npm/evil@1.0.0", evil, "1.0\u{1b}[31m", 0, "app/]]>\u{0}/<b>");
    p.licenses = vec!["<img src=x onerror=alert(1)>".into(), "LicenseRef-a b".into()];
    let mut f = finding(&p, "CVE-2026-0001\u{1b}[8m", Severity::High, &["2.0\"><script>"], Effect::Fail);
    f.title = Some(format!("--> ]]> {evil} www.evil.example"));
    f.malicious = true;
    r.reasons = vec![Reason {
        rule: "malicious".into(),
        effect: Effect::Fail,
        text: format!("{evil} is malicious"),
        finding_ids: vec![f.id.clone()],
    }];
    r.findings = vec![f];
    r.packages = vec![p];
    r.checks = vec![Check {
        id: "env-secret".into(),
        title: evil.into(),
        reason: evil.into(),
        severity: Severity::High,
        effect: Effect::Fail,
        remediation: evil.into(),
        location: evil.into(),
    }];
    r.secrets = vec![Secret {
        rule: "generic".into(),
        title: evil.into(),
        severity: Severity::High,
        path: evil.into(),
        line: 0,
        redacted: "a\u{1b}***b".into(),
    }];
    r.gaps =
        vec![ReportGap { kind: GapKind::HostilePath, place: evil.into(), detail: evil.into(), effect: Effect::Warn }];
    sum(r)
}

/// The samples by name.
pub fn samples() -> Vec<(&'static str, Report)> {
    vec![("empty", empty()), ("failing", failing()), ("error", error()), ("hostile", hostile())]
}

/// A report that only lists what an inventory holds.
pub fn report_of(inventory: &ImageInventory, reference: &str) -> Report {
    let mut r = empty();
    r.image.reference = reference.into();
    r.image.digest = None;
    r.image.layers.clear();
    r.image.distro = inventory.distro.clone();
    let find = |kind, d: &Dependency| {
        let same = |p: &&ImagePackage| {
            p.package.kind == kind
                && p.package.name == d.name
                && d.version.as_ref().is_none_or(|v| *v == p.package.version)
        };
        inventory.packages.iter().find(same).map(|p| p.id.clone())
    };
    r.packages = inventory
        .packages
        .iter()
        .map(|p| ReportPackage {
            id: p.id.clone(),
            purl: p.purl.clone(),
            name: p.package.name.clone(),
            version: p.package.version.clone(),
            kind: p.package.kind,
            source: p.package.source.clone(),
            module: p.package.module.clone(),
            vendor: p.package.vendor.clone(),
            licenses: p.package.licenses.clone(),
            scope: p.package.scope,
            provenance: layergate_model::Provenance::Registry,
            origin: p.origin,
            owned_by: p.owned_by.clone(),
            layer: None,
            locations: p.package.locations.clone(),
            hashes: p.package.hashes.clone(),
            depends_on: p.package.dependencies.iter().filter_map(|d| find(p.package.kind, d)).collect(),
            upgrade_to: None,
        })
        .collect();
    let gap =
        |g: &Gap| ReportGap { kind: g.kind, place: g.place.clone(), detail: g.detail.clone(), effect: Effect::Warn };
    r.gaps = inventory.gaps.iter().map(gap).collect();
    sum(r)
}

/// Compares with a golden file; with `UPDATE_GOLDEN` set, writes it.
pub fn golden(name: &str, got: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, got).unwrap();
        return;
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(want == got, "{} differs; UPDATE_GOLDEN=1 writes it anew. Got:\n{got}", path.display());
}

//! VEX in three formats: what is read, what it is about, and what contradicts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use jiff::civil::{Date, date};
use layergate_model::{
    Digest, Distro, Effect, Evidence, Finding, ImageInventory, ImagePackage, LayerPath, Origin, Package, PackageId,
    PackageKind, Severity, Signals, SourcePackage, Status,
};
use layergate_policy::{VexAnswer, VexDocument, VexError, VexFormat, VexImage, VexIndex};

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

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

fn package(kind: PackageKind, name: &str, version: &str, path: &str, distro: Option<&Distro>) -> ImagePackage {
    let mut package = Package::new(kind, name, version, &LayerPath::normalise(path).unwrap());
    if kind.is_os() {
        package.arch = Some("amd64".into());
        package.source = Some(SourcePackage { name: format!("{name}-src"), version: version.into() });
    }
    let purl = package.purl(distro);
    ImagePackage {
        id: PackageId::derive(&purl, Some(0), path),
        purl,
        package,
        layer: Some(0),
        origin: Origin::Unknown,
        owned_by: None,
    }
}

fn finding(on: &ImagePackage, advisory: &str, aliases: &[&str]) -> Finding {
    Finding {
        id: on.id.finding(advisory),
        advisory: advisory.into(),
        aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
        title: None,
        severity: Severity::High,
        severity_source: None,
        cvss: Vec::new(),
        cwe: Vec::new(),
        signals: Signals::default(),
        malicious: false,
        package: on.id.clone(),
        status: Status::Fixed,
        fixed_versions: vec!["9".into()],
        remediation: String::new(),
        layer: Some(0),
        evidence: Evidence { range: String::new(), feed: "t".into(), matched_name: None },
        effect: Effect::Ignore,
        suppressed_by: None,
    }
}

struct Scene {
    inventory: ImageInventory,
    reference: &'static str,
    digest: Option<Digest>,
}

impl Scene {
    /// A Debian image with a Go program that holds two modules.
    fn new() -> Self {
        let debian = distro("debian", "12.8");
        let packages = vec![
            package(PackageKind::Deb, "libssl3", "3.0.15-1~deb12u1", "var/lib/dpkg/status", Some(&debian)),
            package(PackageKind::Golang, "github.com/aquasecurity/trivy", "v0.50.0", "usr/bin/trivy", None),
            package(PackageKind::Golang, "helm.sh/helm/v3", "v3.14.0", "usr/bin/trivy", None),
            package(PackageKind::Golang, "helm.sh/helm/v3", "v3.14.0", "usr/bin/other", None),
        ];
        let inventory = ImageInventory { distro: Some(debian), packages, ..ImageInventory::default() };
        Self { inventory, reference: "ghcr.io/team/app:1.0", digest: Some(DIGEST.parse().unwrap()) }
    }

    fn ask(&self, documents: &[&str], package: usize, advisory: &str, max_age: Option<u32>, day: Date) -> VexAnswer {
        let documents: Vec<VexDocument> = documents
            .iter()
            .enumerate()
            .map(|(n, text)| VexDocument::parse(text.as_bytes(), &format!("{n}.json")).unwrap())
            .collect();
        let image = VexImage { reference: self.reference, digests: [self.digest, None], inventory: &self.inventory };
        let on = &self.inventory.packages[package];
        VexIndex::new(&documents, image, day, max_age).answer(&finding(on, advisory, &["GHSA-x"]), on)
    }

    fn suppresses(&self, document: &str, package: usize) -> bool {
        self.ask(&[document], package, "CVE-1", None, date(2026, 1, 1)).verdict.is_some()
    }
}

fn openvex(status: &str, products: &str, time: &str) -> String {
    format!(
        r#"{{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "doc", "timestamp": "{time}", "statements": [
            {{"vulnerability": {{"name": "CVE-1"}}, "products": [{products}], "status": "{status}",
              "justification": "vulnerable_code_not_present", "impact_statement": "we do not ship it"}}]}}"#
    )
}

fn not_affected(products: &str) -> String {
    openvex("not_affected", products, "2025-06-01T00:00:00Z")
}

#[test]
fn openvex_products() {
    let scene = Scene::new();
    let id = |purl: &str| format!(r#"{{"@id": "{purl}"}}"#);
    let sub = |product: &str, part: &str| format!(r#"{{"@id": "{product}", "subcomponents": [{{"@id": "{part}"}}]}}"#);
    let table = [
        // (product, package asked about, whether it is taken out)
        (id("pkg:deb/debian/libssl3"), 0, true),
        (id("pkg:deb/debian/libssl3@3.0.15-1~deb12u1"), 0, true),
        (id("pkg:deb/debian/libssl3@3.0.15-1~deb12u1?arch=amd64"), 0, true),
        (id("pkg:deb/debian/libssl3@3.0.15-1%7Edeb12u1?distro=debian-12"), 0, true),
        (id("pkg:deb/debian/libssl3?distro=debian-12.8"), 0, true),
        (id("pkg:deb/debian/libssl3?distro=debian-1"), 0, false),
        (id("pkg:deb/debian/libssl3?arch=arm64"), 0, false),
        (id("pkg:deb/debian/libssl3@3.0.14"), 0, false),
        (id("pkg:deb/ubuntu/libssl3"), 0, false),
        (id("pkg:deb/debian/libssl3-src?arch=source"), 0, true),
        (id("pkg:deb/debian/other?arch=source"), 0, false),
        (id(DIGEST), 0, true),
        (id("sha256:0000000000000000000000000000000000000000000000000000000000000000"), 0, false),
        (id(&format!("pkg:oci/app@{}", DIGEST.replace(':', "%3A"))), 0, true),
        (id("pkg:oci/app?repository_url=ghcr.io/team/app"), 0, true),
        (id("pkg:oci/app?repository_url=ghcr.io/other/app"), 0, false),
        (id("pkg:oci/app"), 0, true),
        (id("pkg:oci/else"), 0, false),
        (id("pkg:oci/app@1.0"), 0, false),
        (sub(DIGEST, "pkg:deb/debian/libssl3"), 0, true),
        (sub(DIGEST, "pkg:deb/debian/zlib1g"), 0, false),
        (sub(DIGEST, "not-a-purl"), 0, false),
        (sub("pkg:golang/github.com/aquasecurity/trivy", "pkg:golang/helm.sh/helm/v3"), 2, true),
        (sub("pkg:golang/github.com/aquasecurity/trivy", "pkg:golang/helm.sh/helm/v3"), 3, false),
        (sub("pkg:golang/github.com/aquasecurity/trivy@v0.50.0", "pkg:golang/helm.sh/helm/v3"), 2, true),
        (sub("pkg:golang/github.com/aquasecurity/trivy@v0.49.0", "pkg:golang/helm.sh/helm/v3"), 2, false),
        (r#""pkg:deb/debian/libssl3""#.to_owned(), 0, true),
        (r#"{"identifiers": {"purl": "pkg:deb/debian/libssl3"}}"#.to_owned(), 0, true),
    ];
    for (product, asked, want) in table {
        assert_eq!(scene.suppresses(&not_affected(&product), asked), want, "{product}");
    }
    let archive = Scene { reference: "docker-archive:app.tar", ..Scene::new() };
    assert!(!archive.suppresses(&not_affected(&id("pkg:oci/app")), 0));
    assert!(archive.suppresses(&not_affected(&id(DIGEST)), 0));
}

/// A word on one vulnerability of a distribution's advisory is none on the others.
#[test]
fn an_advisory_on_several_vulnerabilities() {
    let scene = Scene::new();
    let on = &scene.inventory.packages[0];
    let statement = |id: &str, status: &str| {
        let text =
            openvex(status, "{\"@id\": \"pkg:deb/debian/libssl3\"}", "2025-06-01T00:00:00Z").replace("CVE-1", id);
        VexDocument::parse(text.as_bytes(), "0.json").unwrap()
    };
    let rows: &[(&str, &[&str], &[(&str, &str)], bool)] = &[
        ("DSA-1", &["CVE-1"], &[("CVE-1", "not_affected")], true),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "not_affected")], false),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "not_affected"), ("CVE-2", "fixed")], true),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("CVE-1", "not_affected"), ("CVE-2", "affected")], false),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("DSA-1", "not_affected")], true),
        ("DSA-1", &["CVE-1", "CVE-2"], &[("DSA-1", "not_affected"), ("CVE-2", "affected")], false),
        ("CVE-1", &["CVE-2"], &[("CVE-2", "not_affected")], true),
    ];
    for (advisory, aliases, statements, out) in rows {
        let documents: Vec<VexDocument> = statements.iter().map(|(id, status)| statement(id, status)).collect();
        let image = VexImage { reference: scene.reference, digests: [scene.digest, None], inventory: &scene.inventory };
        let answer =
            VexIndex::new(&documents, image, date(2026, 1, 1), None).answer(&finding(on, advisory, aliases), on);
        assert_eq!(answer.verdict.is_some(), *out, "{advisory} {aliases:?} {statements:?}");
    }
}

#[test]
fn statuses_contradictions_and_age() {
    let scene = Scene::new();
    let day = date(2026, 1, 1);
    let product = r#"{"@id": "pkg:deb/debian/libssl3"}"#;
    let safe = not_affected(product);
    let bad = openvex("affected", product, "2025-06-01T00:00:00Z");
    let fixed = openvex("fixed", product, "2025-06-01T00:00:00Z");
    let verdict = scene.ask(&[&safe], 0, "CVE-1", None, day).verdict.unwrap();
    assert_eq!(verdict.justification, "vulnerable_code_not_present: we do not ship it");
    assert_eq!(verdict.document, "doc");
    assert!(scene.ask(&[&fixed], 0, "CVE-1", None, day).verdict.unwrap().justification.starts_with("fixed: "));
    assert_eq!(scene.ask(&[&safe], 0, "CVE-2", None, day), VexAnswer::default());
    assert_eq!(scene.ask(&[&bad], 0, "CVE-1", None, day), VexAnswer::default());

    for documents in [[safe.as_str(), bad.as_str()], [bad.as_str(), safe.as_str()]] {
        let answer = scene.ask(&documents, 0, "CVE-1", None, day);
        assert_eq!(answer.verdict, None);
        assert_eq!(answer.gaps.len(), 1);
        assert!(answer.gaps[0].detail.contains("not_affected, but"), "{:?}", answer.gaps);
    }
    // 214 days from the statement to the day.
    assert!(scene.ask(&[&safe], 0, "CVE-1", Some(214), day).verdict.is_some());
    let old = scene.ask(&[&safe], 0, "CVE-1", Some(213), day);
    assert!(old.verdict.is_none() && old.gaps[0].detail.contains("214 days old"), "{old:?}");

    // In one document the later statement replaces the earlier, whatever their order in the file.
    let two = |first: &str, second: &str| {
        let one = |(status, time): (&str, &str)| {
            format!(
                r#"{{"vulnerability": "CVE-1", "products": ["pkg:deb/debian/libssl3"], "status": "{status}",
                    "justification": "component_not_present", "timestamp": "{time}"}}"#
            )
        };
        let cut = |t: &str| t.split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let ((a, at), (b, bt)) = (cut(first), cut(second));
        format!(r#"{{"@context": "https://openvex.dev/ns", "statements": [{}, {}]}}"#, one((&a, &at)), one((&b, &bt)))
    };
    let early = "under_investigation@2025-01-01T00:00:00Z";
    let late = "not_affected@2025-02-01T00:00:00Z";
    assert!(scene.suppresses(&two(early, late), 0) && scene.suppresses(&two(late, early), 0));
    let revoked = "affected@2025-03-01T00:00:00Z";
    assert!(!scene.suppresses(&two(late, revoked), 0));
    let three = two(late, "affected@2025-02-01T00:00:00Z").replace(
        "]}",
        r#", {"vulnerability": "CVE-1", "products": ["pkg:deb/debian/libssl3"], "status": "fixed",
            "timestamp": "2025-04-01T00:00:00Z"}]}"#,
    );
    assert!(scene.suppresses(&three, 0), "the last word ends a quarrel within a document");
    let same = scene.ask(&[&two(late, "affected@2025-02-01T00:00:00Z")], 0, "CVE-1", None, day);
    assert!(same.verdict.is_none() && same.gaps.len() == 1, "{same:?}");
}

#[test]
fn csaf() {
    let scene = Scene::new();
    let document = |status: &str, flags: &str, relates: &str| {
        format!(
            r#"{{"document": {{"category": "csaf_vex", "csaf_version": "2.0", "title": "t",
                 "tracking": {{"id": "V-1", "current_release_date": "2025-06-01T00:00:00Z"}}}},
               "product_tree": {{"branches": [{{"category": "vendor", "name": "v", "branches": [
                 {{"category": "product_version", "name": "x", "product": {{"name": "x", "product_id": "P",
                   "product_identification_helper": {{"purl": "pkg:deb/debian/libssl3@3.0.15-1~deb12u1"}}}}}},
                 {{"category": "product_name", "name": "os", "product": {{"name": "os", "product_id": "OS",
                   "product_identification_helper": {{"cpe": "cpe:/o:{relates}"}}}}}}]}}],
                 "relationships": [{{"category": "default_component_of", "product_reference": "P",
                   "relates_to_product_reference": "OS", "full_product_name": {{"name": "c", "product_id": "OS:P"}}}}]}},
               "vulnerabilities": [{{"cve": "CVE-1", "product_status": {{{status}}}, "flags": [{flags}]}}]}}"#
        )
    };
    let debian = "debian:debian_linux:12";
    let flag = r#"{"label": "component_not_present", "product_ids": ["P", "OS:P"]}"#;
    let none = r#""known_not_affected": ["P"]"#;
    let joined = r#""known_not_affected": ["OS:P"]"#;
    assert!(scene.suppresses(&document(none, flag, debian), 0));
    assert!(scene.suppresses(&document(joined, flag, debian), 0));
    assert!(!scene.suppresses(&document(joined, flag, "debian:debian_linux:11"), 0));
    assert!(!scene.suppresses(&document(joined, flag, "unknown:os:1"), 0));
    assert!(scene.suppresses(&document(r#""fixed": ["P"]"#, "", debian), 0));
    assert!(!scene.suppresses(&document(r#""known_affected": ["P"]"#, "", debian), 0));
    // Not affected without saying why is reported and not believed.
    let silent = VexDocument::parse(document(none, "", debian).as_bytes(), "s.json").unwrap();
    assert!(silent.statements.is_empty() && silent.problems.len() == 1, "{silent:?}");
    let both = document(r#""known_not_affected": ["P"], "known_affected": ["P"]"#, flag, debian);
    let answer = scene.ask(&[&both], 0, "CVE-1", None, date(2026, 1, 1));
    assert!(answer.verdict.is_none() && answer.gaps[0].detail.contains("another statement in it"), "{answer:?}");
}

#[test]
fn cyclonedx() {
    let scene = Scene::new();
    let document = |subject: &str, analysis: &str, affects: &str| {
        format!(
            r#"{{"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": {{"component": {{{subject}}}}},
               "components": [{{"bom-ref": "c1", "purl": "pkg:deb/debian/libssl3@3.0.15-1~deb12u1"}}],
               "vulnerabilities": [{{"id": "CVE-1", "analysis": {{{analysis}}}, "affects": [{affects}]}}]}}"#
        )
    };
    let app = r#""bom-ref": "app""#;
    let safe = r#""state": "not_affected", "justification": "code_not_reachable", "detail": "behind a flag""#;
    let c1 = r#"{"ref": "c1"}"#;
    let link = r#"{"ref": "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#c1"}"#;
    let image = |digest: &str| format!(r#""bom-ref": "img", "purl": "pkg:oci/app@{}""#, digest.replace(':', "%3A"));
    let other = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let table = [
        (document(app, safe, c1), true),
        (document(app, safe, link), true),
        (document(app, safe, r#"{"ref": "pkg:deb/debian/libssl3"}"#), true),
        (document(app, safe, r#"{"ref": "pkg:deb/debian/zlib1g"}"#), false),
        (document(app, r#""state": "resolved""#, c1), true),
        (document(app, r#""state": "false_positive""#, c1), true),
        (document(app, r#""state": "exploitable""#, c1), false),
        (document(app, r#""state": "in_triage""#, c1), false),
        (document(&image(DIGEST), safe, c1), true),
        (document(&image(other), safe, c1), false),
        (document(&image(DIGEST), safe, r#"{"ref": "img"}"#), true),
        (document(app, safe, r#"{"ref": "c1", "versions": [{"version": "3.0.15-1~deb12u1"}]}"#), true),
        (document(app, safe, r#"{"ref": "c1", "versions": [{"version": "3.0.14"}]}"#), false),
    ];
    for (text, want) in table {
        assert_eq!(scene.suppresses(&text, 0), want, "{text}");
    }
    for (affects, analysis) in [
        (r#"{"ref": "nowhere"}"#, safe),
        (r#"{"ref": "c1", "versions": [{"range": "vers:deb/<4"}]}"#, safe),
        (c1, r#""state": "not_affected""#),
        (c1, r#""state": "fine""#),
    ] {
        let parsed = VexDocument::parse(document(app, analysis, affects).as_bytes(), "c.json").unwrap();
        assert!(parsed.statements.is_empty() && !parsed.problems.is_empty(), "{affects} {analysis}");
    }
}

#[test]
fn what_is_no_vex_is_refused() {
    for (text, want) in [
        ("", "cannot be read"),
        ("7", "cannot be read"),
        ("[]", "no VEX document"),
        ("{\"statements\": []}", "no VEX document"),
        ("{\"@context\": \"https://openvex.dev/ns\", \"statements\": 7}", "cannot be read"),
        ("{\"document\": {\"csaf_version\": \"2.0\"}, \"vulnerabilities\": {}}", "cannot be read"),
    ] {
        let error = VexDocument::parse(text.as_bytes(), "x.json").unwrap_err();
        assert!(error.to_string().contains(want) && error.to_string().starts_with("x.json"), "{text}: {error}");
    }
    let deep = format!("{{\"@context\": {}", "[".repeat(100_000));
    assert!(matches!(VexDocument::parse(deep.as_bytes(), "d"), Err(VexError::Json { .. })));
    let problems = r#"{"@context": "https://openvex.dev/ns", "statements": [
        {"vulnerability": "CVE-1", "products": ["pkg:npm/x"], "status": "not_affected"},
        {"vulnerability": "CVE-1", "products": ["my product"], "status": "fixed"},
        {"vulnerability": "", "products": ["pkg:npm/x"], "status": "fixed"},
        {"vulnerability": "CVE-1", "products": ["pkg:npm/x"], "status": "fine"}]}"#;
    let parsed = VexDocument::parse(problems.as_bytes(), "p.json").unwrap();
    assert_eq!((parsed.format, parsed.statements.len(), parsed.problems.len()), (VexFormat::OpenVex, 0, 4));
    assert_eq!(parsed.id, "p.json");
}

/// Cut anywhere, or with any byte changed, a document is read or refused; nothing breaks down.
#[test]
fn damaged_documents_do_no_harm() {
    let scene = Scene::new();
    let documents = [
        not_affected(r#"{"@id": "pkg:golang/github.com/aquasecurity/trivy", "subcomponents": [{"@id": "pkg:npm/%40a/b@1"}]}"#),
        r#"{"document": {"csaf_version": "2.0"}, "product_tree": {"branches": [{"product": {"product_id": "P",
            "product_identification_helper": {"purl": "pkg:deb/debian/libssl3"}}}], "relationships": [{"product_reference":
            "P", "relates_to_product_reference": "P", "full_product_name": {"product_id": "P"}}]},
            "vulnerabilities": [{"cve": "CVE-1", "product_status": {"fixed": ["P"]}}]}"#
            .to_owned(),
        r#"{"bomFormat": "CycloneDX", "components": [{"bom-ref": "a", "purl": "pkg:deb/debian/libssl3@1"}], "vulnerabilities":
            [{"id": "CVE-1", "analysis": {"state": "resolved"}, "affects": [{"ref": "urn:cdx:x/1#a"}]}]}"#
            .to_owned(),
    ];
    for text in &documents {
        for at in 0..text.len() {
            let mut cut = text.as_bytes()[..at].to_vec();
            assert!(VexDocument::parse(&cut, "cut").is_err());
            cut.extend_from_slice(&text.as_bytes()[at..]);
            for byte in [b'"', b'}', b'9', b'%', b'@', 0xff] {
                cut[at] = byte;
                if let Ok(document) = VexDocument::parse(&cut, "changed") {
                    let image = VexImage { reference: "x", digests: [None, None], inventory: &scene.inventory };
                    let on = &scene.inventory.packages[0];
                    let index = std::slice::from_ref(&document);
                    VexIndex::new(index, image, date(2026, 1, 1), Some(1)).answer(&finding(on, "CVE-1", &[]), on);
                }
            }
        }
    }
}

/// Documents that the world publishes, where they are at hand.
#[test]
fn real_documents_are_read() {
    let shared = std::env::var("LAYERGATE_SHARED")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned());
    // (archive, names, documents at least, documents with usable statements at least). Many of Red Hat's products are
    // known by CPE only and are no distribution: those documents show so.
    for (archive, suffix, least, usable) in [
        ("advisories/aquasecurity-vexhub.tar.zst", ".openvex.json", 20, 20),
        ("advisories/redhat-csaf-vex-trustify.tar.zst", ".json", 25, 12),
    ] {
        let path = std::path::Path::new(&shared).join(archive);
        let Ok(file) = std::fs::File::open(&path) else {
            println!("skipped: {} is not at hand", path.display());
            continue;
        };
        let mut tar = tar::Archive::new(zstd::Decoder::new(file).unwrap());
        let (mut read, mut used) = (0, 0);
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().display().to_string();
            if !name.ends_with(suffix) || archive.contains("csaf") && !name.contains("/csaf/") {
                continue;
            }
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            let document = VexDocument::parse(&bytes, &name).unwrap_or_else(|e| panic!("{e}"));
            assert!(!document.statements.is_empty() || !document.problems.is_empty(), "{name}: nothing at all");
            read += 1;
            used += usize::from(!document.statements.is_empty());
        }
        println!("{archive}: {read} documents, {used} with statements");
        assert!(read >= least && used >= usable, "{archive}: {read} documents, {used} with statements");
    }
}

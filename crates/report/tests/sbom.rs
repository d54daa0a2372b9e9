//! SBOMs read back: our own, ones in the words of Trivy and Syft, broken ones; and, where they are at hand, the files
//! of the developer data and the peers themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use base64::Engine as _;
use layergate_model::*;
use layergate_report::{Format, RenderOptions, render, sbom};

fn written(format: Format, report: &Report) -> String {
    render(format, std::slice::from_ref(report), &RenderOptions::default()).unwrap()
}

#[test]
fn ours_come_back_as_they_were() {
    let report = common::failing();
    for format in [Format::CycloneDx, Format::Spdx] {
        let inventory = sbom::read(written(format, &report).as_bytes(), "x.json").unwrap();
        let distro = inventory.distro.as_ref().unwrap();
        assert_eq!((distro.id.as_str(), distro.version.as_deref()), ("debian", Some("12.8")), "{format}");
        assert_eq!(inventory.packages.len(), report.packages.len());
        for (got, want) in inventory.packages.iter().zip(&report.packages) {
            let p = &got.package;
            assert_eq!((&got.purl, &p.name, &p.version), (&want.purl, &want.name, &want.version), "{format}");
            assert_eq!((p.kind, &p.source, p.scope), (want.kind, &want.source, want.scope), "{format} {}", p.name);
            assert_eq!(p.locations, want.locations, "{format} {}", p.name);
            assert_eq!(p.hashes.len(), want.hashes.len(), "{format} {}", p.name);
            assert_eq!((got.origin, &got.owned_by), (want.origin, &None), "{format} {}", p.name);
            assert_eq!(p.licenses, want.licenses, "{format} {}", p.name);
            assert_eq!(p.dependencies.len(), want.depends_on.len(), "{format} {}", p.name);
        }
        // What the image's scan did not look at stays a gap.
        assert_eq!(inventory.gaps.len(), 1);
        assert!(inventory.gaps[0].detail.contains("app/node_modules/odd/package.json"), "{:?}", inventory.gaps);
    }
}

/// What only one kind of package has, and what only we say of a package, comes back too.
#[test]
fn modules_vendors_owners_origins_and_licenses_come_back() {
    let at = LayerPath::normalise("x").unwrap();
    let mut inventory = sbom::read(
        br#"{"bomFormat":"CycloneDX","components":[{"type":"operating-system","name":"rocky","version":"9.3"}]}"#,
        "x",
    )
    .unwrap();
    // Without a package it is a gap, and packages follow.
    inventory.gaps.clear();
    let distro = inventory.distro.clone();
    let mut add = |package: Package, origin| {
        let purl = package.purl(distro.as_ref());
        let id = PackageId::derive(&purl, None, &package.locations[0]);
        inventory.packages.push(ImagePackage { id: id.clone(), purl, package, layer: None, origin, owned_by: None });
        id
    };
    let mut perl = Package::new(PackageKind::Rpm, "perl-libs", "4:5.32.1-480.el9", &at);
    perl.source = Some(SourcePackage { name: "perl".into(), version: "4:5.32.1-480.el9".into() });
    perl.module = Some("perl:5.32:9030020230322:9cf24b04".into());
    perl.vendor = Some("Rocky Enterprise Software Foundation".into());
    perl.licenses = vec!["GPL-1.0-or-later OR Artistic-1.0-Perl".into(), "MIT".into()];
    let owner = add(perl, Origin::Base);
    let mut gem = Package::new(PackageKind::Gem, "json", "2.6.1", &at);
    gem.licenses = vec!["Ruby".into(), "home-made".into()];
    add(gem, Origin::Application);
    let mut julia = Package::new(PackageKind::Julia, "B", "1.9.0", &at);
    julia.uuid = Some("edca9bc6-334e-11e9-3554-9595dbb4349c".into());
    add(julia.clone(), Origin::Unknown);
    julia.uuid = Some("f41f7b98-334e-11e9-1257-49272045fb24".into());
    add(julia, Origin::Unknown);
    for (kind, name) in [
        (PackageKind::Swift, "without-a-host"),
        (PackageKind::Swift, "github.com/apple/swift-nio"),
        (PackageKind::Cocoapods, "AppCenter/Core"),
        (PackageKind::Golang, "github.com/Azure/azure-sdk/sdk/core"),
        (PackageKind::Npm, "@babel/core"),
        (PackageKind::Maven, "org.slf4j:slf4j-api"),
        (PackageKind::Wordpress, "akismet"),
        (PackageKind::Conan, "zlib"),
        (PackageKind::Bitnami, "nginx"),
    ] {
        add(Package::new(kind, name, "1.2.3", &at), Origin::Unknown);
    }
    let gem = inventory.packages.iter_mut().find(|p| p.package.kind == PackageKind::Gem).unwrap();
    gem.owned_by = Some(owner);
    let report = common::report_of(&inventory, "x");
    for format in [Format::CycloneDx, Format::Spdx] {
        let text = written(format, &report);
        let back = sbom::read(text.as_bytes(), "y").unwrap();
        assert_eq!(back.gaps, [], "{format}");
        assert_eq!(back.packages.len(), inventory.packages.len(), "{format}");
        for want in &inventory.packages {
            let got = back.packages.iter().find(|p| p.id == want.id);
            assert_eq!(got, Some(want), "{format}");
        }
    }
}

/// A program that the distribution installed is in its package; nobody is to judge it twice.
#[test]
fn programs_of_a_distributions_packages_are_listed_once() {
    let document = r#"{"bomFormat":"CycloneDX","components":[
        {"type":"operating-system","name":"debian","version":"12"},
        {"type":"library","bom-ref":"os","name":"openssl","purl":"pkg:deb/debian/openssl@3.0.11-1?distro=debian-12"},
        {"type":"application","name":"openssl","purl":"pkg:generic/openssl@3.0.11",
         "properties":[{"name":"layergate:owned-by","value":"os"}]},
        {"type":"library","name":"py-openssl","purl":"pkg:pypi/py-openssl@1",
         "properties":[{"name":"layergate:owned-by","value":"os"}]},
        {"type":"application","name":"redis","purl":"pkg:generic/redis@7.2.4"}]}"#;
    let inventory = sbom::read(document.as_bytes(), "x").unwrap();
    assert_eq!(inventory.packages.iter().filter(|p| p.owned_by.is_some()).count(), 2);
    let mut report = common::report_of(&inventory, "x");
    let listed = |report: &Report, format| {
        let back = sbom::read(written(format, report).as_bytes(), "x").unwrap();
        back.packages.iter().map(|p| p.purl.as_str().split('?').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let without = ["pkg:deb/debian/openssl@3.0.11-1", "pkg:generic/redis@7.2.4", "pkg:pypi/py-openssl@1"];
    for format in [Format::CycloneDx, Format::Spdx] {
        assert_eq!(listed(&report, format), without.map(str::to_owned).into(), "{format}");
    }
    // What something is known against stays: a distribution without advisories says nothing of it.
    let program = report.packages.iter().find(|p| p.kind == PackageKind::Generic && p.owned_by.is_some()).unwrap();
    let mut finding = common::failing().findings.remove(0);
    finding.package = program.id.clone();
    report.findings.push(finding);
    assert_eq!(listed(&report, Format::CycloneDx).len(), 4);
}

#[test]
fn distributions_that_trivy_names_otherwise_come_back() {
    let tag = |id: &str| format!("pkg:rpm/{id}/bash@5.1-1.el9?distro={id}-9.1&epoch=1");
    for (id, family) in [("almalinux", "alma"), ("mariner", "cbl-mariner"), ("rocky", "rocky")] {
        let document = serde_json::json!({
            "bomFormat": "CycloneDX", "specVersion": "1.6",
            "components": [{"type": "library", "name": "bash", "version": "5.1-1.el9", "purl": tag(id)}],
        });
        let first = sbom::read(document.to_string().as_bytes(), "x").unwrap();
        assert_eq!(first.distro.as_ref().unwrap().id, id);
        assert_eq!(first.packages[0].package.version, "1:5.1-1.el9");
        let report = common::report_of(&first, "x");
        for format in [Format::CycloneDx, Format::Spdx] {
            let text = written(format, &report);
            assert!(text.contains(&format!("\"name\": \"{family}\"")), "{format} {id}");
            let again = sbom::read(text.as_bytes(), "x").unwrap();
            assert_eq!((&again.distro, &again.packages[0].purl), (&first.distro, &first.packages[0].purl), "{format}");
            assert_eq!(again.gaps, [], "{format}");
        }
    }
}

/// One component in the words of each tool: kind, name, version, source.
#[test]
fn words_of_trivy_and_syft() {
    let trivy =
        |name: &str, value: &str| serde_json::json!({"name": format!("aquasecurity:trivy:{name}"), "value": value});
    let syft = |name: &str, value: &str| serde_json::json!({"name": format!("syft:{name}"), "value": value});
    let cases = [
        (
            "pkg:rpm/centos/openssl-libs@1.0.2k-16.el7?arch=x86_64&epoch=1&distro=centos-7",
            "openssl-libs",
            vec![
                trivy("SrcName", "openssl"),
                trivy("SrcVersion", "1.0.2k"),
                trivy("SrcRelease", "16.el7"),
                trivy("SrcEpoch", "1"),
            ],
            "rpm openssl-libs 1:1.0.2k-16.el7 openssl 1:1.0.2k-16.el7",
        ),
        (
            "pkg:rpm/almalinux/bind@9.11-1?epoch=32&distro=almalinux-9&upstream=bind-pkg-9.11-1.src.rpm",
            "bind",
            vec![syft("location:0:path", "/var/lib/rpm/rpmdb.sqlite")],
            "rpm bind 32:9.11-1 bind-pkg 32:9.11-1",
        ),
        (
            "pkg:deb/debian/libgcc-s1@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-13",
            "libgcc-s1",
            vec![],
            "deb libgcc-s1 12.2.0-14 gcc-12 12.2.0-13",
        ),
        (
            "pkg:deb/debian/tzdata@1%3A2024a-0?arch=all&distro=debian-12",
            "tzdata",
            vec![syft("metadata:source", "tz"), syft("metadata:sourceVersion", "1:2024a")],
            "deb tzdata 1:2024a-0 tz 1:2024a",
        ),
        (
            "pkg:apk/alpine/musl-utils@1.2.5-r0?distro=alpine-3.20.3&upstream=musl",
            "musl-utils",
            vec![],
            "apk musl-utils 1.2.5-r0 musl 1.2.5-r0",
        ),
        (
            "pkg:golang/github.com/Azure/azure-sdk@v1.2.3#sdk/core",
            "github.com/Azure/azure-sdk/sdk/core",
            vec![],
            "golang github.com/Azure/azure-sdk/sdk/core v1.2.3",
        ),
        ("pkg:pypi/pyyaml@6.0", "PyYAML", vec![], "pypi PyYAML 6.0"),
        ("pkg:npm/%40babel/core@7.0.0", "@babel/core", vec![], "npm @babel/core 7.0.0"),
        ("pkg:maven/org.slf4j/slf4j-api@2.0.11", "slf4j-api", vec![], "maven org.slf4j:slf4j-api 2.0.11"),
        ("pkg:generic/redis@7.2.4", "redis", vec![], "binary redis 7.2.4"),
    ];
    for (purl, name, properties, want) in cases {
        let document = serde_json::json!({
            "bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": null, "dependencies": null,
            "components": [{"type": "library", "name": name, "purl": purl, "properties": properties, "licenses": null}],
        });
        let inventory = sbom::read(document.to_string().as_bytes(), "x").unwrap();
        let p = &inventory.packages[0].package;
        let source = p.source.as_ref().map(|s| format!(" {} {}", s.name, s.version)).unwrap_or_default();
        assert_eq!(format!("{} {} {}{source}", p.kind, p.name, p.version), want, "{purl}");
    }
}

#[test]
fn what_cannot_be_matched_is_a_gap_with_number_and_names() {
    let mut components = vec![
        serde_json::json!({"type": "library", "name": "good", "version": "1", "purl": "pkg:npm/good@1"}),
        serde_json::json!({"type": "library", "name": "no-purl", "version": "2"}),
        serde_json::json!({"type": "library", "name": "strange", "purl": "pkg:strange/x@1"}),
        serde_json::json!({"type": "library", "name": "no-version", "purl": "pkg:npm/y"}),
        serde_json::json!({"type": "file", "name": "a/file"}),
        serde_json::json!({"type": "library", "name": "outer", "version": "1", "purl": "pkg:npm/outer@1",
            "components": [{"type": "library", "name": "inner", "version": "1", "purl": "pkg:npm/inner@1"}]}),
    ];
    components.extend((0..20).map(|i| serde_json::json!({"type": "framework", "name": format!("z{i:02}")})));
    let document = serde_json::json!({"bomFormat": "CycloneDX", "components": components}).to_string();
    let inventory = sbom::read(document.as_bytes(), "some.json").unwrap();
    let names: Vec<&str> = inventory.packages.iter().map(|p| p.package.name.as_str()).collect();
    assert_eq!(names, ["good", "inner", "outer"]);
    let kinds: Vec<GapKind> = inventory.gaps.iter().map(|g| g.kind).collect();
    assert_eq!(
        kinds,
        [GapKind::UnwatchedEcosystem, GapKind::SbomIncomplete],
        "an unknown type is known to be unwatched"
    );
    let gap = &inventory.gaps[1];
    assert_eq!(gap.place, "some.json");
    assert!(gap.detail.starts_with("22 components without") && gap.detail.ends_with("and 12 more"), "{}", gap.detail);
    assert!(gap.detail.contains("no-purl 2"), "{}", gap.detail);

    let spdx = r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","name":"lonely","versionInfo":"1"},
        {"SPDXID":"SPDXRef-root","name":"image","primaryPackagePurpose":"CONTAINER"}],
        "relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-root"}]}"#;
    let inventory = sbom::read(spdx.as_bytes(), "s").unwrap();
    assert!(inventory.packages.is_empty());
    assert!(inventory.gaps[0].detail.contains("1 component without") && inventory.gaps[0].detail.contains("lonely 1"));
}

#[test]
fn packages_of_a_foreign_distribution_are_reported() {
    let document = serde_json::json!({"bomFormat": "CycloneDX", "components": [
        {"type": "operating-system", "name": "debian", "version": "12"},
        {"type": "library", "name": "a", "purl": "pkg:deb/debian/a@1?distro=debian-12"},
        {"type": "library", "name": "b", "purl": "pkg:deb/ubuntu/b@1?distro=ubuntu-22.04"}]});
    let inventory = sbom::read(document.to_string().as_bytes(), "x").unwrap();
    assert_eq!(inventory.packages.len(), 2);
    assert!(inventory.gaps[0].detail.starts_with("1 component of another distribution"), "{:?}", inventory.gaps);
}

#[test]
fn what_is_no_sbom_says_what_it_is() {
    let deep =
        format!("{{\"bomFormat\":\"CycloneDX\",\"components\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = format!(
        "{{\"bomFormat\":\"CycloneDX\",\"components\":{}[]{}}}",
        "[{\"type\":\"library\",\"components\":".repeat(50_000),
        "}]".repeat(50_000)
    );
    for (bytes, want) in [
        ("", "an empty file"),
        ("<html/>", "XML of another sort"),
        ("<bom><components>", "cut off inside <components>"),
        ("<bom>&unknown;</bom>", "an entity"),
        (&"<bom>".repeat(1000), "nested more than 128 deep"),
        ("[1]", "not a JSON object"),
        ("{}", "JSON of another sort"),
        ("{\"spdxVersion\":\"SPDX-3.0\"}", "unknown version"),
        ("{\"@context\":\"https://json-ld.org/x\"}", "JSON-LD of another sort"),
        ("SPDXVersion: SPDX-2.2\nnonsense\n", "line 2 is no"),
        ("SPDXVersion: SPDX-9\n", "is not SPDX-2.x"),
        ("SPDXVersion: SPDX-2.3\nPackageComment: <text>a\n", "begins at line 2 does not end"),
        ("{\"bomFormat\":\"CycloneDX\",", "EOF"),
        ("{\"bomFormat\":\"CycloneDX\",\"components\":{}}", "invalid type"),
        ("{\"payloadType\":\"x\",\"payload\":\"!\"}", "in-toto attestation"),
        (&deep, "invalid type"),
        (&nested, "recursion limit"),
    ] {
        let error = sbom::read(bytes.as_bytes(), "f.json").unwrap_err();
        let mut text = error.to_string();
        if let Some(source) = std::error::Error::source(&error) {
            text.push_str(&source.to_string());
        }
        assert!(text.contains("f.json") && text.contains(want), "{want}: {text}");
    }
}

/// Cut anywhere and with any byte changed, a document is read or refused, and never more.
#[test]
fn damaged_documents_do_no_harm() {
    let report = common::error();
    let mut failing = common::failing();
    failing.packages.truncate(1);
    failing.findings.clear();
    for report in [report, failing] {
        for format in [Format::CycloneDx, Format::Spdx] {
            let whole = written(format, &report).into_bytes();
            for end in 0..whole.len() {
                assert!(sbom::read(&whole[..end], "x").is_err() || whole[end..].trim_ascii().is_empty());
            }
            for at in 0..whole.len() {
                for byte in [0, b'"', b'{', b'9', 0xff] {
                    let mut bytes = whole.clone();
                    bytes[at] = byte;
                    let _ = sbom::read(&bytes, "x");
                }
            }
        }
    }
}

#[test]
fn an_attestation_is_opened_once() {
    let inner = r#"{"bomFormat":"CycloneDX","components":[{"type":"library","name":"a","purl":"pkg:npm/a@1"}]}"#;
    let seal = |statement: String| {
        let payload = base64::engine::general_purpose::STANDARD.encode(statement);
        format!("{{\"payloadType\":\"application/vnd.in-toto+json\",\"payload\":\"{payload}\",\"signatures\":[]}}")
    };
    let bare = seal(format!("{{\"predicate\":{inner}}}"));
    let data = seal(format!("{{\"predicate\":{{\"Data\":{inner}}}}}"));
    // Without an envelope, as BuildKit attaches it, and in a Sigstore bundle.
    let statement = format!(
        "{{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://cyclonedx.org/bom\",\"predicate\":{inner}}}"
    );
    let bundle = format!("{{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\",\"dsseEnvelope\":{bare}}}");
    for document in [&bare, &data, &statement, &bundle] {
        assert_eq!(sbom::read(document.as_bytes(), "a.jsonl").unwrap().packages.len(), 1);
    }
    let twice = seal(format!("{{\"predicate\":{bare}}}"));
    assert!(sbom::read(twice.as_bytes(), "a").is_err());
    assert!(sbom::read(seal("{\"predicate\":1}".into()).as_bytes(), "a").is_err());
}

fn names(inventory: &ImageInventory) -> BTreeSet<(String, String)> {
    inventory.packages.iter().map(|p| (p.package.name.clone(), p.package.version.clone())).collect()
}

/// The SBOM files that Trivy's own tests use.
#[test]
fn the_developer_data() {
    let shared = std::env::var_os("LAYERGATE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")));
    let archive = shared.join("data/lang/trivy-fixture-repos.tar.zst");
    if !archive.exists() {
        println!("skipped: {} is not there", archive.display());
        return;
    }
    let mut seen = 0;
    let file = std::fs::File::open(archive).unwrap();
    let mut tar = tar::Archive::new(zstd::stream::read::Decoder::new(file).unwrap());
    for entry in tar.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let Some(file) = path.strip_prefix("fixtures/sbom/").map(str::to_owned) else { continue };
        let want = match file.as_str() {
            "centos-7-cyclonedx.json" | "centos-7-spdx.json" | "centos-7-cyclonedx.intoto.jsonl" => {
                "bash 4.2.46-31.el7, openssl-libs 1:1.0.2k-16.el7"
            }
            "fluentd-multiple-lockfiles-cyclonedx.json" => "activesupport 6.0.2.1, bash 5.0-4, libidn2-0 2.0.5-1",
            "license-cyclonedx.json" => {
                "org.eclipse.sisu:org.eclipse.sisu.plexus 0.3.0.M1, org.ow2.asm:asm 9.5, org.slf4j:slf4j-api 2.0.11"
            }
            _ => continue,
        };
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let inventory = sbom::read(&bytes, &file).unwrap();
        let got: Vec<String> = names(&inventory).iter().map(|(n, v)| format!("{n} {v}")).collect();
        assert_eq!((got.join(", ").as_str(), inventory.gaps.len()), (want, 0), "{file}");
        seen += 1;
    }
    assert_eq!(seen, 5);
}

/// What Trivy and Syft see in our SBOMs: the same packages. Their programs are named by LAYERGATE_TRIVY and
/// LAYERGATE_SYFT.
#[test]
fn peers_see_the_same_packages() {
    let (Some(trivy), Some(syft)) = (std::env::var_os("LAYERGATE_TRIVY"), std::env::var_os("LAYERGATE_SYFT")) else {
        println!("skipped: LAYERGATE_TRIVY and LAYERGATE_SYFT name no programs");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let report = common::failing();
    let want: BTreeSet<(String, String)> =
        report.packages.iter().map(|p| (p.name.clone(), p.version.clone())).collect();
    for format in [Format::CycloneDx, Format::Spdx] {
        let file = dir.path().join(format!("sbom.{format}.json"));
        std::fs::write(&file, written(format, &report)).unwrap();
        let run = |program: &std::ffi::OsStr, args: &[&str]| -> serde_json::Value {
            let out =
                Command::new(program).args(args).arg(&file).env("SYFT_CHECK_FOR_APP_UPDATE", "false").output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            serde_json::from_slice(&out.stdout).unwrap()
        };
        let text = |v: &serde_json::Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
        let convert = run(&syft, &["convert", "-q", "-o", "syft-json"]);
        let artifacts = convert["artifacts"].as_array().unwrap().iter();
        // SPDX's distribution is a row without a type (see spdx_sbom.rs).
        let typed = artifacts.filter(|a| !matches!(a["type"].as_str(), None | Some("" | "UnknownPackage")));
        let seen: BTreeSet<_> = typed.map(|a| (text(a, "name"), text(a, "version"))).collect();
        assert_eq!(seen, want, "syft, {format}");
        // The conversion format, so that no database is asked for.
        let cache = dir.path().to_string_lossy().into_owned();
        let listing =
            ["sbom", "-q", "--format", "json", "--list-all-pkgs", "--scanners", "license", "--cache-dir", &cache];
        let results = run(&trivy, &listing);
        let packages = results["Results"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|r| r["Packages"].as_array().cloned().unwrap_or_default());
        let seen: BTreeSet<_> = packages.map(|p| (text(&p, "Name"), text(&p, "Version"))).collect();
        assert_eq!(seen, want, "trivy, {format}");
    }
}

//! SBOM round trips with the peers themselves: ours read by Trivy, Syft and us, theirs read by us, the same packages
//! each time; and ours against the official schemas. The images are this repository's, one of them with every kind of
//! package, and some of the developer data where it is at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use layergate_tests::{
    layout::Image,
    program::{Program, fixture, root},
    recipe::{LayerRecipe, Recipe},
    rpm::Rpm,
    servers::tool,
};
use serde_json::Value;

/// Name and version of a package, as everybody writes them.
type Listed = BTreeSet<(String, String)>;

/// Trivy asks its Java database about every JAR; there is none here.
const NO_JARS: [&str; 4] = ["--skip-files", "**/*.jar", "--skip-files", "**/*.war"];

/// Package URL types that Trivy 0.76 drops without a word when it reads an SBOM: it has no type of its own for them.
const TRIVY_DROPS: [&str; 12] = [
    "alpm",
    "brew",
    "cran",
    "ebuild",
    "generic",
    "guix",
    "hackage",
    "luarocks",
    "nix",
    "opkg",
    "snap",
    "wordpress-plugin",
];

struct Peers {
    trivy: PathBuf,
    syft: PathBuf,
}

impl Peers {
    fn find() -> Option<Self> {
        Some(Self { trivy: tool("trivy")?, syft: tool("syft")? })
    }

    fn run(program: &Path, home: &Path, args: &[&str]) -> Value {
        let out = Command::new(program)
            .args(args)
            .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
            .env("TRIVY_CACHE_DIR", home.join("trivy"))
            .env("TRIVY_DISABLE_VEX_NOTICE", "true")
            .output()
            .unwrap();
        assert!(out.status.success(), "{} {args:?}: {}", program.display(), String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    }

    /// Trivy's packages of an image or an SBOM. The license scanner asks for no database.
    fn trivy(&self, home: &Path, what: &[&str]) -> Value {
        let (command, target) = what.split_first().unwrap();
        let mut args = vec![*command, "-q", "--format", "json", "--list-all-pkgs", "--scanners", "license"];
        args.extend(["--offline-scan", "--skip-version-check"]);
        args.extend(target);
        Self::run(&self.trivy, home, &args)
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Full versions: Trivy keeps epoch and release apart.
fn trivy_list(report: &Value) -> Listed {
    let results = report["Results"].as_array().into_iter().flatten();
    let packages = results.flat_map(|r| r["Packages"].as_array().into_iter().flatten());
    packages
        .map(|p| {
            let mut version = text(p, "Version");
            if let Some(release) = p["Release"].as_str().filter(|r| !r.is_empty()) {
                version = format!("{version}-{release}");
            }
            if let Some(epoch) = p["Epoch"].as_u64().filter(|e| *e > 0) {
                version = format!("{epoch}:{version}");
            }
            (text(p, "Name"), version)
        })
        .collect()
}

/// Syft keeps a Maven group in its metadata, and knows a package without a type only by its name.
fn syft_list(document: &Value) -> Listed {
    let artifacts = document["artifacts"].as_array().into_iter().flatten();
    // SPDX's distribution is a row that has no type at all (see `report/src/spdx_sbom.rs`).
    artifacts.filter(|a| !text(a, "type").is_empty()).map(|a| (text(a, "name"), text(a, "version"))).collect()
}

fn our_list(report: &Value) -> Listed {
    packages(report).map(|p| (text(p, "name"), text(p, "version"))).collect()
}

/// Without programs that a distribution's package installed: an SBOM lists them once, as that package.
fn packages(report: &Value) -> impl Iterator<Item = &Value> {
    let all = report["packages"].as_array().into_iter().flatten();
    all.filter(|p| p["type"] != "binary" || !p["owned_by"].is_string())
}

/// One image under test: what we are asked for, and what the peers are asked for.
struct Subject {
    name: String,
    ours: String,
    trivy: Vec<String>,
    syft: String,
    _keep: Option<tempfile::TempDir>,
}

fn trivy_target(path: &str) -> Vec<String> {
    ["image"].into_iter().chain(NO_JARS).chain(["--input", path]).map(str::to_owned).collect()
}

impl Subject {
    fn layout(name: &str, path: &str, keep: Option<tempfile::TempDir>) -> Self {
        Self {
            name: name.into(),
            ours: format!("oci:{path}"),
            trivy: trivy_target(path),
            syft: format!("oci-dir:{path}"),
            _keep: keep,
        }
    }

    fn built(name: &str, recipe: &Recipe) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        Image::build(recipe).unwrap().write_layout(&path).unwrap();
        Self::layout(name, &path.display().to_string(), Some(directory))
    }

    fn archive(path: &Path) -> Self {
        let file = path.display().to_string();
        Self {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            ours: format!("docker-archive:{file}"),
            trivy: trivy_target(&file),
            syft: format!("docker-archive:{file}"),
            _keep: None,
        }
    }
}

/// A layer of an operating system: its name, release and files.
fn system(id: &str, release: &str, files: &[(&str, &str)]) -> LayerRecipe {
    let mut layer = LayerRecipe { created_by: format!("ADD {id} /"), ..LayerRecipe::default() };
    layer.files.insert("etc/os-release".into(), format!("ID={id}\nVERSION_ID={release}\nPRETTY_NAME={id}\n"));
    layer.files.extend(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    layer
}

fn subjects() -> Vec<Subject> {
    let mut all: Vec<Subject> = ["shop", "kiosk", "ledger"]
        .into_iter()
        .map(|name| Subject::layout(name, &fixture(&format!("images/{name}")), None))
        .collect();
    all.push(Subject::built("bazaar", &Recipe::read(Path::new(&fixture("recipes/bazaar.toml"))).unwrap()));
    let rpm = |name: &str, version: &str, epoch, source: &str, module: Option<&str>| Rpm {
        name: name.into(),
        version: version.into(),
        release: "1.el9".into(),
        arch: "x86_64".into(),
        epoch,
        source: Some(source.into()),
        module: module.map(str::to_owned),
        vendor: Some("Rocky Enterprise Software Foundation".into()),
        license: Some("GPL+ or Artistic".into()),
    };
    let mut rocky = system("rocky", "9.3", &[]);
    rocky.rpms = vec![
        rpm("perl-libs", "5.32.1", Some(4), "perl-5.32.1-1.el9.src.rpm", Some("perl:5.32:903:9cf24b04")),
        rpm("bash", "5.1.8", None, "bash-5.1.8-1.el9.src.rpm", None),
    ];
    let others = [
        ("rocky", rocky),
        (
            "arch",
            system(
                "arch",
                "20240101",
                &[(
                    "var/lib/pacman/local/libcap-2.69-3/desc",
                    "%NAME%\nlibcap\n\n%VERSION%\n2.69-3\n\n%ARCH%\nx86_64\n",
                )],
            ),
        ),
        (
            "gentoo",
            system("gentoo", "2.15", &[("var/db/pkg/app-arch/xz-utils-5.4.6-r1/CONTENTS", "obj /usr/bin/xz 0 1\n")]),
        ),
        (
            "openwrt",
            system(
                "openwrt",
                "23.05",
                &[(
                    "usr/lib/opkg/status",
                    "Package: dropbear\nVersion: 2022.82-6\nStatus: install user installed\nArchitecture: x86_64\n",
                )],
            ),
        ),
    ];
    for (name, layer) in others {
        let recipe = Recipe { platform: "linux/amd64".into(), config: serde_json::Map::new(), layer: vec![layer] };
        all.push(Subject::built(name, &recipe));
    }
    let shared = std::env::var_os("LAYERGATE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    for file in ["gemfile.tar", "java-uberjar.tar", "poetry.tar"] {
        let path = shared.join("data/images/archive-snyk/docker-archives/docker-save").join(file);
        if path.is_file() {
            all.push(Subject::archive(&path));
        } else {
            println!("skipped: {} is not there", path.display());
        }
    }
    all
}

/// Our list of an image, and our SBOMs of it.
struct Ours {
    report: Value,
    sboms: BTreeMap<&'static str, PathBuf>,
}

fn ours(program: &Program, image: &str, name: &str) -> Ours {
    let home = program.home.path();
    let file = |format: &str| home.join(format!("{name}.{format}.json"));
    let report = file("report");
    let sboms: BTreeMap<&'static str, PathBuf> =
        ["cyclonedx", "spdx"].into_iter().map(|format| (format, file(format))).collect();
    let mut args = vec!["sbom".to_owned(), format!("-ojson={}", report.display())];
    args.extend(sboms.iter().map(|(format, path)| format!("-o{format}={}", path.display())));
    args.push(image.to_owned());
    let run = program.run(&args);
    assert!(report.is_file(), "{name}: {} {}", run.code, run.stderr);
    Ours { report: serde_json::from_slice(&fs::read(&report).unwrap()).unwrap(), sboms }
}

/// What a reader has to give back of each package.
fn essence(report: &Value) -> BTreeSet<String> {
    packages(report)
        .map(|p| {
            let keep =
                ["purl", "name", "version", "type", "source", "module", "vendor", "scope", "origin", "locations"];
            let reported: Vec<String> = keep.iter().map(|key| p[*key].to_string()).collect();
            let sorted = |key: &str| {
                let list = p[key].as_array().cloned().unwrap_or_default();
                let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
                list.sort();
                list.join(" ")
            };
            let owned = p["owned_by"].is_string();
            format!(
                "{} {} {} {owned}",
                reported.join(" "),
                sorted("licenses"),
                sorted("depends_on").matches('"').count()
            )
        })
        .collect()
}

/// What is known against an image: advisory and package.
fn findings(report: &Value) -> Listed {
    let purls: BTreeMap<String, String> = packages(report).map(|p| (text(p, "id"), text(p, "purl"))).collect();
    let found = report["findings"].as_array().into_iter().flatten();
    found.map(|f| (text(f, "advisory"), purls.get(&text(f, "package")).cloned().unwrap_or_default())).collect()
}

/// What differs, in a sentence; nothing where nothing does.
fn difference(about: &str, want: &Listed, got: &Listed) -> Option<String> {
    let show = |a: &Listed, b: &Listed| {
        a.difference(b).take(12).map(|(n, v)| format!("{n} {v}")).collect::<Vec<_>>().join(", ")
    };
    (want != got).then(|| format!("{about}: missing: {}; too many: {}", show(want, got), show(got, want)))
}

#[test]
fn ours_are_read_alike_by_everybody() {
    let peers = Peers::find();
    let mut wrong = Vec::new();
    for subject in subjects() {
        let program = Program::default();
        let home = program.home.path();
        let ours = ours(&program, &subject.ours, &subject.name);
        let want = our_list(&ours.report);
        assert!(!want.is_empty(), "{}", subject.name);
        let known = findings(&program.scan(&subject.ours, &[]).1);
        for (format, path) in &ours.sboms {
            let file = path.display().to_string();
            let about = format!("{} as {format}", subject.name);
            let (_, again) = program.scan(&format!("sbom:{file}"), &[]);
            let (first, back) = (essence(&ours.report), essence(&again));
            let lost: Vec<_> = first.symmetric_difference(&back).take(6).collect();
            if !lost.is_empty() {
                wrong.push(format!("{about}, read by us: {lost:#?}"));
            }
            wrong.extend(difference(&format!("{about}, findings"), &known, &findings(&again)));
            let Some(peers) = &peers else { continue };
            let seen = trivy_list(&peers.trivy(home, &["sbom", &file]));
            let known = packages(&ours.report).filter(|p| {
                let purl = text(p, "purl");
                !TRIVY_DROPS.iter().any(|kind| purl.starts_with(&format!("pkg:{kind}/")))
            });
            let want_trivy: Listed = known.map(|p| (text(p, "name"), text(p, "version"))).collect();
            wrong.extend(difference(&format!("{about}, read by Trivy"), &want_trivy, &seen));
            let seen = syft_list(&Peers::run(&peers.syft, home, &["convert", "-q", &file, "-o", "syft-json"]));
            let want_syft: Listed = packages(&ours.report)
                .map(|p| {
                    let name = text(p, "name");
                    // CycloneDX keeps Maven's group in a field of its own, and so does Syft.
                    let short = *format == "cyclonedx" && p["type"] == "maven";
                    let name = if short { name.rsplit(':').next().unwrap_or(&name).to_owned() } else { name };
                    (name, text(p, "version"))
                })
                .collect();
            wrong.extend(difference(&format!("{about}, read by Syft"), &want_syft, &seen));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn theirs_are_read_by_us_as_they_meant_them() {
    let Some(peers) = Peers::find() else { return };
    let mut wrong = Vec::new();
    for subject in subjects() {
        let program = Program::default();
        let home = program.home.path();
        let read = |path: &Path| our_list(&program.scan(&format!("sbom:{}", path.display()), &[]).1);
        let target: Vec<&str> = subject.trivy.iter().map(String::as_str).collect();
        let want = trivy_list(&peers.trivy(home, &target));
        for format in ["cyclonedx", "spdx-json"] {
            let path = home.join(format!("trivy.{format}"));
            let file = path.display().to_string();
            let mut args =
                vec![target[0], "-q", "--offline-scan", "--skip-version-check", "--format", format, "-o", &file];
            args.extend(&target[1..]);
            let out =
                Command::new(&peers.trivy).args(&args).env("TRIVY_CACHE_DIR", home.join("trivy")).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            let seen = read(&path);
            wrong.extend(difference(&format!("{} by Trivy as {format}", subject.name), &want, &seen));
        }
        let listing = Peers::run(&peers.syft, home, &["scan", "-q", &subject.syft, "-o", "syft-json"]);
        // Names as we write them. Rows without a version (Syft's UNKNOWN) or without a package URL (its WordPress
        // plugins, and what it takes for dpkg's on OpenWrt) can be matched with nothing and are reported as a gap.
        let want: Listed = listing["artifacts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|a| !matches!(text(a, "version").as_str(), "" | "UNKNOWN") && !text(a, "purl").is_empty())
            .map(|a| (syft_name(a), text(a, "version")))
            .collect();
        for format in ["cyclonedx-json", "spdx-json"] {
            let path = home.join(format!("syft.{format}"));
            let out = format!("{format}={}", path.display());
            let ran = Command::new(&peers.syft)
                .args(["scan", "-q", &subject.syft, "-o", &out])
                .env("SYFT_CHECK_FOR_APP_UPDATE", "false")
                .output()
                .unwrap();
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
            let seen = read(&path);
            wrong.extend(difference(&format!("{} by Syft as {format}", subject.name), &want, &seen));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Syft keeps the Maven group in its metadata.
fn syft_name(artifact: &Value) -> String {
    let name = text(artifact, "name");
    let group = text(artifact, "purl");
    let group = group.strip_prefix("pkg:maven/").and_then(|p| p.split_once('/')).map(|(group, _)| group.to_owned());
    group.map_or(name.clone(), |group| format!("{group}:{name}"))
}

#[test]
fn ours_keep_the_official_schemas() {
    let schemas =
        std::env::var_os("LAYERGATE_SCHEMAS").map_or_else(|| root().join("target/tools/schemas"), PathBuf::from);
    if !schemas.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "{} is not there; tests/tools brings it", schemas.display());
        println!("skipped: {} is not there (tests/tools brings it)", schemas.display());
        return;
    }
    let program = Program::default();
    let mut files = Vec::new();
    for subject in subjects() {
        files.extend(ours(&program, &subject.ours, &subject.name).sboms.into_values());
        // With findings, suppressed ones among them.
        let path = program.home.path().join(format!("{}.vulnerabilities.json", subject.name));
        let output = format!("cyclonedx={}", path.display());
        program.scan(&subject.ours, &["-o", &output]);
        files.push(path);
    }
    let validate = || {
        let mut command = Command::new("python3");
        command.arg(root().join("tests/validate")).arg(&schemas);
        command
    };
    let out = validate().args(&files).output().unwrap();
    let reported = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{reported}");
    // The validator does refuse.
    for (file, from, to) in
        [("bazaar.cyclonedx.json", "\"library\"", "\"librery\""), ("bazaar.spdx.json", "\"LIBRARY\"", "\"LIB\"")]
    {
        let path = program.home.path().join(file);
        let broken = fs::read_to_string(&path).unwrap().replacen(from, to, 1);
        fs::write(&path, broken).unwrap();
        assert!(!validate().arg(&path).output().unwrap().status.success(), "{file}");
    }
}

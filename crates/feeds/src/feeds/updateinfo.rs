//! `updateinfo.xml` of rpm repositories: Amazon Linux, Fedora and EPEL, Rocky, AlmaLinux.
//!
//! Which release an update is of is known by its id (ALAS2023-…), its `release`, or its packages' own tag (`.el9`).
//! Updates of type `security` count, and others that name a CVE. CVEs stand in references, and for Fedora in the titles
//! of bugs. Amazon's topics (ALAS2KERNEL-5.15-…) fix only their own line of a package: below it, their fix says nothing
//! of the base repository's. The number in a topic's name is that line only for the packages that have it as their
//! version (`RUBY2.6` has `rubygem-json` 2.1 too, `CORRETTO8` Java 1.8); the others begin with their own. Live patches
//! are no packages that an image runs.

use std::collections::BTreeSet;

use layergate_advisory::{Affected, Day, Namespace, Rating, Record, Start};
use layergate_model::Severity;
use quick_xml::{Reader, events::Event};

use crate::{
    feed::{Feed, FeedFile, FeedRow, Sink},
    rpm_rows::{ANY_MODULE, Build, FixedBuilds, is_modular, titled_stream},
};

pub(crate) struct Updateinfo;

const ROWS: &[FeedRow] = &[
    FeedRow {
        id: "amazon-updateinfo",
        name: "Amazon Linux",
        url: "https://alas.aws.amazon.com",
        license: "LicenseRef-Amazon",
    },
    FeedRow {
        id: "fedora-updateinfo",
        name: "Fedora and EPEL",
        url: "https://bodhi.fedoraproject.org",
        license: "LicenseRef-Fedora",
    },
    FeedRow {
        id: "rocky-updateinfo",
        name: "Rocky Linux updateinfo",
        url: "https://errata.rockylinux.org",
        license: "BSD-3-Clause",
    },
    FeedRow {
        id: "almalinux-updateinfo",
        name: "AlmaLinux updateinfo",
        url: "https://errata.almalinux.org",
        license: "MIT",
    },
];
const MAX_DEPTH: usize = 32;

#[derive(Default)]
struct Update {
    kind: String,
    id: String,
    title: String,
    date: Option<String>,
    release: String,
    severity: String,
    description: String,
    cves: Vec<String>,
    collections: Vec<String>,
    /// The module streams that its packages are of.
    modules: BTreeSet<String>,
    packages: Vec<Package>,
}

#[derive(Default)]
struct Package {
    name: String,
    epoch: String,
    version: String,
    release: String,
    arch: String,
}

impl Feed for Updateinfo {
    fn id(&self) -> &'static str {
        "updateinfo"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        file.trimmed().starts_with(b"<") && file.has("<updates", 4096) && file.has("<update", usize::MAX)
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let text = file.text();
        let mut count = 0;
        let read = updates(text.strip_prefix('\u{feff}').unwrap_or(&text), |update| {
            count += 1;
            match record(&update) {
                Ok(Some(record)) => sink.record(record),
                Ok(None) => {}
                Err(why) => sink.problem(format!("{}: {why}", update.id)),
            }
        });
        if let Err(error) = read {
            sink.problem(format!("after {count} updates: {error}"));
        }
    }
}

fn updates(text: &str, mut each: impl FnMut(Update)) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(true);
    let (mut update, mut content, mut depth) = (Update::default(), String::new(), 0usize);
    let mut in_collection = false;
    loop {
        let event = reader.read_event().map_err(|e| format!("at byte {}: {e}", reader.buffer_position()))?;
        match event {
            Event::Eof => return if depth == 0 { Ok(()) } else { Err("the file ends in the middle".into()) },
            Event::Start(ref e) | Event::Empty(ref e) => {
                let attribute = |key: &str| {
                    e.attributes().flatten().find(|a| a.key.local_name().as_ref() == key).map(|a| a.value.into_owned())
                };
                content.clear();
                match e.local_name().as_ref() {
                    "update" => update = Update { kind: attribute("type").unwrap_or_default(), ..Update::default() },
                    "issued" | "updated" => update.date = update.date.take().max(attribute("date")),
                    "reference" => {
                        let texts = ["id", "title"].map(attribute);
                        texts.iter().flatten().for_each(|t| cves_in(t, &mut update.cves));
                    }
                    "collection" => {
                        in_collection = true;
                        update.collections.extend(attribute("short"));
                    }
                    "module" => {
                        let stream = attribute("name").zip(attribute("stream"));
                        update.modules.extend(stream.map(|(name, stream)| format!("{name}:{stream}")));
                    }
                    "package" => {
                        let text = |key| attribute(key).unwrap_or_default();
                        update.packages.push(Package {
                            name: text("name"),
                            epoch: text("epoch"),
                            version: text("version"),
                            release: text("release"),
                            arch: text("arch"),
                        });
                    }
                    _ => {}
                }
                if matches!(event, Event::Start(_)) {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(format!("elements nested deeper than {MAX_DEPTH}"));
                    }
                }
            }
            Event::Text(e) => content.push_str(&e),
            Event::GeneralRef(e) => content.push(if e.as_ref() == "amp" { '&' } else { ' ' }),
            Event::End(e) => {
                depth = depth.saturating_sub(1);
                let text = std::mem::take(&mut content);
                match e.local_name().as_ref() {
                    "id" => update.id = text,
                    "title" => update.title = text,
                    "release" => update.release = text,
                    "severity" => update.severity = text,
                    "description" => update.description = text,
                    "name" if in_collection => update.collections.push(text),
                    "collection" => in_collection = false,
                    "update" => each(std::mem::take(&mut update)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// `CVE-2024-1234` wherever it stands in a text.
fn cves_in(text: &str, out: &mut Vec<String>) {
    for (at, _) in text.match_indices("CVE-") {
        let rest = &text[at + 4..];
        let len = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-').count();
        let number = rest[..len].trim_end_matches('-');
        let good = number.split_once('-').is_some_and(|(year, n)| year.len() == 4 && n.len() >= 4 && !n.contains('-'));
        let id = format!("CVE-{number}");
        if good && !out.contains(&id) {
            out.push(id);
        }
    }
}

/// The record of an update; `None` for one that is about something else than security.
fn record(update: &Update) -> Result<Option<Record>, String> {
    let mut cves = update.cves.clone();
    let fedora = update.id.starts_with("FEDORA-");
    if fedora {
        cves_in(&update.title, &mut cves);
        cves_in(&update.description, &mut cves);
    }
    if (update.kind != "security" && cves.is_empty()) || update.id.contains("LIVEPATCH") {
        return Ok(None);
    }
    let (feed, namespace) = place(update)?;
    let source = feed.split('-').next().unwrap_or(feed);
    let severity: Option<Severity> = update.severity.trim().parse().ok().filter(|s| *s != Severity::Unknown);
    // One stream, or the one of the title; builds of several are distinguished by their versions alone.
    let stream = match update.modules.first().filter(|_| update.modules.len() == 1) {
        Some(stream) => stream.as_str(),
        None if update.modules.is_empty() => titled_stream(&update.title).unwrap_or(ANY_MODULE),
        None => ANY_MODULE,
    };
    let mut builds = FixedBuilds::default();
    for package in update.packages.iter().filter(|p| !matches!(p.arch.as_str(), "src" | "nosrc")) {
        let epoch = if package.epoch.is_empty() { "0" } else { &package.epoch };
        let evr = format!("{epoch}:{}-{}", package.version, package.release);
        let module = is_modular(&package.release).then_some(stream);
        builds.add(&namespace, &Build { name: &package.name, evr: &evr, arch: &package.arch, module, severity });
    }
    let mut affected = builds.finish();
    if let Some(line) = topic(&update.id) {
        affected.iter_mut().for_each(|a| begin(a, &line));
    }
    let mut record = Record::new(feed, update.id.as_str());
    record.aliases = cves;
    record.title = Some(update.title.trim().to_owned()).filter(|t| !t.is_empty());
    record.modified = update.date.as_deref().and_then(Day::parse);
    record.ratings.extend(severity.map(|severity| Rating { source: source.to_owned().into(), severity }));
    record.affected = affected;
    Ok(Some(record))
}

/// Ranges begin with the line of versions that they end in, in the epoch of the version that fixes it.
fn begin(affected: &mut Affected, topic: &str) {
    for range in &mut affected.ranges {
        let layergate_advisory::End::Fixed(fixed) = &range.end else { continue };
        let (epoch, version) = fixed.split_once(':').map_or((None, fixed.as_str()), |(e, v)| (Some(e), v));
        let of_topic = version.strip_prefix(topic).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        let upstream = version.split('-').next().unwrap_or(version);
        let own = || upstream.split('.').take(2).collect::<Vec<_>>().join(".");
        let line = if of_topic { topic.to_owned() } else { own() };
        let line = epoch.map_or_else(|| line.clone(), |e| format!("{e}:{line}"));
        if range.start == Start::Beginning {
            range.start = Start::From(line);
        }
    }
}

/// `5.15` of `ALAS2KERNEL-5.15-2022-001`, `8.2` of `ALAS2PHP8.2-2023-001`: the line of versions that a topic is about.
fn topic(id: &str) -> Option<String> {
    let rest = id.strip_prefix("ALAS2")?;
    // The base repositories have the year next (`ALAS2-2018-…`, `ALAS2023-2023-…`).
    let letters = rest.starts_with(|c: char| c.is_ascii_uppercase());
    let mut parts: Vec<&str> = rest.split('-').collect();
    if !letters || parts.len() < 3 {
        return None;
    }
    parts.truncate(parts.len() - 2);
    let topic = parts.join("-");
    let digits = topic.rfind(|c: char| !c.is_ascii_digit() && c != '.').map_or(0, |at| at + 1);
    topic.get(digits..).map(|d| d.trim_matches('.')).filter(|d| !d.is_empty()).map(str::to_owned)
}

/// The feed and the release that an update belongs to.
fn place(update: &Update) -> Result<(&'static str, Namespace), String> {
    let id = update.id.as_str();
    let of = |feed, family: &str, release: &str| {
        Namespace::of(family, Some(release)).map(|n| (feed, n)).map_err(|e| e.to_string())
    };
    if let Some(rest) = id.strip_prefix("ALAS") {
        let release = match rest.bytes().next() {
            Some(b'-') => "1",
            // ALAS2022-…, ALAS2023-…; ALAS2-… and its topics.
            _ => rest.get(..4).filter(|y| y.starts_with("20") && y.bytes().all(|b| b.is_ascii_digit())).unwrap_or("2"),
        };
        return of("amazon-updateinfo", "amazon", release);
    }
    let release = update.release.trim();
    if id.starts_with("FEDORA-") {
        let words = release.split([' ', '-']).collect::<Vec<_>>();
        let number = words.iter().find(|w| w.starts_with(|c: char| c.is_ascii_digit())).copied();
        let number = number.ok_or_else(|| format!("{release:?} is no release of Fedora"))?;
        return if words.contains(&"EPEL") {
            of("fedora-updateinfo", "epel", number)
        } else {
            of("fedora-updateinfo", "fedora", number)
        };
    }
    let from_release = release.rsplit(' ').next().filter(|r| *r != "0" && r.starts_with(|c: char| c.is_ascii_digit()));
    let tag = update.packages.iter().find_map(|p| p.release.split_once("el").map(|(_, r)| r)).unwrap_or("");
    let tag: &str = &tag[..tag.bytes().take_while(u8::is_ascii_digit).count()];
    let major = from_release.and_then(|r| r.split('.').next()).or(Some(tag).filter(|t| !t.is_empty()));
    let major = major.ok_or("neither its release nor its packages show which distribution it is of")?;
    match id.get(..2) {
        Some("RL" | "RX") => of("rocky-updateinfo", "rocky", major),
        Some("AL") => of("almalinux-updateinfo", "almalinux", major),
        _ => Err(format!(
            "updates of this kind ({release:?}, {}) are not known",
            update.collections.first().map_or("", String::as_str)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_updates_belong() {
        let cases = [
            ("ALAS-2018-939", "", "amazon:1"),
            ("ALAS2-2018-939", "", "amazon:2"),
            ("ALAS2KERNEL-5.15-2022-001", "", "amazon:2"),
            ("ALAS2023-2023-100", "", "amazon:2023"),
            ("FEDORA-2025-4a08954c02", "Fedora 43", "fedora:43"),
            ("FEDORA-MODULAR-2024-x", "Fedora 38 Modular", "fedora:38"),
            ("FEDORA-EPEL-2024-x", "Fedora EPEL 9", "epel:9"),
            ("RLSA-2023:3820", "Rocky Linux 9", "rocky:9"),
            ("ALSA-2023:7549", "AlmaLinux 8", "almalinux:8"),
        ];
        for (id, release, want) in cases {
            let update = Update { id: id.into(), release: release.into(), ..Update::default() };
            assert_eq!(place(&update).unwrap().1.as_str(), want, "{id}");
        }
        let package = Package { release: "1.el9_2".into(), ..Package::default() };
        let update =
            Update { id: "ALSA-2023:1".into(), release: "0".into(), packages: vec![package], ..Update::default() };
        assert_eq!(place(&update).unwrap().1.as_str(), "almalinux:9");
        assert!(place(&Update { id: "XX-1".into(), ..Update::default() }).is_err());
    }

    #[test]
    fn topics_have_a_line_of_their_own() {
        let cases = [
            ("ALAS2KERNEL-5.15-2022-001", Some("5.15")),
            ("ALAS2PHP8.2-2023-001", Some("8.2")),
            ("ALAS2NGINX1-2023-001", Some("1")),
            ("ALAS2DOCKER-2023-001", None),
            ("ALAS2-2018-939", None),
            ("ALAS2023-2023-001", None),
            ("ALAS-2018-1", None),
        ];
        for (id, want) in cases {
            assert_eq!(topic(id).as_deref(), want, "{id}");
        }
    }

    #[test]
    fn a_topics_number_is_the_line_of_what_has_it() {
        let namespace = Namespace::new("amazon:2").unwrap();
        for (topic, fixed, want) in [
            ("5.15", "5.15.29-16.111.amzn2", ">= 5.15, < 5.15.29-16.111.amzn2"),
            ("2.6", "2.1.0-127.amzn2", ">= 2.1, < 2.1.0-127.amzn2"),
            ("8", "1:1.8.0_372.b07-1.amzn2", ">= 1:1.8, < 1:1.8.0_372.b07-1.amzn2"),
            ("1", "1:1.22.1-1.amzn2", ">= 1:1, < 1:1.22.1-1.amzn2"),
            ("1", "12.3-1.amzn2", ">= 12.3, < 12.3-1.amzn2"),
        ] {
            let mut affected = Affected::fixed(namespace.clone(), "x", fixed);
            begin(&mut affected, topic);
            assert_eq!(affected.ranges[0].to_string(), want, "{topic}");
        }
    }

    #[test]
    fn streams_of_modules() {
        for (title, modules, want) in [
            ("Important: nodejs:18 security update", "", "nodejs:18"),
            ("Important: nodejs security update", "", "*"),
            ("nodejs", r#"<module name="nodejs" stream="18" version="8" context="c" arch="x86_64"/>"#, "nodejs:18"),
            ("perl:5.26", r#"<module name="perl" stream="5.26"/><module name="perl-IO" stream="5.26"/>"#, "*"),
        ] {
            let text = format!(
                r#"<updates><update type="security"><id>RLSA-2024:1</id><title>{title}</title><release>Rocky Linux 8</release>
                <pkglist><collection><name>c</name>{modules}<package name="x" version="1" release="2.module+el8.9.0+1+a" epoch="0" arch="x86_64"/>
                <package name="y" version="1" release="2.el8" epoch="0" arch="x86_64"/></collection></pkglist></update></updates>"#
            );
            let parsed = crate::bytes::parse_as("updateinfo", "updateinfo.xml", text.as_bytes()).unwrap();
            let found: Vec<_> =
                parsed.records[0].affected.iter().map(|a| (a.name.as_str(), a.module.as_deref())).collect();
            assert_eq!(found, [("x", Some(want)), ("y", None)], "{title} {modules}");
        }
    }

    #[test]
    fn cves_in_prose() {
        let mut cves = Vec::new();
        cves_in("CVE-2024-24989, (CVE-2024-24990) CVE-2024-24989 CVE-20-1 CVE-2023-123456-x CVE-", &mut cves);
        assert_eq!(cves, ["CVE-2024-24989", "CVE-2024-24990", "CVE-2023-123456"]);
    }
}

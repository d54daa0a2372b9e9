//! Maven's `pom.xml` (maven.apache.org/pom.html): the project itself and its dependencies whose versions can be known
//! from the files of the layer: properties, `dependencyManagement` and parents, which are looked for where
//! `relativePath` says. Nothing is asked of a repository; a dependency whose version is not to be known is left out,
//! for it names nothing that is there. `test` and `provided` dependencies have the development scope.

use std::collections::{BTreeMap, HashMap};

use layergate_model::{AnalyzerId, Gap, GapKind, LayerPath, PackageKind, Scope, Section};
use quick_xml::{Reader, events::Event};

use super::input;
use crate::{AnalyzeError, Analyzer, Entry, File, Interest, analyzers::license};

/// Reads `pom.xml`.
pub struct MavenPom;

/// The largest one that is read.
const MAX_BYTES: usize = 4 << 20;
/// Deepest element that matters lies at 7.
const MAX_DEPTH: usize = 64;
/// Dependencies of one file that are read.
const MAX_DEPENDENCIES: usize = 20_000;
/// Parents of parents.
const MAX_PARENTS: usize = 16;
/// Properties and dependencies, with those of the parents, that the files of one layer may ask to be looked at: a large
/// parent with very many children would cost hours otherwise.
const MAX_WORK: usize = 4_000_000;
/// Bytes that a property may grow to.
const MAX_VALUE: usize = 1000;

#[derive(Clone, Debug, Default, PartialEq)]
struct Dependency {
    group: String,
    artifact: String,
    version: String,
    scope: String,
}

#[derive(Clone, Debug, Default)]
struct Pom {
    own: Dependency,
    parent: Option<Dependency>,
    relative: Option<String>,
    properties: BTreeMap<String, String>,
    dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
    licenses: Vec<String>,
}

impl Analyzer for MavenPom {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("maven-pom")
    }

    fn revision(&self) -> u32 {
        2
    }

    fn reads_declarations(&self) -> bool {
        true
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name("pom.xml")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        // What lies in META-INF describes an archive that was unpacked, not an application's build.
        !input::inside_dependency(entry.path) && !entry.path.split('/').any(|part| part == "META-INF")
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, MAX_BYTES)?;
        let text = file.text();
        let pom = parse(&text).map_err(AnalyzeError::unreadable)?;
        if !out.notes.keep(file.path, text) {
            // No room to wait for its parents: what it says alone.
            list(&[&pom], file.path, out);
        }
        Ok(())
    }

    fn finish(&self, out: &mut Section) {
        let poms: HashMap<LayerPath, Pom> =
            out.notes.take().into_iter().filter_map(|(path, text)| Some((path, parse(&text).ok()?))).collect();
        let mut work = 0;
        let mut paths: Vec<&LayerPath> = poms.keys().collect();
        paths.sort();
        for path in paths {
            let mut chain: Vec<&Pom> = Vec::new();
            let mut at = path.clone();
            while let Some(pom) = poms.get(&at).filter(|_| chain.len() < MAX_PARENTS) {
                let fits = |parent: &Dependency| {
                    parent.artifact == pom.own.artifact && (pom.own.group.is_empty() || parent.group == pom.own.group)
                };
                if let Some(child) = chain.last()
                    && (!child.parent.as_ref().is_some_and(fits) || chain.iter().any(|c| std::ptr::eq(*c, pom)))
                {
                    break;
                }
                chain.push(pom);
                let Some(parent) = pom.parent.as_ref().and_then(|_| relative(&at, pom.relative.as_deref())) else {
                    break;
                };
                at = parent;
            }
            work +=
                chain.iter().map(|p| 1 + p.properties.len() + p.dependencies.len() + p.managed.len()).sum::<usize>();
            if work <= MAX_WORK {
                list(&chain, path, out);
                continue;
            }
            if out.gaps.iter().all(|g| g.kind != GapKind::FileLimit) {
                let detail = format!(
                    "the pom.xml files of this layer have more than {MAX_WORK} dependencies with those of their parents; the parents of the rest are not looked at"
                );
                out.gaps.push(Gap::new(GapKind::FileLimit, path.as_str(), detail));
            }
            list(&chain[..1], path, out);
        }
    }
}

/// Where the parent lies: `../pom.xml` unless the file says otherwise.
fn relative(from: &LayerPath, reported: Option<&str>) -> Option<LayerPath> {
    let reported = reported.unwrap_or("../pom.xml");
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in reported.split('/').take(64) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    if !reported.ends_with(".xml") {
        parts.push("pom.xml");
    }
    LayerPath::normalise(&parts.join("/")).ok()
}

/// Lists what the first of the chain is and needs; the others are its parents.
fn list(chain: &[&Pom], path: &LayerPath, out: &mut Section) {
    let Some(pom) = chain.first() else { return };
    let start = out.packages.len();
    let values = Values::of(chain);
    let own = Dependency {
        group: values.group.clone(),
        artifact: pom.own.artifact.clone(),
        version: values.version.clone(),
        ..Dependency::default()
    };
    let mut add = |d: &Dependency, scope: &str, licenses: &[String]| {
        let (group, artifact) = (values.fill(&d.group), values.fill(&d.artifact));
        // A range with one member is that version.
        let version = values.fill(&d.version);
        let version = version
            .strip_prefix('[')
            .and_then(|v| v.strip_suffix(']'))
            .filter(|v| !v.contains(','))
            .unwrap_or(&version)
            .trim();
        if group.is_empty()
            || artifact.is_empty()
            || [group.as_str(), &artifact, version].iter().any(|t| t.contains(['$', '[', '(', ',']))
        {
            return;
        }
        if version.is_empty() || version.len() > MAX_VALUE || group.len() + artifact.len() > MAX_VALUE {
            return;
        }
        let mut package =
            layergate_model::Package::new(PackageKind::Maven, format!("{group}:{artifact}"), version, path);
        if matches!(scope, "test" | "provided") {
            package.scope = Scope::Dev;
        }
        package.licenses = licenses.to_vec();
        out.packages.push(package);
    };
    add(&own, "", &pom.licenses);
    let key = |d: &Dependency| (values.fill(&d.group), values.fill(&d.artifact));
    let mut managed: HashMap<(String, String), &Dependency> = HashMap::new();
    for d in chain.iter().rev().flat_map(|p| &p.managed).filter(|d| d.scope != "import") {
        managed.insert(key(d), d);
    }
    for d in chain.iter().flat_map(|p| &p.dependencies) {
        let manager = managed.get(&key(d));
        let version = if d.version.is_empty() { manager.map_or("", |m| m.version.as_str()) } else { &d.version };
        let scope = if d.scope.is_empty() { manager.map_or("", |m| m.scope.as_str()) } else { &d.scope };
        add(&Dependency { version: version.to_owned(), ..d.clone() }, scope, &[]);
    }
    input::join_same(out, start);
}

/// What stands in place of `${…}`.
struct Values<'p> {
    properties: HashMap<&'p str, &'p str>,
    group: String,
    version: String,
    artifact: &'p str,
    parent: (String, String),
}

impl<'p> Values<'p> {
    fn of(chain: &[&'p Pom]) -> Self {
        let mut properties = HashMap::new();
        for pom in chain.iter().rev() {
            properties.extend(pom.properties.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        }
        let reported = |of: fn(&Dependency) -> &String| {
            // What the parents' own files say comes before what a child says of its parent.
            let last = chain.last().and_then(|p| p.parent.as_ref());
            let all = chain.iter().map(|p| &p.own).chain(last);
            all.map(of).find(|v| !v.is_empty()).cloned().unwrap_or_default()
        };
        let parent = chain.first().and_then(|p| p.parent.clone()).unwrap_or_default();
        let artifact = chain.first().map_or("", |p| p.own.artifact.as_str());
        let mut new = Self {
            properties,
            group: reported(|d| &d.group),
            version: reported(|d| &d.version),
            artifact,
            parent: (parent.group, parent.version),
        };
        (new.group, new.version) = (new.fill(&new.group), new.fill(&new.version));
        new
    }

    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "project.version" | "pom.version" | "version" => Some(self.version.as_str()),
            "project.groupId" | "pom.groupId" | "groupId" => Some(self.group.as_str()),
            "project.artifactId" | "pom.artifactId" | "artifactId" => Some(self.artifact),
            "project.parent.version" | "parent.version" => Some(self.parent.1.as_str()),
            "project.parent.groupId" | "parent.groupId" => Some(self.parent.0.as_str()),
            name => self.properties.get(name).copied(),
        }
        .filter(|v| !v.is_empty())
    }

    /// Replaces `${…}` until none is left that is known; a cycle ends after some rounds.
    fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..16 {
            if !text.contains("${") || text.len() > MAX_VALUE {
                break;
            }
            let mut next = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("${") {
                next.push_str(before);
                let Some((name, after)) = after.split_once('}') else {
                    next.push_str("${");
                    rest = after;
                    continue;
                };
                match self.value(name.trim()) {
                    Some(value) => next.push_str(value),
                    None => next.extend(["${", name, "}"]),
                }
                rest = after;
                if next.len() > MAX_VALUE {
                    break;
                }
            }
            next.push_str(rest);
            if next == text {
                break;
            }
            text = next;
        }
        text
    }
}

/// Group, artifact and version that a `pom.xml` gives its own project; what it takes from its parent counts as far as the
/// file tells it.
pub(crate) fn own(bytes: &[u8]) -> Option<(String, String, String)> {
    let pom = parse(&String::from_utf8_lossy(bytes)).ok()?;
    let values = Values::of(&[&pom]);
    let artifact = values.fill(&pom.own.artifact);
    let good = |text: &String| !text.is_empty() && !text.contains('$');
    let all = [&values.group, &artifact, &values.version].into_iter().all(good);
    all.then_some((values.group, artifact, values.version))
}

/// The licenses that a `pom.xml` names.
pub(crate) fn licenses(bytes: &[u8]) -> Vec<String> {
    parse(&String::from_utf8_lossy(bytes)).map(|pom| pom.licenses).unwrap_or_default()
}

fn parse(text: &str) -> Result<Pom, String> {
    let mut reader = Reader::from_str(text);
    let mut pom = Pom::default();
    let mut path: Vec<String> = Vec::new();
    let mut value = String::new();
    let mut current = Dependency::default();
    loop {
        match reader.read_event().map_err(|e| format!("not a pom.xml: {e}"))? {
            Event::Start(tag) => {
                if path.len() >= MAX_DEPTH {
                    return Err(format!("not a pom.xml: elements are nested more than {MAX_DEPTH} deep"));
                }
                let name = tag.local_name();
                // No element that matters has a long name, and every end joins them.
                path.push(name.as_ref().chars().take(100).collect());
                value.clear();
                if matches!(name.as_ref(), "dependency" | "parent") {
                    current = Dependency::default();
                }
            }
            Event::Empty(tag) if tag.local_name().as_ref() == "relativePath" && path.join("/") == "project/parent" => {
                // Empty: the parent is in a repository only.
                pom.relative = Some("\u{0}none".to_owned());
            }
            Event::Text(text) if value.len() < 64 << 10 => value.push_str(&text),
            Event::CData(text) if value.len() < 64 << 10 => value.push_str(&text),
            Event::End(_) => {
                if path.len() <= 6 {
                    close(&mut pom, &mut current, &path.join("/"), value.trim());
                }
                path.pop();
                value.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !path.is_empty() {
        return Err("not a pom.xml: it is cut off".to_owned());
    }
    Ok(pom)
}

fn close(pom: &mut Pom, current: &mut Dependency, path: &str, value: &str) {
    let set = |slot: &mut String| {
        if value.len() <= MAX_VALUE {
            *slot = value.to_owned();
        }
    };
    let Some(path) = path.strip_prefix("project/") else { return };
    if let Some(name) = path.strip_prefix("properties/") {
        if !name.contains('/') && value.len() <= MAX_VALUE && pom.properties.len() < MAX_DEPENDENCIES {
            pom.properties.insert(name.to_owned(), value.to_owned());
        }
        return;
    }
    match path {
        "groupId" => set(&mut pom.own.group),
        "artifactId" => set(&mut pom.own.artifact),
        "version" => set(&mut pom.own.version),
        "parent" => pom.parent = Some(std::mem::take(current)),
        "parent/relativePath" => {
            pom.relative = Some(if value.is_empty() { "\u{0}none".to_owned() } else { value.to_owned() })
        }
        "licenses/license/name" if pom.licenses.len() < 16 => pom.licenses.extend(license::normal(value)),
        "dependencies/dependency" if pom.dependencies.len() < MAX_DEPENDENCIES => {
            pom.dependencies.push(std::mem::take(current));
        }
        "dependencyManagement/dependencies/dependency" if pom.managed.len() < MAX_DEPENDENCIES => {
            pom.managed.push(std::mem::take(current));
        }
        _ => {
            let field = path
                .strip_prefix("parent/")
                .or_else(|| path.strip_prefix("dependencies/dependency/"))
                .or_else(|| path.strip_prefix("dependencyManagement/dependencies/dependency/"));
            match field {
                Some("groupId") => set(&mut current.group),
                Some("artifactId") => set(&mut current.artifact),
                Some("version") => set(&mut current.version),
                Some("scope") => set(&mut current.scope),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages, together};

    const PARENT: &[u8] = b"<?xml version='1.0'?><project xmlns='x'><groupId>g</groupId><artifactId>p</artifactId><version>1</version>\
        <properties><lib>7</lib><loop>${loop}</loop></properties><dependencyManagement><dependencies><dependency><groupId>m</groupId><artifactId>m</artifactId>\
        <version>${lib}.1</version><scope>test</scope></dependency></dependencies></dependencyManagement></project>";
    const CHILD: &[u8] = b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>c</artifactId>\
        <!-- why --><licenses><license><name>MIT</name></license></licenses><dependencies><dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId>\
        <version>${project.version}</version></dependency><dependency><groupId>m</groupId><artifactId>m</artifactId></dependency>\
        <dependency><groupId>x</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency><dependency><groupId>x</groupId><artifactId>hard</artifactId><version>[2.0]</version></dependency>\
        <dependency><groupId>x</groupId><artifactId>l</artifactId><version>${loop}</version><exclusions><exclusion><groupId>no</groupId></exclusion></exclusions></dependency></dependencies></project>";

    #[test]
    fn with_and_without_a_parent() {
        assert_eq!(packages(&MavenPom, "c/pom.xml", CHILD), ["g:c 1", "g:own 1", "x:hard 2.0"]);
        let both = together(&MavenPom, &[("c/pom.xml", CHILD), ("pom.xml", PARENT)]);
        assert_eq!(both, ["g:c 1", "g:own 1", "g:p 1", "m:m 7.1", "x:hard 2.0"]);
        let (section, _) = analyze(&MavenPom, "c/pom.xml", CHILD);
        assert!(section.packages.iter().any(|p| p.licenses == ["MIT"]));
    }

    #[test]
    fn a_large_parent_with_many_children() {
        let managed: String = (0..20_000)
            .map(|i| {
                format!(
                    "<dependency><groupId>g</groupId><artifactId>a{i}</artifactId><version>1</version></dependency>"
                )
            })
            .collect();
        let parent = format!(
            "<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version><dependencyManagement><dependencies>{managed}</dependencies></dependencyManagement></project>"
        );
        let child = b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent><artifactId>c</artifactId></project>";
        let mut section = Section::default();
        let limits = layergate_model::Limits::default();
        let mut add = |path: &str, bytes: &[u8]| {
            let path = LayerPath::normalise(path).unwrap();
            MavenPom.analyze(&File::new(&path, 0, bytes, &limits), &mut section).unwrap();
        };
        add("pom.xml", parent.as_bytes());
        (0..1000).for_each(|i| add(&format!("c{i}/pom.xml"), child));
        MavenPom.finish(&mut section);
        assert_eq!((section.packages.len(), section.gaps.len()), (1001, 1));
    }

    #[test]
    fn hostile_ones() {
        let deep = "<a>".repeat(100_000);
        let doubling: String = (0..40).map(|i| format!("<p{i}>${{p{0}}}${{p{0}}}</p{i}>", i + 1)).collect();
        let bomb = format!(
            "<project><groupId>g</groupId><artifactId>a</artifactId><version>${{p0}}</version><properties>{doubling}<p40>1</p40></properties></project>"
        );
        assert_eq!(packages(&MavenPom, "pom.xml", bomb.as_bytes()), [""; 0]);
        for bad in [
            deep.as_bytes(),
            b"<project>",
            b"<project></b>",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]><project><version>&b;</version>",
        ] {
            assert!(analyze(&MavenPom, "pom.xml", bad).1.is_err());
        }
    }
}

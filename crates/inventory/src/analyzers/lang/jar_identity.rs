//! What a Java archive is called when no `pom.properties` shows: its file name, what it shows of itself
//! (`jar_evidence.rs`), and two tables of well-known artifacts that are published without `pom.properties`. Where the
//! name and the classes fit a row of the first (`jar_sure.rs`), that is what it is. Then the manifest speaks, unless it
//! names an organisation only, and the second (`jar_groups.rs`), which knows names alone.

use super::{
    jar_evidence::{Evidence, Manifest},
    jar_groups, jar_sure,
};

/// `log4j-1.2-api-2.14.1` is `log4j-1.2-api` and `2.14.1`; `app` has no version.
pub(crate) fn split(stem: &str) -> (&str, Option<&str>) {
    let dashes = stem.match_indices('-').map(|(i, _)| i).filter(|i| *i > 0 && digit(&stem[i + 1..]));
    for at in dashes {
        let version = &stem[at + 1..];
        let parts: Vec<&str> = version.split('-').collect();
        // A word inside that is followed by another number belongs to the name: 1.2-api-2.14.1.
        let name_goes_on = parts
            .windows(2)
            .any(|pair| !digit(pair[0]) && !is_qualifier(pair[0]) && digit(pair[1]) && pair[1].contains('.'));
        if !name_goes_on {
            return (&stem[..at], Some(without_classifier(version)));
        }
    }
    (stem, None)
}

/// The version without a classifier behind it (`4.1.77.Final-linux-x86_64`): the machine that its native code is for, or what
/// of the project is in it.
fn without_classifier(version: &str) -> &str {
    const SYSTEMS: [&str; 7] = ["linux", "osx", "windows", "macosx", "darwin", "natives", "native"];
    const PARTS: [&str; 9] =
        ["tests", "test", "sources", "javadoc", "all", "shaded", "jar-with-dependencies", "uber", "exec"];
    let system = SYSTEMS.iter().find_map(|system| {
        let at = version.find(&format!("-{system}")).filter(|at| *at > 0)?;
        let rest = &version[at + 1 + system.len()..];
        (rest.is_empty() || rest.starts_with(['-', '_'])).then_some(at)
    });
    let part = PARTS.iter().find_map(|part| Some(version.strip_suffix(part)?.strip_suffix('-')?.len()));
    system.or(part).map_or(version, |at| &version[..at])
}

fn digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn is_qualifier(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    [
        "snapshot",
        "alpha",
        "beta",
        "rc",
        "cr",
        "m",
        "b",
        "ga",
        "sp",
        "jre",
        "jdk",
        "android",
        "release",
        "final",
        "pre",
        "build",
        "redhat",
        "incubating",
    ]
    .iter()
    .any(|q| word.strip_prefix(q).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.')))
}

/// What an archive is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    group: Option<String>,
    artifact: String,
    /// `None` only where the group is known: then it is somebody's whose advisories can be asked for.
    pub(crate) version: Option<String>,
}

impl Identity {
    /// `group:artifact`, or the artifact alone.
    pub(crate) fn full_name(&self) -> String {
        match &self.group {
            Some(group) => format!("{group}:{}", self.artifact),
            None => self.artifact.clone(),
        }
    }
}

/// What an archive of this name is; `None` where neither a version nor a group is known.
pub(crate) fn guess(stem: &str, evidence: &Evidence) -> Option<Identity> {
    let manifest = &evidence.manifest;
    let (name, version) = split(stem);
    let (by_name, artifact) = parts(name, manifest);
    if artifact.is_empty() {
        return None;
    }
    let lower = artifact.to_ascii_lowercase();
    let version = version.map(str::to_owned).or_else(|| {
        let entry = jar_sure::find(&lower, None, evidence).map(|(_, entry)| entry);
        manifest_version(manifest)
            .or_else(|| manifest.of_entries(entry).and_then(clean))
            .or_else(|| evidence.version.clone())
            .or_else(|| Some(jar_sure::only_version(&lower).filter(|_| entry.is_some())?.to_owned()))
    });
    if let Some(version) = &version
        && let Some(renamed) = tomcat(artifact, manifest)
    {
        let group = Some("org.apache.tomcat".to_owned());
        return Some(Identity { group, artifact: renamed, version: Some(version.clone()) });
    }
    let sure = jar_sure::find(&lower, version.as_deref(), evidence).map(|(group, _)| group.to_owned());
    let Some(version) = version else {
        // A name alone is anybody's.
        let group = Some(sure.or_else(|| declared_group(artifact, manifest).filter(|_| evidence.has_classes()))?);
        return Some(Identity { group, artifact: artifact.to_owned(), version: None });
    };
    let table = jar_groups::known(&lower, &version).map(str::to_owned);
    let said = declared_group(artifact, manifest).filter(|group| table.is_none() || !is_general(group));
    let group = sure.or(by_name).or(said).or(table).or_else(|| module(artifact, manifest));
    Some(Identity { group, artifact: artifact.to_owned(), version: Some(version) })
}

/// Group and artifact of a name. `org.example.thing-1.0.jar` is Eclipse's and Quarkus' way of writing both; Java's own
/// interfaces are called so themselves, and so is a bundle that names itself like that.
fn parts<'n>(name: &'n str, manifest: &Manifest) -> (Option<String>, &'n str) {
    let is_own = name.starts_with("javax.") || name.starts_with("jakarta.");
    let bundle = manifest.first(&["Bundle-SymbolicName"]).and_then(|b| b.split(';').next()).map(str::trim);
    if is_own || bundle == Some(name) {
        return (None, name);
    }
    match name.rsplit_once('.') {
        Some((group, artifact)) if !artifact.is_empty() && is_written_out(name, group) => {
            (Some(group.to_owned()), artifact)
        }
        _ => (None, name),
    }
}

fn is_written_out(name: &str, group: &str) -> bool {
    const TOPS: [&str; 9] = ["com", "org", "io", "net", "dev", "de", "ch", "co", "me"];
    let letters = |text: &str| text.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
    let top = group.split('.').next().unwrap_or_default();
    letters(name) || letters(group) && group.contains('.') && TOPS.contains(&top)
}

/// The version of the main section. OSGi writes three numbers for two (`1.69.0`), and some specifications only the
/// first of them; the bundle's version decides between both.
fn manifest_version(manifest: &Manifest) -> Option<String> {
    let value = |key: &str| manifest.first(&[key]).and_then(clean);
    let bundle = value("Bundle-Version");
    let first = ["Implementation-Version", "Specification-Version", "Plugin-Version"].iter().find_map(|key| value(key));
    let (Some(first), Some(bundle)) = (first.clone(), &bundle) else { return first.or(bundle) };
    let longer = value("Implementation-Version").is_none() && bundle.starts_with(&format!("{first}."));
    Some(if longer || first == format!("{bundle}.0") { bundle.clone() } else { first })
}

/// A version of a manifest without what is said besides: `5.12.1 (b0)`, `1.5.31-release-548(1.5.31)`, and the qualifier
/// that Eclipse's and Scala's builds put behind it (`2.12.10.v20190904-150159-VFINAL-61701c2`; Jetty's `.v20220622` is
/// its own).
fn clean(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((before, inside)) = text.strip_suffix(')').and_then(|t| t.rsplit_once('('))
        && digit(inside)
        && before.starts_with(inside)
    {
        return Some(inside.to_owned());
    }
    let word = text.split([' ', '(']).map(str::trim).find(|word| word.contains(|c: char| c.is_ascii_digit()))?;
    let built = word.find(".v20").filter(|at| {
        let rest = &word[at + 2..];
        rest.get(..8).is_some_and(|day| day.bytes().all(|b| b.is_ascii_digit())) && rest[8..].starts_with('-')
    });
    Some(built.map_or(word, |at| &word[..at]).to_owned())
}

/// Groups that manifests name where the artifacts are published under another: the organisation, not the project.
fn is_general(group: &str) -> bool {
    const GENERAL: [&str; 16] = [
        "org.apache",
        "org.codehaus",
        "org.eclipse",
        "org.objectweb",
        "org.glassfish",
        "org.springframework",
        "org.hibernate",
        "org.jboss",
        "org.bouncycastle",
        "com.google",
        "com.sun",
        "com.oracle",
        "com.fasterxml",
        "com.microsoft",
        "net.java",
        "oracle.com",
    ];
    GENERAL.contains(&group)
}

/// Tomcat's own archive names its JARs otherwise than they are published.
fn tomcat(artifact: &str, manifest: &Manifest) -> Option<String> {
    let is_tomcat =
        manifest.first(&["Implementation-Title", "Specification-Title"]).is_some_and(|t| t.contains("Tomcat"));
    match artifact {
        "catalina" => Some("tomcat-catalina".to_owned()),
        "catalina-ant" | "catalina-ha" | "catalina-ssi" => Some(format!("tomcat-{artifact}")),
        "catalina-storeconfig" => Some("tomcat-storeconfig".to_owned()),
        "catalina-tribes" => Some("tomcat-tribes".to_owned()),
        "jasper"
        | "jasper-el"
        | "el-api"
        | "jsp-api"
        | "servlet-api"
        | "websocket-api"
        | "websocket-client-api"
        | "annotations-api"
        | "jaspic-api"
            if is_tomcat =>
        {
            Some(format!("tomcat-{artifact}"))
        }
        _ => None,
    }
}

fn domain(text: &str) -> bool {
    text.contains('.') && text.len() < 120 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// The group by the manifest: nothing is taken that is no reversed domain name.
fn declared_group(artifact: &str, manifest: &Manifest) -> Option<String> {
    if let Some(group) = manifest.first(&["Group-Id", "Implementation-Vendor-Id"]).filter(|g| domain(g)) {
        return Some(group.to_owned());
    }
    named_by(artifact, manifest.first(&["Bundle-SymbolicName"])?)
}

/// The group by the name of the module, which often is another one: `org.apache.groovy` has `groovy` as its last part.
fn module(artifact: &str, manifest: &Manifest) -> Option<String> {
    named_by(artifact, manifest.first(&["Automatic-Module-Name"])?)
}

/// `org.x` of `org.x.artifact`.
fn named_by(artifact: &str, name: &str) -> Option<String> {
    let name = name.split(';').next()?.trim();
    let group = name.strip_suffix(jar_sure::without_scala(artifact)).or_else(|| name.strip_suffix(artifact))?;
    let group = group.strip_suffix('.')?;
    domain(group).then(|| group.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(text: &str) -> Evidence {
        Evidence { manifest: Manifest::parse(text), ..Evidence::default() }
    }

    #[test]
    fn names_and_versions() {
        for (stem, name, version) in [
            ("app", "app", None),
            ("spring-core-5.3.20", "spring-core", Some("5.3.20")),
            ("log4j-1.2-api-2.14.1", "log4j-1.2-api", Some("2.14.1")),
            ("akka-actor_2.13-2.6.1", "akka-actor_2.13", Some("2.6.1")),
            ("guava-31.1-jre", "guava", Some("31.1-jre")),
            ("x-1.0-SNAPSHOT", "x", Some("1.0-SNAPSHOT")),
            ("x-1.0-20200101.123456-1", "x", Some("1.0-20200101.123456-1")),
            ("x-1.0-beta-2.1", "x", Some("1.0-beta-2.1")),
            ("-1.0", "-1.0", None),
            ("netty-epoll-4.1.77.Final-linux-x86_64", "netty-epoll", Some("4.1.77.Final")),
            ("netty-tcnative-2.0.5-osx-aarch_64", "netty-tcnative", Some("2.0.5")),
            ("app-1.0-jar-with-dependencies", "app", Some("1.0")),
            ("own-1.0-tests", "own", Some("1.0")),
            ("own-1.0-linuxes", "own", Some("1.0-linuxes")),
        ] {
            assert_eq!(split(stem), (name, version), "{stem}");
        }
    }

    #[test]
    fn guesses() {
        let manifest = evidence(
            "Manifest-Version: 1.0\r\nImplementation-Version: 9.0.\r\n 65\r\nBundle-SymbolicName: org.example.thing;x=y\r\nSpecification-Version: ${v}\r\n\r\nName: x\r\n",
        );
        for (stem, want) in [
            ("thing", Some((Some("org.example"), "thing", "9.0.65"))),
            ("other-1.0", Some((None, "other", "1.0"))),
            ("spring-web-6.0.1", Some((Some("org.springframework"), "spring-web", "6.0.1"))),
            ("spring-web-0.7", Some((Some("org.springframework"), "spring-web", "0.7"))),
            ("io.quarkus.gizmo.gizmo-1.1", Some((Some("io.quarkus.gizmo"), "gizmo", "1.1"))),
        ] {
            let got = guess(stem, &manifest);
            let got = got.as_ref().map(|i| (i.group.as_deref(), i.artifact.as_str(), i.version.as_deref().unwrap()));
            assert_eq!(got, want, "{stem}");
        }
        assert!(guess("app", &Evidence::default()).is_none());
    }

    #[test]
    fn the_classes_before_the_manifest() {
        for (stem, manifest, class, want) in [
            (
                "mysql-connector-java",
                "Implementation-Version: 8.0.28\nImplementation-Vendor-Id: com.mysql\n",
                "com/mysql/A",
                "mysql:mysql-connector-java 8.0.28",
            ),
            ("javax.inject-1", "", "javax/inject/A", "javax.inject:javax.inject 1"),
            ("javax.inject", "", "javax/inject/A", "javax.inject:javax.inject 1"),
            ("javax.own-1.0", "", "a/A", "javax.own 1.0"),
            ("dom4j", "Implementation-Version: 1.6.1\n", "org/dom4j/A", "dom4j:dom4j 1.6.1"),
            (
                "caffeine-2.8.4",
                "Bundle-SymbolicName: com.github.ben-manes.caffeine\n",
                "com/github/benmanes/caffeine/A",
                "com.github.ben-manes.caffeine:caffeine 2.8.4",
            ),
            (
                "scala-java8-compat_2.12",
                "Bundle-Version: 0.8.0\nBundle-SymbolicName: org.scala-lang.modules.scala-java8-compat\n",
                "x/A",
                "org.scala-lang.modules:scala-java8-compat_2.12 0.8.0",
            ),
            (
                "jdom2",
                "A: b\n\nName: org/jdom2/\nImplementation-Version: 2.0.6\n",
                "org/jdom2/A",
                "org.jdom:jdom2 2.0.6",
            ),
            (
                "xercesImpl",
                "A: b\n\nName: org/apache/xerces/impl/\nImplementation-Version: 2.12.0\n\nName: org/xml/sax/\nImplementation-Version: 2.0.2\n",
                "org/apache/xerces/A",
                "xerces:xercesImpl 2.12.0",
            ),
            // Somebody's whose version nothing shows, and nobody's.
            ("okio", "", "okio/A", "okio: com.squareup.okio"),
            ("okio", "", "com/own/A", ""),
            ("own", "Implementation-Vendor-Id: org.own\n", "org/own/A", "own: org.own"),
            ("own", "Implementation-Vendor-Id: org.own\n", "", ""),
            // Eclipse's bundles are called by their whole names.
            ("org.osgi.core-6.0.0", "Bundle-SymbolicName: org.osgi.core\n", "org/osgi/A", "org.osgi.core 6.0.0"),
            ("io.quarkus.quarkus-core-2.0", "", "io/quarkus/A", "io.quarkus:quarkus-core 2.0"),
        ] {
            let mut evidence = evidence(manifest);
            if !class.is_empty() {
                evidence.class(format!("{class}.class").as_bytes());
            }
            let got = guess(stem, &evidence).map_or_else(String::new, |i| match &i.version {
                Some(version) => format!("{} {version}", i.full_name()),
                None => format!("{}: {}", i.artifact, i.group.unwrap_or_default()),
            });
            assert_eq!(got, want, "{stem}");
        }
    }

    #[test]
    fn versions_of_manifests() {
        for (manifest, want) in [
            ("Implementation-Version: 5.12.1 (b0)\nBundle-Version: 5.12.1", "5.12.1"),
            ("Implementation-Version: 1.5.31-release-548(1.5.31)", "1.5.31"),
            ("Bundle-Version: 2.12.10.v20190904-150159-VFINAL-61701c2", "2.12.10"),
            ("Implementation-Version: 9.4.48.v20220622", "9.4.48.v20220622"),
            ("Implementation-Version: 1.69.0\nBundle-Version: 1.69", "1.69"),
            ("Specification-Version: 2.1\nBundle-Version: 2.1.6", "2.1.6"),
            ("Implementation-Version: 2.1\nBundle-Version: 2.1.0", "2.1"),
            ("Implementation-Version: 1.4.01 2009-12-09", "1.4.01"),
            ("Implementation-Version: release 4.2", "4.2"),
            ("Implementation-Version: unknown", ""),
        ] {
            let manifest = Manifest::parse(manifest);
            assert_eq!(manifest_version(&manifest).unwrap_or_default(), want);
        }
    }

    #[test]
    fn the_manifest_before_the_table() {
        for (stem, manifest, want) in [
            ("spring-web-0.7.5", "Implementation-Vendor-Id: org.example.spring\n", "org.example.spring:spring-web"),
            (
                "groovy-4.0.9",
                "Automatic-Module-Name: org.apache.groovy\nBundle-SymbolicName: groovy\n",
                "org.apache.groovy:groovy",
            ),
            ("groovy-3.0.9", "", "org.codehaus.groovy:groovy"),
            ("rxjava-1.3.8", "Bundle-SymbolicName: io.reactivex.rxjava\n", "io.reactivex:rxjava"),
            ("rxjava-2.2.8", "", "io.reactivex.rxjava2:rxjava"),
            (
                "hibernate-core-6.2.0.Final",
                "Implementation-Vendor-Id: org.hibernate.orm\n",
                "org.hibernate.orm:hibernate-core",
            ),
            ("hibernate-core-5.6.0.Final", "Implementation-Vendor-Id: org.hibernate\n", "org.hibernate:hibernate-core"),
            (
                "commons-collections-3.2.1",
                "Implementation-Vendor-Id: org.apache\n",
                "commons-collections:commons-collections",
            ),
            ("connect-runtime-3.3.1", "", "org.apache.kafka:connect-runtime"),
            ("kafka_2.13-3.3.1", "", "org.apache.kafka:kafka_2.13"),
            ("asm-9.2", "Bundle-SymbolicName: org.objectweb.asm\n", "org.ow2.asm:asm"),
            ("jna-5.1.0", "Bundle-SymbolicName: com.sun.jna\n", "net.java.dev.jna:jna"),
            ("guice-4.0", "", "com.google.inject:guice"),
            ("jdom2-2.0.6", "", "org.jdom:jdom2"),
            ("lz4-java-1.8.0", "", "org.lz4:lz4-java"),
            ("jackson-databind-2.9.1", "", "com.fasterxml.jackson.core:jackson-databind"),
            ("catalina-9.0.50", "", "org.apache.tomcat:tomcat-catalina"),
            ("catalina-tribes-9.0.50", "", "org.apache.tomcat:tomcat-tribes"),
            ("jsp-api-9.0.50", "Specification-Title: Apache Tomcat\n", "org.apache.tomcat:tomcat-jsp-api"),
            ("own-1.0", "", "own"),
        ] {
            assert_eq!(guess(stem, &evidence(manifest)).unwrap().full_name(), want);
        }
    }
}

//! What a Java archive is called when no `pom.properties` tells: its file name, the main section of its manifest
//! (docs.oracle.com, "JAR File Specification"), and a table of well-known artifacts that are published without
//! `pom.properties` (`jar_groups.rs`). What the manifest says goes before the table, unless it names an organisation only.

use super::jar_groups;

/// The main section of a `MANIFEST.MF`.
#[derive(Default)]
pub(crate) struct Manifest(Vec<(String, String)>);

impl Manifest {
    /// Reads the main section; lines that begin with a blank continue the one before.
    pub(crate) fn parse(text: &str) -> Self {
        let mut out: Vec<(String, String)> = Vec::new();
        for line in text.lines().map(|l| l.trim_end_matches('\r')).take(2000) {
            if line.is_empty() {
                break;
            }
            if let Some(more) = line.strip_prefix(' ') {
                if let Some((_, value)) = out.last_mut().filter(|(_, v)| v.len() < 64 << 10) {
                    value.push_str(more);
                }
            } else if let Some((key, value)) = line.split_once(':') {
                out.push((key.trim().to_owned(), value.trim().to_owned()));
            }
        }
        Self(out)
    }

    /// The first of these keys that says something; a variable that was never filled in says nothing.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| {
            let value = self.0.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.trim())?;
            (!value.is_empty() && !value.contains("${") && value.len() < 256).then_some(value)
        })
    }

    /// The declared licence.
    pub(crate) fn license(&self) -> Option<&str> {
        self.first(&["Bundle-License"])
    }
}

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
            return (&stem[..at], Some(version));
        }
    }
    (stem, None)
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

/// Group, artifact and version by the archive's name and manifest; `None` without a version.
pub(crate) fn guess(stem: &str, manifest: &Manifest) -> Option<(Option<String>, String, String)> {
    let (name, version) = split(stem);
    let version = version.or_else(|| {
        manifest.first(&["Implementation-Version", "Specification-Version", "Plugin-Version", "Bundle-Version"])
    })?;
    // org.example.thing-1.0.jar: Eclipse's and Quarkus' way of writing group and artifact.
    let (by_name, artifact) = match name.rsplit_once('.') {
        Some((group, artifact))
            if name.chars().all(|c| c.is_ascii_alphabetic() || c == '.') && !artifact.is_empty() =>
        {
            (Some(group.to_owned()), artifact)
        }
        _ => (None, name),
    };
    if artifact.is_empty() {
        return None;
    }
    if let Some(renamed) = tomcat(artifact, manifest) {
        return Some((Some("org.apache.tomcat".to_owned()), renamed, version.to_owned()));
    }
    let lower = artifact.to_ascii_lowercase();
    let table = jar_groups::known(&lower, version).map(str::to_owned);
    let said = told(artifact, manifest).filter(|group| table.is_none() || !is_general(group));
    let group = by_name.or(said).or(table).or_else(|| module(artifact, manifest));
    Some((group, artifact.to_owned(), version.to_owned()))
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
fn told(artifact: &str, manifest: &Manifest) -> Option<String> {
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
    let group = name.split(';').next()?.trim().strip_suffix(artifact)?.strip_suffix('.')?;
    domain(group).then(|| group.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(split(stem), (name, version), "{stem}");
        }
    }

    #[test]
    fn guesses() {
        let manifest = Manifest::parse(
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
            let got = got.as_ref().map(|(g, a, v)| (g.as_deref(), a.as_str(), v.as_str()));
            assert_eq!(got, want, "{stem}");
        }
        assert!(guess("app", &Manifest::default()).is_none());
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
            let (group, artifact, _) = guess(stem, &Manifest::parse(manifest)).unwrap();
            assert_eq!(group.map_or(artifact.clone(), |g| format!("{g}:{artifact}")), want);
        }
    }
}

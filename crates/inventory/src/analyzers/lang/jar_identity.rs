//! What a Java archive is called when no `pom.properties` tells: its file name, the main section of its manifest
//! (docs.oracle.com, "JAR File Specification"), and a table of well-known artifacts that are published without
//! `pom.properties`.

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
    let (group, artifact) = match name.rsplit_once('.') {
        Some((group, artifact))
            if name.chars().all(|c| c.is_ascii_alphabetic() || c == '.') && !artifact.is_empty() =>
        {
            (Some(group.to_owned()), artifact)
        }
        _ => (None, name),
    };
    let group = group.or_else(|| known(artifact).map(str::to_owned)).or_else(|| told(artifact, manifest));
    (!artifact.is_empty()).then(|| (group, artifact.to_owned(), version.to_owned()))
}

/// The group by the manifest: nothing is taken that is no reversed domain name.
fn told(artifact: &str, manifest: &Manifest) -> Option<String> {
    let domain = |t: &str| {
        t.contains('.') && t.len() < 120 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    };
    if let Some(group) = manifest.first(&["Group-Id", "Implementation-Vendor-Id"]).filter(|g| domain(g)) {
        return Some(group.to_owned());
    }
    let symbolic = manifest.first(&["Bundle-SymbolicName", "Automatic-Module-Name"])?.split(';').next()?.trim();
    let group = symbolic.strip_suffix(artifact)?.strip_suffix('.')?;
    domain(group).then(|| group.to_owned())
}

/// Groups of artifacts that are published without `pom.properties`, by the beginning of their name; longer ones first.
const KNOWN: &[(&str, &str)] = &[
    ("spring-boot", "org.springframework.boot"),
    ("spring-security", "org.springframework.security"),
    ("spring-cloud-function", "org.springframework.cloud"),
    ("spring-cloud", "org.springframework.cloud"),
    ("spring-data", "org.springframework.data"),
    ("spring-session", "org.springframework.session"),
    ("spring-integration", "org.springframework.integration"),
    ("spring-kafka", "org.springframework.kafka"),
    ("spring-amqp", "org.springframework.amqp"),
    ("spring-rabbit", "org.springframework.amqp"),
    ("spring-batch", "org.springframework.batch"),
    ("spring-ldap", "org.springframework.ldap"),
    ("spring-hateoas", "org.springframework.hateoas"),
    ("spring-retry", "org.springframework.retry"),
    ("spring-ws", "org.springframework.ws"),
    ("spring-graphql", "org.springframework.graphql"),
    ("tomcat-embed", "org.apache.tomcat.embed"),
    ("tomcat-", "org.apache.tomcat"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("kotlinx-", "org.jetbrains.kotlinx"),
    ("groovy-", "org.codehaus.groovy"),
    ("micrometer-", "io.micrometer"),
    ("reactor-netty", "io.projectreactor.netty"),
    ("reactor-", "io.projectreactor"),
    ("hibernate-validator", "org.hibernate.validator"),
    ("hibernate-", "org.hibernate"),
    ("bcprov-", "org.bouncycastle"),
    ("bcpkix-", "org.bouncycastle"),
    ("bcutil-", "org.bouncycastle"),
    ("bcpg-", "org.bouncycastle"),
    ("aspectj", "org.aspectj"),
    ("ojdbc", "com.oracle.database.jdbc"),
    ("lucene-", "org.apache.lucene"),
    ("kafka-", "org.apache.kafka"),
    ("logging-interceptor", "com.squareup.okhttp3"),
    ("mockito-", "org.mockito"),
    ("rxjava", "io.reactivex.rxjava3"),
];

/// The same for whole names.
const KNOWN_EXACTLY: &[(&str, &str)] = &[
    ("spring-aop", "org.springframework"),
    ("spring-aspects", "org.springframework"),
    ("spring-beans", "org.springframework"),
    ("spring-context", "org.springframework"),
    ("spring-context-support", "org.springframework"),
    ("spring-core", "org.springframework"),
    ("spring-expression", "org.springframework"),
    ("spring-instrument", "org.springframework"),
    ("spring-jcl", "org.springframework"),
    ("spring-jdbc", "org.springframework"),
    ("spring-jms", "org.springframework"),
    ("spring-messaging", "org.springframework"),
    ("spring-orm", "org.springframework"),
    ("spring-oxm", "org.springframework"),
    ("spring-test", "org.springframework"),
    ("spring-tx", "org.springframework"),
    ("spring-web", "org.springframework"),
    ("spring-webflux", "org.springframework"),
    ("spring-webmvc", "org.springframework"),
    ("spring-websocket", "org.springframework"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("okio-jvm", "com.squareup.okio"),
    ("retrofit", "com.squareup.retrofit2"),
    ("groovy", "org.codehaus.groovy"),
    ("h2", "com.h2database"),
    ("lombok", "org.projectlombok"),
    ("mysql-connector-java", "mysql"),
    ("mysql-connector-j", "com.mysql"),
    ("xercesImpl", "xerces"),
    ("xalan", "xalan"),
    ("dom4j", "org.dom4j"),
    ("junit", "junit"),
    ("hsqldb", "org.hsqldb"),
    ("velocity", "org.apache.velocity"),
    ("quartz", "org.quartz-scheduler"),
    ("mongo-java-driver", "org.mongodb"),
    ("bson", "org.mongodb"),
    ("elasticsearch", "org.elasticsearch"),
    ("scala-library", "org.scala-lang"),
    ("commons-collections", "commons-collections"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-lang", "commons-lang"),
    ("commons-logging", "commons-logging"),
    ("log4j", "log4j"),
];

fn known(artifact: &str) -> Option<&'static str> {
    let exact = KNOWN_EXACTLY.iter().find(|(name, _)| *name == artifact);
    exact.or_else(|| KNOWN.iter().find(|(start, _)| artifact.starts_with(start))).map(|(_, group)| *group)
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
            ("io.quarkus.gizmo.gizmo-1.1", Some((Some("io.quarkus.gizmo"), "gizmo", "1.1"))),
        ] {
            let got = guess(stem, &manifest);
            let got = got.as_ref().map(|(g, a, v)| (g.as_deref(), a.as_str(), v.as_str()));
            assert_eq!(got, want, "{stem}");
        }
        assert!(guess("app", &Manifest::default()).is_none());
    }
}

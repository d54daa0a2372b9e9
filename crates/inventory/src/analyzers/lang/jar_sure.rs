//! Artifacts whose group is known together with the packages that their classes are in: where both fit, this is what
//! the archive is, whatever its manifest says (`Implementation-Vendor-Id: com.mysql` for `mysql:mysql-connector-java`).
//! Most are published without `pom.properties`, by Gradle, sbt or Ant. The groups are those of Maven Central
//! (central.sonatype.com), with the versions from which projects moved.

use super::jar_evidence::Evidence;

/// One row: the name or its beginning, the group, a package of its classes, and which major versions.
struct Row {
    artifact: &'static str,
    group: &'static str,
    package: &'static str,
    /// The manifest's entry that shows the version, where the package's do not agree.
    entry: Option<&'static str>,
    from: u32,
    before: u32,
}

const fn row(artifact: &'static str, group: &'static str, package: &'static str) -> Row {
    Row { artifact, group, package, entry: None, from: 0, before: u32::MAX }
}

impl Row {
    const fn from(self, from: u32) -> Self {
        Self { from, ..self }
    }

    const fn before(self, before: u32) -> Self {
        Self { before, ..self }
    }

    const fn entry(self, entry: &'static str) -> Self {
        Self { entry: Some(entry), ..self }
    }

    fn names(&self, artifact: &str) -> bool {
        match self.artifact.strip_suffix('*') {
            Some(start) => artifact.starts_with(start),
            None => artifact == self.artifact,
        }
    }
}

/// All rows, names in small letters and without Scala's version; the first that fits counts.
static ROWS: &[Row] = &[
    // Ant's and Make's.
    row("antlr", "antlr", "antlr"),
    row("aopalliance", "aopalliance", "org/aopalliance"),
    row("asm", "asm", "org/objectweb/asm").from(1).before(4),
    row("asm-*", "asm", "org/objectweb/asm").from(1).before(4),
    row("asm", "org.ow2.asm", "org/objectweb/asm"),
    row("asm-*", "org.ow2.asm", "org/objectweb/asm"),
    row("aspectj*", "org.aspectj", "org/aspectj"),
    row("bc*", "org.bouncycastle", "org/bouncycastle"),
    row("bsh", "org.beanshell", "bsh"),
    row("c3p0", "com.mchange", "com/mchange/v2/c3p0"),
    row("mchange-commons-java", "com.mchange", "com/mchange"),
    row("cglib", "cglib", "net/sf/cglib"),
    row("cglib-nodep", "cglib", "net/sf/cglib"),
    row("dom4j", "dom4j", "org/dom4j").before(2),
    row("dom4j", "org.dom4j", "org/dom4j").from(2),
    row("ehcache-core", "net.sf.ehcache", "net/sf/ehcache"),
    row("ehcache", "net.sf.ehcache", "net/sf/ehcache"),
    row("ehcache", "org.ehcache", "org/ehcache"),
    row("freemarker", "org.freemarker", "freemarker"),
    row("hamcrest*", "org.hamcrest", "org/hamcrest"),
    row("itext", "com.lowagie", "com/lowagie"),
    row("itextpdf", "com.itextpdf", "com/itextpdf"),
    row("jaxen", "jaxen", "org/jaxen"),
    row("javassist", "org.javassist", "javassist"),
    row("jdom", "org.jdom", "org/jdom"),
    row("jdom2", "org.jdom", "org/jdom2"),
    row("jna", "net.java.dev.jna", "com/sun/jna"),
    row("jna-*", "net.java.dev.jna", "com/sun/jna"),
    row("jtds", "net.sourceforge.jtds", "net/sourceforge/jtds"),
    row("junit", "junit", "junit/framework"),
    row("jython-standalone", "org.python", "org/python"),
    row("jruby-complete", "org.jruby", "org/jruby"),
    row("lombok", "org.projectlombok", "lombok"),
    row("nekohtml", "net.sourceforge.nekohtml", "org/cyberneko/html"),
    row("quartz", "org.quartz-scheduler", "org/quartz"),
    row("rhino", "org.mozilla", "org/mozilla/javascript"),
    row("serializer", "xalan", "org/apache/xml/serializer"),
    row("snappy-java", "org.xerial.snappy", "org/xerial/snappy"),
    row("sqlite-jdbc", "org.xerial", "org/sqlite"),
    row("velocity", "org.apache.velocity", "org/apache/velocity"),
    row("xalan", "xalan", "org/apache/xalan"),
    row("xercesimpl", "xerces", "org/apache/xerces").entry("org/apache/xerces/impl/"),
    row("xml-apis", "xml-apis", "org/w3c/dom").entry("org/apache/xmlcommons/"),
    row("xml-apis-ext", "xml-apis", "org/w3c/css"),
    row("xmlbeans", "org.apache.xmlbeans", "org/apache/xmlbeans"),
    row("zstd-jni", "com.github.luben", "com/github/luben"),
    // Java's own interfaces and what implements them.
    row("activation", "javax.activation", "javax/activation"),
    row("javax.activation", "com.sun.activation", "javax/activation"),
    row("javax.activation-api", "javax.activation", "javax/activation"),
    row("jakarta.activation", "com.sun.activation", "jakarta/activation"),
    row("jakarta.activation", "com.sun.activation", "javax/activation"),
    row("jakarta.activation-api", "jakarta.activation", "jakarta/activation"),
    row("mail", "javax.mail", "javax/mail"),
    row("javax.mail", "com.sun.mail", "javax/mail"),
    row("javax.mail-api", "javax.mail", "javax/mail"),
    row("jakarta.mail", "com.sun.mail", "jakarta/mail"),
    row("jakarta.mail", "com.sun.mail", "javax/mail"),
    row("jakarta.mail-api", "jakarta.mail", "jakarta/mail"),
    row("javax.annotation-api", "javax.annotation", "javax/annotation"),
    row("javax.el", "org.glassfish", "javax/el"),
    row("javax.el-api", "javax.el", "javax/el"),
    row("javax.inject", "javax.inject", "javax/inject"),
    row("javax.json", "org.glassfish", "javax/json"),
    row("javax.json-api", "javax.json", "javax/json"),
    row("javax.persistence", "org.eclipse.persistence", "javax/persistence"),
    row("javax.persistence-api", "javax.persistence", "javax/persistence"),
    row("javax.servlet-api", "javax.servlet", "javax/servlet"),
    row("javax.servlet.jsp", "org.glassfish.web", "javax/servlet/jsp"),
    row("javax.servlet.jsp-api", "javax.servlet.jsp", "javax/servlet/jsp"),
    row("javax.transaction-api", "javax.transaction", "javax/transaction"),
    row("javax.websocket-api", "javax.websocket", "javax/websocket"),
    row("javax.ws.rs-api", "javax.ws.rs", "javax/ws/rs"),
    row("jstl", "javax.servlet", "javax/servlet/jsp/jstl"),
    row("jsr311-api", "javax.ws.rs", "javax/ws/rs"),
    row("jcip-annotations", "net.jcip", "net/jcip"),
    // Gradle's.
    row("apiguardian-api", "org.apiguardian", "org/apiguardian"),
    row("caffeine", "com.github.ben-manes.caffeine", "com/github/benmanes/caffeine"),
    row("checker-*", "org.checkerframework", "org/checkerframework"),
    row("elasticsearch*", "org.elasticsearch", "org/elasticsearch"),
    row("grpc-*", "io.grpc", "io/grpc"),
    row("guice", "com.google.inject", "com/google/inject"),
    row("guice-*", "com.google.inject.extensions", "com/google/inject"),
    row("hibernate-commons-annotations", "org.hibernate.common", "org/hibernate/annotations/common").from(4),
    row("hibernate-validator*", "org.hibernate", "org/hibernate/validator").before(6),
    row("hibernate-validator*", "org.hibernate.validator", "org/hibernate/validator"),
    row("hibernate-jpa-*", "org.hibernate.javax.persistence", "javax/persistence"),
    row("hibernate-*", "org.hibernate", "org/hibernate").before(6),
    row("junit-jupiter*", "org.junit.jupiter", "org/junit/jupiter"),
    row("junit-platform-*", "org.junit.platform", "org/junit/platform"),
    row("junit-vintage-engine", "org.junit.vintage", "org/junit/vintage"),
    row("connect-*", "org.apache.kafka", "org/apache/kafka/connect"),
    row("kafka", "org.apache.kafka", "kafka"),
    row("kafka-*", "org.apache.kafka", "org/apache/kafka"),
    row("kotlin-*", "org.jetbrains.kotlin", "kotlin"),
    row("kotlinx-*", "org.jetbrains.kotlinx", "kotlinx"),
    row("annotations", "org.jetbrains", "org/jetbrains/annotations"),
    row("logging-interceptor", "com.squareup.okhttp3", "okhttp3/logging"),
    row("lucene-*", "org.apache.lucene", "org/apache/lucene"),
    row("lz4-java", "org.lz4", "net/jpountz"),
    row("micrometer-*", "io.micrometer", "io/micrometer"),
    row("mockito-*", "org.mockito", "org/mockito"),
    row("mongo-java-driver", "org.mongodb", "com/mongodb"),
    row("mongodb-driver-*", "org.mongodb", "com/mongodb"),
    row("bson", "org.mongodb", "org/bson"),
    row("moshi*", "com.squareup.moshi", "com/squareup/moshi"),
    row("mysql-connector-java", "mysql", "com/mysql"),
    row("mysql-connector-j", "com.mysql", "com/mysql"),
    row("ojdbc*", "com.oracle.database.jdbc", "oracle/jdbc"),
    row("okhttp", "com.squareup.okhttp", "com/squareup/okhttp"),
    row("okhttp*", "com.squareup.okhttp3", "okhttp3"),
    row("okio*", "com.squareup.okio", "okio"),
    row("opensearch*", "org.opensearch", "org/opensearch"),
    row("opentelemetry-*", "io.opentelemetry", "io/opentelemetry"),
    row("opentest4j", "org.opentest4j", "org/opentest4j"),
    row("perfmark-api", "io.perfmark", "io/perfmark"),
    row("poi", "org.apache.poi", "org/apache/poi"),
    row("poi-*", "org.apache.poi", "org/apache/poi"),
    row("postgresql", "org.postgresql", "org/postgresql"),
    row("reactive-streams", "org.reactivestreams", "org/reactivestreams"),
    row("reactor-netty*", "io.projectreactor.netty", "reactor/netty"),
    row("reactor-*", "io.projectreactor", "reactor"),
    row("retrofit", "com.squareup.retrofit2", "retrofit2"),
    row("rocksdbjni", "org.rocksdb", "org/rocksdb"),
    row("rxjava", "io.reactivex", "rx"),
    row("rxjava", "io.reactivex.rxjava2", "io/reactivex").before(3),
    row("rxjava", "io.reactivex.rxjava3", "io/reactivex/rxjava3"),
    // sbt's.
    row("akka-*", "com.typesafe.akka", "akka"),
    row("config", "com.typesafe", "com/typesafe/config"),
    row("jackson-module-scala", "com.fasterxml.jackson.module", "com/fasterxml/jackson/module/scala"),
    row("play", "com.typesafe.play", "play"),
    row("play-*", "com.typesafe.play", "play"),
    row("scala-library", "org.scala-lang", "scala"),
    row("scala-reflect", "org.scala-lang", "scala"),
    row("scala-compiler", "org.scala-lang", "scala"),
    row("scala-collection-compat", "org.scala-lang.modules", "scala"),
    row("scala-java8-compat", "org.scala-lang.modules", "scala"),
    row("scala-parallel-collections", "org.scala-lang.modules", "scala"),
    row("scala-parser-combinators", "org.scala-lang.modules", "scala"),
    row("scala-xml", "org.scala-lang.modules", "scala/xml"),
    row("scala3-library", "org.scala-lang", "scala"),
    row("ssl-config-core", "com.typesafe", "com/typesafe/sslconfig"),
];

/// Artifacts that were ever published in one version only.
const ONLY_VERSION: [(&str, &str); 2] = [("aopalliance", "1.0"), ("javax.inject", "1")];

/// `akka-actor_2.13` is `akka-actor`: sbt writes Scala's version behind the name.
pub(super) fn without_scala(artifact: &str) -> &str {
    match artifact.rsplit_once('_') {
        Some((name, version)) if version == "3" || version.starts_with("2.") => name,
        _ => artifact,
    }
}

/// The group of an artifact, whose name is in small letters, and the entries of its manifest that show its version,
/// where the classes fit.
pub(super) fn find(artifact: &str, version: Option<&str>, evidence: &Evidence) -> Option<(&'static str, &'static str)> {
    let major = version.and_then(|v| v.split('.').next()?.parse().ok());
    let name = without_scala(artifact);
    let in_time = |row: &Row| major.is_none_or(|m: u32| (row.from..row.before).contains(&m));
    let mut rows = ROWS.iter().filter(|row| row.names(name) && evidence.has_package(row.package) && in_time(row));
    rows.next().map(|row| (row.group, row.entry.unwrap_or(row.package)))
}

/// The version of an artifact that has only one.
pub(super) fn only_version(artifact: &str) -> Option<&'static str> {
    ONLY_VERSION.iter().find(|(name, _)| *name == artifact).map(|(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_classes_together() {
        for (artifact, version, class, want) in [
            ("dom4j", Some("1.6.1"), "org/dom4j/A.class", Some("dom4j")),
            ("dom4j", Some("2.1.3"), "org/dom4j/A.class", Some("org.dom4j")),
            ("dom4j", Some("1.6.1"), "com/own/A.class", None),
            ("asm", Some("3.1"), "org/objectweb/asm/A.class", Some("asm")),
            ("asm-tree", Some("9.3"), "org/objectweb/asm/tree/A.class", Some("org.ow2.asm")),
            ("mysql-connector-java", Some("8.0.28"), "com/mysql/cj/A.class", Some("mysql")),
            ("scala-java8-compat_2.12", None, "scala/compat/A.class", Some("org.scala-lang.modules")),
            ("akka-actor_3", None, "akka/actor/A.class", Some("com.typesafe.akka")),
            ("okhttp", None, "okhttp3/A.class", Some("com.squareup.okhttp3")),
            ("okhttp", None, "com/squareup/okhttp/A.class", Some("com.squareup.okhttp")),
            ("config", Some("1.0"), "com/own/config/A.class", None),
            ("jakarta.activation", Some("2.0.1"), "jakarta/activation/A.class", Some("com.sun.activation")),
        ] {
            let mut evidence = Evidence::default();
            evidence.class(class.as_bytes());
            assert_eq!(find(artifact, version, &evidence).map(|(group, _)| group), want, "{artifact}");
        }
        assert_eq!((only_version("javax.inject"), only_version("own")), (Some("1"), None));
    }

    #[test]
    fn names_are_in_small_letters() {
        assert!(ROWS.iter().all(|row| row.artifact == row.artifact.to_ascii_lowercase()));
    }
}

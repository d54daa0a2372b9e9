//! The same packages in every form that an SBOM has: one table of documents, one answer. The documents are written for this
//! test after the formats' specifications.
#![allow(clippy::unwrap_used, missing_docs)]

use layergate_model::{GapKind, ImageInventory};
use layergate_report::sbom;

const CYCLONEDX_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1">
  <metadata>
    <tools><tool><vendor>x</vendor><name>some-tool</name></tool></tools>
    <component type="container" bom-ref="root"><name>image</name></component>
  </metadata>
  <components>
    <component type="operating-system" bom-ref="os"><name>debian</name><version>12</version></component>
    <component type="library" bom-ref="a">
      <name>libssl3</name><version>3.0.9-1</version>
      <licenses><license><id>OpenSSL</id></license></licenses>
      <purl>pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&amp;distro=debian-12&amp;upstream=openssl</purl>
      <properties><property name="layergate:type">deb</property></properties>
      <components>
        <component type="library" bom-ref="b"><group>@babel</group><name>core</name><version>7.0.0</version>
          <purl><![CDATA[pkg:npm/%40babel/core@7.0.0]]></purl></component>
      </components>
    </component>
  </components>
  <dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies>
</bom>"#;

const SPDX_TAG_VALUE: &str = "# written for a test
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: image
Creator: Tool: some-tool-1

PackageName: image
SPDXID: SPDXRef-image
PrimaryPackagePurpose: CONTAINER
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-image
Relationship: SPDXRef-image CONTAINS SPDXRef-a

PackageName: debian
SPDXID: SPDXRef-OperatingSystem-1
PackageVersion: 12
PrimaryPackagePurpose: OPERATING-SYSTEM

PackageName: libssl3
SPDXID: SPDXRef-a
PackageVersion: 3.0.9-1
PackageLicenseDeclared: OpenSSL
PackageDescription: <text>several
PackageName: of lines</text>
PackageSourceInfo: built package from: openssl 3.0.9-1
ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12

FileName: ./usr/lib/libssl.so.3
SPDXID: SPDXRef-file

PackageName: @babel/core
SPDXID: SPDXRef-b
PackageVersion: 7.0.0
ExternalRef: PACKAGE-MANAGER purl pkg:npm/%40babel/core@7.0.0
";

const SPDX3: &str = r#"{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
  {"type": "CreationInfo", "@id": "_:c", "created": "2026-01-01T00:00:00Z"},
  {"type": "SpdxDocument", "spdxId": "urn:doc", "rootElement": ["urn:image"]},
  {"type": "software_Package", "spdxId": "urn:image", "name": "image", "software_primaryPurpose": "container"},
  {"type": "software_Package", "spdxId": "urn:os", "name": "debian", "software_packageVersion": "12", "software_primaryPurpose": "operatingSystem"},
  {"type": "software_Package", "spdxId": "urn:a", "name": "libssl3", "software_packageVersion": "3.0.9-1",
   "software_packageUrl": "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12&upstream=openssl"},
  {"type": "software_Package", "spdxId": "urn:b", "name": "@babel/core", "software_packageVersion": "7.0.0",
   "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:npm/%40babel/core@7.0.0"}]},
  {"type": "Relationship", "spdxId": "urn:r", "from": "urn:image", "to": ["urn:a", "urn:b"], "relationshipType": "contains"}]}"#;

const SYFT: &str = r#"{"artifacts": [
  {"id": "1", "name": "libssl3", "version": "3.0.9-1", "type": "deb", "locations": [{"path": "/var/lib/dpkg/status"}],
   "licenses": [{"value": "OpenSSL", "spdxExpression": "OpenSSL", "type": "declared"}],
   "purl": "pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12",
   "metadataType": "dpkg-db-entry", "metadata": {"package": "libssl3", "source": "openssl", "sourceVersion": ""}},
  {"id": "2", "name": "@babel/core", "version": "7.0.0", "type": "npm", "licenses": ["MIT"],
   "purl": "pkg:npm/%40babel/core@7.0.0", "metadataType": "javascript-npm-package", "metadata": {"source": 5, "author": "x"}}],
 "artifactRelationships": [{"parent": "1", "child": "2", "type": "ownership-by-file-overlap"}],
 "source": {"type": "image"}, "distro": {"id": "debian", "versionID": "12", "versionCodename": "bookworm"},
 "descriptor": {"name": "syft", "version": "1.57.1"}, "schema": {"version": "16.0.0"}}"#;

fn read(document: &str) -> ImageInventory {
    sbom::read(document.as_bytes(), "bom").unwrap()
}

#[test]
fn every_form_of_a_document_lists_the_same_packages() {
    for (form, document) in
        [("CycloneDX XML", CYCLONEDX_XML), ("tag-value", SPDX_TAG_VALUE), ("SPDX 3", SPDX3), ("Syft", SYFT)]
    {
        let inventory = read(document);
        let distro = inventory.distro.as_ref().unwrap();
        assert_eq!((distro.id.as_str(), distro.version.as_deref()), ("debian", Some("12")), "{form}");
        let found: Vec<_> = inventory
            .packages
            .iter()
            .map(|p| {
                let source = p.package.source.as_ref().map(|s| format!("{} {}", s.name, s.version));
                (p.package.name.as_str(), p.package.version.as_str(), source)
            })
            .collect();
        let want = [("libssl3", "3.0.9-1", Some("openssl 3.0.9-1".to_owned())), ("@babel/core", "7.0.0", None)];
        assert_eq!(found, want, "{form}");
        assert_eq!(inventory.gaps, [], "{form}");
    }
}

/// Debian and Alpine file vulnerabilities by source package; a binary's name alone finds nothing.
#[test]
fn a_distributions_package_without_its_source_is_a_gap() {
    let document = |tool: &str, second: &str| {
        format!(
            r#"{{"bomFormat":"CycloneDX","metadata":{{"tools":{{"components":[{{"name":"{tool}"}}]}}}},"components":[
            {{"type":"library","name":"libssl3","purl":"pkg:deb/debian/libssl3@3.0.9-1?distro=debian-12"}}{second}]}}"#
        )
    };
    let with_source =
        r#",{"type":"library","name":"libc6","purl":"pkg:deb/debian/libc6@2.36-9?distro=debian-12&upstream=glibc"}"#;
    for (tool, second, gap) in [
        ("cdxgen", "", true),
        ("cdxgen", with_source, false),
        ("syft", "", false),
        ("trivy", "", false),
        ("layergate", "", false),
    ] {
        let inventory = read(&document(tool, second));
        let kinds: Vec<GapKind> = inventory.gaps.iter().map(|g| g.kind).collect();
        assert_eq!(kinds, if gap { vec![GapKind::SbomIncomplete] } else { vec![] }, "{tool} {second}");
    }
    let rpm = r#"{"bomFormat":"CycloneDX","components":[{"type":"library","name":"a","purl":"pkg:rpm/suse/a@1?distro=sles-15.5"}]}"#;
    assert_eq!(read(rpm).gaps, [], "rpm advisories speak of binaries");
}

#[test]
fn an_sbom_that_lists_nothing_is_a_gap_that_hides_packages() {
    for document in [
        r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1}"#,
        r#"{"bomFormat":"CycloneDX","components":[{"type":"file","name":"a"}]}"#,
        r#"{"spdxVersion":"SPDX-2.3","packages":[]}"#,
        r#"{"artifacts":[],"descriptor":{"name":"syft"}}"#,
        "<bom/>",
        "SPDXVersion: SPDX-2.3\n",
        r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#,
    ] {
        let inventory = read(document);
        assert!(inventory.packages.is_empty(), "{document}");
        assert!(inventory.gaps.iter().any(|g| g.kind.hides_packages()), "{document}: {:?}", inventory.gaps);
    }
}

/// A package URL of a type without advisories is known and not judged; one without a version is not known.
#[test]
fn unknown_types_warn_and_missing_versions_do_not_pass() {
    for (purl, kind) in [
        ("pkg:githubactions/actions/checkout@4", GapKind::UnwatchedEcosystem),
        ("pkg:npm/lodash", GapKind::SbomIncomplete),
        ("not a purl", GapKind::SbomIncomplete),
        ("", GapKind::SbomIncomplete),
    ] {
        let document = format!(
            r#"{{"bomFormat":"CycloneDX","components":[{{"type":"library","name":"x","purl":"{purl}"}},
            {{"type":"library","name":"good","version":"1","purl":"pkg:npm/good@1"}}]}}"#
        );
        let inventory = read(&document);
        assert_eq!(inventory.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), [kind], "{purl:?}");
    }
}

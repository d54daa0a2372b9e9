//! SPDX 2 tag-value (spdx.github.io/spdx-spec, "Tag:value format") to the document model of `spdx.rs`. A tag and its value
//! are one line, or several between `<text>` and `</text>`; `PackageName`, `FileName`, `SnippetSPDXID` and `LicenseID` begin
//! sections.

use super::{
    Document,
    spdx::{self, Annotation, Checksum, External, Extracted, Raw, Relationship, Spdx},
};

/// Why a tag-value document cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum TagValueError {
    /// A line that is neither a comment nor a tag with a value.
    #[error("line {0} is no `Tag: value`")]
    NotATag(usize),
    /// A version of SPDX that is written otherwise.
    #[error("SPDXVersion {0:?} is not SPDX-2.x")]
    Version(String),
    /// `<text>` without an end.
    #[error("the <text> that begins at line {0} does not end")]
    OpenText(usize),
}

/// Whether the first line that says anything is the version of a tag-value document.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).take(100);
    let mut lines = lines.filter(|l| !l.is_empty() && !l.starts_with(b"#"));
    lines.next().is_some_and(|line| line.starts_with(b"SPDXVersion:"))
}

/// Which section the tags belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Document,
    Package,
    License,
    /// Files and snippets, which are no packages.
    Other,
}

/// Reads the document.
pub(super) fn read(bytes: &[u8]) -> Result<Document, TagValueError> {
    let text = String::from_utf8_lossy(bytes);
    let mut spdx = Spdx::default();
    let mut section = Section::Document;
    // What an annotation is about stands after it.
    let mut comment = None;
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (tag, value) = line.split_once(':').ok_or(TagValueError::NotATag(index + 1))?;
        let value = match value.trim().strip_prefix("<text>") {
            None => value.trim().to_owned(),
            Some(first) => multiline(first, &mut lines).ok_or(TagValueError::OpenText(index + 1))?,
        };
        match tag.trim() {
            "SPDXVersion" if !value.starts_with("SPDX-2.") => return Err(TagValueError::Version(value)),
            "PackageName" => {
                section = Section::Package;
                spdx.packages.push(Raw { name: value, ..Raw::default() });
            }
            "LicenseID" => {
                section = Section::License;
                spdx.has_extracted_licensing_infos.push(Extracted { license_id: value, ..Extracted::default() });
            }
            "FileName" | "SnippetSPDXID" => section = Section::Other,
            "Relationship" => spdx.relationships.extend(relationship(&value)),
            "Creator" => spdx.creation_info.creators.push(value),
            "DocumentComment" => spdx.comment = value,
            "AnnotationComment" => comment = Some(value),
            "SPDXREF" => {
                let about = spdx.packages.iter_mut().rev().find(|p| p.id == value);
                if let (Some(package), Some(comment)) = (about, comment.take()) {
                    package.annotations.push(Annotation { comment });
                }
            }
            tag => match (section, spdx.packages.last_mut(), spdx.has_extracted_licensing_infos.last_mut()) {
                (Section::Package, Some(package), _) => package_tag(package, tag, value),
                (Section::License, _, Some(license)) if tag == "ExtractedText" => license.extracted_text = value,
                (Section::License, _, Some(license)) if tag == "LicenseName" => license.name = value,
                _ => {}
            },
        }
    }
    Ok(spdx::document(spdx))
}

/// The value from after `<text>` to before `</text>`; `None` where that never comes.
fn multiline<'a>(first: &str, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut value = first.to_owned();
    while !value.trim_end().ends_with("</text>") {
        value.push('\n');
        value.push_str(lines.next()?.1);
    }
    Some(value.trim_end().trim_end_matches("</text>").trim().to_owned())
}

fn package_tag(package: &mut Raw, tag: &str, value: String) {
    match tag {
        "SPDXID" => package.id = value,
        "PackageVersion" => package.version_info = value,
        "PackageSupplier" => package.supplier = value,
        "PackageSourceInfo" => package.source_info = value,
        "PackageLicenseDeclared" => package.license_declared = value,
        "PackageLicenseConcluded" => package.license_concluded = value,
        "PrimaryPackagePurpose" => package.primary_package_purpose = value,
        "PackageChecksum" => {
            if let Some((algorithm, digest)) = value.split_once(':') {
                let (algorithm, checksum_value) = (algorithm.trim().to_owned(), digest.trim().to_owned());
                package.checksums.push(Checksum { algorithm, checksum_value });
            }
        }
        "ExternalRef" => {
            let mut words = value.split_whitespace().skip(1);
            if let (Some(kind), Some(locator)) = (words.next(), words.next()) {
                let (reference_type, reference_locator) = (kind.to_owned(), locator.to_owned());
                package.external_refs.push(External { reference_type, reference_locator });
            }
        }
        _ => {}
    }
}

fn relationship(value: &str) -> Option<Relationship> {
    let mut words = value.split_whitespace().map(str::to_owned);
    Some(Relationship {
        spdx_element_id: words.next()?,
        relationship_type: words.next()?,
        related_spdx_element: words.next()?,
    })
}

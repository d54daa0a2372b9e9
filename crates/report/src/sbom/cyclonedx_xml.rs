//! CycloneDX XML (cyclonedx.org, bom-1.6.xsd) to the document model of `cyclonedx.rs`. Elements are distinguished by
//! their local names and parents; what does not speak of packages is passed over. Nesting is bounded as the JSON
//! reader's is.

use quick_xml::{Reader, escape::unescape, events::BytesStart, events::Event};

use super::{
    Document,
    cyclonedx::{self, Bom, Hash, License, Named, Needs, Occurrence, Property, Raw, Tools},
};

/// Elements inside each other.
const MAX_DEPTH: usize = 128;
/// Bytes of one element's text that are kept; the longest that matters is a package URL.
const MAX_TEXT: usize = 64 << 10;

/// Why a document is no CycloneDX XML.
#[derive(Debug, thiserror::Error)]
pub(super) enum XmlError {
    /// Not well-formed.
    #[error("byte {at}: {source}")]
    Malformed {
        /// Bytes from the beginning.
        at: u64,
        /// What the XML reader says.
        source: quick_xml::Error,
    },
    /// Not text.
    #[error("it is not UTF-8")]
    NotUtf8(#[from] std::str::Utf8Error),
    /// An entity that is none of XML's five, or a broken attribute.
    #[error("byte {at}: an entity or attribute cannot be read")]
    Reference {
        /// Bytes from the beginning.
        at: u64,
    },
    /// Too deep.
    #[error("elements are nested more than {MAX_DEPTH} deep")]
    Depth,
    /// The end is missing.
    #[error("the document is cut off inside <{0}>")]
    CutOff(String),
}

/// Reads the document; `None` where its root is no `bom`.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Document>, XmlError> {
    let mut reader = Reader::from_str(std::str::from_utf8(bytes)?);
    let mut build = Builder::default();
    let mut text = String::new();
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        match event.map_err(|source| XmlError::Malformed { at, source })? {
            Event::Start(tag) => {
                if build.path.is_empty() && tag.local_name().as_ref() != "bom" {
                    return Ok(None);
                }
                text.clear();
                build.open(&tag, at)?;
            }
            Event::Empty(tag) => {
                if build.path.is_empty() && tag.local_name().as_ref() != "bom" {
                    return Ok(None);
                }
                text.clear();
                build.open(&tag, at)?;
                build.close("");
            }
            Event::Text(part) if text.len() < MAX_TEXT => text.push_str(&part),
            Event::CData(part) if text.len() < MAX_TEXT => text.push_str(&part),
            Event::GeneralRef(name) if text.len() < MAX_TEXT => {
                let reference = format!("&{};", name.as_ref());
                text.push_str(&unescape(&reference).map_err(|_| XmlError::Reference { at })?);
            }
            Event::End(_) => {
                build.close(text.trim());
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    match build.path.last() {
        Some(open) => Err(XmlError::CutOff(open.clone())),
        None => Ok(build.seen.then(|| cyclonedx::document(build.bom))),
    }
}

/// What is open, and what was read.
#[derive(Default)]
struct Builder {
    seen: bool,
    /// Local names of the open elements.
    path: Vec<String>,
    /// The open components, outermost first.
    components: Vec<Raw>,
    bom: Bom,
}

impl Builder {
    fn open(&mut self, tag: &BytesStart<'_>, at: u64) -> Result<(), XmlError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(XmlError::Depth);
        }
        self.seen = true;
        let name: String = tag.local_name().as_ref().chars().take(100).collect();
        let attribute = |key: &str| -> Result<String, XmlError> {
            for found in tag.attributes() {
                let found = found.map_err(|_| XmlError::Reference { at })?;
                if found.key.as_ref() == key {
                    return Ok(unescape(&found.value).map_err(|_| XmlError::Reference { at })?.into_owned());
                }
            }
            Ok(String::new())
        };
        let parent = self.path.last().map(String::as_str);
        match (parent, name.as_str()) {
            (Some("components" | "metadata"), "component") => {
                self.components.push(Raw {
                    kind: attribute("type")?,
                    reference: attribute("bom-ref")?,
                    ..Raw::default()
                });
            }
            (Some("dependencies"), "dependency") => {
                self.bom.dependencies.push(Needs { of: attribute("ref")?, ..Needs::default() });
            }
            (Some("dependency"), "dependency") => {
                let needed = attribute("ref")?;
                if let Some(open) = self.bom.dependencies.last_mut() {
                    open.depends_on.push(needed);
                }
            }
            (Some("hashes"), "hash") => {
                let alg = attribute("alg")?;
                if let Some(open) = self.components.last_mut() {
                    open.hashes.push(Hash { alg, ..Hash::default() });
                }
            }
            (Some("properties"), "property") => {
                let (name, value) = (attribute("name")?, attribute("value")?);
                if let Some(open) = self.components.last_mut() {
                    open.properties.push(Property { name, value });
                }
            }
            (Some("licenses"), "license" | "expression") => {
                if let Some(open) = self.components.last_mut() {
                    open.licenses.push(License::default());
                }
            }
            (Some("occurrences"), "occurrence") => {
                if let Some(open) = self.components.last_mut() {
                    open.evidence.occurrences.push(Occurrence::default());
                }
            }
            _ => {}
        }
        self.path.push(name);
        Ok(())
    }

    fn close(&mut self, text: &str) {
        let Some(name) = self.path.pop() else { return };
        let parent = self.path.last().map(String::as_str);
        if name == "component" && matches!(parent, Some("components" | "metadata")) {
            return self.close_component();
        }
        if (parent, name.as_str()) == (Some("tool"), "name") {
            if let Tools::List(tools) = &mut self.bom.metadata.tools {
                tools.push(Named { name: text.to_owned(), ..Named::default() });
            }
            return;
        }
        let Some(open) = self.components.last_mut() else { return };
        let slot = match (parent, name.as_str()) {
            (Some("component"), "group") => Some(&mut open.group),
            (Some("component"), "name") => Some(&mut open.name),
            (Some("component"), "version") => Some(&mut open.version),
            (Some("component"), "publisher") => Some(&mut open.publisher),
            (Some("component"), "scope") => Some(&mut open.scope),
            (Some("component"), "purl") => Some(&mut open.purl),
            (Some("supplier"), "name") => Some(&mut open.supplier.name),
            (Some("hashes"), "hash") => open.hashes.last_mut().map(|h| &mut h.content),
            (Some("properties"), "property") => open.properties.last_mut().map(|p| &mut p.value),
            (Some("license"), "id") => open.licenses.last_mut().map(|l| &mut l.license.id),
            (Some("license"), "name") => open.licenses.last_mut().map(|l| &mut l.license.name),
            (Some("licenses"), "expression") => open.licenses.last_mut().map(|l| &mut l.expression),
            (Some("occurrence"), "location") => open.evidence.occurrences.last_mut().map(|o| &mut o.location),
            _ => None,
        };
        if let Some(slot) = slot.filter(|_| !text.is_empty()) {
            text.clone_into(slot);
        }
    }

    /// A component of the tools is a tool, one of `metadata` the root, one inside another its part.
    fn close_component(&mut self) {
        let Some(component) = self.components.pop() else { return };
        let parents: Vec<&str> = self.path.iter().rev().take(3).map(String::as_str).collect();
        if parents.starts_with(&["components", "tools"]) {
            if let Tools::List(tools) = &mut self.bom.metadata.tools {
                tools.push(Named { name: component.name, ..Named::default() });
            }
        } else if parents.first() == Some(&"metadata") {
            self.bom.metadata.component = Some(component);
        } else if let Some(outer) = self.components.last_mut() {
            outer.components.push(component);
        } else {
            self.bom.components.push(component);
        }
    }
}

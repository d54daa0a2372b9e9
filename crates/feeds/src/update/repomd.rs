//! `repomd.xml` of an rpm repository, as far as advisories are concerned: where its updateinfo is and which SHA-256 it
//! has.

use layergate_model::Digest;
use quick_xml::{Reader, events::Event};

/// Where the updateinfo is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Updateinfo {
    /// Relative to the repository.
    pub(crate) href: String,
    pub(crate) sha256: Option<Digest>,
}

/// Finds it; `None` for a repository without advisories.
pub(crate) fn updateinfo(bytes: &[u8]) -> Result<Option<Updateinfo>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().trim_text(true);
    let (mut within, mut checksum, mut root) = (false, false, false);
    let (mut href, mut sha256) = (None, None);
    loop {
        match reader.read_event().map_err(|e| format!("repomd.xml: {e}"))? {
            Event::Eof => break,
            Event::Start(e) | Event::Empty(e) => {
                let attribute = |key: &str| {
                    e.attributes().flatten().find(|a| a.key.local_name().as_ref() == key).map(|a| a.value.into_owned())
                };
                match e.local_name().as_ref() {
                    "repomd" => root = true,
                    "data" => within = attribute("type").as_deref() == Some("updateinfo"),
                    "checksum" => checksum = attribute("type").as_deref() == Some("sha256"),
                    "location" if within => href = attribute("href"),
                    _ => {}
                }
            }
            Event::Text(e) if within && checksum => sha256 = format!("sha256:{}", e.trim()).parse().ok(),
            Event::End(e) => match e.local_name().as_ref() {
                "data" => within = false,
                "checksum" => checksum = false,
                _ => {}
            },
            _ => {}
        }
    }
    if root {
        Ok(href.map(|href| Updateinfo { href, sha256 }))
    } else {
        Err("repomd.xml: its root is not <repomd>".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_advisories() {
        let digest = "a".repeat(64);
        let xml = format!(
            r#"<?xml version="1.0"?><repomd xmlns="http://linux.duke.edu/metadata/repo"><data type="primary">
            <checksum type="sha256">{}</checksum><location href="repodata/primary.xml.gz"/></data>
            <data type="updateinfo"><checksum type="sha256">{digest}</checksum><open-checksum type="sha256">{}</open-checksum>
            <location href="repodata/x-updateinfo.xml.gz"/></data></repomd>"#,
            "b".repeat(64),
            "c".repeat(64)
        );
        let found = updateinfo(xml.as_bytes()).unwrap().unwrap();
        assert_eq!(found.href, "repodata/x-updateinfo.xml.gz");
        assert_eq!(found.sha256.unwrap().to_hex(), digest);
        assert_eq!(updateinfo(b"<repomd><data type='primary'/></repomd>").unwrap(), None);
        assert!(updateinfo(b"<html></html>").is_err());
        assert!(updateinfo(b"not xml at all").is_err());
    }
}

//! JSON documents of images without a second meaning.
//!
//! Go's encoding/json, and so every container runtime, takes a key for a field when the two agree after case folding
//! (`Layers`, and `layerſ` with U+017F), and of several such keys the last. A reader that compares exactly then sees
//! another image than the one that runs. Such a document is refused: no tool writes it by chance.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};

/// The keys of an object that have a meaning, with what is below them. Below an empty shape nothing is checked.
#[derive(Debug)]
pub(crate) struct Shape(&'static [(&'static str, &'static Shape)]);

const ANY: &Shape = &Shape(&[]);

const PLATFORM: &Shape =
    &Shape(&[("architecture", ANY), ("os", ANY), ("os.version", ANY), ("os.features", ANY), ("variant", ANY)]);

const DESCRIPTOR: &Shape = &Shape(&[
    ("mediaType", ANY),
    ("digest", ANY),
    ("size", ANY),
    ("urls", ANY),
    ("annotations", ANY),
    ("data", ANY),
    ("platform", PLATFORM),
    ("artifactType", ANY),
]);

/// A manifest or an index.
pub(crate) const MANIFEST: &Shape = &Shape(&[
    ("schemaVersion", ANY),
    ("mediaType", ANY),
    ("artifactType", ANY),
    ("config", DESCRIPTOR),
    ("layers", DESCRIPTOR),
    ("manifests", DESCRIPTOR),
    ("subject", DESCRIPTOR),
    ("annotations", ANY),
    ("fsLayers", ANY),
]);

/// An image's configuration. What a container runs by (`config`) is not checked: people write its keys in lower case.
pub(crate) const CONFIG: &Shape = &Shape(&[
    ("architecture", ANY),
    ("os", ANY),
    ("os.version", ANY),
    ("os.features", ANY),
    ("variant", ANY),
    ("config", ANY),
    ("rootfs", &Shape(&[("type", ANY), ("diff_ids", ANY)])),
    ("history", ANY),
]);

/// `manifest.json` of `docker save`.
pub(crate) const SAVED: &Shape = &Shape(&[("Config", ANY), ("RepoTags", ANY), ("Layers", ANY), ("LayerSources", ANY)]);

/// Refuses a document that has a key twice, or one that is a known key's after case folding only.
pub(crate) fn check(bytes: &[u8], shape: &'static Shape) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    Checked(shape).deserialize(&mut json)?;
    json.end()
}

/// ASCII case folding, and the two other letters that Unicode folds to ASCII ones.
fn folded(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

#[derive(Clone, Copy)]
struct Checked(&'static Shape);

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = vec![false; self.0.0.len()];
        while let Some(Key(key)) = map.next_key()? {
            let lower = folded(&key);
            let known = self.0.0.iter().position(|(name, _)| folded(name) == lower);
            let Some(at) = known else {
                map.next_value_seed(Checked(ANY))?;
                continue;
            };
            let (name, below) = self.0.0[at];
            if key != name {
                let what = format!("the key {key:?} is read as `{name}` by some programs and not by others");
                return Err(A::Error::custom(what));
            }
            if std::mem::replace(&mut seen[at], true) {
                return Err(A::Error::custom(format!("the key `{name}` is there twice")));
            }
            map.next_value_seed(Checked(below))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ambiguous() {
        for (text, shape, want) in [
            (r#"{"schemaVersion":2,"layers":[],"x":{"Layers":1,"layers":2}}"#, MANIFEST, None),
            (r#"{"layers":[{"annotations":{"Size":"1","size":"2"}}]}"#, MANIFEST, None),
            (r#"{"Layers":[]}"#, MANIFEST, Some("`layers`")),
            ("{\"layer\u{17f}\":[]}", MANIFEST, Some("`layers`")),
            (r#"{"layer\u017f":[]}"#, MANIFEST, Some("`layers`")),
            (r#"{"\u006cayers":[],"layers":[]}"#, MANIFEST, Some("twice")),
            (r#"{"layers":[],"layers":[]}"#, MANIFEST, Some("twice")),
            (r#"{"layers":[{"Digest":""}]}"#, MANIFEST, Some("`digest`")),
            (r#"{"manifests":[{"platform":{"OS":"linux"}}]}"#, MANIFEST, Some("`os`")),
            (r#"{"config":{"Size":1}}"#, MANIFEST, Some("`size`")),
            (r#"{"layers":[]} {}"#, MANIFEST, Some("trailing")),
            (r#"{"os":"linux","config":{"env":[],"Env":[],"Labels":{"os":"a","OS":"b"}},"Size":1}"#, CONFIG, None),
            (r#"{"OS":"windows","os":"linux"}"#, CONFIG, Some("`os`")),
            (r#"{"rootfs":{"Diff_ids":[]}}"#, CONFIG, Some("`diff_ids`")),
            (r#"[{"Config":"a","RepoTags":null,"Layers":[]}]"#, SAVED, None),
            (r#"[{"Config":"a","layers":[]}]"#, SAVED, Some("`Layers`")),
        ] {
            let found = check(text.as_bytes(), shape).map_err(|e| e.to_string());
            match want {
                None => assert_eq!(found, Ok(()), "{text}"),
                Some(want) => assert!(found.as_ref().is_err_and(|e| e.contains(want)), "{text}: {found:?}"),
            }
        }
        assert_eq!(folded("\u{212a}ey"), "key");
        assert!(check("[".repeat(100_000).as_bytes(), MANIFEST).is_err());
    }
}

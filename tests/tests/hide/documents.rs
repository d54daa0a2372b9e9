//! Manifests, indexes and configurations that Go's encoding/json reads differently, and indexes whose child that runs
//! is not the one that is looked at.

use layergate_tests::layout::digest;
use layergate_tests::rawtar::RawTar;
use serde_json::{Value, json};

use crate::way::{EVIL, GOOD, Image, LODASH, Layer, OCI_IMAGE, OCI_INDEX, Says::*, Way, app, base, descriptor, plain};

fn evil() -> Image {
    Image::of(vec![base(), app(LODASH)])
}

fn good() -> Image {
    Image::of(vec![base(), plain(RawTar::new().file(LODASH, GOOD))])
}

/// The layers of the vulnerable image under another key, beside those of an unsuspicious one.
fn second_layers(key: &str, behind: bool) -> Image {
    let (hidden, _) = evil().documents();
    let hidden: Value = serde_json::from_str(&hidden).unwrap();
    let field = format!("\"{key}\":{}", hidden["layers"]);
    let image = good().manifest(move |text| match behind {
        true => format!("{},{field}}}", text.strip_suffix('}').unwrap()),
        false => format!("{{{field},{}", text.strip_prefix('{').unwrap()),
    });
    image.blob(RawTar::new().file(LODASH, EVIL).end())
}

/// An index of the unsuspicious image and, as `change` writes it, the vulnerable one in front of it or behind it.
fn beside(front: bool, change: impl Fn(&mut Value) + 'static) -> Image {
    let (manifest, config) = evil().documents();
    let image = good().blob(manifest.clone()).blob(config).blob(RawTar::new().file(LODASH, EVIL).end());
    image.index(move |text| {
        let mut index: Value = serde_json::from_str(&text).unwrap();
        let mut child = descriptor(OCI_IMAGE, manifest.as_bytes());
        child["platform"] = json!({"os": "linux", "architecture": "amd64"});
        change(&mut child);
        let children = index["manifests"].as_array_mut().unwrap();
        children.insert(if front { 0 } else { 1 }, child);
        if !front {
            children[0]["platform"] = json!({"os": "linux", "architecture": "s390x"});
        }
        index.to_string()
    })
}

/// A nested index of two images whose platforms only their configurations show; the vulnerable one's as it is said
/// here.
fn odd_config(os: &'static str, architecture: &'static str) -> Image {
    let of = |layer: Layer, os: &str, architecture: &str| {
        let platform = format!(r#""architecture":"{architecture}","os":"{os}""#);
        let image = Image::of(vec![base(), layer]);
        let image = image.config(move |t| {
            t.replacen(r#""architecture":"amd64""#, "", 1)
                .replacen(r#""os":"linux""#, &platform, 1)
                .replacen("{,", "{", 1)
        });
        image.documents()
    };
    let (evil, evil_config) = of(app(LODASH), os, architecture);
    let (good, good_config) = of(plain(RawTar::new()), "linux", "s390x");
    let children = [descriptor(OCI_IMAGE, evil.as_bytes()), descriptor(OCI_IMAGE, good.as_bytes())];
    let inner = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).to_string();
    let outer = descriptor(OCI_INDEX, inner.as_bytes());
    let image = Image::of(vec![base(), app(LODASH), plain(RawTar::new())]);
    let image = [evil, evil_config, good, good_config, inner].into_iter().fold(image, Image::blob);
    image.index(move |_| json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [outer]}).to_string())
}

pub(crate) fn ways() -> Vec<Way> {
    [keys(), children(), claims()].into_iter().flatten().collect()
}

fn keys() -> Vec<Way> {
    let refused = |name, image: Image, words| Way::image(name, image, Refused(words));
    let manifest = |name, change: fn(String) -> String, words| refused(name, evil().manifest(change), words);
    vec![
        refused("layers under a capital letter", second_layers("Layers", true), "read as `layers`"),
        refused("layers in capitals, in front", second_layers("LAYERS", false), "read as `layers`"),
        refused("layers with a long s", second_layers("layer\u{17f}", true), "read as `layers`"),
        refused("layers with an escaped long s", second_layers("layer\\u017f", true), "read as `layers`"),
        refused("layers twice", second_layers("layers", true), "duplicate field"),
        refused("layers twice, once with an escape", second_layers("\\u006cayers", true), "duplicate field"),
        manifest(
            "a digest under a capital letter",
            |t| t.replacen("\"layers\":[{", "\"layers\":[{\"Digest\":\"sha256:00\",", 1),
            "read as `digest`",
        ),
        manifest("a byte order mark", |t| format!("\u{feff}{t}"), "specification"),
        manifest("a comment", |t| format!("/* */{t}"), "specification"),
        manifest("a comma too many", |t| format!("{},}}", t.strip_suffix('}').unwrap()), "specification"),
        manifest("a second document behind the first", |t| format!("{t}{t}"), "trailing"),
        manifest("an index and an image at once", |t| t.replacen('{', "{\"manifests\":[],", 1), "at once"),
        manifest(
            "a number as a digest",
            |t| t.replacen("\"digest\":\"sha256:", "\"digest\":1,\"x\":\"", 1),
            "specification",
        ),
        refused(
            "a configuration with two operating systems",
            evil().config(|t| t.replacen('{', "{\"OS\":\"windows\",", 1)),
            "read as `os`",
        ),
        refused(
            "a configuration with two lists of layers",
            evil().config(|t| t.replacen("\"diff_ids\"", "\"Diff_IDs\":[],\"diff_ids\"", 1)),
            "read as `diff_ids`",
        ),
    ]
}

fn children() -> Vec<Way> {
    let listed = |name, image: Image| Way::image(name, image, Listed);
    let platform = |os: &str, architecture: &str| {
        let platform = json!({"os": os, "architecture": architecture});
        move |child: &mut Value| child["platform"] = platform.clone()
    };
    let annotated =
        |key: &'static str, value: &'static str| move |child: &mut Value| child["annotations"] = json!({key: value});
    let nested = {
        let (manifest, config) = evil().documents();
        let mut child = descriptor(OCI_IMAGE, manifest.as_bytes());
        child["platform"] = json!({"os": "linux", "architecture": "amd64"});
        let inner = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [child]}).to_string();
        let outer = descriptor(OCI_INDEX, inner.as_bytes());
        let image = Image::of(vec![base(), app(LODASH)]).blob(manifest).blob(config).blob(inner);
        image.index(move |_| json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [outer]}).to_string())
    };
    vec![
        listed(
            "a child that is annotated as an attestation",
            beside(false, annotated("vnd.docker.reference.type", "attestation-manifest")),
        ),
        listed(
            "a child that is annotated as a signature",
            beside(false, annotated("dev.cosignproject.cosign/signature", "x")),
        ),
        listed(
            "a child with an artifact type",
            beside(false, |c| c["artifactType"] = "application/vnd.in-toto+json".into()),
        ),
        listed("a platform with capitals", beside(false, platform("Linux", "AMD64"))),
        listed("a platform by its other name", beside(false, platform("linux", "x86_64"))),
        listed("a platform with a dash", beside(false, platform("linux", "x86-64"))),
        listed(
            "a platform with a variant that means nothing",
            beside(false, |c| c["platform"]["variant"] = "v1".into()),
        ),
        listed("a child without a platform", beside(false, |c| drop(c.as_object_mut().unwrap().remove("platform")))),
        listed("a platform without a system", beside(false, platform("", "amd64"))),
        listed("a configuration's platform in capitals", odd_config("Linux", "AMD64")),
        listed("a configuration's platform by its other name", odd_config("linux", "x86_64")),
        listed("a configuration without a system", odd_config("", "amd64")),
        listed("a child with an empty platform", beside(false, |c| c["platform"] = json!({}))),
        listed("a second child of one platform in front", beside(true, |_| ())),
        listed("a child without a media type", beside(false, |c| drop(c.as_object_mut().unwrap().remove("mediaType")))),
        listed(
            "a child with Docker's media type",
            beside(false, |c| c["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json".into()),
        ),
        listed(
            "a child with urls and data",
            beside(false, |c| {
                c["urls"] = json!(["https://example.org/"]);
                c["data"] = "e30=".into();
            }),
        ),
        listed("an index in an index", nested),
        Way::image("a child of a size that it has not", beside(false, |c| c["size"] = 1.into()), Refused("bytes")),
        Way::image("a child of size zero", beside(false, |c| c["size"] = 0.into()), Refused("bytes")),
    ]
}

fn claims() -> Vec<Way> {
    let evil_layer = RawTar::new().file(LODASH, EVIL).end();
    let claimed = digest(&evil_layer);
    let listed = |name, image: Image| Way::image(name, image, Listed);
    vec![
        listed(
            "an artifact type in the manifest",
            evil().manifest(|t| t.replacen('{', "{\"artifactType\":\"application/vnd.in-toto+json\",", 1)),
        ),
        listed(
            "a subject in the manifest",
            evil().manifest({
                let subject = descriptor(OCI_IMAGE, b"x");
                move |t| t.replacen('{', &format!("{{\"subject\":{subject},"), 1)
            }),
        ),
        listed(
            "annotations that call it an attestation",
            evil().manifest(|t| {
                t.replacen('{', "{\"annotations\":{\"vnd.docker.reference.type\":\"attestation-manifest\"},", 1)
            }),
        ),
        listed(
            "a configuration of a general type",
            evil().manifest(|t| t.replacen("application/vnd.oci.image.config.v1+json", "application/octet-stream", 1)),
        ),
        listed(
            "a history of empty layers",
            evil().config(|t| t.replacen('{', r#"{"history":[{"empty_layer":true},{"empty_layer":true}],"#, 1)),
        ),
        listed(
            "diff ids of other layers",
            evil().config(move |t| t.replace(&claimed, &format!("sha256:{}", "0".repeat(64)))),
        ),
        listed(
            "no diff ids",
            evil().config(|t| {
                let mut config: Value = serde_json::from_str(&t).unwrap();
                config["rootfs"]["diff_ids"] = json!([]);
                config.to_string()
            }),
        ),
        listed(
            "a layer's data beside its blob",
            evil().manifest(|t| t.replacen("\"layers\":[{", "\"layers\":[{\"data\":\"\",", 1)),
        ),
        listed(
            "urls of a layer",
            evil().manifest(|t| t.replace("\"layers\":[{", "\"layers\":[{\"urls\":[\"https://example.org/\"],")),
        ),
        listed(
            "a layer's platform",
            evil().manifest(|t| {
                t.replace("\"layers\":[{", "\"layers\":[{\"platform\":{\"os\":\"windows\",\"architecture\":\"amd64\"},")
            }),
        ),
        Way::image(
            "a configuration for another system",
            evil().config(|t| t.replacen("\"linux\"", "\"windows\"", 1)),
            Gap("unsupported_platform"),
        ),
        Way::image(
            "layers of size zero",
            evil().manifest(|t| {
                let mut manifest: Value = serde_json::from_str(&t).unwrap();
                manifest["layers"][1]["size"] = 0.into();
                manifest.to_string()
            }),
            Gap("corrupt_layer"),
        ),
        listed(
            "the vulnerable layer twice, and an empty one",
            Image::of(vec![base(), app(LODASH), app(LODASH), plain(RawTar::new())]),
        ),
    ]
}

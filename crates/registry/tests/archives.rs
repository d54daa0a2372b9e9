//! Archives, layouts and root file systems made by hand: every form, recognised by content, and every kind of damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::{fs, io::Write as _, path::Path};

use layergate_model::{Digest, GapKind};
use layergate_ports::values::{PlatformSelection, SourceError};
use layergate_registry::{Location, SourceOptions, Sources};
use serde_json::{Value, json};
use support::*;

const CONFIG: &[u8] = br#"{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":[]},"history":null}"#;

fn link(builder: &mut tar::Builder<Vec<u8>>, name: &str, target: &str) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, name, target).unwrap();
}

/// `docker save` with two layers, the second a link to the first, as old skopeo wrote it.
fn docker_save(manifest: &str) -> Vec<u8> {
    let layer = tar_of(&[("etc/os-release", b"ID=x\n")]);
    let tar =
        tar_of(&[("a.json", CONFIG), ("a.tar", &layer), ("win.json", br#"{"os":"windows","architecture":"amd64"}"#)]);
    let mut builder = tar::Builder::new(Vec::new());
    let mut archive = tar::Archive::new(tar.as_slice());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let (mut header, name) = (entry.header().clone(), entry.path().unwrap().into_owned());
        builder.append_data(&mut header, name, &mut entry).unwrap();
    }
    link(&mut builder, "b/layer.tar", "../a.tar");
    link(&mut builder, "out", "../../etc/passwd");
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    builder.append_data(&mut header, "manifest.json", manifest.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

const TWO_LAYERS: &str = r#"[{"Config":"a.json","RepoTags":["app:1"],"Layers":["a.tar","b/layer.tar"]}]"#;

fn put(dir: &Path, name: &str, bytes: &[u8]) -> String {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn docker_archives_in_every_wrapping_are_one_image() {
    let dir = tempfile::tempdir().unwrap();
    let plain = docker_save(TWO_LAYERS);
    let sources = sources();
    let mut digests = Vec::new();
    for (name, bytes) in [
        ("a.tar", plain.clone()),
        ("a.tar.gz", gzip(&plain)),
        ("a.tar.zst", zstd(&plain)),
        ("a.tar.xz", xz(&plain)),
        ("named-otherwise", gzip(&plain)),
    ] {
        let path = put(dir.path(), name, &bytes);
        let images = resolve(&sources, &path).await.unwrap();
        assert_eq!(images.len(), 1, "{name}");
        assert_eq!(images[0].reference, path);
        assert_eq!(images[0].layers.len(), 2);
        assert_eq!(images[0].layers[0].digest, images[0].layers[1].digest, "a link is its target");
        read_all(&sources, &images[0]).await;
        let explicit = resolve(&sources, &format!("docker-archive:{path}")).await.unwrap();
        read_all(&sources, &explicit[0]).await;
        digests.extend([images[0].digest, explicit[0].digest]);
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
}

#[tokio::test]
async fn docker_archives_with_several_images_or_with_faults() {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources();
    let ask =
        async |name: &str, manifest: &str| resolve(&sources, &put(dir.path(), name, &docker_save(manifest))).await;
    let two = r#"[{"Config":"a.json","RepoTags":["app:1","app:2"],"Layers":["a.tar"]},
                  {"Config":"a.json","RepoTags":null,"Layers":["a.tar","a.tar"]}]"#;
    let images = ask("two.tar", two).await.unwrap();
    assert!(images[0].reference.ends_with("two.tar:app:1") && images[1].reference.ends_with("two.tar:image 1"));
    assert_ne!(images[0].digest, images[1].digest);
    assert_eq!(images[1].layers.len(), 2, "the same layer twice is two positions");

    let windows = ask("win.tar", r#"[{"Config":"win.json","Layers":["a.tar"]}]"#).await.unwrap();
    assert_eq!(windows[0].gaps[0].kind, GapKind::UnsupportedPlatform);
    assert!(windows[0].layers[0].unsupported.is_some());

    for (manifest, want) in [
        ("null", "`null`"),
        ("[]", "empty list"),
        ("{", "cannot be read"),
        (r#"[{"Layers":["a.tar"]}]"#, "no configuration"),
        (r#"[{"Config":"gone.json","Layers":["a.tar"]}]"#, "configuration gone.json, which is not in the archive"),
        (r#"[{"Config":"a.json","Layers":["gone.tar"]}]"#, "layer gone.tar, which is not in the archive"),
        (r#"[{"Config":"a.tar","Layers":["a.tar"]}]"#, "configuration cannot be read"),
        (r#"[{"Config":"a.json","Layers":["out"]}]"#, "leaves the archive"),
        (r#"[{"Config":"a.json","Layers":["../x"]}]"#, "leaves the archive"),
        (r#"[{"Config":"a.json","Layers":[]}]"#, "no layers"),
    ] {
        let error = ask("bad.tar", manifest).await.unwrap_err().to_string();
        assert!(error.contains(want), "{manifest}: {error}");
    }
    let wanted = PlatformSelection::List(vec!["linux/s390x".parse().unwrap()]);
    let error = resolve_for(&sources, &put(dir.path(), "p.tar", &docker_save(TWO_LAYERS)), wanted).await.unwrap_err();
    assert!(error.to_string().contains("linux/s390x; it has linux/amd64"), "{error}");

    let old = tar_of(&[("repositories", b"{}"), ("x/layer.tar", b"")]);
    let error = resolve(&sources, &put(dir.path(), "old.tar", &old)).await.unwrap_err().to_string();
    assert!(error.contains("before Docker 1.10"), "{error}");

    // Cut anywhere: an answer, and never a panic or half an image without a word.
    let whole = docker_save(TWO_LAYERS);
    for length in (0..whole.len()).step_by(97) {
        let path = put(dir.path(), "cut.tar", &whole[..length]);
        if let Ok(images) = resolve(&sources, &format!("docker-archive:{path}")).await {
            assert_eq!(images[0].layers.len(), 2);
        }
    }
    let squeezed = gzip(&whole);
    let path = put(dir.path(), "cut.tar.gz", &squeezed[..squeezed.len() / 2]);
    assert!(matches!(resolve(&sources, &path).await, Err(SourceError::Malformed(_))));
}

/// Writes a layout; the index's entries are given.
fn layout(dir: &Path, images: &[&Image], extra: &[Vec<u8>], index: &Value) {
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    let blobs = images.iter().flat_map(|i| i.blobs.values().chain([&i.manifest])).chain(extra);
    for blob in blobs {
        fs::write(dir.join("blobs/sha256").join(Digest::of(blob).to_hex()), blob).unwrap();
    }
    fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
}

fn entry(image: &Image, platform: Option<&str>, name: Option<&str>) -> Value {
    let mut entry = descriptor(OCI_MANIFEST, &image.manifest);
    if let Some((os, architecture)) = platform.and_then(|p| p.split_once('/')) {
        entry["platform"] = json!({"os": os, "architecture": architecture});
    }
    if let Some(name) = name {
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    }
    entry
}

fn tree_as_tar(dir: &Path) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_dir_all(".", dir).unwrap();
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn layouts_nested_with_attestations_platforms_and_names() {
    let (amd, arm, riscv) = (image("1", "linux/amd64"), image("2", "linux/arm64"), image("3", "linux/riscv64"));
    let attestation = image("4", "unknown/unknown");
    let mut statement = entry(&attestation, Some("unknown/unknown"), None);
    statement["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
    let nested = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
        entry(&arm, Some("linux/arm64"), None), entry(&amd, Some("linux/amd64"), None),
        // Its platform stands in its configuration alone.
        entry(&riscv, None, None), statement,
    ]});
    let nested = nested.to_string().into_bytes();
    let mut named = descriptor(OCI_INDEX, &nested);
    named["annotations"] = json!({"org.opencontainers.image.ref.name": "multi"});
    let index = json!({"schemaVersion": 2, "manifests": [named, entry(&arm, None, Some("arm"))]});

    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("layout");
    layout(&root, &[&amd, &arm, &riscv, &attestation], std::slice::from_ref(&nested), &index);
    let archive = put(dir.path(), "layout.tar.gz", &gzip(&tree_as_tar(&root)));
    let root = root.display().to_string();
    let sources = sources();

    let found = resolve(&sources, &format!("oci:{root}:multi")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].digest, Digest::of(&amd.manifest));
    assert_eq!(found[0].index_digest, Some(Digest::of(&nested)));
    assert_eq!(found[0].other_platforms, ["linux/arm64", "linux/riscv64"]);
    assert_eq!(found[0].left_out, [format!("attestation {}", Digest::of(&attestation.manifest))]);
    read_all(&sources, &found[0]).await;

    let wanted = PlatformSelection::List(["linux/riscv64", "linux/arm64"].map(|p| p.parse().unwrap()).to_vec());
    let found = resolve_for(&sources, &format!("oci:{root}:multi"), wanted).await.unwrap();
    let digests: Vec<_> = found.iter().map(|i| i.digest).collect();
    assert_eq!(digests, [Digest::of(&arm.manifest), Digest::of(&riscv.manifest)], "the index's order");

    let all = resolve_for(&sources, &format!("oci:{root}:multi"), PlatformSelection::All).await.unwrap();
    assert_eq!(all.len(), 3);
    let wanted = PlatformSelection::List(vec!["linux/s390x".parse().unwrap()]);
    let error = resolve_for(&sources, &format!("oci:{root}:multi"), wanted).await.unwrap_err().to_string();
    assert!(error.contains("linux/s390x; it has linux/arm64, linux/amd64, linux/riscv64"), "{error}");

    // Without a name: both images; by digest: one; by an unknown name: what there is.
    for whole in [format!("oci:{root}"), root.clone(), archive.clone(), format!("oci-archive:{archive}")] {
        let found = resolve(&sources, &whole).await.unwrap();
        let names: Vec<_> = found.iter().map(|i| i.reference.rsplit(':').next().unwrap()).collect();
        assert_eq!(names, ["multi", "arm"], "{whole}");
        for image in &found {
            read_all(&sources, image).await;
        }
    }
    let pinned = format!("oci:{root}:{}", Digest::of(&arm.manifest));
    assert_eq!(resolve(&sources, &pinned).await.unwrap()[0].digest, Digest::of(&arm.manifest));
    let error = resolve(&sources, &format!("oci:{root}:nope")).await.unwrap_err().to_string();
    assert!(error.contains("no image \"nope\"; it has multi, arm"), "{error}");
}

#[tokio::test]
async fn layouts_with_faults() {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources();
    let good = image("1", "linux/amd64");
    let index = json!({"schemaVersion": 2, "manifests": [entry(&good, None, None)]});
    let blob = |root: &Path, digest: &Digest| root.join("blobs/sha256").join(digest.to_hex());
    let fresh = |name: &str| {
        let root = dir.path().join(name);
        layout(&root, &[&good], &[], &index);
        root
    };

    let root = fresh("missing layer");
    fs::remove_file(blob(&root, &good.layers[1])).unwrap();
    let found = resolve(&sources, &format!("oci:{}", root.display())).await.unwrap();
    let gap = found[0].layers[1].unsupported.as_ref().unwrap();
    assert_eq!(gap.kind, GapKind::LayerUnavailable);
    assert!(found[0].layers[0].unsupported.is_none());

    let root = fresh("short layer");
    fs::write(blob(&root, &good.layers[0]), "short").unwrap();
    let found = resolve(&sources, &format!("oci:{}", root.display())).await.unwrap();
    assert_eq!(found[0].gaps[0].kind, GapKind::CorruptLayer);
    assert_eq!(found[0].layers[0].digest, Digest::of(b"short"), "what is there is read under its own name");

    for (name, path, content, want) in [
        ("manifest", blob(Path::new(""), &Digest::of(&good.manifest)), Some("{}"), "another content"),
        ("no manifest", blob(Path::new(""), &Digest::of(&good.manifest)), None, "is missing"),
        ("no index", "index.json".into(), None, "no index.json"),
        ("empty index", "index.json".into(), Some(r#"{"manifests":[]}"#), "layout is empty"),
        ("broken index", "index.json".into(), Some("{"), "index.json: "),
        ("null index", "index.json".into(), Some(r#"{"manifests":null}"#), "no `manifests`"),
    ] {
        let root = fresh(name);
        match content {
            Some(text) => fs::write(root.join(path), text).unwrap(),
            None => fs::remove_file(root.join(path)).unwrap(),
        }
        let error = resolve(&sources, &format!("oci:{}", root.display())).await.unwrap_err().to_string();
        assert!(error.contains(want), "{name}: {error}");
    }

    // An index that leads to itself cannot be made (it would hold its own digest); a deep one can.
    let mut inner = index.to_string().into_bytes();
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(inner.clone());
        inner = json!({"schemaVersion": 2, "manifests": [descriptor(OCI_INDEX, &inner)]}).to_string().into_bytes();
    }
    let deep = dir.path().join("deep");
    layout(&deep, &[&good], &all, &serde_json::from_slice(&inner).unwrap());
    let error = resolve(&sources, &format!("oci:{}", deep.display())).await.unwrap_err().to_string();
    assert!(error.contains("nest deeper than 4"), "{error}");

    let gone = resolve(&sources, "oci:/nowhere/at/all").await.unwrap_err();
    assert!(matches!(gone, SourceError::NotFound(_)), "{gone}");
}

#[tokio::test]
async fn paths_are_recognised_by_their_content() {
    let dir = tempfile::tempdir().unwrap();
    let sources = sources();
    let root = tar_of(&[("./etc/os-release", b"ID=x\n"), ("manifest.json", b"[]")]);
    let odd = tar_of(&[("something", b"x")]);
    let empty = tar_of(&[]);
    for (name, bytes) in [
        ("root.tar", root.clone()),
        ("root.tgz", gzip(&root)),
        ("root.tar.zst", zstd(&root)),
        ("root.tar.xz", xz(&root)),
        ("odd.tar", odd),
        ("empty.tar", empty),
    ] {
        let path = put(dir.path(), name, &bytes);
        let found = resolve(&sources, &path).await.unwrap();
        assert_eq!(found[0].digest, Digest::of(&bytes), "{name}: the file is the layer");
        assert_eq!(found[0].layers.len(), 1);
        read_all(&sources, &found[0]).await;
    }
    let tree = dir.path().join("tree");
    put(&tree, "etc/os-release", b"ID=x\n");
    let found = resolve(&sources, &tree.display().to_string()).await.unwrap();
    read_all(&sources, &found[0]).await;
    let named = resolve(&sources, &format!("dir:{}", tree.display())).await.unwrap();
    assert_eq!(named[0].digest, found[0].digest);
    fs::write(tree.join("etc/os-release"), "ID=y\n").unwrap();
    let changed = read(&sources, &found[0].layers[0].locator).await.unwrap();
    assert_ne!(Digest::of(&changed), found[0].digest, "the reader notices a change");

    let bom = put(dir.path(), "bom.json", b"\n {\"bomFormat\":\"CycloneDX\"}");
    let location: Location = bom.parse().unwrap();
    assert_eq!(sources.recognise(&location).await.unwrap(), Location::Sbom(bom.clone().into()));
    for (name, bytes, want) in [
        ("empty", &b""[..], "empty"),
        ("text", b"hello", "neither a tar archive"),
        ("zeros.gz", &[0x1f, 0x8b, 8, 0, 0], "compressed stream"),
    ] {
        let error = resolve(&sources, &put(dir.path(), name, bytes)).await.unwrap_err().to_string();
        assert!(error.contains(want), "{name}: {error}");
    }
    let gone = resolve(&sources, "./no/such/file.tar").await.unwrap_err();
    assert!(matches!(gone, SourceError::NotFound(_)), "{gone}");

    let fleet = Sources::new(SourceOptions::default());
    let refused = resolve(&fleet, &bom).await.unwrap_err();
    assert!(matches!(refused, SourceError::Unsupported(_)), "{refused}");
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let zeros = vec![0; 8 << 20];
    let bomb = gzip(&tar_of(&[("blobs/x", &zeros), ("manifest.json", b"[]")]));
    let limits = layergate_model::Limits { max_unpacked_bytes: 1 << 20, ..Default::default() };
    let small = Sources::new(SourceOptions { limits, ..options() });
    let error = resolve(&small, &put(dir.path(), "bomb.tar.gz", &bomb)).await.unwrap_err().to_string();
    assert!(error.contains("max-unpacked-bytes"), "{error}");
}

/// Every archive of the shared data resolves and reads to its digests, or says exactly why not.
#[tokio::test]
async fn the_shared_images() {
    let Some(shared) = shared() else {
        println!("skipped: no shared data on this machine");
        return;
    };
    let mut files = Vec::new();
    let mut dirs = vec![shared.join("data/images")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.retain(|f| !f.display().to_string().contains("oci-layouts-"));
    files.sort();
    let refused = [
        ("no_manifest.tar", "before Docker 1.10"),
        ("null_manifest.tar", "`null`"),
        ("oci-archives/nginx.tar", "has another content"),
    ];
    let sources = sources();
    let mut read = 0;
    for file in &files {
        let text = file.display().to_string();
        match (resolve(&sources, &text).await, refused.iter().find(|(name, _)| text.ends_with(name))) {
            (Ok(images), None) => {
                for image in &images {
                    read_all(&sources, image).await;
                    read += 1;
                    let altered = text.ends_with("oci-archives/alpine-3.12.0.tar");
                    assert_eq!(image.gaps.len(), usize::from(altered), "{text}: {:?}", image.gaps);
                    assert!(image.layers.iter().all(|l| l.unsupported.is_none()), "{text}");
                }
            }
            (Err(error), Some((_, want))) => assert!(error.to_string().contains(want), "{text}: {error}"),
            (Ok(_), Some(_)) => panic!("{text}: was read"),
            (Err(error), None) => panic!("{text}: {error}"),
        }
    }
    println!("{read} images of {} files", files.len());
    assert!(files.len() >= 50 && read >= 50);
}

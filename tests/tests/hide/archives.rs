//! Archives and compressed streams that end, begin or go on where a reader does not expect it, and media types that lie.

use std::io::Write;

use layergate_tests::rawtar::RawTar;

use crate::way::{EVIL, GOOD, GZIP, LODASH, Layer, Says::*, TAR, Way, base};

fn evil() -> Vec<u8> {
    RawTar::new().file(LODASH, EVIL).end()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// A frame that decoders pass over.
fn skippable(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    [&[kind, 0x2a, 0x4d, 0x18][..], &length, content].concat()
}

/// gzip with every optional field.
fn adorned(bytes: &[u8]) -> Vec<u8> {
    let plain = gzip(bytes);
    let head =
        [&[0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3][..], &[4, 0, b'x', b'y', 0, 0], b"name\0", b"comment\0"].concat();
    [&head[..], &plain[10..]].concat()
}

/// A stream that is gzip to who looks at two bytes, and a tar archive to who looks at a header.
fn polyglot() -> Vec<u8> {
    let name = "\u{1f}\u{0}";
    let mut tar = RawTar::new().file(name, GOOD).file(LODASH, EVIL).end();
    tar[1] = 0x8b;
    tar[2] = 8;
    let sum: u32 = tar[..148].iter().chain(&tar[156..512]).map(|b| u32::from(*b)).sum::<u32>() + 256;
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar
}

pub(crate) fn ways() -> Vec<Way> {
    let layer = |name, kind, blob: Vec<u8>, says| Way::new(name, vec![base(), (kind, blob)] as Vec<Layer>, says);
    let tar = evil();
    let (front, back) = tar.split_at(700);
    let good = RawTar::new().file(LODASH, GOOD).end();
    let zeros = RawTar::new().file("srv/a", "a").raw(&[0; 512]).file(LODASH, EVIL).end();
    let cut = RawTar::new().file(LODASH, EVIL).open();
    let frames = [skippable(0x50, &good), zstd(front), skippable(0x5f, b""), zstd(back)].concat();
    let zstd_type = "application/vnd.oci.image.layer.v1.tar+zstd";
    vec![
        layer("entries behind the end blocks", TAR, [tar.clone(), good.clone()].concat(), Listed),
        layer(
            "a whiteout behind the end blocks",
            TAR,
            [tar.clone(), RawTar::new().file("srv/.wh.node_modules", "").end()].concat(),
            Listed,
        ),
        layer("one block of zeros between two entries", TAR, zeros, Gap("corrupt_layer")),
        layer("no end blocks", TAR, cut.clone(), Listed),
        layer("no padding at the end", TAR, cut[..512 + EVIL.len()].to_vec(), Listed),
        layer("an archive that is cut in a file", TAR, cut[..520].to_vec(), Gap("corrupt_layer")),
        layer("gzip in two members", GZIP, [gzip(front), gzip(back)].concat(), Listed),
        layer("an empty gzip member first", GZIP, [gzip(b""), gzip(&tar)].concat(), Listed),
        layer("two archives in two gzip members", GZIP, [gzip(&tar), gzip(&good)].concat(), Listed),
        layer("gzip with a name, a comment and extra fields", GZIP, adorned(&tar), Listed),
        layer("gzip with bytes behind it", GZIP, [gzip(&tar), b"behind".to_vec()].concat(), Listed),
        layer(
            "gzip whose second member is broken",
            GZIP,
            [gzip(front), b"\x1f\x8b\x08broken".to_vec()].concat(),
            Gap("corrupt_layer"),
        ),
        layer("gzip that is cut", GZIP, gzip(&tar)[..60].to_vec(), Gap("corrupt_layer")),
        layer("gzip and tar at once", TAR, polyglot(), Gap("corrupt_layer")),
        layer("gzip under a plain media type", TAR, gzip(&tar), Listed),
        layer("a plain archive under gzip's media type", GZIP, tar.clone(), Listed),
        layer("zstd under gzip's media type", GZIP, zstd(&tar), Listed),
        layer("skippable frames around zstd", zstd_type, frames, Listed),
        layer("Docker's media type", "application/vnd.docker.image.rootfs.diff.tar.gzip", gzip(&tar), Listed),
        layer("a media type that says nothing", "application/octet-stream", gzip(&tar), Listed),
        layer("no media type", "", gzip(&tar), Listed),
        layer("a media type that nobody knows", "application/vnd.example.layer", tar.clone(), Gap("unsupported_layer")),
        layer(
            "an encrypted layer",
            "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
            tar.clone(),
            Gap("unsupported_layer"),
        ),
        layer(
            "a foreign layer",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            gzip(&tar),
            Gap("unsupported_layer"),
        ),
        layer("a layer of another type's suffix", "application/vnd.oci.image.layer.v1.tar+brotli", tar.clone(), Listed),
        Way::new("a layer without a byte upon it", vec![base(), (TAR, tar.clone()), (TAR, Vec::new())], Listed),
    ]
}

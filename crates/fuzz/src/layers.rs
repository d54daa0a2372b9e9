//! Layers: compressed streams, tar archives, and the whole way from a blob to an image inventory; rpm databases.

use std::io::Read;

use layergate_image::{MergeLayer, MergeOptions, merge};
use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, EntryKind, GapKind, ImageConfig, LayerInventory, Limits};
use layergate_ports::codec;
use layergate_rpmdb::{Header, parse_nevra, parse_source_rpm, read_with_wal};
use layergate_unpack::{Archive, decompress};

use crate::{
    Target,
    odd::{self, Choices},
};

pub(crate) fn targets() -> Vec<Target> {
    let catalogue = Catalogue::standard();
    vec![
        Target::new("unpack", unpack),
        Target::new("layer", move |bytes| layer(&catalogue, bytes)),
        Target::new("odd-tar", |bytes| unpack(&odd::tar(&mut Choices::new(bytes)))),
        Target::new("odd-layers", odd_layers),
        Target::new("rpmdb", rpmdb),
        Target::new("rpm-header", rpm_header),
        Target::new("rpm-names", |bytes| {
            for line in crate::lines(bytes).into_iter().flatten() {
                let _ = (parse_nevra(line), parse_source_rpm(line));
            }
        }),
    ]
}

fn limits() -> Limits {
    Limits { max_unpacked_bytes: 8 << 20, max_file_bytes: 4 << 20, max_entries: 10_000, ..Limits::default() }
}

/// Right checksums for whatever looks like a header: a fuzzer would spend its days on finding them.
pub(crate) fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut whole = bytes.to_vec();
    for block in whole.chunks_exact_mut(512).filter(|b| b[257..].starts_with(b"ustar")) {
        let sum: u32 = block[..148].iter().chain(&block[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    whole
}

/// A blob; every content is read, and what comes out is within the limits.
fn unpack(bytes: &[u8]) {
    let limits = limits();
    let whole = with_checksums(bytes);
    let Ok(stream) = decompress(whole.as_slice(), &limits) else { return };
    let mut archive = Archive::new(stream, &limits);
    let mut entries = 0;
    while let Ok(Some(entry)) = archive.next_entry() {
        entries += 1;
        // A hole costs nothing to claim: nobody reads a file that is larger than his limit.
        let mut content = archive.content().take(1 << 20);
        let read = std::io::copy(&mut content, &mut std::io::sink());
        // What is neither file, link nor directory may have bytes too, and nobody reads them.
        if let (EntryKind::File, Ok(read)) = (entry.kind, read) {
            assert!(read == entry.size.min(1 << 20), "{} has {read} bytes and says {}", entry.path, entry.size);
        }
    }
    assert!(entries <= limits.max_entries);
    assert!(archive.source().unpacked() <= limits.max_unpacked_bytes + (1 << 20));
}

/// A blob to its inventory, stored, read and put together with itself as an image of two layers.
fn layer(catalogue: &Catalogue, bytes: &[u8]) {
    let whole = with_checksums(bytes);
    let digest = Digest::of(&whole);
    let Ok(inventory) = inventory_layer(whole.as_slice(), digest, catalogue, &limits()) else { return };
    let gaps = inventory.gaps.iter().chain(inventory.sections.values().flat_map(|s| &s.gaps));
    let broken: Vec<_> = gaps.filter(|g| g.kind == GapKind::AnalyzerFailed && g.detail.contains("broke")).collect();
    assert!(broken.is_empty(), "{broken:?}");
    let read = codec::encode_inventory(&inventory).ok().and_then(|s| codec::decode_inventory(&s, digest).ok());
    assert!(read.as_ref() == Some(&inventory), "what is stored reads differently");
    let layer = MergeLayer { digest, inventory: &inventory };
    let image = merge(&[layer, layer], Some(&ImageConfig::default()), &MergeOptions::default());
    assert!(image.packages.iter().all(|p| p.package.purl(image.distro.as_ref()).as_str().starts_with("pkg:")));
}

/// Layers that take each other's places; an image of them lists nothing that none of them has.
fn odd_layers(bytes: &[u8]) {
    let catalogue = Catalogue::standard();
    let blobs = odd::layers(&mut Choices::new(bytes));
    let read = |blob: &Vec<u8>| inventory_layer(blob.as_slice(), Digest::of(blob), &catalogue, &limits()).ok();
    let inventories: Vec<_> = blobs.iter().filter_map(read).collect();
    assert!(inventories.len() == blobs.len(), "a layer of ours cannot be read");
    let layers: Vec<_> = inventories.iter().map(|i| MergeLayer { digest: i.blob, inventory: i }).collect();
    let image = merge(&layers, None, &MergeOptions::default());
    for package in &image.packages {
        let known =
            |i: &LayerInventory| i.sections.values().flat_map(|s| &s.packages).any(|p| p.name == package.package.name);
        assert!(inventories.iter().any(known), "{} comes from nowhere", package.package.name);
    }
}

/// A database, and behind its own length (the first four bytes) the log beside it.
fn rpmdb(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return };
    let (main, wal) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).unwrap_or((rest, &[]));
    let Ok(database) = read_with_wal(main, (!wal.is_empty()).then_some(wal)) else { return };
    let mut total = 0;
    for package in &database.packages {
        total += package.files().map(|f| f.to_string().len()).sum::<usize>() + package.evr().len();
        total += package.requires().chain(package.provides()).map(str::len).sum::<usize>();
        let _ = (package.source(), package.is_pubkey());
    }
    std::hint::black_box(total);
}

fn rpm_header(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    for entry in header.entries() {
        let _ = (header.string(&entry), header.number(&entry), header.numbers(&entry).map(|n| n.len()));
    }
    let _ = header.missing();
}

//! Every analyzer of the catalogue on bytes that nobody honest wrote: none panics, none takes long. A file here need not be one that the analyzer would claim.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use layergate_inventory::{Analyzer, Catalogue, File, Interest, inventory_layer};
use layergate_model::{Digest, GapKind, LayerPath, Limits, Section};

/// The most that one analyzer may take for one of these files, unoptimised and beside other tests.
const PATIENCE: Duration = Duration::from_secs(20);

/// Noise that is the same in every run (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn hostile() -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("nothing".to_owned(), Vec::new()),
        ("one byte".into(), vec![0]),
        ("zeros".into(), vec![0; 256 << 10]),
        ("ones".into(), vec![0xff; 256 << 10]),
        ("one endless line".into(), vec![b'a'; 1 << 20]),
        ("empty lines".into(), vec![b'\n'; 256 << 10]),
        ("noise".into(), noise(256 << 10)),
    ];
    for opening in [
        "[",
        "{\"a\":",
        "{\"packages\":[",
        "<a>",
        "(",
        "- ",
        "a:\n ",
        "{",
        "[a.b]\n",
        "[[a]]\n",
        "\"",
        "'",
        "a,",
        "a = [",
        "%{",
        "a|",
    ] {
        all.push((format!("{opening:?} 20,000 times"), opening.repeat(20_000).into_bytes()));
    }
    // Noise behind each format's first bytes.
    let magics: [&[u8]; 14] = [
        b"\x7fELF\x02\x01\x01",
        b"\x7fELF\x01\x02\x01",
        b"MZ",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe\0\0\0\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"SQLite format 3\0",
        b"RpmP",
        b"\x1f\x8b\x08",
        b"\x28\xb5\x2f\xfd",
        b"%NAME%\n",
        b"{",
        b"\xef\xbb\xbf",
    ];
    for magic in magics {
        all.push((format!("noise behind {magic:02x?}"), [magic, &noise(64 << 10)].concat()));
        all.push((format!("ones behind {magic:02x?}"), [magic, &[0xff; 64 << 10]].concat()));
        all.push((format!("zeros behind {magic:02x?}"), [magic, &[0; 64 << 10]].concat()));
    }
    all
}

/// A path that the analyzer is interested in.
fn path(analyzer: &dyn Analyzer) -> Vec<LayerPath> {
    let paths = analyzer.interests().iter().map(|interest| match interest {
        Interest::Path(path) => (*path).to_owned(),
        Interest::Name(name) => format!("a/b/{name}"),
        Interest::Extension(end) => format!("a/b-1{end}"),
        Interest::Below(directory) => format!("{directory}/a/b-1.list"),
        Interest::Executable => "usr/bin/node".to_owned(),
        Interest::AnyFile | Interest::Content | Interest::Metadata => "a".to_owned(),
    });
    paths.map(|p| LayerPath::normalise(&p).unwrap()).collect()
}

#[test]
fn no_analyzer_breaks_down_or_lingers() {
    let limits = Limits { max_unpacked_bytes: 256 << 20, ..Limits::default() };
    let files = hostile();
    let mut slow = Vec::new();
    for analyzer in Catalogue::standard().analyzers() {
        for path in path(*analyzer) {
            for (what, bytes) in &files {
                let (begin, mut section) = (Instant::now(), Section::default());
                if analyzer.wants(&bytes[..bytes.len().min(512)]) {
                    let _ = analyzer.analyze(&File::new(&path, 0o755, bytes, &limits), &mut section);
                }
                if begin.elapsed() > PATIENCE {
                    slow.push(format!("{} on {what}: {:?}", analyzer.id(), begin.elapsed()));
                }
            }
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}

/// A zip archive whose directory names one member `count` times.
fn overlapping(name: &[u8], data: &[u8], count: usize) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(data).unwrap();
    let packed = packer.finish().unwrap();
    let word = |n: usize| (n as u32).to_le_bytes();
    // Version, flags, method, time, date, checksum (nobody looks), sizes, length of the name, of the extra field.
    let fields =
        [&[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &word(packed.len()), &word(data.len()), &word(name.len())]
            .concat();
    let local = [&b"PK\x03\x04"[..], &fields, name, &packed].concat();
    let one = [&b"PK\x01\x02\x14\0"[..], &fields, &[0; 14], name].concat();
    let directory = one.repeat(count);
    let end =
        [&b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff"[..], &word(directory.len()), &word(local.len()), &[0, 0]].concat();
    [local, directory, end].concat()
}

/// A directory may lead to the same bytes a hundred thousand times: what is unpacked is counted, not what lies there.
#[test]
fn one_member_under_many_names() {
    let jar = Catalogue::standard().analyzers().iter().find(|a| a.id().as_str() == "jar").copied().unwrap();
    let limits = Limits { max_file_bytes: 16 << 20, ..Limits::default() };
    let path = LayerPath::normalise("a/app-1.jar").unwrap();
    let manifest = b"A: b\n".repeat(1 << 20);
    let pom = [b"groupId=a\nartifactId=b\nversion=1\n".as_slice(), &[b'#'; 60_000]].concat();
    for bytes in [
        overlapping(b"META-INF/MANIFEST.MF", &manifest, 100_000),
        overlapping(b"p/pom.properties", &pom, 100_000),
        overlapping(b"x-1.jar", &overlapping(b"p/pom.properties", &pom, 1000), 10_000),
        // Empty blocks: work without an end, and nothing comes of it.
        overlapping(b"META-INF/MANIFEST.MF", &[], 100_000),
    ] {
        let (begin, mut section) = (Instant::now(), Section::default());
        let result = jar.analyze(&File::new(&path, 0, &bytes, &limits), &mut section);
        assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
        assert!(section.packages.len() < 20_000);
        if let Err(error) = result {
            assert_eq!(error.kind, GapKind::FileLimit, "{error}");
        }
    }
}

/// A file over what its analyzer reads is a gap before a byte of it is kept; of what is too large in sum the rest is.
#[test]
fn large_files_and_many_of_them_are_gaps() {
    let layer = |files: &[(&str, u64)], line: &[u8]| {
        let mut blob = Vec::new();
        for (path, size) in files {
            let mut header = tar::Header::new_gnu();
            header.set_path(path).unwrap();
            header.set_mode(0o644);
            header.set_size(*size);
            header.set_cksum();
            blob.extend_from_slice(header.as_bytes());
            let end = blob.len() + *size as usize;
            while blob.len() < end {
                blob.extend_from_slice(line);
            }
            blob.truncate(end);
            blob.resize(blob.len().next_multiple_of(512), 0);
        }
        inventory_layer(&blob[..], Digest::of(&blob), &Catalogue::standard(), &Limits::default()).unwrap()
    };
    let status =
        layer(&[("var/lib/dpkg/status", 33 << 20)], b"Package: a\nVersion: 1\nStatus: install ok installed\n\n");
    let gaps: Vec<_> = status.sections.values().flat_map(|s| &s.gaps).map(|g| g.kind).collect();
    assert_eq!(gaps, [GapKind::FileLimit]);
    let names: Vec<String> = (0..60).map(|n| format!("var/lib/dpkg/info/p{n}.list")).collect();
    let files: Vec<_> = names.iter().map(|n| (n.as_str(), 4 << 20)).collect();
    let lists = layer(&files, b"/a/bin/1\n");
    assert_eq!(lists.gaps.iter().map(|g| g.kind).collect::<Vec<_>>(), [GapKind::LayerLimit]);
}

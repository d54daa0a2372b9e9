//! Every analyzer of the catalogue on bytes that nobody honest wrote: none panics, none takes long. A file here need not be one that the analyzer would claim.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::{Duration, Instant};

use layergate_inventory::{Analyzer, Catalogue, File, Interest};
use layergate_model::{LayerPath, Limits, Section};

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
        Interest::AnyFile | Interest::Metadata => "a".to_owned(),
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

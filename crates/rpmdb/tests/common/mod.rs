//! Writers of small databases: every format that the crate reads, made by hand, so that the tests need no foreign data.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

pub mod bdb;
pub mod ndb;
pub mod sqlite;

/// Writes one rpm header: region first, what rpm adds at install time after it.
#[derive(Default, Clone)]
pub struct HeaderWriter {
    entries: Vec<(u32, u32, u32, Vec<u8>)>,
}

impl HeaderWriter {
    pub fn raw(mut self, tag: u32, kind: u32, count: usize, data: Vec<u8>) -> Self {
        self.entries.push((tag, kind, count as u32, data));
        self
    }

    pub fn string(self, tag: u32, text: &str) -> Self {
        self.raw(tag, 6, 1, [text.as_bytes(), b"\0"].concat())
    }

    pub fn i18n(self, tag: u32, text: &str) -> Self {
        self.raw(tag, 9, 1, [text.as_bytes(), b"\0"].concat())
    }

    pub fn strings(self, tag: u32, texts: &[&str]) -> Self {
        let data = texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect();
        self.raw(tag, 8, texts.len(), data)
    }

    pub fn numbers(self, tag: u32, numbers: &[u32]) -> Self {
        self.raw(tag, 4, numbers.len(), numbers.iter().flat_map(|number| number.to_be_bytes()).collect())
    }

    pub fn long(self, tag: u32, number: u64) -> Self {
        self.raw(tag, 5, 1, number.to_be_bytes().to_vec())
    }

    pub fn bin(self, tag: u32, bytes: &[u8]) -> Self {
        self.raw(tag, 7, bytes.len(), bytes.to_vec())
    }

    pub fn build(&self) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, kind, count, value) in &self.entries {
            let align = match kind {
                4 => 4,
                5 => 8,
                _ => 1,
            };
            data.resize(data.len().next_multiple_of(align), 0);
            for word in [*tag, *kind, data.len() as u32, *count] {
                index.extend(word.to_be_bytes());
            }
            data.extend(value);
        }
        // The region's trailer closes the data; its tag opens the index.
        let entries = self.entries.len() as u32 + 1;
        let mut region = Vec::new();
        for word in [63, 7, data.len() as u32, 16] {
            region.extend(u32::to_be_bytes(word));
        }
        for word in [63, 7, (entries * 16).wrapping_neg(), 16] {
            data.extend(u32::to_be_bytes(word));
        }
        [&entries.to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), &region, &index, &data].concat()
    }
}

/// A package as today's rpm stores it.
pub fn bash() -> HeaderWriter {
    HeaderWriter::default()
        .string(273, &"ab".repeat(32))
        .string(1000, "bash")
        .string(1001, "4.4.19")
        .string(1002, "14.el8")
        .numbers(1003, &[2])
        .i18n(1004, "The GNU Bourne Again shell")
        .numbers(1009, &[6_930_068])
        .string(1011, "CentOS")
        .string(1014, "GPLv3+")
        .string(1022, "x86_64")
        .numbers(1037, &[0, 1, 1 << 6, 2])
        .string(1044, "bash-4.4.19-14.el8.src.rpm")
        .strings(1047, &["/bin/bash", "bash", "config(bash)"])
        .strings(1049, &["rpmlib(BuiltinLuaScripts)", "libc.so.6()(64bit)"])
        .numbers(1116, &[0, 1, 1, 0])
        .strings(1117, &["bash", "bashrc", "skel", "sh"])
        .strings(1118, &["/usr/bin/", "/etc/"])
        .string(5096, "shells:stream:8:abcdef")
        .bin(261, &[7; 16])
}

/// A package with a name and `files` files, large enough for overflow pages.
pub fn package(name: &str, files: usize) -> HeaderWriter {
    let bases: Vec<String> = (0..files).map(|file| format!("file-{file:05}.txt")).collect();
    HeaderWriter::default()
        .string(1000, name)
        .string(1001, "1.0")
        .string(1002, "1")
        .string(1022, "noarch")
        .numbers(1116, &vec![0; files])
        .strings(1117, &bases.iter().map(String::as_str).collect::<Vec<_>>())
        .strings(1118, &[&format!("/usr/share/{name}/")])
}

pub fn pubkey() -> HeaderWriter {
    HeaderWriter::default()
        .string(1000, "gpg-pubkey")
        .string(1001, "8483c65d")
        .string(1002, "5ccc5b19")
        .string(1022, "(none)")
        .string(1044, "(none)")
}

/// The blobs that most tests store: a full package, a key, and packages of growing size.
pub fn sample() -> Vec<Vec<u8>> {
    let mut blobs = vec![bash().build(), pubkey().build()];
    blobs.extend((0..12).map(|number| package(&format!("pkg{number}"), number * number * 9).build()));
    blobs
}

/// A smaller one, for the tests that read it thousands of times.
pub fn small_sample() -> Vec<Vec<u8>> {
    vec![bash().build(), pubkey().build(), package("some", 12).build(), package("more", 60).build()]
}

/// Pseudo-random numbers that are the same in every run (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

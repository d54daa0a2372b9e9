//! The records that stand before an entry and change it: PAX extended headers (POSIX.1-2001 pax, "ustar Extended
//! Header Block") and GNU tar's long names, as Go's archive/tar applies them. Only the keys that matter to a layer, or whose
//! values Go refuses, are kept.
//!
//! A second PAX header replaces the first one whole; a GNU long name wins over a PAX path; an empty value leaves what the
//! header itself says; a global header ends whatever was pending. `GNU.sparse.*` counts with a valid version alone.

use std::collections::HashMap;

use crate::{
    UnpackError,
    header::{Header, corrupt},
};

/// PAX records of one entry together, or one long name; builders write a few hundred bytes. Go's bound.
pub(crate) const MAX_PAX: u64 = 1 << 20;

const KEPT: [&[u8]; 15] = [
    b"path",
    b"linkpath",
    b"size",
    b"uid",
    b"gid",
    b"atime",
    b"mtime",
    b"ctime",
    b"GNU.sparse.major",
    b"GNU.sparse.minor",
    b"GNU.sparse.map",
    b"GNU.sparse.name",
    b"GNU.sparse.size",
    b"GNU.sparse.realsize",
    b"GNU.sparse.numblocks",
];

/// Extended attributes that make overlayfs show a lower directory or file under another name.
const REDIRECTS: [&[u8]; 4] = [
    b"SCHILY.xattr.trusted.overlay.redirect",
    b"SCHILY.xattr.trusted.overlay.metacopy",
    b"SCHILY.xattr.user.overlay.redirect",
    b"SCHILY.xattr.user.overlay.metacopy",
];

/// What stands before the next entry.
#[derive(Default, Clone, Debug)]
pub(crate) struct Extended {
    pub(crate) pax: Pax,
    /// GNU's long names, empty where there is none.
    pub(crate) long_name: Vec<u8>,
    pub(crate) long_link: Vec<u8>,
}

/// The records of one PAX header; of several with one key the last.
#[derive(Default, Clone, Debug)]
pub(crate) struct Pax {
    records: HashMap<&'static [u8], Vec<u8>>,
    pub(crate) redirects: bool,
}

/// A sparse file in one of the PAX forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaxSparse {
    /// Formats 0.0 and 0.1: offset and length pairs. `None` for 1.0, whose map stands in front of the data.
    pub(crate) map: Option<Vec<(u64, u64)>>,
}

impl Pax {
    /// Reads the records of one PAX header.
    pub(crate) fn read(mut bytes: &[u8]) -> Result<Self, UnpackError> {
        let bad = |why: &str| UnpackError::Corrupt(format!("a PAX header is broken: {why}"));
        let mut pax = Self::default();
        // Format 0.0 repeats two keys; together they are 0.1's map.
        let mut map: Vec<&[u8]> = Vec::new();
        while !bytes.is_empty() {
            let space = bytes.iter().position(|b| *b == b' ').ok_or_else(|| bad("no length"))?;
            let length = integer(&bytes[..space])
                .and_then(|n| usize::try_from(n).ok())
                .filter(|l| *l >= 5 && *l > space + 1 && *l <= bytes.len())
                .ok_or_else(|| bad("a record's length is wrong"))?;
            let record = bytes[space + 1..length].strip_suffix(b"\n").ok_or_else(|| bad("a record has no end"))?;
            bytes = &bytes[length..];
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(|| bad("a record has no ="))?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let checked = match key {
                b"path" | b"linkpath" | b"uname" | b"gname" => value,
                _ => key,
            };
            if key.is_empty() || checked.contains(&0) {
                return Err(bad("a record has an empty key or a NUL byte"));
            }
            match key {
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                    let offset = key == b"GNU.sparse.offset";
                    if offset != map.len().is_multiple_of(2) || value.contains(&b',') {
                        return Err(bad("a sparse file's map is out of order"));
                    }
                    map.push(value);
                }
                key => {
                    pax.redirects |= REDIRECTS.contains(&key) && !value.is_empty();
                    if let Some(kept) = KEPT.iter().find(|k| **k == key) {
                        pax.records.insert(kept, value.to_vec());
                    }
                }
            }
        }
        if !map.is_empty() {
            pax.records.insert(b"GNU.sparse.map", map.join(&b','));
        }
        Ok(pax)
    }

    /// The value of a key that counts: an empty one does not.
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.records.get(key).map(Vec::as_slice).filter(|v| !v.is_empty())
    }

    /// The path, where there is one.
    pub(crate) fn path(&self) -> Option<&[u8]> {
        self.get(b"path")
    }

    /// Puts the records into the header.
    pub(crate) fn merge(&self, header: &mut Header) -> Result<(), UnpackError> {
        let bad = || corrupt("a PAX header is broken: a number cannot be read");
        for key in [&b"uid"[..], b"gid"] {
            self.get(key).map_or(Some(0), integer).ok_or_else(bad)?;
        }
        for key in [&b"atime"[..], b"mtime", b"ctime"] {
            let time = self.get(key).unwrap_or(b"0");
            let (seconds, fraction) = match time.iter().position(|b| *b == b'.') {
                Some(dot) => (&time[..dot], &time[dot + 1..]),
                None => (time, &b""[..]),
            };
            integer(seconds).filter(|_| fraction.iter().all(u8::is_ascii_digit)).ok_or_else(bad)?;
        }
        if let Some(path) = self.get(b"path") {
            header.name = path.to_vec();
        }
        if let Some(link) = self.get(b"linkpath") {
            header.link = link.to_vec();
        }
        if let Some(size) = self.get(b"size") {
            header.size = integer(size).ok_or_else(bad)?;
        }
        Ok(())
    }

    /// Recognises a sparse file and puts its real name and size into the header; `None` where the records are not of a
    /// version that is known: then they mean nothing.
    pub(crate) fn sparse(&self, header: &mut Header) -> Result<Option<PaxSparse>, UnpackError> {
        let bad = || corrupt("a sparse file's map cannot be read");
        let map_in_data = match (self.get(b"GNU.sparse.major"), self.get(b"GNU.sparse.minor")) {
            (Some(b"0"), Some(b"0" | b"1")) => false,
            (Some(b"1"), Some(b"0")) => true,
            (None, None) if self.get(b"GNU.sparse.map").is_some() => false,
            _ => return Ok(None),
        };
        if let Some(name) = self.get(b"GNU.sparse.name") {
            header.name = name.to_vec();
        }
        if let Some(size) = self.get(b"GNU.sparse.size").or_else(|| self.get(b"GNU.sparse.realsize")) {
            header.size = integer(size).ok_or_else(bad)?;
        }
        if map_in_data {
            return Ok(Some(PaxSparse { map: None }));
        }
        let count = self.get(b"GNU.sparse.numblocks").and_then(integer).ok_or_else(bad)?;
        let numbers: Vec<u64> = match self.get(b"GNU.sparse.map") {
            None => Vec::new(),
            Some(map) => map
                .split(|b| *b == b',')
                .map(|n| integer(n).and_then(|n| u64::try_from(n).ok()))
                .collect::<Option<_>>()
                .ok_or_else(bad)?,
        };
        let (pairs, rest) = numbers.as_chunks::<2>();
        if !rest.is_empty() || u64::try_from(count).ok() != Some(pairs.len() as u64) {
            return Err(bad());
        }
        Ok(Some(PaxSparse { map: Some(pairs.iter().map(|[offset, length]| (*offset, *length)).collect()) }))
    }
}

/// A decimal number with an optional sign, as Go's `strconv.ParseInt` takes it.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records_and_refuses_lies() {
        Pax::read(b"12 path=a/b\n11 size=12\n20 GNU.sparse.major=1\n").unwrap_err();
        let pax = Pax::read(b"12 path=a/b\n11 size=12\n22 GNU.sparse.major=1\n").unwrap();
        assert_eq!((pax.get(b"path"), pax.get(b"size")), (Some(&b"a/b"[..]), Some(&b"12"[..])));
        for bad in [
            &b"99 path=a\n"[..],
            b"x path=a\n",
            b"3 a",
            b"0 \n",
            b"9 path=ab",
            b"12 path=a\0b\n",
            b"7 =bcd\n",
            b"12 path=a/b\n\0\0",
            b"25 GNU.sparse.numbytes=1\n",
        ] {
            assert!(Pax::read(bad).is_err(), "{bad:?}");
        }
    }
}

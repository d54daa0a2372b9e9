//! The records that stand before an entry and change it: PAX extended headers (POSIX.1-2001 pax, "ustar Extended
//! Header Block") and GNU tar's long names. Only the keys that matter to a layer are kept.

use crate::UnpackError;

/// PAX records of one entry together; builders write a few hundred bytes.
pub(crate) const MAX_PAX: u64 = 1 << 20;

/// What extended headers say about the next entry.
#[derive(Default, Clone, Debug)]
pub(crate) struct Extended {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    /// `GNU.sparse.*` records of the PAX sparse formats 0.0, 0.1 and 1.0.
    pub(crate) sparse: Option<PaxSparse>,
}

/// The PAX forms of a sparse file.
#[derive(Default, Clone, Debug)]
pub(crate) struct PaxSparse {
    pub(crate) real_size: Option<u64>,
    pub(crate) name: Option<Vec<u8>>,
    /// Format 1.0 puts the map in front of the data.
    pub(crate) map_in_data: bool,
    /// Formats 0.0 and 0.1: offset and length pairs.
    pub(crate) map: Vec<u64>,
}

impl Extended {
    /// Adds the records of one PAX header; later ones win.
    pub(crate) fn read_pax(&mut self, mut bytes: &[u8]) -> Result<(), UnpackError> {
        let bad = |why: &str| UnpackError::Corrupt(format!("a PAX header is broken: {why}"));
        while !bytes.is_empty() {
            // Some writers pad with NULs.
            if bytes.iter().all(|b| *b == 0) {
                break;
            }
            let space = bytes.iter().position(|b| *b == b' ').ok_or_else(|| bad("no length"))?;
            let length: usize = std::str::from_utf8(&bytes[..space])
                .ok()
                .and_then(|t| t.parse().ok())
                .filter(|l| *l > space + 1 && *l <= bytes.len())
                .ok_or_else(|| bad("a record's length is wrong"))?;
            let record = bytes[space + 1..length].strip_suffix(b"\n").ok_or_else(|| bad("a record has no end"))?;
            bytes = &bytes[length..];
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(|| bad("a record has no ="))?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            self.record(key, value).ok_or_else(|| bad("a number cannot be read"))?;
        }
        Ok(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let number = || std::str::from_utf8(value).ok()?.parse::<u64>().ok();
        if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            let sparse = self.sparse.get_or_insert_default();
            match key {
                b"name" => sparse.name = Some(value.to_vec()),
                b"realsize" | b"size" => sparse.real_size = Some(number()?),
                b"major" => sparse.map_in_data |= number()? == 1,
                b"offset" | b"numbytes" => sparse.map.push(number()?),
                b"map" => {
                    let text = std::str::from_utf8(value).ok()?;
                    sparse.map = text.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?;
                }
                _ => {}
            }
            return Some(());
        }
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"linkpath" => self.link = Some(value.to_vec()),
            b"size" => self.size = Some(number()?),
            _ => {}
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_records_and_refuses_lies() {
        let mut extended = Extended::default();
        extended.read_pax(b"12 path=a/b\n11 size=12\n20 GNU.sparse.major=1\n").unwrap_err();
        extended.read_pax(b"12 path=a/b\n11 size=12\n22 GNU.sparse.major=1\n").unwrap();
        assert_eq!((extended.path.as_deref(), extended.size), (Some(&b"a/b"[..]), Some(12)));
        assert!(extended.sparse.unwrap().map_in_data);
        for bad in [&b"99 path=a\n"[..], b"x path=a\n", b"3 a", b"0 \n", b"9 path=ab", b"11 size=zz\n"] {
            assert!(Extended::default().read_pax(bad).is_err(), "{bad:?}");
        }
    }
}

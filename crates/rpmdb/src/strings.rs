//! A header's string array as one allocation: 20,000 file names are not 20,000 `String`s.

/// Strings one after the other, each ended by a NUL, and where each one ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StringTable {
    text: String,
    ends: Vec<u32>,
}

impl StringTable {
    /// Reads up to `count` NUL-terminated strings and says how many bytes they took.
    /// Bytes that are no UTF-8 become U+FFFD.
    pub(crate) fn parse(data: &[u8], count: usize) -> (Self, usize) {
        // Each string takes a byte at least, whatever the count says.
        let mut ends = Vec::with_capacity(count.min(data.len()).min(4096));
        let mut at = 0;
        while ends.len() < count {
            let Some(length) = data.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == 0)) else { break };
            let Ok(end) = u32::try_from(at + length) else { break };
            ends.push(end);
            at += length + 1;
        }
        let region = data.get(..at).unwrap_or_default();
        match std::str::from_utf8(region) {
            Ok(text) => (Self { text: text.to_owned(), ends }, at),
            Err(_) => (Self::lossy(region), at),
        }
    }

    fn lossy(region: &[u8]) -> Self {
        let mut table = Self::default();
        for raw in region.split_inclusive(|byte| *byte == 0) {
            table.text.push_str(&String::from_utf8_lossy(raw.strip_suffix(&[0]).unwrap_or(raw)));
            let Ok(end) = u32::try_from(table.text.len()) else { break };
            table.ends.push(end);
            table.text.push('\0');
        }
        table
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize + 1,
            None => 0,
        };
        self.text.get(start..end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_cut_at_their_nuls() {
        let table = |data: &[u8], count| {
            let (table, used) = StringTable::parse(data, count);
            (table.iter().map(str::to_owned).collect::<Vec<_>>(), used)
        };
        assert_eq!(table(b"a\0bc\0\0rest", 3), (vec!["a".into(), "bc".into(), String::new()], 6));
        assert_eq!(table(b"a\0bc", 9), (vec!["a".into()], 2));
        assert_eq!(table(b"", 1 << 40), (vec![], 0));
        assert_eq!(table(b"\xff\0b\0", 2), (vec!["\u{fffd}".into(), "b".into()], 4));
    }
}

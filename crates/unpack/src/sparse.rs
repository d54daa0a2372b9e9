//! Sparse entries: the stored pieces of a file and the holes between them (GNU tar manual, "Storing Sparse Files").

use std::io::{self, Read};

use crate::UnpackError;

/// Pieces of one file: far more than any real one has.
pub(crate) const MAX_PIECES: usize = 1 << 16;

/// Where the stored pieces of a file lie: offset and length, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SparseMap(Vec<(u64, u64)>);

impl SparseMap {
    /// Checks that pieces ascend, do not overlap, stay inside `real_size` and add up to at most `stored` bytes.
    pub(crate) fn new(pieces: Vec<(u64, u64)>, real_size: u64, stored: u64) -> Result<Self, UnpackError> {
        let (mut end, mut sum) = (0u64, 0u64);
        for (offset, length) in &pieces {
            let next = offset.checked_add(*length).filter(|e| *offset >= end && *e <= real_size);
            end = next.ok_or_else(|| UnpackError::Corrupt("a sparse file's map is not ascending".into()))?;
            sum = sum.saturating_add(*length);
        }
        if sum > stored {
            return Err(UnpackError::Corrupt("a sparse file's map is longer than its data".into()));
        }
        Ok(Self(pieces))
    }
}

/// Reads a sparse file as it would be read from a disk, holes as zeros.
pub(crate) struct SparseReader<R> {
    pub(crate) stored: R,
    pub(crate) map: SparseMap,
    pub(crate) at: u64,
    pub(crate) piece: usize,
    pub(crate) real_size: u64,
}

impl<R: Read> Read for SparseReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.at >= self.real_size {
            // Go refuses a file that has more data than its map names.
            return match self.stored.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a sparse file has more data than its map names")),
            };
        }
        while self.map.0.get(self.piece).is_some_and(|(offset, length)| self.at >= offset + length) {
            self.piece += 1;
        }
        let (in_data, until) = match self.map.0.get(self.piece) {
            Some((offset, length)) if self.at >= *offset => (true, offset + length),
            Some((offset, _)) => (false, *offset),
            None => (false, self.real_size),
        };
        let room = usize::try_from(until - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let n = if in_data {
            match self.stored.read(&mut buffer[..room])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => n,
            }
        } else {
            buffer[..room].fill(0);
            room
        };
        self.at += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_zeros_and_lies_are_refused() {
        let map = SparseMap::new(vec![(2, 3), (8, 1)], 10, 4).unwrap();
        let mut out = Vec::new();
        SparseReader { stored: &b"abcd"[..], map, at: 0, piece: 0, real_size: 10 }.read_to_end(&mut out).unwrap();
        assert_eq!(out, b"\0\0abc\0\0\0d\0");
        for (pieces, real, stored) in [
            (vec![(0, 5), (4, 1)], 10, 10),
            (vec![(8, 5)], 10, 10),
            (vec![(u64::MAX, 2)], u64::MAX, 10),
            (vec![(0, 5)], 10, 4),
        ] {
            assert!(SparseMap::new(pieces, real, stored).is_err());
        }
    }
}

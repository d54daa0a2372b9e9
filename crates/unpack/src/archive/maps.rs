//! Where the maps of sparse files stand: GNU's own form in the header and in blocks behind it, PAX format 1.0 in front of the
//! data.

use std::io::{self, Read};

use super::{Archive, MAX_MAP_BLOCKS, Stored, limit};
use crate::{
    UnpackError,
    extended::integer,
    header::{BLOCK, Form, Header, corrupt, number},
    sparse::MAX_PIECES,
};

impl<R: Read> Archive<R> {
    /// GNU's own sparse form: four pieces in the header, then blocks of 21 more.
    pub(super) fn gnu_sparse(
        &mut self,
        header: &mut Header,
        block: &[u8; BLOCK],
    ) -> Result<Vec<(u64, u64)>, UnpackError> {
        let bad = || corrupt("a sparse file's map cannot be read");
        if header.form != Form::Gnu {
            return Err(corrupt("a sparse file without a GNU header"));
        }
        header.size = number(&block[483..495]).ok_or_else(bad)?;
        let mut pieces = Vec::new();
        let (mut map, mut more) = (block[386..482].to_vec(), block[482] > 0);
        loop {
            // An empty piece ends the pieces of its block.
            for piece in map.chunks_exact(24).take_while(|p| p[0] != 0) {
                let number = |field| number(field).and_then(|n| u64::try_from(n).ok()).ok_or_else(bad);
                pieces.push((number(&piece[..12])?, number(&piece[12..])?));
            }
            if !more {
                return Ok(pieces);
            }
            if pieces.len() > MAX_PIECES {
                return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
            }
            let next = self.block()?.ok_or_else(|| corrupt("the archive ends inside a sparse file's map"))?;
            self.map_blocks += 1;
            if self.map_blocks > MAX_MAP_BLOCKS {
                return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
            }
            more = next[504] > 0;
            map.clear();
            map.extend_from_slice(&next[..504]);
        }
    }

    /// The map of PAX sparse format 1.0: lines of decimal numbers in front of the data, in whole blocks.
    pub(super) fn map_in_data(&mut self) -> Result<Vec<(u64, u64)>, UnpackError> {
        let before = self.stored;
        let count = self.map_number()?;
        if count > MAX_PIECES as u64 {
            return Err(limit("the map of a sparse file", "max-entries", MAX_PIECES as u64));
        }
        let mut pieces = Vec::new();
        for _ in 0..count {
            pieces.push((self.map_number()?, self.map_number()?));
        }
        let rest = (before - self.stored).wrapping_neg() % BLOCK as u64;
        if rest > self.stored {
            return Err(corrupt("a sparse file's map is cut"));
        }
        io::copy(&mut Stored(self).take(rest), &mut io::sink())?;
        Ok(pieces)
    }

    fn map_number(&mut self) -> Result<u64, UnpackError> {
        let bad = || corrupt("a sparse file's map cannot be read");
        let mut digits = Vec::new();
        for _ in 0..32 {
            let mut byte = [0];
            Stored(self).read_exact(&mut byte).map_err(UnpackError::from)?;
            if byte[0] == b'\n' {
                return integer(&digits).and_then(|n| u64::try_from(n).ok()).ok_or_else(bad);
            }
            digits.push(byte[0]);
        }
        Err(bad())
    }
}

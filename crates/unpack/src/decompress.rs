//! A blob's bytes to a tar stream: gzip with several members, zstd with several frames, xz, bzip2 or plain.
//!
//! The decompressor is chosen by the first bytes and never by a media type (invariant 2: a media type is the image's
//! claim). Bytes that came out, and their ratio to those that went in, are bounded.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
    rc::Rc,
};

use layergate_model::Limits;

use crate::{
    UnpackError,
    error::{FromSource, UnpackErrorLimit},
    header::{BLOCK, corrupt, has_checksum},
};

/// The ratio is looked at only beyond this many unpacked bytes: small files of zeros are harmless.
const RATIO_FREE: u64 = 64 << 20;

/// How a blob is compressed, as its first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all, as far as can be seen.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878, a skippable frame first included (zstd:chunked).
    Zstd,
    /// The .xz format.
    Xz,
    /// bzip2.
    Bzip2,
}

impl Compression {
    /// Looks at the first bytes; six are enough.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Self::Bzip2,
            _ => Self::Plain,
        }
    }
}

/// Counts what goes in, and marks the source's errors.
struct Input<R> {
    source: R,
    count: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf().map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            kind => io::Error::new(kind, FromSource(e)),
        })
    }

    fn consume(&mut self, n: usize) {
        self.count.set(self.count.get() + n as u64);
        self.source.consume(n);
    }
}

/// The unpacked bytes of a blob, counted and bounded.
pub struct Decompressed<'a> {
    inner: Box<dyn Read + 'a>,
    compression: Compression,
    input: Rc<Cell<u64>>,
    output: u64,
    max_output: u64,
    max_ratio: u64,
}

impl Decompressed<'_> {
    /// Bytes that came out so far.
    pub fn unpacked(&self) -> u64 {
        self.output
    }

    /// What the first bytes reported.
    pub fn compression(&self) -> Compression {
        self.compression
    }
}

impl Read for Decompressed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.output += n as u64;
        if self.output > self.max_output {
            let limit =
                UnpackErrorLimit { what: "the unpacked layer", name: "max-unpacked-bytes", limit: self.max_output };
            return Err(limit.into_io());
        }
        if self.output > RATIO_FREE && self.output / self.input.get().max(1) > self.max_ratio {
            let limit =
                UnpackErrorLimit { what: "the layer's compression ratio", name: "max-ratio", limit: self.max_ratio };
            return Err(limit.into_io());
        }
        Ok(n)
    }
}

/// Opens the compressed stream `blob`; its bytes are unpacked where its buffer has them.
pub fn decompress<'a>(blob: impl BufRead + 'a, limits: &Limits) -> Result<Decompressed<'a>, UnpackError> {
    let count = Rc::new(Cell::new(0));
    let mut input = Input { source: blob, count: Rc::clone(&count) };
    let mut head = Vec::new();
    // The first read of a slow source may bring fewer bytes than a magic number, or a tar header, has.
    while head.len() < BLOCK {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        if chunk.is_empty() {
            break;
        }
        let taken = chunk.len().min(BLOCK - head.len());
        head.extend_from_slice(&chunk[..taken]);
        input.consume(taken);
    }
    let compression = Compression::of(&head);
    // containerd believes a media type that says plain tar, and knows fewer compressions: bytes that are both are two
    // layers.
    if compression != Compression::Plain && head.first_chunk().is_some_and(has_checksum) {
        return Err(corrupt(
            "the layer's first bytes are those of a compressed stream and of a plain tar archive at once",
        ));
    }
    let whole = io::Cursor::new(head).chain(input);
    let inner: Box<dyn Read + 'a> = match compression {
        Compression::Plain => Box::new(whole),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(whole)?;
            let log = limits.max_window_bytes.max(1 << 10).ilog2();
            decoder.window_log_max(log)?;
            Box::new(NamedWindow { inner: decoder, limit: limits.max_window_bytes })
        }
        Compression::Xz => {
            let stream =
                liblzma::stream::Stream::new_stream_decoder(limits.max_window_bytes, liblzma::stream::CONCATENATED)
                    .map_err(|e| UnpackError::Corrupt(format!("the xz decoder does not start: {e}")))?;
            Box::new(NamedWindow {
                inner: liblzma::bufread::XzDecoder::new_stream(whole, stream),
                limit: limits.max_window_bytes,
            })
        }
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(whole)),
    };
    Ok(Decompressed {
        inner,
        compression,
        input: count,
        output: 0,
        max_output: limits.max_unpacked_bytes,
        max_ratio: limits.max_ratio,
    })
}

/// Turns a decoder's refusal of a large window or dictionary into the limit that it is.
struct NamedWindow<R> {
    inner: R,
    limit: u64,
}

impl<R: Read> Read for NamedWindow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|e| {
            let text = e.to_string();
            // zstd: "Frame requires too much memory for decoding"; liblzma: "memory limit exceeded" in its own words.
            if text.contains("too much memory") || text.contains("memory limit") || text.contains("mem limit") {
                UnpackErrorLimit { what: "a decompression window", name: "max-window-bytes", limit: self.limit }
                    .into_io()
            } else {
                e
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(blob: &[u8], limits: &Limits) -> Result<Vec<u8>, UnpackError> {
        let mut out = Vec::new();
        decompress(blob, limits)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_format_and_several_members() {
        let limits = Limits::default();
        let text = b"some bytes ".repeat(1000);
        let twice = [text.clone(), text.clone()].concat();
        assert_eq!(read(&text, &limits).unwrap(), text);
        assert_eq!(read(&[gzip(&text), gzip(&text)].concat(), &limits).unwrap(), twice);
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        assert_eq!(read(&[&skippable[..], &zstd, &zstd].concat(), &limits).unwrap(), twice);
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(&text).unwrap();
        assert_eq!(read(&xz.finish().unwrap(), &limits).unwrap(), text);
        let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        bz.write_all(&text).unwrap();
        assert_eq!(read(&bz.finish().unwrap(), &limits).unwrap(), text);
        assert_eq!(read(b"", &limits).unwrap(), b"");
    }

    #[test]
    fn bytes_that_are_a_tar_too_are_refused() {
        // The name of the first entry is the start of a compressed stream, the rest of the header is a tar's.
        for magic in [&b"\x1f\x8b\x08"[..], b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"\xfd7zXZ\0", b"BZh9"] {
            let mut header = tar::Header::new_ustar();
            header.as_old_mut().name[..magic.len()].copy_from_slice(magic);
            header.set_size(0);
            header.set_cksum();
            let error = decompress(&header.as_bytes()[..], &Limits::default()).err().unwrap().to_string();
            assert!(error.contains("at once"), "{magic:?}: {error}");
        }
    }

    #[test]
    fn bounds_name_themselves() {
        let zeros = gzip(&vec![0; 100 << 20]);
        let name = |r: Result<Vec<u8>, UnpackError>| match r {
            Err(UnpackError::Limit { name, .. }) => name,
            other => panic!("{:?}", other.map(|v| v.len())),
        };
        assert_eq!(name(read(&zeros, &Limits::default())), "max-ratio");
        assert_eq!(name(read(&zeros, &Limits { max_unpacked_bytes: 1000, ..Limits::default() })), "max-unpacked-bytes");
        let small = Limits { max_window_bytes: 1 << 10, ..Limits::default() };
        // A frame of 8 MiB of noise-free text at a high level asks for a window beyond 1 KiB.
        let text: Vec<u8> = (0..8u32 << 18).flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        assert_eq!(name(read(&zstd::encode_all(&text[..], 19).unwrap()[..4 << 20], &small)), "max-window-bytes");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(&text[..1000]).unwrap();
        assert_eq!(name(read(&xz.finish().unwrap(), &small)), "max-window-bytes");
    }

    #[test]
    fn cut_streams_are_corrupt_and_lost_sources_are_not() {
        let limits = Limits::default();
        let blob = gzip(&b"some bytes ".repeat(1000));
        assert!(matches!(read(&blob[..blob.len() / 2], &limits), Err(UnpackError::Corrupt(_))));
        struct Lost;
        impl Read for Lost {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::new(io::ErrorKind::ConnectionReset, "peer went away"))
            }
        }
        let lost = |limits: &Limits| -> Result<usize, UnpackError> {
            Ok(decompress(blob[..blob.len() / 2].chain(io::BufReader::new(Lost)), limits)?
                .read_to_end(&mut Vec::new())?)
        };
        let error = lost(&limits).unwrap_err();
        assert!(matches!(error, UnpackError::Source(_)), "{error:?}");
    }
}

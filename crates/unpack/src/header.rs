//! One header block, read exactly as Go's archive/tar reads it (reader.go, "readHeader"; strconv.go): every container
//! runtime unpacks layers with that package, and a reader that differs from it sees another image than the one that
//! runs.
//!
//! What Go refuses is refused here. What it reads in a way of its own is read that way: the prefix of any `ustar`
//! version, the `star` form, a prefix behind the old GNU magic where its times cannot be numbers, checksums of signed
//! bytes, numbers in base 256.

use crate::UnpackError;

pub(crate) const BLOCK: usize = 512;

/// Which form the magic shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    V7,
    Ustar,
    Star,
    Gnu,
}

/// The fields of one block that matter to a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The type flag as it stands there.
    pub(crate) kind: u8,
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    /// May be negative, as in Go.
    pub(crate) size: i64,
    pub(crate) mode: i64,
    /// Seconds since 1970.
    pub(crate) mtime: i64,
    pub(crate) form: Form,
}

impl Header {
    /// Reads a block that is not all zeros; `None` where Go answers with `ErrHeader`.
    pub(crate) fn read(block: &[u8; BLOCK]) -> Option<Self> {
        if !has_checksum(block) {
            return None;
        }
        let form = match (&block[257..263], &block[263..265], &block[508..]) {
            (b"ustar\0", _, b"tar\0") => Form::Star,
            (b"ustar\0", ..) => Form::Ustar,
            (b"ustar ", b" \0", _) => Form::Gnu,
            _ => Form::V7,
        };
        let mut name = text(&block[..100]).to_vec();
        let link = text(&block[157..257]).to_vec();
        let (mode, size) = (number(&block[100..108])?, number(&block[124..136])?);
        let mtime = number(&block[136..148])?;
        // Read for their faults alone: user and group.
        for field in [&block[108..116], &block[116..124]] {
            number(field)?;
        }
        if form != Form::V7 {
            number(&block[329..337])?;
            number(&block[337..345])?;
            let prefix = match form {
                Form::Ustar => text(&block[345..500]),
                Form::Star => {
                    number(&block[476..488])?;
                    number(&block[488..500])?;
                    text(&block[345..476])
                }
                _ => gnu_prefix(block),
            };
            if !prefix.is_empty() {
                name = [prefix, b"/", &name].concat();
            }
        }
        Some(Self { kind: block[156], name, link, size, mode, mtime, form })
    }

    /// Whether entries of this type have no content, whatever their size says (Go's `isHeaderOnlyType`).
    pub(crate) fn has_no_content(&self) -> bool {
        matches!(self.kind, b'1'..=b'6')
    }
}

/// Whether these first bytes begin a tar archive: a header with the checksum of its own bytes, whatever its form.
pub fn is_tar(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(has_checksum)
}

/// Whether a block carries the checksum of its own bytes, unsigned or (as Sun's tar summed) signed.
pub(crate) fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let Some(claimed) = octal(&block[148..156]) else { return false };
    let bytes = || block[..148].iter().chain(&block[156..]);
    let unsigned = bytes().map(|b| i64::from(*b)).sum::<i64>() + 8 * 32;
    let signed = bytes().map(|b| i64::from(*b as i8)).sum::<i64>() + 8 * 32;
    claimed == unsigned || claimed == signed
}

/// Go before 1.8 wrote a prefix where the old GNU form has times; Go reads it where the times are no numbers.
fn gnu_prefix(block: &[u8; BLOCK]) -> &[u8] {
    let broken = |field: &[u8]| field[0] != 0 && number(field).is_none();
    let prefix = text(&block[345..500]);
    if (broken(&block[345..357]) || broken(&block[357..369])) && prefix.is_ascii() { prefix } else { b"" }
}

/// A text field: to its first NUL.
pub(crate) fn text(field: &[u8]) -> &[u8] {
    field.split(|b| *b == 0).next().unwrap_or_default()
}

/// A number field: octal, or two's complement in base 256 when its top bit is set. `None` for what is no number, or one
/// of more than 63 bits.
pub(crate) fn number(field: &[u8]) -> Option<i64> {
    let first = *field.first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    let inverted = if first & 0x40 == 0 { 0 } else { 0xff };
    let mut value = 0u64;
    for (i, byte) in field.iter().enumerate() {
        let byte = byte ^ inverted;
        let byte = if i == 0 { byte & 0x7f } else { byte };
        if value >> 56 > 0 {
            return None;
        }
        value = value << 8 | u64::from(byte);
    }
    let value = i64::try_from(value).ok()?;
    Some(if inverted == 0 { value } else { !value })
}

fn octal(field: &[u8]) -> Option<i64> {
    let padding = |b: &u8| matches!(b, b' ' | 0);
    let Some(start) = field.iter().position(|b| !padding(b)) else { return Some(0) };
    let end = field.iter().rposition(|b| !padding(b))? + 1;
    let digits = text(&field[start..end]);
    if digits.is_empty() {
        return None;
    }
    let mut value = 0u64;
    for digit in digits {
        if !(b'0'..=b'7').contains(digit) {
            return None;
        }
        value = value.checked_mul(8)?.checked_add(u64::from(digit - b'0'))?;
    }
    // Go keeps the 64 bits and takes the top one for a sign; a negative size is then refused.
    Some(value as i64)
}

pub(crate) fn corrupt(why: &str) -> UnpackError {
    UnpackError::Corrupt(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_go_reads_them() {
        for (field, want) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b" 644 \0\0\0", Some(0o644)),
            (b"\0\x00644\0 ", Some(0o644)),
            (b"\0 \0 \0", Some(0)),
            (b"64 4\0", None),
            (b"6\x004\0", Some(6)),
            (b"0008\0", None),
            (b"-7\0", None),
            (b"1777777777777777777777", Some(-1)),
            (b"7777777777777777777777777", None),
            (b"\x80\0\0\0\0\0\0\x01", Some(1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", Some(i64::MAX)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
        ] {
            assert_eq!(number(field), want, "{field:?}");
        }
    }
}

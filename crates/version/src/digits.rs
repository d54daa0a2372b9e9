//! Numbers in versions as runs of ASCII digits: compared by value, whatever their length, without
//! ever becoming a machine integer that could overflow.

use std::cmp::Ordering;

/// The run without its leading zeros (zero itself becomes empty).
pub(crate) fn strip_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|b| **b == b'0').count();
    &digits[zeros..]
}

/// Compares two runs of digits by value. An empty run is zero.
pub(crate) fn cmp(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (strip_zeros(a), strip_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether the whole, non-empty text is digits.
pub(crate) fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether the run means zero.
pub(crate) fn is_zero(digits: &[u8]) -> bool {
    digits.iter().all(|b| *b == b'0')
}

/// Takes the leading bytes for which `test` holds off the front of `rest`.
pub(crate) fn take_while<'a>(rest: &mut &'a [u8], test: impl Fn(u8) -> bool) -> &'a [u8] {
    let len = rest.iter().take_while(|b| test(**b)).count();
    let (head, tail) = rest.split_at(len);
    *rest = tail;
    head
}

/// The next number after `digits`, in decimal: what `^1.9` and `~> 1.9` need for their upper bound.
pub(crate) fn increment(digits: &str) -> String {
    let mut out: Vec<u8> = strip_zeros(digits.as_bytes()).to_vec();
    for place in out.iter_mut().rev() {
        if *place == b'9' {
            *place = b'0';
        } else {
            *place += 1;
            return String::from_utf8_lossy(&out).into_owned();
        }
    }
    out.insert(0, b'1');
    String::from_utf8_lossy(&out).into_owned()
}

/// Compares two dotted lists of numbers from the left; the shorter list is padded with zeros.
pub(crate) fn cmp_dotted_padded(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (a.split(|c| *c == b'.'), b.split(|c| *c == b'.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => match cmp(x.unwrap_or_default(), y.unwrap_or_default()) {
                Ordering::Equal => {}
                other => return other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_not_text() {
        assert_eq!(cmp(b"007", b"7"), Ordering::Equal);
        assert_eq!(cmp(b"", b"0"), Ordering::Equal);
        assert_eq!(cmp(b"99999999999999999999999", b"100000000000000000000000"), Ordering::Less);
        assert_eq!(cmp_dotted_padded(b"1.2", b"1.2.0.0"), Ordering::Equal);
        assert_eq!(cmp_dotted_padded(b"1.2", b"1.2.0.1"), Ordering::Less);
        for (from, to) in [("0", "1"), ("9", "10"), ("199", "200"), ("", "1"), ("007", "8")] {
            assert_eq!(increment(from), to);
        }
    }
}

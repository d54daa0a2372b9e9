//! Whether a file is what its name says, by its first and last bytes. Proxies and login pages answer 200 with HTML;
//! a file that was cut without anybody saying so ends in the middle.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use layergate_unpack::Compression;

/// How far from its end a zip's directory may begin: its fixed part and the longest comment.
const ZIP_TAIL: u64 = 22 + 65_535;

/// What is wrong with a file that arrived under this name; `None` when nothing is.
pub(crate) fn fault(path: &Path, name: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    if len == 0 {
        return Ok(Some("an empty file".into()));
    }
    let mut head = Vec::new();
    (&mut file).take(512).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(len.saturating_sub(ZIP_TAIL)))?;
    let mut tail = Vec::new();
    (&mut file).take(ZIP_TAIL).read_to_end(&mut tail)?;
    Ok(judge(&head, &tail, name.extension().and_then(|e| e.to_str()).unwrap_or("")))
}

fn judge(head: &[u8], tail: &[u8], ending: &str) -> Option<String> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let lower = text.get(..text.len().min(100)).unwrap_or_default().to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Some("a web page (HTML); a proxy or a login page may have answered instead of the source".into());
    }
    let begins = |magic: &[u8]| head.starts_with(magic);
    let packed = Compression::of(head);
    let last = tail.trim_ascii_end().last();
    let (expected, good) = match ending {
        "json" => ("JSON", matches!(text.first(), Some(b'{' | b'['))),
        "zip" => ("a zip archive", begins(b"PK\x03\x04") || begins(b"PK\x05\x06")),
        "gz" | "tgz" => ("gzip", packed == Compression::Gzip),
        "xz" => ("xz", packed == Compression::Xz),
        "bz2" => ("bzip2", packed == Compression::Bzip2),
        "zst" => ("zstd", packed == Compression::Zstd),
        "xml" => ("XML", text.first() == Some(&b'<')),
        _ => return None,
    };
    if !good {
        let shown = String::from_utf8_lossy(text.get(..text.len().min(40)).unwrap_or_default()).into_owned();
        let shown = layergate_model::one_line(&shown, 40);
        return Some(format!("not {expected} (it begins with {shown:?})"));
    }
    let whole = match ending {
        "json" => matches!(last, Some(b'}' | b']')),
        "xml" => last == Some(&b'>'),
        "zip" => memchr::memmem::rfind(tail, b"PK\x05\x06").is_some(),
        _ => true,
    };
    (!whole).then(|| format!("{expected} that ends in the middle"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_under_which_name() {
        let cases: [(&[u8], &str, Option<&str>); 12] = [
            (b"{\"a\": 1}\n", "json", None),
            (b"\xef\xbb\xbf [1]", "json", None),
            (b"<!DOCTYPE html><p>", "json", Some("web page")),
            (b"  <HTML><body>", "gz", Some("web page")),
            (b"<html>", "", Some("web page")),
            (b"{\"a\": ", "json", Some("ends in the middle")),
            (b"busy", "json", Some("not JSON (it begins with \"busy\")")),
            (b"PK\x03\x04....PK\x05\x06", "zip", None),
            (b"PK\x03\x04....", "zip", Some("ends in the middle")),
            (b"\x1f\x8b\x08", "gz", None),
            (b"<?xml version=\"1.0\"?><a>", "xml", None),
            (b"anything", "list", None),
        ];
        for (bytes, ending, want) in cases {
            let got = judge(bytes, bytes, ending);
            assert!(
                match want {
                    None => got.is_none(),
                    Some(want) => got.as_ref().is_some_and(|g| g.contains(want)),
                },
                "{:?} as {ending}: {got:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}

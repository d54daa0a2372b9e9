//! Files that a user names, read up to a bound. What is counted is what arrives: a device or a pipe has no size before.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context, Result, anyhow};

/// A configuration, a template, a list of cases, a certificate, a token of more bytes is none.
pub(crate) const MAX_TEXT: u64 = 16 << 20;

/// The bytes of a file of at most `most`.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(anyhow!("it has more than {most} bytes, which is the limit"));
    }
    Ok(bytes)
}

/// The text of a file of at most [`MAX_TEXT`] bytes.
pub(crate) fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, MAX_TEXT)?).context("it is not text (UTF-8)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_bound_too() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, b"1234").unwrap();
        assert_eq!(read(&file, 4).unwrap(), b"1234");
        for (path, most) in [(file.as_path(), 3), (Path::new("/dev/zero"), 1 << 20)] {
            let error = read(path, most).unwrap_err().to_string();
            assert!(error.contains(&format!("more than {most} bytes")), "{error}");
        }
        std::fs::write(&file, b"\xff").unwrap();
        assert!(text(&file).unwrap_err().to_string().contains("not text"));
    }
}

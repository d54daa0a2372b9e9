//! Signatures of snapshots: Ed25519 (RFC 8032) over the snapshot's digest, detached in `FILE.sig`.
//!
//! Keys are what OpenSSL writes: `openssl genpkey -algorithm ed25519 -out key.pem` (PKCS#8) and `openssl pkey -in key.pem
//! -pubout -out pub.pem` (RFC 8410). What is signed is a line that names its purpose, and the digest, so that a signature
//! made for something else cannot be one of a snapshot. Where a key is asked for, everything that is not a good signature
//! of exactly that file is refused: missing, unreadable, another's, another file's.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use layergate_model::Digest;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};

use crate::exit::{Failure, usage};

/// Keys and signatures are a few hundred bytes.
const MAX_FILE: u64 = 16 << 10;
/// What stands before an Ed25519 key of 32 bytes in a SubjectPublicKeyInfo.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Who signs.
pub(crate) struct SigningKey(Ed25519KeyPair);

/// By whom snapshots must be signed.
pub(crate) struct VerifyKey {
    key: [u8; 32],
    path: PathBuf,
}

impl SigningKey {
    /// Reads a PKCS#8 PEM.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Self> {
            let der = pem(&text(path)?, "PRIVATE KEY")?;
            // OpenSSL writes no public half, which is what is not checked.
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
            key.map(Self)
                .map_err(|_| anyhow!("it is no Ed25519 key (make one with `openssl genpkey -algorithm ed25519`)"))
        };
        read().with_context(|| format!("the key {} cannot be used", path.display())).map_err(usage)
    }

    /// The signature of a snapshot as `FILE.sig` holds it.
    pub(crate) fn sign(&self, digest: &Digest) -> String {
        format!("ed25519 {}\n", hex::encode(self.0.sign(statement(digest).as_bytes())))
    }
}

impl VerifyKey {
    /// Reads a public key's PEM.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let read = || -> Result<Self> {
            let der = pem(&text(path)?, "PUBLIC KEY")?;
            let key = der.strip_prefix(&SPKI).and_then(|key| key.try_into().ok());
            let key = key.ok_or_else(|| anyhow!("it is no Ed25519 public key (`openssl pkey -in key.pem -pubout`)"))?;
            Ok(Self { key, path: path.to_owned() })
        };
        read().with_context(|| format!("the key {} cannot be used", path.display())).map_err(usage)
    }

    /// Whether `signature` is this key's of the snapshot with that digest.
    pub(crate) fn check(&self, digest: &Digest, signature: &str) -> Result<()> {
        let hex_text = signature.trim().strip_prefix("ed25519 ").unwrap_or_default();
        let bytes = hex::decode(hex_text.trim()).unwrap_or_default();
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(statement(digest).as_bytes(), &bytes)
            .map_err(|_| anyhow!("the signature is not one of {} on {digest}", self.path.display()))
    }

    /// Whether the signature beside a file is this key's.
    pub(crate) fn check_file(&self, path: &Path, digest: &Digest) -> Result<()> {
        let refused = || format!("the advisories {} are refused", path.display());
        let signature = beside_text(path).with_context(refused)?;
        let Some(signature) = signature else {
            bail!("{}: there is no signature {}", refused(), beside(path).display());
        };
        self.check(digest, &signature).with_context(refused)
    }
}

fn statement(digest: &Digest) -> String {
    format!("layergate advisory snapshot\n{digest}\n")
}

/// `FILE.sig`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// The signature beside a file, where there is one.
pub(crate) fn beside_text(path: &Path) -> Result<Option<String>> {
    let path = beside(path);
    if path.exists() { text(&path).map(Some) } else { Ok(None) }
}

/// Puts the signature beside a file; without one, takes away what was there: it was another file's.
pub(crate) fn write_beside(path: &Path, signature: Option<&str>) -> Result<()> {
    let path = beside(path);
    let written = match signature {
        Some(text) => layergate_disk::replace(&path, text.as_bytes(), layergate_disk::Access::Ordinary),
        None => match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        },
    };
    written.with_context(|| format!("the signature {} cannot be written", path.display()))
}

/// Where signatures are asked for, what is compiled on the spot cannot be used.
pub(crate) fn refuse_unsigned(key: Option<&VerifyKey>, what: &Path) -> Result<(), Failure> {
    match key {
        None => Ok(()),
        Some(key) => Err(usage(anyhow!(
            "advisories must be signed by {}, and what is compiled from {} here has no signature; name a signed snapshot",
            key.path.display(),
            what.display()
        ))),
    }
}

fn text(path: &Path) -> Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    file.take(MAX_FILE).read_to_string(&mut text).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text)
}

/// The bytes of the first block with that label (RFC 7468).
fn pem(text: &str, label: &str) -> Result<Vec<u8>> {
    let inside = text
        .split_once(&format!("-----BEGIN {label}-----"))
        .and_then(|(_, rest)| rest.split_once(&format!("-----END {label}-----")));
    let (inside, _) = inside.ok_or_else(|| anyhow!("there is no PEM block {label:?} in it"))?;
    let plain: String = inside.split_whitespace().collect();
    STANDARD.decode(plain).map_err(|_| anyhow!("its PEM block is damaged"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with OpenSSL for this test.
    const PRIVATE: &str = concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEdNEIVQTEQk2DqlxJALVYozqHxER+BnyK1eBsRu8YBE\n-----END PRIVATE KEY-----\n"
    );
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAdjSZi23VUEigLu2zHf+F7iYgR05/MLbT+DKXS13jp4o=\n-----END PUBLIC KEY-----\n";
    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAcGxu5qlQgbn3I1YBZIDkxNxFesSQEYaQ/NPmCB+T9rw=\n-----END PUBLIC KEY-----\n";

    fn keys(directory: &Path) -> (SigningKey, VerifyKey, VerifyKey) {
        let file = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let read = |name, text| VerifyKey::read(&file(name, text)).ok().unwrap();
        let signing = SigningKey::read(&file("key.pem", PRIVATE)).ok().unwrap();
        (signing, read("pub.pem", PUBLIC), read("other.pem", OTHER))
    }

    #[test]
    fn only_this_keys_signature_of_this_file_is_good() {
        let directory = tempfile::tempdir().unwrap();
        let (signing, ours, others) = keys(directory.path());
        let (this, that) = (Digest::of(b"this"), Digest::of(b"that"));
        let signature = signing.sign(&this);
        ours.check(&this, &signature).unwrap();
        assert!(others.check(&this, &signature).is_err() && ours.check(&that, &signature).is_err());
        for bad in ["", "ed25519 ", "ed25519 00", &signature[..60], signature.trim_start_matches("ed25519 ")] {
            assert!(ours.check(&this, bad).is_err(), "{bad:?}");
        }
        // Beside a file: good, missing, another's.
        let file = directory.path().join("a.lgdb");
        write_beside(&file, Some(&signature)).unwrap();
        ours.check_file(&file, &this).unwrap();
        assert!(others.check_file(&file, &this).is_err());
        write_beside(&file, None).unwrap();
        let error = ours.check_file(&file, &this).unwrap_err().to_string();
        assert!(error.contains("there is no signature") && error.contains("a.lgdb.sig"), "{error}");
        write_beside(&file, None).unwrap();
    }

    #[test]
    fn what_is_no_key_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key.pem");
        for text in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", PRIVATE] {
            fs::write(&path, text).unwrap();
            assert!(matches!(VerifyKey::read(&path), Err(Failure::Usage(_))), "{text}");
        }
        fs::write(&path, PUBLIC).unwrap();
        assert!(matches!(SigningKey::read(&path), Err(Failure::Usage(_))));
    }
}

//! Tar archives as nobody's library writes them: every header by hand, so that a test can say what a reader must make of it.

/// One header block (POSIX.1-1988 ustar, GNU tar, or the old v7 form), its checksum made when it is written.
#[derive(Clone, Debug)]
pub struct Head {
    block: [u8; 512],
    checksum: bool,
}

impl Head {
    /// The form that builders write: `ustar`, version `00`.
    pub fn ustar(name: &str, kind: u8, size: u64) -> Self {
        Self::v7(name, kind, size).set(257, b"ustar\x0000")
    }

    /// GNU tar's own form.
    pub fn gnu(name: &str, kind: u8, size: u64) -> Self {
        Self::v7(name, kind, size).set(257, b"ustar  \0")
    }

    /// The form before there was a magic.
    pub fn v7(name: &str, kind: u8, size: u64) -> Self {
        let head = Self { block: [0; 512], checksum: true };
        let mode: &[u8] = if kind == b'5' { b"0000755\0" } else { b"0000644\0" };
        let size = format!("{size:011o}\0");
        let head = head.set(0, &name.as_bytes()[..name.len().min(100)]).set(100, mode).set(124, size.as_bytes());
        head.set(108, b"0000000\0").set(116, b"0000000\0").set(136, b"00000000000\0").set(156, &[kind])
    }

    /// Puts bytes somewhere; what lies behind the block is left out.
    pub fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        let end = (at + bytes.len()).min(512);
        self.block[at.min(512)..end].copy_from_slice(&bytes[..end.saturating_sub(at)]);
        self
    }

    /// The target of a link.
    pub fn link(self, target: &str) -> Self {
        self.set(157, &target.as_bytes()[..target.len().min(100)])
    }

    /// A checksum field of one's own.
    pub fn checksum(self, field: &[u8; 8]) -> Self {
        Self { checksum: false, ..self.set(148, field) }
    }

    /// The sum of the bytes, each taken as `of` takes it, the checksum's own field as spaces.
    pub fn sum(&self, of: impl Fn(u8) -> i64) -> i64 {
        let all = self.block[..148].iter().chain(&self.block[156..]);
        all.map(|b| of(*b)).sum::<i64>() + 8 * 32
    }

    /// The block.
    pub fn bytes(mut self) -> [u8; 512] {
        if self.checksum {
            let sum = format!("{:06o}\0 ", self.sum(i64::from));
            self = self.set(148, sum.as_bytes());
        }
        self.block
    }
}

/// Records of a PAX header, each with its own length in front.
pub fn records(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in pairs {
        let rest = format!(" {key}={value}\n");
        let mut length = rest.len() + 1;
        while length != rest.len() + length.to_string().len() {
            length = rest.len() + length.to_string().len();
        }
        out.extend_from_slice(format!("{length}{rest}").as_bytes());
    }
    out
}

/// An archive that grows by blocks.
#[derive(Clone, Debug, Default)]
pub struct RawTar(Vec<u8>);

impl RawTar {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any bytes.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A header, and content to a whole block.
    pub fn entry(self, head: Head, content: &[u8]) -> Self {
        let mut new = self.raw(&head.bytes()).raw(content);
        new.0.resize(new.0.len().next_multiple_of(512), 0);
        new
    }

    /// A regular file; a name of more than 100 bytes stands in a PAX header.
    pub fn file(self, name: &str, content: &str) -> Self {
        let head = Head::ustar(name, b'0', content.len() as u64);
        let new = if name.len() > 100 { self.pax(&[("path", name)]) } else { self };
        new.entry(head, content.as_bytes())
    }

    /// A directory.
    pub fn dir(self, name: &str) -> Self {
        self.entry(Head::ustar(name, b'5', 0), b"")
    }

    /// A symbolic link.
    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(Head::ustar(name, b'2', 0).link(target), b"")
    }

    /// A hard link.
    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.entry(Head::ustar(name, b'1', 0).link(target), b"")
    }

    /// A PAX header for the next entry.
    pub fn pax(self, pairs: &[(&str, &str)]) -> Self {
        self.pax_of(b'x', pairs)
    }

    /// A PAX header of the type `x` or `g`.
    pub fn pax_of(self, kind: u8, pairs: &[(&str, &str)]) -> Self {
        let content = records(pairs);
        self.entry(Head::ustar("pax", kind, content.len() as u64), &content)
    }

    /// GNU's long name (`L`) or long link (`K`) for the next entry.
    pub fn long(self, kind: u8, text: &str) -> Self {
        let content = format!("{text}\0");
        self.entry(Head::gnu("././@LongLink", kind, content.len() as u64), content.as_bytes())
    }

    /// The archive without an end.
    pub fn open(self) -> Vec<u8> {
        self.0
    }

    /// The archive with its end: two blocks of zeros.
    pub fn end(self) -> Vec<u8> {
        self.raw(&[0; 1024]).0
    }
}

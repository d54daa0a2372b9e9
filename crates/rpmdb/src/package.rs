//! An rpm header as the package that the rest of the house speaks of.
//!
//! Values of one header never share bytes of its data store; a header whose values claim more than the
//! store has is crafted to blow up, and loses those values with a damage. The same holds for file lists
//! in which thousands of names refer to one long directory.

use std::fmt;

use crate::error::DamageKind;
use crate::header::{Entry, Header, tag};
use crate::nevra::{Nvr, parse_source_rpm};
use crate::strings::StringTable;

/// All full paths of a package together may be this many times its header (real ones stay below 4).
const PATH_RATIO: usize = 64;

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpmPackage {
    /// The header's number in the database (the order of installation), 0 when unknown.
    pub number: u32,
    /// The name.
    pub name: String,
    /// The epoch; absent is not written as 0, though rpm compares it so.
    pub epoch: Option<u32>,
    /// The upstream version.
    pub version: String,
    /// The distribution's release.
    pub release: String,
    /// The architecture; empty for pseudo packages.
    pub arch: String,
    /// The file name of the source package that it was built from.
    pub source_rpm: Option<String>,
    /// Who built it.
    pub vendor: Option<String>,
    /// The license expression as the packager wrote it.
    pub license: Option<String>,
    /// The module that it belongs to (`name:stream:version:context`), RHEL 8 and its like.
    pub modularity_label: Option<String>,
    /// Bytes of all installed files.
    pub size: u64,
    /// MD5 of header and payload, as signed.
    pub sig_md5: Option<[u8; 16]>,
    /// SHA-256 of the header, hexadecimal, as signed.
    pub header_sha256: Option<String>,
    files: FileList,
    requires: StringTable,
    provides: StringTable,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct FileList {
    bases: StringTable,
    dirs: StringTable,
    /// Index into `dirs` for each base name; empty when `bases` holds full paths.
    dir_of: Vec<u32>,
    flags: Vec<u32>,
}

/// What rpm knows of a file beside its name (RPMFILE_* bits).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FileFlags(pub u32);

impl FileFlags {
    /// A configuration file: differing from the package is normal.
    pub fn is_config(self) -> bool {
        self.0 & 1 != 0
    }

    /// Documentation.
    pub fn is_doc(self) -> bool {
        self.0 & (1 << 1) != 0
    }

    /// Owned but not delivered by the package; whoever made the file, its content is not the package's.
    pub fn is_ghost(self) -> bool {
        self.0 & (1 << 6) != 0
    }
}

/// One file of a package. `Display` is the full path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FilePath<'a> {
    /// The directory with its slash at the end; empty when `base` is the full path (old packages).
    pub dir: &'a str,
    /// The name within the directory.
    pub base: &'a str,
    /// What rpm knows of it.
    pub flags: FileFlags,
}

impl fmt::Display for FilePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dir)?;
        f.write_str(self.base)
    }
}

/// The entries that are used, found in one pass; the last of several with one tag counts.
#[derive(Default)]
struct Found {
    name: Option<Entry>,
    version: Option<Entry>,
    release: Option<Entry>,
    epoch: Option<Entry>,
    arch: Option<Entry>,
    source_rpm: Option<Entry>,
    vendor: Option<Entry>,
    license: Option<Entry>,
    modularity_label: Option<Entry>,
    size: Option<Entry>,
    long_size: Option<Entry>,
    sig_md5: Option<Entry>,
    header_sha256: Option<Entry>,
    base_names: Option<Entry>,
    dir_names: Option<Entry>,
    dir_indexes: Option<Entry>,
    old_file_names: Option<Entry>,
    file_flags: Option<Entry>,
    requires: Option<Entry>,
    provides: Option<Entry>,
}

impl Found {
    fn of(header: &Header<'_>) -> Self {
        let mut found = Self::default();
        for entry in header.entries() {
            let slot = match entry.tag {
                tag::NAME => &mut found.name,
                tag::VERSION => &mut found.version,
                tag::RELEASE => &mut found.release,
                tag::EPOCH => &mut found.epoch,
                tag::ARCH => &mut found.arch,
                tag::SOURCERPM => &mut found.source_rpm,
                tag::VENDOR => &mut found.vendor,
                tag::LICENSE => &mut found.license,
                tag::MODULARITYLABEL => &mut found.modularity_label,
                tag::SIZE => &mut found.size,
                tag::LONGSIZE => &mut found.long_size,
                tag::SIGMD5 => &mut found.sig_md5,
                tag::SHA256HEADER => &mut found.header_sha256,
                tag::BASENAMES => &mut found.base_names,
                tag::DIRNAMES => &mut found.dir_names,
                tag::DIRINDEXES => &mut found.dir_indexes,
                tag::OLDFILENAMES => &mut found.old_file_names,
                tag::FILEFLAGS => &mut found.file_flags,
                tag::REQUIRENAME => &mut found.requires,
                tag::PROVIDENAME => &mut found.provides,
                _ => continue,
            };
            *slot = Some(entry);
        }
        found
    }
}

/// Decodes a header's values, shows the ones that cannot be, and counts the bytes they claim.
struct Values<'h, 'a, F> {
    header: &'h Header<'a>,
    left: usize,
    show: F,
}

impl<F: FnMut(DamageKind, fmt::Arguments<'_>)> Values<'_, '_, F> {
    fn take(&mut self, bytes: usize, tag: u32) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                (self.show)(DamageKind::Excess, format_args!("tag {tag} shares its bytes with others"));
                false
            }
        }
    }

    fn unreadable(&mut self, kind: DamageKind, entry: Entry) {
        let Entry { tag, kind: value, count, .. } = entry;
        (self.show)(kind, format_args!("tag {tag} (type {value}, {count} values) cannot be read"));
    }

    fn string(&mut self, entry: Option<Entry>) -> Option<String> {
        let entry = entry?;
        let Some(text) = self.header.string(&entry) else {
            self.unreadable(DamageKind::Header, entry);
            return None;
        };
        // Lossy text may be longer than its bytes, by three at most: still a bound.
        self.take(text.len().min(self.header.data_len()), entry.tag).then_some(text)
    }

    /// A string that says something: some writers fill in `(none)` for what they do not know.
    fn known(&mut self, entry: Option<Entry>) -> Option<String> {
        self.string(entry).filter(|text| !text.is_empty() && text != "(none)")
    }

    fn number(&mut self, entry: Option<Entry>) -> Option<u64> {
        let entry = entry?;
        let number = self.header.number(&entry);
        if number.is_none() {
            self.unreadable(DamageKind::Header, entry);
        }
        number
    }

    fn strings(&mut self, kind: DamageKind, entry: Option<Entry>) -> Option<StringTable> {
        let entry = entry?;
        let Some((table, used)) = self.header.strings(&entry) else {
            self.unreadable(kind, entry);
            return None;
        };
        self.take(used, entry.tag).then_some(table)
    }

    fn numbers(&mut self, kind: DamageKind, entry: Option<Entry>) -> Option<Vec<u32>> {
        let entry = entry?;
        let Some(numbers) = self.header.numbers(&entry) else {
            self.unreadable(kind, entry);
            return None;
        };
        self.take(numbers.len() * 4, entry.tag).then_some(numbers)
    }

    fn files(&mut self, found: &Found) -> FileList {
        if found.base_names.is_none() {
            let bases = self.strings(DamageKind::Files, found.old_file_names).unwrap_or_default();
            return FileList { bases, ..FileList::default() };
        }
        let bases = self.strings(DamageKind::Files, found.base_names);
        let dirs = self.strings(DamageKind::Files, found.dir_names);
        let dir_of = self.numbers(DamageKind::Files, found.dir_indexes);
        let flags = self.numbers(DamageKind::Files, found.file_flags).unwrap_or_default();
        let (Some(bases), Some(dirs), Some(mut dir_of)) = (bases, dirs, dir_of) else {
            (self.show)(DamageKind::Files, format_args!("the file list is not complete and was left out"));
            return FileList::default();
        };
        if bases.len() != dir_of.len() {
            let (bases, dirs) = (bases.len(), dir_of.len());
            (self.show)(DamageKind::Files, format_args!("{bases} file names, but directories for {dirs}"));
            dir_of.truncate(bases);
        }
        // Empty base names would otherwise buy a whole directory's length for six bytes.
        let mut room = self.header.data_len().saturating_mul(PATH_RATIO);
        let strays = dir_of.iter().filter(|index| **index as usize >= dirs.len()).count();
        if strays > 0 {
            (self.show)(DamageKind::Files, format_args!("{strays} files are in directories that do not exist"));
        }
        for (at, index) in dir_of.iter().enumerate() {
            let length = dirs.get(*index as usize).map_or(0, str::len) + bases.get(at).map_or(0, str::len);
            let Some(rest) = room.checked_sub(length) else {
                (self.show)(DamageKind::Files, format_args!("the paths are {PATH_RATIO} times larger than the header"));
                dir_of.truncate(at);
                break;
            };
            room = rest;
        }
        FileList { bases, dirs, dir_of, flags }
    }
}

impl RpmPackage {
    /// Reads the package; what cannot be read goes to `show`, and without name, version and release
    /// there is no package.
    pub(crate) fn from_header(
        header: &Header<'_>,
        number: u32,
        show: impl FnMut(DamageKind, fmt::Arguments<'_>),
    ) -> Option<Self> {
        let found = Found::of(header);
        let mut values = Values { header, left: header.data_len(), show };
        let name = values.string(found.name).filter(|name| !name.is_empty());
        let version = values.string(found.version);
        let release = values.string(found.release);
        let (Some(name), Some(version), Some(release)) = (name, version, release) else {
            (values.show)(DamageKind::Header, format_args!("it has no name, version or release"));
            return None;
        };
        let size = match found.long_size {
            Some(long) => values.number(Some(long)),
            None => values.number(found.size),
        };
        Some(Self {
            number,
            name,
            version,
            release,
            epoch: values.number(found.epoch).and_then(|epoch| u32::try_from(epoch).ok()),
            arch: values.known(found.arch).unwrap_or_default(),
            source_rpm: values.known(found.source_rpm),
            vendor: values.known(found.vendor),
            license: values.known(found.license),
            modularity_label: values.known(found.modularity_label),
            size: size.unwrap_or_default(),
            sig_md5: found.sig_md5.and_then(|entry| header.binary(&entry)),
            header_sha256: values.known(found.header_sha256),
            files: values.files(&found),
            requires: values.strings(DamageKind::Header, found.requires).unwrap_or_default(),
            provides: values.strings(DamageKind::Header, found.provides).unwrap_or_default(),
        })
    }

    /// A public key that was imported into the database, not software.
    pub fn is_pubkey(&self) -> bool {
        self.name == "gpg-pubkey"
    }

    /// `epoch:version-release`, the epoch where it is not 0.
    pub fn evr(&self) -> String {
        match self.epoch {
            Some(epoch) if epoch != 0 => format!("{epoch}:{}-{}", self.version, self.release),
            _ => format!("{}-{}", self.version, self.release),
        }
    }

    /// The source package's name, version and release.
    pub fn source(&self) -> Option<Nvr<'_>> {
        parse_source_rpm(self.source_rpm.as_deref()?)
    }

    /// Every file and directory of the package, in the header's order.
    pub fn files(&self) -> impl Iterator<Item = FilePath<'_>> {
        let FileList { bases, dirs, dir_of, flags } = &self.files;
        let full_paths = dirs.len() == 0;
        let count = if full_paths { bases.len() } else { dir_of.len() };
        (0..count).filter_map(move |at| {
            let dir = if full_paths { "" } else { dirs.get(*dir_of.get(at)? as usize)? };
            let flags = FileFlags(flags.get(at).copied().unwrap_or_default());
            Some(FilePath { dir, base: bases.get(at)?, flags })
        })
    }

    /// Names that the package needs, `rpmlib(…)` included, duplicates as they are.
    pub fn requires(&self) -> impl Iterator<Item = &str> {
        self.requires.iter()
    }

    /// Names that the package offers.
    pub fn provides(&self) -> impl Iterator<Item = &str> {
        self.provides.iter()
    }
}

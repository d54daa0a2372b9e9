//! The one pass over a layer: blob bytes → SHA-256 → decompressed → tar entries → the analyzers that claim them.
//!
//! Each claimed file is held in one bounded buffer while it is analysed; everything else is passed over inside the
//! decompression buffer. Two threads: one reads and hashes, one unpacks and analyses. What the bytes themselves or a
//! limit hide becomes a gap of the inventory; a source that fails, or bytes that are not the ones the manifest pinned,
//! are errors, and nothing is known of the layer then.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    io::{self, BufRead, Read},
    panic::{AssertUnwindSafe, catch_unwind},
};

use layergate_model::{
    Alias, Digest, EntryKind, Gap, GapKind, LayerInventory, LayerPath, Limits, Notes, PathTable, PathTableBuilder,
    Section,
};
use layergate_unpack::{Archive, UnpackError, decompress, with_hash};

use crate::{
    Catalogue, Entry, File, Scratch, Spool,
    gathered::{Gathered, MAX_WEIGHT},
    links::{Again, Claim},
    spool::TemporaryFile,
};

/// Bytes of a file that are shown to [`crate::Analyzer::wants`].
const HEAD: usize = 1024;
/// Gaps of one layer that are reported one by one; the rest is counted.
const MAX_GAPS: usize = 1000;
/// Bytes of the path table of one layer. Five million ordinary entries are about 120 MB.
const MAX_PATHS: usize = 160 << 20;

/// Bytes of a package's name, version or any other text of it. Nothing real is longer; a file of one line would be one
/// name of a gigabyte.
const MAX_TEXT: usize = 4096;

/// Leaves out the packages from `from` on whose name or version is absurd (too long, or with characters that no text
/// has and that no report may show), cuts their other texts, and counts the former.
fn bound_texts(packages: &mut Vec<layergate_model::Package>, from: usize) -> usize {
    let cut = |text: &mut String| text.truncate(text.floor_char_boundary(MAX_TEXT));
    // Only what is new is looked at: a pass over all of them for each file would be quadratic.
    let mut new = packages.split_off(from.min(packages.len()));
    let before = new.len();
    new.retain_mut(|package| {
        let others = [&mut package.arch, &mut package.vendor, &mut package.module];
        others.into_iter().flatten().chain(&mut package.licenses).for_each(cut);
        let good = |text: &str| text.len() <= MAX_TEXT && !text.contains(char::is_control);
        good(&package.name) && good(&package.version)
    });
    let dropped = before - new.len();
    packages.append(&mut new);
    dropped
}

/// Why there is no inventory. Both are failures of this attempt, not facts about the layer: never cached.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The blob's bytes did not arrive, or this machine could not keep a temporary file.
    #[error("the layer could not be read to its end")]
    Io(#[source] io::Error),
    /// What arrived is not what the manifest pinned.
    #[error("the registry sent other bytes than the manifest pins: {actual} instead of {expected} ({size} bytes)")]
    DigestMismatch {
        /// What the manifest says.
        expected: Digest,
        /// What arrived.
        actual: Digest,
        /// How many bytes arrived.
        size: u64,
    },
    /// More bytes arrived than a layer may have; they were not read to their end, so that nothing is known of them.
    #[error("the layer is over the limit of {0} compressed bytes (max-layer-bytes)")]
    TooLarge(u64),
}

/// Reads one layer.
pub fn inventory_layer(
    blob: impl Read + Send,
    expected: Digest,
    catalogue: &Catalogue,
    limits: &Limits,
) -> Result<LayerInventory, LayerError> {
    read(blob, expected, catalogue, limits, None)
}

/// Reads one layer again for what its files show under other names, and nothing else; there is no path table. With
/// `in_place` what is found stands at the file's own path, otherwise at the name.
pub fn look_again(
    blob: impl Read + Send,
    expected: Digest,
    catalogue: &Catalogue,
    limits: &Limits,
    aliases: &[Alias],
    in_place: bool,
) -> Result<LayerInventory, LayerError> {
    read(blob, expected, catalogue, limits, Some((aliases, in_place)))
}

fn read(
    blob: impl Read + Send,
    expected: Digest,
    catalogue: &Catalogue,
    limits: &Limits,
    again: Option<(&[Alias], bool)>,
) -> Result<LayerInventory, LayerError> {
    let (pass, hashed) = with_hash(blob, limits.max_layer_bytes, |bytes| {
        let mut pass = Pass::new(catalogue, limits, again);
        let end = pass.run(bytes);
        (pass, end)
    });
    let (pass, end) = pass;
    let summary = match hashed {
        Ok(summary) => summary,
        Err(e) if e.kind() == io::ErrorKind::FileTooLarge => return Err(LayerError::TooLarge(limits.max_layer_bytes)),
        Err(e) => return Err(LayerError::Io(e)),
    };
    if summary.digest != expected {
        return Err(LayerError::DigestMismatch { expected, actual: summary.digest, size: summary.size });
    }
    match end {
        Err(PassError::Machine(error)) => Err(LayerError::Io(error)),
        Err(PassError::Unpack(UnpackError::Source(error))) => Err(LayerError::Io(error)),
        Err(PassError::Unpack(UnpackError::Corrupt(why))) => {
            Ok(pass.finish(expected, summary.size, Some((GapKind::CorruptLayer, why))))
        }
        Err(PassError::Unpack(limit @ UnpackError::Limit { .. })) => {
            Ok(pass.finish(expected, summary.size, Some((GapKind::LayerLimit, limit.to_string()))))
        }
        Ok(()) => Ok(pass.finish(expected, summary.size, None)),
    }
}

#[derive(Debug, thiserror::Error)]
enum PassError {
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("a temporary file failed")]
    Machine(#[source] io::Error),
}

impl From<io::Error> for PassError {
    fn from(error: io::Error) -> Self {
        if error.get_ref().is_some_and(|e| e.is::<TemporaryFile>()) {
            Self::Machine(error)
        } else {
            Self::Unpack(error.into())
        }
    }
}

/// The name by which a file is read.
fn called<'n>(name: &'n Option<LayerPath>, entry: &Entry<'n>) -> &'n LayerPath {
    name.as_ref().unwrap_or(entry.path)
}

/// Adds a gap to a section that has not too many of them; whether it did.
fn push_gap(section: &mut Section, gap: Gap) -> bool {
    let room = section.gaps.len() < MAX_GAPS;
    if room {
        section.gaps.push(gap);
    }
    room
}

struct Pass<'c> {
    catalogue: &'c Catalogue,
    limits: &'c Limits,
    gathered: Gathered,
    gaps: Vec<Gap>,
    dropped_gaps: usize,
    paths: PathTableBuilder,
    /// The finished table, where it was needed before the end.
    table: Option<PathTable>,
    unpacked: u64,
    again: Option<Again>,
    /// A buffer for the first bytes of each file.
    head: Vec<u8>,
    /// Where large files are kept.
    scratch: Scratch,
}

impl<'c> Pass<'c> {
    fn new(catalogue: &'c Catalogue, limits: &'c Limits, again: Option<(&[Alias], bool)>) -> Self {
        let sections =
            catalogue.analyzers().iter().map(|a| Section { revision: a.revision(), ..Section::default() }).collect();
        Self {
            catalogue,
            limits,
            gathered: Gathered::new(sections),
            gaps: Vec::new(),
            dropped_gaps: 0,
            paths: PathTableBuilder::default(),
            table: None,
            unpacked: 0,
            again: again.map(|(aliases, in_place)| Again::new(aliases, in_place)),
            head: Vec::with_capacity(HEAD),
            scratch: Scratch::default(),
        }
    }

    fn run(&mut self, bytes: impl BufRead) -> Result<(), PassError> {
        let mut archive = Archive::new(decompress(bytes, self.limits)?, self.limits);
        let result = self.walk(&mut archive);
        self.unpacked = archive.source().unpacked();
        for why in archive.take_hostile() {
            self.gap(GapKind::HostilePath, "layer", why);
        }
        self.removed_by(archive.globals());
        result
    }

    /// Runtimes remove what stands at a global header's path, and go on to show what layers below have there: a gap
    /// where the layer has something there, or a link on the way.
    fn removed_by(&mut self, globals: &HashSet<LayerPath>) {
        if globals.is_empty() {
            return;
        }
        let mut hit = None;
        let paths = std::mem::take(&mut self.paths).finish();
        paths.visit(|entry| {
            let parents = entry.path.match_indices('/').map(|(at, _)| &entry.path[..at]);
            let at_or_below = parents.chain([entry.path]).any(|path| globals.contains(path));
            let whited = entry.path.replacen(".wh.", "", 1);
            let at_or_below = at_or_below || globals.contains(whited.as_str());
            let through =
                || entry.kind == EntryKind::Symlink && globals.iter().any(|global| global.is_within(entry.path));
            if hit.is_none() && (at_or_below || through()) {
                hit = Some(entry.path.to_owned());
            }
        });
        self.table = Some(paths);
        if let Some(path) = hit {
            let detail = format!("a global PAX header stands at {path}, and runtimes remove what the layer has there");
            self.gap(GapKind::HostilePath, "layer", detail);
        }
    }

    fn walk<R: Read>(&mut self, archive: &mut Archive<R>) -> Result<(), PassError> {
        let (mut claims, mut buffer) = (Vec::new(), String::new());
        while let Some(entry) = archive.next_entry()? {
            if self.again.is_some() {
                let seen = Entry { path: &entry.path, kind: entry.kind, mode: entry.mode, target: &entry.target };
                self.again(&seen, entry.size, archive)?;
                continue;
            }
            self.paths.push(&entry.path, entry.kind, entry.mode, &entry.target);
            if self.paths.size() > MAX_PATHS {
                let limit = UnpackError::Limit {
                    what: "the names of its entries together",
                    name: "max-entries",
                    limit: MAX_PATHS as u64,
                };
                return Err(limit.into());
            }
            self.gathered.next_entry(&entry.path, &mut buffer);
            let seen = Entry { path: &entry.path, kind: entry.kind, mode: entry.mode, target: &entry.target };
            for index in self.catalogue.observers() {
                self.catalogue.analyzers()[*index].observe(&seen, self.gathered.section(*index));
                self.note(*index)?;
            }
            match entry.kind {
                EntryKind::File => {
                    self.catalogue.claims(&seen, &mut claims);
                    if !claims.is_empty() {
                        self.gathered.claim(&entry.path);
                    }
                    let mut content = archive.content();
                    let head = self.head(&mut content)?;
                    self.catalogue.by_content(&seen, Some(&head), &mut claims);
                    if !claims.is_empty() {
                        let claims = claims.iter().map(|index| (*index, None)).collect();
                        self.analyze(&seen, entry.size, claims, &head, content)?;
                    }
                    self.head = head;
                }
                EntryKind::HardLink => self.hard_link(&seen, &mut claims)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// An entry of a second look.
    fn again<R: Read>(&mut self, entry: &Entry<'_>, size: u64, archive: &mut Archive<R>) -> Result<(), PassError> {
        let Some(again) = self.again.as_mut().filter(|_| entry.kind == EntryKind::File) else { return Ok(()) };
        let claims = again.claims(self.catalogue, entry.path, size)?;
        if claims.is_empty() {
            return Ok(());
        }
        let mut content = archive.content();
        let head = self.head(&mut content)?;
        self.analyze(entry, size, claims, &head, content)?;
        self.head = head;
        Ok(())
    }

    /// The first bytes of a file, in the buffer of the one before, to be given back.
    fn head(&mut self, content: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        content.take(HEAD as u64).read_to_end(&mut head)?;
        Ok(head)
    }

    /// Shows a file to those who claim it. `head` has been read from `content`.
    fn analyze(
        &mut self,
        entry: &Entry<'_>,
        size: u64,
        mut claims: Vec<Claim>,
        head: &[u8],
        content: impl BufRead,
    ) -> Result<(), PassError> {
        claims.retain(|(index, name)| {
            let analyzer = self.catalogue.analyzers()[*index];
            analyzer.wants_size(called(name, entry), size) && analyzer.wants(head)
        });
        if claims.is_empty() {
            return Ok(());
        }
        // A hard link to it is one more name of what was found by its content.
        self.gathered.claim(entry.path);
        if size > self.limits.max_file_bytes {
            let detail =
                format!("the file has {size} bytes, over the limit of {} (max-file-bytes)", self.limits.max_file_bytes);
            self.gap(GapKind::FileLimit, entry.path, detail);
            return Ok(());
        }
        let catalogue = self.catalogue;
        for (index, name) in claims.extract_if(.., |(index, _)| size > catalogue.analyzers()[*index].max_bytes()) {
            let analyzer = catalogue.analyzers()[index];
            let (id, most) = (analyzer.id(), analyzer.max_bytes());
            let detail = format!("the file has {size} bytes, and {id} reads at most {most} of such a file");
            let gap = Gap::new(GapKind::FileLimit, called(&name, entry).as_str(), detail);
            self.dropped_gaps += usize::from(!push_gap(self.gathered.section(index), gap));
            self.note(index)?;
        }
        if claims.is_empty() {
            return Ok(());
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        match scratch.fill(head.chain(content), size, self.limits.max_file_bytes)? {
            Some(spool) => self.show(entry, &claims, &spool)?,
            None => {
                let most = self.limits.max_file_bytes;
                let detail = format!("the file is over the limit of {most} bytes (max-file-bytes)");
                self.gap(GapKind::FileLimit, entry.path, detail);
            }
        }
        self.scratch = scratch;
        Ok(())
    }

    /// Shows a file's content to those who have claimed it, each under the name by which it did.
    fn show(&mut self, entry: &Entry<'_>, claims: &[Claim], spool: &Spool<'_>) -> Result<(), PassError> {
        for (index, name) in claims {
            let name = called(name, entry);
            let analyzer = self.catalogue.analyzers()[*index];
            let file = File { spool: Some(spool), ..File::new(name, entry.mode, spool, self.limits) };
            let section = self.gathered.section(*index);
            let known = section.packages.len();
            // Analyzers do not panic; should one, the layer must not look clean and the worker must live.
            let result = catch_unwind(AssertUnwindSafe(|| analyzer.analyze(&file, section)));
            let oversized = bound_texts(&mut section.packages, known);
            let gap = match result {
                Ok(Ok(())) if oversized == 0 => {
                    self.note(*index)?;
                    continue;
                }
                Ok(Ok(())) => {
                    let detail = format!(
                        "{oversized} packages have a name or version over {MAX_TEXT} bytes or with control characters"
                    );
                    Gap::new(GapKind::UnreadableFile, name.as_str(), detail)
                }
                Ok(Err(error)) => Gap::new(error.kind, name.as_str(), error.detail),
                Err(_) => {
                    let detail = format!("the analyzer {} broke down on this file; please report it", analyzer.id());
                    Gap::new(GapKind::AnalyzerFailed, name.as_str(), detail)
                }
            };
            self.dropped_gaps += usize::from(!push_gap(section, gap));
            self.note(*index)?;
        }
        Ok(())
    }

    /// A second name of a file that came earlier. When the first name was claimed the same is proved here too; what
    /// this name alone would show, and a file of a lower layer, is the second look's.
    fn hard_link(&mut self, entry: &Entry<'_>, claims: &mut Vec<usize>) -> Result<(), PassError> {
        if !self.gathered.is_claimed(entry.target) {
            return Ok(());
        }
        // The file's mode is that of its first name, whatever the link's header says.
        let as_file = Entry { kind: EntryKind::File, mode: entry.mode | 0o111, ..*entry };
        self.catalogue.claims(&as_file, claims);
        self.catalogue.by_content(&as_file, None, claims);
        if claims.is_empty() {
            return Ok(());
        }
        self.gathered.claim(entry.path);
        // Only the analyzers that would claim this name prove anything by it: `bin/ls` is not one more busybox.
        for index in claims {
            let mut linked = self.gathered.proved_by(*index, entry.target);
            for package in &mut linked {
                for location in &mut package.locations {
                    if let Some(rest) = location.strip_prefix(entry.target) {
                        *location = format!("{}{rest}", entry.path);
                    }
                }
            }
            self.gathered.section(*index).packages.append(&mut linked);
            self.note(*index)?;
        }
        Ok(())
    }

    /// Notes what the current entry added to a section; there is an end to what one layer may hold.
    fn note(&mut self, index: usize) -> Result<(), PassError> {
        if self.gathered.note(index) {
            return Ok(());
        }
        Err(UnpackError::Limit { what: "what was found in the layer", name: "bytes, fixed", limit: MAX_WEIGHT }.into())
    }

    fn gap(&mut self, kind: GapKind, place: &str, detail: String) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(Gap::new(kind, place, detail));
        } else {
            self.dropped_gaps += 1;
        }
    }

    fn finish(mut self, blob: Digest, size: u64, end: Option<(GapKind, String)>) -> LayerInventory {
        if let Some((kind, detail)) = end {
            self.gaps.insert(0, Gap::new(kind, blob.to_string(), detail));
        }
        if self.dropped_gaps > 0 {
            let detail = format!("{} more gaps of this layer are not reported one by one", self.dropped_gaps);
            self.gaps.push(Gap::new(GapKind::AnalyzerFailed, blob.to_string(), detail));
        }
        let mut known: HashMap<LayerPath, bool> = HashMap::new();
        let mut sections = BTreeMap::new();
        for (analyzer, mut section) in self.catalogue.analyzers().iter().zip(self.gathered.finish()) {
            if catch_unwind(AssertUnwindSafe(|| analyzer.finish(&mut section))).is_err() {
                let detail = format!("the analyzer {} broke down at the layer's end; please report it", analyzer.id());
                section.gaps.push(Gap::new(GapKind::AnalyzerFailed, blob.to_string(), detail));
            }
            section.notes = Notes::default();
            if let Some(again) = self.again.as_ref() {
                section.rename(|name| again.place(name));
            }
            for owned in &mut section.owned {
                owned.paths.retain(|p| *known.entry(p.clone()).or_insert_with(|| self.catalogue.might_claim(p)));
            }
            section.owned.retain(|o| !o.paths.is_empty());
            // Archive order is not content: the same files in another order are the same inventory.
            section.packages.sort();
            section.packages.dedup();
            section.owned.sort_by(|a, b| (&a.evidence, &a.package).cmp(&(&b.evidence, &b.package)));
            section.os_releases.sort_by(|a, b| (a.rank, &a.path).cmp(&(b.rank, &b.path)));
            section.licenses.sort_by(|a, b| (&a.evidence, &a.package).cmp(&(&b.evidence, &b.package)));
            section.content_sets.sort();
            section.secrets.sort();
            section.facts.sort();
            section.gaps.sort();
            if !section.is_empty() {
                sections.insert(analyzer.id(), section);
            }
        }
        self.gaps.sort();
        let paths = self.table.unwrap_or_else(|| self.paths.finish());
        LayerInventory { blob, size, unpacked: self.unpacked, sections, gaps: self.gaps, paths }
    }
}

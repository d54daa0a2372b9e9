//! From one snapshot to the next without sending it whole: what a day changes is a thousandth of it.
//!
//! A file's references (`layout.rs`) shift with every text that is added, so two snapshots that say nearly the same
//! hardly share bytes. A delta is made of blocks instead: a package with its entries, a vulnerability, an id, each
//! written out by itself. It is the new manifest and, for each of the three sequences, which blocks of the old file
//! stay and which come. The new file is then written as the encoder would have written it; whether it is that file
//! is decided by its digest alone, so a delta needs no trust.
//!
//! ```text
//! manifest  v length, JSON
//! sequence  (vulnerabilities, packages, ids) v runs, and for each: v blocks left out, v blocks kept, v blocks that
//!           come, each v length, bytes
//! ```

mod block;

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::Range,
};

use block::{Alone, InFile, Kind, Source as _, ToAlone, ToFile, walk};

use crate::{
    Entries, FORMAT_VERSION, Manifest, Snapshot,
    encode::assemble,
    layout::{Cursor, put, table},
};

/// Why a delta did not lead to a snapshot. The whole snapshot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// It was made for another snapshot, or its bytes are not what they were.
    #[error("the delta does not fit the snapshot at hand")]
    DoesNotFit,
    /// The result would be larger than was announced.
    #[error("the delta leads to more than {0} bytes")]
    TooLarge(u64),
}

/// What leads from `old` to `new` ([`apply_delta`]), not compressed. `None` when one of them is of another format than
/// [`FORMAT_VERSION`], or where the way does not lead to exactly the bytes of `new`.
pub fn delta(old: &Snapshot, new: &Snapshot) -> Option<Vec<u8>> {
    let (from, to) = (File::of(old)?, File::of(new)?);
    let mut out = Vec::new();
    put_bytes(&mut out, new.section(0))?;
    for kind in [Kind::Vulnerability, Kind::Package, Kind::Id] {
        let runs = runs(&from.prints(kind)?, &to.prints(kind)?);
        let blocks = to.blocks(kind)?;
        put(&mut out, u32::try_from(runs.len()).ok()?);
        for run in runs {
            for number in [run.left_out, run.kept, run.come.len()] {
                put(&mut out, u32::try_from(number).ok()?);
            }
            for block in blocks.get(run.come)? {
                put_bytes(&mut out, &to.alone(kind, block.clone())?)?;
            }
        }
    }
    let made = apply_delta(old, &out, new.size()).ok()?;
    (made == new.bytes()).then_some(out)
}

/// The bytes of the snapshot that `delta` leads to from `old`, at most `most`. They are the snapshot that was meant only
/// if their digest is: a delta that fits by chance leads somewhere.
///
/// # Errors
/// [`DeltaError`].
pub fn apply_delta(old: &Snapshot, delta: &[u8], most: u64) -> Result<Vec<u8>, DeltaError> {
    let from = File::of(old).ok_or(DeltaError::DoesNotFit)?;
    let mut delta = Alone(Cursor::new(delta, 0));
    let manifest = delta.text();
    let parsed: Manifest = serde_json::from_slice(manifest).map_err(|_| DeltaError::DoesNotFit)?;
    let mut to = ToFile::new(parsed.feeds.iter().map(|f| f.info.id.as_bytes()));
    let sequences = [Kind::Vulnerability, Kind::Package, Kind::Id].map(|kind| sequence(&from, kind, &mut delta));
    let [Some(vulnerabilities), Some(packages), Some(ids)] = sequences else { return Err(DeltaError::DoesNotFit) };
    // Entries name vulnerabilities by number: those come first, and are written after the packages.
    for block in &vulnerabilities {
        let id = block.id(&from).ok_or(DeltaError::DoesNotFit)?;
        to.number(id).ok_or(DeltaError::DoesNotFit)?;
    }
    let (packages, index) = write(&from, Kind::Package, &packages, &mut to, most)?;
    let (vulnerabilities, offsets) = write(&from, Kind::Vulnerability, &vulnerabilities, &mut to, most)?;
    let (ids, id_index) = write(&from, Kind::Id, &ids, &mut to, most)?;
    let offsets = offsets.iter().flat_map(|(_, at)| at.to_le_bytes()).collect();
    let strings = std::mem::take(&mut to.strings);
    let sections =
        [manifest.to_vec(), strings, packages, table(&index), vulnerabilities, offsets, ids, table(&id_index)];
    let made = assemble(sections).map_err(|_| DeltaError::TooLarge(most))?;
    if made.len() as u64 > most { Err(DeltaError::TooLarge(most)) } else { Ok(made) }
}

/// A section, and where its blocks lie by what they are looked up by.
fn write<'s>(
    from: &File<'s>,
    kind: Kind,
    blocks: &[Block<'s>],
    to: &mut ToFile<'s>,
    most: u64,
) -> Result<(Vec<u8>, Vec<(u64, u32)>), DeltaError> {
    let mut slots = Vec::with_capacity(blocks.len());
    for block in blocks {
        let at = to.out.len();
        block.write(from, kind, to).ok_or(DeltaError::DoesNotFit)?;
        if (to.out.len() + to.strings.len()) as u64 > most.min(u32::MAX.into()) {
            return Err(DeltaError::TooLarge(most));
        }
        slots.push((to.hash_at(kind, at), at as u32));
    }
    Ok((std::mem::take(&mut to.out), slots))
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put(out, u32::try_from(bytes.len()).ok()?);
    out.extend_from_slice(bytes);
    Some(())
}

/// A stretch of a sequence: so many blocks of the old one are left out, so many stay, and these of the new one come.
struct Run {
    left_out: usize,
    kept: usize,
    come: Range<usize>,
}

/// Each block of the new sequence that the old one has too, behind the last one kept, is kept.
fn runs(old: &[u64], new: &[u64]) -> Vec<Run> {
    let places: HashMap<u64, usize> = old.iter().copied().zip(0..).collect();
    let (mut runs, mut at) = (Vec::<Run>::new(), 0);
    for (number, print) in new.iter().enumerate() {
        let kept = places.get(print).copied().filter(|place| *place >= at);
        let Some(place) = kept else {
            if runs.is_empty() {
                runs.push(Run { left_out: 0, kept: 0, come: number..number });
            }
            if let Some(run) = runs.last_mut() {
                run.come = if run.come.is_empty() { number..number + 1 } else { run.come.start..number + 1 };
            }
            continue;
        };
        match runs.last_mut() {
            Some(run) if place == at && run.come.is_empty() => run.kept += 1,
            _ => runs.push(Run { left_out: place - at, kept: 1, come: number..number }),
        }
        at = place + 1;
    }
    runs
}

/// A block of the new file.
enum Block<'s> {
    /// As the old file has it.
    Kept(Range<usize>),
    /// By itself, in the delta.
    Comes(&'s [u8]),
}

fn sequence<'s>(from: &File<'s>, kind: Kind, delta: &mut Alone<'s>) -> Option<Vec<Block<'s>>> {
    let old = from.blocks(kind)?;
    let (mut out, mut at) = (Vec::new(), 0usize);
    for _ in 0..delta.0.count() {
        at = at.checked_add(delta.0.number() as usize)?;
        let kept = at..at.checked_add(delta.0.number() as usize)?;
        at = kept.end;
        out.extend(old.get(kept)?.iter().cloned().map(Block::Kept));
        for _ in 0..delta.0.count() {
            out.push(Block::Comes(delta.text()));
        }
    }
    (!delta.0.spent()).then_some(out)
}

impl<'s> Block<'s> {
    fn write(&self, from: &File<'s>, kind: Kind, to: &mut ToFile<'s>) -> Option<()> {
        match self {
            Self::Kept(range) => walk(kind, range.end, &mut from.block(kind, range.start), to),
            Self::Comes(bytes) => walk(kind, bytes.len(), &mut Alone(Cursor::new(bytes, 0)), to),
        }
    }

    /// The id of a vulnerability.
    fn id(&self, from: &File<'s>) -> Option<&'s [u8]> {
        match self {
            Self::Kept(range) => block::id_of(&mut from.block(Kind::Vulnerability, range.start)),
            Self::Comes(bytes) => block::id_of(&mut Alone(Cursor::new(bytes, 0))),
        }
    }
}

/// A snapshot's sections, and what its numbers mean.
struct File<'s> {
    snapshot: &'s Snapshot,
    vulnerabilities: Vec<&'s [u8]>,
    feeds: Vec<&'s [u8]>,
}

impl<'s> File<'s> {
    fn of(snapshot: &'s Snapshot) -> Option<Self> {
        if snapshot.format() != FORMAT_VERSION {
            return None;
        }
        let feeds = snapshot.feeds().iter().map(|f| f.info.id.as_bytes()).collect();
        let mut file = Self { snapshot, vulnerabilities: Vec::new(), feeds };
        let blocks = file.blocks(Kind::Vulnerability)?;
        let ids = blocks.iter().map(|b| block::id_of(&mut file.block(Kind::Vulnerability, b.start)));
        file.vulnerabilities = ids.collect::<Option<_>>()?;
        Some(file)
    }

    fn block(&self, kind: Kind, at: usize) -> InFile<'s, '_> {
        InFile {
            cursor: Cursor::new(self.snapshot.section(kind as usize), at),
            strings: self.snapshot.section(1),
            vulnerabilities: &self.vulnerabilities,
            feeds: &self.feeds,
        }
    }

    fn alone(&self, kind: Kind, range: Range<usize>) -> Option<Vec<u8>> {
        let mut out = ToAlone::default();
        walk(kind, range.end, &mut self.block(kind, range.start), &mut out)?;
        Some(out.0)
    }

    /// What tells blocks of a sequence apart; never leaves this process.
    fn prints(&self, kind: Kind) -> Option<Vec<u64>> {
        let prints = self.blocks(kind)?.into_iter().map(|range| {
            let mut hasher = DefaultHasher::new();
            self.alone(kind, range)?.hash(&mut hasher);
            Some(hasher.finish())
        });
        prints.collect()
    }

    /// Where the blocks of a sequence lie in their section.
    fn blocks(&self, kind: Kind) -> Option<Vec<Range<usize>>> {
        let bytes = self.snapshot.section(kind as usize);
        let starts: Vec<usize> = match kind {
            Kind::Vulnerability => {
                let (offsets, []) = self.snapshot.section(5).as_chunks::<4>() else { return None };
                offsets.iter().map(|o| u32::from_le_bytes(*o) as usize).collect()
            }
            Kind::Package | Kind::Id => {
                let (mut starts, mut at) = (Vec::new(), 0);
                while at < bytes.len() {
                    starts.push(at);
                    let mut cursor = Cursor::new(bytes, at);
                    cursor.skip();
                    if kind == Kind::Id {
                        (0..cursor.count()).for_each(|_| cursor.skip());
                        at = cursor.at;
                    } else {
                        cursor.skip();
                        at = Entries::new(self.snapshot.section(1), cursor).end();
                    }
                }
                starts
            }
        };
        let ends = starts.iter().copied().skip(1).chain([bytes.len()]);
        let blocks: Vec<Range<usize>> = starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect();
        blocks.iter().all(|b| b.start <= b.end && b.end <= bytes.len()).then_some(blocks)
    }
}

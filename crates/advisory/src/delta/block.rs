//! One block of a snapshot (a package with its entries, a vulnerability, an id) in two notations: as it stands in a file,
//! where texts, vulnerabilities and feeds are numbers that mean something in that file only, and by itself, where they
//! are written out. One walk over the fields serves both ways.

use std::collections::HashMap;

use crate::{
    encode::{HAS_ARCHES, HAS_MODULE, HAS_SEVERITY, HAS_VERSIONS, SIMPLE},
    layout::{Cursor, bytes_at, hash, put},
};

/// What kind of block it is; the numbers are those of the sections in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Package = 2,
    Vulnerability = 4,
    Id = 6,
}

/// Where the fields of a block come from.
pub(super) trait Source<'s> {
    fn cursor(&mut self) -> &mut Cursor<'s>;
    fn text(&mut self) -> &'s [u8];
    /// The id of a vulnerability, and a bit that is kept with it where there is one.
    fn vulnerability(&mut self, with_bit: bool) -> (&'s [u8], u32);
    fn feed(&mut self) -> &'s [u8];
}

/// Where they go. `None` when the other file does not have it.
pub(super) trait Sink<'s> {
    fn out(&mut self) -> &mut Vec<u8>;
    fn text(&mut self, text: &'s [u8]) -> Option<()>;
    fn vulnerability(&mut self, id: &'s [u8], bit: Option<u32>) -> Option<()>;
    fn feed(&mut self, id: &'s [u8]) -> Option<()>;
}

/// Takes one block from one notation to the other; it ends at `end` of the source. `None` for what is no block.
pub(super) fn walk<'s>(kind: Kind, end: usize, from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> Option<()> {
    match kind {
        Kind::Package => package(from, to),
        Kind::Vulnerability => vulnerability(from, to),
        Kind::Id => {
            text(from, to)?;
            for _ in 0..count(from, to) {
                let (id, _) = from.vulnerability(false);
                to.vulnerability(id, None)?;
            }
            Some(())
        }
    }?;
    // What is left are numbers: weaknesses, and signals by their place in the manifest. Where that place is another's, the delta
    // does not lead to the file, and none is made.
    let at = from.cursor().at;
    let rest = from.cursor().take(end.checked_sub(at)?);
    to.out().extend_from_slice(rest);
    (!from.cursor().spent()).then_some(())
}

fn package<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> Option<()> {
    text(from, to)?;
    text(from, to)?;
    for _ in 0..count(from, to) {
        let flags = byte(from, to);
        let feed = from.feed();
        to.feed(feed)?;
        let (id, own) = from.vulnerability(true);
        to.vulnerability(id, Some(own))?;
        if own != 0 {
            text(from, to)?;
        }
        if flags & HAS_SEVERITY != 0 {
            byte(from, to);
        }
        if flags & HAS_MODULE != 0 {
            text(from, to)?;
        }
        for _ in 0..[HAS_ARCHES, HAS_VERSIONS].into_iter().filter(|bit| flags & bit != 0).count() {
            texts(from, to)?;
        }
        if flags & SIMPLE != 0 {
            text(from, to)?;
            continue;
        }
        for _ in 0..count(from, to) {
            let shape = byte(from, to);
            for _ in 0..[shape & 3, shape >> 2 & 3].into_iter().filter(|edge| *edge != 0).count() {
                text(from, to)?;
            }
        }
    }
    Some(())
}

fn vulnerability<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> Option<()> {
    let flags = byte(from, to);
    text(from, to)?;
    texts(from, to)?;
    for _ in 0..count(from, to) {
        text(from, to)?;
        byte(from, to);
    }
    for _ in 0..count(from, to) {
        (0..3).try_for_each(|_| text(from, to))?;
        number(from, to);
    }
    number(from, to);
    if flags & 8 != 0 {
        text(from, to)?;
    }
    Some(())
}

/// The id of a vulnerability.
pub(super) fn id_of<'s>(from: &mut impl Source<'s>) -> Option<&'s [u8]> {
    from.cursor().byte();
    let id = from.text();
    (!from.cursor().spent()).then_some(id)
}

fn byte<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> u8 {
    let byte = from.cursor().byte();
    to.out().push(byte);
    byte
}

fn number<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> u32 {
    let number = from.cursor().number();
    put(to.out(), number);
    number
}

fn count<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> u32 {
    let count = from.cursor().count();
    put(to.out(), count);
    count
}

fn text<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> Option<()> {
    let text = from.text();
    to.text(text)
}

fn texts<'s>(from: &mut impl Source<'s>, to: &mut impl Sink<'s>) -> Option<()> {
    (0..count(from, to)).try_for_each(|_| text(from, to))
}

/// A block as it stands in a file.
pub(super) struct InFile<'s, 'n> {
    pub(super) cursor: Cursor<'s>,
    pub(super) strings: &'s [u8],
    pub(super) vulnerabilities: &'n [&'s [u8]],
    pub(super) feeds: &'n [&'s [u8]],
}

impl<'s> Source<'s> for InFile<'s, '_> {
    fn cursor(&mut self) -> &mut Cursor<'s> {
        &mut self.cursor
    }

    fn text(&mut self) -> &'s [u8] {
        bytes_at(self.strings, self.cursor.number())
    }

    fn vulnerability(&mut self, with_bit: bool) -> (&'s [u8], u32) {
        let number = self.cursor.number();
        let (number, bit) = if with_bit { (number >> 1, number & 1) } else { (number, 0) };
        (self.vulnerabilities.get(number as usize).copied().unwrap_or_default(), bit)
    }

    fn feed(&mut self) -> &'s [u8] {
        self.feeds.get(self.cursor.number() as usize).copied().unwrap_or_default()
    }
}

/// A block by itself.
pub(super) struct Alone<'s>(pub(super) Cursor<'s>);

impl<'s> Source<'s> for Alone<'s> {
    fn cursor(&mut self) -> &mut Cursor<'s> {
        &mut self.0
    }

    fn text(&mut self) -> &'s [u8] {
        let length = self.0.number() as usize;
        self.0.take(length)
    }

    fn vulnerability(&mut self, with_bit: bool) -> (&'s [u8], u32) {
        let bit = if with_bit { self.0.number() & 1 } else { 0 };
        (self.text(), bit)
    }

    fn feed(&mut self) -> &'s [u8] {
        self.text()
    }
}

/// Writes a block by itself.
#[derive(Default)]
pub(super) struct ToAlone(pub(super) Vec<u8>);

impl<'s> Sink<'s> for ToAlone {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    fn text(&mut self, text: &'s [u8]) -> Option<()> {
        put(&mut self.0, u32::try_from(text.len()).ok()?);
        self.0.extend_from_slice(text);
        Some(())
    }

    fn vulnerability(&mut self, id: &'s [u8], bit: Option<u32>) -> Option<()> {
        if let Some(bit) = bit {
            put(&mut self.0, bit);
        }
        self.text(id)
    }

    fn feed(&mut self, id: &'s [u8]) -> Option<()> {
        self.text(id)
    }
}

/// Writes blocks into a file: texts get their places in the order in which they are first used, as the encoder has it.
pub(super) struct ToFile<'s> {
    pub(super) out: Vec<u8>,
    pub(super) strings: Vec<u8>,
    places: HashMap<&'s [u8], u32>,
    vulnerabilities: HashMap<&'s [u8], u32>,
    feeds: HashMap<Vec<u8>, u32>,
}

impl<'s> ToFile<'s> {
    /// An empty file with these feeds.
    pub(super) fn new<'f>(feeds: impl Iterator<Item = &'f [u8]>) -> Self {
        let feeds = feeds.map(<[u8]>::to_vec).zip(0..).collect();
        // The encoder begins with the empty text.
        let (strings, places) = (vec![0], HashMap::from([(&b""[..], 0)]));
        Self { out: Vec::new(), strings, places, vulnerabilities: HashMap::new(), feeds }
    }

    /// Gives the next number to a vulnerability. `None` when it has one.
    pub(super) fn number(&mut self, id: &'s [u8]) -> Option<()> {
        let number = u32::try_from(self.vulnerabilities.len()).ok()?;
        self.vulnerabilities.insert(id, number).is_none().then_some(())
    }

    /// By what the block at `at` is looked up.
    pub(super) fn hash_at(&self, kind: Kind, at: usize) -> u64 {
        let mut cursor = Cursor::new(&self.out, at);
        let mut text = || bytes_at(&self.strings, cursor.number());
        match kind {
            Kind::Package => hash([text(), text()]),
            Kind::Vulnerability => 0,
            Kind::Id => hash([text(), b""]),
        }
    }
}

impl<'s> Sink<'s> for ToFile<'s> {
    fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    fn text(&mut self, text: &'s [u8]) -> Option<()> {
        let place = if let Some(place) = self.places.get(text) {
            *place
        } else {
            let place = u32::try_from(self.strings.len()).ok()?;
            put(&mut self.strings, u32::try_from(text.len()).ok()?);
            self.strings.extend_from_slice(text);
            self.places.insert(text, place);
            place
        };
        put(&mut self.out, place);
        Some(())
    }

    fn vulnerability(&mut self, id: &'s [u8], bit: Option<u32>) -> Option<()> {
        let number = *self.vulnerabilities.get(id)?;
        put(&mut self.out, bit.map_or(number, |bit| number << 1 | bit));
        Some(())
    }

    fn feed(&mut self, id: &'s [u8]) -> Option<()> {
        put(&mut self.out, *self.feeds.get(id)?);
        Some(())
    }
}

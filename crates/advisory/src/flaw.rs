//! The details of one flaw, as all the feeds together tell them.
//!
//! Bytes: `u8` flags (1 malicious, 2 exploited, 4 by ransomware, 8 has a title, 16 has weaknesses), ref id, list of aliases, v count of
//! ratings (ref source, u8 severity), v count of CVSS vectors (ref source, ref version, ref vector, v score in tenths),
//! v EPSS in millionths + 1, v day of the newest record, [ref title], [ref day of listing, ref due day],
//! [v count of weaknesses, v number of each] (the last since format 2).

use layergate_model::{Cvss, Cwe, Kev, Severity};

use crate::{
    Day,
    entry::{List, severity},
    layout::{Cursor, string_at},
};

/// One flaw.
#[derive(Clone)]
pub struct Flaw<'s> {
    /// Its id: the CVE where it has exactly one.
    pub id: &'s str,
    /// Its other names; the CVEs that it bundles, where they are several.
    pub aliases: List<'s>,
    /// One line about it.
    pub title: Option<&'s str>,
    /// Whether it is a malicious package.
    pub malicious: bool,
    /// EPSS probability in millionths.
    pub epss: Option<u32>,
    /// The newest record's date.
    pub modified: Option<Day>,
    strings: &'s [u8],
    ratings: (Cursor<'s>, u32),
    cvss: (Cursor<'s>, u32),
    kev: Option<(&'s str, &'s str, bool)>,
    cwes: (Cursor<'s>, u32),
}

impl<'s> Flaw<'s> {
    pub(crate) fn read(strings: &'s [u8], flaws: &'s [u8], offset: u32) -> Option<Self> {
        let mut c = Cursor::new(flaws, offset as usize);
        let flags = c.byte();
        let id = string_at(strings, c.number());
        let aliases = List::read(strings, &mut c);
        let count = c.count();
        let ratings = (c, count);
        for _ in 0..count {
            c.skip();
            c.byte();
        }
        let count = c.count();
        let cvss = (c, count);
        for _ in 0..u64::from(count) * 4 {
            c.skip();
        }
        let epss = c.number().checked_sub(1);
        let modified = Day::from_bits(c.number());
        let title = (flags & 8 != 0).then(|| string_at(strings, c.number()));
        let kev = (flags & 2 != 0).then(|| {
            let (added, due) = (string_at(strings, c.number()), string_at(strings, c.number()));
            (added, due, flags & 4 != 0)
        });
        let count = if flags & 16 != 0 { c.count() } else { 0 };
        let cwes = (c, count);
        (0..count).for_each(|_| c.skip());
        let malicious = flags & 1 != 0;
        let flaw = Self { id, aliases, title, malicious, epss, modified, strings, ratings, cvss, kev, cwes };
        (!c.spent() && !id.is_empty()).then_some(flaw)
    }

    /// What each source says of the severity, by source.
    pub fn ratings(&self) -> impl Iterator<Item = (&'s str, Severity)> + use<'s> {
        let ((mut c, count), strings) = (self.ratings, self.strings);
        (0..count).map(move |_| (string_at(strings, c.number()), severity(c.byte())))
    }

    /// All CVSS vectors.
    pub fn cvss(&self) -> impl Iterator<Item = Cvss> + use<'s> {
        let ((mut c, count), strings) = (self.cvss, self.strings);
        (0..count).map(move |_| {
            let mut text = || string_at(strings, c.number()).to_owned();
            let (source, version, vector) = (text(), text(), text());
            Cvss { source, version, vector, score_tenths: c.number().min(100) as u8 }
        })
    }

    /// The weaknesses behind it, lowest number first.
    pub fn cwes(&self) -> impl Iterator<Item = Cwe> + use<'s> {
        let (mut c, count) = self.cwes;
        (0..count).filter_map(move |_| u16::try_from(c.number()).ok().and_then(Cwe::new))
    }

    /// CISA's listing.
    pub fn kev(&self) -> Option<Kev> {
        self.kev.map(|(added, due, ransomware)| Kev {
            date_added: added.to_owned(),
            due_date: Some(due).filter(|d| !d.is_empty()).map(str::to_owned),
            ransomware,
        })
    }
}

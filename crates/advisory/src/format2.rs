//! What format 2 has in the place of signals: the columns of CISA's catalogue and EPSS, for every vulnerability. Read, so that the
//! program can be upgraded before the snapshot is built anew.
//!
//! Flags 2 (exploited) and 4 (by ransomware); v EPSS in millionths + 1 before the day of the newest record; \[ref day of
//! listing, ref due day\] after the title.

use layergate_model::{EXPLOITED, Kev, PROBABILITY, Signal, Signals};
use serde::Deserialize;

use crate::{
    Manifest,
    layout::{Cursor, string_at},
};

/// The format's number.
pub(crate) const FORMAT: u32 = 2;

/// What is known of a vulnerability's exploitation.
#[derive(Clone, Copy)]
pub(crate) struct Exploitation<'s> {
    epss: Option<u32>,
    kev: Option<(&'s str, &'s str, bool)>,
}

impl<'s> Exploitation<'s> {
    pub(crate) fn read(strings: &'s [u8], c: &mut Cursor<'s>, flags: u8, epss: u32) -> Self {
        let kev = (flags & 2 != 0).then(|| {
            let (added, due) = (string_at(strings, c.number()), string_at(strings, c.number()));
            (added, due, flags & 4 != 0)
        });
        Self { epss: epss.checked_sub(1), kev }
    }

    pub(crate) fn signals(self) -> Signals {
        let kev = self.kev.map(|(added, due, ransomware)| Kev {
            date_added: added.to_owned(),
            due_date: Some(due.to_owned()),
            ransomware,
        });
        let mut out = kev.map(Signals::from).unwrap_or_default();
        out.extend(self.epss.map(Signal::epss));
        out
    }
}

/// Counts of a feed that the manifest had keys for.
#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    kev: u64,
    #[serde(default)]
    epss: u64,
}

#[derive(Deserialize)]
struct Feeds {
    feeds: Vec<Counts>,
}

/// Reads a manifest.
pub(crate) fn manifest(json: &[u8]) -> Result<Manifest, serde_json::Error> {
    let mut manifest: Manifest = serde_json::from_slice(json)?;
    let counts: Feeds = serde_json::from_slice(json)?;
    for (feed, counts) in manifest.feeds.iter_mut().zip(counts.feeds) {
        let all = [(EXPLOITED, counts.kev), (PROBABILITY, counts.epss)];
        feed.signals = all.into_iter().filter(|(_, n)| *n > 0).map(|(kind, n)| (kind.to_owned(), n)).collect();
    }
    Ok(manifest)
}

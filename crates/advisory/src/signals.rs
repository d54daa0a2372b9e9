//! Signals in a snapshot: what each says stands with the vulnerability, source and kind once in the manifest.
//!
//! Bytes of one: v head (place in the manifest's list << 3, 4 has a value, 2 has a day, 1 another follows), [v value in
//! millionths], [v day]. A probability takes four bytes at most; a list by day takes four.

use std::collections::{BTreeMap, BTreeSet};

use layergate_model::{Signal, Signals};

use crate::{
    Day,
    layout::{Cursor, put},
    pools::{Pools, RecordHeader},
};

/// The manifest's list.
pub(crate) type Names<'s> = &'s [(String, String)];
/// More than a vulnerability has; a file that says otherwise is damaged.
const MAX: usize = 256;

const HAS_VALUE: u32 = 4;
const HAS_DAY: u32 = 2;
const MORE: u32 = 1;

/// Source and kind of all signals of the builder, sorted.
pub(crate) fn table(b: &Pools) -> Vec<(String, String)> {
    let pairs: BTreeSet<(u32, u32)> = b.signals.iter().map(|s| (s.source, s.kind)).collect();
    let text = |n| b.strings.get(n).to_owned();
    let mut names: Vec<_> = pairs.into_iter().map(|(source, kind)| (text(source), text(kind))).collect();
    names.sort();
    names
}

/// Place, value and day of each signal of a vulnerability's records: of what a source says twice the greatest value and
/// the earliest day.
pub(crate) fn joined(
    b: &Pools,
    heads: &[&RecordHeader],
    names: Names<'_>,
) -> BTreeMap<u32, (Option<u32>, Option<Day>)> {
    let mut out = BTreeMap::new();
    for signal in heads.iter().flat_map(|h| h.signals.of(&b.signals)) {
        let name = (b.strings.get(signal.source), b.strings.get(signal.kind));
        let place = names.partition_point(|(source, kind)| (source.as_str(), kind.as_str()) < name);
        let (value, day) = out.entry(place as u32).or_insert((None, None));
        *value = (*value).max(signal.value);
        *day = [*day, signal.day].into_iter().flatten().min();
    }
    out
}

pub(crate) fn write(signals: &BTreeMap<u32, (Option<u32>, Option<Day>)>, out: &mut Vec<u8>) {
    let mut left = signals.len();
    for (place, (value, day)) in signals {
        left -= 1;
        let flag = |set: bool, bit| if set { bit } else { 0 };
        put(out, place << 3 | flag(value.is_some(), HAS_VALUE) | flag(day.is_some(), HAS_DAY) | flag(left > 0, MORE));
        value.iter().for_each(|value| put(out, *value));
        day.iter().for_each(|day| put(out, day.to_bits()));
    }
}

/// One after the other, as place, value and day.
fn each(c: &mut Cursor<'_>, mut show: impl FnMut(u32, Option<u32>, Option<u32>)) {
    for _ in 0..MAX {
        let head = c.number();
        let value = (head & HAS_VALUE != 0).then(|| c.number());
        let day = (head & HAS_DAY != 0).then(|| c.number());
        show(head >> 3, value, day);
        if head & MORE == 0 || c.spent() {
            return;
        }
    }
}

pub(crate) fn skip(c: &mut Cursor<'_>) {
    each(c, |_, _, _| ());
}

pub(crate) fn read(mut c: Cursor<'_>, names: Names<'_>) -> Signals {
    let mut out = Signals::default();
    each(&mut c, |place, value, day| {
        if let Some((source, kind)) = names.get(place as usize) {
            let date = day.and_then(Day::from_bits).map(|d| d.to_string());
            out.add(Signal { value, ..Signal::new(source, kind).of(date) });
        }
    });
    out
}

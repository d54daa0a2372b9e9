//! Debian's advisory lists (security-tracker, `data/DSA/list`, `DLA/list`, `DTSA/list`).
//!
//! ```text
//! [29 Mar 2023] DSA-5380-1 xorg-server - security update
//! 	{CVE-2023-1393}
//! 	[bullseye] - xorg-server 2:1.20.11-1+deb11u6
//! ```
//! A tag in place of the version shows a state: `<unfixed>`, `<end-of-life>`, `<not-affected>`, `<undetermined>`.

use layergate_advisory::{Affected, Day, Namespace, Record};
use layergate_model::Status;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct DebianLists;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "debian-lists",
    name: "Debian security advisories (DSA, DLA, DTSA)",
    url: "https://salsa.debian.org/security-tracker-team/security-tracker",
    license: "LicenseRef-Debian",
}];

/// The release of a codename.
pub(crate) fn release(codename: &str) -> Option<&'static str> {
    layergate_advisory::codename("debian", codename)
}

impl Feed for DebianLists {
    fn id(&self) -> &'static str {
        "debian-lists"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let head = String::from_utf8_lossy(file.bytes.get(..2000).unwrap_or(&file.bytes)).into_owned();
        head.starts_with('[') && head.lines().take(3).any(|l| heading(l).is_some())
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let text = file.text();
        let mut record: Option<Record> = None;
        for (number, line) in text.lines().enumerate() {
            if let Some(new) = heading(line) {
                record.replace(new).into_iter().for_each(|done| sink.record(done));
                continue;
            }
            let Some(record) = &mut record else { continue };
            let line = line.trim();
            if let Some(ids) = line.strip_prefix('{') {
                record.aliases.extend(ids.trim_end_matches('}').split_whitespace().map(str::to_owned));
            } else if line.starts_with('[') {
                match package(line) {
                    Ok(affected) => record.affected.extend(affected),
                    Err(why) => sink.problem(format!("line {}: {why}: {line}", number + 1)),
                }
            }
        }
        record.into_iter().for_each(|done| sink.record(done));
    }
}

/// The line that begins an advisory.
fn heading(line: &str) -> Option<Record> {
    let (date, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let id = rest.split_whitespace().next()?;
    let kind = id.split('-').next()?;
    if !matches!(kind, "DSA" | "DLA" | "DTSA" | "ELA") {
        return None;
    }
    let mut record = Record::new("debian-lists", id);
    record.title = rest.get(id.len()..).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
    record.modified = day(date);
    Some(record)
}

/// `29 Mar 2023`; the oldest list writes dates in other ways, which are passed over.
fn day(text: &str) -> Option<Day> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_whitespace();
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|m| month.starts_with(m))? + 1;
    Day::parse(&format!("{year}-{month:02}-{:02}", day.parse::<u32>().ok()?))
}

/// `[bullseye] - xorg-server 2:1.20.11-1+deb11u6 (low)`.
fn package(line: &str) -> Result<Option<Affected>, &'static str> {
    let (codename, rest) = line.strip_prefix('[').and_then(|l| l.split_once(']')).ok_or("no release")?;
    let release = release(codename.trim()).ok_or("an unknown release")?;
    let namespace = Namespace::of("debian", Some(release)).map_err(|_| "an unknown release")?;
    let rest = rest.trim_start().strip_prefix('-').ok_or("no package")?;
    let mut words = rest.split_whitespace();
    let name = words.next().ok_or("no package")?;
    let affected = match words.next() {
        None => return Err("no version"),
        Some("<not-affected>") => return Ok(None),
        Some("<unfixed>") => Affected::unfixed(namespace, name, Status::Affected),
        Some("<end-of-life>" | "<no-dsa>" | "<ignored>") => Affected::unfixed(namespace, name, Status::WillNotFix),
        Some("<undetermined>") => Affected::unfixed(namespace, name, Status::UnderInvestigation),
        Some(tag) if tag.starts_with('<') => return Err("an unknown state"),
        Some(version) => Affected::fixed(namespace, name, version),
    };
    Ok(Some(affected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_packages() {
        let record = heading("[29 Mar 2023] DSA-5380-1 xorg-server - security update").unwrap();
        assert_eq!((record.id.as_str(), record.modified), ("DSA-5380-1", Day::parse("2023-03-29")));
        assert!(heading("[bullseye] - xorg-server 1").is_none());
        let affected = package("[bullseye] - xorg-server 2:1.20.11-1+deb11u6").unwrap().unwrap();
        assert_eq!((affected.namespace.as_str(), affected.name.as_str()), ("debian:11", "xorg-server"));
        assert_eq!(package("[etch] - zope <not-affected> (older)"), Ok(None));
        assert_eq!(package("[wheezy] - x <end-of-life>").unwrap().unwrap().status, Status::WillNotFix);
        assert!(package("[hamm] - x 1").is_err());
    }
}

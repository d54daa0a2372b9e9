//! Turns the builder's pools into the bytes that `layout.rs` describes.

use std::collections::BTreeMap;

use crate::{
    BuildError, Coverage, End, FeedInfo, FeedSummary, Manifest, Namespace, Start, VersionRange,
    collapse::{Groups, is_cve, is_name},
    floors,
    intern::Interner,
    layout::{FORMAT_VERSION, HEADER, MAGIC, SECTION_ROW, TAGS, hash, put, table},
    pools::{AffectedRow, MAX_CWES, Pools, RecordHeader},
    shares, signals, title,
};

/// The strings section while it is written: a string gets its offset when it is first used.
struct Strings<'b> {
    source: &'b Interner,
    offsets: Vec<u32>,
    out: Vec<u8>,
}

impl Strings<'_> {
    fn offset(&mut self, number: u32) -> u32 {
        let known = self.offsets[number as usize];
        if known != u32::MAX {
            return known;
        }
        let offset = self.out.len() as u32;
        let text = self.source.get(number);
        put(&mut self.out, text.len() as u32);
        self.out.extend_from_slice(text.as_bytes());
        self.offsets[number as usize] = offset;
        offset
    }

    fn put(&mut self, out: &mut Vec<u8>, number: u32) {
        let offset = self.offset(number);
        put(out, offset);
    }

    fn list(&mut self, out: &mut Vec<u8>, numbers: &[u32]) {
        put(out, numbers.len() as u32);
        for &n in numbers {
            self.put(out, n);
        }
    }
}

/// The vulnerabilities in the order of their ids, and which one each record describes.
struct Vulnerabilities {
    /// The id of each vulnerability.
    ids: Vec<u32>,
    /// The records of each vulnerability, in a stable order.
    heads: Vec<Vec<u32>>,
    /// The vulnerability of each record; `u32::MAX` for enrichment of something that no package has.
    of_head: Vec<u32>,
}

pub(crate) fn encode(b: Pools) -> Result<Vec<u8>, BuildError> {
    let ranks = b.strings.ranks();
    let rank = |n: u32| ranks[n as usize];
    let cve: Vec<bool> = (0..b.strings.len() as u32).map(|n| is_cve(b.strings.get(n))).collect();
    let cve = |n: u32| cve[n as usize];

    // A stable order of the records, whatever order they arrived in.
    let mut order: Vec<u32> = (0..b.heads.len() as u32).collect();
    let sorted = |h: &RecordHeader| {
        let mut a: Vec<u32> = h.aliases.of(&b.string_ids).iter().map(|n| rank(*n)).collect();
        a.sort_unstable();
        a
    };
    order.sort_by_cached_key(|&i| {
        let h = &b.heads[i as usize];
        (rank(h.id), rank(h.feed), sorted(h), rank(h.title), h.modified)
    });

    let vulnerabilities = collapse(&b, &order, rank, cve);
    let mut strings = Strings { source: &b.strings, offsets: vec![u32::MAX; b.strings.len()], out: Vec::new() };
    strings.offset(0);

    let feed_order: BTreeMap<&str, u32> = b.feeds.keys().zip(0u32..).map(|(k, n)| (k.as_str(), n)).collect();
    let (entries, index, mut coverage) = entries(&b, &vulnerabilities, &mut strings, rank, &feed_order);
    shares::fill(&b, &mut coverage);
    let signals = signals::table(&b);
    let (vulnerability_bytes, vulnerability_table) =
        vulnerability_section(&b, &vulnerabilities, &signals, &mut strings, rank, cve);
    let (ids, id_index) = id_section(&b, &vulnerabilities, &mut strings, rank);

    let mut end_of_life = b.end_of_life.clone();
    end_of_life.sort();
    end_of_life.dedup();
    let unnamed = |id: &str| FeedInfo { id: id.into(), name: id.into(), url: String::new(), license: String::new() };
    let feeds = b
        .feeds
        .iter()
        .map(|(id, state)| FeedSummary {
            info: state.info.clone().unwrap_or_else(|| unnamed(id)),
            records: state.records,
            withdrawn: state.withdrawn,
            errors: state.errors,
            newest: state.newest.map(|d| d.to_string()),
            fetched: state.fetched.filter(|_| state.newest.is_none()).map(|d| d.to_string()),
            quiet_days: state.quiet_days,
            signals: state.signals.clone(),
            at_least: floors::of_feed(&b.floors, id),
        })
        .collect();
    let vulnerabilities = vulnerabilities.ids.len() as u64;
    let manifest = Manifest { feeds, coverage, end_of_life, signals, vulnerabilities };
    // Serialising plain strings and numbers cannot fail; an empty manifest would be refused at opening.
    let manifest = serde_json::to_vec(&manifest).unwrap_or_default();
    assemble([manifest, strings.out, entries, index, vulnerability_bytes, vulnerability_table, ids, id_index])
}

/// The file of these sections.
pub(crate) fn assemble(sections: [Vec<u8>; 8]) -> Result<Vec<u8>, BuildError> {
    let align = |n: usize| n.div_ceil(8) * 8;
    let start = HEADER + SECTION_ROW * sections.len();
    let total = sections.iter().fold(start, |at, s| align(at) + s.len());
    if let Some(section) = sections.iter().find(|s| s.len() > u32::MAX as usize - 8) {
        return Err(BuildError::TooLarge(section.len()));
    }
    let mut out = Vec::with_capacity(total);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    out.extend_from_slice(&(total as u64).to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    let mut at = start;
    for (tag, section) in TAGS.iter().zip(&sections) {
        at = align(at);
        out.extend_from_slice(*tag);
        out.extend_from_slice(&(at as u64).to_le_bytes());
        out.extend_from_slice(&(section.len() as u64).to_le_bytes());
        at += section.len();
    }
    for section in &sections {
        out.resize(align(out.len()), 0);
        out.extend_from_slice(section);
    }
    Ok(out)
}

fn collapse(b: &Pools, order: &[u32], rank: impl Fn(u32) -> u32, cve: impl Fn(u32) -> bool + Copy) -> Vulnerabilities {
    let mut groups = Groups::new(b.strings.len(), cve);
    for &i in order {
        let head = &b.heads[i as usize];
        let mut aliases = head.aliases.of(&b.string_ids).to_vec();
        aliases.retain(|n| is_name(b.strings.get(*n)));
        aliases.sort_unstable_by_key(|n| rank(*n));
        groups.join(head.id, &aliases, cve);
    }
    // The name of a group: its CVE, else its GHSA, else the first id of a record.
    let mut names: BTreeMap<u32, u32> = BTreeMap::new();
    let key = |n: u32| (!b.strings.get(n).starts_with("GHSA-"), rank(n));
    let mut touched: Vec<u32> = b.rows.iter().map(|r| groups.root(b.heads[r.head as usize].id)).collect();
    touched.sort_unstable();
    touched.dedup();
    for &i in order {
        let id = b.heads[i as usize].id;
        let root = groups.root(id);
        let best = groups.cve(id);
        let name = names.entry(root).or_insert(best.unwrap_or(id));
        if best.is_none() && key(id) < key(*name) {
            *name = id;
        }
    }
    let mut vulnerabilities: Vec<(u32, u32)> = names
        .iter()
        .filter(|(root, _)| touched.binary_search(root).is_ok())
        .map(|(root, name)| (*name, *root))
        .collect();
    vulnerabilities.sort_unstable_by_key(|(name, _)| rank(*name));
    let number: BTreeMap<u32, u32> = vulnerabilities.iter().zip(0u32..).map(|((_, root), n)| (*root, n)).collect();
    let mut heads = vec![Vec::new(); vulnerabilities.len()];
    let mut of_head = vec![u32::MAX; b.heads.len()];
    for &i in order {
        if let Some(&n) = number.get(&groups.root(b.heads[i as usize].id)) {
            heads[n as usize].push(i);
            of_head[i as usize] = n;
        }
    }
    // Enrichment of a CVE that lives inside a bundle goes to the bundle too.
    let mut bare: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for &i in order {
        let head = &b.heads[i as usize];
        if head.enrichment_only && cve(head.id) {
            bare.entry(head.id).or_default().push(i);
        }
    }
    if !bare.is_empty() {
        for list in &mut heads {
            let mut more: Vec<u32> = Vec::new();
            for &i in list.iter() {
                let aliases = b.heads[i as usize].aliases.of(&b.string_ids);
                more.extend(aliases.iter().filter_map(|a| bare.get(a)).flatten());
            }
            more.sort_unstable_by_key(|i| rank(b.heads[*i as usize].id));
            more.retain(|i| !list.contains(i));
            more.dedup();
            list.extend(more);
        }
    }
    Vulnerabilities { ids: vulnerabilities.into_iter().map(|(name, _)| name).collect(), heads, of_head }
}

type EntrySections = (Vec<u8>, Vec<u8>, BTreeMap<Namespace, Coverage>);

fn entries(
    b: &Pools,
    vulnerabilities: &Vulnerabilities,
    strings: &mut Strings<'_>,
    rank: impl Fn(u32) -> u32,
    feed_order: &BTreeMap<&str, u32>,
) -> EntrySections {
    let feed_of: Vec<u32> =
        b.heads.iter().map(|h| feed_order.get(b.strings.get(h.feed)).copied().unwrap_or(0)).collect();
    let mut order: Vec<u32> = (0..b.rows.len() as u32).collect();
    order.sort_unstable_by_key(|&i| {
        let row = &b.rows[i as usize];
        (rank(row.namespace), rank(row.name), vulnerabilities.of_head[row.head as usize], feed_of[row.head as usize])
    });
    let (mut out, mut slots, mut coverage) = (Vec::new(), Vec::new(), BTreeMap::<Namespace, Coverage>::new());
    for package in order.chunk_by(|a, c| {
        let (a, c) = (&b.rows[*a as usize], &b.rows[*c as usize]);
        (a.namespace, a.name) == (c.namespace, c.name)
    }) {
        let Some(first) = package.first().map(|i| &b.rows[*i as usize]) else { continue };
        let (namespace, name) = (b.strings.get(first.namespace), b.strings.get(first.name));
        // Within one vulnerability and feed, the order of arrival must not show; and what two files say alike is said
        // once.
        let mut encoded: Vec<(u32, u32, Canonical, u32)> = package
            .iter()
            .map(|&i| {
                let row = &b.rows[i as usize];
                (vulnerabilities.of_head[row.head as usize], feed_of[row.head as usize], canonical(b, row, &rank), i)
            })
            .collect();
        encoded.sort_unstable();
        encoded.dedup_by(|a, c| (a.0, a.1) == (c.0, c.1) && a.2 == c.2);

        slots.push((hash([namespace.as_bytes(), name.as_bytes()]), out.len() as u32));
        strings.put(&mut out, first.namespace);
        strings.put(&mut out, first.name);
        put(&mut out, encoded.len() as u32);
        for (vulnerability, feed, _, i) in &encoded {
            let row = &b.rows[*i as usize];
            let id =
                Some(b.heads[row.head as usize].id).filter(|id| *id != vulnerabilities.ids[*vulnerability as usize]);
            entry(b, row, (*vulnerability, id), *feed, strings, &mut out);
        }
        if let Ok(namespace) = Namespace::new(namespace) {
            let c = coverage.entry(namespace).or_default();
            c.packages += 1;
            c.entries += encoded.len() as u64;
            for (_, feed, ..) in &encoded {
                if let Some((id, _)) = feed_order.iter().find(|(_, n)| *n == feed)
                    && !c.feeds.iter().any(|f| f == id)
                {
                    c.feeds.push((*id).to_owned());
                }
            }
        }
    }
    coverage.values_mut().for_each(|c| c.feeds.sort());
    (out, table(&slots), coverage)
}

/// A row in numbers that do not depend on the order of arrival.
type Canonical = (u32, u8, u8, u32, Vec<u32>, Vec<u32>, Vec<VersionRange<u32>>);

fn canonical(b: &Pools, row: &AffectedRow, rank: impl Fn(u32) -> u32) -> Canonical {
    let list = |span: crate::pools::Span| span.of(&b.string_ids).iter().map(|n| rank(*n)).collect();
    let ranges = row.ranges.of(&b.ranges).iter().map(|r| VersionRange {
        start: match r.start {
            Start::Beginning => Start::Beginning,
            Start::From(v) => Start::From(rank(v)),
            Start::After(v) => Start::After(rank(v)),
        },
        end: match r.end {
            End::Open => End::Open,
            End::Fixed(v) => End::Fixed(rank(v)),
            End::Before(v) => End::Before(rank(v)),
            End::Last(v) => End::Last(rank(v)),
        },
    });
    let id = rank(b.heads[row.head as usize].id);
    (id, row.status, row.severity, rank(row.module), list(row.arches), list(row.versions), ranges.collect())
}

pub(crate) const HAS_SEVERITY: u8 = 1 << 3;
pub(crate) const HAS_ARCHES: u8 = 1 << 4;
pub(crate) const HAS_MODULE: u8 = 1 << 5;
pub(crate) const HAS_VERSIONS: u8 = 1 << 6;
/// Exactly one range, from the beginning to a fixed version: by far the most frequent shape.
pub(crate) const SIMPLE: u8 = 1 << 7;

fn entry(
    b: &Pools,
    row: &AffectedRow,
    (vulnerability, id): (u32, Option<u32>),
    feed: u32,
    strings: &mut Strings<'_>,
    out: &mut Vec<u8>,
) {
    let ranges = row.ranges.of(&b.ranges);
    let simple = match ranges {
        [VersionRange { start: Start::Beginning, end: End::Fixed(v) }] => Some(*v),
        _ => None,
    };
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(
        row.status & 7
            | flag(row.severity != 0, HAS_SEVERITY)
            | flag(row.arches.len != 0, HAS_ARCHES)
            | flag(row.module != 0, HAS_MODULE)
            | flag(row.versions.len != 0, HAS_VERSIONS)
            | flag(simple.is_some(), SIMPLE),
    );
    put(out, feed);
    put(out, vulnerability << 1 | u32::from(id.is_some()));
    if let Some(id) = id {
        strings.put(out, id);
    }
    if row.severity != 0 {
        out.push(row.severity - 1);
    }
    if row.module != 0 {
        strings.put(out, row.module);
    }
    if row.arches.len != 0 {
        strings.list(out, row.arches.of(&b.string_ids));
    }
    if row.versions.len != 0 {
        strings.list(out, row.versions.of(&b.string_ids));
    }
    if let Some(fixed) = simple {
        strings.put(out, fixed);
        return;
    }
    put(out, ranges.len() as u32);
    for range in ranges {
        let (start, from) = match range.start {
            Start::Beginning => (0, None),
            Start::From(v) => (1, Some(v)),
            Start::After(v) => (2, Some(v)),
        };
        let (end, to) = match range.end {
            End::Open => (0, None),
            End::Fixed(v) => (1, Some(v)),
            End::Before(v) => (2, Some(v)),
            End::Last(v) => (3, Some(v)),
        };
        out.push(start | end << 2);
        for version in [from, to].into_iter().flatten() {
            strings.put(out, version);
        }
    }
}

fn vulnerability_section(
    b: &Pools,
    vulnerabilities: &Vulnerabilities,
    signal_names: &[(String, String)],
    strings: &mut Strings<'_>,
    rank: impl Fn(u32) -> u32,
    cve: impl Fn(u32) -> bool,
) -> (Vec<u8>, Vec<u8>) {
    let (mut out, mut offsets) = (Vec::new(), Vec::new());
    for (&id, heads) in vulnerabilities.ids.iter().zip(&vulnerabilities.heads) {
        offsets.extend_from_slice(&(out.len() as u32).to_le_bytes());
        let heads: Vec<&RecordHeader> = heads.iter().map(|i| &b.heads[*i as usize]).collect();
        // Enrichment names no vulnerability of its own: a bundle's KEV entry must not make a CVE its alias twice.
        let own = heads.iter().filter(|h| !h.enrichment_only);
        let mut aliases: Vec<u32> =
            own.flat_map(|h| h.aliases.of(&b.string_ids).iter().copied().chain([h.id])).collect();
        aliases.retain(|a| *a != id);
        aliases.sort_unstable_by_key(|a| rank(*a));
        aliases.dedup();
        // A vulnerability with a CVE of its own has no second one; a record that claimed so was kept apart by
        // `collapse`.
        if cve(id) {
            aliases.retain(|a| !cve(*a));
        }
        let mut ratings: Vec<(u32, u8)> = heads.iter().flat_map(|h| h.ratings.of(&b.ratings).iter().copied()).collect();
        ratings.sort_unstable_by_key(|(source, severity)| (rank(*source), u8::MAX - severity));
        ratings.dedup_by_key(|(source, _)| *source);
        let mut cvss: Vec<[u32; 4]> = heads.iter().flat_map(|h| h.cvss.of(&b.cvss).iter().copied()).collect();
        cvss.sort_unstable_by_key(|c| (rank(c[0]), rank(c[1]), rank(c[2])));
        cvss.dedup();
        let mut cwes: Vec<_> = heads.iter().flat_map(|h| h.cwes.of(&b.cwes).iter().copied()).collect();
        cwes.sort_unstable();
        cwes.dedup();
        cwes.truncate(MAX_CWES);
        let signals = signals::joined(b, &heads, signal_names);
        let titles = heads.iter().filter(|h| h.title != 0).map(|h| (!cve(id) && h.id == id, h.title));
        let title = title::best(titles.map(|(own, title)| (own, b.strings.get(title), title))).unwrap_or(0);
        let modified = heads.iter().filter_map(|h| h.modified).max().map_or(0, |d| d.to_bits());

        out.push(
            u8::from(heads.iter().any(|h| h.malicious))
                | u8::from(!signals.is_empty()) << 1
                | u8::from(title != 0) << 3
                | u8::from(!cwes.is_empty()) << 4,
        );
        strings.put(&mut out, id);
        strings.list(&mut out, &aliases);
        put(&mut out, ratings.len() as u32);
        for (source, severity) in ratings {
            strings.put(&mut out, source);
            out.push(severity);
        }
        put(&mut out, cvss.len() as u32);
        for [source, version, vector, score] in cvss {
            for text in [source, version, vector] {
                strings.put(&mut out, text);
            }
            put(&mut out, score);
        }
        put(&mut out, modified);
        if title != 0 {
            strings.put(&mut out, title);
        }
        signals::write(&signals, &mut out);
        if !cwes.is_empty() {
            put(&mut out, cwes.len() as u32);
            cwes.iter().for_each(|c| put(&mut out, c.number().into()));
        }
    }
    (out, offsets)
}

fn id_section(
    b: &Pools,
    vulnerabilities: &Vulnerabilities,
    strings: &mut Strings<'_>,
    rank: impl Fn(u32) -> u32,
) -> (Vec<u8>, Vec<u8>) {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (n, heads) in (0u32..).zip(&vulnerabilities.heads) {
        pairs.push((vulnerabilities.ids[n as usize], n));
        for head in heads.iter().map(|i| &b.heads[*i as usize]) {
            pairs.push((head.id, n));
            pairs.extend(head.aliases.of(&b.string_ids).iter().map(|a| (*a, n)));
        }
    }
    pairs.sort_unstable_by_key(|(id, n)| (rank(*id), *n));
    pairs.dedup();
    let (mut out, mut slots) = (Vec::new(), Vec::new());
    for group in pairs.chunk_by(|a, c| a.0 == c.0) {
        let id = group[0].0;
        slots.push((hash([b.strings.get(id).as_bytes(), b""]), out.len() as u32));
        strings.put(&mut out, id);
        put(&mut out, group.len() as u32);
        group.iter().for_each(|(_, n)| put(&mut out, *n));
    }
    (out, table(&slots))
}

//! What the analyzers have found so far in one layer, while entries may still replace what earlier ones proved.
//!
//! An archive may have a path twice; the later entry counts. To look through all that was found for each such path
//! would make a layer of a million repeated names take days, so that a replaced path is only noted, with the time, and
//! what it had proved by then is dropped in one pass when enough has come together, and at the end. Which packages a
//! path proves, for hard links, is known by an index that grows with what is found. Both cost a constant for each thing
//! found.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
};

use layergate_model::{LayerPath, Package, Section};

/// Replaced paths that are noted before a pass over everything, at least.
const PASS: usize = 4096;

/// Bytes of everything that is found in one layer, about. A layer of 100,000 packages has 50 MB.
pub(crate) const MAX_WEIGHT: u64 = 256 << 20;
/// The list of gaps in [`Section::lengths`].
const GAPS: usize = 6;

/// The sections of a layer that is being read.
pub(crate) struct Gathered {
    sections: Vec<Section>,
    /// For each section, after which time each of its lists had how many items.
    grown: Vec<Vec<(u64, [u32; Section::LISTS])>>,
    time: u64,
    /// About how many bytes all of it holds.
    weight: u64,
    replaced: HashMap<LayerPath, u64>,
    found: usize,
    /// Paths that an analyzer claimed, to be asked for one and for those below a directory.
    claimed: HashSet<LayerPath>,
    ordered: BTreeSet<LayerPath>,
    /// Paths that had something claimed below them when they came (again).
    twofold: HashSet<Box<str>>,
    /// Packages by the path that proves them: for each section how many of them are in its index.
    proved: Vec<(usize, HashMap<LayerPath, Vec<u32>>)>,
}

impl Gathered {
    pub(crate) fn new(sections: Vec<Section>) -> Self {
        let count = sections.len();
        Self {
            sections,
            grown: vec![Vec::new(); count],
            time: 0,
            weight: 0,
            replaced: HashMap::new(),
            found: 0,
            claimed: HashSet::new(),
            ordered: BTreeSet::new(),
            twofold: HashSet::new(),
            proved: vec![(0, HashMap::new()); count],
        }
    }

    /// One section, to be added to. [`Self::note`] must follow.
    pub(crate) fn section(&mut self, index: usize) -> &mut Section {
        &mut self.sections[index]
    }

    /// Notes what was added to a section for the current entry; false when all that was found is too much to keep. What
    /// was added last is not kept then.
    pub(crate) fn note(&mut self, index: usize) -> bool {
        let mut now = self.sections[index].lengths();
        let before = self.grown[index].last().map_or([0; Section::LISTS], |(_, lengths)| *lengths);
        let mut fits = true;
        if now != before {
            let more = self.sections[index].weight_beyond(before);
            fits = self.weight + more <= MAX_WEIGHT;
            if fits {
                self.weight += more;
            } else {
                self.sections[index].forget_where(|list, item, _| list != GAPS && item >= before[list] as usize);
                now = self.sections[index].lengths();
            }
            self.found +=
                now.iter().zip(before).map(|(now, before)| now.saturating_sub(before) as usize).sum::<usize>();
            match self.grown[index].last_mut().filter(|(time, _)| *time == self.time) {
                Some((_, lengths)) => *lengths = now,
                None => self.grown[index].push((self.time, now)),
            }
        }
        fits
    }

    /// The next entry. What earlier entries of this path proved is forgotten, but not what stands below it, and nothing
    /// there from then on: a link may have been in its place until then (one of a lower layer, even, of which nothing
    /// is known here), and what was written through it is still where it led.
    pub(crate) fn next_entry(&mut self, path: &LayerPath, buffer: &mut String) {
        self.time += 1;
        if self.claimed.contains(path) && !self.was_below_two(path) {
            self.forget(path.clone());
        }
        if self.ordered.is_empty() {
            return;
        }
        // A whiteout removes the same layer's link, too, where layers are unpacked one over the other.
        buffer.clear();
        match path.file_name().strip_prefix(".wh.") {
            Some(hidden) => {
                buffer.push_str(&path[..path.len() - path.file_name().len()]);
                buffer.push_str(hidden);
            }
            None => buffer.push_str(path),
        }
        if self.twofold.contains(buffer.as_str()) {
            return;
        }
        buffer.push('/');
        let from = (Bound::Included(buffer.as_str()), Bound::Unbounded);
        if self.ordered.range::<str, _>(from).next().is_some_and(|p| p.starts_with(buffer.as_str())) {
            buffer.pop();
            self.twofold.insert(buffer.as_str().into());
        }
    }

    /// Whether one of the directories that the path goes through was something else, too.
    fn was_below_two(&self, path: &str) -> bool {
        let mut parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        !self.twofold.is_empty() && parents.any(|parent| self.twofold.contains(parent))
    }

    pub(crate) fn claim(&mut self, path: &LayerPath) {
        if self.claimed.insert(path.clone()) {
            self.ordered.insert(path.clone());
        }
    }

    pub(crate) fn is_claimed(&self, path: &str) -> bool {
        self.claimed.contains(path)
    }

    fn forget(&mut self, path: LayerPath) {
        self.claimed.remove(&path);
        self.ordered.remove(&path);
        // Everything up to the entry before this one.
        self.replaced.insert(path, self.time - 1);
        if self.replaced.len() >= PASS.max(self.found / 4) {
            self.settle();
        }
    }

    /// Drops what replaced paths had proved before they were replaced.
    fn settle(&mut self) {
        if self.replaced.is_empty() {
            return;
        }
        (self.found, self.weight) = (0, 0);
        for (index, section) in self.sections.iter_mut().enumerate() {
            let grown = std::mem::take(&mut self.grown[index]);
            let replaced = &self.replaced;
            // The lists are asked in turn, each from its beginning, so that one look moves forward with it.
            let (mut list_at, mut step) = (usize::MAX, 0);
            section.forget_where(|list, item, evidence| {
                if list != list_at {
                    (list_at, step) = (list, 0);
                }
                while grown.get(step).is_some_and(|(_, lengths)| lengths[list] as usize <= item) {
                    step += 1;
                }
                let came = grown.get(step).map_or(self.time, |(time, _)| *time);
                replaced.get(evidence).is_some_and(|until| came <= *until)
            });
            let lengths = section.lengths();
            self.found += lengths.iter().map(|l| *l as usize).sum::<usize>();
            self.weight += section.weight_beyond([0; Section::LISTS]);
            self.grown[index].push((self.time.saturating_sub(1), lengths));
            self.proved[index] = (0, HashMap::new());
        }
        self.replaced.clear();
    }

    /// The packages that a section has by `path`.
    pub(crate) fn proved_by(&mut self, index: usize, path: &str) -> Vec<Package> {
        let section = &self.sections[index];
        let (known, by_path) = &mut self.proved[index];
        for (at, package) in section.packages.iter().enumerate().skip(*known) {
            if let Ok(evidence) = LayerPath::normalise(package.evidence()) {
                by_path.entry(evidence).or_default().push(at as u32);
            }
        }
        *known = section.packages.len();
        let until = self.replaced.get(path).copied();
        let grown = &self.grown[index];
        let came = |at: u32| {
            let step = grown.partition_point(|(_, lengths)| lengths[0] <= at);
            grown.get(step).map_or(self.time, |(time, _)| *time)
        };
        let live = |at: &&u32| until.is_none_or(|until| came(**at) > until);
        let found = by_path.get(path).into_iter().flatten().filter(live);
        found.filter_map(|at| section.packages.get(*at as usize).cloned()).collect()
    }

    /// The sections, what was replaced dropped.
    pub(crate) fn finish(mut self) -> Vec<Section> {
        self.settle();
        self.sections
    }
}

#[cfg(test)]
mod tests {
    use layergate_model::PackageKind;

    use super::*;

    fn path(text: &str) -> LayerPath {
        LayerPath::normalise(text).unwrap()
    }

    /// An entry that proves a package of version `v`, as the driver shows it.
    fn entry(all: &mut Gathered, at: &str, v: &str) {
        let at = path(at);
        all.next_entry(&at, &mut String::new());
        all.claim(&at);
        all.section(0).packages.push(Package::new(PackageKind::Npm, "a", v, &at));
        all.note(0);
    }

    fn left(all: Gathered) -> Vec<String> {
        let packages = all.finish().remove(0).packages;
        packages.iter().map(|p| format!("{} {}", p.evidence(), p.version)).collect()
    }

    #[test]
    fn the_last_of_a_path_counts_however_often_it_comes() {
        let mut all = Gathered::new(vec![Section::default()]);
        for v in 0..20_000 {
            entry(&mut all, "a/x", &v.to_string());
        }
        entry(&mut all, "b/x", "1");
        assert_eq!(all.proved_by(0, "a/x").len(), 1);
        entry(&mut all, "a/x", "last");
        assert_eq!(all.proved_by(0, "a/x")[0].version, "last");
        assert_eq!(left(all), ["b/x 1", "a/x last"]);
    }

    #[test]
    fn what_takes_a_directorys_place_takes_nothing_that_a_link_may_have_led_to() {
        let mut all = Gathered::new(vec![Section::default()]);
        for at in ["d/e/x", "d/x", "da/x", "d", "d"] {
            entry(&mut all, at, "1");
        }
        for at in ["d/x", "da/x", "d"] {
            entry(&mut all, at, "2");
        }
        assert_eq!(left(all), ["d/e/x 1", "d/x 1", "d/x 2", "da/x 2", "d 2"]);
    }

    #[test]
    fn what_is_too_much_is_not_kept() {
        let mut all = Gathered::new(vec![Section::default()]);
        entry(&mut all, "a", "1");
        let at = path("b");
        all.next_entry(&at, &mut String::new());
        let mut large = Package::new(PackageKind::Npm, "a", "1", &at);
        large.hashes = vec!["x".repeat(1 << 20); 300];
        all.section(0).packages.push(large);
        assert!(!all.note(0));
        assert_eq!(left(all), ["a 1"]);
    }

    #[test]
    fn a_million_replacements_are_no_million_passes() {
        let mut all = Gathered::new(vec![Section::default()]);
        for n in 0..20_000 {
            entry(&mut all, &format!("m{n}/x"), "1");
        }
        let begin = std::time::Instant::now();
        for n in 0..200_000 {
            entry(&mut all, "d/x", "1");
            entry(&mut all, "d", &n.to_string());
        }
        assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
        assert_eq!(left(all).len(), 220_001);
    }
}

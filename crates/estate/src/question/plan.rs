//! Which base image's rebuild clears most failures, and where a rebuild does not help.
//!
//! A base is what an image's labels name; where they name none, the lowest layer that several images share. A rebuild on a
//! newer base brings the fixes of the packages of the base, and of no others.

use std::collections::BTreeMap;

use layergate_model::{Effect, Origin, Verdict};
use rustc_hash::FxHashMap;
use serde::Serialize;

use super::Estate;

/// What a rebuild of the images on one base comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BasePlan {
    /// The base: its name, or the distribution and the number of its set of packages.
    pub base: String,
    /// Images on it.
    pub images: usize,
    /// Those that fail.
    pub failing: usize,
    /// Failing images of which every failing finding is in the base and has a fix.
    pub cleared: usize,
    /// Failing images of which some failing finding is in the base and has a fix, and some other stays.
    pub helped: usize,
    /// Failing images that a rebuild does not help: what fails them is their own, or has no fix.
    pub unhelped: usize,
    /// Vulnerabilities of the base that fail images and have a fix, with the number of images each fails; the most first.
    pub vulnerabilities: Vec<(String, usize)>,
}

/// Vulnerabilities that are named for each base.
const NAMED: usize = 10;

impl Estate<'_> {
    /// The bases of the watched images, those whose rebuild clears most failures first.
    pub fn plan(&self) -> Vec<BasePlan> {
        let mut shared: FxHashMap<u32, usize> = FxHashMap::default();
        for (_, _, unit) in self.state.units() {
            if let Some(first) = self.index.images.get(&unit.key).and_then(|e| e.sets.first()) {
                *shared.entry(*first).or_default() += 1;
            }
        }
        let mut bases: BTreeMap<String, (BasePlan, BTreeMap<String, usize>)> = BTreeMap::new();
        for (_, _, unit) in self.state.units() {
            let Some(entry) = self.index.images.get(&unit.key) else { continue };
            let lowest = entry.sets.first().copied();
            let name = match (&entry.base, lowest) {
                (Some(name), _) => name.to_string(),
                (None, Some(set)) if shared.get(&set).is_some_and(|n| *n > 1) => {
                    let distro = self.index.shells.get(entry.shell).and_then(|s| s.distro.as_ref());
                    let distro = distro.map_or_else(
                        || "no distribution".to_owned(),
                        |d| format!("{} {}", d.id, d.version.as_deref().unwrap_or_default()).trim_end().to_owned(),
                    );
                    format!("{distro} (layer {set})")
                }
                (None, _) => continue,
            };
            let (plan, vulnerabilities) = bases.entry(name.clone()).or_default();
            plan.base = name;
            plan.images += 1;
            if unit.verdict.as_ref().is_none_or(|v| v.verdict != Verdict::Fail) {
                continue;
            }
            plan.failing += 1;
            let in_lowest = |part: u32| {
                entry.base.is_none()
                    && lowest.and_then(|set| self.index.sets.get(set)).is_some_and(|set| set.contains(&part))
            };
            let (mut clears, mut stays) = (0, 0);
            let failing = self.judgement.findings(self.index, entry);
            let mut named: Vec<&str> = Vec::new();
            for (part, finding) in failing.filter(|(_, f)| f.effect >= Effect::Fail && f.suppressed_by.is_none()) {
                let package = self.index.parts.get(part).and_then(|p| self.index.packages.get(p.package));
                let of_base = in_lowest(part) || package.is_some_and(|p| p.0.origin == Origin::Base);
                if of_base && finding.fixable {
                    clears += 1;
                    named.push(&finding.advisory);
                } else {
                    stays += 1;
                }
            }
            match (clears, stays) {
                (0, _) => plan.unhelped += 1,
                (_, 0) => plan.cleared += 1,
                (_, _) => plan.helped += 1,
            }
            named.sort_unstable();
            named.dedup();
            named.into_iter().for_each(|id| *vulnerabilities.entry(id.to_owned()).or_default() += 1);
        }
        let mut plans: Vec<BasePlan> = bases
            .into_values()
            .map(|(plan, vulnerabilities)| {
                let mut vulnerabilities: Vec<_> = vulnerabilities.into_iter().collect();
                vulnerabilities.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
                vulnerabilities.truncate(NAMED);
                BasePlan { vulnerabilities, ..plan }
            })
            .collect();
        plans.sort_by(|a, b| (b.cleared, b.helped, &a.base).cmp(&(a.cleared, a.helped, &b.base)));
        plans
    }
}

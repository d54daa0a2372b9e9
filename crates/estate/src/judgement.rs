//! All images judged under one set of pins, and what of it another set of pins changes.
//!
//! Every part is judged by the judge that a scan has, in an inventory of its own ([`Index::surroundings`]); an image's
//! outline is the join of its parts' ([`Outline`]). What was asked of the snapshot on the way is noted with the fingerprints of
//! the answers, so that under another snapshot exactly those parts are judged again of which an answer is another.
//!
//! What follows from dates (stale advisories, end of life) is taken out of the parts and reckoned for each [`Group`] of images
//! with the same distribution and sources: a new day costs groups, not images. What depends on a whole image (a VEX statement on
//! one of its findings, packages that depend on each other in other ways) is judged whole, from the kept image.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use layergate_advisory::{Consulted, Namespace, Question};
use layergate_judge::{AssessInput, Matches, assess, assess_matches, match_image, matching};
use layergate_model::{
    AdvisorySource, Distro, Effect, Evidence, Finding, FindingId, GapKind, ImageInventory, ImagePackage, Inputs,
    Origin, Package, PackageId, PackageKind, Purl, ReportImage, Severity, Signals, Status,
};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::{
    Entry, ImageKey, Index, KeptImage, Outline, Pins,
    index::{Part, Shell},
    kept::situational,
    pool::Pool,
};

/// An image under a reference: what has a verdict.
pub type UnitKey = (Arc<str>, ImageKey);

/// Kinds of gaps that follow from dates, or from the VEX documents as a whole.
const DATED: [GapKind; 4] =
    [GapKind::StaleAdvisories, GapKind::RuleWithoutFeed, GapKind::EndOfLife, GapKind::InvalidVex];

/// Images for which dates mean the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Group {
    rules: u32,
    distro: Option<(String, Option<String>)>,
    sources: Vec<Arc<str>>,
    open: bool,
}

/// A part that was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct JudgedPart {
    outline: Outline,
    questions: Box<[u32]>,
}

/// All parts judged under one set of pins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Judgement {
    /// The pins; `None` before anything was judged.
    inputs: Option<Inputs>,
    /// The exceptions and overrides that are about single images, by which references differ: each kind once.
    rules: Pool<Vec<bool>>,
    questions: Pool<AskedQuestion>,
    prints: Vec<u64>,
    /// By rules, then by part.
    parts: Vec<Vec<Option<Arc<JudgedPart>>>>,
    #[serde(skip)]
    memo: Memo,
}

#[derive(Debug, Default)]
struct Memo {
    sets: FxHashMap<(u32, u32), Arc<Outline>>,
    shells: FxHashMap<(u32, u32, bool), Arc<Outline>>,
    groups: HashMap<Group, Arc<Outline>>,
    vex: FxHashSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum AskedQuestion {
    #[serde(rename = "c")]
    Coverage(String),
    #[serde(rename = "p")]
    Package(String, String),
    #[serde(rename = "a")]
    Artifact(String),
    #[serde(rename = "v")]
    Vulnerability(String),
}

impl AskedQuestion {
    fn of(question: Question) -> Self {
        match question {
            Question::Coverage(namespace) => Self::Coverage(namespace),
            Question::Package(namespace, name) => Self::Package(namespace, name),
            Question::Artifact(artifact) => Self::Artifact(artifact),
            Question::Vulnerability(id) => Self::Vulnerability(id),
        }
    }

    fn question(&self) -> Question {
        match self.clone() {
            Self::Coverage(namespace) => Question::Coverage(namespace),
            Self::Package(namespace, name) => Question::Package(namespace, name),
            Self::Artifact(artifact) => Question::Artifact(artifact),
            Self::Vulnerability(id) => Question::Vulnerability(id),
        }
    }
}

/// What new pins changed.
#[derive(Debug, Default)]
pub struct Touched {
    /// Parts whose outline is another, with the one before (`None` for parts judged for the first time).
    pub(crate) parts: BTreeMap<u32, Option<Arc<Outline>>>,
    /// Parts that were judged.
    pub judged: usize,
    /// Whether every image has to be looked at again: the policy, VEX or the judge is another.
    pub all: bool,
}

impl Judgement {
    /// The pins under which everything was judged.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.inputs.as_ref()
    }

    /// The number of the rules that hold for a reference.
    fn rules(&mut self, reference: &str, pins: &Pins<'_>) -> u32 {
        self.rules.number(pins.policy.particulars(reference))
    }

    /// Makes the judgement hold under `pins` for the parts of `index`; `references` are the units' references, each with its
    /// image.
    pub fn update<'u>(
        &mut self,
        index: &Index,
        units: impl Iterator<Item = (&'u str, &'u ImageKey)>,
        pins: &Pins<'_>,
    ) -> Touched {
        let inputs = pins.inputs();
        let mut touched = Touched::default();
        let mut before: FxHashMap<(u32, u32), Arc<Outline>> = FxHashMap::default();
        let kept = self.inputs.as_ref().is_some_and(|old| same_rules(old, &inputs, pins));
        if kept {
            self.forget_changed(pins, &mut before);
        } else {
            touched.all = true;
            for (rules, parts) in (0..).zip(&self.parts) {
                let judged = (0..).zip(parts).filter_map(|(n, p)| Some((n, p.as_ref()?)));
                before.extend(judged.map(|(n, part)| ((rules, n), Arc::new(part.outline.clone()))));
            }
            (self.rules, self.questions, self.prints) = Default::default();
            self.parts.clear();
        }
        self.memo = Memo::default();
        self.memo.vex =
            pins.vex.iter().flat_map(|d| &d.statements).flat_map(|s| s.vulnerabilities.iter().cloned()).collect();

        // One reference stands for all that the policy treats alike.
        let mut wanted: BTreeMap<u32, (String, FxHashSet<u32>)> = BTreeMap::new();
        for (reference, key) in units {
            let Some(entry) = index.images.get(key) else { continue };
            let rules = self.rules(reference, pins);
            let (_, sets) = wanted.entry(rules).or_insert_with(|| (reference.to_owned(), FxHashSet::default()));
            sets.extend(entry.sets.iter().copied());
        }
        self.parts.resize_with(self.rules.len().max(self.parts.len()), Vec::new);
        for (rules, (reference, sets)) in wanted {
            let mut lacking: Vec<u32> = Vec::new();
            let known = &mut self.parts[rules as usize];
            known.resize_with(index.parts.len().max(known.len()), || None);
            for part in sets.iter().filter_map(|set| index.sets.get(*set)).flat_map(|set| set.iter()) {
                if known.get(*part as usize).is_some_and(Option::is_none) {
                    lacking.push(*part);
                }
            }
            lacking.sort_unstable();
            lacking.dedup();
            let judged = judge_parts(index, &lacking, &reference, pins);
            touched.judged += judged.len();
            for (number, outline, asked) in judged {
                let questions: Box<[u32]> =
                    asked.into_iter().map(|q| self.questions.number(AskedQuestion::of(q))).collect();
                // Under another policy the rules have other numbers: then every image is looked at again.
                let old = before.get(&(rules, number)).cloned();
                if old.as_deref() != Some(&outline) {
                    touched.parts.entry(number).or_insert(old);
                }
                if let Some(slot) = self.parts[rules as usize].get_mut(number as usize) {
                    *slot = Some(Arc::new(JudgedPart { outline, questions }));
                }
            }
        }
        for number in self.prints.len()..self.questions.len() {
            let question = self.questions.get(number as u32).map(AskedQuestion::question);
            self.prints.push(question.map_or(0, |q| pins.snapshot.answer_print(&q)));
        }
        self.inputs = Some(inputs);
        touched
    }

    /// Gives the room back that removed images took in `index` and here, once that is most of it. Nothing is judged again.
    pub(crate) fn compact(&mut self, index: &mut Index) {
        if !index.is_mostly_removed() {
            return;
        }
        let (compacted, numbers) = index.compacted();
        *index = compacted;
        let (questions, prints) = (std::mem::take(&mut self.questions), std::mem::take(&mut self.prints));
        for parts in &mut self.parts {
            let mut moved: Vec<Option<Arc<JudgedPart>>> = Vec::new();
            moved.resize_with(index.parts.len(), || None);
            for (number, part) in (0..).zip(parts.drain(..)) {
                let (Some(new), Some(part)) = (numbers.get(&number), part) else { continue };
                let Some(slot) = moved.get_mut(*new as usize) else { continue };
                let asked = part.questions.iter().filter_map(|q| Some((questions.get(*q)?, prints.get(*q as usize)?)));
                let mut known = Vec::with_capacity(part.questions.len());
                for (question, print) in asked {
                    let question = self.questions.number(question.clone());
                    self.prints.extend((question as usize == self.prints.len()).then_some(*print));
                    known.push(question);
                }
                *slot = Some(Arc::new(JudgedPart { outline: part.outline.clone(), questions: known.into() }));
            }
            *parts = moved;
        }
        self.memo.sets.clear();
        self.memo.shells.clear();
    }

    /// Forgets the parts of which an answer of the snapshot is another now.
    fn forget_changed(&mut self, pins: &Pins<'_>, before: &mut FxHashMap<(u32, u32), Arc<Outline>>) {
        let same = self.inputs.as_ref().and_then(|i| i.snapshot) == Some(pins.snapshot.digest());
        if same {
            return;
        }
        let mut changed: FxHashSet<u32> = FxHashSet::default();
        for (number, question) in self.questions.iter() {
            let print = pins.snapshot.answer_print(&question.question());
            if let Some(known) = self.prints.get_mut(number as usize).filter(|known| **known != print) {
                *known = print;
                changed.insert(number);
            }
        }
        if changed.is_empty() {
            return;
        }
        for (rules, parts) in (0..).zip(&mut self.parts) {
            for (number, slot) in (0..).zip(parts.iter_mut()) {
                let Some(part) = slot.as_ref().filter(|p| p.questions.iter().any(|q| changed.contains(q))) else {
                    continue;
                };
                before.insert((rules, number), Arc::new(part.outline.clone()));
                *slot = None;
            }
        }
    }

    /// The outline of a unit; `None` when it has to be judged whole ([`Judgement::whole`]).
    pub fn outline(&mut self, index: &Index, reference: &str, key: &ImageKey, pins: &Pins<'_>) -> Option<Outline> {
        let entry = index.images.get(key)?;
        let rules = self.rules(reference, pins);
        if entry.whole || self.is_in_vex(index, entry, rules) {
            return None;
        }
        let mut out = Outline::default();
        for set in &entry.sets {
            out.join(&*self.set(index, rules, *set)?);
        }
        let shell = index.shells.get(entry.shell)?;
        out.join(&self.shell(rules, entry, shell, reference, pins));
        if !entry.sets.is_empty() {
            // The shell alone has no packages; the image has.
            out.gaps.retain(|gap| gap.kind != GapKind::NoPackages || !gap.place.is_empty());
        }
        let distro = shell.distro.as_ref();
        let group = Group {
            rules,
            distro: distro.map(|d| (d.id.clone(), d.version.clone())),
            sources: out.sources.clone(),
            open: out.open,
        };
        let dated = match self.memo.groups.get(&group) {
            Some(known) => known.clone(),
            None => {
                let made = Arc::new(dated(&group, distro, reference, pins));
                self.memo.groups.insert(group, made.clone());
                made
            }
        };
        // A gap of extended support says more than that of the release, and stands alone.
        let extended = out.gaps.iter().any(|gap| gap.kind == GapKind::EndOfLife);
        match extended {
            true => {
                let mut rest = Outline::clone(&dated);
                rest.gaps.retain(|gap| gap.kind != GapKind::EndOfLife);
                out.join(&rest);
            }
            false => out.join(&dated),
        }
        Some(out)
    }

    /// The outline of a unit that is judged whole.
    pub fn whole(kept: &KeptImage, reference: &str, pins: &Pins<'_>) -> Outline {
        Outline::of(&kept.report(reference, pins), None)
    }

    /// The findings of an image, each with the number of its part.
    pub(crate) fn findings<'a>(
        &'a self,
        index: &'a Index,
        entry: &'a Entry,
    ) -> impl Iterator<Item = (u32, &'a crate::FindingOutline)> + 'a {
        let parts = entry.sets.iter().filter_map(|set| index.sets.get(*set)).flat_map(|set| set.iter().copied());
        parts.flat_map(move |number| {
            let judged = self.parts.iter().find_map(|rules| rules.get(number as usize)?.as_deref());
            judged.into_iter().flat_map(move |part| part.outline.findings.iter().map(move |f| (number, f)))
        })
    }

    /// The findings of a part.
    pub(crate) fn findings_of_part(&self, number: u32) -> &[crate::FindingOutline] {
        let judged = self.parts.iter().find_map(|rules| rules.get(number as usize)?.as_deref());
        judged.map_or(&[], |part| &part.outline.findings)
    }

    /// The parts with a finding of this id or alias.
    pub(crate) fn parts_with(&self, id: &str) -> impl Iterator<Item = u32> {
        let named = |f: &crate::FindingOutline| *f.advisory == *id || f.aliases.iter().any(|a| **a == *id);
        let judged = self.parts.iter().flat_map(|parts| (0..).zip(parts));
        let found = judged.filter(|(_, p)| p.as_ref().is_some_and(|p| p.outline.findings.iter().any(named)));
        found.map(|(number, _)| number).collect::<BTreeSet<u32>>().into_iter()
    }

    /// The advisories of the unsuppressed findings of a set, once for each part.
    pub(crate) fn advisories_of(&self, index: &Index, set: u32) -> Vec<&str> {
        let parts = index.sets.get(set).into_iter().flat_map(|set| set.iter());
        let judged = parts.filter_map(|n| self.parts.iter().find_map(|rules| rules.get(*n as usize)?.as_deref()));
        let findings = judged.flat_map(|part| &part.outline.findings).filter(|f| f.suppressed_by.is_none());
        findings.map(|f| &*f.advisory).collect()
    }

    fn is_in_vex(&self, index: &Index, entry: &Entry, rules: u32) -> bool {
        if self.memo.vex.is_empty() {
            return false;
        }
        let named = |f: &crate::FindingOutline| {
            self.memo.vex.contains(&*f.advisory) || f.aliases.iter().any(|a| self.memo.vex.contains(&**a))
        };
        let parts = entry.sets.iter().filter_map(|set| index.sets.get(*set)).flat_map(|set| set.iter());
        let known = self.parts.get(rules as usize);
        parts.filter_map(|n| known?.get(*n as usize)?.as_deref()).any(|part| part.outline.findings.iter().any(named))
    }

    fn set(&mut self, index: &Index, rules: u32, number: u32) -> Option<Arc<Outline>> {
        if let Some(known) = self.memo.sets.get(&(rules, number)) {
            return Some(known.clone());
        }
        let known = self.parts.get(rules as usize)?;
        let mut out = Outline::default();
        for part in index.sets.get(number)? {
            out.join(&known.get(*part as usize)?.as_ref()?.outline);
        }
        let out = Arc::new(out);
        self.memo.sets.insert((rules, number), out.clone());
        Some(out)
    }

    fn shell(&mut self, rules: u32, entry: &Entry, shell: &Shell, reference: &str, pins: &Pins<'_>) -> Arc<Outline> {
        let checks = situational(entry.created.as_deref(), reference, pins.as_of);
        // A check or gap whose place is the reference is every image's own.
        let common = checks.iter().all(|check| check.location == "config.created")
            && (shell.other_platforms.is_empty() || shell.index.is_some());
        let key = (rules, entry.shell, !checks.is_empty());
        if let Some(known) = self.memo.shells.get(&key).filter(|_| common) {
            return known.clone();
        }
        let mut inventory = ImageInventory {
            distro: shell.distro.clone(),
            secrets: shell.secrets.clone(),
            checks: shell.checks.clone(),
            gaps: shell.gaps.clone(),
            ..ImageInventory::default()
        };
        inventory.checks.extend(checks);
        let mut image = named(reference);
        image.other_platforms.clone_from(&shell.other_platforms);
        image.index_digest = shell.index;
        let mut outline = Outline::of(&report(image, &inventory, pins), None);
        outline.gaps.retain(|gap| {
            !is_dated(gap.kind) || shell.gaps.iter().any(|g| g.kind == gap.kind && *g.place == *gap.place)
        });
        let outline = Arc::new(outline);
        if common {
            self.memo.shells.insert(key, outline.clone());
        }
        outline
    }
}

fn is_dated(kind: GapKind) -> bool {
    DATED.contains(&kind)
}

/// Whether two sets of pins differ in nothing but advisories and dates, and no exception holds on one of the days alone.
fn same_rules(old: &Inputs, new: &Inputs, pins: &Pins<'_>) -> bool {
    let alike = |i: &Inputs| Inputs { snapshot: None, snapshot_date: None, as_of: String::new(), ..i.clone() };
    let Ok(day) = old.as_of.parse::<jiff::civil::Date>() else { return false };
    alike(old) == alike(new) && pins.policy.exceptions().iter().all(|e| e.expired(day) == e.expired(pins.as_of))
}

fn named(reference: &str) -> ReportImage {
    ReportImage {
        reference: reference.to_owned(),
        digest: None,
        index_digest: None,
        platform: None,
        layers: Vec::new(),
        distro: None,
        base: None,
        other_platforms: Vec::new(),
        left_out: Vec::new(),
    }
}

fn report(image: ReportImage, inventory: &ImageInventory, pins: &Pins<'_>) -> layergate_model::Report {
    assess(AssessInput {
        image,
        inventory,
        snapshot: Some(pins.snapshot),
        policy: pins.policy,
        // VEX is asked about whole images only.
        vex: &[],
        limits: pins.limits,
        analyzers: pins.analyzers,
        as_of: pins.as_of,
    })
}

type JudgedNumber = (u32, Outline, BTreeSet<Question>);

/// Judges parts, on all cores.
fn judge_parts(index: &Index, numbers: &[u32], reference: &str, pins: &Pins<'_>) -> Vec<JudgedNumber> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let share = numbers.len().div_ceil(cores).max(64);
    if numbers.len() <= share {
        return judge_some(index, numbers, reference, pins);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = numbers
            .chunks(share)
            .map(|share| (share, scope.spawn(move || judge_some(index, share, reference, pins))))
            .collect();
        // What a thread could not end is done here, where a second panic is seen.
        threads
            .into_iter()
            .flat_map(|(share, thread)| thread.join().unwrap_or_else(|_| judge_some(index, share, reference, pins)))
            .collect()
    })
}

fn judge_some(index: &Index, numbers: &[u32], reference: &str, pins: &Pins<'_>) -> Vec<JudgedNumber> {
    let consulted = Arc::new(Consulted::default());
    let snapshot = pins.snapshot.noting(consulted.clone());
    let pins = Pins { snapshot: &snapshot, ..*pins };
    let judge = |number: &u32| {
        let part: &Part = index.parts.get(*number)?;
        let (inventory, id) = index.surroundings(part)?;
        let report = report(named(reference), &inventory, &pins);
        let mut outline = Outline::of(&report, Some(&id));
        let release = report.image.distro.as_ref().map(release);
        outline.gaps.retain(|gap| match gap.kind {
            GapKind::EndOfLife => Some(&*gap.place) != release.as_deref(),
            kind => !is_dated(kind),
        });
        Some((*number, outline, consulted.take()))
    };
    numbers.iter().filter_map(judge).collect()
}

/// `debian 12`, as gaps name a release.
fn release(distro: &Distro) -> String {
    match &distro.version {
        Some(version) => format!("{} {version}", distro.id),
        None => distro.id.clone(),
    }
}

/// What dates and the VEX documents as a whole mean for a group: the judge's answer about an image of its distribution with one
/// package and, where a finding is open, one that the policy ignores.
fn dated(group: &Group, distro: Option<&Distro>, reference: &str, pins: &Pins<'_>) -> Outline {
    let mut sources: Vec<AdvisorySource> = match_image(&ImageInventory::default(), pins.snapshot).sources;
    for namespace in group.sources.iter().filter_map(|of| Namespace::new(of).ok()) {
        sources.extend(matching::sources_of(&namespace, pins.snapshot));
    }
    sources.sort();
    sources.dedup();
    let purl = Purl::build(PackageKind::Generic.purl_type(), None, "anything", "", &[]);
    let id = PackageId::derive(&purl, None, "");
    let package = Package {
        kind: PackageKind::Generic,
        name: "anything".into(),
        version: String::new(),
        arch: None,
        source: None,
        module: None,
        uuid: None,
        vendor: None,
        licenses: Vec::new(),
        scope: Default::default(),
        provenance: Default::default(),
        hashes: Vec::new(),
        dependencies: Vec::new(),
        locations: Vec::new(),
    };
    let package = ImagePackage { id: id.clone(), purl, package, layer: None, origin: Origin::Unknown, owned_by: None };
    let inventory = ImageInventory { distro: distro.cloned(), packages: vec![package], ..ImageInventory::default() };
    let findings = group.open.then(|| open_finding(&id)).into_iter().collect();
    let report = assess_matches(
        AssessInput {
            image: named(reference),
            inventory: &inventory,
            snapshot: Some(pins.snapshot),
            policy: pins.policy,
            vex: pins.vex,
            limits: pins.limits,
            analyzers: pins.analyzers,
            as_of: pins.as_of,
        },
        Matches { findings, gaps: Vec::new(), upgrades: BTreeMap::new(), sources },
    );
    let mut outline = Outline::of(&report, None);
    outline.gaps.retain(|gap| is_dated(gap.kind));
    Outline { gaps: outline.gaps, ..Outline::default() }
}

/// A finding that every policy leaves below `fail`.
fn open_finding(package: &PackageId) -> Finding {
    Finding {
        id: FindingId::derive(package, ""),
        advisory: String::new(),
        aliases: Vec::new(),
        title: None,
        severity: Severity::Unknown,
        severity_source: None,
        cvss: Vec::new(),
        cwe: Vec::new(),
        signals: Signals::default(),
        malicious: false,
        package: package.clone(),
        status: Status::NotAffected,
        fixed_versions: Vec::new(),
        remediation: String::new(),
        layer: None,
        evidence: Evidence { range: String::new(), feed: String::new(), matched_name: None },
        effect: Effect::Ignore,
        suppressed_by: None,
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

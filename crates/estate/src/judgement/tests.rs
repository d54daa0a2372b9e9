//! The joined outline is that of the whole report, and a delta is a full judgement: on made-up estates.

use layergate_model::Limits;
use proptest::prelude::*;

use super::*;
use samples::{day, image, policy, reference, snapshot, vex};

/// Everything of one run that is borrowed.
struct World {
    snapshot: layergate_advisory::Snapshot,
    policy: layergate_policy::Policy,
    vex: Vec<layergate_policy::VexDocument>,
    limits: Limits,
    as_of: jiff::civil::Date,
}

impl World {
    fn new([snapshot_seed, policy_seed, vex_seed, day_seed]: [u64; 4]) -> Self {
        Self {
            snapshot: snapshot(snapshot_seed),
            policy: policy(policy_seed),
            vex: vex(vex_seed),
            limits: Limits::default(),
            as_of: day(day_seed),
        }
    }

    fn pins(&self) -> Pins<'_> {
        let Self { snapshot, policy, vex, limits, as_of } = self;
        Pins { snapshot, policy, vex, limits, analyzers: "test", as_of: *as_of }
    }
}

struct Estate {
    index: Index,
    images: Vec<(String, KeptImage)>,
}

impl Estate {
    fn new(seeds: impl Iterator<Item = u64>) -> Self {
        let images: Vec<_> = seeds.map(|seed| (reference(seed), image(seed))).collect();
        let mut index = Index::default();
        images.iter().for_each(|(_, image)| index.insert(image.key(), image));
        Self { index, images }
    }

    fn update(&self, judgement: &mut Judgement, pins: &Pins<'_>) -> Touched {
        let keys: Vec<_> = self.images.iter().map(|(reference, image)| (reference.as_str(), image.key())).collect();
        judgement.update(&self.index, keys.iter().map(|(reference, key)| (*reference, key)), pins)
    }

    /// Every image's outline, those that need it judged whole.
    fn outlines(&self, judgement: &mut Judgement, pins: &Pins<'_>) -> Vec<Outline> {
        let one = |(reference, image): &(String, KeptImage)| {
            let joined = judgement.outline(&self.index, reference, &image.key(), pins);
            joined.unwrap_or_else(|| Judgement::whole(image, reference, pins)).summary()
        };
        self.images.iter().map(one).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_joined_outline_is_that_of_the_whole_report(seeds: [u64; 4], first in 0u64..5000) {
        let world = World::new(seeds.map(|s| s % 1000));
        let pins = world.pins();
        let estate = Estate::new(first..first + 40);
        let mut judgement = Judgement::default();
        estate.update(&mut judgement, &pins);
        let mut joined = 0;
        for (reference, image) in &estate.images {
            let whole = Judgement::whole(image, reference, &pins);
            if let Some(outline) = judgement.outline(&estate.index, reference, &image.key(), &pins) {
                joined += 1;
                prop_assert_eq!(outline.summary(), whole.summary(), "{}: {:#?}", reference, image);
            }
        }
        prop_assert!(joined > 10, "{joined} of {}", estate.images.len());
    }

    #[test]
    fn a_delta_is_a_full_judgement(before: [u64; 4], after: [u64; 4], same in 0u8..16, first in 0u64..5000) {
        // Each input stays as it was in half of the cases.
        let before = before.map(|s| s % 1000);
        let mut after = after.map(|s| s % 1000);
        for (n, seed) in after.iter_mut().enumerate() {
            if same >> n & 1 == 1 {
                *seed = before[n];
            }
        }
        let (old, new) = (World::new(before), World::new(after));
        let mut estate = Estate::new(first..first + 30);
        let mut judgement = Judgement::default();
        estate.update(&mut judgement, &old.pins());
        let _ = estate.outlines(&mut judgement, &old.pins());
        // Some images come meanwhile.
        for seed in first + 30..first + 35 {
            estate.images.push((reference(seed), image(seed)));
            let image = &estate.images.last().unwrap().1;
            estate.index.insert(image.key(), image);
        }
        let kept = serde_json::to_string(&judgement).unwrap();
        let mut restored: Judgement = serde_json::from_str(&kept).unwrap();
        estate.update(&mut restored, &new.pins());
        let delta = estate.outlines(&mut restored, &new.pins());
        let mut full = Judgement::default();
        estate.update(&mut full, &new.pins());
        prop_assert_eq!(delta, estate.outlines(&mut full, &new.pins()));
    }
}

#[test]
fn a_delta_judges_what_changed_and_nothing_else() {
    let estate = Estate::new(0..200);
    let (old, new) = (World::new([1, 0, 3, 0]), World::new([2, 0, 3, 0]));
    let mut judgement = Judgement::default();
    let all = estate.update(&mut judgement, &old.pins());
    assert!(all.all && all.judged > 50, "{}", all.judged);
    let none = estate.update(&mut judgement, &old.pins());
    assert_eq!((none.judged, none.parts.len(), none.all), (0, 0, false), "the same pins");
    let some = estate.update(&mut judgement, &new.pins());
    assert!(!some.all && some.judged > 0 && some.judged < all.judged, "{} of {}", some.judged, all.judged);
    let tomorrow = World { as_of: day(1), ..World::new([2, 0, 3, 0]) };
    assert_eq!(estate.update(&mut judgement, &tomorrow.pins()).judged, 0, "a day costs no part");
}

/// A bundle's own record rates nothing: how grave it is follows from the records of its CVEs.
#[test]
fn a_bundle_is_judged_again_when_one_of_its_cves_is_another() {
    use layergate_advisory::{Affected, Builder, FeedInfo, Namespace, Rating, Record, Snapshot};
    let snapshot = |severity| {
        let mut builder = Builder::new();
        let info = FeedInfo { id: "feed".into(), name: "feed".into(), url: String::new(), license: "CC0-1.0".into() };
        builder.feed(info);
        let mut bundle = Record::new("feed", "DSA-1-1");
        bundle.aliases = vec!["CVE-2026-1000".into(), "CVE-2026-1001".into()];
        let debian = Namespace::new("debian:12").unwrap();
        bundle.affected = samples::DEBS.iter().map(|name| Affected::fixed(debian.clone(), *name, "999")).collect();
        builder.add(&bundle).unwrap();
        let mut one = Record::new("feed", "CVE-2026-1000");
        one.ratings = vec![Rating { source: "nvd".into(), severity }];
        // Of a package that no image has: no other answer shows the record.
        one.affected = vec![Affected::fixed(Namespace::new("npm").unwrap(), "elsewhere", "9")];
        builder.add(&one).unwrap();
        Snapshot::from_bytes(builder.finish().unwrap()).unwrap()
    };
    let estate = Estate::new(0..60);
    let (low, high) = (Severity::Low, Severity::Critical);
    let old = World { snapshot: snapshot(low), ..World::new([0, 0, 3, 0]) };
    let new = World { snapshot: snapshot(high), ..World::new([0, 0, 3, 0]) };
    let mut judgement = Judgement::default();
    estate.update(&mut judgement, &old.pins());
    let before = estate.outlines(&mut judgement, &old.pins());
    assert!(before.iter().any(|outline| outline.counts.low > 0), "the bundle is found");
    assert!(estate.update(&mut judgement, &new.pins()).judged > 0);
    let after = estate.outlines(&mut judgement, &new.pins());
    assert!(after.iter().all(|outline| outline.counts.low == 0) && after.iter().any(|o| o.counts.critical > 0));
}

#[test]
fn what_was_removed_gives_its_room_back_and_nothing_is_judged_again() {
    let mut estate = Estate::new(0..90);
    let (old, new) = (World::new([1, 0, 3, 0]), World::new([2, 0, 3, 0]));
    let mut judgement = Judgement::default();
    estate.update(&mut judgement, &old.pins());
    let (before, questions) = (estate.index.sizes(), judgement.questions.len());
    judgement.compact(&mut estate.index);
    assert_eq!(estate.index.sizes(), before, "all of it is used");
    estate.images.drain(6..).for_each(|(_, image)| estate.index.remove(&image.key()));
    judgement.compact(&mut estate.index);
    let few = Estate::new(0..6);
    assert_eq!(estate.index.sizes(), few.index.sizes());
    assert!(judgement.questions.len() < questions && judgement.prints.len() == judgement.questions.len());
    assert_eq!(estate.update(&mut judgement, &old.pins()).judged, 0);
    for world in [&old, &new] {
        let (mut full, pins) = (Judgement::default(), world.pins());
        estate.update(&mut judgement, &pins);
        few.update(&mut full, &pins);
        assert_eq!(estate.outlines(&mut judgement, &pins), few.outlines(&mut full, &pins));
    }
}

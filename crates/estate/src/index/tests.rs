//! The index: what is the same is kept once, and nothing of an image is lost in it.

use super::*;
use crate::judgement::samples;

#[test]
fn images_on_one_base_share_its_set() {
    let mut index = Index::default();
    let images: Vec<KeptImage> = (0..10).map(samples::image).collect();
    for image in &images {
        index.insert(image.key(), image);
    }
    assert_eq!(index.len(), images.len());
    let sets: usize = index.images.values().map(|e| e.sets.len()).sum();
    assert!(index.sets.len() < sets, "{} of {sets}", index.sets.len());
    for image in &images {
        let entry = &index.images[&image.key()];
        let mut found: Vec<&str> = index.packages_of(entry).map(|(_, p)| p.purl.as_str()).collect();
        let mut want: Vec<&str> = image.inventory.packages.iter().map(|p| p.purl.as_str()).collect();
        found.sort_unstable();
        want.sort_unstable();
        assert_eq!(found, want);
    }
}

#[test]
fn what_was_removed_gives_its_room_back() {
    let mut index = Index::default();
    let images: Vec<KeptImage> = (0..20).map(samples::image).collect();
    images.iter().for_each(|image| index.insert(image.key(), image));
    let mut few = Index::default();
    images.iter().take(3).for_each(|image| few.insert(image.key(), image));
    images.iter().skip(3).for_each(|image| index.remove(&image.key()));
    let (compacted, _) = index.compacted();
    assert_eq!((compacted.sizes(), compacted.len()), (few.sizes(), 3));
    assert_eq!((index.is_mostly_removed(), compacted.is_mostly_removed()), (true, false));
}

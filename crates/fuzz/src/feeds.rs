//! One target for each feed of the catalogue, and what is read on the way to them: packed files, repository indexes. A
//! feed's file is a line with its path and then its content. What comes out must build a snapshot that finds it again.

use layergate_advisory::{Builder, Snapshot};
use layergate_feeds::bytes::{ParsedFile, parse_as, parse_repomd, unpack};

use crate::{Target, path_and_content};

pub(crate) fn targets() -> Vec<Target> {
    let feed = |id: &'static str| Target::new(format!("feed-{id}"), move |bytes| one_feed(id, bytes));
    let mut all: Vec<_> = layergate_feeds::catalogue_ids().map(feed).collect();
    all.push(Target::new("feed-packed", |bytes| drop(unpack("feed", bytes))));
    all.push(Target::new("feed-repomd", |bytes| drop(parse_repomd(bytes))));
    all
}

fn one_feed(id: &str, bytes: &[u8]) {
    let (path, content) = path_and_content(bytes);
    let Some(ParsedFile { records, .. }) = parse_as(id, path.unwrap_or("feed"), content) else { return };
    let mut builder = Builder::new();
    let mut taken = 0;
    for record in &records {
        taken += usize::from(builder.add(record).is_ok());
    }
    let Ok(bytes) = builder.finish() else { return };
    let snapshot = Snapshot::from_bytes(bytes).ok();
    assert!(snapshot.is_some(), "a snapshot of {taken} records cannot be opened");
    for snapshot in snapshot.iter() {
        for (key, entries) in snapshot.packages() {
            let found = snapshot.lookup_text(key.namespace, key.name).count();
            assert!(found == entries.count(), "{} {} is not found again", key.namespace, key.name);
        }
    }
}

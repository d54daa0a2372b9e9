//! What is kept and sent: snapshots, inventories, path tables, messages. They carry checksums, which are set right
//! here, so that what lies behind them is reached.

use bytes::Bytes;
use layergate_advisory::Snapshot;
use layergate_model::{Digest, PathTable};
use layergate_nats::convert;
use layergate_ports::{codec, conformance, values::Lane};

use crate::Target;

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("snapshot", snapshot),
        Target::new("inventory", inventory),
        Target::new("stored-report", |bytes| {
            let Ok(packed) = zstd::bulk::compress(bytes, 1) else { return };
            let _ = (codec::decode_report(&packed), codec::decode_report(bytes));
        }),
        Target::new("path-table", path_table),
        Target::new("message", message),
    ]
}

/// Every look-up ends, whatever the offsets say.
fn snapshot(bytes: &[u8]) {
    const MOST: usize = 2000;
    let mut bytes = bytes.to_vec();
    let length = bytes.len() as u64;
    if let Some(field) = bytes.get_mut(16..24) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    let Ok(snapshot) = Snapshot::from_bytes(bytes) else { return };
    for (key, entries) in snapshot.packages().take(MOST) {
        let _ = snapshot.lookup_text(key.namespace, key.name).take(MOST).count();
        for entry in entries.take(MOST) {
            let _ = (entry.ranges.clone().take(MOST).count(), entry.arches.clone().take(MOST).count());
            if let Some(vulnerability) = snapshot.vulnerability(entry.vulnerability) {
                let _ = snapshot.vulnerabilities_named(vulnerability.id).len();
            }
        }
    }
    let _ = (snapshot.newest(), snapshot.feed_id(1), snapshot.feeds().len());
}

/// As it is, and as the content behind a right head.
fn inventory(bytes: &[u8]) {
    let blob = Digest::of(b"blob");
    let _ = codec::decode_inventory(bytes, blob);
    let Ok(packed) = zstd::bulk::compress(bytes, 1) else { return };
    let mut stored = b"LGI".to_vec();
    stored.push(codec::INVENTORY_FORMAT);
    stored.extend_from_slice(&Digest::of(&packed).as_bytes()[..8]);
    stored.extend_from_slice(&packed);
    if let Ok(read) = codec::decode_inventory(&stored, blob) {
        let again = codec::encode_inventory(&read).ok().and_then(|s| codec::decode_inventory(&s, blob).ok());
        assert!(again.as_ref() == Some(&read), "what was read is stored differently");
    }
}

fn path_table(bytes: &[u8]) {
    if let Ok(table) = PathTable::from_bytes(bytes) {
        let counted = table.entries().take(100_000).count();
        let mut visited = 0usize;
        table.visit(|_| visited += 1);
        assert!(counted <= 100_000 && (visited >= counted || counted == 100_000));
    }
    if let Ok(packed) = zstd::bulk::compress(bytes, 1)
        && let Ok(table) = PathTable::from_bytes(&packed)
    {
        let _ = table.entries().take(100_000).count();
    }
}

/// The first byte says which message it is.
fn message(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let rest = Bytes::copy_from_slice(rest);
    let key = conformance::key(1);
    let id = conformance::job("one", Lane::Bulk, "team").id;
    match kind % 8 {
        0 => drop(convert::job_from_wire(rest, &id, None)),
        1 => drop(convert::task_from_wire(rest, &key, None)),
        2 => drop(convert::done_from_wire(rest)),
        3 => drop(convert::failure_from_wire(rest, None)),
        4 => drop(convert::verdict_from_wire(rest, &id)),
        5 => drop(convert::member_from_wire(rest)),
        6 => drop(convert::drain_from_wire(rest)),
        _ => drop(convert::announcement_from_wire(rest)),
    }
}
